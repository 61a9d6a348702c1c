"""NumPy's functions on tracers that leave out nan: sums, means, variances, extremes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.node import Node
from ..graph.types import is_float, is_inexact
from ..primitives import elementwise as ew
from ..primitives.structure import broadcast_to
from .array_like import node_like
from .complex_readiness import takes_complex
from .function_rules import NO_VALUE, Rule, implements, refuse_options
from .operands import node_of
from .tracer import FUNCTIONS, METHODS, Tracer, traced
from .ufunc_rules import as_dtype

_COUNT = np.dtype(np.intp)


def _present(x: Node, where: Any) -> Any:
    """Return which entries count: those that are no nan, and that `where` names; None for all."""
    present = ew.equal(x, x) if is_inexact(x.dtype) else None
    if where is NO_VALUE or where is True or where is None:
        return present
    chosen = as_dtype(node_like(where), np.dtype(bool))
    if chosen.shape != x.shape:
        chosen = broadcast_to(chosen, shape=x.shape)
    return chosen if present is None else ew.bitwise_and(present, chosen)


def _without_absent(x: Node, present: Node | None, value: Any) -> Node:
    return x if present is None else ew.where(present, x, x.dtype.type(value))


def _reduction_of_present(function: Any, neutral: float) -> Rule:
    """Return the rule of a reduction to which entries that are left out contribute `neutral`."""

    def rule(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = NO_VALUE,
             initial: Any = NO_VALUE, where: Any = NO_VALUE) -> Any:  # fmt: skip
        x = node_like(a)
        filled = traced(_without_absent(x, _present(x, where), neutral))
        return FUNCTIONS[function](filled, axis, dtype, out, keepdims, initial)

    return rule


implements(np.nansum)(_reduction_of_present(np.sum, 0))
implements(np.nanprod)(_reduction_of_present(np.prod, 1))


def _running_over_present(function: Any, neutral: float) -> Rule:
    def rule(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        x = node_like(a)
        return FUNCTIONS[function](
            traced(_without_absent(x, _present(x, None), neutral)), axis, dtype, out
        )

    return rule


implements(np.nancumsum)(_running_over_present(np.cumsum, 0))
implements(np.nancumprod)(_running_over_present(np.cumprod, 1))


def _extremum_of_present(function: Any, join: Any, neutral: float) -> Rule:
    def rule(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE,
             initial: Any = NO_VALUE, where: Any = NO_VALUE) -> Any:  # fmt: skip
        refuse_options(out=out)
        x = node_like(a)
        if not is_float(x.dtype):
            return FUNCTIONS[function](
                traced(x), axis, keepdims=keepdims, initial=initial, where=where
            )
        present = _present(x, where)
        has_initial = initial is not NO_VALUE and initial is not None
        if where is not NO_VALUE and where is not True and not has_initial:
            raise ValueError(
                at_user_line("a reduction that has no identity needs initial= beside where=")
            )
        filled = traced(_without_absent(x, present, neutral))
        result = FUNCTIONS[function](filled, axis, keepdims=keepdims)
        if has_initial:
            return traced(join(*_in_dtype_of(result, initial)))
        some = METHODS["any"](traced(present), axis, keepdims=keepdims)
        return traced(ew.where(some.node, result.node, x.dtype.type(np.nan)))

    return rule


def _in_dtype_of(result: Tracer, initial: Any) -> tuple[Node, Node]:
    return result.node, as_dtype(node_of(initial, result.dtype), result.dtype)


implements(np.nanmax)(_extremum_of_present(np.max, ew.maximum, -np.inf))
implements(np.nanmin)(_extremum_of_present(np.min, ew.minimum, np.inf))


def _argument_of_present(function: Any, neutral: float) -> Rule:
    def rule(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Any:
        refuse_options(out=out)
        x = node_like(a)
        present = _present(x, None)
        result = FUNCTIONS[function](
            traced(_without_absent(x, present, neutral)), axis, keepdims=keepdims
        )
        if present is None:
            return result
        some = METHODS["any"](traced(present), axis, keepdims=keepdims).node
        if some.value is None:  # what would be an error is an index that there is not
            return traced(ew.where(some, result.node, _COUNT.type(-1)))
        if not np.all(some.value):
            raise ValueError(at_user_line("All-NaN slice encountered"))
        return result

    return rule


implements(np.nanargmax)(_argument_of_present(np.argmax, -np.inf))
implements(np.nanargmin)(_argument_of_present(np.argmin, np.inf))


def _checked_dtype(dtype: Any) -> None:
    if dtype is not None and not np.issubdtype(np.dtype(dtype), np.inexact):
        raise TypeError(at_user_line("If a is inexact, then dtype must be inexact"))


@implements(np.nanmean)
def _nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None,
             keepdims: Any = NO_VALUE, *, where: Any = NO_VALUE) -> Any:  # fmt: skip
    refuse_options(out=out)
    x = node_like(a)
    if not is_inexact(x.dtype):
        return FUNCTIONS[np.mean](traced(x), axis, dtype, keepdims=keepdims, where=where)
    _checked_dtype(dtype)
    return traced(_mean_and_count(x, _present(x, where), axis, dtype, keepdims)[0])


def _mean_and_count(
    x: Node, present: Any, axis: Any, dtype: Any, keepdims: Any
) -> tuple[Node, Node]:
    """Return the mean of those that count, nan of none, and how many they are."""
    total = METHODS["sum"](
        traced(_without_absent(x, present, 0)), axis, dtype, keepdims=keepdims
    ).node
    count = METHODS["sum"](traced(as_dtype(present, _COUNT)), axis, keepdims=keepdims).node
    return _by_count(total, count), count


def _by_count(total: Node, count: Node) -> Node:
    """Divide by a count, which may be 0, in the dtype of what is divided."""
    wide = np.result_type(total.dtype, np.dtype(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        return as_dtype(
            ew.div(as_dtype(total, wide), as_dtype(count, np.dtype(float))), total.dtype
        )


@implements(np.nanvar)
def _nanvar(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
            keepdims: Any = NO_VALUE, *, where: Any = NO_VALUE, mean: Any = NO_VALUE,
            correction: Any = NO_VALUE) -> Any:  # fmt: skip
    refuse_options(out=out)
    x = node_like(a)
    if not is_float(x.dtype):
        return FUNCTIONS[np.var](traced(x), axis, dtype, None, ddof, keepdims, where=where,
                                 mean=mean, correction=correction)  # fmt: skip
    _checked_dtype(dtype)
    if correction is not NO_VALUE:
        if ddof != 0:
            raise ValueError(at_user_line("ddof and correction can't be provided simultaneously."))
        ddof = correction
    present = _present(x, where)
    centre, count = _mean_and_count(x, present, axis, dtype, keepdims=True)
    if mean is not NO_VALUE:
        centre = node_like(mean)
    deviation = as_dtype(ew.sub(x, centre), x.dtype)  # NumPy writes it into a copy of x
    squares = _without_absent(ew.mul(deviation, deviation), present, 0)
    total = METHODS["sum"](traced(squares), axis, dtype, keepdims=keepdims).node
    freedom = ew.sub(_like(count, total), ddof)
    positive = ew.less(_zero(freedom), freedom)
    return traced(ew.where(positive, _by_count(total, freedom), total.dtype.type(np.nan)))


def _like(count: Node, total: Node) -> Node:
    """Return the count in the shape of the sums: without the axes that are gone."""
    return (
        count if count.shape == total.shape else METHODS["reshape"](traced(count), total.shape).node
    )


def _zero(x: Node) -> Any:
    return x.dtype.type(0)


@implements(np.nanstd)
def _nanstd(*args: Any, **kwargs: Any) -> Tracer:
    return traced(ew.sqrt(_nanvar(*args, **kwargs).node, slope="norm"))


takes_complex(np.nansum, np.nanprod, np.nanmean, np.nancumsum, np.nancumprod)
