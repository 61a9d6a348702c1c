"""`custom_call`: a call of a function whose derivatives its author states, or has computed anew.

The node holds the call as an object. Where numbers are known it computes with the function itself,
which may branch on them; where they are not, `body` is the function's graph. No backend meets the
node: `simplify` puts the body in its stead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autodiff.forms import FORMS
from ..errors import GradientError, UnsupportedError, at_user_line
from ..graph.graph import Graph
from ..graph.node import Node, Primitive, items
from ..graph.types import Type, is_inexact
from ..primitives.declare import register
from ..primitives.structure import cast


class CustomCall:
    """One call of a function that has rules of its own.

    Rules are written as those of primitives are: they are handed nodes and give nodes, or arrays
    and give arrays.

    Attributes
    ----------
    name : str
        The function's.
    types : tuple of Type
        Of the results.
    """

    name = "custom_call"
    types: tuple[Type, ...] = ()

    def __repr__(self) -> str:  # no address: the text of a graph is compared
        return self.name

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Return the results for these arrays."""
        raise NotImplementedError

    def graph(self, types: Sequence[Type]) -> Graph:
        """Return the function's graph for inputs of these types."""
        raise UnsupportedError(at_user_line(f"{self.name} cannot be part of a compiled function"))

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Return the results' tangents; None is zero."""
        raise GradientError(at_user_line(f"{self.name} has no derivative in forward mode"))

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Return the inputs' cotangents, None where zero or not needed."""
        raise GradientError(at_user_line(f"{self.name} has no derivative in reverse mode"))

    def form(self, inputs: tuple[Node, ...]) -> Sequence[Node] | None:
        """Return results for a backward pass to read: see `autodiff.forms`."""
        return None


def results_of_call(y: Any) -> Sequence[Any]:
    """Return the results of a call, each a node or each an array."""
    return items(y) if isinstance(y, Node) else y


def apply_call(call: CustomCall, inputs: Sequence[Any], body: Graph | None = None) -> Sequence[Any]:
    """Apply a call as a primitive is applied: nodes give nodes, arrays give arrays."""
    params: dict[str, Any] = {"call": call} if body is None else {"call": call, "body": body}
    return results_of_call(custom_call(*inputs, **params))


def _evaluate(xp: Any, *inputs: Any, call: CustomCall, body: Graph | None = None) -> Any:
    if body is not None:
        return tuple(body.schedule.run(xp, inputs))
    results = call.evaluate(*inputs)
    return tuple([np.asarray(y, t.dtype)[()] for y, t in zip(results, call.types, strict=True)])


def _infer(*_types: Type, call: CustomCall, body: Graph | None = None) -> tuple[Type, ...]:
    return call.types


def _vjp(
    g: Sequence[Any], y: Any, *inputs: Any, call: CustomCall, needs_input_grad: Sequence[bool],
    body: Graph | None = None,
) -> list[Any]:  # fmt: skip
    needed = [
        need and is_inexact(x.dtype) for need, x in zip(needs_input_grad, inputs, strict=True)
    ]
    if not any(needed):
        return [None] * len(inputs)
    passed = call.vjp(g, results_of_call(y), inputs, needed)
    return [
        _like(c, x) if need and c is not None else None
        for c, x, need in zip(passed, inputs, needed, strict=True)
    ]


def _jvp(
    tangents: Sequence[Any], y: Any, *inputs: Any, call: CustomCall, body: Graph | None = None
) -> list[Any]:
    results = results_of_call(y)
    pushed = call.jvp(tangents, results, inputs)
    return [
        _like(t, result) if t is not None and is_inexact(result.dtype) else None
        for t, result in zip(pushed, results, strict=True)
    ]


def _like(t: Any, x: Any) -> Any:
    """Return a derivative with the dtype of what it is the derivative of."""
    if not isinstance(t, Node):
        return np.asarray(t, x.dtype)[()]
    return t if t.dtype == x.dtype else cast(t, dtype=x.dtype)


def _batch(
    size: int, batched: Sequence[bool], *inputs: Any, call: CustomCall, body: Graph | None = None
) -> Any:
    return call.batch(size, batched, inputs, body)


def _form(node: Node, inputs: tuple[Node, ...], _needed: Sequence[bool]) -> Sequence[Node] | None:
    return node.params["call"].form(inputs)  # type: ignore[no-any-return]


FORMS["custom_call"] = _form
custom_call = register(
    Primitive(
        "custom_call", _evaluate, _infer, _vjp, _jvp, multiple=True, selective_vjp=True,
        spec={"family": "control", "doc": "A function with derivatives of its own."}, batch=_batch,
    )  # fmt: skip
)
