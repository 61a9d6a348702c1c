"""What a user means by an environment: one in the graph, or one of Gymnasium."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import numpy as np

from ...errors import at_user_line
from ..environments import ENVIRONMENTS, Environment, make_environment
from ..environments.registry import NAMESPACE
from ..loops.copies import Copies, copies_of, gymnasium, gymnasium_vector
from ..spaces import ActionSpec, BoxSpec, SpaceSpec, action_spec_of, spec_of

Resolved = Environment[Any] | Copies


def resolve_environment(environment: Any, n_envs: int | None, dtype: Any) -> Resolved:
    """Return an environment that runs in the graph, or copies of one of Gymnasium.

    Parameters
    ----------
    environment : str, Environment, gymnasium.Env, gymnasium.vector.VectorEnv, or callable
        Names of `ENVIRONMENTS`, also behind ``chainrule/``, run in the graph; others are
        Gymnasium's, as are environments that ``gymnasium.make`` made.
    n_envs : int, optional
        Copies of an environment of Gymnasium. Default 1.
    dtype : floating dtype
        Of an environment in the graph that a name means.
    """
    if isinstance(environment, str):
        if environment.endswith("Policy"):
            raise ValueError(
                at_user_line(
                    f"{environment!r} is a name of a policy: give the environment first, as in "
                    'PPO("CartPole-v1"); the policy follows from its observations'
                )
            )
        name = environment.removeprefix(f"{NAMESPACE}/")
        if name in ENVIRONMENTS:
            return make_environment(name, dtype=np.dtype(dtype))
        if name not in gymnasium.registry and ":" not in name:
            every = {key.lower(): key for key in [*gymnasium.registry, *ENVIRONMENTS]}
            close = [key for key in every if name.lower() in key][:6]
            close += [key for key in get_close_matches(name.lower(), every) if key not in close]
            listed = ", ".join([every[key] for key in close] or sorted(ENVIRONMENTS))
            raise ValueError(
                at_user_line(f"there is no environment {environment!r}: there are {listed}")
            )
    if isinstance(environment, type) and issubclass(environment, Environment):
        environment = environment()
    if isinstance(environment, Environment):
        return environment
    return copies_of(environment, n_envs)


def is_of_gymnasium(environment: Any) -> bool:
    """Return whether something is an environment of Gymnasium, whose number of copies is given."""
    if isinstance(environment, (str, Environment)):
        return False
    return isinstance(environment, (gymnasium.Env, gymnasium_vector.VectorEnv))


def environment_name(environment: Any) -> str | None:
    """Return the name under which settings are tuned for an environment; None if it has none."""
    if isinstance(environment, str):
        return environment.removeprefix(f"{NAMESPACE}/")
    if isinstance(environment, Environment):
        for name, cls in ENVIRONMENTS.items():
            if type(environment) is cls:
                return name
        return None
    spec = getattr(environment, "spec", None)
    identifier = getattr(spec, "id", None)
    return identifier.removeprefix(f"{NAMESPACE}/") if isinstance(identifier, str) else None


def specs_of(environment: Resolved) -> tuple[SpaceSpec, ActionSpec]:
    """Return what an environment's observations and actions are."""
    if isinstance(environment, Environment):
        return spec_of(environment.observation_space), action_spec_of(environment.action_space)
    copies: Copies = environment
    return copies.observation, copies.action


def same_but_bounds(one: Any, other: Any) -> bool:
    """Return whether two spaces are equal, or boxes that differ in their bounds alone."""
    if isinstance(one, BoxSpec) and isinstance(other, BoxSpec):
        kinds = [(np.dtype(spec.dtype).kind, spec.is_image) for spec in (one, other)]
        return one.shape == other.shape and kinds[0] == kinds[1]
    return bool(one == other)
