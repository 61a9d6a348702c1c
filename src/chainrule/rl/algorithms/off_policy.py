"""DQN, SAC and TD3, as users call them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ...errors import UnsupportedError, at_user_line
from ..agents.action_noise import ActionNoise, NormalActionNoise
from ..agents.base import Agent, Schedule
from ..agents.dqn import DQNAgent
from ..agents.sac import SACAgent
from ..agents.td3 import TD3Agent
from ..policies.continuous import Critics, DeterministicActor, SquashedGaussianActor
from ..policies.distributions import n_parameters
from ..policies.q_network import Distributional, QNetwork
from ..spaces import ActionSpec, BoxSpec, DiscreteSpec, SpaceSpec
from .base import Algorithm

_COMMON = {
    "n_envs": 1, "gamma": 0.99, "n_steps": 1, "gradient_steps": 1, "learning_starts": 100,
    "buffer_size": 1_000_000,
    "prioritized_replay": False, "priority_alpha": 0.6, "priority_beta": 0.4, "policy_kwargs": {},
}  # fmt: skip


class DQN(Algorithm):
    """Deep Q-learning, for Discrete actions.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, gymnasium.vector.VectorEnv, or callable
        As for `PPO`.
    learning_rate : float or schedule
        Default 1e-4.
    buffer_size : int
        Transitions that the replay holds. Default 1000000.
    learning_starts : int
        Steps with random actions before the first update. Default 100.
    batch_size : int
        Default 32.
    tau : float
        How far the target network moves towards the network at its interval. Default 1.
    gamma : float
        The discount. Default 0.99.
    train_freq : int
        Steps of each copy between two rounds of updates. Default 4.
    gradient_steps : int
        Updates in a round; -1 for as many as steps. Default 1.
    target_update_interval : int
        Steps of all copies between two moves of the target network. Default 10000.
    exploration_fraction : float
        The part of the training in which the rate of random actions falls. Default 0.1.
    exploration_initial_eps, exploration_final_eps : float
        Default 1 and 0.05.
    max_grad_norm : float
        Default 10.
    n_steps : int
        Steps whose rewards a target adds up. Default 1.
    double_q : bool
        Whether the network chooses the action whose value the target network gives. Default False.
    dueling : bool
        Whether the network adds a value of the state and advantages of actions. Default False.
    prioritized_replay : bool
        Whether transitions with large errors are drawn more often. Default False.
    priority_alpha, priority_beta : float
        How much more often, and how much less they weigh at the start. Default 0.6 and 0.4.
    distributional : "c51", "quantile" or None
        Whether distributions of returns are learned, on fixed values or by quantiles. Default None.
    n_atoms : int
        How many numbers describe a distribution. Default 51.
    v_min, v_max : float
        The range of values of "c51". Default -10 and 10.
    n_envs, policy, policy_kwargs, seed, dtype
        As for `PPO`; a policy is a module like `QNetwork`.

    References
    ----------
    V. Mnih et al.: "Human-level control through deep reinforcement learning", Nature 518 (2015);
    M. Hessel et al.: "Rainbow: combining improvements in deep reinforcement learning",
    arXiv:1710.02298 (2017).

    Examples
    --------
    >>> from chainrule import rl
    >>> model = rl.DQN("CartPole-v1", seed=0).learn(1_100)
    >>> model.num_timesteps
    1100
    """

    DEFAULTS: ClassVar[dict[str, Any]] = dict(
        _COMMON, learning_rate=1e-4, batch_size=32, tau=1.0, train_freq=4,
        target_update_interval=10_000, exploration_fraction=0.1, exploration_initial_eps=1.0,
        exploration_final_eps=0.05, max_grad_norm=10.0, double_q=False, dueling=False,
        distributional=None, n_atoms=51, v_min=-10.0, v_max=10.0,
    )  # fmt: skip

    def __init__(
        self, env: Any, *, learning_rate: Schedule | None = None, buffer_size: int | None = None,
        learning_starts: int | None = None, batch_size: int | None = None,
        tau: float | None = None, gamma: float | None = None, train_freq: int | None = None,
        gradient_steps: int | None = None, target_update_interval: int | None = None,
        exploration_fraction: float | None = None, exploration_initial_eps: float | None = None,
        exploration_final_eps: float | None = None, max_grad_norm: float | None = None,
        n_steps: int | None = None, double_q: bool | None = None, dueling: bool | None = None,
        prioritized_replay: bool | None = None, priority_alpha: float | None = None,
        priority_beta: float | None = None, distributional: Distributional | None = None,
        n_atoms: int | None = None, v_min: float | None = None, v_max: float | None = None,
        n_envs: int | None = None, policy: Any = None,
        policy_kwargs: Mapping[str, Any] | None = None, seed: int | None = None,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        chosen = {name: x for name, x in locals().items() if name in self.DEFAULTS}
        super().__init__(env, chosen, policy, seed, dtype)

    def _make_agent(
        self, observation: SpaceSpec, action: ActionSpec, n_envs: int, may_ignore_actions: bool
    ) -> Agent:
        if not isinstance(action, DiscreteSpec):
            raise UnsupportedError(
                at_user_line(f"DQN chooses among Discrete actions, not {action}: take PPO or SAC")
            )
        settings = {**self.settings}
        if settings["v_min"] >= settings["v_max"]:
            raise ValueError(at_user_line("DQN: v_min must be below v_max"))
        policy_kwargs = settings.pop("policy_kwargs")
        settings.pop("n_envs")
        dueling = settings.pop("dueling")
        n_atoms = settings["n_atoms"] if settings["distributional"] else 1
        policy = self._policy or partial(
            QNetwork, dueling=dueling, n_atoms=n_atoms, dtype=self.dtype
        )
        return DQNAgent(
            observation=observation, action=action, policy=partial(policy, **policy_kwargs),
            n_envs=n_envs, may_ignore_actions=may_ignore_actions, dtype=self.dtype, **settings,
        )  # fmt: skip

    def _acting_network(self, state: Any) -> Any:
        return state.networks.q


class ContinuousAlgorithm(Algorithm):
    """What SAC and TD3 have in common."""

    actor_class: ClassVar[Any]

    def _parts(self, action: ActionSpec, n_envs: int, may_ignore_actions: bool) -> dict[str, Any]:
        """Return the settings of the agent."""
        if not (isinstance(action, BoxSpec) and action.is_bounded):
            raise UnsupportedError(
                at_user_line(
                    f"{type(self).__name__} takes actions of a bounded Box, not {action}: take PPO"
                )
            )
        settings = {**self.settings}
        policy_kwargs = settings.pop("policy_kwargs")
        settings.pop("n_envs")
        noise = settings["action_noise"]
        if not isinstance(noise, ActionNoise):
            settings["action_noise"] = NormalActionNoise(float(noise)) if noise else None
        policy = self._policy or partial(self.actor_class, dtype=self.dtype)
        critic_kwargs = {k: v for k, v in policy_kwargs.items() if k in ("net_arch", "activation")}
        if "net_arch" not in critic_kwargs and self.default_critic_arch is not None:
            critic_kwargs["net_arch"] = self.default_critic_arch
        return dict(
            settings, action=action, policy=partial(policy, **policy_kwargs), n_envs=n_envs,
            may_ignore_actions=may_ignore_actions, dtype=self.dtype,
            critic_policy=partial(Critics, dtype=self.dtype, **critic_kwargs),
        )  # fmt: skip

    default_critic_arch: ClassVar[tuple[int, ...] | None] = None

    def _acting_network(self, state: Any) -> Any:
        return state.networks.actor


class SAC(ContinuousAlgorithm):
    """Soft actor-critic, for actions of a bounded Box.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, gymnasium.vector.VectorEnv, or callable
        As for `PPO`.
    learning_rate : float or schedule
        Of actor, critics and entropy coefficient. Default 3e-4.
    buffer_size, learning_starts, gradient_steps, n_steps
        As for `DQN`.
    batch_size : int
        Default 256.
    tau : float
        How far the target critics move towards the critics. Default 0.005.
    gamma : float
        The discount. Default 0.99.
    train_freq : int
        Steps of each copy between two rounds of updates. Default 1.
    ent_coef : float or "auto"
        The weight of the entropy; "auto" learns it, "auto_0.1" from 0.1 on. Default "auto".
    target_entropy : float or "auto"
        What a learned weight aims at. Default "auto", the number of entries of an action, negated.
    target_update_interval : int
        Updates between two moves of the target critics. Default 1.
    n_critics : int
        Default 2.
    max_grad_norm : float, optional
        Default: no limit.
    action_noise : float, NormalActionNoise or OrnsteinUhlenbeckActionNoise
        Added to the drawn actions: where rewards are rare, the second one explores further.
        Default 0, none.
    prioritized_replay, priority_alpha, priority_beta
        As for `DQN`.
    n_envs, policy, policy_kwargs, seed, dtype
        As for `PPO`; a policy is a module like `SquashedGaussianActor`. ``net_arch`` is 256 and
        256 by default, and can be ``dict(pi=..., qf=...)``.

    References
    ----------
    T. Haarnoja et al.: "Soft actor-critic algorithms and applications", arXiv:1812.05905 (2018).

    Examples
    --------
    >>> from chainrule import rl
    >>> model = rl.SAC("Pendulum-v1", seed=0, policy_kwargs=dict(net_arch=[64, 64])).learn(200)
    >>> model.num_timesteps
    200
    """

    actor_class = SquashedGaussianActor
    DEFAULTS: ClassVar[dict[str, Any]] = dict(
        _COMMON, learning_rate=3e-4, batch_size=256, tau=0.005, train_freq=1, ent_coef="auto",
        target_entropy="auto", target_update_interval=1, n_critics=2, max_grad_norm=None,
        action_noise=0.0,
    )  # fmt: skip

    def __init__(
        self, env: Any, *, learning_rate: Schedule | None = None, buffer_size: int | None = None,
        learning_starts: int | None = None, batch_size: int | None = None,
        tau: float | None = None, gamma: float | None = None, train_freq: int | None = None,
        gradient_steps: int | None = None, ent_coef: float | str | None = None,
        target_entropy: float | str | None = None, target_update_interval: int | None = None,
        n_critics: int | None = None, max_grad_norm: float | None = None,
        action_noise: float | ActionNoise | None = None, n_steps: int | None = None,
        prioritized_replay: bool | None = None, priority_alpha: float | None = None,
        priority_beta: float | None = None, n_envs: int | None = None, policy: Any = None,
        policy_kwargs: Mapping[str, Any] | None = None, seed: int | None = None,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        chosen = {name: x for name, x in locals().items() if name in self.DEFAULTS}
        super().__init__(env, chosen, policy, seed, dtype)

    def _make_agent(
        self, observation: SpaceSpec, action: ActionSpec, n_envs: int, may_ignore_actions: bool
    ) -> Agent:
        parts = self._parts(action, n_envs, may_ignore_actions)
        if parts["target_entropy"] == "auto":
            parts["target_entropy"] = -float(n_parameters(action))
        return SACAgent(observation=observation, **parts)


class TD3(ContinuousAlgorithm):
    """Twin delayed deep deterministic policy gradients, for actions of a bounded Box.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, gymnasium.vector.VectorEnv, or callable
        As for `PPO`.
    learning_rate : float or schedule
        Default 1e-3.
    buffer_size, learning_starts, gradient_steps, n_steps
        As for `DQN`.
    batch_size, tau, gamma, train_freq, n_critics, max_grad_norm
        As for `SAC`.
    action_noise : float, NormalActionNoise or OrnsteinUhlenbeckActionNoise
        A number is the standard deviation of normal noise, where actions reach from -1 to 1.
        Default 0.1.
    policy_delay : int
        Updates of the critics for one of the actor. Default 2.
    target_policy_noise, target_noise_clip : float
        Standard deviation and limit of the noise on the target's actions. Default 0.2 and 0.5.
    prioritized_replay, priority_alpha, priority_beta
        As for `DQN`.
    n_envs, policy, policy_kwargs, seed, dtype
        As for `PPO`; a policy is a module like `DeterministicActor`. ``net_arch`` is 400 and 300
        by default, and can be ``dict(pi=..., qf=...)``.

    References
    ----------
    S. Fujimoto, H. van Hoof, D. Meger: "Addressing function approximation error in actor-critic
    methods", arXiv:1802.09477 (2018).

    Examples
    --------
    >>> from chainrule import rl
    >>> model = rl.TD3("Pendulum-v1", seed=0, learning_starts=50,
    ...                policy_kwargs=dict(net_arch=[64, 64])).learn(200)
    >>> model.num_timesteps
    200
    """

    actor_class = DeterministicActor
    default_critic_arch = (400, 300)
    DEFAULTS: ClassVar[dict[str, Any]] = dict(
        _COMMON, learning_rate=1e-3, batch_size=256, tau=0.005, train_freq=1, n_critics=2,
        max_grad_norm=None, action_noise=0.1, policy_delay=2,
        target_policy_noise=0.2, target_noise_clip=0.5,
    )  # fmt: skip

    def __init__(
        self, env: Any, *, learning_rate: Schedule | None = None, buffer_size: int | None = None,
        learning_starts: int | None = None, batch_size: int | None = None,
        tau: float | None = None, gamma: float | None = None, train_freq: int | None = None,
        gradient_steps: int | None = None, action_noise: float | ActionNoise | None = None,
        policy_delay: int | None = None, target_policy_noise: float | None = None,
        target_noise_clip: float | None = None, n_critics: int | None = None,
        max_grad_norm: float | None = None, n_steps: int | None = None,
        prioritized_replay: bool | None = None, priority_alpha: float | None = None,
        priority_beta: float | None = None, n_envs: int | None = None, policy: Any = None,
        policy_kwargs: Mapping[str, Any] | None = None, seed: int | None = None,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        chosen = {name: x for name, x in locals().items() if name in self.DEFAULTS}
        super().__init__(env, chosen, policy, seed, dtype)

    def _make_agent(
        self, observation: SpaceSpec, action: ActionSpec, n_envs: int, may_ignore_actions: bool
    ) -> Agent:
        return TD3Agent(observation=observation, **self._parts(action, n_envs, may_ignore_actions))
