"""Integrals of samples, of which values and positions may be traced: sums with SciPy's weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import at_user_line
from ...trace.interception import intercepts
from ..arrays import as_float, asarray, known, refuse

_LENGTH = "If given, length of x along axis must be the same as y."


def _last(x: Any, axis: int) -> Any:
    return np.moveaxis(x, axis, -1)


def _spacing(y: Any, x: Any, dx: Any, axis: int) -> tuple[Any, Any]:
    """Return the samples along the last axis, and the steps between them, to be broadcast."""
    y = asarray(y)
    if x is None:
        if np.ndim(dx):
            dx = _last(asarray(dx), axis) if np.ndim(dx) == y.ndim else asarray(dx)
        return _last(y, axis), dx  # a Python number takes the dtype of y
    x = asarray(x)
    if x.ndim == 1:
        steps = x[1:] - x[:-1]
    elif x.ndim != y.ndim:
        raise ValueError(at_user_line("If given, shape of x must be 1-D or the same as y."))
    else:
        x = _last(x, axis)
        steps = x[..., 1:] - x[..., :-1]
    if steps.shape[-1] != y.shape[axis] - 1:
        raise ValueError(at_user_line(_LENGTH))
    return _last(y, axis), steps


@intercepts("scipy.integrate", "trapezoid")
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    dtype = np.result_type(asarray(y).dtype, np.float16 if asarray(y).dtype.kind == "f" else float)
    y, steps = _spacing(y, x, dx, axis)
    return np.sum(steps * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1).astype(dtype)


@intercepts("scipy.integrate", "cumulative_trapezoid")
def _cumulative_trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    if not asarray(y).shape[axis]:
        raise ValueError(at_user_line("At least one point is required along `axis`."))
    if initial is not None and initial != 0:
        raise ValueError(at_user_line("`initial` must be `None` or `0`."))
    y, steps = _spacing(y, x, dx, axis)
    sums = np.cumsum(steps * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    if initial is not None:
        edge = np.zeros((*sums.shape[:-1], 1), sums.dtype)
        sums = np.concatenate([edge, sums], axis=-1)
    return np.moveaxis(sums, -1, axis)


def _ratio(x: Any, y: Any) -> Any:
    """Return x / y, and 0 where y is 0."""
    zero = y == 0
    return np.where(zero, 0.0, x / np.where(zero, 1.0, y))


def _pairs_of_steps(y: Any, h: Any, count: int) -> Any:
    """Return Simpson's rule over the first `count` steps, two at a time."""
    y0, y1, y2 = y[..., 0:count:2], y[..., 1 : count + 1 : 2], y[..., 2 : count + 2 : 2]
    if not np.ndim(h):
        return np.sum(y0 + 4.0 * y1 + y2, axis=-1) * (h / 3.0)
    h0, h1 = as_float(h[..., 0:count:2]), as_float(h[..., 1 : count + 1 : 2])
    total, product = h0 + h1, h0 * h1
    ratio = _ratio(h0, h1)
    weighted = (
        y0 * (2.0 - _ratio(1.0, ratio)) + y1 * (total * _ratio(total, product)) + y2 * (2.0 - ratio)
    )
    return np.sum(total / 6.0 * weighted, axis=-1)


@intercepts("scipy.integrate", "simpson")
def _simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    y, h = _spacing(y, x, dx, axis)
    n = y.shape[-1]
    if np.ndim(h) and x is None:
        refuse("simpson", "give dx as a number, or positions as x")
    if n % 2:
        return _pairs_of_steps(y, h, n - 1)
    last = h[..., -1] if np.ndim(h) else h
    if n == 2:
        return 0.5 * last * (y[..., -1] + y[..., -2])
    before = h[..., -2] if np.ndim(h) else asarray(h, np.float64)[()]
    last = last if np.ndim(h) else before
    result = _pairs_of_steps(y, h, n - 2)  # and Cartwright's correction for the last step
    alpha = _ratio(2 * last**2 + 3 * before * last, 6 * (last + before))
    beta = _ratio(last**2 + 3.0 * before * last, 6 * before)
    eta = _ratio(last**3, 6 * before * (before + last))
    return result + (alpha * y[..., -1] + beta * y[..., -2] - eta * y[..., -3])


def _steps_by_parabolas(y: Any, h: Any, equal: bool) -> Any:
    """Return the integral of each step but the last, by the parabola through it and the next."""
    f1, f2, f3 = y[..., :-2], y[..., 1:-1], y[..., 2:]
    first = h[..., :-1]
    if equal:
        return first / 3 * (5 * f1 / 4 + 2 * f2 - f3 / 4)
    second = h[..., 1:]
    ratio = first / (first + second)
    product = ratio * (first / second)
    return first / 6 * ((3 - ratio) * f1 + (3 + product + ratio) * f2 - product * f3)


@intercepts("scipy.integrate", "cumulative_simpson")
def _cumulative_simpson(
    y: Any, *, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    y = as_float(y)
    n = y.shape[axis]
    if n < 3:
        sums = _last(_cumulative_trapezoid(y, x, dx=dx, axis=axis), axis)
    else:
        samples, h = _spacing(y, x, dx, axis)
        steps = known(h)
        if x is not None and steps is not None and (steps <= 0).any():
            raise ValueError(at_user_line("Input x must be strictly increasing."))
        h = np.broadcast_to(as_float(h), (*samples.shape[:-1], n - 1))
        forward = _steps_by_parabolas(samples, h, x is None)
        backward = np.flip(_steps_by_parabolas(np.flip(samples, -1), np.flip(h, -1), x is None), -1)
        sums = np.cumsum(_alternating(forward, backward, n - 1), axis=-1)
    if initial is not None:
        initial = as_float(initial)
        start = initial if not initial.ndim else _last(initial, axis)
        start = np.broadcast_to(start, (*sums.shape[:-1], 1)).astype(sums.dtype)
        sums = np.concatenate([start, sums + start], axis=-1)
    return np.moveaxis(sums, -1, axis)


def _alternating(forward: Any, backward: Any, n: int) -> Any:
    """Return even steps of the parabola that begins there, odd ones of the one that ends there."""
    edge = np.zeros_like(forward[..., :1])
    ahead, behind = np.concatenate([forward, edge], -1), np.concatenate([edge, backward], -1)
    even = np.arange(n) % 2 == 0
    even[-1] = False  # the last step has no parabola ahead
    return np.where(even, ahead, behind)


@intercepts("scipy.integrate", "romb")
def _romb(y: Any, dx: Any = 1.0, axis: int = -1, show: bool = False) -> Any:
    if show:
        refuse("romb", "show=True prints numbers, which are not known under jit")
    y = _last(asarray(y), axis)
    n = y.shape[-1] - 1
    if n < 1 or n & (n - 1):
        raise ValueError(
            at_user_line("Number of samples must be one plus a non-negative power of 2.")
        )
    h = n * asarray(dx, np.float64)
    row = [(y[..., 0] + y[..., -1]) / 2.0 * h]
    step = n
    while step > 1:
        start, stride = step // 2, step
        new = [0.5 * (row[0] + h * np.sum(y[..., start:n:stride], axis=-1))]
        for j, before in enumerate(row, start=1):
            new.append(new[-1] + (new[-1] - before) / ((1 << (2 * j)) - 1))
        row, step, h = new, step // 2, h / 2.0
    return row[-1]
