"""What a window of demands says of the next ones, in units of its level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Floats32: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]

SHORT_SEASON = 14  # steps up to which each phase has an indicator; longer ones have sine waves
WAVES = 3
CYCLES = (2, 8)  # least and most cycles that a mean of one phase reads
SEASON_STEPS = 56  # steps that these cycles span, within those bounds
PRIOR = 2.0  # steps at the level that are mixed into a mean of one phase
BOUND = 6.0  # standard deviations that a feature may be away from its mean


@dataclass(frozen=True)
class FeatureOptions:
    """What the features of a window are."""

    horizon: int
    seasons: tuple[int, ...]
    window: int  # steps of the level, and the longest mean
    lags: int

    @classmethod
    def of(cls, horizon: int, seasons: tuple[int, ...]) -> FeatureOptions:
        """The window has four short seasons, of 16 to 56 steps."""
        short = min(seasons, default=7)
        return cls(horizon, seasons, min(max(4 * short, 16), 56), min(max(short, 7), 14))

    @property
    def widths(self) -> list[int]:
        """Steps of the means."""
        return sorted({max(2, self.window // 8), self.window // 4, self.window // 2, self.window})

    def feature_counts(self, known: int, static: int) -> tuple[int, int]:
        """How many features a window has, and a step."""
        phases = (s if s <= SHORT_SEASON else 2 * WAVES for s in self.seasons)
        shared = self.lags + len(self.widths) + 5 + static
        return shared, 1 + sum(1 + one for one in phases) + known


@dataclass(frozen=True)
class DemandTable:
    """Series of a panel, aligned at their ends; NaN before they begin and where one is missing."""

    values: Floats  # (series, time)
    begins: Ints  # of the first demand above 0; time where there is none
    ends: Ints  # the step after the last on an axis that all series share
    known: Floats  # (series, time + ahead, inputs)
    static: Floats  # (series, inputs)

    @classmethod
    def of(
        cls, histories: Sequence[Floats], ends: Ints, known: Sequence[Floats], static: Floats,
        ahead: int,
    ) -> DemandTable:  # fmt: skip
        """`known` has all rows of each history, then `ahead` or more."""
        length = max((len(one) for one in histories), default=0)
        values = np.full((len(histories), length), np.nan)
        inputs = np.zeros((len(histories), length + ahead, known[0].shape[1] if known else 0))
        for row, one in enumerate(histories):
            values[row, length - len(one) :] = one
            if known:
                inputs[row, length - len(one) :] = known[row][: len(one) + ahead]
        sold = values > 0
        begins = np.where(sold.any(axis=1), sold.argmax(axis=1), length)
        return cls(values, begins, ends, inputs, static)

    def take(self, rows: Any) -> DemandTable:
        """Some of the series."""
        parts = self.values, self.begins, self.ends, self.known, self.static
        return DemandTable(*(part[rows] for part in parts))

    def counts(self) -> tuple[Floats, Floats, Floats]:
        """Running sums, shifted by one step, of demands, known steps and zeros since the begin."""
        since = np.arange(self.values.shape[1]) >= self.begins[:, None]
        known = ~np.isnan(self.values) & since
        filled = np.where(known, self.values, 0.0)
        parts = (filled, known, known & (filled == 0))
        sums = [np.pad(np.cumsum(part, axis=1, dtype=float), ((0, 0), (1, 0))) for part in parts]
        return sums[0], sums[1], sums[2]


@dataclass(frozen=True)
class WindowFeatures:
    """Features of windows; `level` is 0 where nothing was sold before."""

    level: Floats  # (windows,)
    shared: Floats32  # (windows, features)
    step: Floats32  # (windows, horizon, features)


def window_features(
    table: DemandTable, series: Ints, origins: Ints, options: FeatureOptions
) -> WindowFeatures:
    """Features of windows that end before column `origins` of the rows `series`.

    Only columns before the origin are read, and of known inputs also the `horizon` ones after it.
    Demands are divided by the level, the mean of the window with a quarter of a window at the mean
    of all demands so far; so a series that sells a thousand times as much has the same features.
    """
    sums = table.counts()
    window = options.window
    total, count, zeros = (_between(one, series, origins, window) for one in sums)
    all_sold, all_steps = (one[series, origins] for one in sums[:2])
    prior = window / 4.0
    level = (total + prior * all_sold / np.maximum(all_steps, 1.0)) / (count + prior)
    unit = np.where(level > 0, level, 1.0)
    shared = [
        *_lags(table, series, origins, options.lags, unit),
        *(
            np.log((_between(sums[0], series, origins, width) + unit)
                   / ((_between(sums[1], series, origins, width) + 1.0) * unit))
            for width in options.widths
        ),
        zeros / np.maximum(count, 1.0),
        np.log1p(_since_demand(table.values)[series, origins]),
        np.log1p(all_steps),
        np.log(unit),
        _log_variation(table, series, origins, window, unit),
        *table.static[series].T,
    ]  # fmt: skip
    step = _season_features(table, series, origins, options, unit)
    ahead = origins[:, None] + np.arange(options.horizon)
    step += list(np.moveaxis(table.known[series[:, None], ahead], -1, 0))
    far = np.broadcast_to(np.linspace(-1.0, 1.0, options.horizon), ahead.shape)
    return WindowFeatures(
        level,
        np.stack(shared, axis=-1).astype(np.float32),
        np.stack([far, *step], axis=-1).astype(np.float32),
    )


def _between(sums: Floats, series: Ints, origins: Ints, width: int) -> Floats:
    """The sum over the last `width` columns before the origins."""
    result: Floats = sums[series, origins] - sums[series, np.maximum(origins - width, 0)]
    return result


def _lags(table: DemandTable, series: Ints, origins: Ints, lags: int, unit: Floats) -> Floats:
    """The latest demands, ``log((y / level + 1) / 2)``; 0 where one is missing."""
    columns = origins - np.arange(1, lags + 1)[:, None]
    values = np.where(columns >= 0, table.values[series, np.maximum(columns, 0)], np.nan)
    values = np.where(columns >= table.begins[series], values, np.nan)
    result: Floats = np.nan_to_num(np.log1p(values / unit) - np.log(2.0))
    return result


def _since_demand(values: Floats) -> Floats:
    """Steps from the last demand above 0 until before each column, (series, time + 1)."""
    columns = np.arange(values.shape[1])
    latest = np.maximum.accumulate(np.where(values > 0, columns, -1), axis=1)
    latest = np.pad(latest, ((0, 0), (1, 0)), constant_values=-1)
    result: Floats = np.arange(values.shape[1] + 1) - 1.0 - latest
    return result


def _log_variation(
    table: DemandTable, series: Ints, origins: Ints, window: int, unit: Floats
) -> Floats:
    """``log`` of the mean squared distance from the level over the squared level, plus 0.1."""
    columns = origins - np.arange(1, window + 1)[:, None]
    values = np.where(columns >= 0, table.values[series, np.maximum(columns, 0)], np.nan)
    values = np.where(columns >= table.begins[series], values, np.nan)
    squares = np.nan_to_num((values / unit - 1.0) ** 2)
    known = (~np.isnan(values)).sum(axis=0)
    result: Floats = np.log(0.1 + (squares.sum(axis=0) + 1.0) / (known + 1.0))
    return result


def _season_features(
    table: DemandTable, series: Ints, origins: Ints, options: FeatureOptions, unit: Floats
) -> list[Floats]:
    """Means of the target's phase in earlier cycles, and where in the season it is."""
    ahead = np.arange(options.horizon)
    features = []
    for season in options.seasons:
        cycles = min(max(SEASON_STEPS // season, CYCLES[0]), CYCLES[1])
        back = season * (ahead // season + np.arange(1, cycles + 1)[:, None])
        columns = origins[:, None] + (ahead - back)[:, None]  # (cycles, windows, horizon)
        past = table.values[series[:, None], np.maximum(columns, 0)]
        past = np.where(columns >= table.begins[series][:, None], past, np.nan)
        sold = np.nansum(past, axis=0) + PRIOR * unit[:, None]
        steps = (~np.isnan(past)).sum(axis=0) + PRIOR
        features.append(np.log(sold / (steps * unit[:, None])))
        features += _phases(table, series, origins[:, None] + ahead, season)
    return features


def _phases(table: DemandTable, series: Ints, columns: Ints, season: int) -> list[Floats]:
    """Indicators of a short season's phases, or sine waves of a long one."""
    phase = (columns - table.values.shape[1] + table.ends[series][:, None]) % season
    if season <= SHORT_SEASON:
        return [(phase == one).astype(float) for one in range(season)]
    angle = 2.0 * np.pi * phase / season
    waves = range(1, WAVES + 1)
    return [wave(k * angle) for k in waves for wave in (np.sin, np.cos)]
