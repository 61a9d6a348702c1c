"""Equations with a banded matrix, which has few diagonals that are not zero.

Bands are stored as `scipy.linalg.solve_banded` takes them: ``bands[upper + i - j, j] = a[i, j]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.node import Primitive
from ..graph.types import Type
from ..lazy import LazyModule
from .declare import declared, spread, unbroadcast
from .elementwise import where
from .structure import concatenate, pad, reshape, slice_, sum_, transpose, zeros_like

scipy_linalg = LazyModule("scipy.linalg")


def _infer(bands: Type, b: Type, *, bandwidth: tuple[int, int], trans: bool) -> Type:
    rows = sum(bandwidth) + 1
    if len(b.shape) != 2 or bands.shape != (rows, b.shape[0]):
        raise ShapeError(
            at_user_line(f"solve_banded: shapes {bands.shape} and {b.shape} do not fit")
        )
    return Type(b.shape, np.result_type(bands.dtype, b.dtype))


def _evaluate(_xp: Any, bands: Any, b: Any, *, bandwidth: tuple[int, int], trans: bool) -> Any:
    if not b.size:
        return np.zeros(b.shape, np.result_type(bands, b))
    if trans:
        bands, bandwidth = _transposed(bands, bandwidth), (bandwidth[1], bandwidth[0])
    return scipy_linalg.solve_banded(bandwidth, bands, b, check_finite=False)


def _transposed(bands: Any, bandwidth: tuple[int, int]) -> Any:
    lower, upper = bandwidth
    result, n = np.zeros_like(bands), bands.shape[1]
    for row in range(lower + upper + 1):
        k = row - lower
        if abs(k) < n:
            source = bands[lower + upper - row, max(k, 0) : n + min(k, 0)]
            result[row, max(-k, 0) : n - max(k, 0)] = source
    return result


def _shifted(x: Any, k: int) -> Any:
    """Return y[i] = x[i + k] along the first axis, zeros outside."""
    n = x.shape[0]
    if abs(k) >= n:
        return zeros_like(x)
    whole = [slice(None)] * (len(x.shape) - 1)
    part = slice_(x, index=(slice(max(k, 0), n + min(k, 0)), *whole))
    return pad(part, shape=x.shape, index=(slice(max(-k, 0), n - max(k, 0)), *whole))


def _diagonal(bands: Any, row: int) -> Any:
    n = bands.shape[1]
    return reshape(slice_(bands, index=(slice(row, row + 1), slice(None))), shape=(n, 1))


def _product(bands: Any, x: Any, upper: int, trans: bool) -> Any:
    """Return a x, or a^T x."""
    total = None
    for row in range(bands.shape[0]):
        k, diagonal = row - upper, _diagonal(bands, row)
        term = diagonal * _shifted(x, k) if trans else _shifted(diagonal * x, -k)
        total = term if total is None else total + term
    return total


def _outer_in_bands(p: Any, q: Any, rows: int, upper: int) -> Any:
    """Return the bands of p q^T."""
    n = p.shape[0]
    parts = [sum_(_shifted(p, row - upper) * q, axes=(1,)) for row in range(rows)]
    return concatenate(*[reshape(part, shape=(1, n)) for part in parts], axis=0)


def _vjp(
    g: Any, x: Any, bands: Any, b: Any, *, bandwidth: tuple[int, int], trans: bool,
    needs_input_grad: Sequence[bool],
) -> list[Any]:  # fmt: skip
    by_b = solve_banded(bands, g, bandwidth=bandwidth, trans=not trans)
    by_bands = None
    if needs_input_grad[0]:
        p, q = (x, by_b) if trans else (by_b, x)
        by_bands = unbroadcast(-_outer_in_bands(p, q, bands.shape[0], bandwidth[1]), bands)
    return [by_bands, unbroadcast(by_b, b) if needs_input_grad[1] else None]


def _jvp(
    tangents: Sequence[Any], x: Any, bands: Any, _b: Any, *, bandwidth: tuple[int, int], trans: bool
) -> Any:
    by_bands, right = tangents
    if by_bands is not None:
        change = _product(by_bands, x, bandwidth[1], trans)
        right = -change if right is None else right - change
    return solve_banded(bands, right, bandwidth=bandwidth, trans=trans)


def _batch(
    size: int, batched: Sequence[bool], bands: Any, b: Any, *, bandwidth: tuple[int, int],
    trans: bool,
) -> Any:  # fmt: skip
    """Solve with one matrix for all columns at once; several matrices are blocks of one.

    What bands hold beyond the corners of their matrix would couple the blocks, and is set to 0.
    """
    n, k = b.shape[-2:]
    if not batched[0]:
        wide = reshape(transpose(b, axes=(1, 0, 2)), shape=(n, size * k))
        x = solve_banded(bands, wide, bandwidth=bandwidth, trans=trans)
        return transpose(reshape(x, shape=(n, size, k)), axes=(1, 0, 2))
    bands, b = spread(size, batched, (bands, b))
    rows = sum(bandwidth) + 1
    row = np.arange(rows)[:, None] - bandwidth[1] + np.arange(n)
    inside = (row >= 0) & (row < n)
    blocks = transpose(where(inside, bands, bands.dtype.type(0)), axes=(1, 0, 2))
    x = solve_banded(
        reshape(blocks, shape=(rows, size * n)), reshape(b, shape=(size * n, k)),
        bandwidth=bandwidth, trans=trans,
    )  # fmt: skip
    return reshape(x, shape=(size, n, k))


solve_banded: Primitive = declared(
    "solve_banded",
    _evaluate,
    _infer,
    _vjp,
    _jvp,
    family="linalg",
    selective_vjp=True,
    batch=_batch,
    doc="x of a x = b, or of a^T x = b, for the bands of a; b has two axes.",
)
