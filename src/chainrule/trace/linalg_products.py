"""`numpy.linalg` on tracers: products of matrices and vectors, powers, and parts of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.types import is_complex
from .array_like import array_like
from .function_rules import as_int, implements, normalize_axis
from .linalg_operands import complex_too, square_matrix
from .linalg_solving import inverse_of
from .tracer import FUNCTIONS, METHODS, UFUNCS


@implements(np.linalg.matmul)
def _matrix_product(x1: Any, x2: Any, /) -> Any:
    return UFUNCS["matmul"](x1, x2)


@implements(np.linalg.tensordot)
def _tensor_product(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return FUNCTIONS[np.tensordot](x1, x2, axes=axes)


@implements(np.linalg.outer)
def _outer_of_vectors(x1: Any, x2: Any, /) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(
            at_user_line(
                "Input arrays must be one-dimensional, but they are "
                f"x1.ndim={np.ndim(x1)} and x2.ndim={np.ndim(x2)}."
            )
        )
    return FUNCTIONS[np.outer](x1, x2)


@implements(np.linalg.vecdot)
def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x1, x2 = array_like(x1), array_like(x2)
    sizes = [x.shape[normalize_axis(axis, x.ndim)] for x in (x1, x2)]
    if sizes[0] != sizes[1]:
        raise ShapeError(at_user_line(f"vecdot: shapes {x1.shape} and {x2.shape} do not fit"))
    rows, columns = np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)
    rows = np.conj(rows) if is_complex(rows.dtype) else rows
    product = np.matmul(rows[..., None, :], columns[..., :, None])
    return product[..., 0, 0]


@implements(np.linalg.cross)
def _cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x1, x2 = array_like(x1), array_like(x2)
    sizes = [x.shape[normalize_axis(axis, x.ndim)] for x in (x1, x2)]
    if sizes != [3, 3]:
        raise ValueError(
            at_user_line(
                "Both input arrays must be (arrays of) 3-dimensional vectors, but they are "
                f"{sizes[0]} and {sizes[1]} dimensional instead."
            )
        )
    x, y = np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)
    parts = [x[..., i] * y[..., j] - x[..., j] * y[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axis)


@implements(np.linalg.diagonal)
def _diagonals_of_stack(x: Any, /, *, offset: int = 0) -> Any:
    return FUNCTIONS[np.diagonal](x, offset, axis1=-2, axis2=-1)


@implements(np.linalg.trace)
def _traces_of_stack(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return METHODS["sum"](_diagonals_of_stack(x, offset=offset), -1, dtype=dtype)


@implements(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    """Multiply as NumPy does: by squares, along the bits of the exponent."""
    a = array_like(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        square_matrix(a, "matrix_power")  # raises
    try:
        n = as_int(n, "exponent")
    except TypeError:
        raise TypeError(at_user_line("exponent must be an integer")) from None
    if n == 0:
        return np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape).copy()
    if n < 0:
        a, n = inverse_of(a), -n
    if n == 3:
        return a @ a @ a
    result = square = None
    while n:
        square = a if square is None else square @ square
        n, bit = divmod(n, 2)
        if bit:
            result = square if result is None else result @ square
    return result


@implements(np.linalg.multi_dot)
def _multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Any:
    factors = [array_like(x) for x in arrays]
    if len(factors) < 2:
        raise ValueError(at_user_line("Expecting at least two arrays."))
    if len(factors) == 2:
        return FUNCTIONS[np.dot](*factors)
    first, last = factors[0].ndim, factors[-1].ndim
    if first == 1:
        factors[0] = factors[0].reshape(1, -1)
    if last == 1:
        factors[-1] = factors[-1].reshape(-1, 1)
    for x in factors:
        if x.ndim != 2:
            raise np.linalg.LinAlgError(
                at_user_line(f"{x.ndim}-dimensional array given. Array must be two-dimensional")
            )
    splits = _cheapest_splits([factors[0].shape[0], *[x.shape[1] for x in factors]])

    def chain(i: int, j: int) -> Any:
        return factors[i] if i == j else chain(i, splits[i, j]) @ chain(splits[i, j] + 1, j)

    product = chain(0, len(factors) - 1)
    if first == 1 or last == 1:
        shape = product.shape[1 if first == 1 else 0 : 1 if last == 1 else 2]
        return product.reshape(shape) if shape else product[0, 0]
    return product


def _cheapest_splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Return where to split each part of a chain of products (Cormen et al., Introduction to
    Algorithms, 15.2).
    """
    n = len(sizes) - 1
    cost = dict.fromkeys(((k, k) for k in range(n)), 0)
    splits = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            costs = [
                cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            ]
            cost[i, j] = min(costs)
            splits[i, j] = i + costs.index(cost[i, j])
    return splits


complex_too("matmul", "tensordot", "outer", "vecdot", "cross", "diagonal", "trace")
complex_too("matrix_power", "multi_dot")
