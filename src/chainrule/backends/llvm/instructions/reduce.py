"""Reductions, running sums and the place of a maximum as loop nests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ..emit.loop_nest import Axis, Nest, Pointers, lanes_for, merge, strides_in
from ..emit.loops import Rows, Site, over, over_vectors, power_of_two
from ..ir.builder import FunctionBuilder
from ..ir.types import I64, Index
from ..ir.value import Value
from ..kernels.math import FUNCTIONS
from ..layout.view import View
from .base import Along, Reduce

_BLOCK = 4096  # numbers that one accumulator's lanes share, before it is added to another
_WRITTEN_OUT = 3  # turns of a loop, such as over a window of a picture
_TOGETHER = 4  # accumulators at once: an addition takes about four cycles
_LITTLE = 16  # parts of an expression that are computed in less


class Folding:
    """How numbers are joined: the identity, two into one, the lanes of a vector into one."""

    def __init__(self, f: FunctionBuilder, name: str, dtype: np.dtype[Any]) -> None:
        self.f, self.name, self.dtype = f, name, dtype
        # A product of all but one may overflow where the product does not: it is taken in order.
        self.ordered = name == "prod" and dtype.kind == "f"

    def start(self, lanes: int) -> Value:
        """What changes nothing."""
        number: object = {"sum": 0, "prod": 1}.get(self.name)
        if self.name == "sum" and self.dtype.kind == "f":
            number = -0.0
        if number is None:
            kind = self.dtype.kind
            number = -np.inf if kind == "f" else False if kind == "b" else np.iinfo(self.dtype).min
        return self.f.constant(number, self.dtype, lanes)

    def join(self, x: Value, y: Value) -> Value:
        """Two into one."""
        if self.name == "max":
            return x | y if x.dtype.kind == "b" else FUNCTIONS["maximum"](self.f, x, y)
        if x.dtype.kind == "b":
            return x | y if self.name == "sum" else x & y
        return x + y if self.name == "sum" else x * y

    def across(self, x: Value) -> Value:
        """All lanes into one, in halves."""
        while x.lanes > 1:
            half = x.lanes // 2
            low = self.f.shuffle(x, None, range(half))
            high = self.f.shuffle(x, None, range(half, x.lanes))
            if half == 1:
                low, high = self.f.extract(x, 0), self.f.extract(x, 1)
            x = self.join(low, high)
        return x


def emit_reduce(pointers: Pointers, step: Reduce, site: Site, rows: Rows | None = None) -> None:
    """Loops over what is kept around loops over what is folded."""
    view = over_kept(step.view, step.domain, step.axes)
    if prod(step.view.shape) == 0:
        return
    f = pointers.f
    folding = Folding(f, step.name, step.view.dtype)
    if 0 in step.domain:
        nest = Nest(pointers, [], [], [view], site)
        over_empty(nest, step.view, folding)
        return
    expression, folded = step.expression, frozenset(step.axes)
    axes = merge(step.domain, strides_in([expression], [view]), folded)
    nest = Nest(pointers, axes, [expression], [view], site)
    kept = [a for a in axes if a.last not in folded]
    inner = [a for a in axes if a.last in folded]
    dtypes = [e.dtype for e in nest.parts if axes and nest.varies(e, axes[-1])]

    def term() -> Value:
        return f.convert(nest.value(expression), step.view.dtype)

    if not axes:
        nest.store(term(), view)
        return
    span = None if rows is None else rows.of(f, kept[0])
    lanes = lanes_for([*dtypes, step.view.dtype], axes[-1].size)
    if inner and axes[-1] is inner[-1]:

        def write_row() -> None:
            if folding.ordered:
                (total,) = fold_columns(nest, folding, inner, [folding.start(1)], lambda: [term()])
            else:
                total = fold_rows(nest, folding, inner[:-1], inner[-1], lanes, term)
            nest.store(total, view)

        over(nest, kept, write_row, span)
        return

    last = axes[-1]

    def one() -> None:
        (total,) = fold_columns(nest, folding, inner, [folding.start(nest.lanes)], lambda: [term()])
        nest.store(total, view)

    if len(kept) == 1 and span is not None:
        over_vectors(nest, last, lanes, one, span)
        return
    several = min(_TOGETHER, last.size // lanes)
    whole = last.size // (several * lanes) * several * lanes if several > 1 else 0

    def columns() -> None:
        if whole:
            with f.loop(0, whole, several * lanes) as loop:
                starts = [f.plus(loop.index, k * lanes) for k in range(several)]
                fold_side_by_side(nest, folding, inner, view, starts, lanes, term)
        if whole < last.size:
            over_vectors(nest, last, lanes, one, (whole, last.size) if whole else None)

    over(nest, kept[:-1], columns, span)


def over_empty(nest: Nest, view: View, folding: Folding) -> None:
    """What is left of a fold over nothing: its identity, everywhere."""
    axes = merge(view.shape, [view.strides], frozenset())
    nest.axes = axes
    zero = folding.f.constant(0 if folding.name == "sum" else 1, view.dtype)
    over(nest, axes, lambda: nest.store(zero, view))


def over_kept(view: View, domain: tuple[int, ...], axes: Sequence[int]) -> View:
    """A reduction's result seen over the whole domain: it stays where it is along the axes."""
    strides = iter(view.strides)
    spread = tuple(0 if k in axes else next(strides) for k in range(len(domain)))
    return View(view.buffer, view.offset, domain, spread)


