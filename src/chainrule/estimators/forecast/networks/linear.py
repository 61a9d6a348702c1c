"""Linear networks: one matrix from a window to its next steps, shared by all series."""

from __future__ import annotations

from typing import Any

from .... import nn
from ....random import split
from .dense import as_forecasts, dense, moving_average_matrix, zero_dense


class NLinear(nn.Module):
    """A linear map of the window minus its last value, which is added again.

    Parameters
    ----------
    length, horizon : int
        Steps of a window, and steps to forecast.
    key : uint32[2]
        From `chainrule.random`.
    ahead : int
        How many other inputs there are. Default 0.
    quantiles : int
        How many quantiles each step has; 0, the default, for a single forecast.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> network = NLinear(24, 6, key=random.key(0), quantiles=3)
    >>> network(np.ones((5, 24), np.float32), None).shape
    (5, 6, 3)

    References
    ----------
    A. Zeng, M. Chen, L. Zhang, Q. Xu: "Are transformers effective for time series forecasting?",
    AAAI (2023), arXiv:2205.13504.
    """

    weights: nn.Dense
    ahead_weights: Any
    horizon: int
    quantiles: int

    def __init__(
        self, length: int, horizon: int, *, key: Any, ahead: int = 0, quantiles: int = 0
    ) -> None:
        first, second = split(key)
        self.horizon, self.quantiles = horizon, quantiles
        outputs = horizon * max(1, quantiles)
        self.weights = dense(length, outputs, first)
        self.ahead_weights = zero_dense(ahead, outputs, second) if ahead else None

    def __call__(self, window: Any, ahead: Any = None) -> Any:
        last = window[:, -1:]
        outputs = self.weights(window - last) + last
        if self.ahead_weights is not None:
            outputs = outputs + self.ahead_weights(ahead)
        return as_forecasts(outputs, self.horizon, self.quantiles)


class DLinear(nn.Module):
    """A linear map of the window's trend, its moving average, plus one of what remains: the season.

    Both maps are one: with A the matrix of the moving average, ``x A T + (x - x A) S`` is
    ``x (S + A (T - S))``, so a batch is multiplied once.

    Parameters
    ----------
    length, horizon : int
        Steps of a window, and steps to forecast.
    key : uint32[2]
        From `chainrule.random`.
    ahead : int
        How many other inputs there are. Default 0.
    quantiles : int
        How many quantiles each step has; 0, the default, for a single forecast.
    kernel : int
        Steps of the moving average. Default 25, and no more than the window has.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> DLinear(48, 12, key=random.key(0))(np.ones((5, 48), np.float32), None).shape
    (5, 12)

    References
    ----------
    A. Zeng, M. Chen, L. Zhang, Q. Xu: "Are transformers effective for time series forecasting?",
    AAAI (2023), arXiv:2205.13504.
    """

    season: nn.Dense
    trend: nn.Dense
    ahead_weights: Any
    horizon: int
    quantiles: int
    kernel: int

    def __init__(
        self, length: int, horizon: int, *, key: Any, ahead: int = 0, quantiles: int = 0,
        kernel: int = 25,
    ) -> None:  # fmt: skip
        keys = split(key, 3)
        self.horizon, self.quantiles, self.kernel = horizon, quantiles, min(kernel, length)
        outputs = horizon * max(1, quantiles)
        self.season, self.trend = dense(length, outputs, keys[0]), dense(length, outputs, keys[1])
        self.ahead_weights = zero_dense(ahead, outputs, keys[2]) if ahead else None

    def __call__(self, window: Any, ahead: Any = None) -> Any:
        average = moving_average_matrix(window.shape[1], self.kernel)
        weight = self.season.weight + average @ (self.trend.weight - self.season.weight)
        outputs = window @ weight + (self.season.bias + self.trend.bias)
        if self.ahead_weights is not None:
            outputs = outputs + self.ahead_weights(ahead)
        return as_forecasts(outputs, self.horizon, self.quantiles)

    def parts(self, window: Any, ahead: Any = None) -> dict[str, Any]:
        """Trend, season and, where there are other inputs, theirs; they add up to the forecast."""
        trend = window @ moving_average_matrix(window.shape[1], self.kernel)
        parts = {"trend": self.trend(trend), "season": self.season(window - trend)}
        if self.ahead_weights is not None:
            parts["ahead"] = self.ahead_weights(ahead)
        return {
            name: as_forecasts(outputs, self.horizon, self.quantiles)
            for name, outputs in parts.items()
        }
