"""Matrices of `scipy.linalg` that are made of vectors or of other matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import at_user_line
from ...graph.node import Node
from ...trace.array_like import array_like
from ...trace.interception import intercepts
from ...trace.tracer import traced
from ..arrays import refuse
from .operands import complex_too


def _at_least(x: Any, ndim: int) -> Any:
    x = array_like(x)
    return x.reshape((1,) * (ndim - x.ndim) + x.shape) if x.ndim < ndim else x


def toeplitz_matrix(c: Node, r: Node) -> Node:
    """Return the matrix with first column c and first row r, the first entry of which is not
    read.
    """
    return _toeplitz(traced(c), traced(r)).node  # type: ignore[no-any-return]


@intercepts("scipy.linalg", "toeplitz")
def _toeplitz(c: Any, r: Any = None) -> Any:
    c = _at_least(c, 1)
    r = np.conj(c) if r is None else _at_least(r, 1)
    batch = np.broadcast_shapes(c.shape[:-1], r.shape[:-1])
    m, n = c.shape[-1], r.shape[-1]
    c, r = np.broadcast_to(c, (*batch, m)), np.broadcast_to(r, (*batch, n))
    values = np.concatenate([c[..., ::-1], r[..., 1:]], axis=-1)
    return values[..., np.subtract.outer(np.arange(m - 1, -1, -1), -np.arange(n))]


@intercepts("scipy.linalg", "circulant")
def _circulant(c: Any) -> Any:
    c = _at_least(c, 1)
    k = np.arange(c.shape[-1])
    return c[..., np.subtract.outer(k, k) % max(len(k), 1)]


@intercepts("scipy.linalg", "hankel")
def _hankel(c: Any, r: Any = None) -> Any:
    c = array_like(c)
    r = np.zeros(c.shape, c.dtype) if r is None else array_like(r)
    if c.ndim != 1 or r.ndim != 1:
        refuse("scipy.linalg.hankel", "only vectors are supported: use c.ravel()")
    values = np.concatenate([c, r[1:]])
    return values[np.add.outer(np.arange(c.shape[0]), np.arange(r.shape[0]))]


@intercepts("scipy.linalg", "companion")
def _companion(a: Any) -> Any:
    a = _at_least(a, 1)
    n = a.shape[-1]
    if n < 2:
        raise ValueError(at_user_line(f"The length of `a` along the last axis must be at least 2; "
                                      f"a.shape={a.shape}"))  # fmt: skip
    first = -a[..., 1:] / (1.0 * a[..., :1])
    below = np.broadcast_to(np.eye(n - 2, n - 1, dtype=first.dtype), (*a.shape[:-1], n - 2, n - 1))
    return np.concatenate([first[..., None, :], below], axis=-2)


@intercepts("scipy.linalg", "block_diag")
def _block_diag(*arrs: Any) -> Any:
    blocks = [_at_least(x, 2) for x in arrs]
    batch = np.broadcast_shapes(*[x.shape[:-2] for x in blocks])
    dtype = np.result_type(*[x.dtype for x in blocks])
    width = sum(x.shape[-1] for x in blocks)
    rows, start = [], 0
    for x in blocks:
        m, n = x.shape[-2:]
        left = np.zeros((*batch, m, start), dtype)
        right = np.zeros((*batch, m, width - start - n), dtype)
        middle = np.broadcast_to(x.astype(dtype), (*batch, m, n))
        rows.append(np.concatenate([left, middle, right], axis=-1))
        start += n
    return np.concatenate(rows, axis=-2)


@intercepts("scipy.linalg", "khatri_rao")
def _khatri_rao(a: Any, b: Any) -> Any:
    a, b = array_like(a), array_like(b)
    if a.ndim < 2 or b.ndim < 2:
        raise ValueError(at_user_line("Both arrays must be at least two-dimensional."))
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(at_user_line("The number of columns for both arrays should be equal."))
    both = a[..., :, None, :] * b[..., None, :, :]
    return both.reshape((*both.shape[:-3], -1, both.shape[-1]))


complex_too("toeplitz", "circulant", "hankel", "companion", "block_diag", "khatri_rao")
