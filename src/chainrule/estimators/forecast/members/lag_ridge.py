"""Ridge regression over lags in closed form: one matrix of products serves many candidates.

A forecast of all steps ahead is linear in the window before: ``c + (w - c) B + b`` with c a mean of
part of the window (its centre), which follows shifts of the level. Centring is linear as well, so
the products of raw windows, ``sum of r r'`` with r the window, other inputs and the steps ahead,
give those of centred windows by changes of rank two, and each penalty one Cholesky factorisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

Floats: TypeAlias = NDArray[np.float64]

CENTRES = ("last", "season", "mean", "none")
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)  # times the mean variance of the inputs
BLOCK = 2048  # windows at a time


@dataclass(frozen=True)
class Products:
    """Sums over windows of ``weight * r`` and ``weight * r r'``.

    Attributes
    ----------
    lags, extras, horizon : int
        The parts of r.
    total : float
        The sum of the weights.
    sums : array (lags + extras + horizon,)
    squares : array (lags + extras + horizon, lags + extras + horizon)
    """

    lags: int
    extras: int
    horizon: int
    total: float
    sums: Floats
    squares: Floats

    @classmethod
    def none(cls, lags: int, extras: int, horizon: int) -> Products:
        """The sums over no window."""
        size = lags + extras + horizon
        return cls(lags, extras, horizon, 0.0, np.zeros(size), np.zeros((size, size)))

    @classmethod
    def of(
        cls, values: Floats, extras: Floats, lags: int, horizon: int, *, by_deviation: bool = False,
        stride: int = 1,
    ) -> Products:  # fmt: skip
        """Sum over all windows of one series.

        Parameters
        ----------
        values : array (n,)
        extras : array (n, k)
            Other inputs of the window that ends with this row.
        lags, horizon : int
        by_deviation : bool
            Whether a window counts by 1 over the variance within it.
        stride : int
            Steps from one window that counts to the next, back from the last.
        """
        result = cls.none(lags, extras.shape[1], horizon)
        n = len(values) - lags - horizon + 1
        if n <= 0:
            return result
        begin = (n - 1) % stride
        windows = np.lib.stride_tricks.sliding_window_view(values, lags + horizon)[begin::stride]
        others = extras[begin + lags - 1 :: stride]
        total, sums, squares = 0.0, result.sums, result.squares
        for first in range(0, len(windows), BLOCK):
            block = windows[first : first + BLOCK]
            before, after = block[:, :lags], block[:, lags:]
            other = others[first : first + len(block)]
            rows = np.concatenate([before, other, after], axis=1)
            weights = 1.0 / deviations(before) ** 2 if by_deviation else np.ones(len(rows))
            total += float(weights.sum())
            sums = sums + weights @ rows
            squares = squares + (rows * weights[:, None]).T @ rows
        return cls(lags, extras.shape[1], horizon, total, sums, squares)

    def plus(self, other: Products, weight: float = 1.0) -> Products:
        """Add the sums over other windows."""
        return Products(
            self.lags, self.extras, self.horizon, self.total + weight * other.total,
            self.sums + weight * other.sums, self.squares + weight * other.squares,
        )  # fmt: skip

    def solve(self, centre: str, season: int, penalties: Sequence[float]) -> list[LagMap]:
        """Ridge regression for a centre and each of some penalties.

        A LinAlgError says that there are too few windows even for the largest penalty.
        """
        inputs = self.lags + self.extras
        mean_of = centre_weights(centre, self.lags, season)
        sums, squares = self._centred(mean_of)
        means = sums / max(self.total, 1e-300)
        about = squares - np.outer(means, means) * self.total
        gram, cross = about[:inputs, :inputs], about[:inputs, inputs:]
        variance = float(np.trace(gram)) / inputs
        if not variance > 0.0:
            raise LinAlgError("all windows are constant")
        maps = []
        for penalty in penalties:
            factor = cho_factor(
                gram + penalty * variance * np.eye(inputs), overwrite_a=True, check_finite=False
            )
            weights = cho_solve(factor, cross, check_finite=False)
            bias = means[inputs:] - means[:inputs] @ weights
            maps.append(_in_raw_windows(weights, bias, mean_of, self.lags))
        return maps

    def _centred(self, mean_of: Floats) -> tuple[Floats, Floats]:
        """The sums of windows and steps ahead minus the centre of the window."""
        size = len(self.sums)
        ones, centre = np.ones(size), np.zeros(size)
        ones[self.lags : self.lags + self.extras] = 0.0
        centre[: self.lags] = mean_of
        of = self.squares @ centre
        squares = (
            self.squares - np.outer(ones, of) - np.outer(of, ones)
            + (centre @ of) * np.outer(ones, ones)
        )  # fmt: skip
        return self.sums - ones * (centre @ self.sums), squares


@dataclass(frozen=True)
class LagMap:
    """A linear map from raw windows and other inputs to the steps ahead.

    Attributes
    ----------
    weights : array (lags + extras, horizon)
    bias : array (horizon,)
    """

    weights: Floats
    bias: Floats

    def __call__(self, windows: Floats, extras: Floats) -> Floats:
        """The forecasts (rows, horizon)."""
        lags = windows.shape[1]
        result = windows @ self.weights[:lags] + self.bias
        return result + extras @ self.weights[lags:] if extras.shape[1] else result


def _in_raw_windows(weights: Floats, bias: Floats, mean_of: Floats, lags: int) -> LagMap:
    """``c + (w - c) B``, with c = w a, is ``w (B + a (1 - 1'B))``."""
    raw = weights.copy()
    raw[:lags] += np.outer(mean_of, (1.0 if mean_of.any() else 0.0) - weights[:lags].sum(axis=0))
    return LagMap(raw, bias)


def centre_weights(centre: str, lags: int, season: int) -> Floats:
    """The weights of the window's values in its centre.

    Examples
    --------
    >>> centre_weights("season", 4, 2).tolist()
    [0.0, 0.0, 0.5, 0.5]
    """
    weights = np.zeros(lags)
    many = {"last": 1, "season": min(season, lags), "mean": lags, "none": 0}[centre]
    if many:
        weights[-many:] = 1.0 / many
    return weights


def deviations(windows: Any) -> Floats:
    """The standard deviation within each window, at least a hundredth of the usual one."""
    deviation = np.std(windows, axis=-1)
    return np.asarray(np.maximum(deviation, max(0.01 * float(np.median(deviation)), 1e-6)))
