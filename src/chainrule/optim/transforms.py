"""Optimizers as pairs of functions, and the gradient transformations that they are chained from.

Nothing here depends on the values of arrays, so a step can be traced, scanned and differentiated.
Settings such as learning rates may be traced arrays, so that a new value needs no new program.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from .. import tree
from ..errors import at_user_line
from ..trace.operands import is_plain_number
from ..typing import Array
from .leaves import cast_like, scale_leaves, zeros
from .schedules import as_schedule, check_number

P = TypeVar("P")  # a tree of parameters
S = TypeVar("S")


class Optimizer(NamedTuple, Generic[S]):
    """A pair of pure functions.

    Attributes
    ----------
    init : callable
        ``init(params) -> state``, a pytree of arrays.
    update : callable
        ``update(grads, state, params=None) -> (updates, state)``; `updates` are what
        `apply_updates` adds to the parameters.
    """

    init: Callable[[Any], S]
    update: Callable[..., tuple[Any, S]]


def chain(*optimizers: Optimizer[Any]) -> Optimizer[tuple[Any, ...]]:
    """Apply transformations in sequence: each receives the updates of the one before as gradients.

    Examples
    --------
    >>> optimizer = chain(clip_by_global_norm(1.0), scale_by_learning_rate(0.1))
    >>> updates, state = optimizer.update(50.0, optimizer.init(2.0))
    >>> round(float(updates), 6)
    -0.1
    """

    def init(params: Any) -> tuple[Any, ...]:
        return tuple(optimizer.init(params) for optimizer in optimizers)

    def update(grads: Any, state: Any, params: Any = None) -> tuple[Any, Any]:
        states = []
        for optimizer, inner_state in zip(optimizers, state, strict=True):
            grads, inner_state = optimizer.update(grads, inner_state, params)
            states.append(inner_state)
        return grads, tuple(states)

    return Optimizer(init, update)


def apply_updates(params: P, updates: Any) -> P:
    """``params + updates``, each parameter in its own dtype.

    Examples
    --------
    >>> import numpy as np
    >>> apply_updates({"w": np.float32([1.0, 2.0])}, {"w": np.array([0.5, -0.5])})
    {'w': array([1.5, 1.5], dtype=float32)}
    """
    new: P = tree.map(lambda p, u: p + cast_like(u, p), params, updates)
    return new


def decay_weights(params: P, amount: Any, mask: Any = True) -> P:
    """``params * (1 - amount)``: decoupled weight decay, to be followed by `apply_updates`.

    Parameters
    ----------
    params : tree of arrays
    amount : float
        The learning rate times the weight decay.
    mask : bool or tree of bool
        Whether parameters decay: one value, or one for each. Default True, all.

    References
    ----------
    I. Loshchilov, F. Hutter: "Decoupled weight decay regularization", arXiv:1711.05101 (2017).

    Examples
    --------
    >>> decay_weights({"weight": 2.0, "bias": 2.0}, 0.25, {"weight": True, "bias": False})
    {'weight': 1.5, 'bias': 2.0}
    """
    remaining = 1.0 - amount
    if isinstance(mask, bool):
        mask = tree.map(lambda _: mask, params)
    smaller: P = tree.map(
        lambda p, decayed: cast_like(remaining, p) * p if decayed else p, params, mask
    )
    return smaller


def with_decay(updates: Any, step_size: Any, weight_decay: Any, params: Any) -> Any:
    """Updates less ``step_size * weight_decay * params``, if there is any weight decay."""
    if is_plain_number(weight_decay) and weight_decay == 0:
        return updates
    if params is None:
        raise TypeError(
            at_user_line("weight decay needs the parameters: update(grads, state, params)")
        )
    return apply_updates(updates, scale_leaves(-step_size * weight_decay, params))


def scale_by_learning_rate(learning_rate: Any) -> Optimizer[Any]:
    """Multiply by ``-learning_rate``, for a `chain`.

    Parameters
    ----------
    learning_rate : float or schedule

    Examples
    --------
    >>> scale = scale_by_learning_rate(0.5)
    >>> updates, _ = scale.update(4.0, scale.init(1.0))
    >>> float(updates)
    -2.0
    """
    schedule = as_schedule(learning_rate)

    def update(grads: Any, step: Any, params: Any = None) -> tuple[Any, Any]:
        return scale_leaves(-schedule(step), grads), step + 1

    return Optimizer(lambda params: np.int32(0), update)


def trace(decay: Any = 0.9, nesterov: bool = False) -> Optimizer[Any]:
    """Accumulate updates: ``v = decay * v + u``, and with `nesterov` return ``decay * v + u``.

    After `scale_by_learning_rate` it is the momentum of scikit-learn and Keras, in which a step
    keeps the learning rate that it was taken with. `sgd` is PyTorch's momentum, in which the
    current learning rate scales the whole velocity.

    Parameters
    ----------
    decay : float
        Default 0.9.
    nesterov : bool
        Default False.

    Examples
    --------
    >>> optimizer = chain(scale_by_learning_rate(0.1), trace(0.9))
    >>> w, state = 1.0, optimizer.init(1.0)
    >>> for _ in range(3):  # on w**2, whose gradient is 2 w
    ...     updates, state = optimizer.update(2.0 * w, state)
    ...     w = apply_updates(w, updates)
    ...     print(round(float(w), 4))
    0.8
    0.46
    0.062
    """
    check_number("decay", decay)

    def accumulate(v: Any, u: Any) -> Any:
        return cast_like(decay, v) * v + cast_like(u, v)

    def update(updates: Any, velocity: Any, params: Any = None) -> tuple[Any, Any]:
        velocity = tree.map(accumulate, velocity, updates)
        return tree.map(accumulate, velocity, updates) if nesterov else velocity, velocity

    return Optimizer(zeros, update)


def clip_by_global_norm(max_norm: float, member_axes: int = 0) -> Optimizer[None]:
    """Scale all gradients by one factor so that their global norm is at most `max_norm`.

    Parameters
    ----------
    max_norm : float
        The largest norm; positive.
    member_axes : int
        The number of leading axes, common to all arrays, that enumerate networks trained side by
        side; each network has its own norm and factor. Default 0.

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
        factor = max_norm / np.maximum(global_norm(grads, member_axes), max_norm)
        if not member_axes:
            return scale_leaves(factor, grads), None

        def scale_members(g: Any) -> Any:
            ones = (1,) * (g.ndim - member_axes)
            return cast_like(factor, g).reshape(factor.shape + ones) * g

        return tree.map(scale_members, grads), None

    return Optimizer(lambda params: None, update)


def clip(max_delta: float) -> Optimizer[None]:
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
        return tree.map(
            lambda g: np.clip(g, cast_like(-max_delta, g), cast_like(max_delta, g)), grads
        ), None

    return Optimizer(lambda params: None, update)


def global_norm(grads: Any, member_axes: int = 0) -> Array:
    """The Euclidean norm of all entries of a tree, in float64, where squares do not overflow.

    Parameters
    ----------
    grads : tree of arrays
    member_axes : int
        The number of leading axes to keep; see `clip_by_global_norm`. Default 0.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(global_norm([np.float32([3e30]), np.float32([4e30])])) / 1e30, 6)
    5.0
    """
    squares = [
        np.sum(np.square(cast_like(g, np.float64(0))), axis=tuple(range(member_axes, np.ndim(g))))
        for g in tree.leaves(grads)
    ]
    return np.sqrt(reduce(add, squares, np.float64(0)))


def _check_positive(name: str, value: Any) -> None:
    check_number(name, value)
    if is_plain_number(value) and value == 0:
        raise ValueError(at_user_line(f"{name}=0: give a positive number"))
