"""The position of the maximum along one axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ....graph.node import Node
from ....graph.types import Shape
from ..codegen.emitter import Emitter
from ..codegen.loop_nest import LoopNestEmitter, access_strides, merge_axes
from ..codegen.reductions import broadcast_result
from ..codegen.vector_loops import emit_loops
from ..expressions.expression import Expression
from ..ir.types import I64
from ..ir.value import Value
from ..layout.view import View
from .expression_store import ExpressionStore
from .planning import Planning, Rule


@dataclass(frozen=True, eq=False)
class ArgMax(ExpressionStore):
    """The position of the first maximum of an expression along one axis; the first nan wins."""

    domain: Shape
    axis: int
    expression: Expression
    view: View

    def nanoseconds(self) -> float:
        return 3.0 + prod(self.domain) * 2.0

    def summary(self) -> str:
        return f"argmax {list(self.domain)} along {self.axis} {self.primitives_text()}".rstrip()

    def emit(self, emitter: Emitter) -> None:
        if 0 in self.domain:
            return
        f = emitter.f
        view = broadcast_result(self.view, self.domain, [self.axis])
        strides = access_strides([self.expression], [view])
        axes = merge_axes(self.domain, strides, frozenset([self.axis]))
        nest = LoopNestEmitter(
            emitter.addresses, axes, [self.expression], [view], emitter.check_number
        )
        along = next((a for a in axes if a.last == self.axis), None)

        def write() -> None:
            zero = f.constant(0, I64)
            if along is None:  # an axis of size 1
                nest.store(zero, view)
                return
            with nest.enter_axis(along, 0):
                first = nest.value(self.expression)
            with f.loop(1, along.size, carried=[first, zero]) as loop:
                best, position = loop.values
                with nest.enter_axis(along, loop.index):
                    x = nest.value(self.expression)
                if x.dtype.kind == "f":
                    better = (x > best) | (x.is_nan() & (best.is_nan() ^ True))
                else:
                    better = x > best
                current = Value(f, loop.index, I64, 1)
                loop.carry(f.select(better, x, best), f.select(better, current, position))
            nest.store(loop.values[1], view)

        emit_loops(nest, [a for a in axes if a is not along], write)


def plan_argmax(planner: Planning, node: Node) -> None:
    """Plan the position of a maximum."""
    (x,) = node.inputs
    expression, target = planner.lowering(len(x.shape))(x), planner.target(node)
    planner.append(ArgMax(x.shape, node.params["axis"], expression, target))


RULES: Mapping[str, Rule] = {"argmax": plan_argmax}
