"""Which columns an answer depends on: by shuffling them, and by the gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...transforms import grad, jit
from ..mlp.network import FittedNetwork

REPEATS = 3
MANY = 50  # columns from which on each is shuffled once
MOST_SHUFFLED = 100  # columns: of more, those along which the gradient says most


def evaluations(columns: int) -> int:
    """How many times `permutation` computes the score."""
    return 1 + min(columns, MOST_SHUFFLED) * (REPEATS if columns <= MANY else 1)


def permutation(
    score: Callable[[Any], float],
    x: Any,
    groups: Iterable[Sequence[int]],
    rng: Any,
    strengths: Any = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Measure how far a score falls when the features of a column are shuffled together.

    With `strengths`, a number for each column, only the `MOST_SHUFFLED` strongest are shuffled, and
    the others get 0.

    Returns
    -------
    (means, standard deviations)
        For each group of features.
    """
    groups = list(groups)
    whole = score(x)
    falls = np.zeros((REPEATS if len(groups) <= MANY else 1, len(groups)))
    chosen = np.arange(len(groups))
    if strengths is not None:
        chosen = np.sort(np.argsort(-strengths, kind="stable")[:MOST_SHUFFLED])
    for k in chosen:
        columns = groups[k]
        shuffled = x.copy()
        for repeat in range(len(falls)):
            shuffled[:, columns] = x[rng.permutation(len(x))][:, columns]
            falls[repeat, k] = whole - score(shuffled)
    return falls.mean(axis=0), falls.std(axis=0)


def shuffled_slopes(
    network: FittedNetwork, x: Any, groups: Sequence[Sequence[int]], rng: Any
) -> NDArray[Any]:
    """About how far shuffling a column moves the raw output, by the gradient: a number for each."""
    moves = x[rng.permutation(len(x))] - x
    effects = _slope(network, x)(x) * moves
    return np.array([np.mean(np.abs(effects[:, list(k)].sum(axis=1))) for k in groups])


def integrated_gradients(network: FittedNetwork, x: Any, steps: Any, base: Any) -> NDArray[Any]:
    """Attribute the raw output (of the class predicted) to the features of each row.

    The line begins at a base, one for all rows or one for each. Sundararajan et
    al.: arXiv:1703.01365 (2017), equation 3.
    """
    if type(steps) is bool or not isinstance(steps, Integral) or steps < 1:
        raise ValueError(f"steps={steps!r:.40}: give a whole number of points, 1 or more")
    slope = _slope(network, x)
    total = np.zeros_like(x)
    for k in range(steps):
        total += slope(base + (k + 0.5) / steps * (x - base))
    return np.asarray(total / steps * (x - base))


def _slope(network: FittedNetwork, x: Any) -> Callable[[Any], Any]:
    """The gradient, for rows in the place of `x`, of the raw outputs (of the classes predicted)."""

    def raw(rows: Any) -> Any:
        z = network.raw_outputs(rows)
        return z if z.ndim == 2 else np.mean(z, axis=0)

    outputs = raw(x)
    mask = (np.arange(outputs.shape[1]) == np.argmax(outputs, axis=1)[:, None]).astype(x.dtype)
    slope: Callable[[Any], Any] = jit(grad(lambda rows: np.sum(raw(rows) * mask)))
    return slope
