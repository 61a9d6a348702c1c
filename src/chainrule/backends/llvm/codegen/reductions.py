"""Loops that combine many numbers into one: accumulators, and their order of summation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ir.builder import FunctionBuilder
from ..ir.types import Index
from ..ir.value import Value
from ..kernels.math import FUNCTIONS
from ..layout.view import View
from .loop_nest import LoopAxis, LoopNestEmitter
from .vector_loops import next_power_of_two

_BLOCK = 4096  # numbers that are summed into one set of accumulators: keeps rounding small
_MAX_UNROLLED = 3  # iterations, such as over a window of a picture
ACCUMULATORS = 4  # independent sums: an addition has a latency of about four cycles
_SMALL_BODY = 16  # subexpressions that are computed in less than that


class Reducer:
    """Combines numbers by a sum, a product or a maximum."""

    def __init__(self, f: FunctionBuilder, name: str, dtype: np.dtype[Any]) -> None:
        self.f, self.name, self.dtype = f, name, dtype
        # A product of all but one may overflow where the product does not: it is taken in order.
        self.ordered = name == "prod" and dtype.kind == "f"

    def identity(self, lanes: int) -> Value:
        """Return the identity element."""
        number: object = {"sum": 0, "prod": 1}.get(self.name)
        if self.name == "sum" and self.dtype.kind == "f":
            number = -0.0
        if number is None:
            kind = self.dtype.kind
            number = -np.inf if kind == "f" else False if kind == "b" else np.iinfo(self.dtype).min
        return self.f.constant(number, self.dtype, lanes)

    def combine(self, x: Value, y: Value) -> Value:
        """Combine two values."""
        if self.name == "max":
            return x | y if x.dtype.kind == "b" else FUNCTIONS["maximum"](self.f, x, y)
        if x.dtype.kind == "b":
            return x | y if self.name == "sum" else x & y
        return x + y if self.name == "sum" else x * y

    def combine_all(self, values: Sequence[Value]) -> Value:
        """Combine several values, in pairs."""
        if self.name != "max" or self.dtype.kind != "f" or len(values) == 1:
            return _combined(self, values)
        f, largest = self.f, values[0]
        for x in values[1:]:
            largest = f.select(x > largest, x, largest)
        nans = [f.compare("uno", x, y) for x, y in zip(values[::2], values[1::2], strict=True)]
        some = nans[0]
        for is_nan in nans[1:]:
            some = some | is_nan
        return f.select(some, largest.like(np.nan), largest)

    def combine_lanes(self, x: Value) -> Value:
        """Combine all lanes, in halves."""
        while x.lanes > 1:
            half = x.lanes // 2
            low = self.f.shuffle(x, None, range(half))
            high = self.f.shuffle(x, None, range(half, x.lanes))
            if half == 1:
                low, high = self.f.extract(x, 0), self.f.extract(x, 1)
            x = self.combine(low, high)
        return x


def broadcast_result(view: View, domain: tuple[int, ...], axes: Sequence[int]) -> View:
    """Return a reduction's result broadcast to the domain: strides of reduced axes are 0."""
    strides = iter(view.strides)
    spread_strides = tuple(0 if k in axes else next(strides) for k in range(len(domain)))
    return View(view.buffer, view.offset, domain, spread_strides)


def reduce_adjacent_columns(
    nest: LoopNestEmitter, reducer: Reducer, inner: Sequence[LoopAxis], view: View,
    starts: Sequence[Index], lanes: int, term: Callable[[], Value],
) -> None:  # fmt: skip
    """Reduce several vectors of columns at once, so that memory is read sequentially."""

    def terms() -> list[Value]:
        values = []
        for start in starts:
            with nest.vector_scope(nest.axes[-1], start, lanes, None):
                values.append(term())
        return values

    totals = reduce_columns(nest, reducer, inner, [reducer.identity(lanes)] * len(starts), terms)
    for start, total in zip(starts, totals, strict=True):
        with nest.vector_scope(nest.axes[-1], start, lanes, None):
            nest.store(total, view)


