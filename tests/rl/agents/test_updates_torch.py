"""Updates equal PyTorch's autograd and optimisers, with the losses of Stable-Baselines3.

They are written as in that library (version 2.9), one update of each algorithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import jit, random, rl
from chainrule.rl.agents.on_policy import Minibatch
from chainrule.rl.buffers.replay import Transitions

torch = pytest.importorskip("torch", reason="PyTorch is what these tests compare with")
pytestmark = pytest.mark.usefixtures("_unoptimised")
NEAR = {"rtol": 1e-9, "atol": 1e-10}
N, KEY = 8, random.key(3)
COMMON: dict[str, Any] = {
    "seed": 1, "dtype": np.float64, "n_envs": 1, "policy_kwargs": {"net_arch": [6, 5]},
    "max_grad_norm": 1e9,
}  # fmt: skip
REPLAY: dict[str, Any] = {"buffer_size": 20, "batch_size": N, "learning_rate": 0.01, "gamma": 0.9}


def tensor(x: Any) -> Any:
    return torch.tensor(np.array(x))


class Perceptron(torch.nn.Sequential):  # type: ignore[misc]
    """A copy of a perceptron of the library."""

    def __init__(self, layers: Any, activation: Any) -> None:
        parts: list[Any] = []
        for k, layer in enumerate(layers):
            linear = torch.nn.Linear(*layer.weight.shape, dtype=torch.float64)
            with torch.no_grad():
                linear.weight.copy_(tensor(layer.weight).T)
                linear.bias.copy_(tensor(layer.bias))
            parts += [activation(), linear] if k else [linear]
        super().__init__(*parts)

    def arrays(self) -> list[Any]:
        """Weights and biases as the library has them."""
        return [x.detach().numpy().T for x in self.parameters()]


def arrays(layers: Any) -> list[Any]:
    return [x for layer in layers for x in (layer.weight, layer.bias)]


def assert_same(theirs: Any, ours: Any) -> None:
    for x, y in zip(theirs.arrays(), arrays(ours), strict=True):
        np.testing.assert_allclose(y, x, **NEAR)


@pytest.mark.parametrize("cls", [rl.PPO, rl.A2C])
def test_policy_gradients(cls: Any) -> None:
    """PPO's and A2C's losses, by `torch.distributions`; two steps of Adam, or of RMSProp."""
    settings: dict[str, Any] = {"ent_coef": 0.02, "learning_rate": 0.01}
    if cls is rl.PPO:
        settings |= {"clip_range": 0.2, "clip_range_vf": 0.3}
    model = cls("CartPole-v1", **COMMON, **settings)
    agent, state = model.agent, model.state
    rng = np.random.default_rng(0)
    batch = Minibatch(
        rng.normal(size=(N, 4)), rng.integers(0, 2, N), rng.normal(-0.7, 0.2, N),
        *rng.normal(size=(3, N)),
    )  # fmt: skip
    pi, vf = (Perceptron(x.layers, torch.nn.Tanh) for x in (state.policy.pi, state.policy.vf))
    parameters = [*pi.parameters(), *vf.parameters()]
    if cls is rl.PPO:
        optimizer = torch.optim.Adam(parameters, 0.01, eps=1e-5)
    squares = [torch.ones_like(p) for p in parameters]  # of RMSProp, as TensorFlow has it
    observation, action, old_log_prob, old_value, advantage, returns = map(tensor, batch[:6])
    policy, optimizer_state = state.policy, state.optimizer

    def step(policy: Any, optimizer_state: Any) -> Any:
        def loss(policy: Any) -> Any:
            return (
                agent.loss(policy, batch, 0.2, 0.3) if cls is rl.PPO else agent.loss(policy, batch)
            )

        return agent._gradient_step(loss, policy, optimizer_state, 0.01)

    step = jit(step)
    for _ in range(2):
        actions = torch.distributions.Categorical(logits=pi(observation))
        values = vf(observation)[:, 0]
        log_prob = actions.log_prob(action)
        if cls is rl.PPO:
            scaled = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
            ratio = torch.exp(log_prob - old_log_prob)
            policy_loss = -torch.min(scaled * ratio, scaled * torch.clamp(ratio, 0.8, 1.2)).mean()
            values = old_value + torch.clamp(values - old_value, -0.3, 0.3)
        else:
            policy_loss = -(advantage * log_prob).mean()
        loss = policy_loss - 0.02 * actions.entropy().mean()
        loss = loss + 0.5 * torch.nn.functional.mse_loss(returns, values)
        gradients = torch.autograd.grad(loss, parameters)
        if cls is rl.PPO:
            for p, g in zip(parameters, gradients, strict=True):
                p.grad = g
            optimizer.step()
        else:
            with torch.no_grad():
                for p, g, s in zip(parameters, gradients, squares, strict=True):
                    s.mul_(0.99).add_(0.01 * g * g)
                    p.sub_(0.01 * g / torch.sqrt(s + 1e-5))
        policy, optimizer_state, metrics = step(policy, optimizer_state)
        np.testing.assert_allclose(metrics["policy_loss"], policy_loss.item(), **NEAR)
    assert_same(pi, policy.pi.layers)
    assert_same(vf, policy.vf.layers)


def transitions(n_observed: int, action: Any) -> Transitions:
    rng = np.random.default_rng(0)
    discount = np.where(rng.random(N) < 0.3, 0.0, 0.9)
    observation, following = rng.normal(size=(2, N, n_observed))
    return Transitions(observation, action, rng.normal(size=N), following, discount, np.ones(N))


def test_dqn() -> None:
    """Smooth L1 of the temporal difference; the target network is the network itself."""
    model = rl.DQN("CartPole-v1", **COMMON, **REPLAY)
    state = model.state
    batch = transitions(4, np.random.default_rng(1).integers(0, 2, N))
    q, target = (Perceptron(state.networks.q.q.layers, torch.nn.ReLU) for _ in range(2))
    with torch.no_grad():
        following = target(tensor(batch.next_observation)).max(dim=1).values
        wanted = tensor(batch.reward) + tensor(batch.discount) * following
    chosen = q(tensor(batch.observation)).gather(1, tensor(batch.action)[:, None])[:, 0]
    loss = torch.nn.functional.smooth_l1_loss(chosen, wanted)
    optimizer = torch.optim.Adam(q.parameters(), 0.01)
    loss.backward()
    optimizer.step()
    after, _, metrics = jit(model.agent._update)(state, state.networks, batch, KEY, np.int64(0))
    np.testing.assert_allclose(metrics["loss"], loss.item(), **NEAR)
    assert_same(q, after.q.q.layers)


def critics_of(networks: Any) -> list[Any]:
    return [Perceptron(network.layers, torch.nn.ReLU) for network in networks]


def moved(targets: list[Any], critics: list[Any], tau: float) -> None:
    for target, critic in zip(targets, critics, strict=True):
        for t, p in zip(target.parameters(), critic.parameters(), strict=True):
            t.data.mul_(1 - tau).add_(tau * p.data)


def test_sac() -> None:
    """All three losses of one gradient step, with the library's noise."""
    model = rl.SAC("Pendulum-v1", **COMMON, **REPLAY, tau=0.1)
    agent, state = model.agent, model.state
    networks = state.networks
    batch = transitions(3, np.random.default_rng(1).uniform(-1, 1, (N, 1)))
    actor = networks.actor
    body = Perceptron(actor.network.layers, torch.nn.ReLU)
    mean, log_std = (Perceptron([x], torch.nn.ReLU) for x in (actor.mean, actor.log_std))
    critics, targets = critics_of(networks.critics.networks), critics_of(networks.targets.networks)
    log_ent_coef = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    actor_key, target_key = random.split(KEY)

    def draw(observation: Any, key: Any) -> tuple[Any, Any]:
        hidden = torch.relu(body(observation))
        normal = torch.distributions.Normal(mean(hidden), torch.exp(log_std(hidden)))
        x = normal.loc + normal.scale * tensor(random.normal(key, (N, 1), np.float64))
        action = torch.tanh(x)
        log_prob = normal.log_prob(x) - torch.log1p(-(action**2))
        return action, log_prob.sum(dim=1)

    observation, following = tensor(batch.observation), tensor(batch.next_observation)
    actor_parameters = [*body.parameters(), *mean.parameters(), *log_std.parameters()]
    critic_parameters = [p for critic in critics for p in critic.parameters()]
    optimizers = [torch.optim.Adam(x, 0.01) for x in (actor_parameters, critic_parameters)]
    ent_optimizer = torch.optim.Adam([log_ent_coef], 0.01)

    action, log_prob = draw(observation, actor_key)
    ent_coef = torch.exp(log_ent_coef.detach())
    ent_loss = -(log_ent_coef * (log_prob - 1.0).detach()).mean()
    ent_optimizer.zero_grad()
    ent_loss.backward()
    ent_optimizer.step()
    with torch.no_grad():
        next_action, next_log_prob = draw(following, target_key)
        both = torch.cat([following, next_action], dim=1)
        least = torch.cat([target(both) for target in targets], dim=1).min(dim=1).values
        wanted = tensor(batch.reward) + tensor(batch.discount) * (least - ent_coef * next_log_prob)
    both = torch.cat([observation, tensor(batch.action)], dim=1)
    critic_loss = 0.5 * sum(
        torch.nn.functional.mse_loss(critic(both)[:, 0], wanted) for critic in critics
    )
    optimizers[1].zero_grad()
    critic_loss.backward()
    optimizers[1].step()
    both = torch.cat([observation, action], dim=1)
    least = torch.cat([critic(both) for critic in critics], dim=1).min(dim=1).values
    actor_loss = (ent_coef * log_prob - least).mean()
    optimizers[0].zero_grad()
    actor_loss.backward()
    optimizers[0].step()
    moved(targets, critics, 0.1)

    after, _, metrics = jit(agent._update)(state, networks, batch, KEY, np.int64(0))
    np.testing.assert_allclose(metrics["critic_loss"], critic_loss.item(), **NEAR)
    np.testing.assert_allclose(metrics["actor_loss"], actor_loss.item(), **NEAR)
    np.testing.assert_allclose(after.log_ent_coef, log_ent_coef.item(), **NEAR)
    assert_same(body, after.actor.network.layers)
    assert_same(mean, [after.actor.mean])
    assert_same(log_std, [after.actor.log_std])
    for theirs, ours in zip(critics, after.critics.networks, strict=True):
        assert_same(theirs, ours.layers)
    for theirs, ours in zip(targets, after.targets.networks, strict=True):
        assert_same(theirs, ours.layers)


