"""A plan as one module of IR, whose `main` takes a frame and returns a status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ....config import config
from ....graph.node import Node
from ..debug.timing import Timing
from ..expressions.expression import Lookup
from ..instructions.base import (
    Along,
    Call,
    Convolution,
    Either,
    Instruction,
    Key,
    Map,
    Plan,
    Product,
    Reduce,
    Region,
    Scatter,
    Sort,
    Turns,
    While,
)
from ..instructions.convolution import emit_convolution
from ..instructions.matmul import ProductEmitter
from ..instructions.reduce import emit_along, emit_reduce
from ..instructions.sharing import nanoseconds
from ..instructions.unrolled_matmul import is_tiny
from ..ir.builder import FunctionBuilder, Module
from ..ir.types import Index
from ..ir.value import Value
from ..kernels.sort import to_key
from ..layout.frame import CHUNK, ERROR, FAILED, INTERRUPTED, NEAR, POOL, REFERENCE
from ..layout.view import View
from .loop_nest import Pointers
from .loops import Rows, emit_map, emit_scatter

_POLL = 20_000.0  # nanoseconds between two looks at the clock, about
_SHORT = 500.0  # nanoseconds of a turn for which the way through memory counts
_OUTLINED = 2_000.0  # nanoseconds of a turn that may be a function of its own
_REGISTERS = 12  # what one turn leaves to the next; there are 16 or 32, and a turn needs some


def emit(plan: Plan, outlined: bool = False) -> Module:
    """The module of a plan.

    With `outlined`, a turn of a loop that takes a while is a function of its own, whose address
    stands in a slot of the frame: so another thread can put a better one in its place.
    """
    module = Module()
    f = module.function("main", [("ptr", "frame")], "i32")
    sites = {node: k for k, node in enumerate(plan.sites, 1)}
    emitter = _Emitter(f, sites, plan if outlined else None)
    if config.debug >= 2:
        emitter.timing = Timing(f, plan.slots)
    emitter.whole(plan.instructions)
    if emitter.timing is not None:
        plan.timed = emitter.timing.names
    return module


class _Emitter(ProductEmitter):
    def __init__(
        self, f: FunctionBuilder, sites: dict[Node, int], outlined: Plan | None = None
    ) -> None:
        self.f, self.sites, self.outlined = f, sites, outlined
        self.timing: Timing | None = None
        self.pointers = Pointers(f)

    def site(self, lookup: Lookup) -> int:
        """The number by which an error names a lookup."""
        return self.sites[lookup.node]

    def whole(self, instructions: Sequence[Instruction]) -> None:
        """All of `main`: what runs, then the status."""
        f = self.f
        place = f.offset("%frame", ERROR, 8)
        f.emit(f"store i64 0, ptr {place}, align 8")
        self.run(instructions)
        f.jump("exit")
        f.label("exit")
        number = f.name(f"load i64, ptr {place}, align 8")
        f.emit(f"ret i32 {f.name(f'trunc i64 {number} to i32')}")

    def run(self, instructions: Sequence[Instruction]) -> None:
        """Instructions one after the other."""
        for instruction in instructions:
            self.one(instruction)

    def one(self, step: Instruction) -> None:
        """One instruction; timed, if it is asked for and no loop."""
        if self.timing is None or isinstance(step, (Turns, While, Either)):
            self.write(step)
            return
        with self.timing.around(step):
            self.write(step)

    def write(self, step: Instruction) -> None:
        """The code of an instruction."""
        if isinstance(step, Key):
            emit_map(self.pointers, step, self.site, turn=to_key)
        elif isinstance(step, Map):
            emit_map(self.pointers, step, self.site)
        elif isinstance(step, Region):
            self.region(step)
        elif isinstance(step, Sort):
            self.sort(step)
        elif isinstance(step, Reduce):
            emit_reduce(self.pointers, step, self.site)
        elif isinstance(step, Along):
            emit_along(self.pointers, step, self.site)
        elif isinstance(step, Scatter):
            emit_scatter(self.pointers, step, self.site)
        elif isinstance(step, Product):
            if is_tiny(step):
                self.tiny(step)
            elif step.chunks > 1:
                self.shared(step, lambda inner, *chunk: inner.product_chunk(step, *chunk))
            else:
                self.product(step)
        elif isinstance(step, Convolution):
            self.convolution(step)
        elif isinstance(step, Call):
            self.call(step)
        elif isinstance(step, Turns):
            self.turns(step)
        elif isinstance(step, While):
            self.loop_while(step)
        elif isinstance(step, Either):
            self.either(step)
        else:
            raise AssertionError(f"no code for {type(step).__name__}")

    def convolution(self, step: Convolution) -> None:
        """At once, or in pieces."""
        if not step.pieces:
            emit_convolution(self.pointers, step)
            return

        def write(inner: _Emitter, chunk: str, size: Index) -> None:
            f = inner.f
            start = f.times(chunk, size)
            stop = f.smaller(f.plus(start, size), step.extent)
            with f.loop(start, stop) as loop:
                for k, piece in enumerate(step.pieces):
                    with f.when(f.name(f"icmp eq i64 {loop.index}, {k}")):
                        emit_convolution(inner.pointers, piece)

        self.shared(step, write)

    def shared(
        self, step: Product | Convolution | Region, write: Callable[[_Emitter, str, Index], None]
    ) -> None:
        """Work in chunks, as a function of its own that threads share; `write` of number and size.

        What is shared only if that pays is else done at once.
        """
        f = self.f
        name = f"task{len(f.module.functions)}"
        arguments = [("ptr", "frame"), ("i64", "chunk")]
        task = f.module.function(name, arguments, linkage="internal")
        pool = self.pointers.slot(NEAR if step.near else POOL)
        size: Index = step.chunk
        chunks: Index = step.chunks
        if step.near:
            size = task.name(f"load i64, ptr {task.offset('%frame', CHUNK, 8)}, align 8")
            alone = f.name(f"icmp eq ptr {pool}, null")
            chosen = f.name(f"select i1 {alone}, i64 {step.extent}, i64 {step.chunk}")
            f.emit(f"store i64 {chosen}, ptr {f.offset('%frame', CHUNK, 8)}, align 8")
            chunks = f.name(f"select i1 {alone}, i64 1, i64 {step.chunks}")
        write(_Emitter(task, self.sites), "%chunk", size)
        task.emit("ret void")
        f.declare("parallel", "declare void @parallel(ptr, ptr, ptr, i64)")
        f.emit(f"call void @parallel(ptr {pool}, ptr @{name}, ptr %frame, i64 {chunks})")

    def region(self, step: Region) -> None:
        """Chunks of rows, each taken through all instructions."""

        def write(inner: _Emitter, chunk: str, size: Index) -> None:
            f = inner.f
            start = f.name(f"mul i64 {chunk}, {size}")
            stop = f.smaller(f.name(f"add i64 {start}, {size}"), step.rows)
            rows = Rows(start, stop, step.rows)
            count = f.name(f"sub i64 {stop}, {start}")
            for one in step.steps:
                if isinstance(one, Map):
                    emit_map(inner.pointers, one, inner.site, rows)
                elif isinstance(one, Reduce):
                    emit_reduce(inner.pointers, one, inner.site, rows)
                elif isinstance(one, Convolution):
                    emit_convolution(inner.pointers, one, rows)
                else:
                    assert isinstance(one, Product)
                    inner.product_rows(one, start, count, chunk)

        self.shared(step, write)

    def sort(self, step: Sort) -> None:
        """The library's `order` on each row."""
        f, shape = self.f, step.keys.shape
        if 0 in shape:
            return
        f.declare("order", "declare void @order(ptr, i64, ptr, ptr)")
        keys, places = self.address(step.keys), self.address(step.view)
        scratch, n = self.pointers.of(step.scratch), shape[-1]
        with f.loop(0, prod(shape[:-1])) as loop:
            row = f.times(loop.index, n)
            a, b = f.offset(keys, row, 8), f.offset(places, row, 8)
            f.emit(f"call void @order(ptr {a}, i64 {n}, ptr {b}, ptr {scratch})")

    def call(self, step: Call) -> None:
        """The reference computes a node; if that raises, all ends."""
        f = self.f
        function = self.pointers.slot(REFERENCE)
        status = f.name(f"call i64 {function}(ptr %frame, i64 {step.number})")
        self.stop_if(f.name(f"icmp ne i64 {status}, 0"), FAILED)

    def stop_if(self, condition: str, status: int) -> None:
        """End with a status if an i1 holds."""
        f = self.f
        stop, on = f.fresh("stop"), f.fresh("on")
        f.branch(condition, stop, on)
        f.label(stop)
        f.emit(f"store i64 {status}, ptr {f.offset('%frame', ERROR, 8)}, align 8")
        f.jump("exit")
        f.label(on)

    def poll(self) -> None:
        """Ask whether a signal wants all to end."""
        f = self.f
        f.declare("poll", "declare i32 @poll(ptr)")
        status = f.name("call i32 @poll(ptr %frame)")
        self.stop_if(f.name(f"icmp ne i32 {status}, 0"), INTERRUPTED)

    def poll_each(self, index: str, every: int) -> None:
        """Ask in each turn whose number is a multiple of a power of two."""
        if every <= 1:
            self.poll()
            return
        f = self.f
        low = f.name(f"and i64 {index}, {every - 1}")
        with f.when(f.name(f"icmp eq i64 {low}, 0")):
            self.poll()

    def turns(self, step: Turns) -> None:
        """A counted loop; slots move on before each turn."""
        f = self.f
        if step.length == 1:
            self.turn(step, 0, {})
            return
        places = self.in_registers(step)
        with f.loop(0, step.length, carried=[self.memory(*place) for place in places]) as loop:
            index: Index = loop.index
            self.poll_each(loop.index, turns_between_polls(step.body))
            if step.trial:
                f.declare("trial", "declare void @trial(ptr, ptr, i64)")
                state = f.offset("%frame", step.trial, 8)
                f.emit(f"call void @trial(ptr %frame, ptr {state}, i64 {loop.index})")
            if step.reverse:
                index = f.name(f"sub i64 {step.length - 1}, {loop.index}")
            known = {place[0]: x for place, x in zip(places, loop.values, strict=True)}
            if self.outlined is not None and sum(map(nanoseconds, step.body)) > _OUTLINED:
                self.call_turn(self.outlined, step, index)
            else:
                self.turn(step, index, known)
            loop.carry(*[self.memory(*place) for place in places])

    def call_turn(self, plan: Plan, step: Turns, index: Index) -> None:
        """One turn, by the function whose address stands in a slot."""
        f = self.f
        task = f.module.function(f"turn{len(plan.turns)}", [("ptr", "frame"), ("i64", "index")])
        plan.turns.append(plan.slots)
        plan.slots += 1
        inner = _Emitter(task, self.sites)
        inner.turn(step, "%index", {})
        task.jump("exit")
        task.label("exit")
        task.emit("ret void")
        function = self.pointers.slot(plan.turns[-1])
        f.emit(f"call void {function}(ptr %frame, i64 {index})")
        status = f.name(f"load i64, ptr {f.offset('%frame', ERROR, 8)}, align 8")
        on = f.fresh("on")
        f.branch(f.name(f"icmp slt i64 {status}, 0"), "exit", on)
        f.label(on)

    def memory(self, place: int, dtype: np.dtype[Any], lanes: int) -> Value:
        """What lies in the arena: loaded, unless it has just been stored."""
        return self.f.load(self.f.offset(self.pointers.arena, place, 1), dtype, lanes)

    def in_registers(self, step: Turns) -> list[tuple[int, np.dtype[Any], int]]:
        """What a short turn leaves in registers for the next one: (place, dtype, lanes) each.

        That is known once the turn is written, so it is written twice: for the first time on
        trial.
        """
        f = self.f
        if self.timing is not None or sum(map(nanoseconds, step.body)) > _SHORT:
            return []
        lines, block, functions = len(f.lines), f.block, len(f.module.functions)
        with f.forwarding.dry_run() as found:
            self.turn(step, 0, {})
        del f.lines[lines:], f.module.functions[functions:]
        f.block = block
        return [(place, x.dtype, x.lanes) for place, x in found.items()][:_REGISTERS]

    def turn(self, step: Turns, index: Index, known: dict[int, Value]) -> None:
        """One turn; some of the arena's contents are known when it begins."""
        for moving in step.moving:
            address = self.address(moving.start, (index, moving.stride))
            slot = moving.row.buffer.slot
            assert slot is not None
            place = self.f.offset("%frame", slot, 8)
            self.f.emit(f"store ptr {address}, ptr {place}, align 8")
        self.f.forwarding.assume(known)
        self.run(step.body)

    def truth(self, view: View) -> str:
        """A stored truth value as an i1."""
        f = self.f
        byte = f.name(f"load i8, ptr {self.address(view)}, align 1")
        return f.name(f"icmp ne i8 {byte}, 0")

    def loop_while(self, step: While) -> None:
        """Ask, then turn, until the answer is no."""
        f = self.f
        ask, body, end = f.fresh("ask"), f.fresh("body"), f.fresh("end")
        f.jump(ask)
        f.label(ask)
        self.poll()
        self.run(step.asks)
        f.branch(self.truth(step.condition), body, end)
        f.label(body)
        self.run(step.body)
        f.jump(ask)
        f.label(end)

    def either(self, step: Either) -> None:
        """One of two."""
        f = self.f
        yes, no, end = f.fresh("yes"), f.fresh("no"), f.fresh("end")
        f.branch(self.truth(step.condition), yes, no)
        f.label(yes)
        self.run(step.yes)
        f.jump(end)
        f.label(no)
        self.run(step.no)
        f.jump(end)
        f.label(end)


def turns_between_polls(body: Sequence[Instruction]) -> int:
    """A power of two of turns that take some microseconds."""
    count = 1
    cost = sum(map(nanoseconds, body))
    while count * cost < _POLL and count < 4096:
        count *= 2
    return count
