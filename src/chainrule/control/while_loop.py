"""`while_loop`: a loop in the graph whose length the numbers decide.

Inputs are the carries, what the condition reads from outside, and what the body does. How often
it turns is not known before it runs, so nothing can be stacked for a backward pass: it has a
derivative in forward mode only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autodiff.forward import forward
from ..errors import DtypeError, GradientError, at_user_line
from ..graph.graph import Graph
from ..graph.node import Node, constant, input_node, items
from ..graph.types import Type, is_float
from ..primitives.declare import declared
from .scan import zeros_of


def run_while(inputs: Sequence[Any], **params: Any) -> tuple[Any, ...]:
    """The last carries: nodes if any input is a node, else arrays."""
    results = while_loop(*inputs, **params)
    return items(results) if isinstance(results, Node) else results


def _parts(given: Sequence[Any], cond: Graph, body: Graph) -> tuple[list[Any], ...]:
    """The carries, the condition's constants, and the body's."""
    n_carry = len(body.outputs)
    stop = len(cond.inputs)
    return list(given[:n_carry]), list(given[n_carry:stop]), list(given[stop:])


def _evaluate(xp: Any, *inputs: Any, cond: Graph, body: Graph) -> tuple[Any, ...]:
    carry, asked, read = _parts(inputs, cond, body)
    while cond.schedule.run(xp, [*carry, *asked])[0]:
        carry = body.schedule.run(xp, [*carry, *read])
    return tuple(carry)


def _infer(*types: Type, cond: Graph, body: Graph) -> tuple[Type, ...]:
    before, asked, read = _parts(types, cond, body)
    if tuple(before) != body.output_types:
        raise DtypeError(
            at_user_line(f"while_loop: {before} became {list(body.output_types)} after one turn")
        )
    if cond.input_types != (*before, *asked) or body.input_types != (*before, *read):
        raise DtypeError(at_user_line("while_loop: its inputs are not those that its graphs take"))
    return body.output_types


def _jvp(
    tangents: Sequence[Any], _results: Any, *inputs: Any, cond: Graph, body: Graph
) -> list[Any]:
    """The loop of values and tangents side by side; the condition reads the values."""
    carry, asked, read = _parts(inputs, cond, body)
    t_carry, _, t_read = _parts(tangents, cond, body)
    in_carry, in_read = body.inputs[: len(carry)], body.inputs[len(carry) :]
    moving = [k for k, x in enumerate(carry) if is_float(x.dtype)]
    given = [k for k, t in enumerate(t_read) if t is not None]
    sources = [*[in_carry[k] for k in moving], *[in_read[k] for k in given]]
    t_sources = [input_node(node.type) for node in sources]
    derived = forward(body.outputs, sources, t_sources)
    outputs = [derived[k] or constant(zeros_of(carry[k])) for k in moving]
    t_moving, t_given = t_sources[: len(moving)], t_sources[len(moving) :]
    both = Graph((*in_carry, *t_moving, *in_read, *t_given), (*body.outputs, *outputs))
    unread = [input_node(node.type) for node in t_moving]
    wider = Graph((*cond.inputs[: len(carry)], *unread, *cond.inputs[len(carry) :]), cond.outputs)
    starts = [zeros_of(carry[k]) if t_carry[k] is None else t_carry[k] for k in moving]
    results = run_while(
        [*carry, *starts, *asked, *read, *[t_read[k] for k in given]], cond=wider, body=both
    )
    t_results: list[Any] = [None] * len(carry)
    for place, k in enumerate(moving):
        t_results[k] = results[len(carry) + place]
    return t_results


def _vjp(_g: Any, _results: Any, *_inputs: Any, cond: Graph, body: Graph) -> list[Any]:
    raise GradientError(
        at_user_line(
            "while_loop has no derivative in reverse mode, since its length is not known before: "
            "use jvp, or scan or fori_loop with a bound and np.where to stand still"
        )
    )


while_loop = declared(
    "while_loop",
    _evaluate,
    _infer,
    _vjp,
    _jvp,
    family="control",
    multiple=True,
    doc="A loop that turns while a condition holds; its condition and body are graphs.",
)