def test_td3() -> None:
    """A step with the actor's update."""
    model = rl.TD3("Pendulum-v1", **COMMON, **REPLAY, tau=0.1, policy_delay=1)
    state = model.state
    networks = state.networks
    batch = transitions(3, np.random.default_rng(1).uniform(-1, 1, (N, 1)))
    actor, actor_target = (Perceptron(networks.actor.network.layers, torch.nn.ReLU) for _ in "ab")
    critics = critics_of(networks.critics.networks)
    targets = critics_of(networks.critic_targets.networks)
    observation, following = tensor(batch.observation), tensor(batch.next_observation)
    with torch.no_grad():
        noise = tensor(random.normal(KEY, (N, 1), np.float64)) * 0.2
        action = torch.tanh(actor_target(following)) + noise.clamp(-0.5, 0.5)
        both = torch.cat([following, action.clamp(-1, 1)], dim=1)
        least = torch.cat([target(both) for target in targets], dim=1).min(dim=1).values
        wanted = tensor(batch.reward) + tensor(batch.discount) * least
    both = torch.cat([observation, tensor(batch.action)], dim=1)
    critic_loss = sum(torch.nn.functional.mse_loss(x(both)[:, 0], wanted) for x in critics)
    optimizer = torch.optim.Adam([p for critic in critics for p in critic.parameters()], 0.01)
    critic_loss.backward()
    optimizer.step()
    actor_loss = -critics[0](torch.cat([observation, torch.tanh(actor(observation))], dim=1)).mean()
    optimizer = torch.optim.Adam(actor.parameters(), 0.01)
    actor_loss.backward()
    optimizer.step()
    moved(targets, critics, 0.1)
    moved([actor_target], [actor], 0.1)
    after, _, metrics = jit(model.agent._update)(state, networks, batch, KEY, np.int64(0))
    np.testing.assert_allclose(metrics["critic_loss"], critic_loss.item(), **NEAR)
    np.testing.assert_allclose(metrics["actor_loss"], actor_loss.item(), **NEAR)
    assert_same(actor, after.actor.network.layers)
    assert_same(actor_target, after.actor_target.network.layers)
    for theirs, ours in zip([*critics, *targets],
                            [*after.critics.networks, *after.critic_targets.networks],
                            strict=True):  # fmt: skip
        assert_same(theirs, ours.layers)
