"""One update of SAC and TD3 equals backpropagation by hand in float64, with the same noise."""

from __future__ import annotations

from typing import Any

import by_hand
import numpy as np
import pytest

from chainrule import jit, random, rl, tree
from chainrule.rl.buffers.replay import Transitions

pytestmark = pytest.mark.usefixtures("_unoptimised")
NEAR = {"rtol": 1e-9, "atol": 1e-10}
N, KEY = 7, random.key(11)
COMMON: dict[str, Any] = {
    "seed": 1, "dtype": np.float64, "buffer_size": 20, "batch_size": N, "learning_rate": 0.01,
    "gamma": 0.9, "learning_starts": 4, "tau": 0.25, "policy_kwargs": {"net_arch": [5]},
}  # fmt: skip


def agent_of(cls: Any, **settings: Any) -> tuple[Any, Any]:
    """An agent, and a state whose targets are other networks."""
    model = cls("Pendulum-v1", **{**COMMON, **settings})
    agent, state = model.agent, model.state
    other = agent._init_networks(random.key(7))
    if cls is rl.SAC:
        networks = state.networks._replace(targets=other.critics)
        networks = networks._replace(log_ent_coef=np.asarray(networks.log_ent_coef))
    else:
        networks = state.networks._replace(critic_targets=other.critics, actor_target=other.actor)
    return agent, state._replace(networks=networks)


def batch_of() -> Transitions:
    """Transitions of which some are the last of their episodes, with weights."""
    rng = np.random.default_rng(0)
    discount = np.where(rng.random(N) < 0.3, 0.0, 0.9)
    return Transitions(
        rng.normal(size=(N, 3)), rng.uniform(-1, 1, size=(N, 1)), rng.normal(size=N) * 2,
        rng.normal(size=(N, 3)), discount, rng.random(N),
    )  # fmt: skip


def softplus(x: Any) -> Any:
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


class CriticsByHand:
    """Several relu perceptrons of an observation and an action."""

    def __init__(self, critics: Any) -> None:
        self.networks = [by_hand.layers_of(network) for network in critics.networks]

    @property
    def params(self) -> list[Any]:
        return [x for layers in self.networks for x in by_hand.flat(layers)]

    @params.setter
    def params(self, params: list[Any]) -> None:
        pairs = list(zip(params[0::2], params[1::2], strict=True))
        size = len(self.networks[0])
        self.networks = [pairs[k : k + size] for k in range(0, len(pairs), size)]

    def values(self, observation: Any, action: Any) -> Any:
        """One row a critic."""
        both = np.concatenate([observation, action], axis=1)
        self.passed = [by_hand.forward(layers, both, "relu") for layers in self.networks]
        return np.stack([passed[-1][:, 0] for passed in self.passed])

    def gradients(self, slopes: Any) -> tuple[list[Any], Any]:
        """By the parameters, and by the action, from slopes of one row a critic."""
        gradients, by_action = [], np.zeros((N, 1))
        for layers, passed, slope in zip(self.networks, self.passed, slopes, strict=True):
            pairs, by_input = by_hand.backward(layers, passed, slope[:, None], "relu")
            gradients += by_hand.flat(pairs)
            by_action = by_action + by_input[:, 3:]
        return gradients, by_action


class SquashedByHand:
    """A relu layer, and two outputs on top: mean and logarithm of the deviation."""

    def __init__(self, actor: Any) -> None:
        self.params = [np.array(x) for x in (
            actor.network.layers[0].weight, actor.network.layers[0].bias, actor.mean.weight,
            actor.mean.bias, actor.log_std.weight, actor.log_std.bias,
        )]  # fmt: skip

    def draw(self, observation: Any, key: Any) -> tuple[Any, Any]:
        """Actions and their log-densities."""
        w, b, mean_w, mean_b, std_w, std_b = self.params
        self.x, self.hidden = observation, np.maximum(observation @ w + b, 0)
        self.log_std = self.hidden @ std_w + std_b
        self.noise = random.normal(key, (N, 1), np.float64)
        self.std = np.exp(self.log_std)
        x = self.hidden @ mean_w + mean_b + self.std * self.noise
        self.action = np.tanh(x)
        log_prob = -0.5 * self.noise**2 - self.log_std - 0.5 * np.log(2 * np.pi)
        log_prob = log_prob - np.log1p(-(self.action**2))
        return self.action, log_prob[:, 0]

    def gradient(self, by_log_prob: Any, by_action: Any) -> list[Any]:
        """From the loss's slopes by the log-density (n,) and by the action (n, 1)."""
        _w, _, mean_w, _, std_w, _ = self.params
        # d log_prob / dx = 2 tanh(x) at fixed noise; log_std counts -1 by itself
        by_x = by_action * (1 - self.action**2) + by_log_prob[:, None] * 2 * self.action
        by_std = by_x * self.noise * self.std - by_log_prob[:, None]
        by_hidden = (by_x @ mean_w.T + by_std @ std_w.T) * (self.hidden > 0)
        return [
            self.x.T @ by_hidden, by_hidden.sum(0), self.hidden.T @ by_x, by_x.sum(0),
            self.hidden.T @ by_std, by_std.sum(0),
        ]  # fmt: skip


