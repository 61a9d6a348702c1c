"""One update of DQN in all its variants equals backpropagation by hand in float64."""

from __future__ import annotations

from typing import Any

import by_hand
import numpy as np
import pytest

from chainrule import jit, losses, random, rl, tree
from chainrule.rl.agents.base import Progress
from chainrule.rl.buffers.prioritized import draw_by_priority, with_priorities
from chainrule.rl.buffers.replay import Transitions, transitions_at

pytestmark = pytest.mark.usefixtures("_unoptimised")
NEAR = {"rtol": 1e-9, "atol": 1e-10}
N, ACTIONS = 9, 2
COMMON: dict[str, Any] = {
    "seed": 1, "dtype": np.float64, "n_envs": 2, "buffer_size": 40, "batch_size": N,
    "learning_rate": 0.01, "max_grad_norm": 0.5, "gamma": 0.9, "train_freq": 3,
    "gradient_steps": 2, "learning_starts": 4, "target_update_interval": 8,
    "policy_kwargs": {"net_arch": [5]}, "exploration_fraction": 0.1, "exploration_final_eps": 0.05,
}  # fmt: skip


def agent_of(**settings: Any) -> tuple[Any, Any]:
    """An agent, and a state whose target network is another one than the network."""
    model = rl.DQN("CartPole-v1", **{**COMMON, **settings})
    state = model.state
    other = model.agent.policy(model.agent.observation, model.agent.action, key=random.key(7))
    return model.agent, state._replace(networks=state.networks._replace(target=other))


def batch_of(seed: int = 0) -> Transitions:
    """Transitions of which some are the last of their episodes, with weights."""
    rng = np.random.default_rng(seed)
    discount = np.where(rng.random(N) < 0.3, 0.0, 0.9)
    return Transitions(
        rng.normal(size=(N, 4)), rng.integers(0, ACTIONS, N), rng.normal(size=N) * 2,
        rng.normal(size=(N, 4)), discount, rng.random(N),
    )  # fmt: skip


class QByHand:
    """A relu perceptron for each action, with or without a value of the state."""

    def __init__(self, q: Any, n_atoms: int) -> None:
        self.n_atoms = n_atoms
        networks = [q.q] if q.state_value is None else [q.q, q.state_value]
        self.networks = [by_hand.layers_of(network) for network in networks]

    @property
    def params(self) -> list[Any]:
        return [x for layers in self.networks for x in by_hand.flat(layers)]

    def outputs(self, x: Any) -> Any:
        self.passed = [by_hand.forward(layers, x, "relu") for layers in self.networks]
        outputs = self.passed[0][-1].reshape(len(x), ACTIONS, self.n_atoms)
        if len(self.networks) == 1:
            return outputs
        value = self.passed[1][-1].reshape(len(x), 1, self.n_atoms)
        return value + outputs - outputs.mean(axis=1, keepdims=True)

    def gradient(self, slope: Any) -> list[Any]:
        """From the loss's slope by the outputs, (n, actions, atoms)."""
        slopes = [slope]
        if len(self.networks) == 2:
            slopes = [slope - slope.mean(axis=1, keepdims=True), slope.sum(axis=1)]
        gradients = []
        for layers, passed, each in zip(self.networks, self.passed, slopes, strict=True):
            pairs, _ = by_hand.backward(layers, passed, each.reshape(N, -1), "relu")
            gradients += by_hand.flat(pairs)
        return gradients


def means(agent: Any, outputs: Any) -> Any:
    """What each action is worth, of outputs (n, actions, atoms)."""
    if agent.distributional == "c51":
        atoms = np.linspace(agent.v_min, agent.v_max, agent.n_atoms)
        return np.exp(outputs) @ atoms / np.exp(outputs).sum(axis=-1)
    return outputs.mean(axis=-1)


