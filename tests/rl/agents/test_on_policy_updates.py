"""One round of PPO, A2C and REINFORCE equals backpropagation by hand in float64."""

from __future__ import annotations

from typing import Any, NamedTuple

import by_hand
import numpy as np
import pytest

from chainrule import jit, random, rl, tree
from chainrule.rl.buffers.rollout import Rollout

pytestmark = pytest.mark.usefixtures("_unoptimised")
NEAR = {"rtol": 1e-9, "atol": 1e-10}
STEPS, COPIES = 6, 2


class Batch(NamedTuple):
    """Rows as a loss reads them."""

    observation: Any
    action: Any
    log_prob: Any
    value: Any
    advantage: Any
    returns: Any
    valid: Any


def agent_of(cls: Any, discrete: bool = True, **settings: Any) -> Any:
    """An agent with tanh networks of one hidden layer, and its first state."""
    name = "CartPole-v1" if discrete else "Pendulum-v1"
    model = cls(name, seed=1, dtype=np.float64, n_envs=COPIES, n_steps=STEPS,
                policy_kwargs={"net_arch": [5]}, **settings)  # fmt: skip
    return model.agent, model.state


def rollout_of(state: Any, discrete: bool, seed: int = 0, valid: bool = False) -> Rollout:
    """Random observations, actions, rewards and ends; the policy was a slightly different one."""
    rng = np.random.default_rng(seed)
    shape = state.rollout.observation.shape
    action = (
        rng.integers(0, 2, (STEPS, COPIES)) if discrete else rng.normal(size=(STEPS, COPIES, 1))
    )
    return Rollout(
        rng.normal(size=shape), action, rng.normal(-0.8, 0.2, (STEPS, COPIES)),
        rng.normal(size=(STEPS, COPIES)), rng.normal(size=(STEPS, COPIES)),
        rng.random((STEPS, COPIES)) < 0.3,
        rng.random((STEPS, COPIES)) < 0.7 if valid else None,
    )  # fmt: skip


def standardized(advantage: Any, valid: Any) -> Any:
    """Mean 0 and unbiased deviation 1, of the rows that count."""
    some = advantage[valid]
    return (advantage - some.mean()) / (some.std(ddof=1) + 1e-8)


class PolicyByHand:
    """Two perceptrons, a deviation, and the gradient of a policy gradient's loss by all."""

    def __init__(self, policy: Any, discrete: bool) -> None:
        self.discrete = discrete
        self.pi, self.vf = by_hand.layers_of(policy.pi), by_hand.layers_of(policy.vf)
        self.log_std = None if discrete else np.array(policy.log_std)

    @property
    def params(self) -> list[Any]:
        both = by_hand.flat(self.pi) + by_hand.flat(self.vf)
        return both if self.log_std is None else [*both, self.log_std]

    @params.setter
    def params(self, params: list[Any]) -> None:
        pairs = list(zip(params[0::2], params[1::2], strict=False))
        n = len(self.pi)
        self.pi, self.vf = pairs[:n], pairs[n : n + len(self.vf)]
        if self.log_std is not None:
            self.log_std = params[-1]

    def evaluate(self, batch: Any) -> tuple[Any, Any, Any]:
        """Log-probabilities, entropies and values."""
        self.passed_pi = by_hand.forward(self.pi, batch.observation, "tanh")
        self.passed_vf = by_hand.forward(self.vf, batch.observation, "tanh")
        outputs, n = self.passed_pi[-1], len(batch.action)
        if self.log_std is None:
            self.probs = by_hand.softmax(outputs)
            log_probs = np.log(self.probs)
            entropy = -np.sum(self.probs * log_probs, axis=1)
            return log_probs[np.arange(n), batch.action], entropy, self.passed_vf[-1][:, 0]
        self.z = (batch.action - outputs) / np.exp(self.log_std)
        each = -0.5 * self.z**2 - self.log_std - 0.5 * np.log(2 * np.pi)
        entropy = np.full(n, np.sum(self.log_std + 0.5 + 0.5 * np.log(2 * np.pi)))
        return each.sum(axis=1), entropy, self.passed_vf[-1][:, 0]

    def gradient(self, batch: Any, by_log_prob: Any, by_entropy: Any, by_value: Any) -> list[Any]:
        """From the loss's slopes by each row's log-probability, entropy and value."""
        if self.log_std is None:
            chosen = np.eye(self.probs.shape[1])[batch.action]
            log_probs = np.log(self.probs)
            entropy = -np.sum(self.probs * log_probs, axis=1, keepdims=True)
            slope = by_log_prob[:, None] * (chosen - self.probs)
            slope = slope - by_entropy[:, None] * self.probs * (log_probs + entropy)
        else:
            slope = by_log_prob[:, None] * self.z / np.exp(self.log_std)
        pi, _ = by_hand.backward(self.pi, self.passed_pi, slope, "tanh")
        vf, _ = by_hand.backward(self.vf, self.passed_vf, by_value[:, None], "tanh")
        gradients = by_hand.flat(pi) + by_hand.flat(vf)
        if self.log_std is not None:
            by_std = by_log_prob[:, None] * (self.z**2 - 1) + by_entropy[:, None]
            gradients.append(by_std.sum(axis=0))
        return gradients


