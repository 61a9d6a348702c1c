"""`cond`: one of two graphs, as a number decides. Only that one is computed.

Both take the same operands. In reverse mode the branch that was taken is computed anew inside
the branch of its derivative: nothing has to be remembered that only one of them has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..autodiff.batching import batch, batch_graph, spread_results
from ..autodiff.forms import FORMS, copy_of, has_forms, in_other_form, other_forms
from ..autodiff.forward import forward
from ..autodiff.reverse import active_nodes, reverse
from ..errors import ShapeError, at_user_line
from ..graph.graph import Graph
from ..graph.node import Node, Unbatched, constant, input_node, items
from ..graph.types import Type
from ..primitives.callback import NoTangent
from ..primitives.declare import declared
from ..primitives.elementwise import equal
from .effects import effects, refuse_effects, replay, results_of_effects
from .scan import zeros_of
from .selected import any_of, may_raise, operands_of_selected, select


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


def _batch(
    size: int, batched: Sequence[bool], predicate: Any, *operands: Any, true: Graph, false: Graph
) -> list[Any]:
    """Run one branch for the batch if all examples take the same one, else both, and choose."""
    refuse_effects(true, "cond")
    refuse_effects(false, "cond")
    of_operands = batched[1:]
    if batched[0]:
        chosen = _branch_results(true, predicate, operands, of_operands, size)
        others = _branch_results(false, equal(predicate, False), operands, of_operands, size)
        return [select(predicate, x, y) for x, y in zip(chosen, others, strict=True)]
    flags = [batch_graph(branch, of_operands, size).batched for branch in (true, false)]
    differ = [either or other for either, other in zip(*flags, strict=True)]
    results = run_cond(
        [predicate, *operands],
        true=batch_graph(true, of_operands, size, differ).graph,
        false=batch_graph(false, of_operands, size, differ).graph,
    )
    return [y if b else Unbatched(y) for y, b in zip(results, differ, strict=True)]


def _branch_results(
    branch: Graph, selected: Any, operands: Sequence[Any], batched: Sequence[bool], size: int
) -> Sequence[Any]:
    """Return what a branch gives for a batch, of which only the selected examples count."""
    if not (size and may_raise(branch)):
        return spread_results(batch(branch, operands, batched, size), size)
    operands = operands_of_selected(selected, operands, batched)
    of_batch = batch_graph(branch, batched, size, [True] * len(branch.outputs)).graph
    unread = tuple([input_node(t) for t in of_batch.input_types])
    zeros = Graph(unread, tuple([constant(zeros_of(node)) for node in of_batch.outputs]))
    return run_cond([any_of(selected), *operands], true=of_batch, false=zeros)


def _form(
    node: Node, inputs: tuple[Node, ...], needs_input_grad: Sequence[bool]
) -> Sequence[Node] | None:
    """Return the results of the branches as a backward pass reads them: see `autodiff.forms`."""
    changed = {}
    for name in ("true", "false"):
        branch = node.params[name]
        if not has_forms(branch):
            continue
        active = [x for x, need in zip(branch.inputs, needs_input_grad[1:], strict=True) if need]
        forms = other_forms(active_nodes(branch.outputs, active), active)
        if forms:
            changed[name] = Graph(branch.inputs, in_other_form(branch.outputs, forms))
    return items(copy_of(node, inputs, **changed)) if changed else None


FORMS["cond"] = _form
cond = declared(
    "cond", _evaluate, _infer, _vjp, _jvp, family="control", multiple=True, selective_vjp=True,
    batch=_batch,
    doc="One of two graphs over the same operands.",
)  # fmt: skip
