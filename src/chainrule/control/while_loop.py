"""`while_loop`: a loop in the graph whose length the numbers decide.

Inputs are the carries, what the condition reads from outside, and what the body does. How often
it iterates is not known before it runs, so nothing can be stacked for a backward pass: it has a
derivative in forward mode only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autodiff.batching import batch_graph
from ..autodiff.forward import forward
from ..errors import DtypeError, GradientError, at_user_line
from ..graph.evaluate import call, inline
from ..graph.graph import Graph
from ..graph.node import Node, Unbatched, constant, input_node, items
from ..graph.types import Type, is_inexact
from ..primitives.declare import declared, spread
from ..primitives.elementwise import bitwise_and
from .effects import effects, refuse_effects
from .scan import zeros_of
from .selected import any_of, may_raise, operands_of_selected, select


def run_while(inputs: Sequence[Any], **params: Any) -> tuple[Any, ...]:
    """Return the last carries: nodes if any input is a node, else arrays."""
    results = while_loop(*inputs, **params)
    return items(results) if isinstance(results, Node) else results


def _split_operands(operands: Sequence[Any], cond: Graph, body: Graph) -> tuple[list[Any], ...]:
    """Split the inputs into the carries, the condition's constants, and the body's."""
    n_carry = len(body.outputs)
    stop = len(cond.inputs)
    return list(operands[:n_carry]), list(operands[n_carry:stop]), list(operands[stop:])


def _evaluate(xp: Any, *inputs: Any, cond: Graph, body: Graph) -> tuple[Any, ...]:
    carry, cond_constants, body_constants = _split_operands(inputs, cond, body)
    while cond.schedule.run(xp, [*carry, *cond_constants])[0]:
        carry = body.schedule.run(xp, [*carry, *body_constants])
    return tuple(carry)


def _infer(*types: Type, cond: Graph, body: Graph) -> tuple[Type, ...]:
    before, cond_constants, body_constants = _split_operands(types, cond, body)
    if tuple(before) != body.output_types:
        raise DtypeError(
            at_user_line(
                f"while_loop: {before} became {list(body.output_types)} after one iteration"
            )
        )
    if cond.input_types != (*before, *cond_constants) or body.input_types != (
        *before,
        *body_constants,
    ):
        raise DtypeError(at_user_line("while_loop: its inputs are not those that its graphs take"))
    return body.output_types


def _jvp(
    tangents: Sequence[Any], _results: Any, *inputs: Any, cond: Graph, body: Graph
) -> list[Any]:
    """Run one loop over values and tangents side by side; the condition reads the values."""
    if effects(body) or effects(cond):
        raise GradientError(
            at_user_line(
                "while_loop has no derivative in forward mode where it calls io_callback, which "
                "would be called again: use scan, or stop_gradient of what the loop is given"
            )
        )
    carry, cond_constants, body_constants = _split_operands(inputs, cond, body)
    t_carry, _, t_body_constants = _split_operands(tangents, cond, body)
    in_carry, in_body_constants = body.inputs[: len(carry)], body.inputs[len(carry) :]
    float_carries = [k for k, x in enumerate(carry) if is_inexact(x.dtype)]
    tangent_constants = [k for k, t in enumerate(t_body_constants) if t is not None]
    sources = [
        *[in_carry[k] for k in float_carries],
        *[in_body_constants[k] for k in tangent_constants],
    ]
    t_sources = [input_node(node.type) for node in sources]
    derived = forward(body.outputs, sources, t_sources)
    outputs = [derived[k] or constant(zeros_of(carry[k])) for k in float_carries]
    t_carries, t_constants = t_sources[: len(float_carries)], t_sources[len(float_carries) :]
    dual_body = Graph(
        (*in_carry, *t_carries, *in_body_constants, *t_constants), (*body.outputs, *outputs)
    )
    unread = [input_node(node.type) for node in t_carries]
    dual_cond = Graph(
        (*cond.inputs[: len(carry)], *unread, *cond.inputs[len(carry) :]), cond.outputs
    )
    starts = [zeros_of(carry[k]) if t_carry[k] is None else t_carry[k] for k in float_carries]
    results = run_while(
        [
            *carry,
            *starts,
            *cond_constants,
            *body_constants,
            *[t_body_constants[k] for k in tangent_constants],
        ],
        cond=dual_cond,
        body=dual_body,
    )
    t_results: list[Any] = [None] * len(carry)
    for position, k in enumerate(float_carries):
        t_results[k] = results[len(carry) + position]
    return t_results


def _vjp(_g: Any, _results: Any, *_inputs: Any, cond: Graph, body: Graph) -> list[Any]:
    raise GradientError(
        at_user_line(
            "while_loop has no derivative in reverse mode, since its length is not known before: "
            "use jvp, or scan or fori_loop with a bound and np.where to stand still"
        )
    )


def _batch(size: int, batched: Sequence[bool], *inputs: Any, cond: Graph, body: Graph) -> list[Any]:
    """Iterate until no example's condition holds; those that are done stay as they are."""
    refuse_effects(cond, "while_loop")
    refuse_effects(body, "while_loop")
    of_carry, of_cond, of_body = _split_operands(batched, cond, body)
    while True:
        new_body = batch_graph(body, [*of_carry, *of_body], size, of_carry)
        new_cond = batch_graph(cond, [*of_carry, *of_cond], size)
        differs = new_cond.batched[0]
        grown = [True] * len(of_carry) if differs else new_body.batched
        if grown == of_carry:
            break
        of_carry = grown
    carry, cond_constants, body_constants = _split_operands(inputs, cond, body)
    carry = [
        y if b or not wanted else spread(size, [b], [y])[0]
        for y, b, wanted in zip(carry, batched, of_carry, strict=False)
    ]
    if differs:
        masked_cond, masked_body = _masked_loop(new_cond.graph, new_body.graph, of_body, size)
        running = call(new_cond.graph, [*carry, *cond_constants])
        operands = [*carry, *running, *body_constants, *cond_constants]
        return list(run_while(operands, cond=masked_cond, body=masked_body)[:-1])
    results = run_while(
        [*carry, *cond_constants, *body_constants], cond=new_cond.graph, body=new_body.graph
    )
    return [y if b else Unbatched(y) for y, b in zip(results, of_carry, strict=True)]


def _masked_loop(
    cond: Graph, body: Graph, of_body: Sequence[bool], size: int
) -> tuple[Graph, Graph]:
    """Return a loop with one more carry, which says of each example whether it still runs."""
    n = len(body.outputs)
    carry, constants = body.inputs[:n], body.inputs[n:]
    running = input_node(Type((size,), cond.outputs[0].dtype))
    asked = [input_node(t) for t in cond.input_types[n:]]
    outputs: Sequence[Any] = body.outputs
    if size and may_raise(body):
        batched = [*[True] * n, *of_body]
        outputs = inline(body, operands_of_selected(running, body.inputs, batched))
    outputs = [select(running, new, old) for new, old in zip(outputs, carry, strict=True)]
    (holds,) = inline(cond, [*outputs, *asked])
    masked_body = Graph(
        (*carry, running, *constants, *asked), (*outputs, bitwise_and(running, holds))
    )
    unread = [input_node(node.type) for node in carry]
    still_running = input_node(running.type)
    return Graph((*unread, still_running), (any_of(still_running),)), masked_body


while_loop = declared(
    "while_loop", _evaluate, _infer, _vjp, _jvp, family="control", multiple=True, batch=_batch,
    doc="A loop that iterates while a condition holds; its condition and body are graphs.",
)  # fmt: skip
