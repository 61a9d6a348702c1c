"""How large errors are expected to be: by the step ahead, the season, and how they were of late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..members.histories import Origins

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

HALF_LIFE = 60.0  # steps after which an error counts half in the recent size of errors
PRIOR = 10.0  # windows that the usual size counts beside those of late
LEAST_CYCLES = 12  # of a season in the record, for sizes by the position in it
POSITION_PRIOR = 5.0  # cycles that the usual size counts at each position


@dataclass(frozen=True)
class Spreads:
    """The expected absolute error is the product of three factors.

    Attributes
    ----------
    by_step : array (horizon,)
        For each step ahead.
    by_position : array (season,)
        For the position in the season of the step; ``[1.0]`` where the record is too short.
    of_late : array (series,)
        Of each series, at the end of the record.
    """

    by_step: Floats
    by_position: Floats
    of_late: Floats

    def at(self, origins: Origins, starts: Ints, of_late: Floats | None = None) -> Floats:
        """The expected absolute errors (n, horizon) of the steps after origins.

        Parameters
        ----------
        origins : Origins
        starts : array (series,)
            Where series begin on the calendar.
        of_late : array (n,), optional
            Default: those at the end of the record.
        """
        recent = self.of_late[origins.series] if of_late is None else of_late
        positions = target_positions(origins, starts, len(self.by_step), len(self.by_position))
        return np.asarray(self.by_step * self.by_position[positions] * recent[:, None])


def target_positions(origins: Origins, starts: Ints, horizon: int, season: int) -> Ints:
    """The positions in the season of the steps after origins (n, horizon)."""
    first = (starts[origins.series] + origins.steps)[:, None]
    return np.asarray((first + np.arange(horizon)) % season)


def measure(
    residuals: Floats, origins: Origins, ages: Ints, starts: Ints, season: int
) -> tuple[Spreads, Floats]:
    """Measure the spreads of a record, and what was expected of late at each of its origins.

    Parameters
    ----------
    residuals : array (n, horizon)
        NaN where the step is not over.
    origins : Origins
    ages : array (n,)
        Steps from each origin to the end of its series.
    starts : array (series,)
    season : int

    Returns
    -------
    Spreads
    array (n,)
        The recent size of errors, from windows that were over at each origin.
    """
    size = np.abs(residuals)
    horizon, many = residuals.shape[1], len(starts)
    known = np.isfinite(size)
    by_step = _smooth(_mean(size, known, 0))
    scaled = np.where(known, size / by_step, 0.0)
    by_position = np.ones(1)
    span = int(ages.max(initial=0)) if len(ages) else 0
    if season > 1 and span >= LEAST_CYCLES * season:
        positions = target_positions(origins, starts, horizon, season)
        sums = np.bincount(positions.ravel(), scaled.ravel(), season)
        counts = np.bincount(positions.ravel(), known.ravel(), season)
        cycles = counts * (span / season) / max(counts.mean(), 1e-300)
        mean = sums / np.maximum(counts, 1.0)
        usual = sums.sum() / max(counts.sum(), 1.0)
        if usual > 0.0:
            mean = (mean * cycles + usual * POSITION_PRIOR) / (cycles + POSITION_PRIOR)
            by_position = mean / usual
            scaled = scaled / by_position[positions]
    windows = scaled.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    over = np.asarray(known.all(axis=1))
    recent = _recent(windows, over, origins.series, ages, horizon, many)
    last = np.array([recent[k, min(horizon, recent.shape[1] - 1)] for k in range(many)])
    then = np.minimum(ages + horizon, recent.shape[1] - 1)
    return Spreads(by_step, by_position, last), recent[origins.series, then]


def _mean(size: Floats, known: NDArray[np.bool_], axis: int) -> Floats:
    total = np.where(known, size, 0.0).sum(axis=axis)
    mean = total / np.maximum(known.sum(axis=axis), 1)
    usual = float(mean[mean > 0.0].mean()) if (mean > 0.0).any() else 1.0
    return np.asarray(np.maximum(mean, 1e-6 * usual))


def _smooth(by_step: Floats) -> Floats:
    """Means of three neighbouring steps."""
    if len(by_step) < 3:
        return by_step
    padded = np.concatenate([by_step[:1], by_step, by_step[-1:]])
    return np.asarray((padded[:-2] + padded[1:-1] + padded[2:]) / 3.0)


def _recent(
    windows: Floats, over: NDArray[np.bool_], series: Ints, ages: Ints, horizon: int, many: int
) -> Floats:
    """The recent size of errors (series, ages), from windows of each age and older.

    A series' usual size so far counts too, and the usual size of all beside that. The oldest
    windows have the size of all. (Were a window's size among those that it is divided by, ratios
    of short series would come out too even, and intervals too narrow.)
    """
    if not over.any():
        return np.ones((many, 1))
    oldest = int(ages[over].max())
    sums = np.zeros((many, oldest + 2))
    counts = np.zeros((many, oldest + 2))
    np.add.at(sums, (series[over], ages[over]), windows[over])
    np.add.at(counts, (series[over], ages[over]), 1.0)
    usual = float(sums.sum() / counts.sum())
    if not usual > 0.0:
        return np.ones((many, 1))  # no forecast was ever wrong
    so_far, many_so_far = (np.cumsum(one[:, ::-1], axis=1)[:, ::-1] for one in (sums, counts))
    mean = (so_far + PRIOR * usual) / (many_so_far + PRIOR)
    decay = 0.5 ** (1.0 / HALF_LIFE)
    for age in range(oldest - 1, -1, -1):
        sums[:, age] += decay * sums[:, age + 1]
        counts[:, age] += decay * counts[:, age + 1]
    return np.asarray((sums + PRIOR * mean) / (counts + PRIOR))
