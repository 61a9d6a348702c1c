"""Optimisers: ``init(params) -> state`` and ``update(grads, state, params) -> (updates, state)``.

Moments have their parameter's dtype; rates and bias corrections are scalars in float64 that are
cast to it, so a float32 model stays one. Nothing here depends on the values of arrays: a step can
be traced, scanned and differentiated, also by the learning rate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..errors import at_user_line
from ..trace.operands import is_plain_number
from .leaves import cast_like, running_mean, scale_leaves, zeros
from .schedules import as_schedule, check_number
from .transforms import Optimizer, trace, with_decay


class SGDState(NamedTuple):
    """State of `sgd`."""

    count: Any
    velocity: Any


class RMSPropState(NamedTuple):
    """State of `rmsprop`."""

    count: Any
    square: Any


class AdamState(NamedTuple):
    """State of `adam` and `adamw`."""

    count: Any
    mean: Any
    square: Any


def sgd(learning_rate: Any, momentum: float = 0.0, nesterov: bool = False) -> Optimizer[SGDState]:
    """Stochastic gradient descent, with Polyak's or Nesterov's momentum.

    ``v = momentum * v + g``; the update is ``-learning_rate * v``, or with `nesterov`
    ``-learning_rate * (g + momentum * v)``.

    Parameters
    ----------
    learning_rate : float or schedule
    momentum : float
        In ``0 ... 1``. Default 0, plain gradient descent.
    nesterov : bool
        Default False.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl, G. Hinton: "On the importance of initialization and
    momentum in deep learning" (2013).

    Examples
    --------
    >>> from chainrule.optim import apply_updates
    >>> optimizer = sgd(0.1, momentum=0.9)
    >>> w, state = 1.0, optimizer.init(1.0)
    >>> for _ in range(3):  # on w**2, whose gradient is 2 w
    ...     updates, state = optimizer.update(2.0 * w, state)
    ...     w = apply_updates(w, updates)
    ...     print(round(float(w), 4))
    0.8
    0.46
    0.062
    """
    schedule = as_schedule(learning_rate)
    check_number("momentum", momentum, below=1.0)
    has_momentum = not (is_plain_number(momentum) and momentum == 0)
    if nesterov and not has_momentum:
        raise ValueError(at_user_line("nesterov=True needs a momentum, such as momentum=0.9"))

    def init(params: Any) -> SGDState:
        return SGDState(np.int32(0), zeros(params) if has_momentum else None)

    def update(grads: Any, state: SGDState, params: Any = None) -> tuple[Any, SGDState]:
        velocity, direction = None, grads
        if has_momentum:
            direction, velocity = accumulate.update(grads, state.velocity)
        updates = scale_leaves(-schedule(state.count), direction)
        return updates, SGDState(state.count + 1, velocity)

    accumulate = trace(momentum, nesterov)
    return Optimizer(init, update)


def rmsprop(
    learning_rate: Any = 1e-3, decay: float = 0.9, eps: float = 1e-8, *, scale_first: bool = False,
    eps_in_sqrt: bool = False, initial_scale: float = 0.0,
) -> Optimizer[RMSPropState]:  # fmt: skip
    """Steps divided by a running root mean square of the gradient.

    ``s = decay * s + (1 - decay) * g**2``; the update is ``-learning_rate * g / (sqrt(s) + eps)``.

    Parameters
    ----------
    learning_rate : float or schedule
        Default 0.001.
    decay : float
        In ``0 ... 1``. Default 0.9.
    eps : float
        Default 1e-8.
    scale_first : bool
        Whether the learning rate multiplies the gradient before the division, or the quotient;
        the results are equal but for rounding. Default False.
    eps_in_sqrt : bool
        Whether to divide by ``sqrt(s + eps)``, as TensorFlow does. Default False.
    initial_scale : float
        What the squares begin with; TensorFlow's begin with 1. Default 0.

    References
    ----------
    T. Tieleman, G. Hinton: "Lecture 6.5: rmsprop", Neural networks for machine learning (2012).

    Examples
    --------
    >>> optimizer = rmsprop(0.1, decay=0.75)
    >>> updates, state = optimizer.update(4.0, optimizer.init(1.0))
    >>> round(float(updates), 6), float(state.square)
    (-0.2, 4.0)
    """
    schedule = as_schedule(learning_rate)
    check_number("decay", decay, below=1.0)
    check_number("eps", eps)
    check_number("initial_scale", initial_scale)

    def root(s: Any) -> Any:
        return np.sqrt(s + cast_like(eps, s)) if eps_in_sqrt else np.sqrt(s) + cast_like(eps, s)

    def init(params: Any) -> RMSPropState:
        square = tree.map(lambda s: s + cast_like(initial_scale, s), zeros(params))
        return RMSPropState(np.int32(0), square)

    def update(grads: Any, state: RMSPropState, params: Any = None) -> tuple[Any, RMSPropState]:
        square = tree.map(lambda s, g: running_mean(decay, s, g * g), state.square, grads)
        roots = tree.map(root, square)
        updates = _quotients(-schedule(state.count), grads, roots, scale_first)
        return updates, RMSPropState(state.count + 1, square)

    return Optimizer(init, update)


def adam(
    learning_rate: Any = 1e-3,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    *,
    epsilon_hat: bool = False,
) -> Optimizer[AdamState]:
    """Steps along the running mean of the gradient over its running root mean square.

    ``m = b1 * m + (1 - b1) * g`` and ``s = b2 * s + (1 - b2) * g**2``; update number t is
    ``-learning_rate * m_hat / (sqrt(s_hat) + eps)`` with ``m_hat = m / (1 - b1**t)`` and
    ``s_hat = s / (1 - b2**t)``.

    Parameters
    ----------
    learning_rate : float or schedule
        Default 0.001.
    b1, b2 : float
        In ``0 ... 1``. Default 0.9 and 0.999.
    eps : float
        Default 1e-8.
    epsilon_hat : bool
        Whether to add `eps` to ``sqrt(s)`` and not to ``sqrt(s_hat)``, as scikit-learn and Keras
        do: the form before section 2.1 of the paper, ``-learning_rate * sqrt(1 - b2**t) /
        (1 - b1**t) * m / (sqrt(s) + eps)``, computed from left to right. Default False.

    References
    ----------
    D. P. Kingma, J. Ba: "Adam: a method for stochastic optimization", arXiv:1412.6980 (2014).

    Examples
    --------
    >>> from chainrule.optim import apply_updates
    >>> optimizer = adam(0.1)
    >>> w, state = 1.0, optimizer.init(1.0)
    >>> for _ in range(3):  # on w**2, whose gradient is 2 w
    ...     updates, state = optimizer.update(2.0 * w, state)
    ...     w = apply_updates(w, updates)
    ...     print(round(float(w), 4))
    0.9
    0.8004
    0.7016
    """
    return adamw(learning_rate, b1, b2, eps, weight_decay=0.0, epsilon_hat=epsilon_hat)


def adamw(
    learning_rate: Any = 1e-3,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    *,
    epsilon_hat: bool = False,
) -> Optimizer[AdamState]:
    """`adam` with decoupled weight decay.

    Each update of a parameter p is that of `adam` less ``learning_rate * weight_decay * p``.

    Parameters
    ----------
    learning_rate : float or schedule
        Default 0.001.
    b1, b2, eps : float
        As for `adam`.
    weight_decay : float
        Default 0.01, on every parameter. `update` then needs the parameters. To spare some of
        them, give 0 here and apply `decay_weights` before the updates.
    epsilon_hat : bool
        As for `adam`.

    References
    ----------
    I. Loshchilov, F. Hutter: "Decoupled weight decay regularization", arXiv:1711.05101 (2017).

    Examples
    --------
    >>> optimizer = adamw(0.1, weight_decay=0.5)
    >>> updates, _ = optimizer.update(2.0, optimizer.init(1.0), 1.0)
    >>> round(float(updates), 6)  # -0.1 of Adam, -0.1 * 0.5 * 1.0 of the decay
    -0.15
    """
    schedule = as_schedule(learning_rate)
    check_number("b1", b1, below=1.0)
    check_number("b2", b2, below=1.0)
    check_number("eps", eps)
    check_number("weight_decay", weight_decay)

    def init(params: Any) -> AdamState:
        return AdamState(np.int32(0), zeros(params), zeros(params))

    def update(grads: Any, state: AdamState, params: Any = None) -> tuple[Any, AdamState]:
        step = state.count + 1
        mean = tree.map(lambda m, g: running_mean(b1, m, g), state.mean, grads)
        square = tree.map(lambda s, g: running_mean(b2, s, g * g), state.square, grads)
        step_size = schedule(state.count)
        # m_hat / (sqrt(s_hat) + eps) = root / c1 * m / (sqrt(s) + root * eps), root = sqrt(c2):
        # two scalars in place of two divisions an entry
        root = np.sqrt(1.0 - b2**step)
        size = step_size * root / (1.0 - b1**step)
        floor = eps if epsilon_hat else root * eps
        roots = tree.map(lambda s: np.sqrt(s) + cast_like(floor, s), square)
        updates = _quotients(-size, mean, roots, scale_first=epsilon_hat)
        updates = with_decay(updates, step_size, weight_decay, params)
        return updates, AdamState(step, mean, square)

    return Optimizer(init, update)


def _quotients(factor: Any, numerators: Any, denominators: Any, scale_first: bool) -> Any:
    """``factor * numerator / denominator``, from left to right or the quotient first."""
    if scale_first:
        return tree.map(
            lambda d, n: cast_like(factor, d) * cast_like(n, d) / d, denominators, numerators
        )
    return scale_leaves(
        factor, tree.map(lambda d, n: cast_like(n, d) / d, denominators, numerators)
    )
