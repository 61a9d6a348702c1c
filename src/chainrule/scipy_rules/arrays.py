"""What rules for SciPy's functions are handed: arrays, numbers and lists, some of them traced."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..primitives.structure import identity
from ..trace.interception import intercepts
from ..trace.nested import array_of, is_traced
from ..trace.operands import check_plain, node_of
from ..trace.strides import c_order, set_layout_unknown, set_strides
from ..trace.tracer import ArrayTracer, Tracer

Rule = Callable[..., Any]


def asarray(x: Any, dtype: Any = None) -> Any:
    """Return x as an array, as `numpy.asarray` does; traced if anything in it is."""
    if isinstance(x, Tracer):
        return x if dtype is None or x.dtype == np.dtype(dtype) else x.astype(dtype)
    if is_traced(x):
        return array_of(x, dtype)
    check_plain(x)
    return np.asarray(x, dtype)


def as_float(x: Any) -> Any:
    """Return x as an array of floating numbers: others become float64."""
    x = asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def known(x: Any) -> Any:
    """Return the numbers of x, or None under `jit`: for checks that need them."""
    return x.node.value if isinstance(x, Tracer) else np.asarray(x)


def as_traced(x: Any) -> Any:
    """Return a plain array as a traced one, into which traced numbers can be written."""
    return ArrayTracer(identity(node_of(x)))


def nan_unless(condition: Any, x: Any) -> Any:
    """Return x, or nan where SciPy would raise an error: compiled code cannot, and nan says it."""
    return np.where(condition, x, np.nan)


def increasing(x: Any, message: str) -> Any:
    """Return x with an axis of rising numbers; raise, or give nan under `jit`, if they do not."""
    numbers = known(x)
    if numbers is None:
        return nan_unless(np.all(np.diff(x) > 0), x)
    if not (np.isfinite(numbers).all() and (np.diff(numbers) > 0).all()):
        raise ValueError(at_user_line(message))
    return x


def take(table: Any, index: Any, axis: int = 0) -> Any:
    """Return ``numpy.take(table, index, axis)``, where either may be traced."""
    if isinstance(index, Tracer) and not isinstance(table, Tracer):
        table = as_traced(table)
    return np.take(table, index, axis=axis)


def new_array(x: Any, in_c_order: bool = False) -> Any:
    """Return a result as an array of its own, which is no view of what it was computed from.

    How it lies in memory is C order, or not known; what reshapes it after a write asks.
    """
    if type(x) is tuple:
        return tuple(new_array(entry, in_c_order) for entry in x)
    if not isinstance(x, ArrayTracer):
        return x
    node = identity(x.node)
    if in_c_order:
        set_strides(node, c_order(node.shape))
    else:
        set_layout_unknown(node)
    return ArrayTracer(node)


def makes_new(module: str, *names: str) -> Callable[[Rule], Rule]:
    """Enter a rule for functions of a module whose results are arrays of their own."""

    def enter(rule: Rule) -> Rule:
        @wraps(rule)
        def separate_result(*args: Any, **kwargs: Any) -> Any:
            return new_array(rule(*args, **kwargs))

        intercepts(module, *names)(separate_result)
        return rule

    return enter


def as_array_kind(x: Any) -> Any:
    """Return x as an array, where NumPy's rules would have made a number of no axes of it."""
    return ArrayTracer(x.node) if isinstance(x, Tracer) and not x.shape else x


def refuse(function: str, reason: str) -> NoReturn:
    """Raise the error for what a rule does not cover."""
    raise UnsupportedError(at_user_line(f"{function} of a traced array: {reason}"))
