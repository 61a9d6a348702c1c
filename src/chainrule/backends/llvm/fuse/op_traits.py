"""What the backend does with each primitive: computed in loops, seen as a view, or by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....graph.node import CONSTANT, ITEM, Node
from ..ir.types import ELEMENTS
from ..kernels.math import FUNCTIONS

NATIVE = frozenset(ELEMENTS) - {np.dtype(np.float16)}
VIEWS = frozenset(["identity", "stop_gradient", "reshape", "transpose", "broadcast_to", "slice"])
REDUCTIONS = frozenset(["sum", "max", "prod"])
ALONG = frozenset(["cumsum", "cumprod", "argmax"])
LOOPS = frozenset(["scan", "while_loop", "cond"])
PARTS = frozenset(["place", "concatenate"])
SCATTERS = frozenset(["scatter", "scatter_add"])
DIRECT = frozenset(["add", "sub", "mul", "div", "neg", "equal", "less", "where", "bitwise_and",
                    "bitwise_xor", "shift_right", "cast"])  # fmt: skip

# Steps that compute their inputs as they go, rather than read them from memory
AS_IT_GOES = PARTS | REDUCTIONS | ALONG | SCATTERS | {"argsort"}

# What an operation costs, in units of an addition
_COSTS = {"div": 4, "sqrt": 4, "exp": 8, "log": 8, "logistic": 12, "tanh": 12, "sin": 10, "cos": 10,
          "power": 25, "expm1": 12, "log1p": 12, "erf": 12, "erfc": 12, "gather": 4}  # fmt: skip
HEAVY = 4


def cost(node: Node) -> int:
    """What computing one entry costs, in units of an addition."""
    name = node.primitive.name
    if name in DIRECT or name in VIEWS:
        return _COSTS.get(name, 0 if name in VIEWS or name == "cast" else 1)
    return _COSTS.get(name, 10)


def is_native(node: Node) -> bool:
    """Whether the backend has code for the node; else the reference computes it."""
    types = [child.type for child in node.inputs]
    if any(isinstance(t, tuple) and not hasattr(t, "dtype") for t in types):
        return node.primitive is ITEM
    own = node.shape if node.dtype is None else (node.type,)
    dtypes = [t.dtype for t in (*types, *own)]
    if any(dtype not in NATIVE for dtype in dtypes):
        return False  # float16 is loaded and stored, but NumPy computes with it
    name = node.primitive.name
    if name == "argsort":
        return bool(node.params["axis"] in (-1, len(node.shape) - 1)) and bool(node.shape)
    if name in ("matmul", "conv"):
        return bool(node.dtype.kind == "f")
    if name in ("equal", "less") and {"int64", "uint64"} <= {t.dtype.name for t in types}:
        return False  # NumPy compares these exactly, in no common dtype
    if name in FUNCTIONS and node.dtype.kind != "f":
        return name in _OF_INTEGERS and bool(node.dtype.kind in "iu")
    return is_elementwise(node) or name in _OTHERS


_OF_INTEGERS = frozenset(["abs", "maximum", "minimum", "remainder", "floor_divide", "sign"])
_OTHERS = VIEWS | REDUCTIONS | ALONG | LOOPS | PARTS | SCATTERS | {"gather", "item"}


def is_elementwise(node: Node) -> bool:
    """Whether an entry is computed from the entries at its own place."""
    return node.primitive.name in DIRECT or node.primitive.name in FUNCTIONS


def uniform(node: Node) -> Any:
    """The number that a constant, or a view of one, holds at every place, or None."""
    node = shown(node)
    if node.primitive is CONSTANT and node.value.size:
        value = np.asarray(node.value)
        if value.size == 1 or not any(value.strides):
            return value.ravel()[0]
    return None


def shown(node: Node) -> Node:
    """What a view shows, behind all other views."""
    while node.primitive.name in VIEWS:
        (node,) = node.inputs
    return node
