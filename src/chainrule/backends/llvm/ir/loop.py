"""Counted loops with values carried from turn to turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .types import Index, Value

if TYPE_CHECKING:
    from .builder import Function


class Loop:
    """``for index in range(start, stop, step)`` with values carried from turn to turn.

    Examples
    --------
    ::

        with f.loop(0, n, 8, carried=[zero]) as loop:
            total = loop.values[0] + f.load(f.offset(p, loop.index, 4), F32, 8)
            loop.carry(total)
        total = loop.values[0]          # after the last turn

    With `stop` not after `start` it does not turn, and `values` are those that it was given.
    """

    def __init__(
        self, f: Function, start: Index, stop: Index, step: Index, carried: Sequence[Value],
        at_least_once: bool,
    ) -> None:  # fmt: skip
        self.f, self.start, self.stop, self.step = f, start, stop, step
        self.first = tuple(carried)
        self.values: tuple[Value, ...] = self.first
        self.new: tuple[Value, ...] = self.first
        known = isinstance(start, int) and isinstance(stop, int)
        self.skip = not (at_least_once or (known and start < stop))  # type: ignore[operator]
        self.index: str = ""

    def carry(self, *values: Value) -> None:
        """What the next turn finds in `values`."""
        self.new = values

    def __enter__(self) -> Loop:
        f = self.f
        self.name = f.fresh("loop")
        self.before = f.block
        if self.skip:
            some = f.name(f"icmp slt i64 {self.start}, {self.stop}")
            f.branch(some, self.name, self.name + "_end")
        else:
            f.jump(self.name)
        f.label(self.name)
        self.index = "%" + f.fresh("i")
        self.values = tuple(Value(f, "%" + f.fresh("c"), v.dtype, v.lanes) for v in self.first)
        self.new = self.values
        self.place = len(f.lines)
        return self

    def __exit__(self, *problem: object) -> None:
        if problem[0] is not None:
            return
        f = self.f
        following = f.name(f"add nuw nsw i64 {self.index}, {self.step}")
        more = f.name(f"icmp slt i64 {following}, {self.stop}")
        last, end = f.block, self.name + "_end"
        f.emit(f"br i1 {more}, label %{self.name}, label %{end}, !llvm.loop !0")
        f.unit.declare("!0", '!0 = distinct !{!0, !1}\n!1 = !{!"llvm.loop.unroll.disable"}')
        phis = [f"{self.index} = phi i64 [{self.start}, %{self.before}], [{following}, %{last}]"]
        for inside, first, new in zip(self.values, self.first, self.new, strict=True):
            phis.append(
                f"{inside.name} = phi {inside.type} [{first.name}, %{self.before}], "
                f"[{new.name}, %{last}]"
            )
        f.lines[self.place : self.place] = phis
        f.label(end)
        if not self.skip:
            self.values = self.new
            return
        after = []
        for first, new in zip(self.first, self.new, strict=True):
            right = f"phi {new.type} [{first.name}, %{self.before}], [{new.name}, %{last}]"
            after.append(f.value(right, new.dtype, new.lanes))
        self.values = tuple(after)
