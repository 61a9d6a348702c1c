"""`cond`: one of two graphs, as a number decides. Only that one is computed.

Both take the same operands. In reverse mode the branch that was taken is computed anew inside
the branch of its derivative: nothing has to be remembered that only one of them has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autodiff.forward import forward
from ..autodiff.reverse import reverse
from ..errors import ShapeError, at_user_line
from ..graph.graph import Graph
from ..graph.node import Node, constant, input_node, items
from ..graph.types import Type
from ..primitives.declare import declared
from .scan import zeros_of


def run_cond(inputs: Sequence[Any], **params: Any) -> tuple[Any, ...]:
    """Return the results of the branch: nodes if any input is a node, else arrays."""
    true, false = params["true"], params["false"]
    if true.output_types != false.output_types:
        listed = " and ".join(str([str(t) for t in g.output_types]) for g in (true, false))
        raise ShapeError(at_user_line(f"cond: the branches return different types, {listed}"))
    results = cond(*inputs, **params)
    return items(results) if isinstance(results, Node) else results


def _evaluate(
    xp: Any, predicate: Any, *operands: Any, true: Graph, false: Graph
) -> tuple[Any, ...]:
    return tuple((true if predicate else false).schedule.run(xp, operands))


def _infer(_predicate: Type, *_operands: Type, true: Graph, false: Graph) -> tuple[Type, ...]:
    return true.output_types


def _jvp(
    tangents: Sequence[Any], _results: Any, *inputs: Any, true: Graph, false: Graph
) -> list[Any]:
    tangent_operands = [k for k, t in enumerate(tangents[1:]) if t is not None]

    def derived(branch: Graph) -> Graph:
        sources = [branch.inputs[k] for k in tangent_operands]
        t_sources = [input_node(node.type) for node in sources]
        branch_tangents = forward(branch.outputs, sources, t_sources)
        zeros = [constant(zeros_of(node)) for node in branch.outputs]
        outputs = tuple(t or zero for t, zero in zip(branch_tangents, zeros, strict=True))
        return Graph((*branch.inputs, *t_sources), outputs)

    extra = [tangents[1 + k] for k in tangent_operands]
    return list(run_cond([*inputs, *extra], true=derived(true), false=derived(false)))


def _vjp(
    g: Sequence[Any], _results: Any, predicate: Any, *operands: Any, true: Graph, false: Graph,
    needs_input_grad: Sequence[bool],
) -> list[Any]:  # fmt: skip
    result_indices = [k for k, gk in enumerate(g) if gk is not None]
    operand_indices = [k for k, needed in enumerate(needs_input_grad[1:]) if needed]

    def derived(branch: Graph) -> Graph:
        seeds = {k: input_node(branch.outputs[k].type) for k in result_indices}
        sources = [branch.inputs[k] for k in operand_indices]
        cotangents = [seeds.get(k) for k in range(len(g))]
        branch_cotangents = reverse(branch.outputs, sources, cotangents)
        zeros = [constant(zeros_of(node)) for node in sources]
        outputs = tuple(c or zero for c, zero in zip(branch_cotangents, zeros, strict=True))
        return Graph((*branch.inputs, *seeds.values()), outputs)

    inputs = [predicate, *operands, *[g[k] for k in result_indices]]
    results = run_cond(inputs, true=derived(true), false=derived(false))
    cotangents: list[Any] = [None] * (1 + len(operands))
    for k, result in zip(operand_indices, results, strict=True):
        cotangents[1 + k] = result
    return cotangents


cond = declared(
    "cond", _evaluate, _infer, _vjp, _jvp, family="control", multiple=True, selective_vjp=True,
    doc="One of two graphs over the same operands.",
)  # fmt: skip