def loss_and_slope(agent: Any, chosen: Any, following: Any, batch: Transitions) -> Any:
    """Each row's loss and error, and the loss's slope by the outputs of the chosen action."""
    if agent.distributional is None:
        error = chosen[:, 0] - (batch.reward + batch.discount * following[:, 0])
        small = np.abs(error) < 1
        loss = np.where(small, error**2 / 2, np.abs(error) - 0.5)
        return loss, error, np.where(small, error, np.sign(error))[:, None]
    if agent.distributional == "quantile":
        k = chosen.shape[1]
        samples = batch.reward[:, None] + batch.discount[:, None] * following
        error = samples[:, None, :] - chosen[:, :, None]
        level = np.abs(((np.arange(k) + 0.5) / k)[:, None] - (error < 0))
        each = np.where(np.abs(error) < 1, error**2 / 2, np.abs(error) - 0.5)
        loss = (level * each).mean(axis=2).sum(axis=1)
        return loss, loss, -(level * np.clip(error, -1, 1)).mean(axis=2)
    atoms = np.linspace(agent.v_min, agent.v_max, agent.n_atoms)
    wanted = np.zeros_like(chosen)
    for row, p in enumerate(by_hand.softmax(following)):
        for atom, probability in zip(atoms, p, strict=True):
            value = batch.reward[row] + batch.discount[row] * atom
            position = (np.clip(value, atoms[0], atoms[-1]) - atoms[0]) / (atoms[1] - atoms[0])
            low = min(int(position), len(atoms) - 2)
            wanted[row, low] += probability * (low + 1 - position)
            wanted[row, low + 1] += probability * (position - low)
    log_probs = np.log(by_hand.softmax(chosen))
    loss = -(wanted * log_probs).sum(axis=1)
    return loss, loss, np.exp(log_probs) - wanted


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "double": {"double_q": True},
    "dueling": {"dueling": True, "double_q": True},
    "c51": {"distributional": "c51", "n_atoms": 6, "v_min": -3.0, "v_max": 3.0},
    "quantile": {"distributional": "quantile", "n_atoms": 5, "double_q": True, "dueling": True},
}


@pytest.mark.parametrize("name", CASES)
def test_an_update(name: str) -> None:
    """The gradient of the weighted loss, clipped, and Adam's step; errors and metrics, too."""
    agent, state = agent_of(**CASES[name])
    batch, rows, n_atoms = batch_of(), np.arange(N), agent.n_atoms if agent.distributional else 1
    q, target = (QByHand(x, n_atoms) for x in (state.networks.q, state.networks.target))
    next_outputs = target.outputs(batch.next_observation)
    judge = q.outputs(batch.next_observation) if agent.double_q else next_outputs
    best = means(agent, judge).argmax(axis=1)
    outputs = q.outputs(batch.observation)
    loss, error, slope = loss_and_slope(
        agent, outputs[rows, batch.action], next_outputs[rows, best], batch
    )
    by_outputs = np.zeros_like(outputs)
    by_outputs[rows, batch.action] = batch.weight[:, None] / N * slope
    gradients = by_hand.clipped(q.gradient(by_outputs), 0.5)
    expected = by_hand.Adam(0.01).step(q.params, gradients)
    networks, errors, metrics = jit(agent._update)(
        state, state.networks, batch, random.key(0), np.int64(0)
    )
    for mine, its in zip(expected, QByHand(networks.q, n_atoms).params, strict=True):
        np.testing.assert_allclose(its, mine, **NEAR)
    np.testing.assert_allclose(errors, error, **NEAR)
    np.testing.assert_allclose(metrics["loss"], np.mean(batch.weight * loss), **NEAR)
    np.testing.assert_allclose(metrics["q_value"], np.mean(means(agent, outputs)), **NEAR)
    old, new = (tree.leaves(x.target) for x in (state.networks, networks))
    for before, after in zip(old, new, strict=True):
        np.testing.assert_array_equal(before, after)


def test_huber() -> None:
    """Half of the square up to 1, a line beyond."""
    errors = np.array([0.5, -1.0, 3.0, -2.0])
    rows = losses.huber(errors, np.zeros(4), reduction="none")
    np.testing.assert_array_equal(rows, [0.125, 0.5, 2.5, 1.5])


