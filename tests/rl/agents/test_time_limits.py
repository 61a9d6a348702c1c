"""An episode that is cut off is not over: values go on, as in the chain without a limit.

Each step pays 1. Without an end a state is worth 1 / (1 - gamma), 10 for 0.9. Taking the limit of 3
steps as the end would make the first state worth 1 + 0.9 + 0.81 = 2.71.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toy_environments import Pay

from chainrule import jit, random, rl, tree
from chainrule.rl.agents.base import Outcome
from chainrule.rl.buffers.replay import transitions_at

pytestmark = pytest.mark.usefixtures("_unoptimised")
GAMMA, WORTH, WRONG = 0.9, 10.0, 2.71


def constant(network: Any, value: float) -> Any:
    """The perceptron that says the same of everything."""
    zeros = tree.map(np.zeros_like, network)
    last = zeros.layers[-1]
    last = last.replace(bias=np.full_like(last.bias, value))
    return zeros.replace(layers=(*zeros.layers[:-1], last))


def outcomes(agent: Any, last: str) -> Any:
    """Three steps that pay 1; the third one ends the episode as said."""
    for t in range(3):
        ended = np.array([t == 2])
        yield Outcome(np.ones(1), ended & (last != "truncated"), ended & (last != "terminated"),
                      np.ones((1, 1)))  # fmt: skip


EXPECTED = {
    "truncated": [0.0, 0.0, 0.0],
    "terminated": [-9 * 0.81, -9 * 0.9, -9.0],  # 1 + 0 - 10, discounted
    "both": [-9 * 0.81, -9 * 0.9, -9.0],
}


@pytest.mark.parametrize("last", EXPECTED)
@pytest.mark.parametrize("cls", [rl.PPO, rl.A2C])
def test_advantages_of_true_values_are_0_up_to_a_limit(cls: Any, last: str) -> None:
    """With values of 10 nothing is better or worse than expected, unless the episode is over."""
    model = cls(Pay(), n_steps=3, n_envs=1, gamma=GAMMA, gae_lambda=1.0, seed=0, dtype=np.float64)
    agent, state = model.agent, model.state
    state = state._replace(policy=state.policy.replace(vf=constant(state.policy.vf, WORTH)))
    for outcome in outcomes(agent, last):
        state, _ = agent.act(state, np.ones((1, 1)))
        state = agent.record(state, outcome)
    advantages, returns = agent._advantages(state.rollout, np.array([WORTH]))
    np.testing.assert_allclose(advantages[:, 0], EXPECTED[last], atol=1e-12)
    first = WORTH if last == "truncated" else WRONG
    np.testing.assert_allclose(returns[0, 0], first, rtol=1e-12)


def test_reinforce_has_values_only_with_a_baseline() -> None:
    """Without one, the return of an episode that was cut off is the sum up to there."""
    for baseline, first in [(True, WORTH), (False, WRONG)]:
        model = rl.REINFORCE(Pay(), n_steps=3, n_envs=1, gamma=GAMMA, baseline=baseline, seed=0,
                             dtype=np.float64)  # fmt: skip
        agent, state = model.agent, model.state
        state = state._replace(policy=state.policy.replace(vf=constant(state.policy.vf, WORTH)))
        for outcome in outcomes(agent, "truncated"):
            state, _ = agent.act(state, np.ones((1, 1)))
            state = agent.record(state, outcome)
        _, returns = agent._advantages(state.rollout, np.array([WORTH]))
        np.testing.assert_allclose(returns[0, 0], first, rtol=1e-12)


@pytest.mark.parametrize("last", EXPECTED)
@pytest.mark.parametrize("n_steps", [1, 3])
@pytest.mark.parametrize("cls", [rl.DQN, rl.SAC, rl.TD3])
def test_targets(cls: Any, n_steps: int, last: str) -> None:
    """1 + 0.9 * 10 at a limit, and 1 at an end, also over several steps."""
    box = cls is not rl.DQN
    model = cls(Pay(box=box), n_envs=1, gamma=GAMMA, seed=0, dtype=np.float64, n_steps=n_steps,
                buffer_size=3, policy_kwargs={"net_arch": [2]},
                **({"ent_coef": 0.0} if cls is rl.SAC else {}))  # fmt: skip
    agent, state = model.agent, model.state
    for outcome in outcomes(agent, last):
        state, _ = agent.act(state, np.ones((1, 1)))
        state = agent.record(state, outcome)

    at = jit(lambda replay: transitions_at(replay, np.arange(3), GAMMA, n_steps))
    batch = at(state.replay)
    networks = state.networks
    if cls is rl.DQN:
        targets = batch.reward + batch.discount * WORTH
        q = networks.target.replace(q=constant(networks.target.q, WORTH))
        _loss, (errors, _) = agent.loss(q, q, batch._replace(weight=np.ones(3)))
        np.testing.assert_allclose(errors, WORTH - targets, atol=1e-12)
    else:
        name = "targets" if cls is rl.SAC else "critic_targets"
        critics = getattr(networks, name)
        critics = critics.replace(networks=tuple(constant(x, WORTH) for x in critics.networks))
        if cls is rl.SAC:
            targets = agent.critic_targets(networks.actor, critics, batch, 0.0, random.key(0))
        else:
            networks = networks._replace(critic_targets=critics)
            targets = agent.critic_targets(networks, batch, random.key(0))
    over = last != "truncated"
    expected = [WORTH] * 3
    if over:
        expected = [WRONG, 1.9, 1.0] if n_steps == 3 else [WORTH, WORTH, 1.0]
    np.testing.assert_allclose(targets, expected, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("cls", [rl.PPO, rl.A2C, rl.DQN])
def test_learned_values(cls: Any) -> None:
    """After a training the state is worth 10, not 2.71."""
    settings: dict[str, Any] = {"learning_rate": 3e-3, "n_steps": 32, "vf_coef": 1.0,
                                "normalize_advantage": False, "max_grad_norm": 10.0}  # fmt: skip
    if cls is rl.DQN:
        settings = {"learning_rate": 3e-3, "target_update_interval": 20, "train_freq": 1}
    model = cls(Pay(), n_envs=1, gamma=GAMMA, seed=0, policy_kwargs={"net_arch": [16]}, **settings)
    model.learn(20_000)
    seen, policy = np.ones((1, 1), np.float32), model.policy
    values = np.max(policy(seen)) if cls is rl.DQN else policy.value(seen)[0]
    np.testing.assert_allclose(values, WORTH, atol=0.5)
