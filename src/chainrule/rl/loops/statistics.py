"""Returns and lengths of episodes, counted inside of a loop."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

WINDOW = 100  # episodes whose mean return is reported


class EpisodeStatistics(NamedTuple):
    """Running sums of each copy, and the last episodes that ended."""

    returns: Any  # (n,)
    lengths: Any  # (n,)
    last_returns: Any  # (WINDOW + 1,): the last entry is written for copies that go on
    last_lengths: Any
    n_episodes: Any


def no_episodes(n_envs: int) -> EpisodeStatistics:
    """Return the statistics of the start."""
    return EpisodeStatistics(
        np.zeros(n_envs), np.zeros(n_envs, np.int64), np.zeros(WINDOW + 1),
        np.zeros(WINDOW + 1, np.int64), np.int64(0),
    )  # fmt: skip


def after_step(
    episodes: EpisodeStatistics, reward: Any, ended: Any, valid: Any = None
) -> EpisodeStatistics:
    """Return the statistics after a step of all copies, or of those where it was valid."""
    if valid is not None:
        reward = np.where(valid, reward, 0.0)
    returns = episodes.returns + reward
    lengths = episodes.lengths + (1 if valid is None else valid)
    rank = np.cumsum(ended) - 1
    window_entry = np.where(ended, (episodes.n_episodes + rank) % WINDOW, WINDOW)
    last_returns, last_lengths = episodes.last_returns, episodes.last_lengths
    last_returns[window_entry] = returns
    last_lengths[window_entry] = lengths
    return EpisodeStatistics(
        np.where(ended, 0.0, returns), np.where(ended, 0, lengths), last_returns, last_lengths,
        episodes.n_episodes + np.sum(ended),
    )  # fmt: skip


def summary(episodes: EpisodeStatistics) -> dict[str, float]:
    """Return the means over the last episodes; nan if none has ended."""
    count = min(int(episodes.n_episodes), WINDOW)
    if not count:
        return {"ep_rew_mean": float("nan"), "ep_len_mean": float("nan")}
    return {
        "ep_rew_mean": float(np.mean(episodes.last_returns[:count])),
        "ep_len_mean": float(np.mean(episodes.last_lengths[:count])),
    }
