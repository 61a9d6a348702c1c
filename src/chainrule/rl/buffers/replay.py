"""A replay buffer: the last transitions, of which batches are drawn. It never leaves the graph."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ... import tree
from ...random import uniform
from ...transforms import fori_loop
from ..spaces import SpaceSpec, zeros
from .writing import with_values


class Replay(NamedTuple):
    """Arrays of shape (capacity, copies, ...), written row by row, again from the first."""

    observation: Any
    next_observation: Any
    action: Any
    reward: Any
    terminated: Any
    ended: Any
    valid: Any  # None if the environment always does what the action says
    n_rows: Any  # written so far


class Transitions(NamedTuple):
    """A batch: what was seen, done and gained, and from where and how strongly to go on."""

    observation: Any
    action: Any
    reward: Any  # of n steps: discounted, added up
    next_observation: Any
    discount: Any  # gamma**n, and 0 where the episode is over
    weight: Any  # of each transition in the loss


def empty_replay(
    observation: SpaceSpec, action_shape: tuple[int, ...], action_dtype: Any, capacity: int,
    n_envs: int, dtype: Any, may_ignore_actions: bool = False,
) -> Replay:  # fmt: skip
    """Return a replay of no rows, whose memory is that of `capacity` rows."""
    leading = (capacity, n_envs)
    return Replay(
        zeros(observation, leading), zeros(observation, leading),
        np.zeros((*leading, *action_shape), action_dtype), np.zeros(leading, dtype),
        np.zeros(leading, np.bool_), np.zeros(leading, np.bool_),
        np.zeros(leading, np.bool_) if may_ignore_actions else None, np.int64(0),
    )  # fmt: skip


def with_row(replay: Replay, row: dict[str, Any]) -> Replay:
    """Return the replay with one more transition of each copy, over the oldest if it is full."""
    k = replay.n_rows % replay.reward.shape[0]
    return with_values(replay, k, row)._replace(n_rows=replay.n_rows + 1)


def cut_off(replay: Replay) -> Replay:
    """Return the replay with the newest transition of each copy as the last of its episode."""
    ended, capacity = replay.ended, replay.reward.shape[0]
    ended[(replay.n_rows - 1) % capacity] = True
    return replay._replace(ended=ended)


def n_stored(replay: Replay) -> Any:
    """Return how many rows there are, at most the capacity."""
    return np.minimum(replay.n_rows, replay.reward.shape[0])


def uniform_indices(replay: Replay, key: Any, batch_size: int) -> Any:
    """Draw transitions, all equally likely, as numbers ``row * copies + copy``."""
    count = n_stored(replay) * replay.reward.shape[1]
    unit = uniform(key, (batch_size,), np.float64)
    return np.minimum((unit * count).astype(np.int64), count - 1)


def transitions_at(
    replay: Replay, indices: Any, gamma: float, n_steps: int = 1, weight: Any = None
) -> Transitions:
    """Return the transitions of these numbers, over n steps.

    The reward of n steps is ``r[0] + gamma * r[1] + ...`` up to the end of the episode or the
    newest row, whichever comes first; the discount is gamma to the power of how many were added
    up, and 0 if the episode terminated. An episode that was cut off goes on from the observation
    that it was cut off at.

    References
    ----------
    R. S. Sutton: "Learning to predict by the methods of temporal differences", Machine Learning 3
    (1988).
    """
    capacity, n_envs = replay.reward.shape
    dtype = replay.reward.dtype
    if weight is None:
        weight = np.ones(indices.shape, dtype)

    def at(array: Any, numbers: Any) -> Any:
        return np.take(array.reshape(capacity * n_envs, *array.shape[2:]), numbers, axis=0)

    if replay.valid is not None:
        weight = np.where(at(replay.valid, indices), weight, 0)
    observation = tree.map(lambda x: at(x, indices), replay.observation)
    action = at(replay.action, indices)
    if n_steps == 1:
        last, reward = indices, at(replay.reward, indices)
        discount = np.asarray(gamma, dtype)
    else:
        newest = (replay.n_rows - 1) % capacity

        def add(k: Any, carry: Any) -> Any:
            last, reward, factor = carry
            row = last // n_envs
            stops = at(replay.ended, last) | (row == newest)
            following = (row + 1) % capacity * n_envs + last % n_envs
            new = np.where(stops, last, following)
            gain = np.where(stops, 0, factor * at(replay.reward, new))
            return new, reward + gain, np.where(stops, factor, factor * np.asarray(gamma, dtype))

        start = (indices, at(replay.reward, indices), np.full(indices.shape, gamma, dtype))
        last, reward, discount = fori_loop(1, n_steps, add, start)
    terminated = at(replay.terminated, last)
    discount = np.where(terminated, np.asarray(0, dtype), discount)
    next_observation = tree.map(lambda x: at(x, last), replay.next_observation)
    return Transitions(observation, action, reward, next_observation, discount, weight)
