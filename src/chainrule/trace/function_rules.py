"""How NumPy's functions get rules on tracers, and how their options are read: axes and numbers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from operator import index
from typing import Any

import numpy as np

from ..errors import Refusal, UnsupportedError, at_user_line
from ..graph.node import Node
from ..primitives.elementwise import where as choose
from ..primitives.structure import reshape, with_ones
from .operands import node_of
from .tracer import FUNCTIONS, HOOKS, METHODS, Tracer, traced

Rule = Callable[..., Any]
NO_VALUE: Any = np._NoValue


def implements(*functions: Any, method: str | None = None) -> Callable[[Rule], Rule]:
    """Enter a rule for NumPy functions, and for the method of that name."""

    def enter(rule: Rule) -> Rule:
        for each in functions:
            raises = each.__module__ == "numpy.linalg"  # errors that depend on numbers
            FUNCTIONS[each] = _raising(rule) if raises else rule
        if method is not None:
            METHODS[method] = rule
        return rule

    return enter


def _raising(rule: Rule) -> Rule:
    """Return a rule of linear algebra that raises its errors where they would be caught."""

    @wraps(rule)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not HOOKS["is_caught"]():
            return rule(*args, **kwargs)
        return HOOKS["call_where_caught"](rule, args, kwargs)

    return call


def normalize_axes(x: Node, axis: Any, scalar: bool = False) -> tuple[int, ...]:
    """Return the axes as non-negative numbers in rising order; None means all.

    With `scalar` a number may be reduced along axis 0 or -1, as NumPy's ufuncs allow.
    """
    n = len(x.shape)
    if axis is None or (scalar and _of_a_number(x, axis)):
        return tuple(range(n))
    axis_list = axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(sorted(normalize_axis(k, n) for k in axis_list))
    if len(set(axes)) != len(axes):
        raise ValueError(at_user_line(f"axis {axis} names an axis twice"))
    return axes


def _of_a_number(x: Node, axis: Any) -> bool:
    return not x.shape and not isinstance(axis, tuple) and as_int(axis) in (0, -1)


def as_int(number: Any, name: str = "axis") -> int:
    """Return an option as an int; 0.5 is an error, as in NumPy."""
    try:
        return index(number)
    except Refusal:  # of a traced number, which says more
        raise
    except TypeError:
        raise TypeError(at_user_line(f"{name}={number!r} is no integer")) from None


def normalize_axis(axis: Any, n: int) -> int:
    """Return one axis as a non-negative number (`normalize_axis_index` in NumPy)."""
    k = as_int(axis)
    if not -n <= k < n:
        raise np.exceptions.AxisError(at_user_line(f"axis {k} is out of bounds for {n} dimensions"))
    return k % n


def refuse_options(**options: Any) -> None:
    for name, value in options.items():
        if value is not None and value is not NO_VALUE and value is not True:
            raise UnsupportedError(at_user_line(f"{name}= of a traced reduction is not supported"))


def with_keepdims(y: Node, x: Node, axes: tuple[int, ...], keepdims: Any) -> Tracer:
    if keepdims is not NO_VALUE and keepdims:
        y = reshape(y, shape=with_ones(x.shape, axes))
    return traced(y)


def flat_or_axis(a: Any, axis: Any) -> tuple[Node, int]:
    """Return the array and its axis, or the flattened array if the axis is None."""
    x = node_of(a)
    if axis is None or _of_a_number(x, axis):
        return reshape(x, shape=(int(np.prod(x.shape)),)), 0
    return x, normalize_axis(axis, len(x.shape))


def is_option(value: Any) -> bool:
    """Return whether an option says something: neither NumPy's own mark for no value, nor None."""
    return value is not NO_VALUE and value is not None


def mask_of(where: Any) -> Node:
    """Return `where=` as truth values."""
    plain = not isinstance(where, (Tracer, np.ndarray, np.generic))
    node = node_of(np.asarray(where, bool) if plain else where)
    if node.dtype.kind != "b":
        raise TypeError(at_user_line(f"where= is made of truth values, not of {node.dtype}"))
    return node


def masked_for(x: Node, where: Any, neutral: Any) -> Node:
    """Return x with what changes nothing where a reduction is not asked to look."""
    if where is NO_VALUE or where is True:
        return x
    mask = mask_of(where)
    if np.broadcast_shapes(mask.shape, x.shape) != x.shape:
        raise ValueError(
            at_user_line(f"where= of shape {mask.shape} does not fit an array of {x.shape}")
        )
    return choose(mask, x, x.dtype.type(neutral))  # type: ignore[no-any-return]
