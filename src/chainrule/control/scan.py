"""`scan`: a loop in the graph. Its body is a graph; its derivatives are scans again.

The body maps ``(*carries, *slices of xs, *constants)`` to ``(*carries, *ys)``; the node maps
``(*carries, *xs, *constants)`` to ``(*last carries, *stacked ys)``. Reverse mode runs::

    forward    scan, whose ys are the residuals that the backward body reads
    backward   scan the other way: the carries are the cotangents of the carries and the sums of
               the constants' cotangents; the ys are the cotangents of xs

A carry that only counts is no residual: the backward scan counts back.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..autodiff.batching import batch_graph
from ..autodiff.forms import FORMS, copy_of, has_forms, in_other_form, other_forms
from ..autodiff.forward import forward
from ..autodiff.residuals import dependents, rematerializable_from, residuals
from ..autodiff.reverse import active_nodes
from ..autodiff.reverse import reverse as reverse_mode
from ..errors import DtypeError, ShapeError, at_user_line
from ..graph.evaluate import call, closed
from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node, Unbatched, constant, input_node, items
from ..graph.types import Type, is_inexact
from ..memory import total_memory
from ..primitives.callback import NoTangent
from ..primitives.declare import declared, spread
from ..primitives.elementwise import add, sub
from ..primitives.structure import axis_to_front, zeros_like
from .effects import effects, refuse_effects, replay


def run_scan(inputs: Sequence[Any], **params: Any) -> tuple[Any, ...]:
    """Return all results of a scan: nodes if any input is a node, else arrays."""
    results = scan(*inputs, **params)
    return items(results) if isinstance(results, Node) else results


def split_operands(
    operands: Sequence[Any], n_carry: int, n_xs: int
) -> tuple[list[Any], list[Any], list[Any]]:
    """Split a scan's or a body's inputs into the carries, the xs and the constants."""
    stop = n_carry + n_xs
    return list(operands[:n_carry]), list(operands[n_carry:stop]), list(operands[stop:])


def _evaluate(
    xp: Any, *inputs: Any, body: Graph, n_carry: int, n_xs: int, length: int, reverse: bool
) -> tuple[Any, ...]:
    carry, xs, constants = split_operands(inputs, n_carry, n_xs)
    stacks = [np.empty((length, *t.shape), t.dtype) for t in body.output_types[n_carry:]]
    run = body.schedule.run
    for k in reversed(range(length)) if reverse else range(length):
        results = run(xp, [*carry, *[x[k] for x in xs], *constants])
        carry = results[:n_carry]
        for stack, y in zip(stacks, results[n_carry:], strict=True):
            stack[k] = y
    return (*carry, *stacks)


def _infer(
    *types: Type, body: Graph, n_carry: int, n_xs: int, length: int, reverse: bool
) -> tuple[Type, ...]:
    before, xs, constants = split_operands(types, n_carry, n_xs)
    for x in xs:
        if x.shape[:1] != (length,):
            raise ShapeError(at_user_line(f"scan of length {length} over an array of {x.shape}"))
    sliced = [Type(x.shape[1:], x.dtype) for x in xs]
    after = list(body.output_types[:n_carry])
    if before != after:
        raise DtypeError(at_user_line(f"scan: the carry is {before} before and {after} after"))
    if body.input_types != (*before, *sliced, *constants):
        raise ShapeError(at_user_line("scan: its inputs are not those that its body takes"))
    stacked = [Type((length, *t.shape), t.dtype) for t in body.output_types[n_carry:]]
    return (*after, *stacked)


def zeros_of(x: Any) -> Any:
    """Return zeros of a node's or an array's type as a whole array, which a carry must be."""
    return np.zeros(x.shape, x.dtype)


def _or_zeros(g: Any, x: Any) -> Any:
    return zeros_like(x) if g is None else g


def _floats(xs: Sequence[Any]) -> list[int]:
    return [k for k, x in enumerate(xs) if is_inexact(x.dtype)]


def _jvp(
    tangents: Sequence[Any], results: Any, *inputs: Any, body: Graph, n_carry: int, n_xs: int,
    length: int, reverse: bool,
) -> list[Any]:  # fmt: skip
    """Run one scan over values and tangents side by side."""
    carry, xs, constants = split_operands(inputs, n_carry, n_xs)
    t_carry, t_xs, t_constants = split_operands(tangents, n_carry, n_xs)
    in_carry, in_xs, in_constants = split_operands(body.inputs, n_carry, n_xs)
    float_carries = _floats(carry)  # a carry that starts without a tangent may get one on the way
    tangent_xs = [k for k, t in enumerate(t_xs) if t is not None]
    tangent_constants = [k for k, t in enumerate(t_constants) if t is not None]
    tangent_of = {node: input_node(node.type) for node in (
        *[in_carry[k] for k in float_carries], *[in_xs[k] for k in tangent_xs],
        *[in_constants[k] for k in tangent_constants],
    )}  # fmt: skip
    derived = forward(body.outputs, list(tangent_of), list(tangent_of.values()), inner=True)
    for t in derived[:n_carry]:
        if type(t) is NoTangent:
            raise t.error
    new_carry, ys = list(body.outputs[:n_carry]), list(body.outputs[n_carry:])
    d_carry = [derived[k] or constant(zeros_of(body.outputs[k])) for k in float_carries]
    y_tangents = [k for k in range(n_carry, len(derived)) if isinstance(derived[k], Node)]
    dual_outputs = [*new_carry, *d_carry, *ys, *[derived[k] for k in y_tangents]]
    known: list[Node] = []
    if effects(body):
        dual_outputs, known, values = replay(body, results, dual_outputs, n_carry)
        xs += values
    dual_body = Graph(
        (
            *in_carry, *[tangent_of[in_carry[k]] for k in float_carries],
            *in_xs, *known, *[tangent_of[in_xs[k]] for k in tangent_xs],
            *in_constants, *[tangent_of[in_constants[k]] for k in tangent_constants],
        ),
        tuple(dual_outputs),
    )  # fmt: skip
    operands = [
        *carry, *[_or_zeros(t_carry[k], carry[k]) for k in float_carries],
        *xs, *[t_xs[k] for k in tangent_xs],
        *constants, *[t_constants[k] for k in tangent_constants],
    ]  # fmt: skip
    dual_results = run_scan(
        operands, body=dual_body, n_carry=n_carry + len(float_carries),
        n_xs=len(xs) + len(tangent_xs), length=length, reverse=reverse,
    )  # fmt: skip
    t_results = [t if type(t) is NoTangent else None for t in derived]
    for position, k in enumerate(float_carries):
        t_results[k] = dual_results[n_carry + position]
    start = n_carry + len(float_carries) + len(ys)
    for position, k in enumerate(y_tangents):
        t_results[k] = dual_results[start + position]
    return t_results


def _vjp(
    g: Sequence[Any], results: Any, *inputs: Any, body: Graph, n_carry: int, n_xs: int,
    length: int, reverse: bool, needs_input_grad: Sequence[bool],
) -> list[Any]:  # fmt: skip
    carry, xs, constants = split_operands(inputs, n_carry, n_xs)
    in_carry, in_xs, in_constants = split_operands(body.inputs, n_carry, n_xs)
    active = _active(body, n_carry, needs_input_grad)
    active_carries = [k for k, node in enumerate(in_carry) if node in active]
    y_cotangents = [k for k in range(n_carry, len(g)) if g[k] is not None]
    if all(g[k] is None for k in (*active_carries, *y_cotangents)):
        return [None] * len(inputs)  # the cotangents are of carries that follow from nothing active

    # The backward body, with the forward one inside it
    seeds = {k: input_node(body.outputs[k].type) for k in (*active_carries, *y_cotangents)}
    body, body_cotangents = _pulled(body, active, [seeds.get(k) for k in range(len(g))])
    cotangent_of = dict(zip(active, body_cotangents, strict=True))
    derived = [cotangent_of.get(node) for node in body.inputs]
    d_carry, d_xs, d_constants = split_operands(derived, n_carry, n_xs)
    g_carry = [d_carry[k] or constant(zeros_of(carry[k])) for k in active_carries]
    touched_xs = [k for k, d in enumerate(d_xs) if d is not None]
    touched = [k for k, d in enumerate(d_constants) if d is not None]
    sums = [input_node(in_constants[k].type) for k in touched]
    g_sums = [add(total, d_constants[k]) for total, k in zip(sums, touched, strict=True)]
    outputs = [*g_carry, *g_sums, *[d_xs[k] for k in touched_xs]]
    forward_outputs = list(body.outputs[:n_carry])
    if effects(body):  # no derivative flows into them, or reverse mode would have raised an error
        together, known, values = replay(body, results, [*forward_outputs, *outputs], n_carry)
        forward_outputs, outputs = together[:n_carry], together[n_carry:]
        in_xs, xs = in_xs + known, xs + values
        body = Graph((*in_carry, *in_xs, *in_constants), tuple(forward_outputs))

    stacked, sliced, counter_steps, invariant = _residuals_by_kind(
        body, in_carry, in_xs, outputs, [*seeds.values(), *sums]
    )
    _check_memory(stacked, length)
    stacks = run_scan(
        [*carry, *xs, *constants], body=Graph(body.inputs, (*forward_outputs, *stacked)),
        n_carry=n_carry, n_xs=len(xs), length=length, reverse=reverse,
    )[n_carry:] if stacked else ()  # fmt: skip
    n_sums = len(active_carries) + len(sums)

    backward = closed(
        (
            *[seeds[k] for k in active_carries], *sums, *counter_steps,
            *stacked, *[in_xs[k] for k in sliced], *[seeds[k] for k in y_cotangents],
            *invariant,
        ),
        (*outputs[:n_sums], *[sub(n, step) for n, step in counter_steps.items()],
         *outputs[n_sums:]),
        leaves={*seeds.values(), *sums, *in_xs, *counter_steps},
    )  # fmt: skip
    last_counts = [
        add(carry[in_carry.index(n)], _wrapping_multiple(step, length - 1))
        for n, step in counter_steps.items()
    ]
    backward_results = [*run_scan(
        [
            *[_or_zeros(g[k], carry[k]) for k in active_carries],
            *[zeros_of(node) for node in sums],
            *last_counts,
            *stacks, *[xs[k] for k in sliced], *[g[k] for k in y_cotangents],
            *call(Graph(tuple(in_constants), tuple(invariant)), constants),
        ],
        body=backward, n_carry=n_sums + len(counter_steps),
        n_xs=len(stacked) + len(sliced) + len(y_cotangents), length=length, reverse=not reverse,
    )]  # fmt: skip

    of_constants, of_xs = [n_carry + n_xs + k for k in touched], [n_carry + k for k in touched_xs]
    del backward_results[n_sums : n_sums + len(counter_steps)]
    cotangents = dict(zip([*active_carries, *of_constants, *of_xs], backward_results, strict=True))
    return [cotangents.get(k) for k in range(len(inputs))]


def _pulled(
    body: Graph, active: Sequence[Node], cotangents: Sequence[Any]
) -> tuple[Graph, list[Any]]:
    """Return the body as its derivative reads it, and the cotangents of its active inputs."""
    path = active_nodes(body.outputs, active)
    forms = other_forms(path, active)
    pulled = reverse_mode(body.outputs, active, cotangents, path=path, forms=forms)
    return Graph(body.inputs, in_other_form(body.outputs, forms)) if forms else body, pulled


class _Residuals(NamedTuple):
    """What a backward body reads of the forward one.

    Attributes
    ----------
    stacked : list of Node
        What the forward loop has to store for each iteration.
    sliced : list of int
        Positions of the xs that are read.
    counter_steps : dict of Node to array
        Carries that only count, by how much: the backward loop counts back.
    invariant : list of Node
        What no iteration changes.
    """

    stacked: list[Node]
    sliced: list[int]
    counter_steps: dict[Node, Any]
    invariant: list[Node]


def _residuals_by_kind(
    body: Graph, in_carry: Sequence[Node], in_xs: Sequence[Node], outputs: Sequence[Node],
    cotangents: Sequence[Node],
) -> _Residuals:  # fmt: skip
    """Sort what the backward `outputs` read of the body by how the backward loop gets it."""
    read_nodes = residuals(body.inputs, outputs, cotangents)
    varying = dependents(body.nodes, (*in_carry, *in_xs))
    varying = dependents(Graph(body.inputs, tuple(read_nodes)).nodes, varying)
    counter_steps = {n: step for n in in_carry if (step := _counter_step(body, n)) is not None}
    from_counters = rematerializable_from(read_nodes, varying, list(counter_steps))
    operands = set().union(*from_counters.values())  # what these are computed from
    return _Residuals(
        stacked=[
            n for n in read_nodes if n in varying and n not in in_xs and n not in from_counters
        ],
        sliced=[k for k, node in enumerate(in_xs) if node in read_nodes],
        counter_steps={n: step for n, step in counter_steps.items() if n in operands},
        invariant=sorted(
            [n for n in {*read_nodes, *operands}
             if n not in varying and n.primitive is not CONSTANT],
            key=lambda node: node.serial,
        ),
    )  # fmt: skip


def _counter_step(body: Graph, node: Node) -> Any:
    """Return the step of a carry that is a counter; None for any other carry."""
    if node.dtype.kind not in "iu":
        return None
    after = body.outputs[body.inputs.index(node)]
    name, children = after.primitive.name, after.inputs
    if name not in ("add", "sub") or after.type != node.type or node not in children:
        return None
    other = children[1] if children[0] is node else children[0]
    if other.primitive is not CONSTANT or (name == "sub" and other is not children[1]):
        return None
    step = np.asarray(other.value, node.dtype)
    return step if name == "add" else np.negative(step)


def _wrapping_multiple(step: Any, count: int) -> Any:
    """Return `step * count`, wrapped around in its dtype as repeated additions would be."""
    bits = 8 * step.dtype.itemsize
    total = np.asarray(int(step) * count % 2**bits, f"u{step.dtype.itemsize}")
    return total.astype(step.dtype)


def _check_memory(stacked: Sequence[Node], length: int) -> None:
    """Refuse to keep more of a loop than the machine has memory."""
    each = sum(prod(node.shape) * node.dtype.itemsize for node in stacked)
    if each * length > total_memory():
        raise MemoryError(
            at_user_line(
                f"the gradient of a loop of {length:,} iterations needs what each one computed, "
                f"{each:,} bytes: together {each * length / 2**30:,.0f} GiB, more than this "
                "machine has; take fewer iterations, jvp, which keeps nothing, or stop_gradient"
            )
        )


def _active(body: Graph, n_carry: int, needs_input_grad: Sequence[bool]) -> list[Node]:
    """Return the inputs whose cotangents are asked for, and carries that follow from them."""
    active = {node for node, needed in zip(body.inputs, needs_input_grad, strict=True) if needed}
    while True:
        follows = dependents(body.nodes, active)
        grown = active | {
            node
            for node, out in zip(body.inputs[:n_carry], body.outputs[:n_carry], strict=True)
            if out in follows and is_inexact(node.dtype)
        }
        if grown == active:
            return [node for node in body.inputs if node in active]
        active = grown


def _batch(
    size: int, batched: Sequence[bool], *inputs: Any, body: Graph, n_carry: int, n_xs: int,
    length: int, reverse: bool,
) -> list[Any]:  # fmt: skip
    """Run one scan over states of the whole batch; a carry that all examples share stays one."""
    refuse_effects(body, "scan")
    of_carry, of_xs, of_constants = split_operands(batched, n_carry, n_xs)
    while True:
        of_batch = batch_graph(body, [*of_carry, *of_xs, *of_constants], size, of_carry)
        if of_batch.batched[:n_carry] == of_carry:
            break
        of_carry = of_batch.batched[:n_carry]
    carry, xs, constants = split_operands(inputs, n_carry, n_xs)
    spread_carry = [
        y if b or not wanted else spread(size, [b], [y])[0]
        for y, b, wanted in zip(carry, batched, of_carry, strict=False)
    ]
    columns = [axis_to_front(x, 1) if b else x for x, b in zip(xs, of_xs, strict=True)]
    results = run_scan(
        [*spread_carry, *columns, *constants], body=of_batch.graph, n_carry=n_carry, n_xs=n_xs,
        length=length, reverse=reverse,
    )  # fmt: skip
    last, ys = results[:n_carry], results[n_carry:]
    every = [*last, *[axis_to_front(y, 1) if b else y
                      for y, b in zip(ys, of_batch.batched[n_carry:], strict=True)]]  # fmt: skip
    return [y if b else Unbatched(y) for y, b in zip(every, of_batch.batched, strict=True)]


def _form(
    node: Node, inputs: tuple[Node, ...], needs_input_grad: Sequence[bool]
) -> Sequence[Node] | None:
    """Return the results of the loop as a backward pass reads them: see `autodiff.forms`."""
    body = node.params["body"]
    if not has_forms(body):
        return None
    active = _active(body, node.params["n_carry"], needs_input_grad)
    forms = other_forms(active_nodes(body.outputs, active), active)
    if not forms:
        return None
    return items(copy_of(node, inputs, body=Graph(body.inputs, in_other_form(body.outputs, forms))))


FORMS["scan"] = _form
scan = declared(
    "scan", _evaluate, _infer, _vjp, _jvp, family="control", multiple=True, selective_vjp=True,
    batch=_batch,
    doc="A loop whose body is a graph.",
)  # fmt: skip
