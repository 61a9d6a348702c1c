"""B-splines from their knots: values, derivatives, and the equations of interpolation.

De Boor, "A practical guide to splines", chapter X. All is local: of the k + 1 coefficients that
count between two knots, and of the knots around, where no difference is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from ...primitives.banded import solve_banded
from ...trace.nested import is_traced
from ...trace.operands import record
from ..arrays import as_traced, known, refuse, take
from .intervals import searchsorted


def interval(t: Any, k: int, x: Any) -> Any:
    """Return for each x the index i with t[i] <= x < t[i + 1], amid the inner knots."""
    return searchsorted(t[k + 1 : t.shape[0] - k - 1], x, "right") + k


def evaluate(t: Any, c: Any, k: int, x: Any, nu: int = 0) -> Any:
    """Return the derivative of order nu, extrapolated, of shape ``x.shape + c.shape[1:]``."""
    index = interval(t, k, x)
    return _local([take(c, index - k + j) for j in range(k + 1)], t, k, x, index, nu)


def basis(t: Any, k: int, x: Any, index: Any, nu: int = 0) -> Any:
    """Return the functions that are not zero at x, in an axis of size k + 1 at the end."""
    unit = np.eye(k + 1)
    parts = [np.broadcast_to(unit[j], (*x.shape, k + 1)) for j in range(k + 1)]
    return _local(parts, t, k, x, index, nu)


def _local(d: list[Any], t: Any, k: int, x: Any, index: Any, nu: int) -> Any:
    trailing = (...,) + (None,) * (d[0].ndim - x.ndim)
    if nu > k:
        return (d[0] * 0.0) * x[trailing]
    knot = {j: take(t, index + j) for j in range(1 - k, k + 1)} if k else {}
    for r in range(1, nu + 1):
        degree = k - r + 1
        for j in range(k, r - 1, -1):
            width = knot[j - k + degree] - knot[j - k]
            d[j] = _quotient(degree * (d[j] - d[j - 1]), width[trailing])
    total = None
    for term, weight in zip(d[nu:], _weights(knot, k - nu, x), strict=True):
        part = term * weight[trailing]
        total = part if total is None else total + part
    return total


def _weights(knot: dict[int, Any], degree: int, x: Any) -> list[Any]:
    """Return the values of the B-splines of a degree."""
    weights = [x * 0.0 + 1.0]
    for j in range(1, degree + 1):
        saved, longer = None, []
        for r in range(j):
            right, left = knot[r + 1] - x, x - knot[1 - j + r]
            share = _quotient(weights[r], knot[r + 1] - knot[1 - j + r])
            longer.append(right * share if saved is None else saved + right * share)
            saved = left * share
        weights = [*longer, saved]
    return weights


def _quotient(x: Any, width: Any) -> Any:
    """Return x / width, or 0 where knots are the same, as those of a last interval may be."""
    widths = known(width)
    if widths is not None and np.all(widths):
        return x / width
    empty = width == 0
    return np.where(empty, 0.0, x / np.where(empty, 1.0, width))


# Interpolation


def not_a_knot(x: Any, k: int) -> Any:
    """Return the knots at all points but those next to the ends."""
    if k == 0:
        return np.concatenate([x, x[-1:]])
    inner = x if k % 2 else (x[1:] + x[:-1]) / 2
    half = (k + 1) // 2 if k % 2 else k // 2
    inner = inner[half : inner.shape[0] - half]
    return np.concatenate([x[:1]] * (k + 1) + [inner] + [x[-1:]] * (k + 1))


def augmented(x: Any, k: int) -> Any:
    """Return the knots at all points, where derivatives at the ends are conditions."""
    return np.concatenate([x[:1]] * k + [x] + [x[-1:]] * k)


def interpolating(
    x: Any, y: Any, k: int, t: Any, start: list[Any], end: list[Any], knots_of: Any = None
) -> Any:
    """Return the coefficients of the spline through y at x.

    `start` and `end` are pairs (order, value) of derivatives at the ends. `knots_of` is what made t
    of x, by which it is known where x lies amid the knots.
    """
    size = t.shape[0] - k - 1
    if known(x) is None or known(t) is None:
        if knots_of is None:
            refuse("make_interp_spline(t=...)", "under jit the knots and x must be plain")
        order = np.arange(float(x.shape[0]))
        index = interval(knots_of(order, k), k, order)
    else:
        index = interval(known(t), k, known(x))
    rows = [basis(t, k, x[:1], index[:1], nu) for nu, _ in start]
    rows += [basis(t, k, x, index)]
    rows += [basis(t, k, x[-1:], index[-1:], nu) for nu, _ in end]
    columns = np.concatenate([index[:1]] * len(start) + [index] + [index[-1:]] * len(end))
    columns = columns[:, None] + np.arange(-k, 1)
    values = np.concatenate(rows)
    bands = np.zeros((2 * k + 1, size))
    if is_traced(values):
        bands = as_traced(bands)
    bands[k + np.arange(size)[:, None] - columns, columns] = values
    right = [np.reshape(v, (1, *y.shape[1:])) for _, v in start]
    right += [y] + [np.reshape(v, (1, *y.shape[1:])) for _, v in end]
    return solved(bands, np.concatenate(right), k)


def solved(bands: Any, b: Any, k: int) -> Any:
    """Solve equations with k diagonals above and below, for all columns of b."""
    flat = b.reshape(b.shape[0], -1)
    if not is_traced(bands) and not is_traced(flat):
        return scipy.linalg.solve_banded((k, k), bands, flat).reshape(b.shape)
    return record(solve_banded, bands, flat, bandwidth=(k, k), trans=False).reshape(b.shape)
