"""`Forecaster` as a method of the benchmark, and the coverage of its intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import chainrule as cr

from .forecast_sets import Floats, HourlySeries, RollingSet

LEVELS = (80, 90, 95)


def forecaster(horizon: int, **settings: Any) -> cr.Forecaster:
    """With all defaults, on one thread, as the peers have it."""
    return cr.Forecaster(horizon=horizon, random_state=0, n_threads=1, progress=False, **settings)


def backtest(one: RollingSet, step: int | None = None, **settings: Any) -> Any:
    """The rolling origins of a set; with another `step` as many as fit behind the first."""
    step = one.step if step is None else step
    origins = np.arange(one.first, len(one.values) - one.horizon + 1, step)
    series = one.series.iloc[: origins[-1] + one.horizon]
    return forecaster(one.horizon, **settings).backtest(
        series, n_windows=len(origins), step=step, levels=LEVELS
    )


def rolling(one: RollingSet) -> Floats:
    """The forecasts (origins, horizon), fitted anew at eight origins."""
    return np.asarray(backtest(one).forecast[:, 0])


def rolling_price(one: RollingSet) -> Floats:
    """The same of prices, whatever their calendar."""
    return np.asarray(backtest(one, kind="price").forecast[:, 0])


def m4(data: HourlySeries) -> Floats:
    """One forecaster for all series; the competition's rows have no stamps, so seasons are said."""
    lengths = [len(one) for one in data.train]
    frame = pd.DataFrame({
        "unique_id": np.repeat(np.arange(len(lengths)), lengths),
        "ds": np.concatenate([np.arange(length) for length in lengths]),
        "y": np.concatenate(data.train),
    })  # fmt: skip
    model = forecaster(data.test.shape[1], season_length=[24, 168]).fit(frame)
    return model.predict()["forecast"].to_numpy().reshape(len(lengths), -1)