def fold_side_by_side(
    nest: Nest, folding: Folding, inner: Sequence[Axis], view: View, starts: Sequence[Index],
    lanes: int, term: Callable[[], Value],
) -> None:  # fmt: skip
    """Several vectors of columns, so that memory is read as it lies."""

    def terms() -> list[Value]:
        found = []
        for start in starts:
            with nest.vectors(nest.axes[-1], start, lanes, None):
                found.append(term())
        return found

    totals = fold_columns(nest, folding, inner, [folding.start(lanes)] * len(starts), terms)
    for start, total in zip(starts, totals, strict=True):
        with nest.vectors(nest.axes[-1], start, lanes, None):
            nest.store(total, view)


def fold_columns(
    nest: Nest, folding: Folding, axes: Sequence[Axis], totals: Sequence[Value],
    terms: Callable[[], Sequence[Value]],
) -> list[Value]:  # fmt: skip
    """Fold over axes that are not the vectors' own."""
    if not axes:
        return [folding.join(total, x) for total, x in zip(totals, terms(), strict=True)]
    f, axis, width = nest.f, axes[0], len(totals)
    if axis.size <= _WRITTEN_OUT:
        for index in range(axis.size):
            with nest.at(axis, index):
                totals = fold_columns(nest, folding, axes[1:], totals, terms)
        return list(totals)
    turns = _TOGETHER // width if _waits(nest, axes) and not folding.ordered else 1
    whole = axis.size // turns * turns
    more = [folding.start(total.lanes) for total in totals] * (turns - 1)
    with f.loop(0, whole, turns, carried=[*totals, *more]) as loop:
        sums: list[Value] = []
        for k in range(turns):
            before = loop.values[k * width : (k + 1) * width]
            with nest.at(axis, f.plus(loop.index, k)):
                sums += fold_columns(nest, folding, axes[1:], before, terms)
        loop.carry(*sums)
    made = [_joined(folding, loop.values[v::width]) for v in range(width)]
    for index in range(whole, axis.size):
        with nest.at(axis, index):
            made = fold_columns(nest, folding, axes[1:], made, terms)
    return made


def _waits(nest: Nest, axes: Sequence[Axis]) -> bool:
    """Whether a turn is so little work that each addition would wait for the one before."""
    return len(axes) == 1 and axes[0].size >= 2 * _TOGETHER and len(nest.parts) <= _LITTLE


def _joined(folding: Folding, totals: Sequence[Value]) -> Value:
    """1, 2 or 4 accumulators into one."""
    while len(totals) > 1:
        totals = [folding.join(a, b) for a, b in zip(totals[::2], totals[1::2], strict=True)]
    return totals[0]


