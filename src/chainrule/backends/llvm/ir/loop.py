"""Counted loops with loop-carried values, which become phi nodes."""

from __future__ import annotations

from collections.abc import Sequence

from .types import Index
from .value import Builder, Value


class CountedLoop:
    """``for index in range(start, stop, step)`` with loop-carried values.

    Examples
    --------
    ::

        with f.loop(0, n, 8, carried=[zero]) as loop:
            total = loop.values[0] + f.load(f.offset(p, loop.index, 4), F32, 8)
            loop.carry(total)
        total = loop.values[0]          # after the last iteration

    If `stop` is not after `start`, no iteration runs, and `values` are the initial ones.
    """

    def __init__(
        self, f: Builder, start: Index, stop: Index, step: Index, carried: Sequence[Value],
        at_least_once: bool,
    ) -> None:  # fmt: skip
        self.f, self.start, self.stop, self.step = f, start, stop, step
        self.initial = tuple(carried)
        self.values: tuple[Value, ...] = self.initial
        self.following: tuple[Value, ...] = self.initial
        known = isinstance(start, int) and isinstance(stop, int)
        self.skip = not (at_least_once or (known and start < stop))  # type: ignore[operator]
        self.index: str = ""

    def carry(self, *values: Value) -> None:
        """Set what `values` are in the next iteration."""
        self.following = values

    def __enter__(self) -> CountedLoop:
        f = self.f
        self.name = f.fresh("loop")
        self.entry_block = f.block
        if self.skip:
            some = f.name(f"icmp slt i64 {self.start}, {self.stop}")
            f.branch(some, self.name, self.name + "_end")
        else:
            f.jump(self.name)
        f.label(self.name)
        self.index = "%" + f.fresh("i")
        self.values = tuple(Value(f, "%" + f.fresh("c"), v.dtype, v.lanes) for v in self.initial)
        self.following = self.values
        self.phi_line = len(f.lines)
        return self

    def __exit__(self, *problem: object) -> None:
        if problem[0] is not None:
            return
        f = self.f
        following = f.name(f"add nuw nsw i64 {self.index}, {self.step}")
        more = f.name(f"icmp slt i64 {following}, {self.stop}")
        last, end = f.block, self.name + "_end"
        f.emit(f"br i1 {more}, label %{self.name}, label %{end}, !llvm.loop !0")
        f.declare("!0", '!0 = distinct !{!0, !1}\n!1 = !{!"llvm.loop.unroll.disable"}')
        phis = [
            f"{self.index} = phi i64 [{self.start}, %{self.entry_block}], [{following}, %{last}]"
        ]
        for inside, first, new in zip(self.values, self.initial, self.following, strict=True):
            phis.append(
                f"{inside.name} = phi {inside.type} [{first.name}, %{self.entry_block}], "
                f"[{new.name}, %{last}]"
            )
        f.lines[self.phi_line : self.phi_line] = phis
        f.label(end)
        if not self.skip:
            self.values = self.following
            return
        after = []
        for first, new in zip(self.initial, self.following, strict=True):
            right = f"phi {new.type} [{first.name}, %{self.entry_block}], [{new.name}, %{last}]"
            after.append(f.value(right, new.dtype, new.lanes))
        self.values = tuple(after)
