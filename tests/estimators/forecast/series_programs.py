"""Series of known laws, and walks of a forecaster through the rows that come after its training."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from chainrule import Forecaster

DATA = Path(os.environ.get("CHAINRULE_DATA", Path(__file__).parents[4] / "shared" / "data"))
WEEK = np.array([-1.2, -0.4, 0.1, 0.3, 0.8, 2.0, -1.6])


def autoregression(phi: float, steps: int, rng: np.random.Generator, series: int = 1) -> Any:
    """Stationary AR(1) series (steps, series) with innovations of variance 1."""
    noise = rng.normal(size=(steps, series))
    result = np.empty((steps, series))
    result[0] = noise[0] / np.sqrt(1.0 - phi**2)
    for t in range(1, steps):
        result[t] = phi * result[t - 1] + noise[t]
    return result


def seasonal(steps: int, rng: np.random.Generator, series: int = 1) -> Any:
    """A week, a level of 20 and AR(1) noise."""
    week = 2.0 * WEEK[np.arange(steps) % 7][:, None]
    return 20.0 + week + autoregression(0.4, steps, rng, series)


def uneven(steps: int, rng: np.random.Generator, series: int = 1) -> Any:
    """Noise whose size depends on the day of the week, and swells and falls slowly."""
    step = np.arange(steps)[:, None]
    swell = np.sin(step / 90.0 + rng.uniform(0.0, 2.0 * np.pi, series))
    size = np.exp(0.4 * WEEK[np.arange(steps) % 7][:, None] + 0.4 * swell)
    return 50.0 + size * rng.normal(size=(steps, series))


def shifting(steps: int, rng: np.random.Generator, series: int = 1) -> Any:
    """A week whose level jumps at random, every 150 steps or so."""
    jumps = (rng.random((steps, series)) < 1 / 150) * rng.normal(0.0, 15.0, (steps, series))
    return 100.0 + np.cumsum(jumps, axis=0) + seasonal(steps, rng, series)


def walk(steps: int, rng: np.random.Generator, drift: float = 0.0003) -> Any:
    """Prices (steps,): a geometric random walk."""
    return 100.0 * np.exp(np.cumsum(drift + 0.012 * rng.normal(size=steps)))


def long_table(values: Any, times: Any, names: Any = None) -> pd.DataFrame:
    """A row for each series and time of values (steps, series)."""
    names = [f"s{k}" for k in range(values.shape[1])] if names is None else names
    return pd.concat(
        [pd.DataFrame({"id": n, "t": times, "y": values[:, k]}) for k, n in enumerate(names)],
        ignore_index=True,
    )


LONG: Any = {"id": "id", "time": "t", "target": "y"}


def outcomes(
    forecaster: Forecaster, values: Any, first: int, origins: int, levels: list[float] | None = None
) -> dict[str, Any]:
    """Forecasts at origins one row apart, each after an update with that row.

    The forecaster has learned from the array ``values[:first]`` of (steps, series). Returns the
    columns of `predict` as (origins, series, horizon), and what came as "actual".
    """
    horizon, series = forecaster.horizon, values.shape[1]
    parts: dict[str, list[Any]] = {}
    for end in range(first, first + origins):
        if end > first:
            forecaster.update(values[end - 1 : end])
        answer = forecaster.predict(levels)
        for name in answer.columns.difference(["unique_id", "ds"]):
            parts.setdefault(name, []).append(answer[name].to_numpy().reshape(series, horizon))
        parts.setdefault("actual", []).append(values[end : end + horizon].T)
    return {name: np.stack(rows) for name, rows in parts.items()}


def covered(result: dict[str, Any], level: int) -> Any:
    """Whether each step came within its interval."""
    actual = result["actual"]
    return (result[f"lo-{level}"] <= actual) & (actual <= result[f"hi-{level}"])


Program = Callable[[int, np.random.Generator, int], Any]
PROGRAMS: dict[str, Program] = {
    "autoregression": lambda steps, rng, series: autoregression(0.8, steps, rng, series),
    "seasonal": seasonal,
    "uneven": uneven,
    "shifting": shifting,
}