@pytest.mark.parametrize(
    ("n_timesteps", "tau", "moves"), [(6, 1.0, False), (12, 1.0, True), (12, 0.25, True)]
)
def test_the_target_moves_at_its_interval(n_timesteps: int, tau: float, moves: bool) -> None:
    """Rounds have 6 steps, the interval is 8: the second round moves it, by tau."""
    agent, state = agent_of(tau=tau)
    state = state._replace(num_timesteps=np.int64(n_timesteps))
    networks = agent._before_updates(state)
    before, q = tree.leaves(state.networks.target), tree.leaves(state.networks.q)
    for x, y, after in zip(before, q, tree.leaves(networks.target), strict=True):
        np.testing.assert_allclose(after, x + tau * (y - x) if moves else x, rtol=1e-15)


def test_the_rate_of_random_actions() -> None:
    """From 1 to 0.05 over a tenth of the training, then the same."""
    agent, _ = agent_of()
    for done, expected in [(0, 1.0), (25, 0.7625), (50, 0.525), (100, 0.05), (900, 0.05)]:
        rate = agent.exploration_rate(Progress(np.int64(done), np.int64(1000)))
        np.testing.assert_allclose(rate, expected, rtol=1e-12)


def test_exploration_follows_the_rate() -> None:
    """Of 20,000 actions a share of the rate is drawn uniformly, the others are the best."""
    agent, state = agent_of()
    state = state._replace(num_timesteps=np.int64(50), total_timesteps=np.int64(1000))
    observation = np.tile(np.array([[0.3, -0.2, 0.5, 1.0]]), (20_000, 1))
    best = np.argmax(state.networks.q(observation[:1]))
    actions, _ = agent._explore(state, observation, random.key(2))
    share = np.mean(actions != best)
    assert abs(share - 0.525 / 2) < 4 * np.sqrt(0.26 * 0.74 / 20_000)
    before = state._replace(num_timesteps=np.int64(3))
    early, _ = agent._explore(before, observation, random.key(2))
    assert abs(np.mean(early != best) - 0.5) < 4 * np.sqrt(0.25 / 20_000)


def test_an_update_of_a_prioritized_replay() -> None:
    """Weights by a beta that rises to 1, and new priorities of what was drawn."""
    agent, state = agent_of(
        prioritized_replay=True, priority_beta=0.4, priority_alpha=0.7, n_steps=1
    )
    rng, shape = np.random.default_rng(0), state.replay.reward.shape
    replay = state.replay._replace(
        observation=rng.normal(size=(*shape, 4)), next_observation=rng.normal(size=(*shape, 4)),
        reward=rng.normal(size=shape), action=rng.integers(0, ACTIONS, shape), n_rows=np.int64(20),
    )  # fmt: skip
    every = np.arange(40)
    priorities = with_priorities(state.priorities, every, rng.normal(size=40) * 3, 0.7)
    state = state._replace(
        replay=replay, num_timesteps=np.int64(250), total_timesteps=np.int64(1000)
    )
    key = random.key(4)
    draw_key, noise_key = random.split(key)
    beta = 0.4 + 0.6 * 0.25
    numbers, weights = draw_by_priority(priorities, draw_key, N, 40, beta)
    assert len(set(weights)) > 3
    batch = transitions_at(replay, numbers, 0.9, weight=weights)
    expected, errors, _ = agent._update(state, state.networks, batch, noise_key, np.int64(0))
    old = priorities._replace(sums=priorities.sums.copy())
    (networks, new, n_updates), _ = jit(agent._one_update)(
        state._replace(priorities=None), (state.networks, priorities, np.int64(0)), key
    )
    assert 1 == n_updates
    for mine, its in zip(tree.leaves(expected.q), tree.leaves(networks.q), strict=True):
        np.testing.assert_allclose(its, mine, **NEAR)
    wanted = with_priorities(old, numbers, errors, 0.7)
    np.testing.assert_allclose(new.sums, wanted.sums, **NEAR)
    np.testing.assert_allclose(new.largest, wanted.largest, **NEAR)
