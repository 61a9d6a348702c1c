"""Control robots: swing up a pendulum with SAC, balance MuJoCo's with PPO.

The first one is in the graph: environment, replay buffer, three networks and their updates are one
native loop. The second is Gymnasium's `InvertedPendulum-v5`, if `pip install mujoco` was run.
"""

from importlib.util import find_spec

from chainrule import rl


def main() -> None:
    swing = rl.SAC("Pendulum-v1", seed=0)
    before, _ = rl.evaluate_policy(swing, n_eval_episodes=50)
    swing.learn(6_000)
    after, _ = rl.evaluate_policy(swing, n_eval_episodes=50)
    print(f"pendulum, return of 200 steps before: {before:.0f}")
    print(f"pendulum, return after {swing.num_timesteps:,} steps: {after:.0f}")

    if find_spec("mujoco") is None:
        print("InvertedPendulum-v5 needs: pip install mujoco")
        return
    balance = rl.PPO("InvertedPendulum-v5", seed=0)
    before, _ = rl.evaluate_policy(balance, n_eval_episodes=10)
    balance.learn(60_000)
    after, _ = rl.evaluate_policy(balance, n_eval_episodes=10)
    print(f"inverted pendulum, steps upright before: {before:.0f}")
    print(f"inverted pendulum, steps upright after: {after:.0f} of 1000")


if __name__ == "__main__":
    main()
