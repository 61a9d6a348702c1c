"""NumPy's reductions, running sums and sorts on tracers, as functions and as methods."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError, at_user_line
from ..graph.node import Node
from ..graph.types import is_complex
from ..primitives import elementwise as ew
from ..primitives import reductions as red
from ..primitives.complex_numbers import conjugate, real_part
from ..primitives.structure import (
    broadcast_to,
    concatenate,
    reshape,
    stop_gradient,
    sum_,
    transpose,
    with_ones,
)
from ..typing import Array
from .capture import to_user_array
from .elementwise_table import truth
from .function_rules import (
    NO_VALUE,
    Rule,
    flat_or_axis,
    implements,
    is_option,
    masked_for,
    normalize_axes,
    normalize_axis,
    refuse_options,
    with_keepdims,
)
from .operands import node_of
from .tracer import METHODS, Tracer, traced
from .ufunc_rules import as_dtype, floating

_NONE = np.empty(0)


@implements(np.sum, method="sum")
def _sum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
         initial: Any = NO_VALUE, where: Any = NO_VALUE) -> Tracer:  # fmt: skip
    if out is not None:
        refuse_options(out=out)
    x = masked_for(node_of(a), where, 0)
    if dtype is not None:
        x = as_dtype(x, np.dtype(dtype))
    axes = normalize_axes(x, axis, scalar=True)
    y = _in_dtype(sum_(x, axes=axes), dtype)
    if is_option(initial):
        y = ew.add(y, _initial(initial, y))
    return with_keepdims(y, x, axes, keepdims)


def _in_dtype(y: Node, dtype: Any) -> Node:
    """Return the result in the dtype that was asked for: small integers are added as large ones."""
    wanted = None if dtype is None else np.dtype(dtype)
    return y if wanted is None or y.dtype == wanted else as_dtype(y, wanted)


def _initial(initial: Any, y: Node) -> Node:
    """Return what a reduction starts from, in the result's dtype."""
    if np.ndim(initial):
        raise ValueError(at_user_line("initial= is one number"))
    return as_dtype(node_of(initial, y.dtype), y.dtype)


@implements(np.mean, method="mean")
def _mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
          where: Any = NO_VALUE) -> Tracer:  # fmt: skip
    if out is not None:
        refuse_options(out=out)
    x = floating(node_of(a))
    half = dtype is None and x.dtype.char == "e"  # summed in float32: 700 hundreds overflow
    wide = np.dtype(np.float32) if half else _fractional(dtype, x.dtype)
    x = as_dtype(x, wide)
    axes = normalize_axes(x, axis)
    if where is None:
        raise TypeError(at_user_line("where=None of a mean: leave it out"))
    mean = sum_(masked_for(x, where, 0), axes=axes) / _count(x, wide, axes, where)
    return with_keepdims(as_dtype(mean, np.dtype(np.float16)) if half else mean, x, axes, keepdims)


def _fractional(dtype: Any, otherwise: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype to compute a mean in; NumPy's of whole numbers are cut at each step."""
    wanted = otherwise if dtype is None else np.dtype(dtype)
    if wanted.kind not in "fc":
        raise UnsupportedError(
            at_user_line(f"a mean or variance in dtype={wanted}: take it of fractions, then round")
        )
    return wanted


def _count(
    x: Node, dtype: np.dtype[Any], axes: tuple[int, ...], where: Any, ddof: float = 0
) -> Any:
    """Return how many entries are summed over, less ddof but not less than 0."""
    if where is NO_VALUE or where is True:
        return dtype.type(max(int(np.prod([x.shape[k] for k in axes])) - ddof, 0))
    ones = node_of(np.broadcast_to(dtype.type(1), x.shape))
    count = sum_(masked_for(ones, where, 0), axes=axes)
    return ew.maximum(ew.sub(count, dtype.type(ddof)), dtype.type(0)) if ddof else count


@implements(np.var, method="var")
def _var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
         keepdims: Any = False, where: Any = NO_VALUE, mean: Any = NO_VALUE,
         correction: Any = NO_VALUE) -> Tracer:  # fmt: skip
    refuse_options(out=out)
    x = floating(node_of(a))
    x = as_dtype(x, _fractional(dtype, x.dtype))
    if correction is not NO_VALUE:
        if ddof != 0:
            raise ValueError(at_user_line("ddof and correction can't be provided simultaneously"))
        ddof = correction
    axes = normalize_axes(x, axis)
    if mean is NO_VALUE or mean is None:
        mean = _mean(traced(x), axis, keepdims=True, where=where)
    centred = masked_for(ew.sub(x, node_of(mean, x.dtype)), where, 0)
    total = sum_(real_part(centred * conjugate(centred)), axes=axes)
    return with_keepdims(total / _count(x, total.dtype, axes, where, ddof), x, axes, keepdims)


