"""Running sums and products along one axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ....graph.node import Node
from ....graph.types import Shape
from ..codegen.emitter import Emitter
from ..codegen.loop_nest import LoopNestEmitter, access_strides, merge_axes
from ..codegen.reductions import Reducer
from ..codegen.vector_loops import emit_loops
from ..expressions.expression import Expression
from ..fuse.op_traits import CUMULATIVE
from ..layout.view import View
from .expression_store import ExpressionStore
from .planning import Planning, Rule


@dataclass(frozen=True, eq=False)
class Cumulative(ExpressionStore):
    """A cumulative sum or product of an expression along one axis of a domain."""

    operation: str
    domain: Shape
    axis: int
    expression: Expression
    view: View

    def nanoseconds(self) -> float:
        return 3.0 + prod(self.domain) * 2.0

    def summary(self) -> str:
        title = f"{self.operation} {list(self.domain)} along {self.axis}"
        return f"{title} {self.primitives_text()}".rstrip()

    def emit(self, emitter: Emitter) -> None:
        if 0 in self.domain:
            return
        f, dtype, view = emitter.f, self.view.dtype, self.view
        strides = access_strides([self.expression], [view])
        axes = merge_axes(self.domain, strides, frozenset([self.axis]))
        nest = LoopNestEmitter(
            emitter.addresses, axes, [self.expression], [view], emitter.check_number
        )
        along = next((a for a in axes if a.last == self.axis), None)

        def write() -> None:
            reducer = Reducer(f, "sum" if self.operation == "cumsum" else "prod", dtype)
            if along is None:  # an axis of size 1
                nest.store(f.convert(nest.value(self.expression), dtype), view)
                return
            with f.loop(0, along.size, carried=[reducer.identity(1)]) as loop:
                with nest.enter_axis(along, loop.index):
                    x = f.convert(nest.value(self.expression), dtype)
                    total = reducer.combine(loop.values[0], x)
                    nest.store(total, view)
                loop.carry(total)

        emit_loops(nest, [a for a in axes if a is not along], write)


def plan_cumulative(planner: Planning, node: Node) -> None:
    """Plan a cumulative sum or product."""
    (x,) = node.inputs
    expression, target = planner.lowering(len(x.shape))(x), planner.target(node)
    name, axis = node.primitive.name, node.params["axis"]
    planner.append(Cumulative(name, x.shape, axis, expression, target))


RULES: Mapping[str, Rule] = dict.fromkeys(CUMULATIVE, plan_cumulative)
