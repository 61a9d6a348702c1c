"""Optimisers: ``init(params) -> state`` and ``update(grads, state, params) -> (updates, state)``.

Moments have their parameter's dtype; rates and bias corrections are scalars in float64 that are
cast to it, so a float32 model stays one. Nothing here asks an array for its numbers: a step can
be traced, scanned and differentiated, by the rate as well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..errors import at_user_line
from ..trace.operands import is_plain_number
from .leaves import like, running, scaled, zeros
from .schedules import as_schedule, check_number


class Optimizer(NamedTuple):
    """Two pure functions.

    Attributes
    ----------
    init : callable
        ``init(params) -> state``, a pytree of arrays.
    update : callable
        ``update(grads, state, params=None) -> (updates, state)``; `updates` are what
        `apply_updates` adds to the parameters.
    """

    init: Callable[[Any], Any]
    update: Callable[..., tuple[Any, Any]]


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


def apply_updates(params: Any, updates: Any) -> Any:
    """``params + updates``, each parameter in its own dtype.

    Examples
    --------
    >>> import numpy as np
    >>> apply_updates({"w": np.float32([1.0, 2.0])}, {"w": np.array([0.5, -0.5])})
    {'w': array([1.5, 1.5], dtype=float32)}
    """
    return tree.map(lambda p, u: p + like(u, p), params, updates)


def sgd(learning_rate: Any, momentum: float = 0.0, nesterov: bool = False) -> Optimizer:
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
    heavy = not (is_plain_number(momentum) and momentum == 0)
    if nesterov and not heavy:
        raise ValueError(at_user_line("nesterov=True needs a momentum, such as momentum=0.9"))

    def init(params: Any) -> SGDState:
        return SGDState(np.int32(0), zeros(params) if heavy else None)

    def update(grads: Any, state: SGDState, params: Any = None) -> tuple[Any, SGDState]:
        velocity, direction = None, grads
        if heavy:
            velocity = tree.map(lambda v, g: momentum * v + like(g, v), state.velocity, grads)
            direction = velocity
            if nesterov:
                direction = tree.map(lambda v, g: like(g, v) + momentum * v, velocity, grads)
        updates = scaled(-schedule(state.count), direction)
        return updates, SGDState(state.count + 1, velocity)

    return Optimizer(init, update)


def rmsprop(learning_rate: Any = 1e-3, decay: float = 0.9, eps: float = 1e-8) -> Optimizer:
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

    def init(params: Any) -> RMSPropState:
        return RMSPropState(np.int32(0), zeros(params))

    def update(grads: Any, state: RMSPropState, params: Any = None) -> tuple[Any, RMSPropState]:
        square = tree.map(lambda s, g: running(decay, s, g * g), state.square, grads)
        direction = tree.map(lambda s, g: like(g, s) / (np.sqrt(s) + eps), square, grads)
        return scaled(-schedule(state.count), direction), RMSPropState(state.count + 1, square)

    return Optimizer(init, update)


def adam(
    learning_rate: Any = 1e-3, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8
) -> Optimizer:
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

    References
    ----------
    D. P. Kingma, J. Ba: "Adam: a method for stochastic optimization", arXiv:1412.6980 (2014).

    Examples
    --------
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
    return adamw(learning_rate, b1, b2, eps, weight_decay=0.0)


def adamw(
    learning_rate: Any = 1e-3,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> Optimizer:
    """`adam` with decoupled weight decay.

    Each update of a parameter p is that of `adam` less ``learning_rate * weight_decay * p``.

    Parameters
    ----------
    learning_rate : float or schedule
        Default 0.001.
    b1, b2, eps : float
        As for `adam`.
    weight_decay : float
        Default 0.01, on every parameter. `update` then needs the parameters.

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
    decays = not (is_plain_number(weight_decay) and weight_decay == 0)

    def init(params: Any) -> AdamState:
        return AdamState(np.int32(0), zeros(params), zeros(params))

    def update(grads: Any, state: AdamState, params: Any = None) -> tuple[Any, AdamState]:
        step = state.count + 1
        mean = tree.map(lambda m, g: running(b1, m, g), state.mean, grads)
        square = tree.map(lambda s, g: running(b2, s, g * g), state.square, grads)
        step_size = schedule(state.count)
        # m_hat / (sqrt(s_hat) + eps) = root / c1 * m / (sqrt(s) + root * eps), root = sqrt(c2):
        # two scalars in place of two divisions an entry
        root = np.sqrt(1.0 - b2**step)
        size = step_size * root / (1.0 - b1**step)
        updates = scaled(
            -size, tree.map(lambda m, s: m / (np.sqrt(s) + like(root * eps, s)), mean, square)
        )
        if decays:
            if params is None:
                raise TypeError(
                    at_user_line("weight decay needs the parameters: update(grads, state, params)")
                )
            updates = apply_updates(updates, scaled(-step_size * weight_decay, params))
        return updates, AdamState(step, mean, square)

    return Optimizer(init, update)


