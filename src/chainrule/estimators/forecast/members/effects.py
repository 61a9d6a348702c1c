"""What covariates that are known ahead do to a series: taken off before, put back after.

The effect is that of the covariates on values of the same step, estimated from seasonal differences
(a regression with errors that depend on each other; G. E. P. Box, G. C. Tiao: "Intervention
analysis", JASA 70, 1975), so that neither level nor season stands for it. It is one for all series,
from which each series departs as far as it has rows of its own to say so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

PRIOR_ROWS = 30.0  # that the common effect counts in each series
COMMON_ROWS = 3.0  # that no effect counts in the common one
LARGEST = 3.0  # logarithm of a factor
ROBUST = 4.0  # usual errors; a row further off counts as being there


@dataclass(frozen=True)
class Effects:
    """Covariates are standardised by `mean` and `deviation`, then weighted by `weights`.

    Attributes
    ----------
    mean, deviation : array (K,)
    weights : array (series, K)
    common : array (K,)
        Those of all series together.
    is_factor : bool
        Whether the effect is the logarithm of a factor on values: a promotion adds a share.
        Otherwise it is added to transformed values.
    """

    mean: Floats
    deviation: Floats
    weights: Floats
    common: Floats
    is_factor: bool

    @classmethod
    def of(
        cls, series: list[Floats], known: list[Floats], season: int, *, is_factor: bool = False
    ) -> Effects:
        """Estimate the effects on series of transformed values: logarithms, for factors.

        Parameters
        ----------
        series : list of array (n,)
        known : list of array (at least n, K)
        season : int
        is_factor : bool

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> promo = (rng.random((300, 1)) < 0.2).astype(float)
        >>> sales = np.tile([1.0, 2.0, 4.0], 100) + 1.5 * promo[:, 0]
        >>> effects = Effects.of([sales], [promo], 3)
        >>> round(float((effects.weights / effects.deviation)[0, 0]), 2)
        1.49
        """
        rows = [one[: len(z)] for one, z in zip(known, series, strict=True)]
        joined = np.concatenate(rows)
        mean, deviation = joined.mean(axis=0), joined.std(axis=0)
        deviation = np.where(deviation > 1e-9 * (1.0 + np.abs(mean)), deviation, np.inf)
        pairs = [
            _differences(z, (one - mean) / deviation, season)
            for z, one in zip(series, rows, strict=True)
        ]
        size = joined.shape[1]
        prior = _solve(
            np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs]),
            np.zeros(size), COMMON_ROWS,
        )  # fmt: skip
        if len(series) == 1:
            return cls(mean, deviation, prior[None], prior, is_factor)
        weights = np.stack([_solve(x, y, prior, PRIOR_ROWS) for x, y in pairs])
        return cls(mean, deviation, weights, prior, is_factor)

    def with_series(self, many: int) -> Effects:
        """The effects with those of so many more series, of which nothing is known yet."""
        more = np.tile(self.common, (many, 1))
        return replace(self, weights=np.concatenate([self.weights, more]))

    def factors(self, known: Floats, series: NDArray[np.int64] | int) -> Floats:
        """The factors on values, if the effect is one."""
        return np.exp(np.clip(self(known, series), -LARGEST, LARGEST))

    def __call__(self, known: Floats, series: NDArray[np.int64] | int) -> Floats:
        """The effect of covariates (..., K) on the series that their first axis belongs to."""
        about = (known - self.mean) / self.deviation
        weights = self.weights[series]
        if weights.ndim == 1:
            return np.asarray(about @ weights)
        return np.asarray(np.einsum("nhk,nk->nh", about, weights))


def _differences(z: Floats, x: Floats, season: int) -> tuple[Floats, Floats]:
    lag = season if len(z) > 2 * season else 1
    if len(z) <= lag:
        return x[:0], z[:0]
    return x[lag:] - x[:-lag], z[lag:] - z[:-lag]


def _solve(x: Floats, y: Floats, prior: Floats, rows: float) -> Floats:
    """Ridge regression towards `prior`; then once more with outliers moved nearer."""
    gram = x.T @ x + 2.0 * rows * np.eye(x.shape[1])  # a difference has twice the variance
    weights = prior + np.linalg.solve(gram, x.T @ (y - x @ prior))
    if len(y):
        error = y - x @ weights
        usual = ROBUST * 1.4826 * float(np.median(np.abs(error)))
        if usual > 0.0:
            calm = x @ weights + np.clip(error, -usual, usual)
            weights = prior + np.linalg.solve(gram, x.T @ (calm - x @ prior))
    return np.asarray(weights)
