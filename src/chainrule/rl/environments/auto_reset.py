"""A step of a batch of copies, where episodes that end are followed by new ones at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import random, tree
from ...typing import Array
from .protocol import Environment, State

_STEP = -1  # the number folded into a key for its step


def auto_reset_step(
    environment: Environment[State], state: State, action: Any, keys: Any
) -> tuple[State, Any, Array, Array, Array, Any]:
    """Take a step in each copy, and reset the copies whose episode is over ("same-step autoreset").

    Both are computed for each copy and chosen by `np.where`, leaf by leaf, so under `jit` the whole
    is a few fused loops over the copies. `reset` gets the keys themselves, `step` keys folded from
    them.

    Parameters
    ----------
    environment : Environment
    state : tree of arrays of shape (n, ...)
    action : int64[n] or floats of shape (n, k)
    keys : uint32[n, 2]
        One for each copy, not used before.

    Returns
    -------
    state : tree of arrays
        Of new episodes where `terminated` or `truncated` is true.
    observation : array of shape (n, ...)
        Of that state: what the next action depends on.
    reward : floats of shape (n,)
    terminated, truncated : bool (n,)
    final_observation : array of shape (n, ...)
        Of the step itself, before any reset: what the value of a truncated episode depends on.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> from chainrule.rl.environments import CartPole
    >>> environment = CartPole(max_episode_steps=1)
    >>> first, second = random.split(random.key(0))
    >>> state, _ = environment.reset(random.split(first, 2))
    >>> keys, actions = random.split(second, 2), np.array([0, 1])
    >>> state, observation, reward, terminated, truncated, final_observation = auto_reset_step(
    ...     environment, state, actions, keys)
    >>> truncated.tolist(), state.steps.tolist()
    ([True, True], [0, 0])
    >>> print(final_observation[:, 1].round(2))  # velocities after a push to the left, and right
    [-0.24  0.23]
    """
    state, final_observation, reward, terminated, truncated = environment.step(
        state, action, random.fold_in(keys, _STEP)
    )
    state, observation = reset_where(
        environment, terminated | truncated, state, final_observation, keys
    )
    return state, observation, reward, terminated, truncated, final_observation


def reset_where(
    environment: Environment[State], done: Any, state: State, observation: Any, keys: Any
) -> tuple[State, Any]:
    """Start new episodes in some copies; the others stay as they are.

    Parameters
    ----------
    environment : Environment
    done : bool (n,)
        Where to reset.
    state : tree of arrays of shape (n, ...)
    observation : array of shape (n, ...), or tree of arrays
        That of `state`.
    keys : uint32[n, 2]
        One for each copy, not used before.

    Returns
    -------
    state, observation
        Of the new episodes, and as they were.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> from chainrule.rl.environments import CartPole
    >>> environment = CartPole()
    >>> state, observation = environment.reset(random.split(random.key(0), 2))
    >>> keys = random.split(random.key(1), 2)
    >>> _, new = reset_where(environment, np.array([True, False]), state, observation, keys)
    >>> (new == observation).all(axis=1).tolist()
    [False, True]
    """
    start = environment.reset(keys)
    new: tuple[State, Any] = tree.map(
        lambda new, old: where_rows(done, new, old), start, (state, observation)
    )
    return new


def where_rows(rows: Any, new: Any, old: Any) -> Any:
    """Choose whole rows of two arrays by bool (n,)."""
    return np.where(rows.reshape(-1, *(1,) * (new.ndim - 1)), new, old)