def clip_by_global_norm(max_norm: float) -> Optimizer:
    """Scale all gradients by one factor so that their global norm is at most `max_norm`.

    Parameters
    ----------
    max_norm : float
        The largest norm; positive.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio: "On the difficulty of training recurrent neural networks",
    arXiv:1211.5063 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> clip = clip_by_global_norm(1.0)
    >>> updates, _ = clip.update({"a": np.array([3.0]), "b": np.array([4.0])}, clip.init(None))
    >>> {name: x.round(6).tolist() for name, x in updates.items()}
    {'a': [0.6], 'b': [0.8]}
    """
    _check_positive("max_norm", max_norm)

    def update(grads: Any, state: None, params: Any = None) -> tuple[Any, None]:
        # exactly 1 up to the limit, and no division by 0
        return scaled(max_norm / np.maximum(global_norm(grads), max_norm), grads), None

    return Optimizer(lambda params: None, update)


def clip(max_delta: float) -> Optimizer:
    """Clip every entry of every gradient to ``-max_delta ... max_delta``.

    The direction of the whole gradient may change; `clip_by_global_norm` keeps it.

    Parameters
    ----------
    max_delta : float
        The largest size of an entry; positive.

    References
    ----------
    T. Mikolov: "Statistical language models based on neural networks" (2012).

    Examples
    --------
    >>> import numpy as np
    >>> optimizer = clip(1.0)
    >>> gradients = {"a": np.array([3.0, -0.5]), "b": -4.0}
    >>> updates, _ = optimizer.update(gradients, optimizer.init(None))
    >>> updates["a"].tolist(), float(updates["b"])
    ([1.0, -0.5], -1.0)
    """
    _check_positive("max_delta", max_delta)

    def update(grads: Any, state: None, params: Any = None) -> tuple[Any, None]:
        return tree.map(lambda g: np.clip(g, like(-max_delta, g), like(max_delta, g)), grads), None

    return Optimizer(lambda params: None, update)


def global_norm(grads: Any) -> Any:
    """The root of the sum of all squares of a tree, in float64: float32 squares soon overflow.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(global_norm([np.float32([3e30]), np.float32([4e30])])) / 1e30, 6)
    5.0
    """
    squares = [np.sum(np.square(like(g, np.float64(0)))) for g in tree.leaves(grads)]
    return np.sqrt(reduce(add, squares, np.float64(0)))


def chain(*optimizers: Optimizer) -> Optimizer:
    """One after another: each receives the former's updates as gradients.

    Examples
    --------
    >>> optimizer = chain(clip_by_global_norm(1.0), sgd(0.1))
    >>> updates, state = optimizer.update(50.0, optimizer.init(2.0))
    >>> round(float(updates), 6)
    -0.1
    """

    def init(params: Any) -> tuple[Any, ...]:
        return tuple(each.init(params) for each in optimizers)

    def update(grads: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        after = []
        for each, its_state in zip(optimizers, state, strict=True):
            grads, its_state = each.update(grads, its_state, params)
            after.append(its_state)
        return grads, tuple(after)

    return Optimizer(init, update)


def _check_positive(name: str, value: Any) -> None:
    check_number(name, value)
    if is_plain_number(value) and value == 0:
        raise ValueError(at_user_line(f"{name}=0: give a positive number"))
