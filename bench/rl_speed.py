"""Reinforcement learning at the same settings: chainrule's loops beside Stable-Baselines3's.

Each call trains for some more steps, acting and learning included. Stable-Baselines3 runs around
Gymnasium's environment; ours does too, and in a second contest with the environment in the graph.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import chainrule as cr
from chainrule import rl

from . import jax_ppo, peers, torch_dqn
from .harness import Contest

DQN = {"learning_rate": 1e-3, "buffer_size": 1_000_000, "learning_starts": 100, "batch_size": 64,
       "train_freq": 1, "gradient_steps": 1, "target_update_interval": 250}  # fmt: skip
SAC = {"learning_rate": 1e-3, "buffer_size": 50_000, "learning_starts": 100, "batch_size": 256}
# What is tuned for the environment, put back to Stable-Baselines3's defaults
PPO = {"n_envs": 1, "n_steps": 2048, "batch_size": 64, "n_epochs": 10, "gamma": 0.99,
       "gae_lambda": 0.95, "learning_rate": 3e-4, "clip_range": 0.2}  # fmt: skip
OURS_ONLY = {"n_steps": 1, "tau": 1.0, "gamma": 0.99, "exploration_fraction": 0.1,
             "exploration_final_eps": 0.05}  # fmt: skip


def our_training(
    name: str, environment: Any, steps: int, settings: dict[str, Any]
) -> Callable[[], float]:
    """Train for so many more steps; return how many they were."""
    model = getattr(rl, name)(environment, seed=0, **settings)

    def one() -> float:
        cr.set_num_threads(1)
        before = model.num_timesteps
        model.learn(steps, reset_num_timesteps=False, progress_bar=False)
        return float(model.num_timesteps - before)

    return one


def their_training(
    name: str, environment: str, steps: int, settings: dict[str, Any]
) -> Callable[[], float]:
    """The same with Stable-Baselines3, on the CPU, with one thread."""
    import stable_baselines3
    import torch

    torch.set_num_threads(1)
    model = getattr(stable_baselines3, name)(
        "MlpPolicy", environment, seed=0, device="cpu", **settings
    )

    def one() -> float:
        torch.set_num_threads(1)
        before = model.num_timesteps
        model.learn(steps, reset_num_timesteps=False)
        return float(model.num_timesteps - before)

    return one


def same(a: float, b: float) -> None:
    """Both have made as many steps."""
    assert a == b, (a, b)


def both(
    name: str, environment: str, steps: int, settings: dict[str, Any], ours: dict[str, Any],
    size: tuple[int, ...], rounds: int = 3,
) -> Iterator[Contest]:  # fmt: skip
    import gymnasium

    def net() -> dict[str, Any]:  # Stable-Baselines3's SAC writes into the dict that it is given
        return {"policy_kwargs": {"net_arch": list(size)}}

    theirs = their_training(name, environment, steps, {**settings, **net()})
    task = f"{steps:,} steps of {name} on {environment}, {' x '.join(map(str, size))}"
    for where, env in (("Gymnasium", gymnasium.make(environment)), ("in the graph", environment)):
        mine = our_training(name, env, steps, {**settings, **ours, **net()})
        yield Contest(
            f"{task}, {where}", "Stable-Baselines3", mine, theirs,
            same, rounds=rounds,
        )  # fmt: skip


def beside_jax(rounds: int = 16) -> Contest:
    """PPO with the settings that are tuned for CartPole, environment in the graph."""
    steps = rounds * jax_ppo.N_STEPS * jax_ppo.N_ENVS
    # of the same rate all the time, as the peer's
    settings = {"learning_rate": jax_ppo.RATE, "n_envs": jax_ppo.N_ENVS, "n_steps": jax_ppo.N_STEPS}
    return Contest(
        f"{steps:,} steps of PPO on CartPole-v1, 64 x 64, in the graph", "the same in JAX",
        our_training("PPO", "CartPole-v1", steps, settings), jax_ppo.training(rounds), same,
    )  # fmt: skip


def beside_torch(steps: int = 1024) -> Contest:
    """DQN around Gymnasium's environment, beside a loop that is written by hand."""
    import gymnasium

    settings = {**DQN, **OURS_ONLY, "policy_kwargs": {"net_arch": [64, 64]}}
    ours = our_training("DQN", gymnasium.make("CartPole-v1"), steps, settings)
    return Contest(
        f"{steps:,} steps of DQN on CartPole-v1, 64 x 64, Gymnasium", "a loop in PyTorch", ours,
        torch_dqn.training((64, 64), steps), same, rounds=5,
    )  # fmt: skip


def contests() -> Iterator[Contest]:
    if peers.installed("jax"):
        yield beside_jax()
    if peers.installed("gymnasium") and peers.installed("torch"):
        yield beside_torch()
    if not (peers.installed("gymnasium") and peers.installed("stable_baselines3")):
        return
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    yield from both("DQN", "CartPole-v1", 2048, DQN, OURS_ONLY, (64, 64))
    yield from both("DQN", "CartPole-v1", 1024, DQN, OURS_ONLY, (256, 256))
    ours = {name: value for name, value in PPO.items() if name == "n_envs"}
    theirs = {name: value for name, value in PPO.items() if name != "n_envs"}
    yield from both("PPO", "CartPole-v1", 4096, theirs, ours, (64, 64))
    yield from both("SAC", "Pendulum-v1", 512, SAC, {}, (64, 64))
    yield from both("SAC", "Pendulum-v1", 256, SAC, {}, (256, 256))
