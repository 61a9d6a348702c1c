"""Learning-rate schedules: functions from the number of updates done so far to a learning rate.

A schedule works on a Python number and on a traced step count alike, so it compiles with the rest
of an epoch.
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


def constant(value: Any) -> Schedule:
    """The same learning rate at every step.

    Examples
    --------
    >>> constant(0.1)(7)
    0.1
    """
    check_number("value", value)
    return lambda step: value


def step_decay(init_value: Any, decay_steps: int, decay_rate: float = 0.1) -> Schedule:
    """``init_value * decay_rate**(step // decay_steps)``: a staircase.

    Parameters
    ----------
    init_value : float
        The learning rate at step 0.
    decay_steps : int
        The number of steps between two reductions.
    decay_rate : float
        The factor of each reduction. Default 0.1.

    Examples
    --------
    >>> schedule = step_decay(1.0, decay_steps=10, decay_rate=0.5)
    >>> [float(schedule(step)) for step in (0, 9, 10, 20)]
    [1.0, 1.0, 0.5, 0.25]
    """
    check_number("init_value", init_value)
    check_number("decay_rate", decay_rate)
    _check_step_count("decay_steps", decay_steps)
    return lambda step: init_value * decay_rate ** (step // decay_steps)


def cosine_decay(init_value: Any, decay_steps: int, end_value: Any = 0.0) -> Schedule:
    """Half a cosine from `init_value` at step 0 to `end_value` at `decay_steps`, then constant.

    Parameters
    ----------
    init_value : float
        The learning rate at step 0.
    decay_steps : int
        The step from which on the learning rate is `end_value`.
    end_value : float
        Default 0.

    References
    ----------
    I. Loshchilov, F. Hutter: "SGDR: stochastic gradient descent with warm restarts",
    arXiv:1608.03983 (2016).

    Examples
    --------
    >>> schedule = cosine_decay(1.0, decay_steps=100, end_value=0.1)
    >>> [round(float(schedule(step)), 4) for step in (0, 25, 50, 100, 500)]
    [1.0, 0.8682, 0.55, 0.1, 0.1]
    """
    check_number("init_value", init_value)
    check_number("end_value", end_value)
    _check_step_count("decay_steps", decay_steps)

    def schedule(step: Any) -> Any:
        progress = np.minimum(step, decay_steps) / decay_steps
        return end_value + (init_value - end_value) * (0.5 * (1.0 + np.cos(pi * progress)))

    return schedule


def polynomial_decay(
    init_value: Any, decay_steps: int, power: Any = 1.0, end_value: Any = 0.0
) -> Schedule:
    """A power of the remaining share of `decay_steps`, from `init_value` down to `end_value`.

    ``end_value + (init_value - end_value) * (1 - step / decay_steps)**power``, and `end_value`
    from `decay_steps` on.

    Parameters
    ----------
    init_value : float
        The learning rate at step 0.
    decay_steps : int
        The step from which on the learning rate is `end_value`.
    power : float
        Default 1, a straight line.
    end_value : float
        Default 0.

    Examples
    --------
    >>> schedule = polynomial_decay(1.0, decay_steps=100, power=2.0, end_value=0.1)
    >>> [round(float(schedule(step)), 4) for step in (0, 50, 100, 500)]
    [1.0, 0.325, 0.1, 0.1]
    """
    check_number("init_value", init_value)
    check_number("power", power)
    check_number("end_value", end_value)
    _check_step_count("decay_steps", decay_steps)

    def schedule(step: Any) -> Any:
        remaining = 1.0 - np.minimum(step, decay_steps) / decay_steps
        return end_value + (init_value - end_value) * remaining**power

    return schedule


def inverse_scaling(init_value: Any, power: Any = 0.5) -> Schedule:
    """``init_value / (step + 1)**power``: scikit-learn's "invscaling".

    With a power of at most 1, such as the default 1/2, the sum of all learning rates is infinite,
    so no minimum is too far away to be reached.

    Parameters
    ----------
    init_value : float
        The learning rate at step 0.
    power : float
        Default 0.5.

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
    check_number("init_value", init_value)
    check_number("power", power)
    return lambda step: init_value / (step + 1.0) ** power


def one_cycle(
    peak_value: Any,
    total_steps: int,
    pct_start: float = 0.3,
    start_factor: float = 0.04,
    end_factor: float = 4e-6,
) -> Schedule:
    """Half a cosine up to `peak_value`, then half a cosine down to almost nothing.

    Parameters
    ----------
    peak_value : float
        The largest learning rate.
    total_steps : int
        The number of steps of the training; after it the learning rate stays at its last value.
    pct_start : float
        The fraction of the steps during which the learning rate rises, between 0 and 1.
        Default 0.3.
    start_factor, end_factor : float
        The first and the last learning rate as multiples of `peak_value`. Default 0.04 and 4e-6.

    References
    ----------
    L. N. Smith, N. Topin: "Super-convergence: very fast training of neural networks using large
    learning rates", arXiv:1708.07120 (2018); the cosines and the defaults are those of PyTorch's
    OneCycleLR, whose ``div_factor`` is ``1 / start_factor``.

    Examples
    --------
    >>> schedule = one_cycle(1.0, total_steps=100)
    >>> [round(float(schedule(step)), 4) for step in (0, 15, 30, 65, 100)]
    [0.04, 0.52, 1.0, 0.5, 0.0]
    """
    check_number("peak_value", peak_value)
    check_number("start_factor", start_factor)
    check_number("end_factor", end_factor)
    _check_step_count("total_steps", total_steps)
    if not 0 < pct_start < 1:
        raise ValueError(at_user_line(f"pct_start={pct_start}: give a number between 0 and 1"))

    def schedule(step: Any) -> Any:
        progress = np.minimum(step, total_steps) / total_steps
        rises = progress < pct_start
        phase = np.where(
            rises, progress / pct_start, 1.0 + (progress - pct_start) / (1.0 - pct_start)
        )
        low = peak_value * np.where(rises, start_factor, end_factor)
        return low + (peak_value - low) * (0.5 * (1.0 - np.cos(pi * phase)))  # phase 1 is the peak

    return schedule


def warmup(warmup_steps: int, schedule: Any) -> Schedule:
    """Rise linearly to the first learning rate of `schedule`, then follow it.

    Step k < `warmup_steps` (from 0) has the learning rate ``schedule(0) * (k + 1) / warmup_steps``,
    and step k >= `warmup_steps` has ``schedule(k - warmup_steps)``.

    Parameters
    ----------
    warmup_steps : int
        The number of steps of the rise. A traced number may also be 0, for no warm-up.
    schedule : float or schedule
        The schedule after the warm-up; it counts its steps from the end of the warm-up.

    References
    ----------
    P. Goyal et al.: "Accurate, large minibatch SGD", arXiv:1706.02677 (2017).

    Examples
    --------
    >>> schedule = warmup(4, cosine_decay(1.0, decay_steps=10))
    >>> [round(float(schedule(step)), 4) for step in (0, 1, 3, 4, 9, 14)]
    [0.25, 0.5, 1.0, 1.0, 0.5, 0.0]
    """
    _check_step_count("warmup_steps", warmup_steps)
    main = as_schedule(schedule, "schedule")
    divisor = warmup_steps if is_plain_number(warmup_steps) else np.maximum(warmup_steps, 1.0)

    def warmed_up(step: Any) -> Any:
        return np.minimum((step + 1) / divisor, 1.0) * main(np.maximum(step - warmup_steps, 0))

    return warmed_up


def as_schedule(learning_rate: Any, name: str = "learning_rate") -> Schedule:
    """Return a schedule as it is, and a number as a constant schedule."""
    if callable(learning_rate):
        return learning_rate  # type: ignore[no-any-return]
    check_number(name, learning_rate)
    return constant(learning_rate)


def check_number(name: str, value: Any, below: float = np.inf) -> None:
    """Raise unless `value` is a number in ``0 ... below``; a traced number passes."""
    if isinstance(value, (str, bytes, list, tuple, dict, type(None))):
        raise TypeError(at_user_line(f"{name}={value!r:.40}: give a number"))
    if is_plain_number(value) and not 0 <= value < below:
        allowed = "0 or more" if below == np.inf else f"0 or more and less than {below:g}"
        raise ValueError(at_user_line(f"{name}={value}: give {allowed}, and not infinite"))


def _check_step_count(name: str, value: Any) -> None:
    """Raise unless `value` is a whole number of 1 or more, or a traced number."""
    if isinstance(value, Tracer):
        return
    try:
        is_count = operator.index(value) > 0
    except TypeError:
        is_count = False
    if not is_count:
        raise ValueError(at_user_line(f"{name}={value!r:.40}: give a whole number of 1 or more"))
