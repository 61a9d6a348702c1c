"""logsumexp, softmax and their kin, which never overflow."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.types import is_float
from ...trace.interception import intercepts
from ...trace.tracer import Tracer, traced
from ...transforms import stop_gradient
from ..arrays import asarray, refuse


def _floating(x: Any) -> Any:
    x = asarray(x)
    if x.dtype.kind == "c":
        refuse("scipy.special.logsumexp, softmax or log_softmax", "complex numbers")
    return x if is_float(x.dtype) else x.astype(np.float64)


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple(np.lib.array_utils.normalize_axis_tuple(axes, ndim))


def _as_last_axis(x: Any, axes: tuple[int, ...]) -> Any:
    """Return x with the axes that are summed as one, the last."""
    others = tuple(k for k in range(x.ndim) if k not in axes)
    sizes = tuple(x.shape[k] for k in others)
    return np.reshape(np.transpose(x, (*others, *axes)), (*sizes, -1))


def _finite_or_zero(x: Any) -> Any:
    return np.where(np.isfinite(x), x, x.dtype.type(0))


def _log_of_sum(x: Any) -> Any:
    """Return log(sum(exp(x))) along the last axis, with all digits where one entry is far ahead.

    It is x_j + log1p(sum of exp(x_i - x_j) over i != j) for each j, hence for the largest's.
    """
    largest = np.argmax(stop_gradient(x), axis=-1)[..., None] == np.arange(x.shape[-1])
    zero = x.dtype.type(0)
    top = np.sum(np.where(largest, x, zero), axis=-1)
    shift = _finite_or_zero(top)[..., None]
    others = np.sum(np.where(largest, zero, np.exp(np.where(largest, shift, x) - shift)), axis=-1)
    return np.log1p(others) + top


def _weighted(x: Any, b: Any) -> tuple[Any, Any]:
    """Return log(abs(s)) and sign(s) of s = sum(b exp(x)) along the last axis."""
    x = np.where(b == 0, -np.inf, x)
    shift = _finite_or_zero(stop_gradient(np.max(x, axis=-1)))
    total = np.sum(b * np.exp(x - shift[..., None]), axis=-1)
    return np.log(np.abs(total)) + shift, np.sign(total)


@intercepts("scipy.special", "logsumexp")
def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _logsumexp(_floating(a), axis, b, keepdims, return_sign)


def _logsumexp(x: Any, axis: Any, b: Any, keepdims: bool, return_sign: bool) -> Any:
    if b is not None:
        b = asarray(b)
        x, b = np.broadcast_arrays(x + 0 * b, b)
    axes = _axes(axis, x.ndim)
    shape = tuple(1 if k in axes else size for k, size in enumerate(x.shape))
    if not keepdims:
        shape = tuple(size for k, size in enumerate(x.shape) if k not in axes)
    flat = _as_last_axis(x, axes)
    if flat.shape[-1] == 0:
        out = np.sum(flat, axis=-1) - x.dtype.type(np.inf)
        sign = np.full_like(out, -1.0)  # as SciPy says of an empty sum
    elif b is None:
        out = _log_of_sum(flat)
        sign = np.where(out == -np.inf, x.dtype.type(0), x.dtype.type(1))
    else:
        out, sign = _weighted(flat, _as_last_axis(b, axes))
        if not return_sign:
            out = np.where(sign < 0, np.nan, out)
    out, sign = _number(np.reshape(out, shape)), _number(np.reshape(sign, shape))
    return (out, sign) if return_sign else out


def _number(x: Any) -> Any:
    """Return a 0-d array as a number, as SciPy does."""
    return traced(x.node) if isinstance(x, Tracer) else x[()]


def _shifted(x: Any, axis: Any) -> Any:
    return x - stop_gradient(np.max(x, axis=axis, keepdims=True))


@intercepts("scipy.special", "softmax")
def softmax(x: Any, axis: Any = None) -> Any:
    powers = np.exp(_shifted(_floating(x), axis))
    return powers / np.sum(powers, axis=axis, keepdims=True)


@intercepts("scipy.special", "log_softmax")
def log_softmax(x: Any, axis: Any = None) -> Any:
    x = _floating(x)
    shift = _finite_or_zero(stop_gradient(np.max(x, axis=axis, keepdims=True)))
    return (x - shift) - np.log(np.sum(np.exp(x - shift), axis=axis, keepdims=True))


@intercepts("scipy.special", "softplus")
def softplus(x: Any, **options: Any) -> Any:
    return np.logaddexp(0, x if isinstance(x, Tracer) else asarray(x), **options)