def fold_rows(
    nest: Nest, folding: Folding, outer: Sequence[Axis], axis: Axis, lanes: int,
    term: Callable[[], Value],
) -> Value:  # fmt: skip
    """Fold over axes of which the last is cut into vectors."""
    if outer:
        start = folding.start(1)
        with nest.f.loop(0, outer[0].size, carried=[start]) as loop, nest.at(outer[0], loop.index):
            inner = fold_rows(nest, folding, outer[1:], axis, lanes, term)
            loop.carry(folding.join(loop.values[0], inner))
        return loop.values[0]
    known, rows = dict(nest.known), dict(nest.rows)
    nest.spread(axis, lanes)
    total = _fold_axis(nest, folding, axis, lanes, term)
    nest.known, nest.rows = known, rows
    return total


def _fold_axis(
    nest: Nest, folding: Folding, axis: Axis, lanes: int, term: Callable[[], Value]
) -> Value:
    """Several accumulators at once; long rows in blocks, so that rounding stays small."""
    f = nest.f
    count = _TOGETHER if axis.size >= 2 * _TOGETHER * lanes else 1
    step = lanes * count
    whole = axis.size // step * step
    totals = [folding.start(lanes)] * count

    def add(index: Index, sums: Sequence[Value]) -> list[Value]:
        result = []
        for k, total in enumerate(sums):
            with nest.vectors(axis, f.plus(index, k * lanes), lanes, None):
                result.append(folding.join(total, term()))
        return result

    blocks = whole // _BLOCK if _BLOCK % step == 0 else 0
    if blocks > 1:
        with f.loop(0, blocks * _BLOCK, _BLOCK, carried=totals) as outer:
            stop = f.plus(outer.index, _BLOCK)
            start = [folding.start(lanes)] * count
            with f.loop(outer.index, stop, step, carried=start, at_least_once=True) as loop:
                loop.carry(*add(loop.index, loop.values))
            outer.carry(*map(folding.join, outer.values, loop.values))
        totals = list(outer.values)
    begin = blocks * _BLOCK if blocks > 1 else 0
    if whole - begin == step:
        totals = add(begin, totals)
    elif whole > begin:
        with f.loop(begin, whole, step, carried=totals) as loop:
            loop.carry(*add(loop.index, loop.values))
        totals = list(loop.values)
    totals = [_joined(folding, totals)]
    for place in range(whole, axis.size - lanes + 1, lanes):
        totals = add(place, totals)
    total = folding.across(totals[0])
    rest = axis.size % lanes
    if rest:
        narrow = power_of_two(rest)
        with nest.vectors(axis, axis.size - rest, narrow, rest):
            last = term()
            if nest.mask is not None:
                last = f.select(nest.mask, last, folding.start(narrow))
        total = folding.join(total, folding.across(last))
    return total


def emit_along(pointers: Pointers, step: Along, site: Site) -> None:
    """A running sum or product, or the place of the first maximum, along one axis."""
    if 0 in step.domain:
        return
    argmax = step.name == "argmax"
    view = over_kept(step.view, step.domain, [step.axis]) if argmax else step.view
    apart = frozenset([step.axis])
    axes = merge(step.domain, strides_in([step.expression], [view]), apart)
    nest = Nest(pointers, axes, [step.expression], [view], site)
    f, dtype = pointers.f, step.view.dtype
    along = next((a for a in axes if a.last == step.axis), None)
    kept = [a for a in axes if a is not along]

    def running() -> None:
        folding = Folding(f, "sum" if step.name == "cumsum" else "prod", dtype)
        if along is None:
            nest.store(f.convert(nest.value(step.expression), dtype), view)
            return
        with f.loop(0, along.size, carried=[folding.start(1)]) as loop:
            with nest.at(along, loop.index):
                total = folding.join(loop.values[0], f.convert(nest.value(step.expression), dtype))
                nest.store(total, view)
            loop.carry(total)

    def place() -> None:
        zero = f.constant(0, I64)
        if along is None:
            nest.store(zero, view)
            return
        with nest.at(along, 0):
            first = nest.value(step.expression)
        with f.loop(1, along.size, carried=[first, zero]) as loop:
            best, where = loop.values
            with nest.at(along, loop.index):
                x = nest.value(step.expression)
            if x.dtype.kind == "f":  # the first nan wins
                better = (x > best) | (x.is_nan() & (best.is_nan() ^ True))
            else:
                better = x > best
            here = Value(f, loop.index, I64, 1)
            loop.carry(f.select(better, x, best), f.select(better, here, where))
        nest.store(loop.values[1], view)

    over(nest, kept, place if argmax else running)
