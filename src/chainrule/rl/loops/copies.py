"""Copies of a Gymnasium environment that all behave alike: an episode that ends is followed by a
new one in the same step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from ... import tree
from ...errors import EnvironmentStepError, ShapeError
from ...lazy import LazyModule
from ..spaces import (
    DictSpec,
    DiscreteSpec,
    MultiDiscreteSpec,
    SpaceSpec,
    TupleSpec,
    action_spec_of,
    spec_of,
    zeros,
)

gymnasium = LazyModule("gymnasium", extra="rl")
gymnasium_vector = LazyModule("gymnasium.vector", extra="rl")


_WHOLE = "What was learned before is whole: save it with model.save(path)"


class Stepped(NamedTuple):
    """What came of a step of all copies."""

    observation: Any  # after a reset, where an episode ended
    reward: Any
    terminated: Any
    truncated: Any
    final_observation: Any  # before a reset
    valid: Any  # None, or False where the action was ignored


class Copies(Protocol):
    """Several copies of an environment."""

    environments: list[Any]  # of Gymnasium
    n_envs: int
    observation: SpaceSpec
    action: Any
    may_ignore_actions: bool

    def reset(self, seed: int) -> Any:
        """Start all of them; return the observations."""
        ...

    def step(self, action: Any) -> Stepped:
        """Take an action in each."""
        ...

    def close(self) -> None:
        """Release what the copies use."""
        ...


class SingleCopies:
    """Environments of ``gymnasium.make``, stepped one after the other.

    Parameters
    ----------
    environments : sequence of gymnasium.Env
    """

    may_ignore_actions = False

    def __init__(self, environments: Sequence[Any]) -> None:
        self.environments = list(environments)
        self.n_envs = len(self.environments)
        first = self.environments[0]
        self.observation = spec_of(first.observation_space)
        self.action = action_spec_of(first.action_space)
        leaves, self._treedef = tree.flatten(zeros(self.observation, (self.n_envs,)))
        self._bounds = _category_bounds(self.observation)
        self._leaves, self._final_leaves = leaves, [x.copy() for x in leaves]
        self._current = tree.unflatten(self._treedef, self._leaves)
        self._final = tree.unflatten(self._treedef, self._final_leaves)
        self._reward = np.zeros(self.n_envs)
        self._terminated = np.zeros(self.n_envs, np.bool_)
        self._truncated = np.zeros(self.n_envs, np.bool_)
        self._as_action = int if isinstance(self.action, DiscreteSpec) else _same
        self._is_flat = self._treedef.is_leaf()
        self.n_steps = 0

    def reset(self, seed: int) -> Any:
        """Start all of them; copy number k with the seed ``seed + k``."""
        for k, environment in enumerate(self.environments):
            observation, _ = environment.reset(seed=seed + k)
            self._write(self._leaves, k, observation)
        return self._current

    def step(self, action: Any) -> Stepped:
        """Take an action in each."""
        any_ended = False
        self.n_steps += 1
        for k, environment in enumerate(self.environments):
            choice = self._as_action(action[k])
            try:
                observation, reward, terminated, truncated, _ = environment.step(choice)
            except Exception as error:
                raise EnvironmentStepError(
                    f"the environment raised {type(error).__name__} in step {self.n_steps} of copy "
                    f"{k}, action {choice!r:.60}: {error}. {_WHOLE}"
                ) from error
            number = reward if type(reward) is float else _as_number(reward)
            if not -np.inf < number < np.inf:
                raise EnvironmentStepError(
                    f"the reward is {reward!r:.60} in step {self.n_steps} of copy {k}, action "
                    f"{choice!r:.60}: rewards are finite numbers. {_WHOLE}"
                )
            self._reward[k], self._terminated[k], self._truncated[k] = number, terminated, truncated
            if terminated or truncated:
                if not any_ended:  # the others' final observations are their current ones
                    any_ended = True
                    for final, current in zip(self._final_leaves, self._leaves, strict=True):
                        final[:k] = current[:k]
                self._write(self._final_leaves, k, observation)
                observation = self._new_episode(environment, k)
            elif any_ended:
                self._write(self._final_leaves, k, observation)
            self._write(self._leaves, k, observation)
        final = self._final if any_ended else self._current
        for leaves in (self._leaves, self._final_leaves) if any_ended else (self._leaves,):
            _check_observations(leaves, self._bounds, self.n_steps, action)
        return Stepped(self._current, self._reward, self._terminated, self._truncated, final, None)

    def close(self) -> None:
        """Close the environments."""
        for environment in self.environments:
            environment.close()

    def _new_episode(self, environment: Any, k: int) -> Any:
        try:
            return environment.reset()[0]
        except Exception as error:
            raise EnvironmentStepError(
                f"the environment raised {type(error).__name__} in reset, after step "
                f"{self.n_steps} of copy {k}: {error}. {_WHOLE}"
            ) from error

    def _write(self, leaves: Sequence[Any], k: int, observation: Any) -> None:
        try:
            parts = (observation,) if self._is_flat else self._treedef.flatten_up_to(observation)
        except (ValueError, TypeError) as error:
            raise ShapeError(
                f"the environment returned an observation in step {self.n_steps} that is not built "
                f"as its observation space says: {error}"
            ) from error
        for array, part in zip(leaves, parts, strict=True):
            if np.shape(part) != array.shape[1:]:
                raise ShapeError(
                    f"the environment returned an observation of shape {np.shape(part)} in step "
                    f"{self.n_steps}, and its observation space says {array.shape[1:]}"
                )
            array[k] = part


class VectorCopies:
    """A vector environment of Gymnasium, in whichever way it starts new episodes.

    With ``NEXT_STEP``, a copy whose episode ended ignores the next action; that step is not valid.
    With ``DISABLED``, `step` resets the copies whose episodes ended.

    Parameters
    ----------
    environment : gymnasium.vector.VectorEnv
    """

    def __init__(self, environment: Any) -> None:
        self.environment, self.n_envs = environment, environment.num_envs
        self.environments = [environment]
        self.observation = spec_of(environment.single_observation_space)
        self.action = action_spec_of(environment.single_action_space)
        modes = gymnasium_vector.AutoresetMode
        mode = modes(environment.metadata.get("autoreset_mode", modes.NEXT_STEP))
        self._same_step, self._disabled = mode is modes.SAME_STEP, mode is modes.DISABLED
        self.may_ignore_actions = mode is modes.NEXT_STEP
        self._treedef = tree.structure(zeros(self.observation, (1,)))
        self._bounds = _category_bounds(self.observation)
        self._ended_before = np.zeros(self.n_envs, np.bool_)
        self.n_steps = 0

    def reset(self, seed: int) -> Any:
        """Start all of them."""
        self._ended_before[:] = False
        return self._as_tree(self.environment.reset(seed=seed)[0])

    def step(self, action: Any) -> Stepped:
        """Take an action in each."""
        self.n_steps += 1
        try:
            observation, reward, terminated, truncated, info = self.environment.step(action)
        except Exception as error:
            raise EnvironmentStepError(
                f"the environments raised {type(error).__name__} in step {self.n_steps}, actions "
                f"{action!r:.60}: {error}. {_WHOLE}"
            ) from error
        if not np.all(np.isfinite(reward)):
            raise EnvironmentStepError(
                f"rewards are {reward!r:.60} in step {self.n_steps}, actions {action!r:.60}: give "
                f"finite numbers. {_WHOLE}"
            )
        ended = terminated | truncated
        observation = final = self._as_tree(observation)
        any_ended, valid = bool(ended.any()), None
        _check_observations(tree.leaves(observation), self._bounds, self.n_steps, action)
        if self.may_ignore_actions:
            valid = ~self._ended_before
            self._ended_before = ended.copy()
        elif any_ended and self._same_step:
            final = self._with_final(observation, info, ended)
        elif any_ended and self._disabled:
            final = tree.map(np.copy, observation)
            observation = self._as_tree(self.environment.reset(options={"reset_mask": ended})[0])
        return Stepped(
            observation, np.asarray(reward, np.float64), terminated, truncated, final, valid
        )

    def close(self) -> None:
        """Close the environments."""
        self.environment.close()

    def _as_tree(self, observation: Any) -> Any:
        parts = self._treedef.flatten_up_to(observation)
        return tree.unflatten(self._treedef, [np.asarray(part) for part in parts])

    def _with_final(self, observation: Any, info: Any, ended: Any) -> Any:
        """Return the observations before the reset, which ``info`` has for ended episodes."""
        leaves = [x.copy() for x in tree.leaves(observation)]
        for k in np.flatnonzero(ended):
            parts = self._treedef.flatten_up_to(info["final_obs"][k])
            for leaf, part in zip(leaves, parts, strict=True):
                leaf[k] = part
        return tree.unflatten(self._treedef, leaves)


def copies_of(environment: Any, n_envs: int | None) -> Copies:
    """Return copies of whatever a user means: a name, an environment, or a function that makes one.

    Parameters
    ----------
    environment : str, gymnasium.Env, gymnasium.vector.VectorEnv, or callable
        A name is one of Gymnasium's.
    n_envs : int, optional
        How many copies to make of a name or a function. Default 1.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or `n_envs` does not fit.
    """
    if isinstance(environment, str):
        name = environment
        return SingleCopies([gymnasium.make(name) for _ in range(n_envs or 1)])
    if isinstance(environment, gymnasium_vector.VectorEnv):
        if n_envs not in (None, environment.num_envs):
            raise ValueError(
                f"n_envs={n_envs}: the vector environment has {environment.num_envs} copies"
            )
        return VectorCopies(environment)
    if isinstance(environment, gymnasium.Env):
        if n_envs not in (None, 1):
            raise ValueError(
                f"n_envs={n_envs}: one environment is one copy; give its name, or a function that "
                "makes one"
            )
        return SingleCopies([environment])
    if callable(environment):
        environments = [environment() for _ in range(n_envs or 1)]
        for each in environments:
            if not isinstance(each, gymnasium.Env):
                raise TypeError(
                    f"{environment!r:.60} returned {each!r:.60}, which is no environment of "
                    "Gymnasium"
                )
        return SingleCopies(environments)
    raise TypeError(
        f"an environment is a name, an environment of Gymnasium or of chainrule.rl, or a function "
        f"that makes one, not {type(environment).__name__} {environment!r:.40}"
    )


def copies_overlap(one: Copies, other: Any) -> bool:
    """Return whether two copies step the same environment; `other` may be anything."""
    mine = {id(environment) for environment in one.environments}
    return any(id(environment) in mine for environment in getattr(other, "environments", ()))


def _check_observations(
    leaves: Sequence[Any], bounds: Sequence[Any], n_steps: int, action: Any
) -> None:
    """Raise if an observation has floats that are not finite, or numbers of no category."""
    for leaf, limits in zip(leaves, bounds, strict=True):
        if limits is not None:
            is_right, wanted = (limits[0] <= leaf) & (leaf <= limits[1]), "what its space has"
        elif leaf.dtype.kind == "f":
            is_right, wanted = np.isfinite(leaf), "finite numbers"
        else:
            continue
        if 0 in is_right.tobytes():  # a third of the time of `all`, which counts at each step
            row = int(np.flatnonzero(~is_right.reshape(len(leaf), -1).all(axis=1))[0])
            raise EnvironmentStepError(
                f"the observation is {leaf[row]!s:.80} in step {n_steps} of copy {row}, action "
                f"{action[row]!s:.60}: give {wanted}. {_WHOLE}"
            )


def _category_bounds(spec: SpaceSpec) -> list[Any]:
    """Return the least and the largest number of each array of categories; None for others."""
    match spec:
        case DiscreteSpec(n, start):
            return [(start, start + n - 1)]
        case MultiDiscreteSpec(nvec, start):
            first = np.asarray(start)
            return [(first, first + np.asarray(nvec) - 1)]
        case DictSpec(_, parts) | TupleSpec(parts):
            return [bounds for part in parts for bounds in _category_bounds(part)]
        case _:
            return [None]


def _as_number(reward: Any) -> float:
    """Return a reward as a float; nan if it is no number."""
    array = np.asarray(reward)
    return float(array.reshape(())) if array.size == 1 and array.dtype.kind in "fiub" else np.nan


def _same(action: Any) -> Any:
    return action
