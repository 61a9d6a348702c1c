"""Running means and variances: observations and rewards of similar size, whatever the units."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class RunningMoments(NamedTuple):
    """Mean and variance of all rows so far.

    They begin as 0 and 1 with a weight of 1e-4 rows, so that they are defined from the start.
    """

    mean: Any
    variance: Any
    count: Any


class ReturnScale(NamedTuple):
    """The running discounted return of each copy, and the moments of all of them."""

    returns: Any  # (n,)
    moments: RunningMoments


def initial_moments(shape: tuple[int, ...]) -> RunningMoments:
    """Return the moments of no rows."""
    return RunningMoments(np.zeros(shape), np.ones(shape), np.float64(1e-4))


def updated_moments(moments: RunningMoments, rows: Any, valid: Any = None) -> RunningMoments:
    """Return the moments of the rows so far and of these, or of those that are valid.

    Parameters
    ----------
    moments : RunningMoments
    rows : array of shape (n, ...)
    valid : bool (n,), optional
        Default: all.

    References
    ----------
    T. F. Chan, G. H. Golub, R. J. LeVeque: "Updating formulae and a pairwise algorithm for
    computing sample variances" (1979).
    """
    rows = rows.astype(np.float64)
    if valid is None:
        n: Any = rows.shape[0]
        mean, variance = np.mean(rows, axis=0), np.var(rows, axis=0)
    else:
        weight = valid.reshape(-1, *(1,) * (rows.ndim - 1)).astype(np.float64)
        n = np.sum(valid).astype(np.float64)
        divisor = np.maximum(n, 1.0)
        mean = np.sum(weight * rows, axis=0) / divisor
        variance = np.sum(weight * (rows - mean) ** 2, axis=0) / divisor
    total = moments.count + n
    shift = mean - moments.mean
    squares = moments.variance * moments.count + variance * n
    squares = squares + shift * shift * (moments.count * n / total)
    return RunningMoments(moments.mean + shift * (n / total), squares / total, total)


def normalized(
    moments: RunningMoments, rows: Any, clip: float = 10.0, epsilon: float = 1e-8
) -> Any:
    """Return ``(rows - mean) / sqrt(variance + epsilon)`` within ``-clip ... clip``."""
    scaled = (rows - moments.mean) / np.sqrt(moments.variance + epsilon)
    return np.clip(scaled, -clip, clip).astype(rows.dtype)


def scaled_rewards(
    scale: ReturnScale, rewards: Any, ended: Any, gamma: float, valid: Any = None,
    clip: float = 10.0, epsilon: float = 1e-8,
) -> tuple[ReturnScale, Any]:  # fmt: skip
    """Divide rewards by the standard deviation of the running discounted return.

    The return of a copy begins anew after the end of its episode, by termination or truncation.
    Steps that are not `valid`, bool (n,), do not count.

    Returns
    -------
    scale : ReturnScale
    rewards : array of shape (n,)
        Within ``-clip ... clip``.

    References
    ----------
    L. Engstrom et al.: "Implementation matters in deep policy gradients", arXiv:2005.12729 (2020).
    """
    returns = scale.returns * gamma + rewards
    moments = updated_moments(scale.moments, returns, valid)
    scaled = rewards / np.sqrt(moments.variance + epsilon)
    scaled = np.clip(scaled, -clip, clip).astype(rewards.dtype)
    return ReturnScale(np.where(ended, 0.0, returns), moments), scaled
