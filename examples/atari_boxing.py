"""A game of the Arcade Learning Environment: Boxing, from the console's 128 bytes of memory.

Needs `pip install ale-py`. Eight copies play in turns; PPO learns from their bytes. A punch that
lands is one point, a punch taken one less. After 400,000 steps, some two minutes, it wins by a
wide margin; give the number of steps as an argument to see it begin.
"""

import sys

import ale_py
import gymnasium

from chainrule import nn, rl

gymnasium.register_envs(ale_py)


def make():
    return gymnasium.make(
        "ALE/Boxing-v5", obs_type="ram", frameskip=4, repeat_action_probability=0.0
    )


def main(steps: int = 400_000) -> None:
    model = rl.PPO(
        make,
        n_envs=8,
        n_steps=128,
        batch_size=256,
        n_epochs=4,
        learning_rate=rl.Linear(1e-3),
        ent_coef=0.01,
        normalize_rewards=True,
        policy_kwargs={"net_arch": [128, 128], "activation": nn.relu},
        seed=0,
    )
    before, _ = rl.evaluate_policy(model, n_eval_episodes=8, deterministic=False)
    print(f"points before: {before:.1f}")
    model.learn(steps)
    after, _ = rl.evaluate_policy(model, n_eval_episodes=8, deterministic=False)
    print(f"points after {model.num_timesteps:,} steps: {after:.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