@implements(np.std, method="std")
def _std(*args: Any, **kwargs: Any) -> Tracer:
    return traced(ew.sqrt(_var(*args, **kwargs).node, slope="norm"))


def _extremum(primitive: Any, join: Any, end: int) -> Rule:
    def rule(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False,
             initial: Any = NO_VALUE, where: Any = NO_VALUE) -> Tracer:  # fmt: skip
        refuse_options(out=out)
        x = node_of(a)
        if where is not NO_VALUE and where is not True:
            if not is_option(initial):
                raise ValueError(at_user_line("a maximum or minimum with where= needs initial="))
            x = masked_for(x, where, _extremes(x.dtype)[end])
        axes = normalize_axes(x, axis, scalar=True)
        if not is_option(initial):
            y = primitive(x, axes=axes)
        elif any(x.shape[k] == 0 for k in axes):
            rest = tuple(n for k, n in enumerate(x.shape) if k not in axes)
            y = broadcast_to(_initial(initial, x), shape=rest)
        else:
            y = join(primitive(x, axes=axes), _initial(initial, x))
        return with_keepdims(y, x, axes, keepdims)

    return rule


def _extremes(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Return the smallest and the largest number of a dtype."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min, np.iinfo(dtype).max
    return (False, True) if dtype.kind == "b" else (-np.inf, np.inf)


implements(np.max, np.amax, method="max")(_extremum(red.max_, ew.maximum, 0))
implements(np.min, np.amin, method="min")(_extremum(red.min_, ew.minimum, 1))


@implements(np.ptp)
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    refuse_options(out=out)
    return METHODS["max"](a, axis, keepdims=keepdims) - METHODS["min"](a, axis, keepdims=keepdims)


@implements(np.prod, method="prod")
def _prod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
          initial: Any = NO_VALUE, where: Any = NO_VALUE) -> Tracer:  # fmt: skip
    refuse_options(out=out)
    x = masked_for(node_of(a), where, 1)
    if dtype is not None:
        x = as_dtype(x, np.dtype(dtype))
    axes = normalize_axes(x, axis, scalar=True)
    y = x if len(axes) == 1 else _axes_merged_last(x, axes)
    k = axes[0] if len(axes) == 1 else len(y.shape) - 1
    if is_option(initial):  # the first factor: the order matters
        y = as_dtype(y, np.prod(np.empty(0, y.dtype)).dtype)
        first = as_dtype(node_of(initial, y.dtype), y.dtype)
        y = concatenate(broadcast_to(first, shape=with_ones(y.shape, (k,))), y, axis=k)
    return with_keepdims(_in_dtype(red.prod(y, axis=k), dtype), x, axes, keepdims)


def _axes_merged_last(x: Node, axes: tuple[int, ...]) -> Node:
    """Merge several axes into a last one, their entries in the order in which NumPy takes them."""
    remaining = tuple(k for k in range(len(x.shape)) if k not in axes)
    count = int(np.prod([x.shape[k] for k in axes]))
    reduced_last = transpose(x, axes=(*remaining, *axes)) if remaining else x
    return reshape(reduced_last, shape=(*[x.shape[k] for k in remaining], count))  # type: ignore[no-any-return]


@implements(np.any, method="any")
def _any(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False,
         where: Any = NO_VALUE) -> Tracer:  # fmt: skip
    refuse_options(out=out)
    x = masked_for(truth(node_of(a)), where, False)
    axes = normalize_axes(x, axis, scalar=True)
    return with_keepdims(ew.not_equal(sum_(x, axes=axes), 0), x, axes, keepdims)


@implements(np.all, method="all")
def _all(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False,
         where: Any = NO_VALUE) -> Tracer:  # fmt: skip
    refuse_options(out=out)
    x = ew.equal(masked_for(truth(node_of(a)), where, True), False)
    axes = normalize_axes(x, axis, scalar=True)
    return with_keepdims(ew.equal(sum_(x, axes=axes), 0), x, axes, keepdims)