def advantages(rollout: Rollout, last_value: Any, gamma: float, decay: float) -> tuple[Any, Any]:
    """Generalised advantages backwards, and returns."""
    result, running = np.zeros((STEPS, COPIES)), np.zeros(COPIES)
    following = last_value
    for t in range(STEPS - 1, -1, -1):
        goes_on = 1.0 - rollout.ended[t]
        error = rollout.reward[t] + gamma * following * goes_on - rollout.value[t]
        running = error + gamma * decay * goes_on * running
        result[t], following = running, rollout.value[t]
    return result, result + rollout.value


def batch_of(rollout: Rollout, advantage: Any, returns: Any, rows: Any = None) -> Batch:
    """Rows of a rollout in one axis; all, or some in an order."""
    valid = np.ones((STEPS, COPIES), bool) if rollout.valid is None else rollout.valid
    columns = (rollout.observation, rollout.action, rollout.log_prob, rollout.value, advantage,
               returns, valid)  # fmt: skip
    flat = [x.reshape(-1, *x.shape[2:]) for x in columns]
    return Batch(*(x if rows is None else x[rows] for x in flat))


def learned(agent: Any, state: Any, rollout: Rollout, observation: Any) -> tuple[Any, Any]:
    """The policy's arrays after `learn`, and the metrics."""
    state = state._replace(rollout=tree.map(np.copy, rollout))
    after, metrics = jit(agent.learn)(state, observation)
    return after, metrics


def assert_policies(expected: PolicyByHand, policy: Any) -> None:
    actual = PolicyByHand(policy, expected.discrete).params
    assert len(expected.params) == len(actual)
    for mine, its in zip(expected.params, actual, strict=True):
        np.testing.assert_allclose(its, mine, **NEAR)


def explained(value: Any, returns: Any) -> float:
    return float(1 - np.var(returns - value) / np.var(returns))


def ppo_by_hand(
    agent: Any, policy: PolicyByHand, rollout: Rollout, last_value: Any, key: Any
) -> dict[str, float]:
    """All epochs of a round, up to the batch that strays too far; the means of metrics."""
    adam = by_hand.Adam(agent.learning_rate, eps=1e-5)
    both = advantages(rollout, last_value, agent.gamma, agent.gae_lambda)
    totals: dict[str, Any] = {}
    n_updates, n = 0, STEPS * COPIES
    for epoch_key in random.split(key, agent.n_epochs):
        order = random.permutation(epoch_key, n)
        for start in range(0, n, agent.batch_size):
            batch = batch_of(rollout, *both, order[start : start + agent.batch_size])
            metrics, gradients = ppo_loss(agent, policy, batch)
            n_updates += 1
            totals = {name: totals.get(name, 0.0) + x for name, x in metrics.items()}
            if agent.target_kl is not None and metrics["approx_kl"] > 1.5 * agent.target_kl:
                return {**{k: v / n_updates for k, v in totals.items()}, "n_updates": n_updates}
            policy.params = adam.step(
                policy.params, by_hand.clipped(gradients, agent.max_grad_norm)
            )
    return {**{k: v / n_updates for k, v in totals.items()}, "n_updates": n_updates}


