"""The checker notices each way of breaking the protocol."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from gymnasium import spaces

from chainrule.errors import EnvironmentCheckError
from chainrule.rl.environments import Pendulum, check_environment


@dataclass(frozen=True)
class Changed(Pendulum):
    """A pendulum whose step is followed by a function of (state, observation, reward, ...)."""

    change: object = None
    calls: list = field(default_factory=list, hash=False)

    def step(self, state, action, key):
        return self.change(self, state, *super().step(state, action, key))


def pulled_to_the_mean(env, before, state, observation, reward, terminated, truncated):
    state = state._replace(theta=state.theta - 1e-3 * state.theta.mean())
    return state, observation, reward, terminated, truncated


def neighbour(env, before, state, observation, reward, terminated, truncated):
    return (
        state,
        observation,
        reward + np.arange(len(reward), dtype=np.float32),
        terminated,
        truncated,
    )


def counting(env, before, state, observation, reward, terminated, truncated):
    env.calls.append(0)
    return state, observation, reward + np.float32(len(env.calls)), terminated, truncated


def branching(env, before, state, observation, reward, terminated, truncated):
    reward = reward * int(reward[0] > -1e9)
    return state, observation, reward, terminated, truncated


def writing(env, before, state, observation, reward, terminated, truncated):
    before.theta_dot[...] = 0
    return state, observation, reward, terminated, truncated


def with_results(**changes):
    names = ("state", "observation", "reward", "terminated", "truncated")

    def change(env, before, *results):
        values = dict(zip(names, results, strict=True))
        return tuple(changes[n](values[n]) if n in changes else values[n] for n in names)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (pulled_to_the_mean, "row 0 of the state changes when the other rows are left out"),
        (neighbour, "rows of the reward do not move with those of the arguments"),
        (counting, "the same arguments give other results the second time"),
        (branching, "runs in NumPy and cannot be traced.*np.where"),
        (writing, "an argument was written to"),
        (lambda env, before, *results: results[:4], r"return a tuple \(state, observation, reward"),
        (with_results(reward=lambda r: r.astype(np.float64)), r"the reward is float64\[5\]: give "
         r"float32\[5\]"),
        (with_results(reward=lambda r: r[:, None]), r"the reward is float32\[5, 1\]"),
        (with_results(reward=lambda r: r * np.float32(np.nan)), "is not finite"),
        (with_results(terminated=lambda t: t.astype(int)), r"the terminated is int64\[5\]"),
        (with_results(truncated=lambda t: None), "the truncated is NoneType None"),
        (with_results(observation=lambda o: o[:, :2]), r"float32\[5, 2\]: give float32\[5, 3\]"),
        (with_results(observation=lambda o: o + 2), "is not in Box"),
        (with_results(state=lambda s: s._replace(steps=s.steps[0])), r"state steps is int32\[\]"),
        (with_results(state=lambda s: s._replace(steps=s.steps[:3])), r"state steps is int32\[3\]"),
        (with_results(state=lambda s: s._replace(steps=s.steps.astype(float))), "the state was .*"
         r"steps: int32\[5\], and becomes .*steps: float64\[5\]"),
    ],
)  # fmt: skip
def test_noticed(change, message):
    with pytest.raises(EnvironmentCheckError, match=f"(?s)Changed.step.*{message}"):
        check_environment(Changed(change=change))


def test_settings_are_noticed():
    @dataclass(frozen=True)
    class Listed(Pendulum):
        masses: object = ()

    with pytest.raises(EnvironmentCheckError, match="unhashable .*make it a frozen dataclass"):
        check_environment(Listed(masses=[1.0]))

    class Named(Pendulum):
        action_space = spaces.Text(3)

    with pytest.raises(EnvironmentCheckError, match=r"Named\.action_space: Text"):
        check_environment(Named())
    with pytest.raises(ValueError, match="n=1: give 2 or more"):
        check_environment(Pendulum(), n=1)


def test_what_is_right_passes():
    """The checker does not raise where nothing is changed."""
    assert check_environment(Changed(change=lambda env, before, *results: results)) is None
