"""Policy gradients without reinforcement learning: backpropagation through the physics.

The two-link arm is plain NumPy with smooth rewards, so its equations can be differentiated: the
gradient of 100 steps' return, by all weights of the policy, flows back through every step (an
"analytic policy gradient"). PPO estimates the same gradient from noisy trials.
"""

import numpy as np

import chainrule as cr
from chainrule import nn, optim, random, rl

COPIES, STEPS, UPDATES = 64, 100, 1000
arm = rl.make_environment("TwoLinkArm-v0")
optimizer = optim.chain(
    optim.clip_by_global_norm(0.1), optim.adam(optim.cosine_decay(1e-2, UPDATES))
)


def episode(policy, keys):
    """Return the mean reward of a step, and where the end of the arm is at the target."""

    def step(carry, _):
        state, observation = carry
        action = np.tanh(policy(observation))
        state, observation, reward, _, _ = arm.step(state, action, keys)
        return (state, observation), np.mean(reward)

    (state, _), rewards = cr.scan(step, arm.reset(keys), length=STEPS)
    return np.mean(rewards), arm.success(state)


@cr.jit
def update(carry, key):
    policy, state = carry
    keys = random.split(key, COPIES)
    (value, _), gradient = cr.value_and_grad(episode, has_aux=True)(policy, keys)
    updates, state = optimizer.update(cr.tree.map(np.negative, gradient), state, policy)
    return (optim.apply_updates(policy, updates), state), value


def main() -> None:
    (size,) = arm.observation_space.shape
    policy = nn.MLP(size, (64, 64), 2, nn.tanh, key=random.key(0))
    learn = update.bind((policy, optimizer.init(policy)))
    values = [float(learn(key)) for key in random.split(random.key(1), UPDATES)]
    policy, _ = learn.state
    _, reached = cr.jit(episode)(policy, random.split(random.key(2), 1000))
    print(f"mean reward of a step, first update: {values[0]:.3f}")
    print(f"mean reward of a step, last ten updates: {np.mean(values[-10:]):.3f}")
    print(f"targets reached: {np.mean(reached):.1%} of 1,000 new ones")


if __name__ == "__main__":
    main()
