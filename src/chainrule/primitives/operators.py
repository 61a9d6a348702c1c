"""Operators of nodes, so that rules read like algebra on graphs and on arrays alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph.node import Node, Primitive
from .elementwise import add, div, mul, neg, sub
from .structure import transpose


def _forward(primitive: Primitive) -> Callable[[Any, Any], Any]:
    return lambda x, y: primitive(x, y)


def _backward(primitive: Primitive) -> Callable[[Any, Any], Any]:
    return lambda x, y: primitive(y, x)


def install() -> None:
    """Give `Node` its arithmetic; NumPy scalars on the left leave it to us."""
    table = {"add": add, "sub": sub, "mul": mul, "truediv": div}
    for name, primitive in table.items():
        setattr(Node, f"__{name}__", _forward(primitive))
        setattr(Node, f"__r{name}__", _backward(primitive))
    Node.__neg__ = lambda x: neg(x)  # type: ignore[operator]
    Node.__array_ufunc__ = None  # type: ignore[attr-defined]


def swap_last(x: Any) -> Any:
    """Exchange the last two axes."""
    n = len(x.shape)
    return transpose(x, axes=(*range(n - 2), n - 1, n - 2))


install()
