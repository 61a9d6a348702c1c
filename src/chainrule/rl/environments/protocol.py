"""What an environment is: two pure functions, written for a batch of copies."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from ... import tree
from ...errors import UnsupportedError
from ...typing import Array

State = TypeVar("State")
Step = tuple[State, Any, Any, Any, Any]

FLOAT_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


class Environment(Generic[State]):
    """The base class of environments: settings, two spaces, and the pure functions of n copies.

    An environment holds no state. `reset` makes one for each key, and `step` makes the next of it;
    both are plain NumPy code that `chainrule.jit` and `chainrule.scan` trace, so they choose by
    `np.where` rather than by ``if``. Copies do not know of each other: row k of all results depends
    on row k of the arguments alone. `check_environment` checks that.

    A subclass is a frozen dataclass of its settings, hence hashable. Two of them are usual:
    `max_episode_steps`, the time limit (``None`` for none), and `dtype`, that of all floats,
    float32 or float64. `observation_space` and `action_space` are spaces of Gymnasium, those of a
    single copy.

    ``reset(key) -> (state, observation)``
        ``key`` is uint32[n, 2], one key a copy. The state is a tree (a named tuple, a dict) of
        arrays whose leading axis is n. The observation has the shape (n, ...) and the dtype of the
        observation space.
    ``step(state, action, key) -> (state, observation, reward, terminated, truncated)``
        ``action`` is int64[n] for a discrete space, in its own numbering, and floats of shape
        (n, k) for a box. ``reward`` is (n,) of the environment's dtype; ``terminated`` (the episode
        is over: nothing follows) and ``truncated`` (it is cut off, by a time limit that the state
        counts) are bool (n,). Where both are true, the episode is over. `step` does not reset:
        `auto_reset_step` does. Actions that are not of the space are not looked for, as compiled
        code cannot raise; the adapters to Gymnasium do.

    Examples
    --------
    A walk on the numbers 0 to 4, that pays 1 for the last one:

    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from gymnasium.spaces import Box, Discrete
    >>> from chainrule import random
    >>> @dataclass(frozen=True)
    ... class Walk(Environment):
    ...     max_episode_steps: int | None = 20
    ...     dtype: object = np.float32
    ...     observation_space = Box(0.0, 4.0, (1,))
    ...     action_space = Discrete(2)
    ...
    ...     def reset(self, key):
    ...         position = random.randint(key, (), 1, 4)
    ...         state = {"position": position, "steps": np.zeros_like(position)}
    ...         return state, self.observe(state)
    ...
    ...     def step(self, state, action, key):
    ...         position = state["position"] + np.where(action == 1, 1, -1)
    ...         state = {"position": position, "steps": state["steps"] + 1}
    ...         terminated = (position <= 0) | (position >= 4)
    ...         reward = (position >= 4).astype(self.dtype)
    ...         return (state, self.observe(state), reward, terminated,
    ...                 self.out_of_time(state["steps"]))
    ...
    ...     def observe(self, state):
    ...         return state["position"].astype(self.dtype)[:, None]
    >>> walk = Walk()
    >>> state, observation = walk.reset(random.split(random.key(16), 3))
    >>> observation.ravel().tolist()
    [1.0, 2.0, 3.0]
    >>> state, observation, reward, terminated, truncated = walk.step(
    ...     state, np.array([0, 1, 1]), random.split(random.key(1), 3))
    >>> observation.ravel().tolist(), reward.tolist(), terminated.tolist()
    ([0.0, 3.0, 4.0], [0.0, 0.0, 1.0], [True, False, True])
    """

    render_fps: ClassVar[int] = 30
    max_episode_steps: int | None
    dtype: Any
    observation_space: Any
    action_space: Any

    def __post_init__(self) -> None:
        self.check_settings()

    def check_settings(self) -> None:
        """Raise if the time limit or the dtype is none; called by the dataclass when it is made."""
        limit = self.max_episode_steps
        whole = isinstance(limit, (int, np.integer)) and not isinstance(limit, bool)
        if limit is not None and not (whole and limit >= 1):
            raise ValueError(
                f"{type(self).__name__}: max_episode_steps={limit!r}: give 1 or more, or None"
            )
        if np.dtype(self.dtype) not in FLOAT_DTYPES:
            raise ValueError(f"{type(self).__name__}: dtype={self.dtype!r}: give float32 or 64")
        object.__setattr__(self, "dtype", np.dtype(self.dtype))  # one hash for all its spellings

    @property
    def reward_threshold(self) -> float | None:
        """The mean return of an episode from which the task counts as solved; None if none is
        agreed on."""
        return None

    def reset(self, key: Any) -> tuple[State, Any]:
        """Start an episode in each of n copies; see the class."""
        raise NotImplementedError

    def step(self, state: State, action: Any, key: Any) -> Step[State]:
        """Take an action in each of n copies; see the class."""
        raise NotImplementedError

    def success(self, state: State) -> Any:
        """Return bool (n,): where the last step reached the goal; None where no goal is defined."""
        return None

    def out_of_time(self, steps: Any) -> Any:
        """Return where the number of steps, an integer array, has reached the time limit."""
        if self.max_episode_steps is None:
            return np.zeros(steps.shape, np.bool_)
        return steps >= self.max_episode_steps

    def render(self, state_row: State) -> Array:
        """Draw one copy, whose state `state_at` takes, as a picture uint8[height, width, 3]."""
        raise UnsupportedError(f"{type(self).__name__} has no pictures: define render(state_row)")

    def render_text(self, state_row: State) -> str:
        """Draw one copy, whose state `state_at` takes, in characters."""
        raise UnsupportedError(f"{type(self).__name__} has no text: define render_text(state_row)")

    @property
    def render_modes(self) -> tuple[str, ...]:
        """Those of Gymnasium that this environment has: of ``rgb_array`` and ``ansi``."""
        methods = {"rgb_array": "render", "ansi": "render_text"}
        return tuple(
            mode
            for mode, name in methods.items()
            if getattr(type(self), name) is not getattr(Environment, name)
        )


def state_at(state: State, row: int) -> State:
    """Return the state of one copy: each leaf without its leading axis.

    Parameters
    ----------
    state : tree of arrays of shape (n, ...)
    row : int

    Returns
    -------
    tree of arrays of shape (...)

    Examples
    --------
    >>> import numpy as np
    >>> state_at({"x": np.array([1.0, 2.0])}, 1)
    {'x': np.float64(2.0)}
    """
    row_state: State = tree.map(lambda leaf: leaf[row], state)
    return row_state