def reduce_columns(
    nest: LoopNestEmitter, reducer: Reducer, axes: Sequence[LoopAxis], totals: Sequence[Value],
    terms: Callable[[], Sequence[Value]],
) -> list[Value]:  # fmt: skip
    """Reduce over axes that vectors do not lie along."""
    if not axes:
        return [reducer.combine(total, x) for total, x in zip(totals, terms(), strict=True)]
    f, axis, width = nest.f, axes[0], len(totals)
    if axis.size <= _MAX_UNROLLED:
        for index in range(axis.size):
            with nest.enter_axis(axis, index):
                totals = reduce_columns(nest, reducer, axes[1:], totals, terms)
        return list(totals)
    unroll = ACCUMULATORS // width if is_latency_bound(nest, axes) and not reducer.ordered else 1
    whole = axis.size // unroll * unroll
    more = [reducer.identity(total.lanes) for total in totals] * (unroll - 1)
    with f.loop(0, whole, unroll, carried=[*totals, *more]) as loop:
        sums: list[Value] = []
        for k in range(unroll):
            before = loop.values[k * width : (k + 1) * width]
            with nest.enter_axis(axis, f.plus(loop.index, k)):
                sums += reduce_columns(nest, reducer, axes[1:], before, terms)
        loop.carry(*sums)
    results = [_combined(reducer, loop.values[v::width]) for v in range(width)]
    for index in range(whole, axis.size):
        with nest.enter_axis(axis, index):
            results = reduce_columns(nest, reducer, axes[1:], results, terms)
    return results


def is_latency_bound(nest: LoopNestEmitter, axes: Sequence[LoopAxis]) -> bool:
    """Whether an iteration is so little work that each addition waits for the one before."""
    return (
        len(axes) == 1
        and axes[0].size >= 2 * ACCUMULATORS
        and len(nest.subexpressions) <= _SMALL_BODY
    )


def _combined(reducer: Reducer, totals: Sequence[Value]) -> Value:
    """Combine 1, 2, 4 or 8 values."""
    while len(totals) > 1:
        totals = [reducer.combine(a, b) for a, b in zip(totals[::2], totals[1::2], strict=True)]
    return totals[0]


def reduce_rows(
    nest: LoopNestEmitter, reducer: Reducer, outer: Sequence[LoopAxis], axis: LoopAxis, lanes: int,
    term: Callable[[], Value],
) -> Value:  # fmt: skip
    """Reduce over axes of which the last is cut into vectors."""
    if outer:
        start = reducer.identity(1)
        with (
            nest.f.loop(0, outer[0].size, carried=[start]) as loop,
            nest.enter_axis(outer[0], loop.index),
        ):
            inner = reduce_rows(nest, reducer, outer[1:], axis, lanes, term)
            loop.carry(reducer.combine(loop.values[0], inner))
        return loop.values[0]
    hoisted, rows = dict(nest.hoisted), dict(nest.row_addresses)
    nest.broadcast_invariants(axis, lanes)
    total = _reduce_axis(nest, reducer, axis, lanes, term)
    nest.hoisted, nest.row_addresses = hoisted, rows
    return total


def _reduce_axis(
    nest: LoopNestEmitter, reducer: Reducer, axis: LoopAxis, lanes: int, term: Callable[[], Value]
) -> Value:
    """Reduce an axis with several accumulators, a long one in blocks, to keep rounding small."""
    f = nest.f
    count = ACCUMULATORS if axis.size >= 2 * ACCUMULATORS * lanes else 1
    step = lanes * count
    whole = axis.size // step * step
    totals = [reducer.identity(lanes)] * count

    def add(index: Index, sums: Sequence[Value]) -> list[Value]:
        result = []
        for k, total in enumerate(sums):
            with nest.vector_scope(axis, f.plus(index, k * lanes), lanes, None):
                result.append(reducer.combine(total, term()))
        return result

    blocks = whole // _BLOCK if _BLOCK % step == 0 else 0
    if blocks > 1:
        with f.loop(0, blocks * _BLOCK, _BLOCK, carried=totals) as outer:
            stop = f.plus(outer.index, _BLOCK)
            start = [reducer.identity(lanes)] * count
            with f.loop(outer.index, stop, step, carried=start, at_least_once=True) as loop:
                loop.carry(*add(loop.index, loop.values))
            outer.carry(*map(reducer.combine, outer.values, loop.values))
        totals = list(outer.values)
    begin = blocks * _BLOCK if blocks > 1 else 0
    if whole - begin == step:
        totals = add(begin, totals)
    elif whole > begin:
        with f.loop(begin, whole, step, carried=totals) as loop:
            loop.carry(*add(loop.index, loop.values))
        totals = list(loop.values)
    totals = [_combined(reducer, totals)]
    for position in range(whole, axis.size - lanes + 1, lanes):
        totals = add(position, totals)
    total = reducer.combine_lanes(totals[0])
    rest = axis.size % lanes
    if rest:
        narrow = next_power_of_two(rest)
        with nest.vector_scope(axis, axis.size - rest, narrow, rest):
            last = term()
            if nest.mask is not None:
                last = f.select(nest.mask, last, reducer.identity(narrow))
        total = reducer.combine(total, reducer.combine_lanes(last))
    return total