def critic_step(
    critics: CriticsByHand, batch: Transitions, targets: Any, scale: float, adam: by_hand.Adam
) -> tuple[float, Any]:
    """Move the critics; return the loss, and each row's mean absolute error."""
    errors = critics.values(batch.observation, batch.action) - targets
    loss = scale * np.sum(np.mean(batch.weight * errors**2, axis=1))
    gradients, _ = critics.gradients(scale * 2 * batch.weight * errors / N)
    critics.params = adam.step(critics.params, gradients)
    return loss, np.mean(np.abs(errors), axis=0)


def moved(targets: list[Any], params: list[Any], tau: float) -> list[Any]:
    return [(1 - tau) * t + tau * p for t, p in zip(targets, params, strict=True)]


def assert_near(actual: list[Any], expected: list[Any]) -> None:
    assert len(expected) == len(actual)
    for its, mine in zip(actual, expected, strict=True):
        np.testing.assert_allclose(its, mine, **NEAR)


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"ent_coef": 0.2}, {"ent_coef": "auto_0.1", "target_entropy": -3.0, "n_critics": 3},
        {"ent_coef": 0.0},
    ],
)  # fmt: skip
def test_sac(settings: dict[str, Any]) -> None:
    """Critics, then the actor by the new critics, the entropy's weight, and the slow targets."""
    agent, state = agent_of(rl.SAC, **settings)
    batch, networks = batch_of(), state.networks
    actor, critics = SquashedByHand(networks.actor), CriticsByHand(networks.critics)
    targets = CriticsByHand(networks.targets)
    actor_key, target_key = random.split(KEY)
    ent_coef = {"auto_0.1": 0.1, "auto": 1.0}.get(agent.ent_coef, agent.ent_coef)
    action, log_prob = actor.draw(batch.next_observation, target_key)
    following = targets.values(batch.next_observation, action).min(axis=0) - ent_coef * log_prob
    critic_loss, errors = critic_step(
        critics, batch, batch.reward + batch.discount * following, 0.5, by_hand.Adam(0.01)
    )
    action, log_prob = actor.draw(batch.observation, actor_key)
    values = critics.values(batch.observation, action)
    least = values == values.min(axis=0)
    _, by_action = critics.gradients(np.where(least, -1 / N, 0.0))
    expected_actor = by_hand.Adam(0.01).step(
        actor.params, actor.gradient(np.full(N, ent_coef / N), by_action)
    )
    actor_loss = np.mean(ent_coef * log_prob - values.min(axis=0))
    after, its_errors, metrics = jit(agent._update)(state, networks, batch, KEY, np.int64(0))
    assert_near(CriticsByHand(after.critics).params, critics.params)
    assert_near(SquashedByHand(after.actor).params, expected_actor)
    assert_near(CriticsByHand(after.targets).params, moved(targets.params, critics.params, 0.25))
    np.testing.assert_allclose(its_errors, errors, **NEAR)
    expected_metrics = {"critic_loss": critic_loss, "actor_loss": actor_loss,
                        "ent_coef": ent_coef, "entropy": -np.mean(log_prob)}  # fmt: skip
    for name, value in expected_metrics.items():
        np.testing.assert_allclose(metrics[name], value, **NEAR, err_msg=name)
    if isinstance(agent.ent_coef, str):
        slope = -(np.mean(log_prob) + settings.get("target_entropy", -1.0))
        (expected,) = by_hand.Adam(0.01).step([np.log(ent_coef)], [slope])
        np.testing.assert_allclose(after.log_ent_coef, expected, **NEAR)
    else:
        np.testing.assert_array_equal(np.exp(after.log_ent_coef), ent_coef)


def test_targets_of_sac_move_at_their_interval() -> None:
    """At updates 0, 3, 6 of every third."""
    agent, state = agent_of(rl.SAC, target_update_interval=3)
    update = jit(agent._update)
    for number, moves in [(0, True), (1, False), (2, False), (3, True)]:
        after, _, _ = update(state, state.networks, batch_of(), KEY, np.int64(number))
        before = CriticsByHand(state.networks.targets).params
        expected = moved(before, CriticsByHand(after.critics).params, 0.25 if moves else 0.0)
        assert_near(CriticsByHand(after.targets).params, expected)


