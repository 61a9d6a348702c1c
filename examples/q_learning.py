"""Q-learning with a table: cross a frozen lake, see each step, compare with exact values.

No network and no gradient: a table has a value for each action in each state, and each step of the
walk moves one of them towards what came of it.
"""

import numpy as np

from chainrule import rl


def main() -> None:
    beginner = rl.QLearning(
        "FrozenLake-v1", seed=0, learning_rate=0.1, exploration_final_eps=0.3
    ).learn(5_000)
    print(f"Steps {beginner.num_timesteps + 1} to {beginner.num_timesteps + 8} of a training:")
    print(beginner.explain(n_steps=8))

    model = rl.QLearning(
        "FrozenLake-v1", seed=0, learning_rate="visits", n_envs=16, exploration_final_eps=0.5
    ).learn(3_000_000)
    print(f"\nAfter {model.num_timesteps} steps: values of cells, and their best actions")
    print(model.render_values())

    exact, _, _ = rl.value_iteration("FrozenLake-v1")
    is_seen = model.visits.min(axis=1) > 0
    error = np.max(np.abs(model.q_table.max(axis=1) - exact)[is_seen])
    print(f"largest difference from exact values: {error:.4f}")

    share, _ = rl.evaluate_policy(model, n_eval_episodes=1000)
    print(f"walks that reach the goal: {share:.3f}")
    at_random = np.full((16, 4), 0.25)
    value = rl.policy_evaluation("FrozenLake-v1", at_random, gamma=1.0)[0]
    print(f"of a walk at random: {value:.3f}")


if __name__ == "__main__":
    main()
