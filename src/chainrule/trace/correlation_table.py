"""NumPy's weighted averages, covariances, convolutions and correlations on tracers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.node import Node
from ..primitives import elementwise as ew
from ..primitives.convolution import conv
from ..primitives.indexing import gather
from ..primitives.products import matmul
from ..primitives.structure import identity, pad, reshape, slice_, stop_gradient
from .array_like import array_like, node_like
from .complex_readiness import takes_complex
from .function_rules import NO_VALUE, as_int, implements, normalize_axes
from .operands import node_of, nodes_of
from .statistics_table import broadcastable_weights
from .tracer import METHODS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype
from .vector_table import conjugate_of


@implements(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *,
             keepdims: Any = NO_VALUE) -> Any:  # fmt: skip
    x = array_like(a)
    axes = normalize_axes(x.node, axis)
    if weights is None:
        mean = METHODS["mean"](x, axis, keepdims=keepdims)
        count = int(np.prod([x.shape[k] for k in axes]))
        total: Any = traced(node_of(np.broadcast_to(mean.dtype.type(count), mean.shape)))
        return (mean, traced(identity(total.node))) if returned else mean
    w = broadcastable_weights(x.shape, array_like(weights), axis)
    dtype = np.result_type(x.dtype, w.dtype)
    if x.dtype.kind in "iub":
        dtype = np.result_type(dtype, np.float64)
    wide = as_dtype(w.node, dtype)
    total = METHODS["sum"](np.broadcast_to(ArrayTracer(wide), x.shape), axis, keepdims=keepdims)
    if total.node.value is not None and not np.all(total.node.value):
        raise ZeroDivisionError(at_user_line("Weights sum to zero, can't be normalized"))
    product = traced(ew.mul(as_dtype(x.node, dtype), wide))
    mean = METHODS["sum"](product, axis, keepdims=keepdims) / total
    return (mean, total) if returned else mean


# Covariance


@implements(np.cov)
def _cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: Any = None,
         fweights: Any = None, aweights: Any = None, *, dtype: Any = None) -> Tracer:  # fmt: skip
    if ddof is not None and ddof != int(ddof):
        raise ValueError(at_user_line("ddof must be integer"))
    x = _variables(array_like(m), rowvar, "m")
    kinds = [x.dtype]
    if y is not None:
        other = array_like(y)
        kinds.append(other.dtype)
        other = _variables(other, rowvar or other.shape[:1] == (1,), "y")
    dtype = np.result_type(*kinds, np.float64) if dtype is None else np.dtype(dtype)
    if not x.shape[0]:
        return ArrayTracer(node_of(np.empty((0, 0))))
    x = ArrayTracer(as_dtype(x.node, dtype))
    if y is not None:
        x = np.concatenate([x, ArrayTracer(as_dtype(other.node, dtype))])
    ddof = int(ddof) if ddof is not None else 0 if bias else 1
    counts = None if fweights is None else _sample_weights(fweights, x.shape[1], "fweights")
    loads = None if aweights is None else _sample_weights(aweights, x.shape[1], "aweights")
    w = loads if counts is None else counts if loads is None else counts * loads
    mean, total = np.average(x, axis=1, weights=w, returned=True)
    freedom = _freedom(x.shape[1], ddof, w, loads, total)
    centred = x - mean[:, None]
    spread = centred if w is None else centred * w
    c = np.dot(centred, conjugate_of(spread.T))
    return ArrayTracer(as_dtype(np.squeeze(c * (1.0 / freedom)).node, dtype))


def _variables(x: Tracer, rows: bool, name: str) -> Any:
    """Return variables as rows and observations as columns."""
    if x.ndim > 2:
        raise ValueError(at_user_line(f"{name} has more than 2 dimensions"))
    if x.ndim < 2:
        return ArrayTracer(reshape(x.node, shape=(1, x.size)))
    return x if rows else x.T


def _sample_weights(weights: Any, count: int, name: str) -> Any:
    w = traced(as_dtype(node_like(weights), np.dtype(float)))
    value = w.node.value
    if name == "fweights" and value is not None and np.any(value != np.around(value)):
        raise TypeError(at_user_line("fweights must be integer"))
    if w.ndim > 1:
        raise RuntimeError(at_user_line(f"cannot handle multidimensional {name}"))
    if w.shape[0] != count:
        raise RuntimeError(at_user_line(f"incompatible numbers of samples and {name}"))
    if value is not None and np.any(value < 0):
        raise ValueError(at_user_line(f"{name} cannot be negative"))
    return w


def _freedom(count: int, ddof: int, w: Any, loads: Any, total: Any) -> Any:
    """Return by what the sum of products is divided; 0 where NumPy takes no less."""
    if w is None:
        freedom: Any = float(count - ddof)
    elif ddof == 0:
        freedom = total[0]
    elif loads is None:
        freedom = total[0] - ddof
    else:
        freedom = total[0] - ddof * METHODS["sum"](w * loads) / total[0]
    value = freedom.node.value if isinstance(freedom, Tracer) else freedom
    if value is None:
        return np.maximum(freedom, 0.0)
    if value <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=3)
        return np.float64(0.0)
    return freedom


@implements(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = _cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    variances = np.diagonal(c)
    deviation = np.sqrt(variances.real)
    c = c / deviation[:, None] / deviation[None, :]
    if c.dtype.kind == "c":
        return c
    return _within_one(c)


def _within_one(c: Any) -> Tracer:
    """Cut what rounding has left beyond -1 and 1, without a change of the slope there."""
    beyond = np.abs(c.node.value) if c.node.value is not None else None
    if beyond is not None and not np.any(beyond > 1):
        return c  # type: ignore[no-any-return]
    limit = c.dtype.type(1)
    over = ew.where(ew.less(limit, c.node), c.node - limit, c.dtype.type(0))
    under = ew.where(ew.less(c.node, -limit), c.node + limit, c.dtype.type(0))
    return traced(c.node - stop_gradient(over + under))


# Convolutions


def _sequence(x: Any, name: str) -> Any:
    node = node_like(x)
    if len(node.shape) > 1:
        raise ValueError(at_user_line(f"object too deep for desired array: {name} is 1-d"))
    if not node.shape:
        node = reshape(node, shape=(1,))
    if not node.shape[0]:
        raise ValueError(at_user_line(f"{name} cannot be empty"))
    return node


_CONVOLUTION_MODES = {"valid": 0, "same": 1, "full": 2, 0: 0, 1: 1, 2: 2}


def _checked_mode(mode: Any) -> int:
    if isinstance(mode, str) and mode in _CONVOLUTION_MODES:
        return _CONVOLUTION_MODES[mode]
    if not isinstance(mode, str) and as_int(mode, "mode") in _CONVOLUTION_MODES:
        return as_int(mode, "mode")
    raise ValueError(at_user_line(f"mode must be one of 'valid', 'same', or 'full', not {mode!r}"))


def _slid(a: Node, kernel: Node, mode: int) -> Any:
    """Return the sums of products of the kernel, which is not longer, laid along `a`."""
    n, m = a.shape[0], kernel.shape[0]
    before = (0, m // 2, m - 1)[mode]
    after = (0, m - 1 - m // 2, m - 1)[mode]
    dtype = np.result_type(a.dtype, kernel.dtype)
    a, kernel = as_dtype(a, dtype), as_dtype(kernel, dtype)
    if before or after:
        a = pad(a, shape=(before + n + after,), index=(slice(before, before + n),))
    if dtype.kind == "f":
        image = reshape(a, shape=(1, 1, a.shape[0], 1))
        y = conv(image, reshape(kernel, shape=(1, m, 1, 1)), strides=(1, 1), dilation=(1, 1))
    elif dtype.kind == "b":
        whole = np.dtype(np.intp)
        return ew.not_equal(_slid(as_dtype(a, whole), as_dtype(kernel, whole), 0), 0)
    else:
        positions = np.arange(a.shape[0] - m + 1)[:, None] + np.arange(m)
        y = matmul(gather(a, positions, pattern=(0,)), reshape(kernel, shape=(m, 1)))
    return reshape(y, shape=(a.shape[0] - m + 1,))


def _backward(x: Node) -> Node:
    return slice_(x, index=(slice(None, None, -1),))  # type: ignore[no-any-return]


@implements(np.convolve)
def _convolve(a: Any, v: Any, mode: Any = "full") -> Tracer:
    x, kernel = nodes_of(traced(_sequence(a, "a")), traced(_sequence(v, "v")))
    if kernel.shape[0] > x.shape[0]:
        x, kernel = kernel, x
    return traced(_slid(x, _backward(kernel), _checked_mode(mode)))


@implements(np.correlate)
def _correlate(a: Any, v: Any, mode: Any = "valid") -> Tracer:
    if not np.ndim(a) or not np.ndim(v):
        raise ValueError(at_user_line("object of too small depth for desired array"))
    x, kernel = _sequence(a, "a"), _sequence(v, "v")
    if kernel.dtype.kind == "c":
        kernel = conjugate_of(traced(kernel)).node
    number = _checked_mode(mode)
    if kernel.shape[0] > x.shape[0]:  # NumPy slides the shorter one, and reverses the result
        return traced(_backward(_slid(kernel, x, number)))
    return traced(_slid(x, kernel, number))


takes_complex(np.average, np.cov, np.corrcoef, np.convolve, np.correlate)