def test_td3() -> None:
    """Two updates of the critics, the second one with the actor; noise on target actions."""
    agent, state = agent_of(rl.TD3, policy_delay=2, target_policy_noise=2.0, target_noise_clip=1.5)
    networks, batch = state.networks, batch_of()
    critics, targets = CriticsByHand(networks.critics), CriticsByHand(networks.critic_targets)
    layers, target_layers = (
        by_hand.layers_of(x.network) for x in (networks.actor, networks.actor_target)
    )
    adam, keys, update = by_hand.Adam(0.01), random.split(KEY), jit(agent._update)
    for number, key in enumerate(keys):
        noise = np.clip(random.normal(key, (N, 1), np.float64) * 2.0, -1.5, 1.5)
        action = np.tanh(by_hand.forward(target_layers, batch.next_observation, "relu")[-1])
        following = targets.values(batch.next_observation, np.clip(action + noise, -1, 1))
        wanted = batch.reward + batch.discount * following.min(axis=0)
        critic_loss, errors = critic_step(critics, batch, wanted, 1.0, adam)
        before = networks
        networks, its_errors, metrics = update(state, networks, batch, key, np.int64(number))
        assert_near(CriticsByHand(networks.critics).params, critics.params)
        np.testing.assert_allclose(its_errors, errors, **NEAR)
        np.testing.assert_allclose(metrics["critic_loss"], critic_loss, **NEAR)
        if number == 0:  # the actor and the targets wait
            assert np.isnan(metrics["actor_loss"])
            for name in ("actor", "actor_target", "critic_targets"):
                pairs = zip(tree.leaves(getattr(before, name)),
                            tree.leaves(getattr(networks, name)), strict=True)  # fmt: skip
                assert all(np.array_equal(x, y) for x, y in pairs)
    passed = by_hand.forward(layers, batch.observation, "relu")
    action = np.tanh(passed[-1])
    values = critics.values(batch.observation, action)
    slopes = np.zeros_like(values)
    slopes[0] = -1 / N
    _, by_action = critics.gradients(slopes)
    pairs, _ = by_hand.backward(layers, passed, by_action * (1 - action**2), "relu")
    expected = by_hand.Adam(0.01).step(by_hand.flat(layers), by_hand.flat(pairs))
    assert_near(by_hand.flat(by_hand.layers_of(networks.actor.network)), expected)
    np.testing.assert_allclose(metrics["actor_loss"], -np.mean(values[0]), **NEAR)
    assert_near(
        by_hand.flat(by_hand.layers_of(networks.actor_target.network)),
        moved(by_hand.flat(target_layers), expected, 0.25),
    )
    assert_near(
        CriticsByHand(networks.critic_targets).params, moved(targets.params, critics.params, 0.25)
    )


@pytest.mark.parametrize("cls", [rl.SAC, rl.TD3])
def test_exploration(cls: Any) -> None:
    """Uniform before `learning_starts`; then the policy's draws, TD3's with noise."""
    agent, state = agent_of(cls)
    observation = np.tile(np.array([[0.3, -0.2, 0.5]]), (20_000, 1))
    if cls is rl.TD3:
        state = state._replace(noise=np.zeros((20_000, 1)))
    early, noise = agent._explore(state, observation, KEY)
    if cls is rl.TD3:  # which adds noise to these as well
        np.testing.assert_allclose(np.std(noise), 0.1, rtol=0.03)
    assert abs(np.mean(early)) < 4 / np.sqrt(3 * 20_000)
    np.testing.assert_allclose(np.quantile(early, [0.1, 0.5, 0.9]), [-0.8, 0, 0.8], atol=0.03)
    later = state._replace(num_timesteps=np.int64(4))
    actions, _ = agent._explore(later, observation, KEY)
    assert np.all(np.abs(actions) <= 1)
    if cls is rl.TD3:
        expected = state.networks.actor(observation[:1])[0, 0]
        np.testing.assert_allclose(np.mean(actions), expected, atol=4 * 0.1 / np.sqrt(20_000))
        np.testing.assert_allclose(np.std(actions), 0.1, rtol=0.03)
    else:
        before = state.networks.actor(observation[:1])
        expected = np.tanh(before.mean[0, 0])
        np.testing.assert_allclose(np.median(actions), expected, atol=0.05)


def test_one_critic_and_clipped_gradients() -> None:
    """`n_critics` and `max_grad_norm` do what they say."""
    agent, state = agent_of(rl.SAC, n_critics=1, max_grad_norm=1e-3, ent_coef=0.1)
    batch, networks = batch_of(), state.networks
    critics = CriticsByHand(networks.critics)
    assert 1 == len(critics.networks)
    _, target_key = random.split(KEY)
    action, log_prob = SquashedByHand(networks.actor).draw(batch.next_observation, target_key)
    following = CriticsByHand(networks.targets).values(batch.next_observation, action)[0]
    wanted = batch.reward + batch.discount * (following - 0.1 * log_prob)
    errors = critics.values(batch.observation, batch.action) - wanted
    gradients, _ = critics.gradients(batch.weight * errors / N)
    expected = by_hand.Adam(0.01).step(critics.params, by_hand.clipped(gradients, 1e-3))
    after, _, _ = jit(agent._update)(state, networks, batch, KEY, np.int64(0))
    assert_near(CriticsByHand(after.critics).params, expected)
