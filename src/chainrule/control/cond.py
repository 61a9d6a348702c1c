"""`cond`: one of two graphs, as a number decides. Only that one is computed.

Both take the same operands. In reverse mode the branch that was taken is computed anew inside
the branch of its derivative: nothing has to be remembered that only one of them has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autodiff.forward import forward
from ..autodiff.reverse import reverse
from ..errors import ShapeError, at_user_line
from ..graph.graph import Graph
from ..graph.node import Node, constant, input_node, items
from ..graph.types import Type
from ..primitives.callback import NoTangent
from ..primitives.declare import declared
from .effects import effects, replay, results_of_effects
from .scan import zeros_of


def run_cond(inputs: Sequence[Any], **params: Any) -> tuple[Any, ...]:
    """Return the results of the branch: nodes if any input is a node, else arrays."""
    true, false = params["true"], params["false"]
    if true.output_types != false.output_types:
        listed = " and ".join(str([str(t) for t in g.output_types]) for g in (true, false))
        raise ShapeError(at_user_line(f"cond: the branches return different types, {listed}"))
    results = cond(*inputs, **params)
    return items(results) if isinstance(results, Node) else results


def giving_effects(true: Graph, false: Graph) -> tuple[Graph, Graph]:
    """Return the branches with what their callbacks gave as further results, zeros of the other's.

    A derivative reads them: see `effects`.
    """
    in_true, in_false = results_of_effects(true), results_of_effects(false)
    if not in_true and not in_false:
        return true, false
    zeros_of_true = [constant(zeros_of(node)) for node in in_true]
    zeros_of_false = [constant(zeros_of(node)) for node in in_false]
    return (
        Graph(true.inputs, (*true.outputs, *in_true, *zeros_of_false)),
        Graph(false.inputs, (*false.outputs, *zeros_of_true, *in_false)),
    )


def _without_effects(
    results: Any, true: Graph, false: Graph, of_true: Graph, of_false: Graph
) -> tuple[Graph, Graph, list[Any]]:
    """Return derivatives of branches that read what their effects gave as further operands."""
    outputs_of_true, known_to_true, values_of_true = replay(true, results, of_true.outputs)
    outputs_of_false, known_to_false, values_of_false = replay(false, results, of_false.outputs)
    unread_by_true = [input_node(node.type) for node in known_to_false]
    unread_by_false = [input_node(node.type) for node in known_to_true]
    return (
        Graph((*of_true.inputs, *known_to_true, *unread_by_true), tuple(outputs_of_true)),
        Graph((*of_false.inputs, *unread_by_false, *known_to_false), tuple(outputs_of_false)),
        [*values_of_true, *values_of_false],
    )


def _evaluate(
    xp: Any, predicate: Any, *operands: Any, true: Graph, false: Graph
) -> tuple[Any, ...]:
    return tuple((true if predicate else false).schedule.run(xp, operands))


def _infer(_predicate: Type, *_operands: Type, true: Graph, false: Graph) -> tuple[Type, ...]:
    return true.output_types


def _jvp(
    tangents: Sequence[Any], results: Any, *inputs: Any, true: Graph, false: Graph
) -> list[Any]:
    tangent_operands = [k for k, t in enumerate(tangents[1:]) if t is not None]
    unknown: dict[int, NoTangent] = {}

    def derived(branch: Graph) -> Graph:
        sources = [branch.inputs[k] for k in tangent_operands]
        t_sources = [input_node(node.type) for node in sources]
        branch_tangents = forward(branch.outputs, sources, t_sources, inner=True)
        unknown.update({k: t for k, t in enumerate(branch_tangents) if type(t) is NoTangent})
        zeros = [constant(zeros_of(node)) for node in branch.outputs]
        outputs = tuple(
            t if isinstance(t, Node) else zero
            for t, zero in zip(branch_tangents, zeros, strict=True)
        )
        return Graph((*branch.inputs, *t_sources), outputs)

    operands = [*inputs, *[tangents[1 + k] for k in tangent_operands]]
    t_results = list(_run_derivatives(operands, results, true, false, derived))
    return [unknown.get(k, t) for k, t in enumerate(t_results)]


def _run_derivatives(
    operands: list[Any], results: Any, true: Graph, false: Graph, derived: Callable[[Graph], Graph]
) -> tuple[Any, ...]:
    """Run the derivative of the branch that was taken."""
    of_true, of_false = derived(true), derived(false)
    if effects(true) or effects(false):
        of_true, of_false, values = _without_effects(results, true, false, of_true, of_false)
        operands = operands + values
    return run_cond(operands, true=of_true, false=of_false)


def _vjp(
    g: Sequence[Any], results: Any, predicate: Any, *operands: Any, true: Graph, false: Graph,
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
    derivatives = _run_derivatives(inputs, results, true, false, derived)
    cotangents: list[Any] = [None] * (1 + len(operands))
    for k, result in zip(operand_indices, derivatives, strict=True):
        cotangents[1 + k] = result
    return cotangents


cond = declared(
    "cond", _evaluate, _infer, _vjp, _jvp, family="control", multiple=True, selective_vjp=True,
    doc="One of two graphs over the same operands.",
)  # fmt: skip
