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
from ..graph.node import ITEM, Node, constant, input_node, items
from ..graph.types import Type
from ..primitives.callback import NoTangent
from ..primitives.declare import declared
from .effects import effects, replayed, results_of_effects
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


def _replayed(results: Any, true: Graph, false: Graph) -> tuple[list[Any], Graph, Graph]:
    """Return the branches without effects, and what they read instead as further operands."""
    n = len(true.inputs)
    pure_true, outputs_of_true = replayed(true, n)
    pure_false, outputs_of_false = replayed(false, n)
    more_of_true, more_of_false = pure_true.inputs[n:], pure_false.inputs[n:]
    known = [ITEM(results, index=k) for k in (*outputs_of_true, *outputs_of_false)]
    unread_by_true = [input_node(node.type) for node in more_of_false]
    unread_by_false = [input_node(node.type) for node in more_of_true]
    pure_true = Graph((*pure_true.inputs, *unread_by_true), pure_true.outputs)
    pure_false = Graph((*false.inputs, *unread_by_false, *more_of_false), pure_false.outputs)
    return known, pure_true, pure_false


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

    def branch_tangents_of(branch: Graph) -> tuple[list[Node], list[Any]]:
        sources = [branch.inputs[k] for k in tangent_operands]
        t_sources = [input_node(node.type) for node in sources]
        return t_sources, forward(branch.outputs, sources, t_sources)

    if effects(true) or effects(false):
        known, pure_true, pure_false = _replayed(results, true, false)
        t_results = _jvp(
            [*tangents, *[None] * len(known)], results, *inputs, *known,
            true=pure_true, false=pure_false,
        )  # fmt: skip
        for branch in (true, false):
            for k, t in enumerate(branch_tangents_of(branch)[1]):
                if type(t) is NoTangent:
                    t_results[k] = t
        return t_results

    def derived(branch: Graph) -> Graph:
        t_sources, branch_tangents = branch_tangents_of(branch)
        zeros = [constant(zeros_of(node)) for node in branch.outputs]
        outputs = tuple(t or zero for t, zero in zip(branch_tangents, zeros, strict=True))
        return Graph((*branch.inputs, *t_sources), outputs)

    extra = [tangents[1 + k] for k in tangent_operands]
    return list(run_cond([*inputs, *extra], true=derived(true), false=derived(false)))


def _vjp(
    g: Sequence[Any], results: Any, predicate: Any, *operands: Any, true: Graph, false: Graph,
    needs_input_grad: Sequence[bool],
) -> list[Any]:  # fmt: skip
    result_indices = [k for k, gk in enumerate(g) if gk is not None]
    operand_indices = [k for k, needed in enumerate(needs_input_grad[1:]) if needed]

    def branch_cotangents_of(branch: Graph) -> tuple[dict[int, Node], list[Any]]:
        seeds = {k: input_node(branch.outputs[k].type) for k in result_indices}
        sources = [branch.inputs[k] for k in operand_indices]
        return seeds, reverse(branch.outputs, sources, [seeds.get(k) for k in range(len(g))])

    if effects(true) or effects(false):
        for branch in (true, false):
            branch_cotangents_of(branch)  # an error where a derivative flows into a callback
        known, pure_true, pure_false = _replayed(results, true, false)
        cotangents = _vjp(
            g, results, predicate, *operands, *known, true=pure_true, false=pure_false,
            needs_input_grad=[*needs_input_grad, *[False] * len(known)],
        )  # fmt: skip
        return cotangents[: 1 + len(operands)]

    def derived(branch: Graph) -> Graph:
        sources = [branch.inputs[k] for k in operand_indices]
        seeds, branch_cotangents = branch_cotangents_of(branch)
        zeros = [constant(zeros_of(node)) for node in sources]
        outputs = tuple(c or zero for c, zero in zip(branch_cotangents, zeros, strict=True))
        return Graph((*branch.inputs, *seeds.values()), outputs)

    inputs = [predicate, *operands, *[g[k] for k in result_indices]]
    derivatives = run_cond(inputs, true=derived(true), false=derived(false))
    cotangents = [None] * (1 + len(operands))
    for k, result in zip(operand_indices, derivatives, strict=True):
        cotangents[1 + k] = result
    return cotangents


cond = declared(
    "cond", _evaluate, _infer, _vjp, _jvp, family="control", multiple=True, selective_vjp=True,
    doc="One of two graphs over the same operands.",
)  # fmt: skip
