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


def permutation(
    score: Callable[[Any], float], x: Any, groups: Iterable[Sequence[int]], rng: Any
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Measure how far a score falls when the features of a column are shuffled together.

    Returns
    -------
    (means, standard deviations)
        For each group of features.
    """
    groups = list(groups)
    whole = score(x)
    falls = np.zeros((REPEATS if len(groups) <= MANY else 1, len(groups)))
    for k, columns in enumerate(groups):
        shuffled = x.copy()
        for repeat in range(len(falls)):
            shuffled[:, columns] = x[rng.permutation(len(x))][:, columns]
            falls[repeat, k] = whole - score(shuffled)
    return falls.mean(axis=0), falls.std(axis=0)


def integrated_gradients(network: FittedNetwork, x: Any, steps: Any) -> NDArray[Any]:
    """Attribute the raw output (of the class predicted) to the features of each row.

    The line begins at the mean row. Sundararajan et al.: arXiv:1703.01365 (2017), equation 3.
    """
    if type(steps) is bool or not isinstance(steps, Integral) or steps < 1:
        raise ValueError(f"steps={steps!r:.40}: give a whole number of points, 1 or more")
    base = np.mean(x, axis=0, keepdims=True)

    def raw(rows: Any) -> Any:
        z = network.raw_outputs(rows)
        return z if z.ndim == 2 else np.mean(z, axis=0)

    chosen = np.argmax(raw(x), axis=1)
    mask = (np.arange(raw(x[:1]).shape[1]) == chosen[:, None]).astype(x.dtype)
    slope = jit(grad(lambda rows: np.sum(raw(rows) * mask)))
    total = np.zeros_like(x)
    for k in range(steps):
        total += slope(base + (k + 0.5) / steps * (x - base))
    return np.asarray(total / steps * (x - base))
