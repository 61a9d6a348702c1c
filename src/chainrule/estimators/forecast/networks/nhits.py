"""N-HiTS: blocks that see the window at several resolutions, and forecast at as many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .... import nn
from ....random import split
from .dense import as_forecasts, dense, interpolation_matrix, relu_layers, with_ahead, zero_dense


class PooledBlock(nn.Module):
    """Hidden layers over a window's maxima; the forecast is interpolated between its knots.

    The network's last block explains no part of the window: nothing would read what remains of it.
    """

    layers: tuple[nn.Dense, ...]
    last: nn.Dense
    pool: int
    knots: int
    explains: bool

    def __init__(
        self, length: int, ahead: int, width: int, depth: int, pool: int, knots: int, series: int,
        explains: bool, key: Any,
    ) -> None:  # fmt: skip
        keys = split(key, depth + 1)
        sizes = [-(-length // pool) + ahead, *[width] * depth]
        self.layers = tuple(
            dense(n, m, k) for n, m, k in zip(sizes, sizes[1:], keys[:-1], strict=False)
        )
        explaining = length if explains else 0
        self.last = zero_dense(width, explaining + knots * series, keys[-1])
        self.pool, self.knots, self.explains = pool, knots, explains

    def __call__(self, window: Any, ahead: Any, horizon: int) -> tuple[Any, Any]:
        """What it explains of the window, or None, and its part of the forecast."""
        rows, length = window.shape
        x = with_ahead(max_pool(window, self.pool), ahead)
        knots, explained = self.last(relu_layers(self.layers, x)), None
        if self.explains:
            explained, knots = knots[:, :length], knots[:, length:]
        if self.knots == horizon:
            return explained, knots
        matrix = interpolation_matrix(self.knots, horizon)
        series = knots.shape[1] // self.knots
        if series == 1:
            return explained, knots @ matrix
        steps = np.swapaxes(knots.reshape(rows, self.knots, series), 1, 2) @ matrix
        return explained, np.swapaxes(steps, 1, 2).reshape(rows, horizon * series)


class NHiTS(nn.Module):
    """Blocks over maxima of the window, from coarse to fine, with interpolated forecasts.

    Parameters
    ----------
    length, horizon : int
        Steps of a window, and steps to forecast.
    key : uint32[2]
        From `chainrule.random`.
    ahead : int
        How many other inputs there are; all blocks read them. Default 0.
    quantiles : int
        How many quantiles each step has; 0, the default, for a single forecast.
    pools : sequence of int
        Of how many steps each block reads the maximum. Default 8, 4, 1.
    strides : sequence of int
        How many steps lie between two knots of each block's forecast. Default 24, 12, 1.
    width, depth : int
        Of the hidden layers of a block. Default 2 of 512.
    skip : bool
        Whether a linear map of the window is added in place of the window's last value, with
        which the authors' implementation begins: it learns faster. Default True.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> network = NHiTS(48, 24, key=random.key(0), width=16, quantiles=2)
    >>> network(np.ones((5, 48), np.float32)).shape
    (5, 24, 2)

    References
    ----------
    C. Challu, K. G. Olivares, B. N. Oreshkin, F. Garza, M. Mergenthaler-Canseco, A. Dubrawski:
    "N-HiTS: neural hierarchical interpolation for time series forecasting", AAAI (2023),
    arXiv:2201.12886.
    """

    linear: Any
    blocks: tuple[PooledBlock, ...]
    horizon: int
    quantiles: int

    def __init__(
        self, length: int, horizon: int, *, key: Any, ahead: int = 0, quantiles: int = 0,
        pools: Sequence[int] = (8, 4, 1), strides: Sequence[int] = (24, 12, 1), width: int = 512,
        depth: int = 2, skip: bool = True,
    ) -> None:  # fmt: skip
        if len(pools) != len(strides):
            raise ValueError(f"pools={pools!r} and strides={strides!r}: give one of each a block")
        keys = split(key, len(pools) + 1)
        self.horizon, self.quantiles = horizon, quantiles
        series = max(1, quantiles)
        self.linear = dense(length + ahead, horizon * series, keys[0]) if skip else None
        self.blocks = tuple(
            PooledBlock(
                length, ahead, width, depth, min(pool, length), max(1, horizon // stride), series,
                number < len(pools), block_key,
            )
            for number, (pool, stride, block_key) in enumerate(
                zip(pools, strides, keys[1:], strict=True), start=1
            )
        )  # fmt: skip

    def __call__(self, window: Any, ahead: Any = None) -> Any:
        linear = self.linear
        total = window[:, -1:] if linear is None else linear(with_ahead(window, ahead))
        for block in self.blocks:
            explained, output = block(window, ahead, self.horizon)
            total = total + output
            if explained is not None:
                window = window - explained
        return as_forecasts(total, self.horizon, self.quantiles)


def max_pool(x: Any, size: int) -> Any:
    """The maximum of each `size` entries of the rows; the last of fewer, if they do not divide.

    Examples
    --------
    >>> max_pool(np.array([[1.0, 5.0, 2.0, 0.0, 3.0]]), 2).tolist()
    [[5.0, 2.0, 3.0]]
    """
    if size == 1:
        return x
    rows, length = x.shape
    full = length // size * size
    pooled = np.max(x[:, :full].reshape(rows, full // size, size), axis=2)
    if full == length:
        return pooled
    return np.concatenate([pooled, np.max(x[:, full:], axis=1, keepdims=True)], axis=1)
