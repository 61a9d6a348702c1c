"""What happened in the last steps of each copy of the environment, and what it was worth."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...transforms import scan
from ..spaces import ActionSpec, SpaceSpec, shape_and_dtype, zeros


class Rollout(NamedTuple):
    """Arrays of shape (steps, copies, ...)."""

    observation: Any
    action: Any
    log_prob: Any
    value: Any
    reward: Any
    ended: Any  # bool: the episode ended with this step, for whatever reason
    valid: Any  # bool: the environment did what the action says; None if it always does


def empty_rollout(
    observation: SpaceSpec, action: ActionSpec, n_steps: int, n_envs: int, dtype: Any,
    may_ignore_actions: bool = False,
) -> Rollout:  # fmt: skip
    """Return a rollout of zeros. Actions are those of the policy's distribution."""
    shape, action_dtype = shape_and_dtype(action)
    leading = (n_steps, n_envs)
    if action_dtype.kind == "f":
        action_dtype = np.dtype(dtype)
    elif action_dtype.kind == "i":
        action_dtype = np.dtype(np.int64)
    log_prob, value, reward = (np.zeros(leading, dtype) for _ in range(3))
    return Rollout(
        zeros(observation, leading), np.zeros((*leading, *shape), action_dtype), log_prob, value,
        reward, np.zeros(leading, np.bool_),
        np.zeros(leading, np.bool_) if may_ignore_actions else None,
    )  # fmt: skip


def generalized_advantages(
    rollout: Rollout, last_value: Any, gamma: float, gae_lambda: float
) -> tuple[Any, Any]:
    """Return advantages and returns by generalised advantage estimation.

    ``delta[t] = reward[t] + gamma * V[t+1] - V[t]`` and
    ``advantage[t] = delta[t] + gamma * lambda * advantage[t+1]``, where what follows the end of an
    episode counts as 0. The return is advantage plus value. If an episode was cut off by a time
    limit, its last reward must contain ``gamma * V`` of the state that it was cut off in.

    Parameters
    ----------
    rollout : Rollout
        Of shape (steps, copies).
    last_value : array of shape (copies,)
        The value of the observation after the last step.
    gamma, gae_lambda : float

    Returns
    -------
    advantages, returns : arrays of shape (steps, copies)

    References
    ----------
    J. Schulman, P. Moritz, S. Levine, M. Jordan, P. Abbeel: "High-dimensional continuous control
    using generalized advantage estimation", arXiv:1506.02438 (2015), equation 16.
    """
    dtype = rollout.value.dtype
    discount, decay = np.asarray(gamma, dtype), np.asarray(gamma * gae_lambda, dtype)

    def step(carry: Any, x: Any) -> Any:
        advantage, next_value = carry
        value, reward, ended = x
        goes_on = 1 - ended.astype(dtype)
        delta = reward + discount * next_value * goes_on - value
        advantage = delta + decay * goes_on * advantage
        return (advantage, value), advantage

    start = (np.zeros_like(last_value), last_value)
    columns = (rollout.value, rollout.reward, rollout.ended)
    _, advantages = scan(step, start, columns, reverse=True)
    return advantages, advantages + rollout.value
