"""PPO, A2C and REINFORCE, as users call them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ...errors import UnsupportedError, at_user_line
from ..agents.a2c import A2CAgent
from ..agents.base import Agent, Schedule
from ..agents.ppo import PPOAgent
from ..agents.recurrent_ppo import RecurrentPPOAgent
from ..agents.reinforce import REINFORCEAgent
from ..policies.actor_critic import ActorCritic
from ..policies.recurrent import RecurrentActorCritic
from ..spaces import ActionSpec, BoxSpec, SpaceSpec
from .base import Algorithm

_COMMON = {
    "n_envs": 1, "gamma": 0.99, "ent_coef": 0.0, "vf_coef": 0.5, "max_grad_norm": 0.5,
    "normalize_observations": False, "normalize_rewards": False, "policy_kwargs": {},
}  # fmt: skip


class OnPolicyAlgorithm(Algorithm):
    """What PPO, A2C and REINFORCE have in common."""

    agent_class: ClassVar[Any]

    def agent_and_policy(self, settings: dict[str, Any]) -> tuple[Any, Any]:
        """Return the class of the agent and that of its policy."""
        return self.agent_class, ActorCritic

    def _make_agent(
        self, observation: SpaceSpec, action: ActionSpec, n_envs: int, may_ignore_actions: bool
    ) -> Agent:
        settings = {**self.settings}
        policy_kwargs = settings.pop("policy_kwargs")
        settings.pop("n_envs")
        if settings["normalize_observations"] and not (
            isinstance(observation, BoxSpec) and observation.dtype.startswith("float")
        ):
            raise UnsupportedError(
                at_user_line("normalize_observations=True: observations must be a Box of floats")
            )
        if isinstance(settings["ent_coef"], str):
            raise ValueError(
                at_user_line(
                    f"ent_coef={settings['ent_coef']!r}: only SAC learns it; give a number"
                )
            )
        agent_class, policy_class = self.agent_and_policy(settings)
        policy = self._policy or partial(policy_class, dtype=self.dtype)
        settings.setdefault("gae_lambda", 1.0)  # whole returns: REINFORCE has no other
        agent: Agent = agent_class(
            observation=observation, action=action, policy=partial(policy, **policy_kwargs),
            n_envs=n_envs, may_ignore_actions=may_ignore_actions, dtype=self.dtype, **settings,
        )  # fmt: skip
        return agent

    def _acting_network(self, state: Any) -> Any:
        return state.policy


class PPO(OnPolicyAlgorithm):
    """Proximal policy optimisation.

    Settings that are not given are those tuned for the environment, if there are any, and else the
    algorithm's defaults, which are Stable-Baselines3's; ``repr`` shows all.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, gymnasium.vector.VectorEnv, or callable
        A name of an environment of `chainrule.rl` (such as "CartPole-v1"), which runs in the same
        native loop as the training; another name of Gymnasium's; an environment of either; or a
        function that makes one. ``rl.PPO(gymnasium.make("CartPole-v1"))`` uses Gymnasium's.
    learning_rate : float or schedule
        A schedule is `Linear`, or any function of the fraction of the training that remains.
        Default 3e-4.
    n_steps : int
        Steps of each copy between two rounds of updates. Default 2048.
    batch_size : int
        Rows of an update. Default 64.
    n_epochs : int
        How often each round goes over its steps. Default 10.
    gamma : float
        The discount. Default 0.99.
    gae_lambda : float
        Between one-step advantages (0) and whole returns (1). Default 0.95.
    clip_range : float or schedule
        How far a probability ratio may leave 1. Default 0.2.
    clip_range_vf : float or schedule, optional
        The same for values. Default: no limit.
    ent_coef, vf_coef : float
        Weights of entropy and value loss. Default 0 and 0.5.
    max_grad_norm : float
        Default 0.5.
    normalize_advantage : bool
        Default True.
    normalize_observations, normalize_rewards : bool
        By running means and variances; as Stable-Baselines3's VecNormalize. Default False.
    target_kl : float, optional
        A round ends when the policy is further than 1.5 times this from the one it began with.
        Default: no limit.
    recurrent : bool
        Whether the policy has a memory, `RecurrentActorCritic`, for what one observation does not
        show. Minibatches are then whole sequences of some copies, so take several `n_envs`.
        Default False.
    n_envs : int
        Copies of the environment. Default 1.
    policy : callable, optional
        ``policy(observation, action, *, key, **policy_kwargs)``: a module like `ActorCritic`.
    policy_kwargs : dict
        Of the policy: ``dict(net_arch=[64, 64], activation=nn.tanh)``. Default {}.
    seed : int, optional
        Default: a new one, in ``seed``.
    dtype : floating dtype
        Of networks, and of environments that a name means. Default float32.

    References
    ----------
    J. Schulman, F. Wolski, P. Dhariwal, A. Radford, O. Klimov: "Proximal policy optimization
    algorithms", arXiv:1707.06347 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import rl
    >>> model = rl.PPO("CartPole-v1", seed=0).learn(20_000)
    >>> model.history[-1]["ep_rew_mean"] > 100
    True
    >>> action, _ = model.predict(np.zeros(4), deterministic=True)
    >>> action in (0, 1)
    True
    """

    def agent_and_policy(self, settings: dict[str, Any]) -> tuple[Any, Any]:
        """Return the class of the agent and that of its policy."""
        if settings.pop("recurrent"):
            return RecurrentPPOAgent, RecurrentActorCritic
        return PPOAgent, ActorCritic

    DEFAULTS: ClassVar[dict[str, Any]] = dict(
        _COMMON, learning_rate=3e-4, n_steps=2048, batch_size=64, n_epochs=10, gae_lambda=0.95,
        clip_range=0.2, clip_range_vf=None, normalize_advantage=True, target_kl=None,
        recurrent=False,
    )  # fmt: skip

    def __init__(
        self, env: Any, *, learning_rate: Schedule | None = None, n_steps: int | None = None,
        batch_size: int | None = None, n_epochs: int | None = None, gamma: float | None = None,
        gae_lambda: float | None = None, clip_range: Schedule | None = None,
        clip_range_vf: Schedule | None = None, ent_coef: float | None = None,
        vf_coef: float | None = None, max_grad_norm: float | None = None,
        normalize_advantage: bool | None = None, normalize_observations: bool | None = None,
        normalize_rewards: bool | None = None, target_kl: float | None = None,
        recurrent: bool | None = None, n_envs: int | None = None, policy: Any = None,
        policy_kwargs: Mapping[str, Any] | None = None, seed: int | None = None,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        chosen = {name: x for name, x in locals().items() if name in self.DEFAULTS}
        super().__init__(env, chosen, policy, seed, dtype)


class A2C(OnPolicyAlgorithm):
    """Advantage actor-critic: one update by each short rollout.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, gymnasium.vector.VectorEnv, or callable
        As for `PPO`.
    learning_rate : float or schedule
        Default 7e-4.
    n_steps : int
        Steps of each copy between two updates. Default 5.
    gamma : float
        The discount. Default 0.99.
    gae_lambda : float
        Default 1.
    ent_coef, vf_coef : float
        Weights of entropy and value loss. Default 0 and 0.5.
    max_grad_norm : float
        Default 0.5.
    rms_prop_eps : float
        Default 1e-5.
    use_rms_prop : bool
        RMSProp as TensorFlow has it, or Adam. Default True.
    normalize_advantage : bool
        Default False.
    normalize_observations, normalize_rewards, n_envs, policy, policy_kwargs, seed, dtype
        As for `PPO`.

    References
    ----------
    V. Mnih et al.: "Asynchronous methods for deep reinforcement learning", arXiv:1602.01783 (2016).

    Examples
    --------
    >>> from chainrule import rl
    >>> model = rl.A2C("CartPole-v1", seed=0, n_envs=8).learn(100_000)
    >>> model.history[-1]["ep_rew_mean"] > 100
    True
    """

    agent_class = A2CAgent
    DEFAULTS: ClassVar[dict[str, Any]] = dict(
        _COMMON, learning_rate=7e-4, n_steps=5, gae_lambda=1.0, use_rms_prop=True,
        rms_prop_eps=1e-5, normalize_advantage=False,
    )  # fmt: skip

    def __init__(
        self, env: Any, *, learning_rate: Schedule | None = None, n_steps: int | None = None,
        gamma: float | None = None, gae_lambda: float | None = None,
        ent_coef: float | None = None, vf_coef: float | None = None,
        max_grad_norm: float | None = None, rms_prop_eps: float | None = None,
        use_rms_prop: bool | None = None, normalize_advantage: bool | None = None,
        normalize_observations: bool | None = None, normalize_rewards: bool | None = None,
        n_envs: int | None = None, policy: Any = None,
        policy_kwargs: Mapping[str, Any] | None = None, seed: int | None = None,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        chosen = {name: x for name, x in locals().items() if name in self.DEFAULTS}
        super().__init__(env, chosen, policy, seed, dtype)


class REINFORCE(OnPolicyAlgorithm):
    """Policy gradients by the returns of whole episodes.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, gymnasium.vector.VectorEnv, or callable
        As for `PPO`.
    learning_rate : float or schedule
        Default 3e-3.
    n_steps : int
        Steps of each copy between two updates; steps of an episode that goes on at their end are
        left out. Default 1000.
    gamma : float
        The discount. Default 0.99.
    baseline : bool
        Whether the value of the state is subtracted from the return. Default True.
    ent_coef, vf_coef : float
        Weights of entropy and of the baseline's loss. Default 0 and 0.5.
    max_grad_norm : float
        Default 0.5.
    normalize_advantage : bool
        Default True.
    normalize_observations, normalize_rewards, n_envs, policy, policy_kwargs, seed, dtype
        As for `PPO`; n_envs is 8 by default.

    References
    ----------
    R. J. Williams: "Simple statistical gradient-following algorithms for connectionist
    reinforcement learning", Machine Learning 8 (1992).

    Examples
    --------
    >>> from chainrule import rl
    >>> model = rl.REINFORCE("CartPole-v1", seed=0).learn(200_000)
    >>> model.history[-1]["ep_rew_mean"] > 100
    True
    """

    agent_class = REINFORCEAgent
    DEFAULTS: ClassVar[dict[str, Any]] = dict(
        _COMMON, n_envs=8, learning_rate=3e-3, n_steps=1000, baseline=True,
        normalize_advantage=True,
    )  # fmt: skip

    def __init__(
        self, env: Any, *, learning_rate: Schedule | None = None, n_steps: int | None = None,
        gamma: float | None = None, baseline: bool | None = None, ent_coef: float | None = None,
        vf_coef: float | None = None, max_grad_norm: float | None = None,
        normalize_advantage: bool | None = None, normalize_observations: bool | None = None,
        normalize_rewards: bool | None = None, n_envs: int | None = None, policy: Any = None,
        policy_kwargs: Mapping[str, Any] | None = None, seed: int | None = None,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        chosen = {name: x for name, x in locals().items() if name in self.DEFAULTS}
        super().__init__(env, chosen, policy, seed, dtype)
