"""A recurrent network over a window's patches."""

from __future__ import annotations

from typing import Any

from .... import nn
from ....random import split
from .dense import as_forecasts, dense, with_ahead, zero_dense


class GRUForecaster(nn.Module):
    """Gated recurrent units over the window, some steps at a time, beside a linear skip.

    Parameters
    ----------
    length, horizon : int
        Steps of a window, and steps to forecast.
    key : uint32[2]
        From `chainrule.random`.
    ahead : int
        How many other inputs there are; the last layer reads them beside the last state. Default 0.
    quantiles : int
        How many quantiles each step has; 0, the default, for a single forecast.
    patch : int
        How many steps of the window the units read at once; the oldest that do not fill a patch
        are read by the skip only. Default 8, and no more than the window has.
    hidden : int
        Size of the state. Default 64.
    skip : bool
        Whether a linear map of the window is added. Default True.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> GRUForecaster(50, 12, key=random.key(0))(np.ones((5, 50), np.float32)).shape
    (5, 12)

    References
    ----------
    K. Cho et al.: "Learning phrase representations using RNN encoder-decoder for statistical
    machine translation", arXiv:1406.1078 (2014).
    """

    units: nn.GRU
    last: nn.Dense
    linear: Any
    horizon: int
    quantiles: int
    patch: int

    def __init__(
        self, length: int, horizon: int, *, key: Any, ahead: int = 0, quantiles: int = 0,
        patch: int = 8, hidden: int = 64, skip: bool = True,
    ) -> None:  # fmt: skip
        first, second, third = split(key, 3)
        self.horizon, self.quantiles, self.patch = horizon, quantiles, min(patch, length)
        outputs = horizon * max(1, quantiles)
        self.units = nn.GRU(self.patch, hidden, key=first)
        layer = zero_dense if skip else dense
        self.last = layer(hidden + ahead, outputs, second)
        self.linear = dense(length, outputs, third) if skip else None

    def __call__(self, window: Any, ahead: Any = None) -> Any:
        rows, length = window.shape
        count = length // self.patch
        patches = window[:, length - count * self.patch :].reshape(rows, count, self.patch)
        _, state = self.units(patches)
        outputs = self.last(with_ahead(state[0], ahead))
        if self.linear is not None:
            outputs = outputs + self.linear(window)
        return as_forecasts(outputs, self.horizon, self.quantiles)
