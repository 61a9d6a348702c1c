"""Discrete observations as rows of a table: which numbers they are, and what numbers mean."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...errors import UnsupportedError, at_user_line
from ..spaces import (
    ACTION_MASK,
    ActionSpec,
    DictSpec,
    DiscreteSpec,
    MultiBinarySpec,
    MultiDiscreteSpec,
    SpaceSpec,
    TupleSpec,
    check_action_mask,
)

MOST_ENTRIES = 2**26  # of a table: half a gigabyte of float64


def state_counts(spec: SpaceSpec) -> tuple[int, ...]:
    """Return how many values each number of an observation has, without a mask of actions.

    Raises
    ------
    UnsupportedError
        For a Box, whose values no table lists.
    """
    return _counts(_without_mask(spec))


def _without_mask(spec: SpaceSpec) -> SpaceSpec:
    """Return a space without the part that says which actions are possible, which is no state."""
    if not isinstance(spec, DictSpec):
        return spec
    names = tuple(name for name in spec.names if name != ACTION_MASK)
    parts = zip(spec.names, spec.parts, strict=True)
    return DictSpec(names, tuple(part for name, part in parts if name != ACTION_MASK))


def _counts(spec: SpaceSpec) -> tuple[int, ...]:
    match spec:
        case DiscreteSpec(n):
            return (n,)
        case MultiDiscreteSpec(nvec):
            return nvec
        case MultiBinarySpec(shape):
            return (2,) * prod(shape)
        case DictSpec(_, parts) | TupleSpec(parts):
            return tuple(n for part in parts for n in _counts(part))
        case _:
            raise UnsupportedError(
                at_user_line(
                    f"a table needs observations that can be counted, and this is a Box of shape "
                    f"{spec.shape}, {spec.dtype}: take DQN, or round the numbers to a few values "
                    "with gymnasium.wrappers.DiscretizeObservation"
                )
            )


def n_states(spec: SpaceSpec) -> int:
    """Return how many observations there are."""
    return prod(state_counts(spec))


def check_tabular(spec: SpaceSpec, action: ActionSpec) -> None:
    """Raise if no table of states and actions can be made of two spaces."""
    if not isinstance(action, DiscreteSpec):
        raise UnsupportedError(
            at_user_line(
                f"a table has a column for each of some Discrete actions, and these are {action}: "
                "take PPO or SAC"
            )
        )
    check_action_mask(spec, action)
    size = n_states(spec) * action.n
    if size > MOST_ENTRIES:
        raise UnsupportedError(
            at_user_line(
                f"a table of {n_states(spec):,} states and {action.n} actions has more than "
                f"{MOST_ENTRIES:,} entries: take DQN"
            )
        )


def state_numbers(spec: SpaceSpec, observation: Any) -> Any:
    """Return the row of the table of each of several observations.

    The last number of an observation counts fastest, as in NumPy's `ravel_multi_index`.

    Parameters
    ----------
    spec : SpaceSpec
    observation : tree of arrays of shape (n, ...)

    Returns
    -------
    int64[n]
        The number of states itself, which is no row, for what is outside of the space.
    """
    counts = state_counts(spec)
    numbers = _columns(_without_mask(spec), observation)
    total: Any = np.zeros(numbers[0].shape, np.int64)
    outside: Any = np.zeros(numbers[0].shape, np.bool_)
    for number, n in zip(numbers, counts, strict=True):
        total = total * n + number
        outside = outside | (number < 0) | (number >= n)
    return np.where(outside, prod(counts), total)


def state_label(spec: SpaceSpec, number: int) -> str:
    """Return the observation of a row as text: ``14``, or ``(14, 10, 0)`` for several numbers."""
    values = np.unravel_index(number, state_counts(spec))
    numbers = [
        int(value) + start
        for value, start in zip(values, _starts(_without_mask(spec)), strict=True)
    ]
    return str(numbers[0]) if len(numbers) == 1 else f"({', '.join(map(str, numbers))})"


def _columns(spec: SpaceSpec, observation: Any) -> list[Any]:
    """Return each number of the observations as int64[n] that begins at 0."""
    match spec:
        case DiscreteSpec(_, start):
            return [observation.astype(np.int64) - start]
        case MultiDiscreteSpec(nvec, start):
            whole = observation.astype(np.int64)
            return [whole[:, k] - start[k] for k in range(len(nvec))]
        case MultiBinarySpec(shape):
            flat = observation.reshape(-1, prod(shape)).astype(np.int64)
            return [flat[:, k] for k in range(prod(shape))]
        case DictSpec(names, parts):
            pairs = zip(names, parts, strict=True)
            return [x for name, part in pairs for x in _columns(part, observation[name])]
        case TupleSpec(parts):
            both = zip(parts, observation, strict=True)
            return [x for part, element in both for x in _columns(part, element)]
        case _:
            raise TypeError(f"{spec} has no numbers of states")


def _starts(spec: SpaceSpec) -> tuple[int, ...]:
    match spec:
        case DiscreteSpec(_, start):
            return (start,)
        case MultiDiscreteSpec(_, start):
            return start
        case DictSpec(_, parts) | TupleSpec(parts):
            return tuple(first for part in parts for first in _starts(part))
        case _:
            return (0,) * len(_counts(spec))
