"""Exact values of environments whose transitions are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ShapeError, UnsupportedError, at_user_line
from ...lazy import LazyModule
from ...typing import Array
from ..environments import ENVIRONMENTS, Transitions, make_environment

gymnasium = LazyModule("gymnasium", extra="rl")

_MOST_SWEEPS = 1_000_000


def transition_table(env: Any) -> Transitions:
    """Return each outcome of each action in each state.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, or Transitions
        One with a method ``transitions()``, such as `FrozenLake`, or with Gymnasium's table ``P``,
        such as its Taxi; or its name.

    Returns
    -------
    Transitions
        Arrays (n_states, n_actions, n_outcomes). Of `P`, rows with fewer outcomes than the longest
        are filled up with such as have probability 0.

    Raises
    ------
    UnsupportedError
        If the environment has no table.

    Examples
    --------
    >>> from chainrule.rl.tabular.dynamic_programming import transition_table
    >>> transition_table("FrozenLake-v1").probability.shape
    (16, 4, 3)
    """
    if isinstance(env, Transitions):
        return env
    if isinstance(env, str):
        env = make_environment(env) if env in ENVIRONMENTS else gymnasium.make(env)
    if hasattr(env, "transitions"):
        table: Transitions = env.transitions()
        return table
    listed = getattr(getattr(env, "unwrapped", None), "P", None)
    if listed is None:
        raise UnsupportedError(
            at_user_line(
                f"{env!r:.60} has no table of transitions: define transitions(), or learn from its "
                "steps with rl.QLearning"
            )
        )
    return _from_lists(listed)


def value_iteration(
    env: Any, gamma: float = 0.99, tol: float = 1e-10
) -> tuple[Array, Array, Array]:
    """Return the values of the best policy, from the transitions of an environment.

    Sweeps of ``V(s) <- max_a sum p(s', r | s, a) (r + gamma V(s'))``, without V(s') where an
    outcome terminates, until no value can be further than `tol` from its limit. Time limits are no
    part of the transitions.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, or Transitions
        As for `transition_table`: with a method ``transitions()`` or Gymnasium's table ``P``.
    gamma : float
        The discount, from 0 to 1. Default 0.99. With 1, each value must be finite, and sweeps end
        when none changes by more than `tol`.
    tol : float
        Default 1e-10. Where float64 has no such digits, four units in the last place.

    Returns
    -------
    values : float64[n_states]
        Also of states that nobody acts from, such as CliffWalking's goal: what their row of the
        table says.
    q_table : float64[n_states, n_actions]
    policy : int64[n_states]
        The first of the best actions.

    Raises
    ------
    UnsupportedError
        If the environment has no table.
    ValueError
        If `gamma` or `tol` is out of range, or values do not converge.

    References
    ----------
    R. Bellman: "Dynamic programming" (1957); R. S. Sutton, A. G. Barto: "Reinforcement learning"
    (2018), section 4.4.

    Examples
    --------
    >>> from chainrule import rl
    >>> values, q_table, policy = rl.value_iteration("FrozenLake-v1")
    >>> print(values[:4].round(3), policy[:4])
    [0.542 0.499 0.471 0.457] [0 3 3 3]
    """
    _check_discount(gamma)
    if not 0.0 < tol < np.inf:
        raise ValueError(at_user_line(f"tol={tol!r:.40}: give a number above 0"))
    table = transition_table(env)
    weight = np.where(table.terminated, 0.0, gamma * table.probability)
    reward = np.sum(table.probability * table.reward, axis=2)
    # A contraction: values are within change * gamma / (1 - gamma) of the fixed point
    change_at_end = tol * (1.0 - gamma) / gamma if 0.0 < gamma < 1.0 else tol
    values = np.zeros(reward.shape[0])
    for _ in range(_MOST_SWEEPS):
        q_table = reward + np.sum(weight * values[table.next_state], axis=2)
        old, values = values, np.max(q_table, axis=1)
        digits = 4.0 * np.finfo(np.float64).eps * np.max(np.abs(values))
        if np.max(np.abs(values - old)) <= max(change_at_end, digits):
            return values, q_table, np.argmax(q_table, axis=1)
    raise ValueError(
        at_user_line(
            f"values have not converged after {_MOST_SWEEPS:,} sweeps: with gamma={gamma}, returns "
            "are not bounded; give a gamma below 1"
        )
    )


def policy_evaluation(env: Any, policy: Any, gamma: float = 0.99) -> Array:
    """Return the value of each state under a policy: the solution of Bellman's linear equations.

    ``V = R + gamma P V``, with the rewards R and transitions P of the policy; P is 0 where an
    outcome terminates.

    Parameters
    ----------
    env : str, Environment, gymnasium.Env, or Transitions
        As for `value_iteration`.
    policy : integers (n_states,), or floats (n_states, n_actions)
        The action in each state, such as a model's ``policy``, or the probability of each.
    gamma : float
        The discount, from 0 to 1. Default 0.99.

    Returns
    -------
    float64[n_states]

    Raises
    ------
    UnsupportedError
        If the environment has no table.
    ShapeError
        If the policy is not one for these states and actions.
    ValueError
        If `gamma` or a probability is out of range, or episodes never end and gamma is 1.

    References
    ----------
    R. S. Sutton, A. G. Barto: "Reinforcement learning" (2018), equation 4.4.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import rl
    >>> at_random = np.full((16, 4), 0.25)
    >>> print(rl.policy_evaluation("FrozenLake-v1", at_random)[[0, 14]].round(3))
    [0.012 0.434]
    """
    _check_discount(gamma)
    table = transition_table(env)
    n_states, n_actions, _ = table.probability.shape
    rates = _action_probabilities(policy, n_states, n_actions)
    chance = rates[:, :, None] * table.probability
    reward = np.sum(chance * table.reward, axis=(1, 2))
    matrix = np.eye(n_states)
    rows = np.broadcast_to(np.arange(n_states)[:, None, None], chance.shape)
    np.subtract.at(
        matrix, (rows, table.next_state), np.where(table.terminated, 0.0, gamma * chance)
    )
    try:
        return np.linalg.solve(matrix, reward)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            at_user_line(
                f"with gamma={gamma} some states have no value: under this policy episodes from "
                "there never end; give a gamma below 1"
            )
        ) from error


def _action_probabilities(policy: Any, n_states: int, n_actions: int) -> Array:
    array = np.asarray(policy)
    if array.dtype.kind in "iu" and array.shape == (n_states,):
        if np.any((array < 0) | (array >= n_actions)):
            raise ValueError(at_user_line(f"actions of a policy are 0 to {n_actions - 1}"))
        return (array[:, None] == np.arange(n_actions)).astype(np.float64)
    if array.dtype.kind == "f" and array.shape == (n_states, n_actions):
        if np.any(array < 0) or not np.allclose(np.sum(array, axis=1), 1.0, rtol=0, atol=1e-6):
            raise ValueError(
                at_user_line("a policy's probabilities are 0 or more, and add up to 1 in each row")
            )
        return array.astype(np.float64)
    raise ShapeError(
        at_user_line(
            f"a policy of {array.dtype} and shape {array.shape}: give integers ({n_states},), an "
            f"action for each state, or floats ({n_states}, {n_actions}), their probabilities"
        )
    )


def _check_discount(gamma: float) -> None:
    if not 0.0 <= gamma <= 1.0:
        raise ValueError(at_user_line(f"gamma={gamma!r:.40}: give a number from 0 to 1"))


def _from_lists(listed: Any) -> Transitions:
    """Return Gymnasium's ``P[state][action]``, a list of (probability, next, reward, end)."""
    n_states, n_actions = len(listed), len(listed[0])
    n_outcomes = max(len(listed[s][a]) for s in range(n_states) for a in range(n_actions))
    shape = (n_states, n_actions, n_outcomes)
    table = Transitions(
        np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape, np.bool_)
    )
    for state in range(n_states):
        for action in range(n_actions):
            for k, outcome in enumerate(listed[state][action]):
                for array, value in zip(table, outcome, strict=True):
                    array[state, action, k] = value
    return table
