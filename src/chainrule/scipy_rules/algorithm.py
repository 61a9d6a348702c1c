"""`algorithm`: what SciPy computes with plain numbers while a graph runs, and its derivatives.

A rule runs SciPy's own algorithm on the numbers themselves (at once where they are known, in a call
back to Python where compiled code runs). An `Algorithm` says what its derivatives are, in terms of
graphs and of such algorithms again: so each order and each mode follows.

The primitive is none of `REGISTRY`, since it is loaded with SciPy's modules only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..control.scan import run_scan
from ..errors import GradientError, at_user_line, refusals
from ..graph.graph import Graph
from ..graph.node import Node, Primitive, apply, input_node, items
from ..graph.types import Type, is_inexact
from ..primitives.callback import NoTangent
from ..primitives.structure import cast
from ..trace.operands import node_of
from ..trace.tracer import traced


class Algorithm:
    """A function of plain arrays on the host, with rules for its derivatives.

    Rules are written as those of primitives are: they are handed nodes and give nodes, or arrays
    and give arrays.

    Attributes
    ----------
    types : tuple of Type
        Of the results.
    outcome
        What SciPy returned at the last evaluation, with all that is no array.
    """

    name = "algorithm"
    types: tuple[Type, ...] = ()
    outcome: Any = None

    def __repr__(self) -> str:  # no address: the text is a part of the key of compiled code
        return self.name

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Return the results, one an entry of `types`."""
        raise NotImplementedError

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Return the results' tangents; None is zero, `NoTangent` is refused."""
        raise self.no_derivative()

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Return the inputs' cotangents, None where zero or not needed."""
        raise self.no_derivative()

    def no_derivative(self) -> GradientError:
        """Return the error for whoever asks for a derivative that is none of `jvp` and `vjp`."""
        return GradientError(at_user_line(f"{self.name}: this result has no derivative"))


@contextmanager
def depth_of_traces(depth: int) -> Iterator[None]:
    """While it lasts, calls are seen as so deep in traced functions: with 0, as outside of any.

    So SciPy's code and compiled code run as they do without a trace around them.
    """
    before, refusals.depth = refusals.depth, depth
    try:
        yield
    finally:
        refusals.depth = before


def _evaluate(_xp: Any, *inputs: Any, call: Algorithm) -> tuple[Any, ...]:
    with depth_of_traces(0):
        results = call.evaluate(*inputs)
    return tuple([_of_type(y, t) for y, t in zip(results, call.types, strict=True)])


def _of_type(y: Any, wanted: Type) -> Any:
    array = np.asarray(y, wanted.dtype)
    if array.shape != wanted.shape:
        raise ValueError(f"an array of shape {array.shape} where {wanted} was expected")
    return array if array.shape else array[()]


def _infer(*_types: Type, call: Algorithm) -> tuple[Type, ...]:
    return call.types


def _vjp(
    g: Sequence[Any], y: Any, *inputs: Any, call: Algorithm, needs_input_grad: Sequence[bool]
) -> list[Any]:
    needed = [
        need and is_inexact(x.dtype) for need, x in zip(needs_input_grad, inputs, strict=True)
    ]
    passed = call.vjp(g, results_of(y), inputs, needed)
    return [None if c is None else _like(c, x) for c, x in zip(passed, inputs, strict=True)]


def _jvp(tangents: Sequence[Any], y: Any, *inputs: Any, call: Algorithm) -> list[Any]:
    results = results_of(y)
    pushed = call.jvp(tangents, results, inputs)
    return [
        t if t is None or type(t) is NoTangent else _like(t, result)
        for t, result in zip(pushed, results, strict=True)
    ]


def _like(t: Any, x: Any) -> Any:
    """Return a derivative with the dtype of what it is the derivative of."""
    if not isinstance(t, Node):
        return np.asarray(t, x.dtype)[()] if not x.shape else np.asarray(t, x.dtype)
    return t if t.dtype == x.dtype else cast(t, dtype=x.dtype)


def results_of(y: Any) -> Sequence[Any]:
    """Return the results of an algorithm, each a node or each an array."""
    return items(y) if isinstance(y, Node) else y


def _batch(size: int, batched: Sequence[bool], *inputs: Any, call: Algorithm) -> Sequence[Any]:
    """Run the algorithm for one example after the other, as a loop in the graph."""
    slices = [Type(x.shape[b:], x.dtype) for x, b in zip(inputs, batched, strict=True)]
    leaves = [input_node(t) for t in slices]
    order = [k for wanted in (True, False) for k, b in enumerate(batched) if b is wanted]
    results = items(apply(algorithm, tuple(leaves), {"call": call}))
    body = Graph(tuple([leaves[k] for k in order]), results)
    return run_scan(
        [inputs[k] for k in order], body=body, n_carry=0, n_xs=sum(batched), length=size,
        reverse=False,
    )  # fmt: skip


algorithm = Primitive(
    "algorithm", _evaluate, _infer, _vjp, _jvp, multiple=True, selective_vjp=True,
    spec={"family": "control", "doc": "An algorithm of SciPy, which computes with plain numbers."},
    batch=_batch,
)  # fmt: skip


def call_algorithm(call: Algorithm, inputs: Sequence[Any]) -> Sequence[Any]:
    """Apply an algorithm as a primitive: nodes give nodes, arrays give arrays."""
    return results_of(algorithm(*inputs, call=call))


class Outcome(NamedTuple):
    """What a rule gets of an algorithm that it runs.

    Attributes
    ----------
    results : list of traced arrays
    scipy : object or None
        What SciPy itself returned; None under `jit`, where nothing has run yet.
    """

    results: list[Any]
    scipy: Any


def run(call: Algorithm, inputs: Sequence[Any]) -> Outcome:
    """Run an algorithm, or enter it into the graph of a function whose numbers are not known."""
    node = apply(algorithm, tuple([node_of(x) for x in inputs]), {"call": call})
    scipy, call.outcome = call.outcome, None
    return Outcome([traced(result) for result in items(node)], scipy)
