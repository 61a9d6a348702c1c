"""Rules without weights: the last value, the last season, and the line from first to last value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .histories import Histories, Origins

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class SeasonalNaive:
    """The value one season (or as many as needed) before each step; with ``season=1`` the last.

    Examples
    --------
    >>> season = np.array([1.0, 2.0, 3.0])
    >>> histories = Histories([np.tile(season, 2)], [np.ones(6, bool)], [], [], np.empty((1, 0)), 3)
    >>> SeasonalNaive(3).forecast(histories, histories.ends, 4).tolist()
    [[1.0, 2.0, 3.0, 1.0]]
    """

    season: int

    @property
    def name(self) -> str:
        """As tables have it."""
        return "naive" if self.season == 1 else f"seasonal naive ({self.season})"

    def forecast(self, histories: Histories, origins: Origins, horizon: int) -> Floats:
        """The forecasts (origins, horizon)."""
        last = histories.windows(origins, self.season)
        return np.asarray(last[:, np.arange(horizon) % self.season])


@dataclass(frozen=True)
class Drift:
    """The random walk with drift: the last value, and the mean step so far for each step ahead.

    Steps are those of logarithms where all values before the origin are positive.
    """

    @property
    def name(self) -> str:
        """As tables have it."""
        return "random walk with drift"

    def forecast(self, histories: Histories, origins: Origins, horizon: int) -> Floats:
        """The forecasts (origins, horizon)."""
        ahead = np.arange(1, horizon + 1)
        result = np.empty((len(origins), horizon))
        last = histories.windows(origins, 1)[:, 0]
        for row, (series, step) in enumerate(zip(origins.series, origins.steps, strict=True)):
            values = histories.causal(int(series), int(step))
            first, steps = float(values[0]), max(int(step) - 1, 1)
            if float(values.min()) > 0.0:
                result[row] = last[row] * np.exp(np.log(last[row] / first) / steps * ahead)
            else:
                result[row] = last[row] + (last[row] - first) / steps * ahead
        return result
