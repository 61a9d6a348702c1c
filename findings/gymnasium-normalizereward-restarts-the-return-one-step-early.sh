#!/usr/bin/env bash
# Gymnasium 1.4.0 with NumPy 2.4.6.
# The wrapper NormalizeReward divides rewards by the deviation of a running discounted return,
# gamma * return + reward, which one expects to begin anew with each episode: 0 before its first
# reward. Instead it is multiplied by (1 - terminated) of the step itself: at the last step of an
# episode the return is that one reward alone, and it lasts into the first step of the next episode.
# And where a time limit cuts an episode off, it is not restarted at all. Nothing warns; the
# rewards that an agent learns from are scaled by another number. Four episodes of two steps that
# pay 1 each, with gamma 0.5: the returns should be 1, 1.5, 1, 1.5, ...
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 gymnasium==1.4.0
"$work/venv/bin/python" - <<'PY'
import gymnasium
import numpy as np


class TwoSteps(gymnasium.Env):
    """Each step pays 1; the second one ends the episode, or cuts it off."""

    observation_space = gymnasium.spaces.Box(0, 1, (1,))
    action_space = gymnasium.spaces.Discrete(1)

    def __init__(self, cut_off):
        self.cut_off = cut_off

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        last = self.steps == 2
        return np.zeros(1, np.float32), 1.0, last and not self.cut_off, last and self.cut_off, {}


def returns(cut_off):
    env = gymnasium.wrappers.NormalizeReward(TwoSteps(cut_off), gamma=0.5)
    seen = []
    for _ in range(4):
        env.reset(seed=0)
        for _ in range(2):
            env.step(0)
            seen.append(float(np.squeeze(env.discounted_reward)))
    return seen


right = [1.0, 1.5] * 4
ended, cut_off = returns(False), returns(True)
print("the return after each step should be  ", right)
print("episodes that end                     ", ended)
print("episodes that a time limit cuts off   ", cut_off)
early = [1.0, 1.0, 1.5, 1.0, 1.5, 1.0, 1.5, 1.0]
never = [2 - 0.5**k for k in range(8)]
raise SystemExit(0 if ended == early and cut_off == never else 1)
PY
