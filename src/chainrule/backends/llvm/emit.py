"""A plan as one module of IR, whose `main` takes a frame and returns a status."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ...graph.node import Node
from .expression import Lookup
from .instructions import (
    Along,
    Call,
    Either,
    Instruction,
    Map,
    Plan,
    Product,
    Reduce,
    Scatter,
    Turns,
    While,
)
from .ir import Function, Index, Unit
from .layout import View
from .loops import emit_along, emit_map, emit_reduce, emit_scatter
from .nest import Pointers

INTERRUPTED, FAILED = -1, -2
"""Statuses: a signal's handler raised, a call to the reference raised. Positive ones are sites."""

_POLL = 20_000.0  # nanoseconds between two looks at the clock, about


def emit(plan: Plan) -> Unit:
    """The module of a plan."""
    unit = Unit()
    f = unit.function("main", [("ptr", "frame")], "i32")
    _Emitter(f, plan.sites).whole(plan.instructions)
    return unit


class _Emitter:
    def __init__(self, f: Function, sites: Sequence[Node]) -> None:
        self.f = f
        self.sites = {node: k for k, node in enumerate(sites, 1)}
        self.pointers = Pointers(f)

    def site(self, lookup: Lookup) -> int:
        """The number by which an error names a lookup."""
        return self.sites[lookup.node]

    def whole(self, instructions: Sequence[Instruction]) -> None:
        """All of `main`: what runs, then the status."""
        f = self.f
        place = f.offset("%frame", 2, 8)
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
        """One instruction."""
        if isinstance(step, Map):
            emit_map(self.pointers, step, self.site)
        elif isinstance(step, Reduce):
            emit_reduce(self.pointers, step, self.site)
        elif isinstance(step, Along):
            emit_along(self.pointers, step, self.site)
        elif isinstance(step, Scatter):
            emit_scatter(self.pointers, step, self.site)
        elif isinstance(step, Product):
            self.product(step)
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

    def address(self, view: View, *places: tuple[Index, int]) -> str:
        """A view's first number, moved by (index, stride) along some axes."""
        f = self.f
        place: Index = view.offset
        for index, stride in places:
            place = f.plus(place, f.times(index, stride))
        return f.offset(self.pointers.of(view.buffer), place, view.dtype.itemsize)

    def product(self, step: Product, places: tuple[Index, ...] = ()) -> None:
        """Matrix products, a loop for each leading axis."""
        f, view, axis = self.f, step.view, len(places)
        if 0 in view.shape:
            return
        if axis < len(view.shape) - 2:
            with f.loop(0, view.shape[axis]) as loop:
                self.product(step, (*places, loop.index))
            return
        name = f"gemm_f{view.dtype.itemsize * 8}"
        f.unit.declare(name, f"declare void @{name}(i64, i64, i64, ptr, i64, i64, ptr, i64, i64, "
                             "ptr, i64, i64, ptr)")  # fmt: skip
        left, right, result = (
            self.address(v, *zip(places, v.strides[:axis], strict=True))
            for v in (step.left, step.right, view)
        )
        rows, columns = view.shape[-2:]
        scratch = "null" if step.scratch is None else self.pointers.of(step.scratch)
        f.emit(
            f"call void @{name}(i64 {rows}, i64 {columns}, i64 {step.left.shape[-1]}, "
            f"ptr {left}, i64 {step.left.strides[-2]}, i64 {step.left.strides[-1]}, "
            f"ptr {right}, i64 {step.right.strides[-2]}, i64 {step.right.strides[-1]}, "
            f"ptr {result}, i64 {view.strides[-2]}, i64 0, ptr {scratch})"
        )

    def call(self, step: Call) -> None:
        """The reference computes a node; if that raises, all ends."""
        f = self.f
        function = self.pointers.slot(3)
        status = f.name(f"call i64 {function}(ptr %frame, i64 {step.number})")
        self.stop_if(f.name(f"icmp ne i64 {status}, 0"), FAILED)

    def stop_if(self, condition: str, status: int) -> None:
        """End with a status if an i1 holds."""
        f = self.f
        stop, on = f.fresh("stop"), f.fresh("on")
        f.branch(condition, stop, on)
        f.label(stop)
        f.emit(f"store i64 {status}, ptr {f.offset('%frame', 2, 8)}, align 8")
        f.jump("exit")
        f.label(on)

    def poll(self) -> None:
        """Ask whether a signal wants all to end."""
        f = self.f
        f.unit.declare("poll", "declare i32 @poll(ptr)")
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
            self.turn(step, 0)
            return
        with f.loop(0, step.length) as loop:
            index: Index = loop.index
            self.poll_each(loop.index, turns_between_polls(step.body))
            if step.reverse:
                index = f.name(f"sub i64 {step.length - 1}, {loop.index}")
            self.turn(step, index)

    def turn(self, step: Turns, index: Index) -> None:
        """One turn."""
        for moving in step.moving:
            address = self.address(moving.start, (index, moving.stride))
            slot = moving.row.buffer.slot
            assert slot is not None
            place = self.f.offset("%frame", slot, 8)
            self.f.emit(f"store ptr {address}, ptr {place}, align 8")
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


def nanoseconds(step: Instruction) -> float:
    """About how long an instruction takes on one thread."""
    if isinstance(step, (Map, Reduce, Along, Scatter)):
        return 3.0 + prod(step.domain) * (0.3 if isinstance(step, (Map, Reduce)) else 2.0)
    if isinstance(step, Product):
        return 10.0 + prod(step.view.shape) * step.left.shape[-1] / 40.0
    if isinstance(step, Turns):
        return step.length * sum(map(nanoseconds, step.body))
    if isinstance(step, Either):
        return max(sum(map(nanoseconds, step.yes)), sum(map(nanoseconds, step.no)))
    return 10_000.0
