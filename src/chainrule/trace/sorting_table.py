"""NumPy's functions on tracers that order entries or find them: partition, lexsort, nonzero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node, constant
from ..primitives import elementwise as ew
from ..primitives import reductions as red
from ..primitives.structure import concatenate, slice_, stop_gradient
from .array_like import array_like, node_like
from .complex_readiness import takes_complex
from .elementwise_table import truth
from .function_rules import (
    as_int,
    flat_or_axis,
    implements,
    normalize_axis,
    refuse_options,
)
from .join_table import joined
from .nonzero import nonzero_nodes
from .plain_numbers import concrete_value
from .tracer import FUNCTIONS, METHODS, UFUNC_METHODS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype

# Partitions: what is wholly in order is a partition as well


def _check_kth(size: int, kth: Any, kind: str) -> None:
    """Raise what NumPy would."""
    np.partition(np.zeros(size), kth, kind=kind)  # type: ignore[call-overload]


@implements(np.partition)
def _partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect",
               order: Any = None) -> Tracer:  # fmt: skip
    x, k = flat_or_axis(array_like(a), axis)
    _check_kth(x.shape[k], kth, kind)
    return FUNCTIONS[np.sort](ArrayTracer(x), k, order=order)  # type: ignore[no-any-return]


@implements(np.argpartition, method="argpartition")
def _argpartition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect",
                  order: Any = None) -> Tracer:  # fmt: skip
    x, k = flat_or_axis(array_like(a), axis)
    _check_kth(x.shape[k], kth, kind)
    return FUNCTIONS[np.argsort](ArrayTracer(x), k, order=order)  # type: ignore[no-any-return]


def _partition_method(a: Any, kth: Any, axis: int = -1, kind: str = "introselect",
                        order: Any = None) -> None:  # fmt: skip
    a[...] = _partition(a, kth, as_int(axis), kind, order)


METHODS["partition"] = _partition_method


@implements(np.lexsort)
def _lexsort(keys: Any, axis: int = -1) -> Tracer:
    columns = [node_like(key) for key in keys]
    if not columns:
        raise TypeError(at_user_line("need sequence of keys with len > 0 in lexsort"))
    if any(column.shape != columns[0].shape for column in columns):
        raise ValueError(at_user_line("all keys need to be the same shape"))
    if not columns[0].shape:  # NumPy lets a number have one axis, as for all reductions
        normalize_axis(as_int(axis), 1)
        return traced(constant(np.asarray(np.intp(0))))
    k = normalize_axis(axis, len(columns[0].shape))
    order = red.argsort(columns[0], axis=k)
    for column in columns[1:]:
        later = red.argsort(red.take_along(column, order, k), axis=k)
        order = red.take_along(order, later, k)
    return traced(order)


# Where something holds: the result's shape follows from the numbers


def nonzero_of(a: Any, name: str) -> tuple[Any, ...]:
    """Return the positions of what is not zero: plain integers, where they are known."""
    x = node_like(a)
    if not x.shape:
        raise ValueError(at_user_line(f"{name} of a number: use np.atleast_1d(x)"))
    return tuple(map(_plain_if_known, nonzero_nodes(truth(x), name)))


def _plain_if_known(node: Node) -> Any:
    return ArrayTracer(node) if node.value is None else np.array(node.value)


implements(np.nonzero, method="nonzero")(lambda a: nonzero_of(a, "np.nonzero"))
implements(np.flatnonzero)(
    lambda a: nonzero_of(METHODS["ravel"](array_like(a)), "np.flatnonzero")[0]
)


@implements(np.argwhere)
def _argwhere(a: Any) -> Any:
    node = truth(node_like(a))
    if node.value is not None or not node.shape:
        return np.argwhere(concrete_value(node, "np.argwhere"))
    entries = nonzero_nodes(node, "np.argwhere")
    return np.stack([ArrayTracer(entry) for entry in entries], axis=1)


# Running sums, products and extremes


def _cumulative(function: Any, identity: int) -> Callable[..., Any]:
    def rule(x: Any, /, *, axis: Any = None, dtype: Any = None, out: Any = None,
             include_initial: bool = False) -> Any:  # fmt: skip
        refuse_options(out=out)
        x = array_like(x)
        x = x if x.ndim else x.reshape(1)
        if axis is None:
            if x.ndim > 1:
                raise ValueError(
                    at_user_line(
                        "For arrays which have more than one dimension ``axis`` argument is "
                        "required."
                    )
                )
            axis = 0
        result = FUNCTIONS[function](x, axis, dtype)
        if not include_initial:
            return result
        k = normalize_axis(axis, x.ndim)
        shape = tuple(1 if j == k else n for j, n in enumerate(x.shape))
        first = np.broadcast_to(result.dtype.type(identity), shape)
        return joined([first, result], k)

    return rule


implements(np.cumulative_sum)(_cumulative(np.cumsum, 0))
implements(np.cumulative_prod)(_cumulative(np.cumprod, 1))


def _shifted(join: Callable[[Node, Node], Node], x: Node, axis: int) -> Node:
    """Return the running result of an associative function, by steps of 1, 2, 4 and so on."""
    step, size = 1, x.shape[axis]
    lead = (slice(None),) * axis
    rest = (slice(None),) * (len(x.shape) - axis - 1)
    while step < size:
        first, earlier, later = (
            slice_(x, index=(*lead, part, *rest))
            for part in (slice(0, step), slice(0, size - step), slice(step, size))
        )
        x = concatenate(first, join(earlier, later), axis=axis)
        step *= 2
    return x


def _running_extremum(name: str) -> Callable[..., Tracer]:
    join = getattr(ew, name)

    def rule(x: Any, axis: Any = 0, dtype: Any = None) -> Tracer:
        a = node_like(x)
        a = a if dtype is None else as_dtype(a, np.dtype(dtype))
        k = normalize_axis(axis, len(a.shape))
        if not a.shape[k]:
            return ArrayTracer(a)
        if a.value is None:
            best = _shifted(join, stop_gradient(a), k)
        else:
            best = constant(getattr(np, name).accumulate(a.value, axis=k))
        return ArrayTracer(red.take_along(a, _last_change(best, k), k))

    return rule


def _last_change(best: Node, axis: int) -> Node:
    """Return for each entry of a running extremum where it was reached first.

    A nan is reached once and stays.
    """
    size = best.shape[axis]
    lead = (slice(None),) * axis
    rest = (slice(None),) * (len(best.shape) - axis - 1)
    earlier = slice_(best, index=(*lead, slice(0, size - 1), *rest))
    later = slice_(best, index=(*lead, slice(1, size), *rest))
    both_nan = ew.bitwise_and(ew.not_equal(earlier, earlier), ew.not_equal(later, later))
    same = ew.bitwise_or(ew.equal(earlier, later), both_nan)
    along = [1] * len(best.shape)
    along[axis] = size - 1
    changed = ew.where(same, np.intp(0), np.arange(1, size).reshape(along))
    first = constant(np.zeros([1 if j == axis else n for j, n in enumerate(best.shape)], np.intp))
    positions = concatenate(first, changed, axis=axis)
    if positions.value is not None:
        return constant(np.maximum.accumulate(positions.value, axis=axis))
    return _shifted(ew.maximum, positions, axis)


for _name in ("maximum", "minimum"):
    UFUNC_METHODS[_name, "accumulate"] = _running_extremum(_name)


@implements(np.sort_complex)
def _sort_complex(a: Any) -> Any:
    raise UnsupportedError(at_user_line("np.sort_complex of a traced array: use np.sort"))


takes_complex(
    np.cumulative_sum, np.cumulative_prod, np.nonzero, np.flatnonzero, np.argwhere, ".nonzero"
)
