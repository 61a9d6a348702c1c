"""How good a policy is: returns of whole episodes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import random
from ..errors import EnvironmentStepError, at_user_line
from ..transforms import while_loop
from ..typing import Array
from .agents.base import initial_memory, predict_from
from .algorithms.environments import resolve_environment
from .algorithms.memory import forget
from .environments import Environment
from .loops.copies import Copies, copies_overlap

_MOST_STEPS = 1_000_000


class EpisodeResults(NamedTuple):
    """What came of each episode.

    Attributes
    ----------
    returns : float64[n]
        The sums of rewards.
    lengths : int64[n]
    successes : bool[n], or None
        Whether the goal was reached; None if the environment has no goal.
    """

    returns: Array
    lengths: Array
    successes: Array | None


def evaluate_policy(
    model: Any, env: Any = None, n_eval_episodes: int = 10, deterministic: bool = True,
    return_episode_rewards: bool = False, seed: int = 0,
) -> Any:  # fmt: skip
    """Return the mean and the standard deviation of the returns of some episodes.

    Parameters
    ----------
    model : Algorithm
    env : environment or name, optional
        As the model's constructor takes it. Default: another copy of the one it learns from, if
        that runs in the graph; else that one itself, which is reset.
    n_eval_episodes : int
        Default 10.
    deterministic : bool
        Whether the likeliest action is taken, or one is drawn. Default True.
    return_episode_rewards : bool
        Whether to return the lists of returns and lengths instead. Default False.
    seed : int
        Of the environment. Default 0.

    Returns
    -------
    mean, std : float
        Or with `return_episode_rewards`, two lists.

    Raises
    ------
    EnvironmentStepError
        If an episode has not ended after a million steps.

    Examples
    --------
    >>> from chainrule import rl
    >>> model = rl.PPO("CartPole-v1", seed=0).learn(25_000)
    >>> mean, std = rl.evaluate_policy(model, n_eval_episodes=20)
    >>> mean > 400
    True
    """
    results = evaluate_episodes(model, env, n_eval_episodes, deterministic, seed)
    if return_episode_rewards:
        return results.returns.tolist(), results.lengths.tolist()
    return float(np.mean(results.returns)), float(np.std(results.returns))


def evaluate_episodes(
    model: Any, env: Any = None, n_episodes: int = 10, deterministic: bool = True, seed: int = 0
) -> EpisodeResults:
    """Run whole episodes, and return what came of each.

    Parameters
    ----------
    model : Algorithm
    env, n_episodes, deterministic, seed
        As for `evaluate_policy`.

    Returns
    -------
    EpisodeResults
    """
    if isinstance(n_episodes, bool) or not isinstance(n_episodes, int) or n_episodes < 1:
        raise ValueError(at_user_line(f"{n_episodes!r} episodes: give a whole number above 0"))
    target = model.env if env is None else resolve_environment(env, None, model.dtype)
    if target is None:
        raise ValueError(at_user_line("the model was loaded without an environment: give one"))
    model.check_spaces(target)
    if isinstance(target, Environment):
        return _in_graph(model, target, n_episodes, deterministic, seed)
    try:
        return _around(model, target, n_episodes, deterministic, seed)
    finally:
        if env is None or copies_overlap(target, model.env):
            model.environment_was_used()


def _in_graph(
    model: Any, environment: Environment[Any], n_episodes: int, deterministic: bool, seed: int
) -> EpisodeResults:
    """Run one episode in each of n copies, as one compiled loop."""
    run = model.bound(
        ("evaluate", environment, deterministic),
        lambda agent, state, key, keys: _run_copies(
            agent, environment, state, key, keys, deterministic
        ),
    )
    key, reset_key = random.split(random.key(seed))
    alive, returns, lengths, success = run(key, random.split(reset_key, n_episodes))
    if np.any(alive):
        raise _never_ends()
    return EpisodeResults(returns, lengths, success)


def _run_copies(
    agent: Any, environment: Environment[Any], state: Any, key: Any, keys: Any, deterministic: bool
) -> Any:
    n = keys.shape[0]
    env_state, observation = environment.reset(keys)
    success = environment.success(env_state)

    def more(carry: Any) -> Any:
        return np.any(carry[3]) & (carry[-1] < _MOST_STEPS)

    def body(carry: Any) -> Any:
        env_state, observation, memory, alive, returns, lengths, success, key, n_steps = carry
        key, action_key, step_key = random.split(key, 3)
        action, memory = predict_from(agent, state, observation, memory, action_key, deterministic)
        env_state, observation, reward, terminated, truncated = environment.step(
            env_state, action, random.split(step_key, n)
        )
        returns = returns + np.where(alive, reward, 0.0)
        if success is not None:
            success = np.where(alive, environment.success(env_state), success)
        lengths = lengths + alive
        alive = alive & ~(terminated | truncated)
        return env_state, observation, memory, alive, returns, lengths, success, key, n_steps + 1

    memory = initial_memory(agent, state, n)
    start = (env_state, observation, memory, np.ones(n, np.bool_), np.zeros(n),
             np.zeros(n, np.int64), success, key, np.int64(0))  # fmt: skip
    _, _, _, alive, returns, lengths, success, _, _ = while_loop(more, body, start)
    return alive, returns, lengths, success


def _around(
    model: Any, copies: Copies, n_episodes: int, deterministic: bool, seed: int
) -> EpisodeResults:
    """Run episodes in environments of Gymnasium; each copy runs its share of them."""
    shares = [(n_episodes + k) // copies.n_envs for k in range(copies.n_envs)]
    observation = copies.reset(seed)
    running, lengths = np.zeros(copies.n_envs), np.zeros(copies.n_envs, np.int64)
    counts = np.zeros(copies.n_envs, np.int64)
    all_returns: list[float] = []
    all_lengths: list[int] = []
    memory = model.initial_memory(copies.n_envs)
    while np.any(counts < shares):
        action, memory = model.act(observation, deterministic, memory)
        stepped = copies.step(action)
        observation = stepped.observation
        valid = True if stepped.valid is None else stepped.valid
        running += np.where(valid, stepped.reward, 0.0)
        lengths += valid
        for k in np.flatnonzero(stepped.terminated | stepped.truncated):
            if counts[k] < shares[k]:
                all_returns.append(float(running[k]))
                all_lengths.append(int(lengths[k]))
                counts[k] += 1
            running[k], lengths[k] = 0.0, 0
            memory = forget(memory, int(k))
        if lengths.max() > _MOST_STEPS:
            raise _never_ends()
    return EpisodeResults(np.array(all_returns), np.array(all_lengths), None)


def _never_ends() -> EnvironmentStepError:
    return EnvironmentStepError(
        f"an episode has not ended after {_MOST_STEPS:,} steps: give the environment a time limit, "
        "such as max_episode_steps=1000"
    )
