"""Reinforcement learning: environments and algorithms, compiled into one graph.

>>> from chainrule import rl
>>> model = rl.PPO("CartPole-v1", seed=0).learn(20_000)
>>> mean, std = rl.evaluate_policy(model, n_eval_episodes=20)
>>> mean > 100
True
"""

from typing import TYPE_CHECKING, Any

from ..lazy import load_module
from .agents.action_noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise
from .agents.base import Linear
from .algorithms import (
    A2C,
    ALGORITHMS,
    DQN,
    PPO,
    REINFORCE,
    SAC,
    SARSA,
    TD3,
    Algorithm,
    QLearning,
    load,
)
from .callbacks import CheckpointCallback, EvalCallback, StopTrainingOnRewardThreshold
from .environments import (
    ENVIRONMENTS,
    Environment,
    FrameStack,
    auto_reset_step,
    check_environment,
    make_environment,
)
from .evaluation import EpisodeResults, evaluate_episodes, evaluate_policy
from .policies.actor_critic import ActorCritic
from .policies.continuous import Critics, DeterministicActor, SquashedGaussianActor
from .policies.q_network import QNetwork
from .random_policy import RandomPolicy
from .rendering import record_gif
from .seeds import learn_seeds
from .tabular import policy_evaluation, render_values, value_iteration

if TYPE_CHECKING:
    from .environments.action_masking import ActionMasking


def __getattr__(name: str) -> Any:
    if name == "ActionMasking":  # a class of Gymnasium's, which need not be installed
        return load_module("chainrule.rl.environments.action_masking").ActionMasking
    raise AttributeError(f"module 'chainrule.rl' has no attribute {name!r}")


__all__ = [
    "A2C",
    "ALGORITHMS",
    "DQN",
    "ENVIRONMENTS",
    "PPO",
    "REINFORCE",
    "SAC",
    "SARSA",
    "TD3",
    "ActionMasking",
    "ActorCritic",
    "Algorithm",
    "CheckpointCallback",
    "Critics",
    "DeterministicActor",
    "Environment",
    "EpisodeResults",
    "EvalCallback",
    "FrameStack",
    "Linear",
    "NormalActionNoise",
    "OrnsteinUhlenbeckActionNoise",
    "QLearning",
    "QNetwork",
    "RandomPolicy",
    "SquashedGaussianActor",
    "StopTrainingOnRewardThreshold",
    "auto_reset_step",
    "check_environment",
    "evaluate_episodes",
    "evaluate_policy",
    "learn_seeds",
    "load",
    "make_environment",
    "policy_evaluation",
    "record_gif",
    "render_values",
    "value_iteration",
]
