"""NumPy's order statistics on tracers: medians, quantiles and percentiles by every method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import ShapeError, UnsupportedError, at_user_line
from ..graph.node import CONSTANT, Node
from ..graph.types import is_float
from ..primitives import elementwise as ew
from ..primitives import reductions as red
from ..primitives.structure import broadcast_to, reshape, sum_, transpose
from .array_like import array_like, node_like
from .function_rules import NO_VALUE, implements, normalize_axes, normalize_axis, refuse_options
from .operands import is_weak, node_of
from .tracer import METHODS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype, floating

# The entries that are reduced, in order


class Ordered(NamedTuple):
    """Entries in rising order along a first axis, nan last; the others are those that remain.

    Attributes
    ----------
    entries : Tracer
    counts : int or Node
        How many entries there are, or, where nan is left out, how many are no nan.
    result_shape : tuple of int
        What remains, with the axes that are reduced of size 1 if they stay.
    """

    entries: Any
    counts: Any
    result_shape: tuple[int, ...]


def _columns_last(x: Node, axes: tuple[int, ...]) -> Node:
    """Merge several axes into a last one, their entries in C order: there they are sorted fast."""
    remaining = tuple(k for k in range(len(x.shape)) if k not in axes)
    count = int(np.prod([x.shape[k] for k in axes]))
    order = (*remaining, *axes)
    last = x if order == tuple(range(len(order))) else transpose(x, axes=order)
    return reshape(last, shape=(*[x.shape[k] for k in remaining], count))  # type: ignore[no-any-return]


def _last_axis_first(x: Node) -> Node:
    n = len(x.shape)
    return x if n == 1 else transpose(x, axes=(n - 1, *range(n - 1)))


def in_order(x: Node, axis: Any, keepdims: Any, skip_nan: bool) -> Ordered:
    """Sort the entries over which a statistic is taken."""
    axes = normalize_axes(x, axis)
    keepdims = keepdims is not NO_VALUE and keepdims
    sizes = [1 if k in axes else n for k, n in enumerate(x.shape) if keepdims or k not in axes]
    columns = _columns_last(x, axes)
    last = len(columns.shape) - 1
    entries = red.take_along(columns, red.argsort(columns, axis=last), last)
    counts: Any = columns.shape[last]
    if skip_nan and is_float(x.dtype):
        present = as_dtype(ew.equal(columns, columns), np.dtype(np.intp))
        counts = sum_(present, axes=(last,))
    return Ordered(ArrayTracer(_last_axis_first(entries)), counts, tuple(sizes))


def _nan_passed_on(result: Any, ordered: Ordered) -> Any:
    """Return nan where there was one among the entries; it came last."""
    if not is_float(ordered.entries.dtype) or not isinstance(ordered.counts, int):
        return result
    last = ordered.entries[-1].node
    if last.value is not None and not np.any(np.isnan(last.value)):
        return result
    return traced(ew.where(ew.not_equal(last, last), last, node_of(result)))


# Medians


def _median_rule(skip_nan: bool) -> Callable[..., Tracer]:
    def rule(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
             keepdims: Any = False) -> Tracer:  # fmt: skip
        refuse_options(out=out)
        x = node_like(a)
        ordered = in_order(x, axis, keepdims, skip_nan)
        size = len(ordered.entries)
        if not size:
            return METHODS["mean"](traced(x), axis, keepdims=keepdims)  # type: ignore[no-any-return]
        if isinstance(ordered.counts, int):
            middle = ordered.entries[(size - 1) // 2 : size // 2 + 1]
            result = _nan_passed_on(METHODS["mean"](middle, 0), ordered)
        else:
            result = _median_of_present(ordered)
        return traced(reshape(result.node, shape=ordered.result_shape))

    return rule


def _median_of_present(ordered: Ordered) -> Tracer:
    n = ordered.counts
    upper = ew.shift_right(n, np.intp(1))
    lower = ew.shift_right(ew.maximum(n - np.intp(1), np.intp(0)), np.intp(1))
    pair: list[Any] = [_entries_at(ordered.entries.node, k) for k in (lower, upper)]
    wide: list[Any] = [
        as_dtype(x, np.dtype(np.float32)) if x.dtype.char == "e" else x for x in pair
    ]
    mean = as_dtype((wide[0] + wide[1]) * wide[0].dtype.type(0.5), pair[0].dtype)
    return traced(ew.where(ew.equal(lower, upper), pair[0], mean))


def _entries_at(entries: Node, positions: Node) -> Node:
    """Return from each column of entries the one at a position, or at several, along new axes."""
    rest = entries.shape[1:]
    lead = positions.shape[: len(positions.shape) - len(rest)]
    last = np.intp(entries.shape[0] - 1)
    inside = ew.minimum(positions, last)
    flat = reshape(inside, shape=(int(np.prod(lead)), *rest))
    return reshape(red.take_along(entries, flat, 0), shape=positions.shape)  # type: ignore[no-any-return]


implements(np.median)(_median_rule(skip_nan=False))
implements(np.nanmedian)(_median_rule(skip_nan=True))

# Quantiles: where they lie among n entries, and how two neighbours are weighed


class Method(NamedTuple):
    """Where a quantile lies: a whole position, or between two entries.

    Attributes
    ----------
    position : callable
        ``position(n, q)``.
    weight : callable or None
        ``weight(gamma, position)`` of the upper neighbour; None where the position is whole.
    """

    position: Callable[[Any, Any], Any]
    weight: Callable[[Any, Any], Any] | None


def _between(alpha: float, beta: float) -> Method:
    def position(n: Any, q: Any) -> Any:
        return n * q + (alpha + q * (1 - alpha - beta)) - 1

    return Method(position, lambda gamma, position: gamma)


def _as_position(x: Any) -> Any:
    return x.astype(np.intp)


def _at_boundary(index: Any, stays: Callable[[Any, Any], Any]) -> Any:
    below = np.floor(index)
    chosen = np.where(stays(index - below, below), below, below + 1)
    return _as_position(np.maximum(chosen, 0))


_QUANTILE_METHODS = {
    "inverted_cdf": Method(
        lambda n, q: _at_boundary(n * q - 1, lambda gamma, below: gamma == 0), None
    ),
    "averaged_inverted_cdf": Method(
        lambda n, q: n * q - 1, lambda gamma, position: np.where(gamma == 0, 0.5, 1.0)
    ),
    "closest_observation": Method(
        lambda n, q: _at_boundary(
            n * q - 1.5, lambda gamma, below: (gamma == 0) & (below % 2 == 1)
        ),
        None,
    ),
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(0.5, 0.5),
    "weibull": _between(0, 0),
    "linear": Method(lambda n, q: (n - 1) * q, lambda gamma, position: gamma),
    "median_unbiased": _between(1 / 3.0, 1 / 3.0),
    "normal_unbiased": _between(3 / 8.0, 3 / 8.0),
    "lower": Method(lambda n, q: _as_position(np.floor((n - 1) * q)), None),
    "higher": Method(lambda n, q: _as_position(np.ceil((n - 1) * q)), None),
    "midpoint": Method(
        lambda n, q: 0.5 * (np.floor((n - 1) * q) + np.ceil((n - 1) * q)),
        lambda gamma, position: np.where(position % 1 == 0, 0.0, 0.5),
    ),
    "nearest": Method(lambda n, q: _as_position(np.around((n - 1) * q)), None),
}


def _quantile_rule(percent: bool, skip_nan: bool) -> Callable[..., Any]:
    def rule(
        a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
        method: str = "linear", keepdims: Any = False, *, weights: Any = None,
    ) -> Any:  # fmt: skip
        refuse_options(out=out)
        x = node_like(a)
        if x.dtype.kind == "c":
            raise TypeError(at_user_line("a must be an array of real numbers"))
        weak = is_weak(q) and type(q) is not bool
        q = array_like(q) if isinstance(q, (Tracer, list, tuple)) else np.asarray(q)
        if isinstance(q, Tracer) and q.node.primitive is CONSTANT:
            q = q.node.value
        q = q / 100 if percent else q
        _check_range(q, percent)
        if skip_nan and q.ndim > 1 and axis == ():  # where NumPy orders the axes in its own way
            raise UnsupportedError(at_user_line("quantiles along no axis, for q of two axes"))
        if weights is not None:
            return _weighted_quantile(x, q, axis, method, keepdims, weights, skip_nan)
        if method not in _QUANTILE_METHODS:
            raise ValueError(
                at_user_line(f"{method!r} is not a valid method: {list(_QUANTILE_METHODS)}")
            )
        if not all(x.shape):
            return _of_nothing(x, q, axis, keepdims, skip_nan)
        ordered = in_order(x, axis, keepdims, skip_nan)
        result = _nan_passed_on(_interpolated(ordered, q, _QUANTILE_METHODS[method], weak), ordered)
        return traced(reshape(result.node, shape=(*q.shape, *ordered.result_shape)))

    return rule


def _check_range(q: Any, percent: bool) -> None:
    if q.ndim > 2:
        raise ValueError(at_user_line("q must be a scalar or 1d"))
    value = q.node.value if isinstance(q, Tracer) else q
    if value is not None and not np.all((value >= 0) & (value <= 1)):
        name = "Percentiles must be in the range [0, 100]" if percent else \
            "Quantiles must be in the range [0, 1]"  # fmt: skip
        raise ValueError(at_user_line(name))


def _of_nothing(x: Node, q: Any, axis: Any, keepdims: Any, skip_nan: bool) -> Any:
    """Refuse what NumPy refuses of an array without entries: there is none to take."""
    if skip_nan:
        return METHODS["mean"](traced(x), axis, keepdims=keepdims)
    if all(x.shape[k] for k in normalize_axes(x, axis)):
        shape = in_order(x, axis, keepdims, False).result_shape
        return traced(floating(node_of(np.empty((*q.shape, *shape), x.dtype))))
    raise IndexError(at_user_line(f"a quantile of an array of shape {x.shape}: an axis is empty"))


def _interpolated(ordered: Ordered, q: Any, method: Method, weak: bool) -> Any:
    entries, n = ordered.entries, ordered.counts
    if not isinstance(n, int):  # one number a column
        n = traced(as_dtype(n, q.dtype) if q.dtype.kind == "f" else n)
        q = q.reshape((*q.shape, *[1] * n.ndim))
    with np.errstate(all="ignore"):
        position = method.position(n, q)
        whole = position.dtype.kind in "iu" and method is _QUANTILE_METHODS["linear"]
        if whole or method.weight is None:
            return _taken(entries, position, ordered)
        last = n - 1
        below = np.floor(position)
        lower = np.minimum(np.maximum(below, 0), last)
        upper = np.minimum(np.maximum(below + 1, 0), last)
        gamma = method.weight(position - below, position)
        edge = (position < 0) | (position >= last)  # where both neighbours are one entry
        lower = np.where(position >= last, last, lower)
        upper = np.where(edge, lower, upper)
        gamma = np.where(edge, 0.0, gamma)
        a, b = (_taken(entries, _as_position(k), ordered) for k in (lower, upper))
        if isinstance(ordered.counts, int):
            gamma = gamma.reshape((*position.shape, *[1] * (entries.ndim - 1)))
        gamma = gamma.astype(np.result_type(entries.dtype, 1.0)) if weak else gamma
        slope = b - a
        return np.where(gamma >= 0.5, b - slope * (1 - gamma), a + slope * gamma)


def _taken(entries: Any, positions: Any, ordered: Ordered) -> Any:
    """Return the entries at positions, one set for all columns or one for each."""
    if not isinstance(ordered.counts, int):
        nodes = node_of(ew.maximum(positions.node, np.intp(0)))
        shape = (*nodes.shape[: len(nodes.shape) - entries.ndim + 1], *entries.shape[1:])
        nodes = nodes if nodes.shape == shape else broadcast_to(nodes, shape=shape)
        return traced(_entries_at(entries.node, nodes))
    if isinstance(positions, Tracer):
        return entries[np.maximum(positions, 0)]
    return entries[int(positions)] if not np.ndim(positions) else entries[np.asarray(positions)]


# Quantiles of weighted entries


def _weighted_quantile(x: Node, q: Any, axis: Any, method: str, keepdims: Any, weights: Any,
                       skip_nan: bool) -> Any:  # fmt: skip
    """Take the first entry at which the weights up to it reach the share q of their sum."""
    if method != "inverted_cdf":
        raise ValueError(
            at_user_line(f"Only method 'inverted_cdf' supports weights. Got: {method}.")
        )
    w = node_of(np.broadcast_to(broadcastable_weights(x.shape, array_like(weights), axis), x.shape))
    w = as_dtype(w, np.dtype(float))
    if w.value is not None and np.any(w.value < 0):
        raise ValueError(at_user_line("Weights must be non-negative."))
    axes = normalize_axes(x, axis)
    columns, loads = _columns_last(x, axes), _columns_last(w, axes)
    end = len(columns.shape) - 1
    missing = ew.not_equal(columns, columns)
    if skip_nan:
        loads = ew.where(missing, 0.0, loads)
    order = red.argsort(columns, axis=end)
    ordered = in_order(x, axis, keepdims, skip_nan)
    share = _last_axis_first(red.cumsum(red.take_along(loads, order, end), axis=end))
    total = ArrayTracer(share)[-1].node
    if total.value is not None and not np.all((total.value > 0) & np.isfinite(total.value)):
        _check_total(total.value, skip_nan)
    share = share / reshape(total, shape=(1, *total.shape))
    share = ew.where(ew.equal(share, 0.0), -1.0, share)  # what weighs nothing is never taken
    q = q if isinstance(q, Tracer) else np.asarray(q)
    if q.dtype.kind == "f":
        share = as_dtype(share, q.dtype)
    wanted = node_of(q.reshape((1, q.size, *[1] * (len(share.shape) - 1))))
    below = ew.less(reshape(share, shape=(share.shape[0], 1, *share.shape[1:])), wanted)
    position = sum_(as_dtype(below, np.dtype(np.intp)), axes=(0,))
    last: Any = np.intp(columns.shape[end] - 1)
    if skip_nan:
        last = ew.maximum(ordered.counts - np.intp(1), np.intp(0)) if is_float(x.dtype) else last
    taken = _entries_at(ordered.entries.node, ew.minimum(position, last))
    result = traced(reshape(taken, shape=(*q.shape, *taken.shape[1:])))
    result = _nan_passed_on(result, ordered)
    return traced(reshape(result.node, shape=(*q.shape, *ordered.result_shape)))


def _check_total(total: Any, skip_nan: bool) -> None:
    if not skip_nan or not np.all(np.isfinite(total)):
        raise ValueError(at_user_line("Weights included NaN, inf or were all zero."))


def broadcastable_weights(shape: tuple[int, ...], weights: Any, axis: Any) -> Any:
    """Reshape weights of some axes such that they broadcast to all."""
    if weights.shape == shape:
        return weights
    if axis is None:
        raise TypeError(at_user_line(f"weights of shape {weights.shape} for {shape} need an axis"))
    axes = [normalize_axis(k, len(shape)) for k in (axis if isinstance(axis, tuple) else (axis,))]
    if weights.shape != tuple(shape[k] for k in axes):
        raise ShapeError(
            at_user_line(f"weights of shape {weights.shape} for axes {axis} of {shape}")
        )
    ordered = weights.transpose(tuple(int(k) for k in np.argsort(axes)))
    return ordered.reshape(tuple(n if k in axes else 1 for k, n in enumerate(shape)))


implements(np.quantile)(_quantile_rule(percent=False, skip_nan=False))
implements(np.percentile)(_quantile_rule(percent=True, skip_nan=False))
implements(np.nanquantile)(_quantile_rule(percent=False, skip_nan=True))
implements(np.nanpercentile)(_quantile_rule(percent=True, skip_nan=True))
