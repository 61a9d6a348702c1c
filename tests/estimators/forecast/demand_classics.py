"""Classical forecasts of intermittent demand, as loops over one series."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

SMOOTHINGS = (0.02, 0.05, 0.1, 0.2, 0.3)


def croston_path(values: Any, smoothing: float) -> list[float]:
    """Forecasts before each value and after the last, as in Croston (1972)."""
    size = interval = 0.0
    since, path = 1, [0.0]
    for value in values:
        if value > 0:
            first = not size
            size = value if first else size + smoothing * (value - size)
            interval = since if first else interval + smoothing * (since - interval)
            since = 1
        elif value == 0:
            since += 1
        path.append(size / interval if size else 0.0)
    return path


def sba_path(values: Any, smoothing: float) -> list[float]:
    """Croston's without its bias, as in Syntetos and Boylan (2005)."""
    return [(1 - smoothing / 2) * forecast for forecast in croston_path(values, smoothing)]


def tsb_path(values: Any, smoothing: float, of_rate: float) -> list[float]:
    """As in Teunter, Syntetos and Babai (2011), begun at the first demand."""
    size = rate = 0.0
    since, path = 1, [0.0]
    for value in values:
        if value > 0:
            rate = rate + of_rate * (1.0 - rate) if size else 1.0 / since
            size = size + smoothing * (value - size) if size else value
        elif value == 0:
            rate -= of_rate * rate
            since += 1
        path.append(size * rate)
    return path


def paths_and_costs(path: Callable[..., list[float]], count: int, values: Any) -> tuple[Any, Any]:
    """Paths (settings, time + 1) of a grid of `count` smoothings, and squared errors so far."""
    paths = np.array([path(values, *setting) for setting in product(SMOOTHINGS, repeat=count)])
    errors = np.nan_to_num((paths[:, :-1] - np.asarray(values)) ** 2)
    return paths, np.pad(np.cumsum(errors, axis=1), ((0, 0), (1, 0)))
