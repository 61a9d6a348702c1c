"""Rules that hold for every number that IEEE 754 knows: nan, both infinities, both zeros.

So ``x + 0`` stays (it turns -0 into 0), and so does ``x * 0``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node, constant
from ..graph.types import is_complex, is_inexact
from ..primitives.elementwise import add, mul
from ..primitives.structure import reshape, transpose
from .rewrite import replace, rewrite


def algebra(graph: Graph) -> Graph:
    """Drop what changes nothing, join what can be done at once."""
    return rewrite(graph, _simpler)


def _simpler(node: Node, _original: Node) -> Node:
    rule = RULES.get(node.primitive.name)
    if rule in _OF_NUMBERS and is_complex(node.dtype):
        return node  # a complex product with 1 has terms with 0, which infinity makes nan
    return node if rule is None else rule(node)


def _scalar(node: Node) -> float | None:
    """Return the number that a node has at every entry, if it is known."""
    while node.primitive.name in ("broadcast_to", "reshape", "cast"):
        (node,) = node.inputs
    if node.primitive is CONSTANT and (node.value.size == 1 or not any(node.value.strides)):
        return float(node.value.flat[0]) if node.value.size else None
    return None


def _same_type(equal: Node, node: Node) -> Node:
    """Return `equal` if it has the type of `node`, whose value it equals; else `node`."""
    return equal if equal.shape == node.shape and equal.dtype == node.dtype else node


def _first(node: Node) -> Node:
    return node.inputs[0]


def _mul(node: Node) -> Node:
    x, y = node.inputs
    if _scalar(y) == 1.0:
        return _same_type(x, node)
    if _scalar(x) == 1.0:
        return _same_type(y, node)
    return node


def _div(node: Node) -> Node:
    x, y = node.inputs
    return _same_type(x, node) if _scalar(y) == 1.0 else node


def _sub(node: Node) -> Node:
    x, y = node.inputs
    zero = _scalar(y)
    return _same_type(x, node) if zero == 0.0 and not np.signbit(zero) else node


def _add(node: Node) -> Node:
    """Drop an addend of -0; only -0 is neutral, for 0 + -0 is 0."""
    for addend, other in (node.inputs, node.inputs[::-1]):
        zero = _scalar(other)
        if zero == 0.0 and np.signbit(zero):
            return _same_type(addend, node)
    return node


def _neg(node: Node) -> Node:
    (x,) = node.inputs
    return x.inputs[0] if x.primitive.name == "neg" else node


def _power(node: Node) -> Node:
    x, y = node.inputs
    exponent = _scalar(y)
    if exponent == 1.0:
        return _same_type(x, node)
    if exponent == 2.0 and x.dtype.kind == "f":  # what np.power does, too
        return _same_type(mul(x, x), node)
    return node


def _reshape(node: Node) -> Node:
    (x,) = node.inputs
    if x.primitive.name == "reshape":
        (x,) = x.inputs
        node = reshape(x, shape=node.shape)
    return _same_type(x, node)


def _transpose(node: Node) -> Node:
    (x,) = node.inputs
    axes = node.params["axes"]
    if x.primitive.name == "transpose":
        inner = x.params["axes"]
        (x,) = x.inputs
        axes = tuple(inner[k] for k in axes)
        node = transpose(x, axes=axes)
    return x if axes == tuple(range(len(axes))) else node


def _cast(node: Node) -> Node:
    (x,) = node.inputs
    there_and_back = x.primitive.name == "cast" and x.inputs[0].dtype == node.dtype
    if there_and_back and _is_exact(node.dtype, x.dtype):
        return x.inputs[0]
    return x if x.dtype == node.dtype else node


def _is_exact(narrow: np.dtype[Any], wide: np.dtype[Any]) -> bool:
    """Return whether a cast changes no number. NumPy calls int64 to float64 safe, which rounds."""
    if narrow.kind in "iu" and is_inexact(wide):
        return bool(np.iinfo(narrow).bits <= np.finfo(wide).nmant + 1)
    return np.can_cast(narrow, wide, "safe")


def _broadcast_to(node: Node) -> Node:
    return _same_type(node.inputs[0], node)


def _sum(node: Node) -> Node:
    """Rewrite a sum over no axes: of floats it is x + 0, which changes -0 to 0."""
    (x,) = node.inputs
    if node.params["axes"]:
        return node
    return _same_type(add(x, constant(x.dtype.type(0))) if is_inexact(x.dtype) else x, node)


def _scatter(node: Node) -> Node:
    """Drop what was written, or added, where the same entries are written again: ``x[i] += v``."""
    x, v, *arrays = node.inputs
    if x.primitive.name not in ("scatter", "scatter_add"):
        return node
    earlier, _, *same = x.inputs
    if same != arrays or x.params["pattern"] != node.params["pattern"]:
        return node
    return replace(node, (earlier, v, *arrays))


_OF_NUMBERS = {_mul, _div, _sub, _add, _power}
RULES: dict[str, Callable[[Node], Node]] = {
    "identity": _first,
    "stop_gradient": _first,
    "mul": _mul,
    "div": _div,
    "sub": _sub,
    "add": _add,
    "neg": _neg,
    "power": _power,
    "reshape": _reshape,
    "transpose": _transpose,
    "cast": _cast,
    "broadcast_to": _broadcast_to,
    "sum": _sum,
    "scatter": _scatter,
}
