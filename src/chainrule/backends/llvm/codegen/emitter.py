"""What an instruction writes its code with: the function at hand, and what all of them need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

from ....graph.node import Node
from ..expressions.expression import Lookup
from ..ir.builder import FunctionBuilder
from ..ir.types import Index
from ..layout.frame import AUTOTUNED_POOL, INTERRUPTED, POOL, STATUS, TILE_SIZE
from ..layout.view import Arena
from .addresses import Addresses, OperandAddresses
from .outlining import (
    ROWS,
    Call,
    Outlinable,
    OutlinedFunctions,
    rebased,
    repeated_calls,
    runs,
    sections,
)
from .timing import Measurable, Timing
from .vector_loops import RowRange


class Emittable(Outlinable, Measurable, Protocol):
    """What the emitter uses of an instruction."""

    @property
    def timed(self) -> bool:
        """Whether its time is measured; that of control flow is the sum of its bodies."""
        ...

    def summary(self) -> str:
        """Describe it in a few words."""
        ...

    def emit(self, emitter: Emitter) -> None:
        """Write its code."""
        ...

    def emit_rows(self, emitter: Emitter, rows: RowRange) -> None:
        """Write its code for some rows."""
        ...


@dataclass
class OutlinedIterations:
    """Iterations of loops that are functions of their own, called through words of the frame.

    Another thread can replace them by optimised code between two iterations.
    """

    first_word: int
    count: int = 0

    def new(self) -> tuple[str, int]:
        """Return the name of a new function, and the word that is to hold its address."""
        name, word = f"iteration{self.count}", self.first_word + self.count
        self.count += 1
        return name, word

    @property
    def words(self) -> tuple[int, ...]:
        """The words of all outlined functions."""
        return tuple(range(self.first_word, self.first_word + self.count))


@dataclass(frozen=True)
class Context:
    """What is the same in all functions of a module.

    Attributes
    ----------
    arena : Arena
    bounds_checks : mapping of Node to int
        The number by which an error names a node whose index is out of bounds.
    functions : OutlinedFunctions
        Of instructions that repeat.
    """

    arena: Arena
    bounds_checks: Mapping[Node, int] = field(default_factory=dict)
    functions: OutlinedFunctions = field(default_factory=OutlinedFunctions)


class Parallel(Protocol):
    """Work that threads may share, in tiles."""

    @property
    def extent(self) -> int:
        """What is cut into tiles: a number of rows, columns or parts."""
        ...

    @property
    def tile_size(self) -> int:
        """How much of it a tile has."""
        ...

    @property
    def n_tiles(self) -> int:
        """The number of tiles."""
        ...

    @property
    def adaptive(self) -> bool:
        """Whether an enclosing loop finds out if sharing pays; if not, all is one tile."""
        ...


class Emitter:
    """Writes instructions into one function."""

    def __init__(
        self, f: FunctionBuilder, context: Context, outlined: OutlinedIterations | None = None,
        addresses: Addresses | None = None,
    ) -> None:  # fmt: skip
        self.f, self.context, self.outlined = f, context, outlined
        self.addresses = addresses or Addresses(f, context.arena)
        self.timing: Timing | None = None

    def inner(self, f: FunctionBuilder) -> Emitter:
        """Return an emitter for another function of the module."""
        return Emitter(f, self.context)

    def check_number(self, lookup: Lookup) -> int:
        """Return the number by which an error names a lookup."""
        return self.context.bounds_checks[lookup.node]

    def run(self, instructions: Sequence[Emittable]) -> None:
        """Write instructions one after the other."""
        if self.timing is not None:
            for instruction in instructions:
                with self.timing.count(instruction) if instruction.timed else nullcontext():
                    instruction.emit(self)
            return
        parts = list(runs(instructions, repeated_calls(instructions)))
        first, *others = sections(parts)
        if not others:
            self._run_parts(first)
            return
        for section in (first, *others):
            self._call_section(section)

    def _run_parts(self, parts: Sequence[Any]) -> None:
        """Write instructions that stay in line, and lists of calls."""
        for part in parts:
            if isinstance(part, list):
                self._run_calls(part, None)
            else:
                part.emit(self)

    def _call_section(self, parts: Sequence[Any]) -> None:
        """Write some of a long list of instructions as a function, and its call."""
        f = self.f
        name = f"section{len(f.module.functions)}"
        function = f.module.function(name, [("ptr", "frame")], linkage="internal")
        Emitter(function, self.context, self.outlined)._run_parts(parts)
        function.jump("exit")
        function.label("exit")
        function.emit("ret void")
        f.emit(f"call void @{name}(ptr %frame)")
        self.exit_if_stopped()

    def exit_if_stopped(self) -> None:
        """End the function if one that it called has ended `main`."""
        f = self.f
        status = self.addresses.load_word(STATUS, "i64")
        go_on = f.fresh("on")
        f.branch(f.name(f"icmp slt i64 {status}, 0"), "exit", go_on)
        f.label(go_on)

    def run_rows(self, instructions: Sequence[Emittable], rows: RowRange) -> None:
        """Write instructions one after the other, for some rows."""
        for part in runs(instructions, repeated_calls(instructions, rows.n_rows, rows.single)):
            if isinstance(part, list):
                self._run_calls(part, rows)
            else:
                part.emit_rows(self, rows)

    def _run_calls(self, calls: Sequence[Call], rows: RowRange | None) -> None:
        """Write a loop over the calls of outlined functions."""
        f, functions = self.f, self.context.functions
        for call in calls:
            if call.key not in functions.names:
                self._write_function(call, rows)
        table, operands = functions.table(f.module, self.context.arena, calls)
        passed = "ptr %frame, ptr "
        last = "" if rows is None else "".join([f", i64 {getattr(rows, part)}" for part in ROWS])
        if len(calls) == 1:
            f.emit(f"call void @{functions.names[calls[0].key]}({passed}{operands}{last})")
            return
        with f.loop(0, len(calls)) as loop:
            entry = f.offset(table, loop.index, 16)
            function = f.name(f"load ptr, ptr {entry}, align 8")
            byte = f.name(f"load i64, ptr {f.offset(entry, 1, 8)}, align 8")
            f.emit(f"call void {function}({passed}{f.offset(operands, byte, 1)}{last})")

    def _write_function(self, call: Call, rows: RowRange | None) -> None:
        """Write an instruction as a function of its operands."""
        function = self.context.functions.begin(
            self.f.module, call, 0 if rows is None else rows.n_rows
        )
        instruction, buffers = rebased(call)
        emitter = Emitter(function, self.context, addresses=OperandAddresses(function, buffers))
        if rows is None:
            instruction.emit(emitter)
        else:
            start, stop, count, tile = (f"%{name}" for name in ROWS)
            part = RowRange(start, stop, count, tile, rows.n_rows, rows.single)
            instruction.emit_rows(emitter, part)
        function.emit("ret void")

    def stop_if(self, condition: str, status: int) -> None:
        """End `main` with a status if an i1 holds."""
        f = self.f
        stop, go_on = f.fresh("stop"), f.fresh("on")
        f.branch(condition, stop, go_on)
        f.label(stop)
        self.addresses.store_word(STATUS, status)
        f.jump("exit")
        f.label(go_on)

    def poll(self) -> None:
        """Ask whether a signal wants the program to end."""
        f = self.f
        f.declare("poll", "declare i32 @poll(ptr)")
        status = f.name("call i32 @poll(ptr %frame)")
        self.stop_if(f.name(f"icmp ne i32 {status}, 0"), INTERRUPTED)

    def parallel(self, work: Parallel, write: Callable[[Emitter, str, Index], None]) -> None:
        """Write work as a function that threads call for one tile at a time.

        ``write(emitter, tile, tile_size)`` writes the body for a tile by its number.
        """
        f, addresses = self.f, self.addresses
        name = f"task{len(f.module.functions)}"
        task = f.module.function(name, [("ptr", "frame"), ("i64", "tile")], linkage="internal")
        pool = addresses.load_word(AUTOTUNED_POOL if work.adaptive else POOL)
        tile_size: Index = work.tile_size
        n_tiles: Index = work.n_tiles
        if work.adaptive:
            tile_size = task.name(f"load i64, ptr {task.offset('%frame', TILE_SIZE, 8)}, align 8")
            alone = f.name(f"icmp eq ptr {pool}, null")
            chosen = f.name(f"select i1 {alone}, i64 {work.extent}, i64 {work.tile_size}")
            addresses.store_word(TILE_SIZE, chosen)
            n_tiles = f.name(f"select i1 {alone}, i64 1, i64 {work.n_tiles}")
        write(self.inner(task), "%tile", tile_size)
        task.emit("ret void")
        f.declare("parallel", "declare void @parallel(ptr, ptr, ptr, i64)")
        f.emit(f"call void @parallel(ptr {pool}, ptr @{name}, ptr %frame, i64 {n_tiles})")
