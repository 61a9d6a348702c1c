"""Autonomous navigation: find the way to a goal between obstacles, on maps never seen before.

A robot sees 16 rays of a range sensor, the direction of the goal and its own speed, and steers. A
new map is drawn for each episode, so those of the evaluation are unseen. 64 robots drive at once,
in the same native loop as the training.
"""

import numpy as np

from chainrule import rl

STEPS = 500_000


def main() -> None:
    model = rl.PPO("Navigation-v0", seed=0)
    before = rl.evaluate_episodes(model, n_episodes=200, seed=1)
    print(f"maps solved before: {np.mean(before.successes):.1%}")
    model.learn(STEPS)
    after = rl.evaluate_episodes(model, n_episodes=200, seed=1)
    print(f"unseen maps solved after {model.num_timesteps:,} steps: {np.mean(after.successes):.1%}")
    print(f"steps to the goal: {np.median(after.lengths[after.successes]):.0f}")


if __name__ == "__main__":
    main()
