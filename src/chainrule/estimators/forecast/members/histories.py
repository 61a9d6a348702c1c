"""Series as members read them: windows that end at an origin, and nothing of later steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..reading.panel import Panel

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Origins:
    """Places in time that are forecast from: in series number `series[k]`, after `steps[k]` rows.

    Attributes
    ----------
    series, steps : array (n,) of int
    """

    series: Ints
    steps: Ints

    def __len__(self) -> int:
        return len(self.series)

    def plus(self, other: Origins) -> Origins:
        """These and others."""
        return Origins(
            np.concatenate([self.series, other.series]), np.concatenate([self.steps, other.steps])
        )

    def __getitem__(self, some: NDArray[np.bool_] | slice | Ints) -> Origins:
        return Origins(self.series[some], self.steps[some])


@dataclass(frozen=True)
class Histories:
    """The values and the covariates of all series.

    Attributes
    ----------
    values : list of array (n,)
    observed : list of array (n,) of bool
        False where a gap was filled.
    known : list of array (n + ahead, K)
    past : list of array (n, P)
    static : array (series, S)
    season : int
        The shortest; 1 where there is none.
    """

    values: list[Floats]
    observed: list[Flags]
    known: list[Floats]
    past: list[Floats]
    static: Floats
    season: int

    @classmethod
    def of(cls, panel: Panel, season: int) -> Histories:
        """The series of a panel."""
        return cls(
            [one.values for one in panel.series],
            [one.observed | (panel.fill_gaps == "zero") for one in panel.series],  # zeros are true
            [one.known for one in panel.series],
            [one.past for one in panel.series],
            np.stack([one.static for one in panel.series]),
            season,
        )

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def lengths(self) -> Ints:
        """The numbers of values."""
        return np.array([len(one) for one in self.values], np.int64)

    @property
    def ends(self) -> Origins:
        """The origin after the last value of each series."""
        return Origins(np.arange(len(self), dtype=np.int64), self.lengths)

    def some(self, rows: Ints) -> Histories:
        """Some of the series."""
        return Histories(
            [self.values[k] for k in rows], [self.observed[k] for k in rows],
            [self.known[k] for k in rows], [self.past[k] for k in rows], self.static[rows],
            self.season,
        )  # fmt: skip

    def before(self, limits: Ints) -> Histories:
        """What is known after so many rows of each series; at least one is."""
        return Histories(
            [self.causal(k, int(limit)) for k, limit in enumerate(limits)],
            [one[:limit] for one, limit in zip(self.observed, limits, strict=True)],
            [one[:limit] for one, limit in zip(self.known, limits, strict=True)],
            [one[:limit] for one, limit in zip(self.past, limits, strict=True)],
            self.static,
            self.season,
        )

    def causal(self, series: int, limit: int) -> Floats:
        """The values before a row; a gap that reaches over it is filled without later values."""
        values = self.values[series][:limit]
        known = np.flatnonzero(self.observed[series][:limit])
        last = int(known[-1]) + 1 if len(known) else 1
        if last >= limit:
            return values
        values = values.copy()
        for row in range(last, limit):
            values[row] = values[row - self.season if row >= self.season else row - 1]
        return values

    def windows(self, origins: Origins, length: int) -> Floats:
        """The values before origins (n, length); what a short series lacks is its first season."""
        result = np.empty((len(origins), length))
        for series in np.unique(origins.series):
            rows = np.flatnonzero(origins.series == series)
            steps = origins.steps[rows]
            values, observed = self.values[series], self.observed[series]
            padded = np.concatenate([_padding(values, length, self.season), values])
            result[rows] = padded[steps[:, None] + np.arange(length)]
            apart = ~observed[steps - 1] | (steps < self.season)  # may need what comes later
            for row, step in zip(rows[apart], steps[apart], strict=True):
                causal = self.causal(int(series), int(step))
                padding = _padding(causal, length, self.season)
                result[row] = np.concatenate([padding, causal])[-length:]
        return result

    def actual(self, origins: Origins, horizon: int) -> Floats:
        """The values after origins (n, horizon): NaN beyond the last one."""
        result = np.full((len(origins), horizon), np.nan)
        for series in np.unique(origins.series):
            rows = np.flatnonzero(origins.series == series)
            values = np.concatenate([self.values[series], np.full(horizon, np.nan)])
            result[rows] = values[origins.steps[rows][:, None] + np.arange(horizon)]
        return result

    def seasonal_scale(self, limits: Ints | None = None) -> Floats:
        """The mean absolute seasonal difference of each series: MASE's unit; 1 if it is 0."""
        scales = []
        for k, values in enumerate(self.values):
            some = values if limits is None else values[: limits[k]]
            season = self.season if len(some) > self.season else 1
            scale = float(np.mean(np.abs(some[season:] - some[:-season]))) if len(some) > 1 else 0.0
            level = float(np.mean(np.abs(some)))
            scales.append(scale if scale > 1e-9 * level else level or 1.0)
        return np.array(scales)


def _padding(values: Floats, length: int, season: int) -> Floats:
    """So many values in front of a series: its first season again and again."""
    first = values[: min(season, len(values))]
    repeats = -(-length // len(first))
    return np.tile(first, repeats)[len(first) * repeats - length :]
