"""Positions of maxima: the first largest number along an axis, or the first nan."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..expressions.expression import Apply, Expression, Load, Truth
from ..ir.builder import FunctionBuilder
from ..ir.types import I32, I64, Index
from ..ir.value import Value
from ..kernels.math.polynomial import any_lane
from ..layout.view import View
from ..target.host import host
from .loop_nest import LoopAxis, LoopNestEmitter, lanes_for
from .reductions import Reducer
from .vector_loops import emit_vector_loop, next_power_of_two

_BITS = 64  # of an integer that says which lanes of a group hold the maximum
_GROUP = 4  # vectors of one group
_COLUMNS = 4  # vectors of columns that are searched side by side
_SMALL = 4  # bytes: narrower numbers are searched again, since positions are wider than they


class FirstMaximum:
    """Searches the numbers of one expression along an axis of a nest."""

    def __init__(self, nest: LoopNestEmitter, axis: LoopAxis, expression: Expression) -> None:
        self.nest, self.axis, self.expression = nest, axis, expression
        self.f = nest.f
        dtype = expression.dtype
        # Truth values are compared as bytes, unless the first true one is all that is asked
        self.dtype = np.dtype(np.uint8) if dtype.kind == "b" else dtype

    def value(self) -> Value:
        """Return the number at this point."""
        return self.f.convert(self.nest.value(self.expression), self.dtype)

    # Vectors along the axis

    def along_vectors(self) -> Value:
        """Return the position of the maximum of a row, of which vectors are compared."""
        nest, axis = self.nest, self.axis
        lanes = _row_lanes(nest, axis)
        hoisted, rows = dict(nest.hoisted), dict(nest.row_addresses)
        if axis.size < lanes:
            lanes = next_power_of_two(axis.size)
        nest.broadcast_invariants(axis, lanes)
        count = max(1, min(_GROUP, _BITS // lanes))
        if axis.size <= count * lanes:
            position = self._of_short_row(lanes)
        else:
            position = self._of_long_row(lanes, count)
        nest.hoisted, nest.row_addresses = hoisted, rows
        return position

    def _vectors(self, starts: Sequence[Index], lanes: int) -> list[Value]:
        """Return vectors of the row; lanes after its end have the least number."""
        values = []
        for start in starts:
            with self.nest.vector_scope(self.axis, start, lanes, min(lanes, self.axis.size)):
                x, mask = self.value(), self.nest.mask
            if mask is not None:
                x = self.f.select(mask, x, self._least(lanes))
            values.append(x)
        return values

    def _of_short_row(self, lanes: int) -> Value:
        """Compare all vectors of a row with its maximum; the last one may overlap with another."""
        size = self.axis.size
        starts = [*range(0, size - lanes, lanes), max(size - lanes, 0)]
        values = self._vectors(starts, lanes)
        largest = self._across(_larger, _joined(values, _larger))
        bits = self._bits([self._is_first(x, largest) for x in values], starts)
        return self._lowest(self._of_nans(values, starts, bits))

    def _of_long_row(self, lanes: int, count: int) -> Value:
        """Find the group of vectors that has the maximum first, then its lane."""
        step = lanes * count
        largest = None
        if self.dtype.itemsize < _SMALL and self.expression.dtype.kind != "b":
            largest = self._largest_of_row(lanes, count)
        offsets = range(0, step, lanes)

        def group(start: Index) -> list[Value]:
            return self._vectors([self.f.plus(start, k) for k in offsets], lanes)

        start, largest = self._search(group, step, lanes, largest)
        values = group(start)
        bits = self._bits([self._is_first(x, largest) for x in values], offsets)
        first = self._lowest(self._of_nans(values, offsets, bits))
        return first + Value(self.f, start, I64, 1)

    def _largest_of_row(self, lanes: int, count: int) -> Value:
        """Return the maximum of integers."""
        f, size, step = self.f, self.axis.size, lanes * count
        with f.loop(0, size, step, carried=[self._least(lanes)]) as loop:
            start = f.smaller(loop.index, size - step)
            values = self._vectors([f.plus(start, k) for k in range(0, step, lanes)], lanes)
            loop.carry(_joined([loop.values[0], *values], _larger))
        return self._across(_larger, loop.values[0])

    def _search(
        self, group: Callable[[str], list[Value]], step: int, lanes: int, largest: Value | None
    ) -> tuple[str, Value]:
        """Return where the group begins that has the maximum first, and the maximum.

        The loop ends early at a nan, or where a known maximum is met. The last group overlaps with
        the one before it, whose numbers can be no larger a second time.
        """
        f, size = self.f, self.axis.size
        truth = self.expression.dtype.kind == "b"
        one = f.constant(1, self.dtype) if truth else largest
        index_dtype = I32 if size < 2**31 else I64
        carried = [] if one else [self._least(lanes), f.constant(0, index_dtype, lanes)]
        name, entry = f.fresh("search"), f.block
        f.jump(name)
        f.label(name)
        phi_line, index = len(f.lines), f"%{f.fresh('i')}"
        before = [Value(f, f"%{f.fresh('c')}", v.dtype, v.lanes) for v in carried]
        start = f.smaller(index, size - step)
        values = group(start)
        if one is not None:
            ends = any_lane(f, _joined([self._is_first(x, one) for x in values], _either))
        else:
            ends = self._some_nan(values)
        after = [] if one else self._better(before, values, start, index_dtype)
        searched, goes_on, end = f.block, f"{name}_on", f"{name}_end"
        f.branch(ends, f"{name}_at", goes_on)
        f.label(goes_on)
        following = f.name(f"add nuw nsw i64 {index}, {step}")
        f.branch(f.name(f"icmp slt i64 {following}, {size}"), name, end)
        phis = [f"{index} = phi i64 [0, %{entry}], [{following}, %{goes_on}]"]
        for inside, first, new in zip(before, carried, after, strict=True):
            phis.append(
                f"{inside.name} = phi {inside.type} [{first.name}, %{entry}], "
                f"[{new.name}, %{goes_on}]"
            )
        f.lines[phi_line:phi_line] = phis
        f.label(end)
        best, last = (one, "0") if one else self._best_group(*after)
        end = f.block
        f.jump(f"{name}_at")
        f.label(f"{name}_at")
        at = f.name(f"phi i64 [{start}, %{searched}], [{last}, %{end}]")
        if one is not None:
            return at, one
        unused = best.like(0).name
        right = f"phi {best.type} [{unused}, %{searched}], [{best.name}, %{end}]"
        return at, f.value(right, best.dtype, 1)

    def _better(
        self, before: Sequence[Value], values: Sequence[Value], start: str, dtype: np.dtype
    ) -> list[Value]:
        """Return the maximum of each lane so far, and the group that had it first."""
        f, (best, groups) = self.f, before
        largest = _joined(values, _larger)
        number = start if dtype == I64 else f.name(f"trunc i64 {start} to i32")
        current = f.splat(Value(f, number, dtype, 1), best.lanes)
        better = largest > best
        return [f.select(better, largest, best), f.select(better, current, groups)]

    def _best_group(self, best: Value, groups: Value) -> tuple[Value, str]:
        """Return the maximum of all lanes, and where the first group begins that has it."""
        f = self.f
        largest = self._across(_larger, best)
        equal = best.equals(f.splat(largest, best.lanes))
        last = np.iinfo(groups.dtype).max
        first = self._across(_smaller, f.select(equal, groups, last))
        return largest, f.convert(first, I64).name

    # What lanes hold

    def _least(self, lanes: int) -> Value:
        return Reducer(self.f, "max", self.dtype).identity(lanes)

    def _is_first(self, x: Value, largest: Value) -> Value:
        return x.equals(self.f.splat(largest, x.lanes))

    def _some_nan(self, values: Sequence[Value]) -> str:
        """Return an i1: whether one of the numbers is nan. Pairs are compared at once."""
        if self.dtype.kind != "f":
            return "false"
        f, pairs = self.f, list(zip(values[::2], [*values[1::2], values[-1]], strict=False))
        return any_lane(f, _joined([f.compare("uno", x, y) for x, y in pairs], _either))

    def _bits(self, conditions: Sequence[Value], starts: Sequence[Index]) -> Value:
        """Return an integer whose bit k says whether a condition holds at position k."""
        f, total = self.f, None
        for condition, start in zip(conditions, starts, strict=True):
            lanes = condition.lanes
            name = f.name(f"bitcast {condition} to i{lanes}") if lanes > 1 else condition.name
            if lanes < _BITS:
                name = f.name(f"zext i{lanes} {name} to i64")
            bits = Value(f, name, I64, 1)
            bits = bits if start == 0 else bits << start
            total = bits if total is None else total | bits
        assert total is not None
        return total

    def _of_nans(self, values: Sequence[Value], starts: Sequence[Index], bits: Value) -> Value:
        """Return the bits of nans, if there are some."""
        if self.dtype.kind != "f":
            return bits
        nans = self._bits([x.is_nan() for x in values], starts)
        return self.f.select(nans.equals(0), bits, nans)

    def _lowest(self, bits: Value) -> Value:
        """Return the number of the lowest bit; 0 if no bit is set: no truth value is true."""
        f = self.f
        f.declare("cttz", "declare i64 @llvm.cttz.i64(i64, i1)")
        lowest = f.value(f"call i64 @llvm.cttz.i64(i64 {bits.name}, i1 false)", I64, 1)
        return lowest & (_BITS - 1)

    def _across(self, combine: Callable[[Value, Value], Value], x: Value) -> Value:
        """Combine all lanes, in halves."""
        f = self.f
        while x.lanes > 1:
            half = x.lanes // 2
            if half == 1:
                return combine(f.extract(x, 0), f.extract(x, 1))
            low, high = (f.shuffle(x, None, range(k, k + half)) for k in (0, half))
            x = combine(low, high)
        return x

    # Vectors along another axis

    def of_columns(self, vector: LoopAxis, view: View, span: tuple[Index, Index] | None) -> None:
        """Store the positions of the maxima of columns, each of which has a lane."""
        nest, f = self.nest, self.f
        dtypes = [e.dtype for e in nest.subexpressions if nest.varies(e, vector)]
        lanes = lanes_for([*dtypes, self.dtype], vector.size)

        def write() -> None:
            nest.store(self._position_of_column(nest.lanes), view)

        several = min(_COLUMNS, vector.size // lanes)
        whole = vector.size // (several * lanes) * several * lanes if several > 1 else 0
        if span is not None or not whole:
            emit_vector_loop(nest, vector, lanes, write, span)
            return
        with f.loop(0, whole, several * lanes) as loop:
            starts = [f.plus(loop.index, k * lanes) for k in range(several)]
            self._adjacent_columns(vector, view, starts, lanes)
        if whole < vector.size:
            emit_vector_loop(nest, vector, lanes, write, (whole, vector.size))

    def _position_of_column(self, lanes: int) -> Value:
        """Return the positions of the maxima of a vector of columns."""
        f, axis = self.f, self.axis
        zero = f.constant(0, self._position_dtype(), lanes)
        best = self._at(0)
        with f.loop(1, axis.size, carried=[best, zero]) as loop:
            best, position = loop.values
            x = self._at(loop.index)
            loop.carry(*self._better_columns(x, best, position, loop.index))
        return f.convert(loop.values[1], I64)

    def _adjacent_columns(
        self, vector: LoopAxis, view: View, starts: Sequence[Index], lanes: int
    ) -> None:
        """Store the positions of the maxima of several vectors of columns."""
        nest, f = self.nest, self.f

        def row(index: Index) -> list[Value]:
            values = []
            with nest.enter_axis(self.axis, index):
                for start in starts:
                    with nest.vector_scope(vector, start, lanes, None):
                        values.append(self.value())
            return values

        zeros = [f.constant(0, self._position_dtype(), lanes)] * len(starts)
        with f.loop(1, self.axis.size, carried=[*row(0), *zeros]) as loop:
            best, positions = loop.values[: len(starts)], loop.values[len(starts) :]
            pairs = [
                self._better_columns(x, b, p, loop.index)
                for x, b, p in zip(row(loop.index), best, positions, strict=True)
            ]
            loop.carry(*[b for b, _ in pairs], *[p for _, p in pairs])
        for start, position in zip(starts, loop.values[len(starts) :], strict=True):
            with nest.vector_scope(vector, start, lanes, None):
                nest.store(f.convert(position, I64), view)

    def _at(self, index: Index) -> Value:
        with self.nest.enter_axis(self.axis, index):
            return self.value()

    def _position_dtype(self) -> np.dtype:
        narrow = self.dtype.itemsize <= I32.itemsize and self.axis.size < 2**31
        return I32 if narrow else I64

    def _better_columns(
        self, x: Value, best: Value, position: Value, index: str
    ) -> tuple[Value, Value]:
        """Return the larger numbers and their positions; the first nan of a column stays."""
        f = self.f
        if self.dtype.kind == "f":
            better = ((x <= best) ^ True) & (best.is_nan() ^ True)
        else:
            better = x > best
        narrow = position.dtype == I32
        number = f.name(f"trunc i64 {index} to i32") if narrow else index
        current = f.splat(Value(f, number, position.dtype, 1), position.lanes)
        return f.select(better, x, best), f.select(better, current, position)


def _row_lanes(nest: LoopNestEmitter, axis: LoopAxis) -> int:
    """Return the lanes of vectors of a row: all that fit, also of bytes where they are adjacent."""
    varying = [e for e in nest.subexpressions if nest.varies(e, axis)]
    dtypes = [e.dtype for e in varying]
    adjacent = all(
        e.strides[axis.last] == 1 if isinstance(e, Load) else isinstance(e, (Apply, Truth))
        for e in varying
    )
    if adjacent and dtypes and axis.size >= host().vector_bytes:
        return host().vector_bytes // max(d.itemsize for d in dtypes)
    return lanes_for(dtypes, axis.size)


def _joined(values: Sequence[Value], combine: Callable[[Value, Value], Value]) -> Value:
    """Combine values in pairs."""
    values = list(values)
    while len(values) > 1:
        rest = values[len(values) // 2 * 2 :]
        values = [combine(x, y) for x, y in zip(values[::2], values[1::2], strict=False)] + rest
    return values[0]


def _larger(x: Value, y: Value) -> Value:
    return _builder(x).select(x > y, x, y)


def _smaller(x: Value, y: Value) -> Value:
    return _builder(x).select(x < y, x, y)


def _either(x: Value, y: Value) -> Value:
    return x | y


def _builder(x: Value) -> FunctionBuilder:
    builder = x.builder
    assert isinstance(builder, FunctionBuilder)
    return builder
