"""Statistics of samples: means of several kinds, scores, moments, entropies."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
import scipy.special as sc
import scipy.stats

from ...graph.types import is_float
from ...trace.interception import intercepts
from ..arrays import asarray, known, refuse
from .continuous import number


def _sample(function: str, a: Any, nan_policy: str = "propagate", dtype: Any = None) -> Any:
    """Return the sample as an array of floating numbers."""
    if nan_policy != "propagate":
        refuse(f"scipy.stats.{function}", f"nan_policy={nan_policy!r} is not supported")
    x = asarray(a)
    if dtype is not None:
        return x.astype(dtype)
    return x if is_float(x.dtype) else x.astype(np.float64)


def _axes(x: Any, axis: Any) -> Any:
    return tuple(range(x.ndim)) if axis is None else axis


def _size(x: Any, axis: Any) -> int:
    axes = axis if isinstance(axis, tuple) else (axis,)
    return int(np.prod([x.shape[k] for k in axes]))


def _mean(x: Any, axis: Any, weights: Any, keepdims: bool) -> Any:
    if weights is None:
        return np.mean(x, axis=axis, keepdims=keepdims)
    x, w = np.broadcast_arrays(x, asarray(weights))
    total = np.sum(x * w, axis=axis, keepdims=keepdims)
    return total / np.sum(w, axis=axis, keepdims=keepdims)


@intercepts("scipy.stats", "gmean")
def gmean(
    a: Any, axis: Any = 0, dtype: Any = None, weights: Any = None, *,
    nan_policy: str = "propagate", keepdims: bool = False,
) -> Any:  # fmt: skip
    x = _sample("gmean", a, nan_policy, dtype)
    return number(np.exp(_mean(np.log(x), _axes(x, axis), weights, keepdims)))


def _not_negative(x: Any) -> Any:
    return np.where(x < 0, np.nan, x)


@intercepts("scipy.stats", "hmean")
def hmean(
    a: Any, axis: Any = 0, dtype: Any = None, *, weights: Any = None,
    nan_policy: str = "propagate", keepdims: bool = False,
) -> Any:  # fmt: skip
    x = _not_negative(_sample("hmean", a, nan_policy, dtype))
    return number(1.0 / _mean(1.0 / x, _axes(x, axis), weights, keepdims))


@intercepts("scipy.stats", "pmean")
def pmean(
    a: Any, p: Any, *, axis: Any = 0, dtype: Any = None, weights: Any = None,
    nan_policy: str = "propagate", keepdims: bool = False,
) -> Any:  # fmt: skip
    if not isinstance(p, (int, float)):
        refuse("scipy.stats.pmean", "the power must be a Python number")
    if p == 0:
        return gmean(a, axis, dtype, weights, nan_policy=nan_policy, keepdims=keepdims)
    x = _not_negative(_sample("pmean", a, nan_policy, dtype))
    return number(_mean(x ** float(p), _axes(x, axis), weights, keepdims) ** (1 / p))


# Moments


def _central(x: Any, axis: Any, order: int, center: Any = None) -> Any:
    middle = np.mean(x, axis=axis, keepdims=True) if center is None else center
    return np.mean((x - middle) ** order, axis=axis, keepdims=True)


def _reduced(value: Any, axis: Any, keepdims: bool) -> Any:
    return number(value if keepdims else np.squeeze(value, axis=axis))


@intercepts("scipy.stats", "moment")
def moment(
    a: Any, order: Any = 1, axis: Any = 0, nan_policy: str = "propagate", *, center: Any = None,
    keepdims: bool = False,
) -> Any:  # fmt: skip
    if np.ndim(order):
        refuse("scipy.stats.moment", "several orders at once are not supported")
    x = _sample("moment", a, nan_policy)
    order, axes = index(order), _axes(x, axis)
    if order < 2 and (order == 0 or center is None):
        shape = np.sum(x, axis=axes, keepdims=keepdims)
        return number(0 * shape + (1 - order))
    return _reduced(_central(x, axes, order, center), axes, keepdims)


def _spread(x: Any, axis: Any) -> tuple[Any, Any]:
    """Return the variance, and where it is nothing but rounding."""
    variance = _central(x, axis, 2)
    rounding = np.finfo(x.dtype).eps * np.mean(x, axis=axis, keepdims=True)
    return variance, variance <= rounding * rounding


@intercepts("scipy.stats", "skew")
def skew(
    a: Any, axis: Any = 0, bias: bool = True, nan_policy: str = "propagate", *,
    keepdims: bool = False,
) -> Any:  # fmt: skip
    x = _sample("skew", a, nan_policy)
    axes = _axes(x, axis)
    variance, constant = _spread(x, axes)
    n = _size(x, axes)
    value = _central(x, axes, 3) / np.where(constant, 1.0, variance) ** 1.5
    if not bias and n > 2:
        value = value * (((n - 1.0) * n) ** 0.5 / (n - 2.0))
    return _reduced(np.where(constant, x.dtype.type(np.nan), value), axes, keepdims)


@intercepts("scipy.stats", "kurtosis")
def kurtosis(
    a: Any, axis: Any = 0, fisher: bool = True, bias: bool = True,
    nan_policy: str = "propagate", *, keepdims: bool = False,
) -> Any:  # fmt: skip
    x = _sample("kurtosis", a, nan_policy)
    axes = _axes(x, axis)
    variance, constant = _spread(x, axes)
    n = _size(x, axes)
    value = _central(x, axes, 4) / np.where(constant, 1.0, variance) ** 2
    if not bias and n > 3:
        excess = 1.0 / (n - 2) / (n - 3) * ((n**2 - 1.0) * value - 3 * (n - 1) ** 2.0)
        value = excess + 3.0
    value = value - 3 if fisher else value
    return _reduced(np.where(constant, x.dtype.type(np.nan), value), axes, keepdims)


@intercepts("scipy.stats", "sem")
def sem(
    a: Any, axis: Any = 0, ddof: Any = 1, nan_policy: str = "propagate", *,
    keepdims: bool = False,
) -> Any:  # fmt: skip
    x = _sample("sem", a, nan_policy)
    axes = _axes(x, axis)
    deviation = np.std(x, axis=axes, ddof=ddof, keepdims=keepdims)
    return number(deviation / _size(x, axes) ** 0.5)


@intercepts("scipy.stats", "variation")
def variation(
    a: Any, axis: Any = 0, nan_policy: str = "propagate", ddof: Any = 0, *,
    keepdims: bool = False,
) -> Any:  # fmt: skip
    x = _sample("variation", a, nan_policy)
    axes = _axes(x, axis)
    if ddof >= _size(x, axes):
        refuse("scipy.stats.variation", "ddof= of the size of the sample is not supported")
    deviation = np.std(x, axis=axes, ddof=ddof, keepdims=keepdims)
    return number(deviation / np.mean(x, axis=axes, keepdims=keepdims))


# Scores


@intercepts("scipy.stats", "zmap")
def zmap(
    scores: Any, compare: Any, axis: Any = 0, ddof: Any = 0, nan_policy: str = "propagate"
) -> Any:
    of_itself = scores is compare
    x, y = _sample("zmap", scores, nan_policy), _sample("zmap", compare, nan_policy)
    axes = _axes(y, axis)
    middle = np.mean(y, axis=axes, keepdims=True)
    deviation = np.std(y, axis=axes, ddof=ddof, keepdims=True)
    z = (x - middle) / deviation
    if not of_itself:
        return z
    constant = deviation <= np.abs(np.finfo(y.dtype).eps * middle)
    return np.where(constant, z.dtype.type(np.nan), z)


@intercepts("scipy.stats", "zscore")
def zscore(a: Any, axis: Any = 0, ddof: Any = 0, nan_policy: str = "propagate") -> Any:
    return zmap(a, a, axis, ddof, nan_policy)


@intercepts("scipy.stats", "gzscore")
def gzscore(a: Any, *, axis: Any = 0, ddof: Any = 0, nan_policy: str = "propagate") -> Any:
    return zscore(np.log(_sample("gzscore", a)), axis, ddof, nan_policy)


@intercepts("scipy.stats", "iqr")
def iqr(
    x: Any, axis: Any = None, rng: Any = (25, 75), scale: Any = 1.0,
    nan_policy: str = "propagate", interpolation: str = "linear", keepdims: bool = False,
) -> Any:  # fmt: skip
    sample = _sample("iqr", x, nan_policy)
    if isinstance(scale, str) or interpolation != "linear":
        refuse("scipy.stats.iqr", "scale= by name and other interpolations are not supported")
    low, high = sorted(rng)
    upper = np.percentile(sample, high, axis=axis, keepdims=keepdims)
    return number((upper - np.percentile(sample, low, axis=axis, keepdims=keepdims)) / scale)


@intercepts("scipy.stats", "entropy")
def entropy_of_weights(
    pk: Any, qk: Any = None, base: Any = None, axis: Any = 0, *,
    nan_policy: str = "propagate", keepdims: bool = False,
) -> Any:  # fmt: skip
    p = _sample("entropy", pk, nan_policy)
    if base is not None and known(base) is not None and np.any(known(base) <= 0):
        raise ValueError("`base` must be a positive number or `None`.")
    axes = _axes(p, axis)
    if qk is None:
        p = p / np.sum(p, axis=axes, keepdims=True)
        terms = sc.entr(p)
    else:
        p, q = np.broadcast_arrays(p, _sample("entropy", qk, nan_policy))
        q = q / np.sum(q, axis=axes, keepdims=True)
        terms = sc.rel_entr(p / np.sum(p, axis=axes, keepdims=True), q)
    total = np.sum(terms, axis=axes, keepdims=keepdims)
    return number(total if base is None else total / np.log(base))


# Correlation


@intercepts("scipy.stats", "pearsonr")
def pearsonr(
    x: Any, y: Any, *, alternative: Any = "two-sided", method: Any = None, axis: Any = 0
) -> Any:
    if alternative != "two-sided" or method is not None:
        refuse("scipy.stats.pearsonr", "alternative= and method= are not supported")
    a, b = _sample("pearsonr", x), _sample("pearsonr", y)
    if axis is None:
        a, b, axis = np.reshape(a, -1), np.reshape(b, -1), 0
    if a.shape[axis] != b.shape[axis]:
        raise ValueError("`x` and `y` must have the same length along `axis`.")
    n = a.shape[axis]
    if n < 3:
        refuse("scipy.stats.pearsonr", "fewer than three pairs are not supported")
    a, b = a - np.mean(a, axis=axis, keepdims=True), b - np.mean(b, axis=axis, keepdims=True)
    a = a / np.linalg.norm(a, axis=axis, keepdims=True)
    r = np.sum(a * (b / np.linalg.norm(b, axis=axis, keepdims=True)), axis=axis)
    p = 2.0 * sc.betaincc(0.5 * n - 1.0, 0.5 * n - 1.0, 0.5 * (np.abs(r) + 1.0))
    r, p = number(np.clip(r, -1.0, 1.0)), number(p)
    return _CORRELATION(statistic=r, pvalue=p, alternative=alternative, n=n, x=x, y=y, axis=axis)


_CORRELATION = type(scipy.stats.pearsonr([1.0, 2.0, 3.0], [1.0, 3.0, 2.0]))
