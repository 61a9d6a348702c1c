"""Distances between vectors along the last axis, written once for single vectors and for tables.

At a kink (vectors or entries that are equal) the derivative is amid the slopes around: 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import xlogy

from ...transforms import stop_gradient

Metric = Callable[..., Any]


def root(x: Any) -> Any:
    """Return the square root, with slope 0 at 0."""
    zero = x == 0
    return np.where(zero, x, np.sqrt(np.where(zero, x.dtype.type(1), x)))


def _power(x: Any, exponent: Any) -> Any:
    """Return ``x ** exponent`` of what is not negative, with slope 0 at 0."""
    zero = x == 0
    return np.where(zero, x, np.where(zero, x.dtype.type(1), x) ** exponent)


def minkowski(u: Any, v: Any, p: Any = 2, w: Any = None) -> Any:
    """Return sum(w |u - v|**p)**(1/p)."""
    delta = u - v
    if p == 1:
        return _weighted_sum(abs(delta), w)
    if p == 2:
        return euclidean(u, v, w)
    if p == np.inf:
        return chebyshev(u, v, w)
    return _power(_weighted_sum(_power(abs(delta), p), w), 1 / p)


def euclidean(u: Any, v: Any, w: Any = None) -> Any:
    """Return the root of the sum of squares."""
    delta = u - v if w is None else np.sqrt(w) * (u - v)
    return np.sqrt(np.sum(delta * delta, axis=-1))


def sqeuclidean(u: Any, v: Any, w: Any = None) -> Any:
    """Return the sum of squares."""
    delta = u - v
    return _weighted_sum(delta * delta, w)


def cityblock(u: Any, v: Any, w: Any = None) -> Any:
    """Return the sum of absolute differences."""
    return _weighted_sum(abs(u - v), w)


def chebyshev(u: Any, v: Any, w: Any = None) -> Any:
    """Return the largest absolute difference; a weight only says whether an entry counts."""
    size = abs(u - v)
    return np.max(size if w is None else (w > 0) * size, axis=-1)


def correlation(u: Any, v: Any, w: Any = None, centered: bool = True) -> Any:
    """Return 1 minus the correlation."""
    if w is not None:
        w = w / np.sum(w)
    if centered:
        u = u - _average(u, w)
        v = v - _average(v, w)
    squares = _weighted_sum(u * u, w) * _weighted_sum(v * v, w)
    distance = 1.0 - _weighted_sum(u * v, w) / np.sqrt(squares)
    # what rounding puts outside of [0, 2] is clipped, and keeps the slope of the formula
    return distance + stop_gradient(np.clip(distance, 0.0, 2.0) - distance)


def cosine(u: Any, v: Any, w: Any = None) -> Any:
    """Return 1 minus the cosine of the angle."""
    return correlation(u, v, w, centered=False)


def seuclidean(u: Any, v: Any, V: Any) -> Any:
    """Return the Euclidean distance with each entry divided by its variance."""
    return euclidean(u, v, 1 / V)


def mahalanobis(u: Any, v: Any, VI: Any) -> Any:
    """Return the root of the quadratic form with the matrix VI."""
    delta = u - v
    return root(np.sum((delta @ VI) * delta, axis=-1))


def braycurtis(u: Any, v: Any, w: Any = None) -> Any:
    """Return sum(|u - v|) / sum(|u + v|)."""
    return _weighted_sum(abs(u - v), w) / _weighted_sum(abs(u + v), w)


def canberra(u: Any, v: Any, w: Any = None) -> Any:
    """Return sum(|u - v| / (|u| + |v|)), where 0 / 0 counts as 0."""
    size = abs(u) + abs(v)
    both_zero = size == 0
    parts = abs(u - v) / np.where(both_zero, size.dtype.type(1), size)
    parts = np.where(np.isnan(parts), size.dtype.type(0), parts)
    return _weighted_sum(parts, w)


def hamming(u: Any, v: Any, w: Any = None) -> Any:
    """Return the share of entries that differ."""
    differs = u != v
    return np.mean(differs, axis=-1) if w is None else _weighted_sum(differs, w / np.sum(w))


def jaccard(u: Any, v: Any, w: Any = None) -> Any:
    """Return the share of entries with one zero, among those that are not zero in both."""
    unequal = _weighted_sum((u != 0) ^ (v != 0), w) * 1.0
    nonzero = _weighted_sum((u != 0) | (v != 0), w) * 1.0
    return np.where(nonzero == 0, 0.0, unequal / np.where(nonzero == 0, 1.0, nonzero))


def jensenshannon(p: Any, q: Any, base: Any = None, axis: int = -1, keepdims: bool = False) -> Any:
    """Return the root of the Jensen-Shannon divergence of two distributions."""
    total_p, total_q = (np.sum(x, axis=axis, keepdims=True) for x in (p, q))
    m = (p / total_p + q / total_q) / 2.0
    divergence = sum(
        np.sum(_relative_entropy(x, total, m), axis=axis, keepdims=keepdims)
        for x, total in ((p, total_p), (q, total_q))
    )
    if base is not None:
        divergence = divergence / np.log(base)
    return root(divergence / 2.0)


def _relative_entropy(x: Any, total: Any, m: Any) -> Any:
    """Return `scipy.special.rel_entr` of x / total and m, which is not less than half of it.

    The total divides outside of the logarithm, so that an entry of 0, where the slope is infinite,
    leaves the slopes of the others finite.
    """
    empty = m == 0
    ratio = np.where(empty, m.dtype.type(2), x / total / np.where(empty, m.dtype.type(1), m))
    return np.where(x / total < 0, m.dtype.type(np.inf), xlogy(x, ratio) / total)


def _average(x: Any, w: Any) -> Any:
    return np.mean(x, -1, keepdims=True) if w is None else np.sum(x * w, -1, keepdims=True)


def _weighted_sum(x: Any, w: Any) -> Any:
    return np.sum(x if w is None else w * x, axis=-1)
