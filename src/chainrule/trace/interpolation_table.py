"""NumPy's functions on tracers of sampled curves: interp, gradient, trapezoid, unwrap, sinc."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.node import Node, constant
from ..primitives import elementwise as ew
from ..primitives.indexing import gather
from ..primitives.structure import concatenate, identity, reshape
from .array_like import array_like, node_like
from .complex_readiness import takes_complex
from .function_rules import implements, normalize_axes, normalize_axis
from .histogram_table import positions_in
from .join_table import joined
from .operands import node_of
from .strides import set_layout_like
from .tracer import METHODS, UFUNCS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype, floating

_DOUBLE = np.dtype(float)


@implements(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None,
            period: Any = None) -> Tracer:  # fmt: skip
    f = node_like(fp)
    f = f if f.dtype.kind == "c" else as_dtype(f, _DOUBLE)
    points, at = as_dtype(node_like(xp), _DOUBLE), as_dtype(node_like(x), _DOUBLE)
    if len(points.shape) != 1 or len(f.shape) != 1:
        raise ValueError(at_user_line("np.interp: data points must be 1-D sequences"))
    if points.shape != f.shape:
        raise ValueError(at_user_line("np.interp: fp and xp are not of the same length."))
    if not points.shape[0]:
        raise ValueError(at_user_line("np.interp: array of sample points is empty"))
    if period is not None:
        at, points, f = _periodic(at, points, f, period)
        left = right = None
    first, last = ArrayTracer(f)[0], ArrayTracer(f)[-1]
    low = first if left is None else array_like(left)
    high = last if right is None else array_like(right)
    inside = traced(_on_segments(at, points, f))
    ends = ArrayTracer(points)
    below = traced(at) < ends[0]
    result: Any = np.where(traced(at) > ends[-1], high, np.where(below, low, inside))
    return traced(result.node)


def _periodic(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Node, Node, Node]:
    """Return points within one period, sorted, with one more on either side."""
    value = period.node.value if isinstance(period, Tracer) else period
    if value is not None and value == 0:
        raise ValueError(at_user_line("period must be a non-zero value"))
    span: Any = traced(as_dtype(UFUNCS["absolute"](array_like(period)).node, _DOUBLE))
    x, xp = (array_like(traced(node)) % span for node in (x, xp))
    order = METHODS["argsort"](xp)
    xp, fp = xp[order], ArrayTracer(fp)[order]
    around: Any = joined([xp[-1:] - span, xp, xp[:1] + span])
    return x.node, around.node, joined([fp[-1:], fp, fp[:1]]).node


def _on_segments(x: Any, xp: Node, fp: Node) -> Any:
    """Return the line between the two points around each x.

    At a point the slope is that of the segment above it, at the last point of that below.
    """
    size = xp.shape[0]
    if size == 1:
        only = constant(np.broadcast_to(np.intp(0), x.shape))
        return gather(fp, only, pattern=(0,))
    bound = np.intp(size - 2)
    above = positions_in(traced(xp), traced(x), "right") - np.intp(1)
    segment = ew.minimum(ew.maximum(above, np.intp(0)), bound)
    ends, values = ArrayTracer(xp), ArrayTracer(fp)
    width = (ends[1:] - ends[:-1]).node
    width = ew.where(ew.equal(width, 0.0), 1.0, width)  # nothing lies within such a segment
    with np.errstate(invalid="ignore"):
        slopes = (values[1:] - values[:-1]).node / width
        slope = gather(slopes, segment, pattern=(0,))
        at_end = ew.equal(x, ends[-1].node)  # from the other end, so that the value is exact
        base = segment + ew.where(at_end, np.intp(1), np.intp(0))
        start = gather(fp, base, pattern=(0,))
        result = slope * (x - gather(xp, base, pattern=(0,))) + start
        if fp.value is not None and np.all(np.isfinite(fp.value)):
            return result
        return _beside_infinity(result, x, xp, fp, slope, segment, start)


def _beside_infinity(
    y: Node, x: Any, xp: Node, fp: Node, slope: Any, segment: Any, start: Node
) -> Any:
    """Return what NumPy gives where a line has an infinite end."""
    upper = segment + np.intp(1)
    end = gather(fp, upper, pattern=(0,))
    other = slope * (x - gather(xp, upper, pattern=(0,))) + end
    level = ew.where(ew.equal(start, end), start, other)
    other = ew.where(ew.equal(other, other), other, level)
    finite = ew.less(ew.absolute(slope), np.inf)
    exact = ew.bitwise_and(ew.equal(x, gather(xp, segment, pattern=(0,))), ew.equal(finite, False))
    y = ew.where(ew.bitwise_or(ew.equal(y, y), ew.not_equal(x, x)), y, other)
    return ew.where(exact, gather(fp, segment, pattern=(0,)), y)


# Integrals and slopes of samples


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = array_like(y)
    k = normalize_axis(axis, y.ndim)
    d = dx
    if x is not None:
        x = array_like(x)
        d = np.diff(x) if x.ndim == 1 else np.diff(x, axis=axis)
        if x.ndim == 1:
            d = d.reshape([-1 if j == k else 1 for j in range(y.ndim)])
    lead = (slice(None),) * k
    pairs = y[(*lead, slice(1, None))] + y[(*lead, slice(None, -1))]
    return METHODS["sum"](traced(node_of(d * pairs / 2.0)), axis)


for _name in ("trapezoid", "trapz"):  # NumPy has had both names
    if hasattr(np, _name):
        implements(getattr(np, _name))(_trapezoid)


@implements(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = array_like(f)
    dtype = f.dtype if f.dtype.kind in "fc" else np.dtype(float)
    f = ArrayTracer(as_dtype(f.node, dtype))
    axes = _axes_in_order(f.node, axis)
    spacings = _spacings(f, axes, varargs)
    if edge_order > 2:
        raise ValueError(at_user_line("'edge_order' greater than 2 not supported"))
    slopes = []
    for k, spacing in zip(axes, spacings, strict=True):
        if f.shape[k] < edge_order + 1:
            raise ValueError(
                at_user_line(
                    "Shape of array too small to calculate a numerical gradient, at least "
                    "(edge_order + 1) elements are required."
                )
            )
        slope = identity(as_dtype(_slope_along(f, k, spacing, edge_order), dtype))
        set_layout_like(slope, identity(f.node))  # np.empty_like(f)
        slopes.append(ArrayTracer(slope))
    return slopes[0] if len(axes) == 1 else tuple(slopes)


def _axes_in_order(f: Node, axis: Any) -> tuple[int, ...]:
    """Return the axes in the order in which they are named."""
    normalize_axes(f, axis)
    if axis is None:
        return tuple(range(len(f.shape)))
    named = axis if isinstance(axis, tuple) else (axis,)
    return tuple(normalize_axis(k, len(f.shape)) for k in named)


def _spacings(f: Tracer, axes: tuple[int, ...], varargs: tuple[Any, ...]) -> list[Any]:
    """Return for each axis one distance, or those between neighbours."""
    if not varargs:
        return [1.0] * len(axes)
    if len(varargs) == 1 and not np.ndim(varargs[0]):
        return [varargs[0]] * len(axes)
    if len(varargs) != len(axes):
        raise TypeError(at_user_line("invalid number of arguments"))
    result = []
    for k, spacing in zip(axes, varargs, strict=True):
        if not np.ndim(spacing):
            result.append(spacing)
            continue
        points = array_like(spacing)
        if points.ndim != 1:
            raise ValueError(at_user_line("distances must be either scalars or 1d"))
        if len(points) != f.shape[k]:
            raise ValueError(
                at_user_line(
                    "when 1d, distances must match the length of the corresponding dimension"
                )
            )
        distances: Any = np.diff(ArrayTracer(floating(points.node)))
        known = None if isinstance(spacing, Tracer) else distances.node.value
        equal = known is not None and known.size and np.all(known == known[0])
        result.append(distances[0] if equal else distances)
    return result


def _slope_along(f: Any, k: int, spacing: Any, edge_order: int) -> Node:
    lead = (slice(None),) * k

    def part(start: int | None, stop: int | None) -> Any:
        return f[(*lead, slice(start, stop))]

    uniform = not np.ndim(spacing)
    h = spacing if uniform else spacing.reshape([-1 if j == k else 1 for j in range(f.ndim)])
    if uniform:
        first, last = h, h
        middle = (part(2, None) - part(None, -2)) / (2.0 * h)
    else:
        before, after = h[(*lead, slice(None, -1))], h[(*lead, slice(1, None))]
        first, last = h[(*lead, slice(0, 1))], h[(*lead, slice(-1, None))]
        a = -after / (before * (before + after))
        b = (after - before) / (before * after)
        c = before / (after * (before + after))
        middle = a * part(None, -2) + b * part(1, -1) + c * part(2, None)
    if edge_order == 1:
        ends = (part(1, 2) - part(0, 1)) / first, (part(-1, None) - part(-2, -1)) / last
    else:
        second = h if uniform else h[(*lead, slice(1, 2))]
        second_last = h if uniform else h[(*lead, slice(-2, -1))]
        ends = (
            _edge(part(0, 1), part(1, 2), part(2, 3), first, second),
            -_edge(part(-1, None), part(-2, -1), part(-3, -2), last, second_last),
        )
    return concatenate(*[x.node for x in (ends[0], middle, ends[1])], axis=k)  # type: ignore[no-any-return]


def _edge(f0: Any, f1: Any, f2: Any, h1: Any, h2: Any) -> Any:
    """Return the slope at f0 of the parabola through it and two more on one side."""
    a = -(2.0 * h1 + h2) / (h1 * (h1 + h2))
    b = (h1 + h2) / (h1 * h2)
    c = -h1 / (h2 * (h1 + h2))
    return a * f0 + b * f1 + c * f2


@implements(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Tracer:
    x = METHODS["ravel"](array_like(ary))
    parts = [x[1:] - x[:-1]]
    if to_begin is not None:
        parts.insert(0, _end(to_begin, x.dtype, "to_begin"))
    if to_end is not None:
        parts.append(_end(to_end, x.dtype, "to_end"))
    return joined(parts) if len(parts) > 1 else parts[0]  # type: ignore[no-any-return]


def _end(values: Any, dtype: np.dtype[Any], name: str) -> ArrayTracer:
    end = node_like(values)
    if not np.can_cast(end.dtype, dtype, "same_kind"):
        raise TypeError(
            at_user_line(
                f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule."
            )
        )
    return ArrayTracer(reshape(as_dtype(end, dtype), shape=(int(np.prod(end.shape)),)))


@implements(np.unwrap)
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * pi) -> Any:
    p = array_like(p)
    k = normalize_axis(axis, p.ndim)
    steps = np.diff(p, axis=k)
    beside = period.dtype if isinstance(period, (Tracer, np.ndarray, np.generic)) else period
    dtype = np.result_type(steps.dtype, beside)
    discont = period / 2 if discont is None else discont
    if dtype.kind in "iu":
        high, rest = divmod(period, 2)
        ambiguous: Any = rest == 0
    else:
        high, ambiguous = period / 2, True
    wrapped = (steps - -high) % period + -high
    if not isinstance(ambiguous, Tracer) and not ambiguous:
        at_edge: Any = np.zeros(steps.shape, bool)
    else:
        at_edge = (wrapped == -high) & (steps > 0) & ambiguous
    wrapped = np.where(at_edge, high, wrapped)
    correction = np.where(abs(steps) < discont, 0, wrapped - steps)
    lead = (slice(None),) * k
    later = p[(*lead, slice(1, None))] + METHODS["cumsum"](correction, k)
    parts = [ArrayTracer(as_dtype(x.node, dtype)) for x in (p[(*lead, slice(0, 1))], later)]
    return joined(parts, k)


takes_complex(np.interp, np.trapezoid, np.gradient, np.ediff1d)
