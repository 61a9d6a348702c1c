"""Loops of known length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ..codegen.emitter import Emitter
from ..ir.types import Index
from ..ir.value import Value
from ..layout.view import Buffer, View
from .base import Instruction, Instructions, Liveness, total_nanoseconds

_POLL_INTERVAL = 20_000.0  # nanoseconds between two looks at the clock, about
_MAX_POLL_INTERVAL = 4096  # iterations
_SHORT = 500.0  # nanoseconds of an iteration in which loads and stores dominate
_OUTLINED = 2_000.0  # nanoseconds of an iteration that may be a function of its own
_MAX_CARRIED = 12  # registers from one iteration to the next; there are 16 or 32 in all

_ArenaValue = tuple[int, np.dtype[Any], int]
"""A value in the arena: byte offset, dtype, lanes."""


@dataclass(frozen=True, eq=False)
class RowPointer:
    """A word of the frame that points at another row of an array in each iteration.

    Attributes
    ----------
    row : View
        Its buffer's address is the word.
    array : View
    stride : int
        Numbers from one row to the next.
    """

    row: View
    array: View
    stride: int


@dataclass(frozen=True, eq=False)
class ForLoop(Instruction):
    """Runs its body `trip_count` times.

    Attributes
    ----------
    trip_count : int
    reverse : bool
        Whether row pointers go from the last row to the first.
    row_pointers : sequence of RowPointer
    body : tuple of Instruction
    autotune_word : int
        First word of what the loop learns about sharing small work; 0 if it has none to share.
    """

    timed: ClassVar[bool] = False

    trip_count: int
    reverse: bool
    row_pointers: Sequence[RowPointer]
    body: Instructions
    autotune_word: int = 0

    def buffers(self) -> Iterator[Buffer]:
        for pointer in self.row_pointers:
            yield pointer.array.buffer
        for instruction in self.body:
            yield from instruction.buffers()

    def record_liveness(self, liveness: Liveness) -> None:
        """Use the arrays before the loop, and in each iteration another row of them."""
        arrays = [pointer.array.buffer for pointer in self.row_pointers]
        liveness.use(arrays)
        with liveness.loop():
            liveness.use(arrays)
            liveness.run(self.body)

    def bodies(self) -> tuple[Instructions, ...]:
        return (self.body,)

    def with_bodies(self, bodies: Sequence[Instructions]) -> Instruction:
        (body,) = bodies
        return replace(self, body=body)

    def nanoseconds(self) -> float:
        return self.trip_count * total_nanoseconds(self.body)

    def summary(self) -> str:
        return f"{self.trip_count} iterations"

    def headings(self) -> Sequence[str]:
        return [f"{self.summary()}{', in reverse' if self.reverse else ''}:"]

    def emit(self, emitter: Emitter) -> None:
        f, addresses = emitter.f, emitter.addresses
        if self.trip_count == 1:
            self.emit_iteration(emitter, 0, {})
            return
        carried = self._loop_carried(emitter)

        def load(value: _ArenaValue) -> Value:
            offset, dtype, lanes = value
            return f.load(addresses.in_arena(offset), dtype, lanes)

        with f.loop(0, self.trip_count, carried=[load(value) for value in carried]) as loop:
            index: Index = loop.index
            self._poll(emitter, loop.index)
            if self.autotune_word:
                f.declare("autotune", "declare void @autotune(ptr, ptr, i64)")
                state = addresses.word(self.autotune_word)
                f.emit(f"call void @autotune(ptr %frame, ptr {state}, i64 {loop.index})")
            if self.reverse:
                index = f.name(f"sub i64 {self.trip_count - 1}, {loop.index}")
            known = {value[0]: x for value, x in zip(carried, loop.values, strict=True)}
            if emitter.outlined is not None and total_nanoseconds(self.body) > _OUTLINED:
                self._call_iteration(emitter, index)
            else:
                self.emit_iteration(emitter, index, known)
            loop.carry(*[load(value) for value in carried])

    def emit_iteration(self, emitter: Emitter, index: Index, known: dict[int, Value]) -> None:
        """Advance the row pointers and run the body; the arena is known to hold some values."""
        addresses = emitter.addresses
        for pointer in self.row_pointers:
            row = addresses.of_view(pointer.array, (index, pointer.stride))
            word = pointer.row.buffer.word
            assert word is not None
            addresses.store_word(word, row, "ptr")
        emitter.f.forwarding.assume(known)
        emitter.run(self.body)

    def _loop_carried(self, emitter: Emitter) -> list[_ArenaValue]:
        """Return the values that a short iteration leaves in registers for the next one.

        They are known once the body is emitted. So it is emitted once as a dry run, and removed.
        """
        f = emitter.f
        if emitter.timing is not None or total_nanoseconds(self.body) > _SHORT:
            return []
        lines, block, functions = len(f.lines), f.block, len(f.module.functions)
        with f.forwarding.dry_run() as live, emitter.context.functions.dry_run():
            self.emit_iteration(emitter, 0, {})
        del f.lines[lines:], f.module.functions[functions:]
        f.block = block
        return [(offset, x.dtype, x.lanes) for offset, x in live.items()][:_MAX_CARRIED]

    def _poll(self, emitter: Emitter, index: str) -> None:
        """Poll for signals every few microseconds: if the index is a multiple of a power of two."""
        f, interval = emitter.f, 1
        iteration = total_nanoseconds(self.body)
        while interval * iteration < _POLL_INTERVAL and interval < _MAX_POLL_INTERVAL:
            interval *= 2
        if interval == 1:
            emitter.poll()
            return
        low_bits = f.name(f"and i64 {index}, {interval - 1}")
        with f.when(f.name(f"icmp eq i64 {low_bits}, 0")):
            emitter.poll()

    def _call_iteration(self, emitter: Emitter, index: Index) -> None:
        """Outline the iteration: a function that is called through a word of the frame."""
        f, addresses = emitter.f, emitter.addresses
        assert emitter.outlined is not None
        name, word = emitter.outlined.new()
        function = f.module.function(name, [("ptr", "frame"), ("i64", "index")])
        self.emit_iteration(emitter.inner(function), "%index", {})
        function.jump("exit")
        function.label("exit")
        function.emit("ret void")
        f.emit(f"call void {addresses.load_word(word)}(ptr %frame, i64 {index})")
        emitter.exit_if_stopped()
