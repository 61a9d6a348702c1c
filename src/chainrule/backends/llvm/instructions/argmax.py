"""The position of the maximum along one axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from ....graph.node import Node
from ....graph.types import Shape
from ..codegen.emitter import Emitter
from ..codegen.loop_nest import LoopAxis, LoopNestEmitter, access_strides, merge_axes
from ..codegen.maxima import FirstMaximum
from ..codegen.reductions import broadcast_result
from ..codegen.vector_loops import RowRange, emit_loops
from ..expressions.expression import Expression, Load, subexpressions
from ..ir.types import I64
from ..layout.view import View
from .access import Access, reads, row_span
from .expression_store import ExpressionStore, lines_of
from .planning import Planning, Rule

_LINES = 120  # of the search in a row, beside those of its numbers


@dataclass(frozen=True, eq=False)
class ArgMax(ExpressionStore):
    """The position of the first maximum of an expression along one axis; the first nan wins."""

    divisible: ClassVar[bool] = True

    domain: Shape
    axis: int
    expression: Expression
    view: View

    def accesses(self) -> list[Access]:
        view = broadcast_result(self.view, self.domain, [self.axis])
        rows = row_span(view.offset, view.strides, self.domain)
        return [
            Access(view.buffer, True, rows),
            *reads(subexpressions([self.expression]), self.domain),
        ]

    def nanoseconds(self) -> float:
        return 3.0 + prod(self.domain) * 0.4

    @property
    def outlinable(self) -> bool:
        return True

    def code_lines(self) -> int:
        return _LINES + 4 * lines_of(subexpressions([self.expression]), self.domain)

    def independent_rows(self) -> int:
        return 0 if 0 in self.domain or self.axis == 0 else self.domain[0]

    def summary(self) -> str:
        return f"argmax {list(self.domain)} along {self.axis} {self.primitives_text()}".rstrip()

    def emit(self, emitter: Emitter) -> None:
        _emit_search(emitter, self, None)

    def emit_rows(self, emitter: Emitter, rows: RowRange) -> None:
        _emit_search(emitter, self, rows)


def _emit_search(emitter: Emitter, step: ArgMax, rows: RowRange | None) -> None:
    """Write loops over the other axes around a search along the one."""
    if prod(step.view.shape) == 0:
        return
    f, expression = emitter.f, step.expression
    view = broadcast_result(step.view, step.domain, [step.axis])
    strides = access_strides([expression], [view])
    axes = merge_axes(step.domain, strides, frozenset([step.axis]))
    nest = LoopNestEmitter(emitter.addresses, axes, [expression], [view], emitter.check_number)
    along = next((axis for axis in axes if axis.last == step.axis), None)
    outer = [axis for axis in axes if axis is not along]
    if along is None:  # of size 1
        span = None if rows is None else rows.span(f, outer[0])
        emit_loops(nest, outer, lambda: nest.store(f.constant(0, I64), view), span)
        return
    search = FirstMaximum(nest, along, expression)
    vector = _vector_axis(nest, along)
    loops = [axis for axis in outer if axis is not vector]
    span = None if rows is None else rows.span(f, outer[0])
    if vector is along:
        emit_loops(nest, loops, lambda: nest.store(search.along_vectors(), view), span)
    elif loops and loops[0] is outer[0]:
        emit_loops(nest, loops, lambda: search.of_columns(vector, view, None), span)
    else:
        emit_loops(nest, loops, lambda: search.of_columns(vector, view, span))


def _vector_axis(nest: LoopNestEmitter, along: LoopAxis) -> LoopAxis:
    """Return the axis along which most arrays are contiguous: if possible that of the search."""

    def contiguous(axis: LoopAxis) -> int:
        loads = [e for e in nest.subexpressions if isinstance(e, Load)]
        return sum(e.strides[axis.last] == 1 for e in loads)

    return max([along, *nest.axes[::-1]], key=contiguous)


def plan_argmax(planner: Planning, node: Node) -> None:
    """Plan the position of a maximum."""
    (x,) = node.inputs
    expression, target = planner.lowering(len(x.shape))(x), planner.target(node)
    planner.append(ArgMax(x.shape, node.params["axis"], expression, target))


RULES: Mapping[str, Rule] = {"argmax": plan_argmax}
