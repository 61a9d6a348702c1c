"""Averages of the parameters during training, which often predict better than the last ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from .leaves import cast_like
from .schedules import check_number


class Averager(NamedTuple):
    """Two pure functions.

    Attributes
    ----------
    init : callable
        ``init(params) -> state``, an `Average`.
    update : callable
        ``update(params, state) -> state``, once after each step.
    """

    init: Callable[[Any], Average]
    update: Callable[[Any, Average], Average]


class Average(NamedTuple):
    """State of `exponential_moving_average`; `params` are the averaged parameters."""

    step: Any
    params: Any


def exponential_moving_average(decay: float = 0.999) -> Averager:
    """Average all parameters so far, each weighted by ``decay**(steps since)``.

    The weights add up to 1 from the first step on, so that no starting value has to be forgotten:
    ``average += (1 - decay) / (1 - decay**t) * (params - average)`` at update number t.

    Parameters
    ----------
    decay : float
        In ``0 ... 1``: the average reaches about ``1 / (1 - decay)`` steps back. Default 0.999.

    References
    ----------
    B. T. Polyak, A. B. Juditsky: "Acceleration of stochastic approximation by averaging", SIAM
    Journal on Control and Optimization 30 (1992); the correction of the weights is that of
    D. P. Kingma, J. Ba: "Adam: a method for stochastic optimization", arXiv:1412.6980 (2014).

    Examples
    --------
    >>> average = exponential_moving_average(0.5)
    >>> state = average.init(0.0)
    >>> for w in (1.0, 4.0, 2.0):
    ...     state = average.update(w, state)
    ...     print(round(float(state.params), 4))
    1.0
    3.0
    2.4286
    """
    check_number("decay", decay, below=1.0)
    # 1 at first, 1 - decay in the end
    return _averager(lambda step: (1.0 - decay) / (1.0 - decay**step))


def ramped_moving_average(decay: Any = 0.999) -> Averager:
    """Average all parameters from the first on, at first over a tenth of the steps so far.

    ``average += (1 - d) * (params - average)`` with ``d = min(decay, t / (t + 9))`` at update
    number t, as TensorFlow's `ExponentialMovingAverage` does: the average begins as the parameters
    that `init` is given, and forgets them soon.

    Parameters
    ----------
    decay : float
        In ``0 ... 1``. Default 0.999.

    Examples
    --------
    >>> average = ramped_moving_average(0.5)
    >>> state = average.init(0.0)
    >>> for w in (1.0, 1.0):
    ...     state = average.update(w, state)
    ...     print(round(float(state.params), 4))
    0.9
    0.9818
    """
    check_number("decay", decay, below=1.0)
    return _averager(lambda step: 1.0 - np.minimum(decay, step / (step + 9.0)))


def _averager(weight: Callable[[Any], Any]) -> Averager:
    """Return an averager with ``average += weight(t) * (params - average)`` at update t.

    In this form, unlike in a sum of two products, constant parameters do not change by rounding.
    """

    def init(params: Any) -> Average:
        return Average(np.int32(0), params)

    def update(params: Any, state: Average) -> Average:
        step = state.step + 1
        share = weight(step)

        def averaged(average: Any, new: Any) -> Any:
            return average + cast_like(share, average) * (cast_like(new, average) - average)

        return Average(step, tree.map(averaged, state.params, params))

    return Averager(init, update)
