"""Which matrices are small enough for code of our own; all larger ones are LAPACK's."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ....graph.node import Node
from ..target.host import host
from .lapack import routines

MATRIX_FUNCTIONS = frozenset(
    ["lu", "cholesky", "linear_solve", "positive_solve", "triangular_solve", "det", "slogdet",
     "cofactors", "eigh"]
)  # fmt: skip
_PIVOTS = np.dtype(np.int32)
_DETERMINANTS = ("det", "slogdet")
_ALONE, _BATCHED = 12, 20  # most rows: of few matrices, and of many
_MANY = 4
_EIGEN = 25  # most rows of symmetric matrices; of larger ones LAPACK divides the spectrum
_LOCAL = 2**15  # bytes that a function may set aside


def lanes_for_matrices(count: int, dtype: np.dtype[Any]) -> int:
    """Return how many matrices are computed at once."""
    lanes = host().lanes(dtype.itemsize)
    while lanes // 2 >= count:
        lanes //= 2
    return lanes


def is_small(node: Node) -> bool:
    """Whether native code computes a node of linear algebra without LAPACK."""
    name, first = node.primitive.name, node.inputs[0]
    if name in _DETERMINANTS:
        return True
    n = first.shape[-1]
    if name == "eigh":
        return bool(node.params["low"]) and 1 < n <= _EIGEN
    shape = first.shape if node.dtype is None else node.shape
    count, columns, dtype = prod(shape[:-2]), shape[-1], first.dtype
    set_aside = n * columns * lanes_for_matrices(count, dtype) * dtype.itemsize
    return bool(n <= (_BATCHED if count >= _MANY else _ALONE)) and set_aside <= _LOCAL


def is_native_matrix_function(node: Node) -> bool:
    """Whether there is code for a node of linear algebra, be it with SciPy's LAPACK."""
    first = node.inputs[0]
    if any(0 in x.shape for x in node.inputs) or first.shape[-1] != first.shape[-2]:
        return False  # no matrices, or no square ones
    if any(x.dtype not in (first.dtype, _PIVOTS) for x in node.inputs):
        return False
    if node.params.get("driver") is not None:
        return False
    return is_small(node) or (node.primitive.name != "cofactors" and bool(routines()))
