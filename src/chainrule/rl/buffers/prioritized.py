"""Priorities of transitions in a tree of sums, so that drawing and changing take few steps.

Entry 1 is the sum of all priorities, and entry k that of entries ``2 k`` and ``2 k + 1``; the
priorities themselves are the second half.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...random import uniform
from .replay import Replay

_SMALLEST = 1e-6  # priority, so that no transition is never drawn again


class Priorities(NamedTuple):
    """The tree of sums, and the largest priority so far, which new transitions begin with."""

    sums: Any
    largest: Any


def empty_priorities(capacity: int) -> Priorities:
    """Return the priorities of no transitions."""
    leaves = 1 << (capacity - 1).bit_length()
    return Priorities(np.zeros(2 * leaves), np.float64(1.0))


def with_new_row(priorities: Priorities, replay: Replay) -> Priorities:
    """Give the transitions that are written next the largest priority so far."""
    capacity, n_envs = replay.reward.shape
    first = replay.n_rows % capacity * n_envs
    numbers = first + np.arange(n_envs)
    return _with_leaves(priorities, numbers, np.full(n_envs, 1.0) * priorities.largest)


def with_priorities(priorities: Priorities, numbers: Any, errors: Any, alpha: float) -> Priorities:
    """Give transitions the priority ``(|error| + 1e-6)**alpha``."""
    new = (np.abs(errors).astype(np.float64) + _SMALLEST) ** alpha
    largest = np.maximum(priorities.largest, np.max(new))
    return _with_leaves(priorities._replace(largest=largest), numbers, new)


def draw_by_priority(
    priorities: Priorities, key: Any, batch_size: int, count: Any, beta: Any
) -> tuple[Any, Any]:
    """Draw transitions in proportion to their priorities, one from each of equal parts of the sum.

    Returns
    -------
    numbers : int64[batch_size]
    weights : float64[batch_size]
        ``(count * probability)**-beta``, divided by the largest of them.

    References
    ----------
    T. Schaul, J. Quan, I. Antonoglou, D. Silver: "Prioritized experience replay",
    arXiv:1511.05952 (2015), section 3.3 and appendix B.2.1.
    """
    sums = priorities.sums
    n_leaves = sums.shape[0] // 2
    parts = np.arange(batch_size) + uniform(key, (batch_size,))
    rest = parts * (sums[1] / batch_size)
    node = np.ones(batch_size, np.int64)
    for _ in range(n_leaves.bit_length() - 1):
        left = np.take(sums, 2 * node)
        # rounding may lead beyond the last transition, whose priority is not 0
        goes_right = (rest >= left) & (np.take(sums, 2 * node + 1) > 0)
        rest = np.where(goes_right, rest - left, rest)
        node = 2 * node + goes_right
    numbers = node - n_leaves
    probability = np.take(sums, node) / sums[1]
    weights = (count * probability) ** -beta
    return numbers, weights / np.max(weights)


def _with_leaves(priorities: Priorities, numbers: Any, values: Any) -> Priorities:
    sums = priorities.sums
    n_leaves = sums.shape[0] // 2
    node = numbers + n_leaves
    sums[node] = values
    for _ in range(n_leaves.bit_length() - 1):
        node = node // 2
        sums[node] = np.take(sums, 2 * node) + np.take(sums, 2 * node + 1)
    return priorities._replace(sums=sums)
