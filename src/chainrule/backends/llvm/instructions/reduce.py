"""Sums, products and maxima over axes of a domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from ....graph.node import Node
from ....graph.types import Shape
from ..codegen import row_blocks
from ..codegen.emitter import Emitter
from ..codegen.loop_nest import (
    LoopAxis,
    LoopNestEmitter,
    access_strides,
    lanes_for,
    merge_axes,
)
from ..codegen.reductions import (
    ACCUMULATORS,
    Reducer,
    broadcast_result,
    reduce_adjacent_columns,
    reduce_columns,
    reduce_rows,
)
from ..codegen.vector_loops import RowRange, emit_loops, emit_vector_loop, row_axes
from ..expressions.expression import Expression, Lookup, subexpressions
from ..expressions.lowering import identity_index
from ..fuse.op_traits import REDUCTIONS
from ..ir.value import Value
from ..layout.view import View
from .access import Access, reads, row_span
from .expression_store import ExpressionStore, lines_of
from .planning import Planning, Rule

Term = Callable[[], Value]

_SHORT, _MANY = 6, 16  # numbers of a row, and rows: vectors lie along rows, not along numbers
_TWO_STEP_ROWS = 32  # and as many numbers a row: sums over both are made row by row first


@dataclass(frozen=True, eq=False)
class Reduce(ExpressionStore):
    """A sum, maximum or product of an expression over some axes of a domain."""

    divisible: ClassVar[bool] = True

    operation: str
    domain: Shape
    axes: tuple[int, ...]
    expression: Expression
    view: View

    def accesses(self) -> list[Access]:
        view = broadcast_result(self.view, self.domain, self.axes)
        rows = row_span(view.offset, view.strides, self.domain)
        return [
            Access(view.buffer, True, rows),
            *reads(subexpressions([self.expression]), self.domain),
        ]

    def nanoseconds(self) -> float:
        return 3.0 + prod(self.domain) * 0.3

    @property
    def outlinable(self) -> bool:
        return True

    def code_lines(self) -> int:
        return 20 + lines_of(subexpressions([self.expression]), self.domain)

    def independent_rows(self) -> int:
        empty = not self.domain or 0 in self.domain
        return 0 if empty or 0 in self.axes else self.domain[0]

    def numbers_per_row(self) -> int:
        return prod(self.domain[1:])

    def summary(self) -> str:
        title = f"{self.operation} of {list(self.domain)} over {list(self.axes)}"
        return f"{title} {self.primitives_text()}".rstrip()

    def emit(self, emitter: Emitter) -> None:
        _emit_reduction(emitter, self, None)

    def emit_rows(self, emitter: Emitter, rows: RowRange) -> None:
        _emit_reduction(emitter, self, rows)


def _emit_reduction(emitter: Emitter, step: Reduce, rows: RowRange | None) -> None:
    """Write loops over the remaining axes around loops over the reduced ones."""
    if prod(step.view.shape) == 0:
        return
    addresses, f = emitter.addresses, emitter.f
    view = broadcast_result(step.view, step.domain, step.axes)
    reducer = Reducer(f, step.operation, step.view.dtype)
    if 0 in step.domain:
        nest = LoopNestEmitter(addresses, [], [], [view], emitter.check_number)
        _fill_with_identity(nest, step.view, reducer)
        return
    expression, reduced = step.expression, frozenset(step.axes)
    single = rows is not None and rows.single
    loops = row_axes if single else merge_axes
    axes = loops(step.domain, access_strides([expression], [view]), reduced)
    nest = LoopNestEmitter(addresses, axes, [expression], [view], emitter.check_number)
    if not single:
        _emit_loops_over(axes, nest, reducer, step, view, rows)
        return
    assert rows is not None
    with nest.enter_axis(axes[0], rows.start):
        _emit_loops_over(axes[1:], nest, reducer, step, view, None)


def _emit_loops_over(
    axes: Sequence[LoopAxis], nest: LoopNestEmitter, reducer: Reducer, step: Reduce, view: View,
    rows: RowRange | None,
) -> None:  # fmt: skip
    outer = [a for a in axes if a.last not in step.axes]
    inner = [a for a in axes if a.last in step.axes]
    if _has_short_rows(outer, inner, nest, view):  # vectors of rows instead
        axes = nest.axes = [*outer[:-1], *inner, outer[-1]]

    def term() -> Value:
        return nest.f.convert(nest.value(step.expression), step.view.dtype)

    if not axes:
        nest.store(term(), view)
    elif inner and axes[-1] is inner[-1]:
        _emit_row_reduction(nest, reducer, outer, inner, view, rows, term)
    else:
        _emit_column_reduction(nest, reducer, outer, inner, view, rows, term)


def _has_short_rows(
    outer: Sequence[LoopAxis], inner: Sequence[LoopAxis], nest: LoopNestEmitter, view: View
) -> bool:
    """Whether few numbers of each of many rows are reduced, which lie side by side."""
    if not outer or len(inner) != 1 or any(isinstance(e, Lookup) for e in nest.subexpressions):
        return False
    short = inner[0].size <= _SHORT and outer[-1].size >= _MANY
    return short and view.strides[outer[-1].last] == 1 and nest.axes[-1] is inner[0]


def _lanes(nest: LoopNestEmitter, view: View) -> int:
    dtypes = [e.dtype for e in nest.subexpressions if nest.varies(e, nest.axes[-1])]
    return lanes_for([*dtypes, view.dtype], nest.axes[-1].size)


def _emit_row_reduction(
    nest: LoopNestEmitter, reducer: Reducer, outer: Sequence[LoopAxis], inner: Sequence[LoopAxis],
    view: View, rows: RowRange | None, term: Term,
) -> None:  # fmt: skip
    """Reduce along vectors: the last axis is reduced."""
    span = None if rows is None else rows.span(nest.f, outer[0])
    lanes = _lanes(nest, view)

    def write_row() -> None:
        if reducer.ordered:
            start = [reducer.identity(1)]
            (total,) = reduce_columns(nest, reducer, inner, start, lambda: [term()])
        else:
            total = reduce_rows(nest, reducer, inner[:-1], inner[-1], lanes, term)
        nest.store(total, view)

    emit_loops(nest, outer, write_row, span)


def _emit_column_reduction(
    nest: LoopNestEmitter, reducer: Reducer, outer: Sequence[LoopAxis], inner: Sequence[LoopAxis],
    view: View, rows: RowRange | None, term: Term,
) -> None:  # fmt: skip
    """Reduce vectors lane by lane: the last axis remains."""
    f, last = nest.f, nest.axes[-1]
    span = None if rows is None else rows.span(f, outer[0])
    lanes = _lanes(nest, view)

    if row_blocks.pays(nest, reducer, inner, lanes):
        blocks = row_blocks.RowBlocks(nest, reducer, inner[0], view, lanes, term)
        if len(outer) == 1:
            blocks.emit(span)
        else:
            emit_loops(nest, outer[:-1], blocks.emit, span)
        return

    def write_vector() -> None:
        start = [reducer.identity(nest.lanes)]
        (total,) = reduce_columns(nest, reducer, inner, start, lambda: [term()])
        nest.store(total, view)

    if len(outer) == 1 and span is not None:
        emit_vector_loop(nest, last, lanes, write_vector, span)
        return
    several = min(ACCUMULATORS, last.size // lanes)
    whole = last.size // (several * lanes) * several * lanes if several > 1 else 0

    def write_columns() -> None:
        if whole:
            with f.loop(0, whole, several * lanes) as loop:
                starts = [f.plus(loop.index, k * lanes) for k in range(several)]
                reduce_adjacent_columns(nest, reducer, inner, view, starts, lanes, term)
        if whole < last.size:
            remainder = (whole, last.size) if whole else None
            emit_vector_loop(nest, last, lanes, write_vector, remainder)

    emit_loops(nest, outer[:-1], write_columns, span)


def _fill_with_identity(nest: LoopNestEmitter, view: View, reducer: Reducer) -> None:
    """Write the result of a reduction over nothing."""
    axes = merge_axes(view.shape, [view.strides], frozenset())
    nest.axes = axes
    identity = reducer.f.constant(0 if reducer.name == "sum" else 1, view.dtype)
    emit_loops(nest, axes, lambda: nest.store(identity, view))


def plan_reduction(planner: Planning, node: Node) -> None:
    """Plan a sum, maximum or product, whose input is computed inside its loops."""
    (x,) = node.inputs
    expression = planner.lowering(len(x.shape))(x)
    target, name = planner.target(node), node.primitive.name
    axes = tuple(node.params["axes"] if name != "prod" else (node.params["axis"],))
    if name == "sum" and _sums_rows_first(x.shape, axes):
        shape = tuple(n for k, n in enumerate(x.shape) if not k or k not in axes)
        by_row = planner.allocate(shape, target.dtype)
        planner.append(Reduce(name, x.shape, axes[1:], expression, by_row))
        load = planner.lowering(len(shape)).load(by_row, identity_index(shape))
        planner.append(Reduce(name, shape, axes[:1], load, target))
        return
    planner.append(Reduce(name, x.shape, axes, expression, target))


def _sums_rows_first(shape: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    """Whether a sum is that of sums of rows, which run in row tiles and round less."""
    per_row = prod(shape[k] for k in axes[1:])
    return axes[:1] == (0,) and shape[0] >= _TWO_STEP_ROWS and per_row >= _TWO_STEP_ROWS


RULES: Mapping[str, Rule] = dict.fromkeys(REDUCTIONS, plan_reduction)
