"""Steps of environments with random actions: compiled, beside Gymnasium's vector environments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import random
from chainrule.rl.environments import auto_reset_step, make_environment

from . import peers
from .harness import Contest

STEPS = 200


def counts_ends(name: str) -> bool:
    """Whether ends of episodes are compared, as all rewards are equal or rare, or else rewards."""
    return "CartPole" in name or "FrozenLake" in name


def random_actions(environment: Any, key: Any, n: int) -> Any:
    space = environment.action_space
    if space.shape == ():
        return random.randint(key, n, 0, int(space.n))
    low, high = float(space.low[0]), float(space.high[0])
    return random.uniform(key, (n, *space.shape), np.float32, low, high)


def compiled(name: str, n: int) -> Callable[[], float]:
    """One scan: actions are drawn, steps taken, copies reset; one thread."""
    environment = make_environment(name)

    @cr.jit
    def rollout(state: Any, key: Any) -> Any:
        def body(state: Any, step_key: Any) -> Any:
            first, second = random.split(step_key)
            action = random_actions(environment, first, n)
            state, observation, reward, terminated, truncated, _ = auto_reset_step(
                environment, state, action, random.split(second, n)
            )
            return state, (np.mean(observation), np.mean(reward), np.sum(terminated | truncated))

        state, (_, rewards, ended) = cr.scan(body, state, random.split(key, STEPS))
        return state, np.mean(rewards), np.sum(ended)

    state, _ = environment.reset(random.split(random.key(0), n))
    count = 0

    def one() -> float:
        nonlocal state, count
        cr.set_num_threads(1)
        count += 1
        state, reward, ended = rollout(state, random.fold_in(random.key(1), count))
        return float(ended) / STEPS if counts_ends(name) else float(reward)

    return one


def in_gymnasium(name: str, n: int, **how: Any) -> Callable[[], float]:
    """A vector environment, stepped by a loop in Python."""
    import gymnasium

    import chainrule.rl.environments  # noqa: F401  # which registers ours

    envs = gymnasium.make_vec(name, num_envs=n, **how)
    envs.reset(seed=0)
    draw = np.random.default_rng(0)
    discrete = isinstance(envs.single_action_space, gymnasium.spaces.Discrete)
    by_ends = counts_ends(name)

    def one() -> float:
        cr.set_num_threads(1)
        total = 0.0
        for _ in range(STEPS):
            if discrete:
                action: Any = draw.integers(0, envs.single_action_space.n, n)
            else:
                low, high = envs.single_action_space.low, envs.single_action_space.high
                action = draw.uniform(low, high, (n, *low.shape)).astype(np.float32)
            _, reward, terminated, truncated, _ = envs.step(action)
            total += float(np.sum(terminated | truncated) if by_ends else np.mean(reward))
        return total / STEPS

    return one


def same(n: int, a: float, b: float) -> None:
    """Random episodes are as long, or rewards as large, to within chance."""
    np.testing.assert_allclose(a, b, rtol=0.5 / np.sqrt(n) + 0.15)


def contests() -> Iterator[Contest]:
    if not peers.installed("gymnasium"):
        return
    own = {"vectorization_mode": "vector_entry_point"}
    for n in (64, 1024):
        task, check = f"{STEPS} random steps of {n:,} copies of CartPole", partial(same, n)
        theirs = in_gymnasium("CartPole-v1", n, **own)
        yield Contest(task, "Gymnasium's own", compiled("CartPole-v1", n), theirs, check)
        by_step = in_gymnasium("chainrule/CartPole-v1", n)
        yield Contest(f"{task}, a call a step", "Gymnasium's own", by_step, theirs, check)
    for name in ("Pendulum-v1", "Acrobot-v1", "FrozenLake-v1"):
        task = f"{STEPS} random steps of 64 copies of {name.split('-')[0]}"
        yield Contest(task, "Gymnasium, SyncVectorEnv", compiled(name, 64),
                      in_gymnasium(name, 64, vectorization_mode="sync"), partial(same, 4),
                      rounds=5)  # fmt: skip