def ppo_loss(agent: Any, policy: PolicyByHand, batch: Batch) -> tuple[dict[str, Any], list[Any]]:
    """Metrics and gradients of a minibatch."""
    weight = batch.valid / np.sum(batch.valid)
    advantage = standardized(batch.advantage, batch.valid)
    log_prob, entropy, value = policy.evaluate(batch)
    log_ratio = log_prob - batch.log_prob
    ratio = np.exp(log_ratio)
    low, high = 1 - agent.clip_range, 1 + agent.clip_range
    limited = np.clip(ratio, low, high)
    is_limited = limited * advantage < ratio * advantage
    gain = np.where(is_limited, limited, ratio) * advantage
    by_log_prob = -weight * np.where(is_limited, 0, ratio * advantage)
    slope = np.ones_like(value)
    if agent.clip_range_vf is not None:
        change = value - batch.value
        slope = (np.abs(change) < agent.clip_range_vf).astype(float)
        value = batch.value + np.clip(change, -agent.clip_range_vf, agent.clip_range_vf)
    by_value = agent.vf_coef * weight * 2 * (value - batch.returns) * slope
    metrics = {
        "policy_loss": -np.sum(weight * gain),
        "value_loss": np.sum(weight * (batch.returns - value) ** 2),
        "entropy": np.sum(weight * entropy),
        "approx_kl": np.sum(weight * (ratio - 1 - log_ratio)),
        "clip_fraction": np.sum(weight * (np.abs(ratio - 1) > agent.clip_range)),
    }
    return metrics, policy.gradient(batch, by_log_prob, -agent.ent_coef * weight, by_value)


PPO_CASES: dict[str, dict[str, Any]] = {
    "discrete": {"clip_range": 0.1, "batch_size": 5, "n_epochs": 3},
    "values": {"clip_range_vf": 0.3, "clip_range": 0.4, "batch_size": 12, "n_epochs": 2},
    "box": {"discrete": False, "clip_range": 0.3, "batch_size": 4, "n_epochs": 2},
    "target_kl": {"target_kl": 0.05, "batch_size": 4, "n_epochs": 6, "learning_rate": 0.3},
    "valid": {"valid": True, "batch_size": 6, "n_epochs": 2},
}


@pytest.mark.parametrize("name", PPO_CASES)
def test_ppo(name: str) -> None:
    """Clipping, values' clipping, entropy, the last smaller batch, target_kl, ignored actions."""
    case = dict(PPO_CASES[name])
    discrete, valid = case.pop("discrete", True), case.pop("valid", False)
    settings = {"learning_rate": 0.01, "gamma": 0.9, "gae_lambda": 0.7, "ent_coef": 0.05,
                "clip_range": 0.2, **case}  # fmt: skip
    agent, state = agent_of(rl.PPO, discrete, max_grad_norm=0.3, **settings)
    rollout = rollout_of(state, discrete, valid=valid)
    observation = np.random.default_rng(9).normal(size=rollout.observation.shape[1:])
    expected = PolicyByHand(state.policy, discrete)
    last_value = by_hand.forward(expected.vf, observation, "tanh")[-1][:, 0]
    _, update_key = random.split(state.key)
    after, metrics = learned(agent, state, rollout, observation)
    wanted = ppo_by_hand(agent, expected, rollout, last_value, update_key)
    assert_policies(expected, after.policy)
    n_updates = wanted.pop("n_updates")
    if name == "target_kl":
        assert 1 < n_updates < 18
    for metric, value in wanted.items():
        np.testing.assert_allclose(metrics[metric], value, **NEAR, err_msg=metric)
    _, returns = advantages(rollout, last_value, agent.gamma, agent.gae_lambda)
    some = np.ones((STEPS, COPIES), bool) if rollout.valid is None else rollout.valid
    share = explained(rollout.value[some], returns[some])
    np.testing.assert_allclose(metrics["explained_variance"], share, **NEAR)
    assert 0 == after.row


