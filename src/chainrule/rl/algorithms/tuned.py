"""Settings that were tuned for families of environments, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ... import nn
from ..agents.action_noise import OrnsteinUhlenbeckActionNoise
from ..agents.base import Linear

_ZOO = "tuned by RL Baselines3 Zoo (A. Raffin, 2020)"
_HERE = "tuned with chainrule: bench/rl_learning.py"


@dataclass(frozen=True)
class Tuning:
    """Settings, and where they come from."""

    settings: dict[str, Any]
    source: str


TUNED: dict[tuple[str, str], Tuning] = {
    ("PPO", "CartPole-v1"): Tuning(
        {"n_envs": 8, "n_steps": 128, "learning_rate": Linear(1e-3)},
        _HERE,
    ),
    ("PPO", "Acrobot-v1"): Tuning(
        {"n_envs": 16, "n_steps": 64, "batch_size": 128, "gae_lambda": 0.97, "n_epochs": 10,
         "learning_rate": Linear(1e-3), "ent_coef": 0.01, "normalize_rewards": True},
        _HERE,
    ),
    ("PPO", "MountainCar-v0"): Tuning(
        {"normalize_observations": True, "n_envs": 16, "n_steps": 16, "gae_lambda": 0.98,
         "gamma": 0.99, "n_epochs": 4},
        _ZOO,
    ),
    ("PPO", "Pendulum-v1"): Tuning(
        {"n_envs": 4, "n_steps": 1024, "gae_lambda": 0.95, "gamma": 0.9, "n_epochs": 10,
         "learning_rate": 1e-3},
        _ZOO,
    ),
    ("PPO", "LunarLander-v3"): Tuning(
        {"n_envs": 16, "n_steps": 1024, "batch_size": 64, "gae_lambda": 0.98, "gamma": 0.999,
         "n_epochs": 4, "ent_coef": 0.01},
        _ZOO,
    ),
    ("PPO", "InvertedPendulum-v5"): Tuning(
        {"n_envs": 4, "n_steps": 256, "batch_size": 64, "learning_rate": Linear(1e-3),
         "normalize_observations": True},
        _HERE,
    ),
    ("PPO", "Navigation-v0"): Tuning(
        {"n_envs": 64, "n_steps": 64, "batch_size": 512, "n_epochs": 4,
         "learning_rate": Linear(1e-3)},
        _HERE,
    ),
    ("PPO", "TwoLinkArm-v0"): Tuning(
        {"n_envs": 64, "n_steps": 64, "batch_size": 512, "n_epochs": 4,
         "learning_rate": Linear(1e-3)},
        _HERE,
    ),
    ("PPO", "MiniBreakout-v0"): Tuning(
        {"n_envs": 64, "n_steps": 64, "batch_size": 512, "n_epochs": 4, "ent_coef": 0.01,
         "learning_rate": Linear(5e-3),
         "policy_kwargs": {"activation": nn.relu, "net_arch": [64]}},
        _HERE,
    ),
    ("A2C", "CartPole-v1"): Tuning({"n_envs": 8}, _ZOO),
    ("DQN", "CartPole-v1"): Tuning(
        {"learning_rate": Linear(2e-3), "batch_size": 64, "buffer_size": 100_000,
         "learning_starts": 1000, "tau": 0.01, "target_update_interval": 1, "train_freq": 1,
         "n_steps": 30, "exploration_fraction": 0.2, "exploration_final_eps": 0.04},
        _HERE,
    ),
    ("DQN", "Acrobot-v1"): Tuning(
        {"learning_rate": 6.3e-4, "batch_size": 128, "buffer_size": 50_000, "learning_starts": 0,
         "target_update_interval": 250, "train_freq": 4, "gradient_steps": -1,
         "exploration_fraction": 0.12, "exploration_final_eps": 0.1,
         "policy_kwargs": {"net_arch": [256, 256]}},
        _ZOO,
    ),
    ("DQN", "MountainCar-v0"): Tuning(
        {"learning_rate": 4e-3, "batch_size": 128, "buffer_size": 10_000, "learning_starts": 1000,
         "gamma": 0.98, "target_update_interval": 600, "train_freq": 16, "gradient_steps": 8,
         "exploration_fraction": 0.2, "exploration_final_eps": 0.07,
         "policy_kwargs": {"net_arch": [256, 256]}},
        _ZOO,
    ),
    ("SAC", "Pendulum-v1"): Tuning(
        {"learning_rate": 1e-3, "buffer_size": 100_000, "policy_kwargs": {"net_arch": [64, 64]}},
        _HERE,
    ),
    ("TD3", "Pendulum-v1"): Tuning(
        {"learning_rate": 1e-3, "buffer_size": 100_000, "learning_starts": 1000,
         "action_noise": 0.1, "policy_kwargs": {"net_arch": [64, 64]}},
        _HERE,
    ),
    ("SAC", "MountainCarContinuous-v0"): Tuning(
        {"learning_rate": 1e-3, "buffer_size": 50_000, "batch_size": 128, "train_freq": 2,
         "policy_kwargs": {"net_arch": [64, 64]},
         "action_noise": OrnsteinUhlenbeckActionNoise(0.9)},
        _HERE,
    ),
}  # fmt: skip


TOTAL_TIMESTEPS: dict[tuple[str, str], int] = {
    ("PPO", "CartPole-v1"): 50_000, ("PPO", "Acrobot-v1"): 100_000,
    ("PPO", "MountainCar-v0"): 1_000_000, ("PPO", "Pendulum-v1"): 100_000,
    ("PPO", "LunarLander-v3"): 1_000_000, ("PPO", "Navigation-v0"): 2_000_000,
    ("PPO", "TwoLinkArm-v0"): 2_000_000, ("PPO", "MiniBreakout-v0"): 1_000_000,
    ("A2C", "CartPole-v1"): 500_000, ("DQN", "CartPole-v1"): 50_000,
    ("DQN", "MountainCar-v0"): 120_000, ("SAC", "Pendulum-v1"): 20_000,
    ("TD3", "Pendulum-v1"): 20_000, ("SAC", "MountainCarContinuous-v0"): 50_000,
}  # fmt: skip
"""How long the command line trains where nothing is said; 100,000 steps elsewhere."""
DEFAULT_TIMESTEPS = 100_000


def default_timesteps(algorithm: str, environment: str | None) -> int:
    """Return the number of steps that the settings of an environment are meant for."""
    return TOTAL_TIMESTEPS.get((algorithm, environment or ""), DEFAULT_TIMESTEPS)
