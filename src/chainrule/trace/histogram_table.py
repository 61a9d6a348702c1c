"""NumPy's functions on tracers that find bins and count in them: searchsorted to histogramdd."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node, constant
from ..graph.types import is_float
from ..primitives import elementwise as ew
from ..primitives.indexing import gather, scatter_add
from ..primitives.structure import cast, concatenate, reshape
from .array_like import node_like
from .function_rules import as_int, implements
from .operands import node_of, nodes_of
from .plain_numbers import concrete_value
from .tracer import METHODS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype

_POSITION = np.dtype(np.intp)


def positions_in(ordered: Any, values: Any, side: Any = "left") -> Any:
    """Return how many entries of an ordered array are smaller than each value (`side` "left"), or
    not larger ("right"). As in NumPy's order, nan comes last.
    """
    a, v = nodes_of(ordered, values)
    if a.value is not None and v.value is not None:
        return constant(np.asarray(np.searchsorted(a.value, v.value, side)))
    dtype = np.result_type(a.dtype, v.dtype)
    a, v = as_dtype(a, dtype), as_dtype(v, dtype)
    size = a.shape[0]
    count = constant(np.broadcast_to(_POSITION.type(0), v.shape))
    step = 1 << size.bit_length() >> 1  # the largest power of two that is no larger than the size
    while step and size:  # a binary search of all values at once
        probe = ew.add(count, _POSITION.type(step))
        last = ew.minimum(probe, _POSITION.type(size)) - _POSITION.type(1)
        before = _comes_before(gather(a, last, pattern=(0,)), v, side)
        inside = ew.less_equal(probe, _POSITION.type(size))
        count = ew.where(ew.bitwise_and(inside, before), probe, count)
        step >>= 1
    return cast(count, dtype=_POSITION) if count.dtype != _POSITION else count


def _comes_before(x: Node, v: Node, side: str) -> Any:
    if side == "right":
        before = ew.less_equal(x, v)
        return ew.bitwise_or(before, ew.not_equal(v, v)) if is_float(v.dtype) else before
    before = ew.less(x, v)
    if is_float(v.dtype):
        before = ew.bitwise_or(before, ew.bitwise_and(ew.equal(x, x), ew.not_equal(v, v)))
    return before


def _checked_side(side: str) -> str:
    np.searchsorted(np.empty(0), 0, side)  # type: ignore[call-overload]  # raises what NumPy would
    return {"l": "left", "r": "right"}[side[0].lower()]


@implements(np.searchsorted, method="searchsorted")
def _searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Tracer:
    side = _checked_side(side)
    x = node_of(a)
    if len(x.shape) != 1:
        raise ValueError(at_user_line(f"np.searchsorted in an array of {len(x.shape)} axes, not 1"))
    if sorter is not None:
        x = ArrayTracer(x)[sorter].node
    return traced(positions_in(traced(x), v if isinstance(v, Tracer) else np.asarray(v), side))


@implements(np.digitize)
def _digitize(x: Any, bins: Any, right: bool = False) -> Tracer:
    side = "left" if right else "right"
    edges = ArrayTracer(node_of(bins))
    if edges.ndim != 1:
        raise ValueError(at_user_line(f"np.digitize: bins of {edges.ndim} axes, not 1"))
    size = len(edges)
    x = x if isinstance(x, Tracer) else np.asarray(x)
    known = edges.node.value
    if known is not None:
        rises, falls = (np.all(f(known[:-1], known[1:])) for f in (np.less_equal, np.greater_equal))
        if not (rises or falls):
            raise ValueError(at_user_line("bins must be monotonically increasing or decreasing"))
        if rises:
            return traced(positions_in(edges, x, side))
        return traced(_POSITION.type(size) - positions_in(edges[::-1], x, side))
    if size < 2:
        return traced(positions_in(edges, x, side))
    rising = positions_in(edges, x, side)
    falling = _POSITION.type(size) - positions_in(edges[::-1], x, side)
    return traced(ew.where((edges[0] <= edges[-1]).node, rising, falling))


def counted(positions: Node, weights: Node | None, size: int) -> Node:
    """Return the sum of the weights at each position, or how often it is named."""
    count = int(np.prod(positions.shape))
    flat = reshape(positions, shape=(count,))
    if weights is None:
        weights = constant(np.broadcast_to(_POSITION.type(1), (count,)))
    zeros = constant(np.broadcast_to(weights.dtype.type(0), (size,)))
    return scatter_add(zeros, reshape(weights, shape=(count,)), flat, pattern=(0,))  # type: ignore[no-any-return]


@implements(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Tracer:
    positions = node_of(x if isinstance(x, Tracer) else np.asarray(x))
    if positions.dtype.kind not in "iub" or positions.dtype == np.uint64:
        raise TypeError(at_user_line(f"np.bincount of dtype {positions.dtype}: give integers"))
    if len(positions.shape) != 1:
        raise ValueError(at_user_line("np.bincount: give an array of one axis"))
    minlength = as_int(minlength, "minlength")
    if minlength < 0:
        raise ValueError(at_user_line("np.bincount: minlength is negative"))
    values = concrete_value(positions, "the length of np.bincount's result")
    if values.size and values.min() < 0:
        raise ValueError(at_user_line("np.bincount: a number is negative"))
    size = max(minlength, int(values.max()) + 1 if values.size else 0)
    w = None if weights is None else _flat_weights(weights, positions.shape)
    if w is not None and w.dtype.kind == "c":
        raise TypeError(at_user_line("np.bincount: the weights are complex"))
    w = None if w is None else as_dtype(w, np.dtype(float))
    return traced(counted(as_dtype(positions, _POSITION), w, size))


def _flat_weights(weights: Any, shape: tuple[int, ...]) -> Node:
    w = node_of(weights if isinstance(weights, Tracer) else np.asarray(weights))
    if w.shape != shape:
        raise ValueError(at_user_line(f"weights of shape {w.shape} for an array of shape {shape}"))
    return w


# Edges of bins


def _outer_edges(a: Tracer, limits: Any) -> tuple[Any, Any]:
    """Return the first and the last edge, as NumPy takes them from the data or from range=."""
    if limits is not None:
        first, last = limits
    elif not a.size:
        first, last = 0, 1
    else:
        first, last = METHODS["min"](a), METHODS["max"](a)
    low, high = (x.node.value if isinstance(x, Tracer) else x for x in (first, last))
    if low is not None and high is not None:
        if low > high:
            raise ValueError(at_user_line("max must be larger than min in range parameter."))
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(at_user_line(f"the range [{low}, {high}] of the bins is not finite"))
        return (first, last) if low != high else (first - 0.5, last + 0.5)
    same = first == last
    return np.where(same, first - 0.5, first)[()], np.where(same, last + 0.5, last)[()]


def _spread(first: Any, last: Any, count: int, dtype: np.dtype[Any]) -> Node:
    """Return `count` numbers from the first to the last at equal distances (`np.linspace`)."""
    if not isinstance(first, Tracer) and not isinstance(last, Tracer):
        return constant(np.linspace(first, last, count, dtype=dtype))
    low: Any
    high: Any
    low, high = nodes_of(first, last)
    inside = np.result_type(low.dtype, high.dtype)
    inside = inside if inside.kind == "f" else np.dtype(float)
    low, high = as_dtype(low, inside), as_dtype(high, inside)
    step = (high - low) / inside.type(count - 1)
    inner = ew.add(ew.mul(np.arange(count - 1, dtype=inside), step), low)
    return as_dtype(concatenate(inner, reshape(high, shape=(1,)), axis=0), dtype)


def _number_of_bins(a: Tracer, bins: Any, limits: Any, weights: Any) -> int:
    if not isinstance(bins, str):
        count = as_int(bins, "bins")
        if count < 1:
            raise ValueError(at_user_line("`bins` must be positive, when an integer"))
        return count
    if weights is not None:
        raise TypeError(at_user_line(f"np.histogram: bins={bins!r} takes no weights"))
    values = concrete_value(a.node, f"the number of bins by bins={bins!r}")
    return len(np.histogram_bin_edges(values, bins, limits)) - 1


def _bin_edges(a: Tracer, bins: Any, limits: Any, weights: Any) -> Node:
    if isinstance(bins, str) or not np.ndim(bins):
        count = _number_of_bins(a, bins, limits, weights)
        first, last = _outer_edges(a, limits)
        kinds = [x.dtype if isinstance(x, Tracer) else x for x in (first, last, a)]
        dtype = np.result_type(*kinds)
        dtype = dtype if dtype.kind == "f" else np.result_type(dtype, float)
        return _spread(first, last, count + 1, dtype)
    edges = node_of(bins if isinstance(bins, Tracer) else np.asarray(bins))
    if len(edges.shape) != 1:
        raise ValueError(at_user_line("`bins` must be 1d, when an array"))
    if edges.value is not None and np.any(edges.value[:-1] > edges.value[1:]):
        raise ValueError(at_user_line("`bins` must increase monotonically, when an array"))
    return edges


def _raveled(a: Any, weights: Any) -> tuple[ArrayTracer, Node | None]:
    x = node_of(a if isinstance(a, Tracer) else np.asarray(a))
    if x.dtype.kind == "b":
        x = cast(x, dtype=np.dtype(np.uint8))
    w = None if weights is None else _flat_weights(weights, x.shape)
    flat = (int(np.prod(x.shape)),)
    return ArrayTracer(reshape(x, shape=flat)), None if w is None else reshape(w, shape=flat)


@implements(np.histogram_bin_edges)
def _histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Tracer:
    x, w = _raveled(a, weights)
    return ArrayTracer(_bin_edges(x, bins, range, w))


def _bin_of(x: Any, edges: Node) -> Any:
    """Return the bin of each number: 0 below the first edge, the last one above the last edge, and
    the bins themselves between. The last bin has both of its ends.
    """
    bins = positions_in(traced(edges), x, "right")
    at_end = (x == ArrayTracer(edges)[-1]).node
    one, zero = _POSITION.type(1), _POSITION.type(0)
    return bins - ew.where(at_end, one, zero)


@implements(np.histogram)
def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None,
               weights: Any = None) -> tuple[Tracer, Tracer]:  # fmt: skip
    x, w = _raveled(a, weights)
    edges = _bin_edges(x, bins, range, w)
    if w is not None and w.dtype.kind == "b":
        raise UnsupportedError(at_user_line("np.histogram with truth values as weights"))
    size = edges.shape[0]
    bins_of_x = _bin_of(x, edges)
    if w is not None and w.dtype.kind == "f":  # summed as np.bincount sums
        total = as_dtype(counted(bins_of_x, as_dtype(w, np.dtype(float)), size + 1), w.dtype)
    else:
        total = counted(bins_of_x, w, size + 1)
    counts = ArrayTracer(total)[1:size]
    table = ArrayTracer(edges)
    if not density:
        return counts, table
    widths = np.diff(table).astype(float)
    return counts / widths / METHODS["sum"](counts), table


@implements(np.histogramdd)
def _histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None,
                 weights: Any = None) -> tuple[Tracer, list[ArrayTracer]]:  # fmt: skip
    columns = _columns(sample)
    n = len(columns)
    if _length(bins) is None:
        bins = n * [bins]
    if len(bins) != n:
        raise ValueError(at_user_line("the number of `bins` must be that of the sample's columns"))
    limits = n * [None] if range is None else list(range)
    if len(limits) != n:
        raise ValueError(at_user_line("range argument must have one entry per dimension"))
    edges = [_column_edges(*each) for each in zip(columns, bins, limits, strict=True)]
    sizes = [edge.shape[0] + 1 for edge in edges]
    position = _bin_of(columns[0], edges[0])
    for column, edge, size in zip(columns[1:], edges[1:], sizes[1:], strict=True):
        position = position * _POSITION.type(size) + _bin_of(column, edge)
    w = None if weights is None else _flat_weights(weights, columns[0].shape)
    counts = as_dtype(counted(position, w, int(np.prod(sizes))), np.dtype(float))
    hist: Any = ArrayTracer(reshape(counts, shape=tuple(sizes)))[(slice(1, -1),) * n]
    tables = [ArrayTracer(edge) for edge in edges]
    if density:
        total = METHODS["sum"](hist)
        for k, table in enumerate(tables):
            hist = hist / np.diff(table).reshape([-1 if j == k else 1 for j in np.arange(n)])
        hist = hist / total
    return hist, tables


def _columns(sample: Any) -> list[Any]:
    if isinstance(sample, (list, tuple)) and any(map(np.ndim, sample)):
        columns = [ArrayTracer(node_like(x)) for x in sample]  # as NumPy takes a sequence
    else:
        x = ArrayTracer(node_like(sample))
        columns = [x[:, k] for k in range(x.shape[1])] if x.ndim == 2 else [x]
    if any(column.ndim > 1 for column in columns):
        raise ValueError(at_user_line("np.histogramdd: a column of a sample has several axes"))
    if len({column.shape for column in columns}) > 1:
        raise ValueError(at_user_line("np.histogramdd: columns of different lengths"))
    return [column if column.ndim else column.reshape(1) for column in columns]


def _column_edges(column: Tracer, bins: Any, limits: Any) -> Node:
    if isinstance(bins, str):
        raise TypeError(at_user_line(f"np.histogramdd: bins={bins!r} is neither number nor edges"))
    if np.ndim(bins):
        return _bin_edges(column, bins, limits, None)
    count = _number_of_bins(column, bins, limits, None)
    return _spread(*_outer_edges(column, limits), count + 1, np.dtype(float))


@implements(np.histogram2d)
def _histogram2d(x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None,
                 weights: Any = None) -> tuple[Tracer, Tracer, Tracer]:  # fmt: skip
    if len(x) != len(y):
        raise ValueError(at_user_line("np.histogram2d: x and y must have the same length"))
    shared = _length(bins) not in (None, 1, 2)
    hist, edges = _histogramdd([x, y], [bins, bins] if shared else bins, range, density, weights)
    return hist, edges[0], edges[1]


def _length(bins: Any) -> int | None:
    try:
        return len(bins)
    except TypeError:
        return None