@pytest.mark.parametrize("use_rms_prop", [True, False])
def test_a2c(use_rms_prop: bool) -> None:
    """Two updates, so that the running squares count: RMSProp of TensorFlow, or Adam."""
    agent, state = agent_of(
        rl.A2C, learning_rate=0.02, gamma=0.9, gae_lambda=0.8, ent_coef=0.03, vf_coef=0.4,
        use_rms_prop=use_rms_prop, rms_prop_eps=1e-3,
    )  # fmt: skip
    expected, adam = PolicyByHand(state.policy, True), by_hand.Adam(0.02)
    squares = [np.ones_like(p) for p in expected.params]
    for seed in range(2):
        rollout = rollout_of(state, True, seed)
        observation = np.random.default_rng(9).normal(size=(COPIES, 4))
        last_value = by_hand.forward(expected.vf, observation, "tanh")[-1][:, 0]
        batch = batch_of(rollout, *advantages(rollout, last_value, 0.9, 0.8))
        log_prob, entropy, value = expected.evaluate(batch)
        n = len(value)
        gradients = expected.gradient(
            batch, -batch.advantage / n, np.full(n, -0.03 / n),
            0.4 * 2 * (value - batch.returns) / n,
        )  # fmt: skip
        gradients = by_hand.clipped(gradients, 0.5)
        if use_rms_prop:
            squares = [0.99 * s + 0.01 * g * g for s, g in zip(squares, gradients, strict=True)]
            expected.params = [
                p - 0.02 * g / np.sqrt(s + 1e-3)
                for p, g, s in zip(expected.params, gradients, squares, strict=True)
            ]
        else:
            expected.params = adam.step(expected.params, gradients)
        state, metrics = learned(agent, state, rollout, observation)
        assert_policies(expected, state.policy)
        np.testing.assert_allclose(
            metrics["policy_loss"], -np.mean(batch.advantage * log_prob), **NEAR
        )
        np.testing.assert_allclose(metrics["entropy"], np.mean(entropy), **NEAR)


@pytest.mark.parametrize("baseline", [True, False])
def test_reinforce(baseline: bool) -> None:
    """Whole returns of the episodes that ended; the steps of others count nowhere."""
    agent, state = agent_of(
        rl.REINFORCE, learning_rate=0.02, gamma=0.9, ent_coef=0.03, baseline=baseline
    )
    rollout = rollout_of(state, True, seed=4)
    ended = np.zeros((STEPS, COPIES), bool)
    ended[[1, 4], 0] = ended[2, 1] = True
    rollout = rollout._replace(ended=ended)
    observation = np.random.default_rng(9).normal(size=(COPIES, 4))
    complete = np.zeros((STEPS, COPIES), bool)
    returns = np.zeros((STEPS, COPIES))
    for copy, first, last in [(0, 0, 1), (0, 2, 4), (1, 0, 2)]:
        for t in range(first, last + 1):
            complete[t, copy] = True
            returns[t, copy] = sum(
                0.9 ** (k - t) * rollout.reward[k, copy] for k in range(t, last + 1)
            )
    advantage = returns - rollout.value if baseline else returns
    batch = batch_of(rollout._replace(valid=complete), advantage, returns)
    expected, weight = PolicyByHand(state.policy, True), batch.valid / np.sum(batch.valid)
    log_prob, _, value = expected.evaluate(batch)
    scaled = np.where(batch.valid, standardized(batch.advantage, batch.valid), 0)
    by_value = 0.5 * weight * 2 * (value - batch.returns) if baseline else np.zeros_like(value)
    gradients = expected.gradient(batch, -weight * scaled, -0.03 * weight, by_value)
    expected.params = by_hand.Adam(0.02).step(expected.params, by_hand.clipped(gradients, 0.5))
    after, metrics = learned(agent, state, rollout, observation)
    assert_policies(expected, after.policy)
    np.testing.assert_allclose(metrics["policy_loss"], -np.sum(weight * scaled * log_prob), **NEAR)
    assert baseline == ("value_loss" in metrics)


def test_reinforce_without_whole_episodes() -> None:
    """Nothing is learned of a rollout in which no episode ended, and nothing is nan."""
    agent, state = agent_of(rl.REINFORCE)
    rollout = rollout_of(state, True)._replace(ended=np.zeros((STEPS, COPIES), bool))
    after, metrics = learned(agent, state, rollout, np.zeros((COPIES, 4)))
    assert (0.0, 0.0) == (metrics["policy_loss"], metrics["entropy"])
    for x, y in zip(tree.leaves(state.policy), tree.leaves(after.policy), strict=True):
        np.testing.assert_array_equal(x, y)


def test_explained_variance_of_ignored_actions() -> None:
    """Rows that do not count are not explained."""
    agent, state = agent_of(rl.A2C)
    rollout = rollout_of(state, True, valid=True)
    observation = np.zeros((COPIES, 4))
    _, metrics = learned(agent, state, rollout, observation)
    last_value = state.policy.value(observation)
    _, returns = advantages(rollout, last_value, agent.gamma, agent.gae_lambda)
    expected = explained(rollout.value[rollout.valid], returns[rollout.valid])
    np.testing.assert_allclose(metrics["explained_variance"], expected, **NEAR)
