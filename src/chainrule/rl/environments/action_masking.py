"""Observations that say which actions are possible, from environments of Gymnasium that know it."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from ...errors import UnsupportedError, at_user_line
from ..spaces import ACTION_MASK

OBSERVATION = "observation"


class ActionMasking(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Put what an environment says about possible actions into its observations.

    The observation becomes a dict of ``observation`` and ``action_mask``, 1 for each action that is
    possible, by which all algorithms of `chainrule.rl` go: an impossible action is never taken, and
    never counts. (A dict of your own with a part ``action_mask`` needs no wrapper.)

    Parameters
    ----------
    env : gymnasium.Env
        With a method ``action_masks()``, as sb3-contrib has it, or with ``info["action_mask"]``, as
        Gymnasium's Taxi has. Its actions are Discrete or MultiDiscrete.

    Raises
    ------
    UnsupportedError
        If it has neither, or other actions.

    References
    ----------
    S. Huang, S. Ontañón: "A closer look at invalid action masking in policy gradient algorithms",
    arXiv:2006.14171 (2020).

    Examples
    --------
    >>> import gymnasium
    >>> from chainrule import rl
    >>> env = rl.ActionMasking(gymnasium.make("Taxi-v4"))
    >>> observation, info = env.reset(seed=0)
    >>> observation["action_mask"].tolist() == info["action_mask"].tolist()
    True
    """

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        space = env.action_space
        if isinstance(space, spaces.Discrete):
            count = int(space.n)
        elif isinstance(space, spaces.MultiDiscrete):
            count = int(space.nvec.sum())
        else:
            raise UnsupportedError(
                at_user_line(f"actions of {space} have no masks: Discrete and MultiDiscrete have")
            )
        self._count = count
        self.observation_space = spaces.Dict(
            {OBSERVATION: env.observation_space, ACTION_MASK: spaces.MultiBinary(count)}
        )

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self._with_mask(observation, info), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take an action."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._with_mask(observation, info), reward, terminated, truncated, info

    def _with_mask(self, observation: Any, info: dict[str, Any]) -> dict[str, Any]:
        masks = getattr(self.env.unwrapped, "action_masks", None)
        mask = masks() if callable(masks) else info.get(ACTION_MASK)
        if mask is None:
            raise UnsupportedError(
                at_user_line(
                    f"{self.env} has no method action_masks and no {ACTION_MASK!r} in its info"
                )
            )
        if isinstance(mask, tuple):
            mask = np.concatenate(mask)
        return {OBSERVATION: observation, ACTION_MASK: np.asarray(mask, np.int8)}
