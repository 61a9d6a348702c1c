"""Matrix products: one primitive, batched over leading axes; every other product is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.types import Type, broadcast_shapes
from .declare import aligned, declared, unbroadcast
from .elementwise import mul
from .operators import swap_last
from .structure import reshape


def _matmul_type(x: Type, y: Type) -> Type:
    if x.shape[-1] != y.shape[-2]:
        raise ShapeError(
            at_user_line(
                f"matmul: shapes {x.shape} and {y.shape} do not fit: "
                f"{x.shape[-1]} columns against {y.shape[-2]} rows"
            )
        )
    batch = broadcast_shapes("matmul", x.shape[:-2], y.shape[:-2])
    return Type((*batch, x.shape[-2], y.shape[-1]), np.result_type(x.dtype, y.dtype))


def _matmul_vjp(g: Any, _z: Any, x: Any, y: Any, *, needs_input_grad: Sequence[bool]) -> list[Any]:
    return [
        unbroadcast(_matrix_product(g, swap_last(y)), x) if needs_input_grad[0] else None,
        _right_cotangent(g, x, y) if needs_input_grad[1] else None,
    ]


def _right_cotangent(g: Any, x: Any, y: Any) -> Any:
    """Return y's cotangent; for one matrix y, the rows of all leading axes form one product."""
    if len(y.shape) == 2 < len(x.shape):
        x = reshape(x, shape=(prod(x.shape[:-1]), x.shape[-1]))
        g = reshape(g, shape=(prod(g.shape[:-1]), g.shape[-1]))
    return unbroadcast(_matrix_product(swap_last(x), g), y)


def _matrix_product(x: Any, y: Any) -> Any:
    """Return a matrix product; an outer product elementwise, which fuses with what reads it."""
    return mul(x, y) if x.shape[-1] == 1 else matmul(x, y)


def _matmul_jvp(tangents: Sequence[Any], _z: Any, x: Any, y: Any) -> Any:
    tx, ty = tangents
    left = None if tx is None else matmul(tx, y)
    right = None if ty is None else matmul(x, ty)
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _matmul_batch(size: int, batched: Sequence[bool], x: Any, y: Any) -> Any:
    """Multiply all at once: rows of all examples by one matrix, or one matrix by all columns.

    Outer products are left to elementwise code, which is fused with what reads them.
    """
    (x_rank, y_rank) = (len(z.shape) - b for z, b in zip((x, y), batched, strict=True))
    if x.shape[-1] == 1:
        return mul(*aligned(batched, (x, y), (2, 2)))
    if x_rank == y_rank == 2 and not all(batched):
        if batched[0]:
            rows, depth = x.shape[1:]
            product = matmul(reshape(x, shape=(size * rows, depth)), y)
            return reshape(product, shape=(size, rows, y.shape[-1]))
        if y.shape[-1] == 1:
            product = matmul(reshape(y, shape=y.shape[:2]), swap_last(x))
            return reshape(product, shape=(size, x.shape[0], 1))
    return _lead(batched, x, y)


def _lead(batched: Sequence[bool], x: Any, y: Any) -> Any:
    return matmul(*aligned(batched, (x, y), (2, 2)))


matmul = declared(
    "matmul",
    lambda xp, x, y: xp.matmul(x, y),
    _matmul_type,
    _matmul_vjp,
    _matmul_jvp,
    selective_vjp=True,
    family="bilinear",
    batch=_matmul_batch,
    doc="Matrix product of the last two axes of arrays with at least two; the rest broadcast.",
)
