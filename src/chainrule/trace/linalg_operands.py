"""What `numpy.linalg` is handed: matrices, in the dtype in which NumPy computes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.node import Node
from ..primitives.linear_algebra.matrices import check_matrix, check_square
from ..primitives.structure import cast
from .array_like import node_like
from .tracer import Tracer, traced

DOUBLE: np.dtype[Any] = np.dtype(np.float64)


def result_dtype(*arrays: Node) -> np.dtype[Any]:
    """Return the dtype of NumPy's results: integers give float64, half precision is refused."""
    for x in arrays:
        if x.dtype.kind == "f" and x.dtype.itemsize not in (4, 8):
            raise TypeError(at_user_line(f"array type {x.dtype} is unsupported in linalg"))
    return np.dtype(np.float32) if all(x.dtype == np.float32 for x in arrays) else DOUBLE


def double(x: Node) -> Node:
    """Return x in float64, in which `numpy.linalg` computes whatever it is handed."""
    return x if x.dtype == DOUBLE else cast(x, dtype=DOUBLE)


def result(x: Node, dtype: np.dtype[Any]) -> Tracer:
    """Return a result in the dtype that NumPy gives."""
    return traced(x if x.dtype == dtype else cast(x, dtype=dtype))


def matrix(a: Any, name: str) -> tuple[Node, np.dtype[Any]]:
    """Return matrices in float64, and the dtype of the results."""
    x = node_like(a)
    dtype = result_dtype(x)
    x = double(x)
    check_matrix(x.type, name)
    return x, dtype


def square_matrix(a: Any, name: str) -> tuple[Node, np.dtype[Any]]:
    """Return square matrices in float64, and the dtype of the results."""
    x, dtype = matrix(a, name)
    check_square(x.type, name)
    return x, dtype