@implements(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Tracer:
    x = as_dtype(truth(node_of(a)), np.dtype(np.intp))
    axes = normalize_axes(x, axis)
    return with_keepdims(sum_(x, axes=axes), x, axes, keepdims)


def logsumexp(a: Any, axis: Any = None, keepdims: bool = False) -> Array:
    """Compute ``log(sum(exp(a)))`` over axes without overflow: the largest entry is taken out
    first.

    Parameters
    ----------
    a : array
    axis : int or tuple of int, optional
        Over which axes. Default all.
    keepdims : bool
        Whether these axes stay, of size 1. Default False.

    Returns
    -------
    number or array
        The derivative is the softmax of `a`. Where the largest entries are infinite they share it
        equally, as those of `np.logaddexp` do.

    Examples
    --------
    >>> import numpy as np
    >>> logsumexp(np.array([1000.0, 1000.0])).round(6).item()
    1000.693147
    """
    x = floating(node_of(a))
    if is_complex(x.dtype):
        raise UnsupportedError(at_user_line("logsumexp of complex numbers is not supported"))
    axes = normalize_axes(x, axis)
    top = red.max_(x, axes=axes)
    infinite = ew.equal(ew.absolute(top), np.inf)
    base = stop_gradient(ew.where(infinite, 0.0, top))
    expanded = reshape(base, shape=with_ones(x.shape, axes))
    with np.errstate(divide="ignore"):
        y = ew.log(sum_(ew.exp(x - expanded), axes=axes)) + base
    if infinite.value is None or np.any(infinite.value):  # there y is right, but not its slope
        y = ew.where(infinite, top, y)
    result = with_keepdims(y, x, axes, keepdims)
    return result if isinstance(a, Tracer) else to_user_array(result.node.value)


@implements(np.cumsum, method="cumsum")
def _cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Tracer:
    refuse_options(out=out)
    x, k = flat_or_axis(a, axis)
    y = red.cumsum(x if dtype is None else as_dtype(x, np.dtype(dtype)), axis=k)
    return traced(_in_dtype(y, dtype))


@implements(np.cumprod, method="cumprod")
def _cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Tracer:
    refuse_options(out=out)
    x, k = flat_or_axis(a, axis)
    y = red.cumprod(x if dtype is None else as_dtype(x, np.dtype(dtype)), axis=k)
    return traced(_in_dtype(y, dtype))


def _argument(primitive: Any) -> Rule:
    def rule(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Tracer:
        refuse_options(out=out)
        x, k = flat_or_axis(a, axis)
        y = primitive(x, axis=k)
        if keepdims is not NO_VALUE and keepdims and (axis is None or not np.ndim(a)):
            return traced(reshape(y, shape=(1,) * np.ndim(a)))
        return with_keepdims(y, x, (k,), keepdims)

    return rule


implements(np.argmax, method="argmax")(_argument(red.argmax))
implements(np.argmin, method="argmin")(_argument(red.argmin))


@implements(np.argsort, method="argsort")
def _argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *,
             stable: Any = None) -> Tracer:  # fmt: skip
    np.argsort(_NONE, kind=kind, order=order, stable=stable)  # raises what NumPy would
    x, k = flat_or_axis(a, axis)
    return traced(red.argsort(x, axis=k))


@implements(np.sort)
def _sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *,
          stable: Any = None) -> Tracer:  # fmt: skip
    return sorted_along(a, axis, kind, order, stable)


def sorted_along(a: Any, axis: Any, kind: Any, order: Any, stable: Any) -> Tracer:
    """Sort the entries along an axis; the options are those of `np.sort`."""
    np.sort(_NONE, kind=kind, order=order, stable=stable)  # raises what NumPy would
    if axis is not None:
        normalize_axis(axis, np.ndim(a))
    x, k = flat_or_axis(a, axis)
    return traced(red.take_along(x, red.argsort(x, axis=k), k))


@implements(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Tracer:
    if not isinstance(indices, (Tracer, np.ndarray)) or indices.dtype.kind not in "iu":
        raise IndexError(at_user_line("np.take_along_axis: the indices must be an integer array"))
    x, k = flat_or_axis(arr, axis)
    if np.ndim(indices) != len(x.shape):
        raise ValueError(
            at_user_line(
                f"np.take_along_axis: indices of shape {np.shape(indices)} for an array of shape "
                f"{x.shape}: give indices with as many axes"
            )
        )
    positions = node_of(indices)
    try:
        wide = np.broadcast_shapes(with_ones(x.shape, (k,)), with_ones(positions.shape, (k,)))
    except ValueError:
        raise ShapeError(
            at_user_line(
                f"np.take_along_axis: indices of shape {positions.shape} do not fit {x.shape}"
            )
        ) from None

    def stretched(each: Node) -> Node:
        shape = (*wide[:k], each.shape[k], *wide[k + 1 :])
        return each if each.shape == shape else broadcast_to(each, shape=shape)

    return traced(red.take_along(stretched(x), stretched(positions), k))
