"""`odeint`: ordinary differential equations with steps of adapted size, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tree
from ..errors import DataError, DtypeError, ShapeError, at_user_line
from ..graph.types import is_float
from ..trace.capture import as_array
from ..trace.tracer import Tracer
from .functions import arguments
from .initial_value import NO_STEP, NOT_SORTED, SOLVED, TOO_MANY_STEPS, solve
from .layout import FLOAT64, as_vector

_REASONS = {
    TOO_MANY_STEPS: "more than mxstep={most} steps between two times: is the equation stiff? Allow "
    "more of them, or larger rtol and atol",
    NO_STEP: "no step is short enough: func is nan or infinite at y0, or the solution grows "
    "without bound, or func jumps",
    NOT_SORTED: "t must increase, or decrease, from each entry to the next",
}


def odeint(
    func: Callable[..., Any], y0: Any, t: Any, *args: Any, rtol: float = 1.4e-8,
    atol: float = 1.4e-8, mxstep: float = 100_000, hmax: float = np.inf,
) -> Any:  # fmt: skip
    """Solve ``dy/dt = func(y, t, *args)`` with y(t[0]) = y0, at the times t.

    As `jax.experimental.ode.odeint`: the pair of Dormand and Prince of orders 5 and 4, with steps
    whose size follows the estimated error, and a polynomial of degree 4 between them. The loop is
    compiled, with or without `jit` around it. In reverse mode the adjoint equation is solved, whose
    memory does not grow with the steps; in forward mode the loop is differentiated; both to each
    order.

    Parameters
    ----------
    func : callable
        ``func(y, t, *args)`` returns a tree like y. It is traced: see `jit`.
    y0 : pytree of float
        The solution at ``t[0]``. Whatever its dtypes, steps are computed in float64.
    t : float[k]
        Times that increase, or decrease, from each to the next; may be traced.
    *args : pytree
        Further arguments of `func`. By arrays and fractions in them, and by traced values that
        `func` reads by its closure, there are derivatives.
    rtol, atol : float
        Relative and absolute tolerance of the error of a step. Default 1.4e-8.
    mxstep : int
        Most steps between two times. Default 100,000.
    hmax : float
        The longest step. Default: none.

    Returns
    -------
    pytree
        Like `y0`, where an array of shape s has become one of shape (k, *s). Under `jit`, where
        no error can be raised, it is nan from where a solution ends.

    Raises
    ------
    DtypeError
        If `y0` or `t` are not floating, or `func` returns another dtype.
    ShapeError
        If `t` is not one axis of at least one time, or `func` returns another structure or shape.
    DataError
        If `t` is not sorted, there are too many steps, or a step leads nowhere: where `func` is
        nan, or the solution grows without bound.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> t = np.linspace(0.0, 2.0, 3)
    >>> def decay(y, t, rate):
    ...     return -rate * y
    >>> cr.odeint(decay, 1.0, t, 0.5).round(6).tolist()
    [1.0, 0.606531, 0.367879]
    >>> slope = cr.grad(lambda rate: cr.odeint(decay, 1.0, t, rate)[-1])(0.5)
    >>> float(slope.round(6)), float((-2.0 * np.exp(-1.0)).round(6))
    (-0.735759, -0.735759)
    """
    leaves, treedef = tree.flatten(y0)
    arrays = [_float(x, "y0") for x in leaves]
    if not arrays or not sum(int(np.prod(x.shape)) for x in arrays):
        raise ShapeError(at_user_line("odeint: y0 is empty"))
    times = _times(t)
    settings = np.array([_positive(rtol, "rtol"), _positive(atol, "atol"),
                         _positive(mxstep, "mxstep"), _positive(hmax, "hmax")])  # fmt: skip
    split = arguments(args, "odeint", traced=True)
    restore = _restored(arrays, treedef)
    backwards = times.shape[0] > 1 and times[-1] < times[0]
    sign = np.where(backwards, -1.0, 1.0) if isinstance(backwards, Tracer) else (
        -1.0 if backwards else 1.0
    )  # fmt: skip

    def field(y: Any, s: Any, sign: Any, *numbers: Any) -> Any:
        slope = func(restore(y, ()), sign * s, *split.restore(numbers))
        return sign * _checked(slope, treedef, arrays)

    numbers = [x if isinstance(x, Tracer) else as_array(x, "odeint: args") for x in split.leaves]
    start = as_vector(arrays)
    ys, status = solve(field, start, sign * times, settings, [np.float64(1.0) * sign, *numbers])
    _raise_if_failed(status, mxstep)
    return restore(ys, (times.shape[0],))


def _float(x: Any, name: str) -> Any:
    array = as_array(x, f"odeint: {name}")
    if not is_float(array.dtype):
        raise DtypeError(
            at_user_line(
                f"odeint: {name} is {array.dtype}: give real floating numbers, such as 1.0 or "
                "x.astype(float)"
            )
        )
    return array


def _times(t: Any) -> Any:
    times = _float(t if isinstance(t, Tracer) else np.asarray(t), "t")
    if len(times.shape) != 1 or not times.shape[0]:
        raise ShapeError(
            at_user_line(f"odeint: t has shape {times.shape}: give one axis of at least one time")
        )
    if not isinstance(times, Tracer):
        steps = np.diff(times)
        if not (np.all(steps > 0) or np.all(steps < 0)):
            raise DataError(at_user_line(f"odeint: {_REASONS[NOT_SORTED]}"))
    return times if times.dtype == FLOAT64 else times.astype(FLOAT64)


def _positive(x: Any, name: str) -> float:
    if isinstance(x, Tracer) or np.ndim(x) or not x > 0:
        raise ValueError(at_user_line(f"odeint: {name} is {x!r:.40}: give a number above 0"))
    return float(x)


def _restored(arrays: list[Any], treedef: tree.TreeDef) -> Callable[[Any, tuple[int, ...]], Any]:
    """Return the function from vectors, behind some axes, to trees like y0."""
    types = [(tuple(x.shape), x.dtype, int(np.prod(x.shape))) for x in arrays]

    def restore(y: Any, leading: tuple[int, ...]) -> Any:
        leaves, position = [], 0
        for shape, dtype, size in types:
            part = y[..., position : position + size]
            whole = np.reshape(part, (*leading, *shape)) if (*leading, *shape) else part[0]
            leaves.append(whole if dtype == FLOAT64 else whole.astype(dtype))
            position += size
        return tree.unflatten(treedef, leaves)

    return restore


def _checked(slope: Any, treedef: tree.TreeDef, arrays: list[Any]) -> Any:
    """Return the derivative as a vector, if it is like y0."""
    leaves, structure = tree.flatten(slope)
    if structure != treedef:
        raise ShapeError(at_user_line(f"odeint: func returned {structure}, where y0 is {treedef}"))
    for leaf, like in zip(leaves, arrays, strict=True):
        array = as_array(leaf, "odeint: what func returned")
        if array.shape != like.shape:
            raise ShapeError(
                at_user_line(
                    f"odeint: func returned an array of shape {array.shape} for one of y0 of shape "
                    f"{like.shape}"
                )
            )
        if not is_float(array.dtype):
            raise DtypeError(
                at_user_line(f"odeint: func returned {array.dtype}, where y0 is {like.dtype}")
            )
    return as_vector(leaves)


def _raise_if_failed(status: Any, most: float) -> None:
    """Raise if it is known that there is no solution; under `jit` it is nan instead."""
    value = status.node.value if isinstance(status, Tracer) else status
    if value is not None and int(value) != SOLVED:
        raise DataError(at_user_line(f"odeint: {_REASONS[int(value)].format(most=most)}"))
