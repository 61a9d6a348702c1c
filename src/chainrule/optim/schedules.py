"""Schedules: the learning rate as a function of the number of updates done before.

A schedule works on a number and on a traced step alike, so it compiles into the epoch.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import pi
from typing import Any, TypeAlias

import numpy as np

from ..errors import at_user_line
from ..trace.operands import is_plain_number
from ..trace.tracer import Tracer

Schedule: TypeAlias = Callable[[Any], Any]


def constant(rate: Any) -> Schedule:
    """The same rate at every step.

    Examples
    --------
    >>> constant(0.1)(7)
    0.1
    """
    checked("rate", rate)
    return lambda step: rate


def step_decay(rate: Any, every: int, factor: float = 0.1) -> Schedule:
    """``rate * factor**(step // every)``: multiplied by `factor` every so many steps.

    Examples
    --------
    >>> schedule = step_decay(1.0, every=10, factor=0.5)
    >>> [float(schedule(step)) for step in (0, 9, 10, 20)]
    [1.0, 1.0, 0.5, 0.25]
    """
    checked("rate", rate)
    checked("factor", factor)
    _steps("every", every)
    return lambda step: rate * factor ** (step // every)


def cosine_decay(rate: Any, steps: int, final: Any = 0.0) -> Schedule:
    """Half a cosine from `rate` down to `final` at `steps`, and `final` from there on.

    References
    ----------
    I. Loshchilov, F. Hutter: "SGDR: stochastic gradient descent with warm restarts",
    arXiv:1608.03983 (2016).

    Examples
    --------
    >>> schedule = cosine_decay(1.0, steps=100, final=0.1)
    >>> [round(float(schedule(step)), 4) for step in (0, 25, 50, 100, 500)]
    [1.0, 0.8682, 0.55, 0.1, 0.1]
    """
    checked("rate", rate)
    checked("final", final)
    _steps("steps", steps)

    def schedule(step: Any) -> Any:
        done = np.minimum(step, steps) / steps
        return final + (rate - final) * (0.5 * (1.0 + np.cos(pi * done)))

    return schedule


def polynomial_decay(rate: Any, steps: int, power: Any = 1.0, final: Any = 0.0) -> Schedule:
    """``final + (rate - final) * (1 - step / steps)**power``, and `final` from `steps` on.

    Parameters
    ----------
    rate : float
        At step 0.
    steps : int
        How many.
    power : float
        Default 1, a straight line.
    final : float
        Default 0.

    Examples
    --------
    >>> schedule = polynomial_decay(1.0, steps=100, power=2.0, final=0.1)
    >>> [round(float(schedule(step)), 4) for step in (0, 50, 100, 500)]
    [1.0, 0.325, 0.1, 0.1]
    """
    checked("rate", rate)
    checked("power", power)
    checked("final", final)
    _steps("steps", steps)

    def schedule(step: Any) -> Any:
        left = 1.0 - np.minimum(step, steps) / steps
        return final + (rate - final) * left**power

    return schedule


def inverse_scaling(rate: Any, power: Any = 0.5) -> Schedule:
    """``rate / (step + 1)**power``, which never ends: all rates together add up to infinity.

    That holds for a power up to 1, its default 1/2 among them.

    References
    ----------
    H. Robbins, S. Monro: "A stochastic approximation method", Annals of Mathematical Statistics 22
    (1951).

    Examples
    --------
    >>> schedule = inverse_scaling(1.0)
    >>> [round(float(schedule(step)), 4) for step in (0, 3, 99)]
    [1.0, 0.5, 0.1]
    """
    checked("rate", rate)
    checked("power", power)
    return lambda step: rate / (step + 1.0) ** power


def one_cycle(
    rate: Any,
    steps: int,
    rise: float = 0.3,
    start_factor: float = 0.04,
    final_factor: float = 4e-6,
) -> Schedule:
    """Half a cosine up to `rate`, then half a cosine down to almost nothing, within `steps`.

    Parameters
    ----------
    rate : float
        The largest rate.
    steps : int
        All steps of the training; from there on the rate stays at its end.
    rise : float
        The share of the steps that go up, between 0 and 1. Default 0.3.
    start_factor, final_factor : float
        The first rate and the last one, as shares of `rate`. Default 0.04 and 4e-6.

    References
    ----------
    L. N. Smith, N. Topin: "Super-convergence: very fast training of neural networks using large
    learning rates", arXiv:1708.07120 (2018); the cosines and the defaults are those of PyTorch.

    Examples
    --------
    >>> schedule = one_cycle(1.0, steps=100)
    >>> [round(float(schedule(step)), 4) for step in (0, 15, 30, 65, 100)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """
    checked("rate", rate)
    checked("start_factor", start_factor)
    checked("final_factor", final_factor)
    _steps("steps", steps)
    if not 0 < rise < 1:
        raise ValueError(at_user_line(f"rise={rise}: give a share between 0 and 1"))

    def schedule(step: Any) -> Any:
        done = np.minimum(step, steps) / steps
        rises = done < rise
        phase = np.where(rises, done / rise, 1.0 + (done - rise) / (1.0 - rise))
        low = rate * np.where(rises, start_factor, final_factor)
        return low + (rate - low) * (0.5 * (1.0 - np.cos(pi * phase)))  # phase 1 is the peak

    return schedule


def warmup(steps: int, then: Any) -> Schedule:
    """Rise linearly to the first rate of `then` with update number `steps`, then follow it.

    Step k < `steps` (from 0) has the rate ``then(0) * (k + 1) / steps``, and step k >= `steps`
    has ``then(k - steps)``.

    Parameters
    ----------
    steps : int
        How many; a traced number may also be 0, for none.
    then : float or schedule
        What comes after; it counts its steps from the end of the warm-up.

    References
    ----------
    P. Goyal et al.: "Accurate, large minibatch SGD", arXiv:1706.02677 (2017).

    Examples
    --------
    >>> schedule = warmup(4, cosine_decay(1.0, steps=10))
    >>> [round(float(schedule(step)), 4) for step in (0, 1, 3, 4, 9, 14)]
    [0.25, 0.5, 1.0, 1.0, 0.5, 0.0]
    """
    _steps("steps", steps)
    after = as_schedule(then)
    rise = steps if is_plain_number(steps) else np.maximum(steps, 1.0)

    def schedule(step: Any) -> Any:
        return np.minimum((step + 1) / rise, 1.0) * after(np.maximum(step - steps, 0))

    return schedule


def as_schedule(rate: Any) -> Schedule:
    """A schedule as it is; a number as a constant one."""
    return rate if callable(rate) else constant(rate)


def checked(name: str, value: Any, below: float = np.inf) -> None:
    """Raise unless a number is in ``0 ... below``; a traced one passes."""
    if isinstance(value, (str, bytes, list, tuple, dict, type(None))):
        raise TypeError(at_user_line(f"{name}={value!r:.40}: give a number"))
    if is_plain_number(value) and not 0 <= value < below:
        allowed = "0 or more" if below == np.inf else f"0 or more and less than {below:g}"
        raise ValueError(at_user_line(f"{name}={value}: give {allowed}, and not infinite"))


def _steps(name: str, value: Any) -> None:
    """Raise unless it is a known whole number of 1 or more, or a traced one."""
    if isinstance(value, Tracer):
        return
    try:
        good = operator.index(value) > 0
    except TypeError:
        good = False
    if not good:
        raise ValueError(at_user_line(f"{name}={value!r:.40}: give a whole number of 1 or more"))
