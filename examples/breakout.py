"""Learn a game from its picture: MiniBreakout, whose rules are in the same native loop.

The game is plain NumPy (`chainrule.rl.environments.MiniBreakout`), so acting, playing and learning
are one compiled function; a convolution reads the picture, 10 x 10 cells in 4 planes. A minute on
one core makes a good player; a few seconds one that hits the ball.
"""

from chainrule import rl

STEPS = 150_000


def main() -> None:
    before = rl.PPO("MiniBreakout-v0", seed=0)
    mean, _ = rl.evaluate_policy(before, n_eval_episodes=100, deterministic=False)
    print(f"bricks in a game, before: {mean:.1f}")

    model = rl.PPO("MiniBreakout-v0", seed=0).learn(STEPS)
    mean, std = rl.evaluate_policy(model, n_eval_episodes=100)
    print(f"bricks in a game, after {model.num_timesteps:,} steps: {mean:.1f} +- {std:.1f}")
    print(f"steps a second: {model.history[-1]['fps']:,.0f}")


if __name__ == "__main__":
    main()
