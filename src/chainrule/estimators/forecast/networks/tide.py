"""TiDE: a dense encoder and decoder, at home with inputs that are known ahead."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import nn
from ....random import split
from .dense import as_forecasts, dense, zero_dense


class ResidualBlock(nn.Module):
    """One hidden layer with relu, beside a linear map of the input."""

    hidden: nn.Dense
    last: nn.Dense
    shortcut: nn.Dense

    def __init__(self, inputs: int, width: int, outputs: int, key: Any) -> None:
        first, second, third = split(key, 3)
        self.hidden = dense(inputs, width, first)
        self.last = zero_dense(width, outputs, second)
        self.shortcut = dense(inputs, outputs, third)

    def __call__(self, x: Any) -> Any:
        return self.shortcut(x) + self.last(nn.relu(self.hidden(x)))


class TiDE(nn.Module):
    """Residual blocks that encode the window and what is known ahead, and decode step by step.

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
    known : int
        How many columns are known for each step ahead: the first ``horizon * known`` of the other
        inputs, step by step. The decoder reads those of a step beside it. Default 0.
    width : int
        Of the hidden layers. Default 128.
    encoders, decoders : int
        How many residual blocks each has. Default 1.
    projected : int
        To how many numbers the known columns of a step are reduced. Default 4.
    decoded : int
        How many numbers of the decoder each step has. Default 8.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> network = TiDE(48, 12, key=random.key(0), ahead=12 * 3 + 5, known=3)
    >>> network(np.ones((7, 48), np.float32), np.ones((7, 41), np.float32)).shape
    (7, 12)

    References
    ----------
    A. Das, W. Kong, A. Leach, S. Mathur, R. Sen, R. Yu: "Long-term forecasting with TiDE:
    time-series dense encoder", TMLR (2023), arXiv:2304.08424.
    """

    project: Any
    coder: tuple[ResidualBlock, ...]
    step: ResidualBlock
    skip: nn.Dense
    horizon: int
    quantiles: int
    known: int

    def __init__(
        self, length: int, horizon: int, *, key: Any, ahead: int = 0, quantiles: int = 0,
        known: int = 0, width: int = 128, encoders: int = 1, decoders: int = 1, projected: int = 4,
        decoded: int = 8,
    ) -> None:  # fmt: skip
        rest = ahead - horizon * known
        if rest < 0:
            raise ValueError(
                f"known={known} columns at {horizon} steps are more than the ahead={ahead} inputs"
            )
        self.horizon, self.quantiles, self.known = horizon, quantiles, known
        count = encoders + decoders
        keys = split(key, count + 3)
        projected = projected if known else 0
        self.project = ResidualBlock(known, width, projected, keys[0]) if known else None
        sizes = [length + horizon * projected + rest, *[width] * (count - 1), horizon * decoded]
        self.coder = tuple(
            ResidualBlock(n, width, m, block_key)
            for n, m, block_key in zip(sizes, sizes[1:], keys[1 : count + 1], strict=False)
        )
        outputs = max(1, quantiles)
        self.step = ResidualBlock(decoded + projected, width, outputs, keys[-2])
        self.skip = dense(length, horizon * outputs, keys[-1])

    def __call__(self, window: Any, ahead: Any = None) -> Any:
        rows = window.shape[0]
        inputs, beside = [window], []
        if self.project is not None:
            end = self.horizon * self.known
            projected = self.project(ahead[:, :end].reshape(rows * self.horizon, self.known))
            inputs += [projected.reshape(rows, -1), ahead[:, end:]]
            beside.append(projected)
        elif ahead is not None:
            inputs.append(ahead)
        x = np.concatenate(inputs, axis=1) if len(inputs) > 1 else window
        for block in self.coder:
            x = block(x)
        steps = x.reshape(rows * self.horizon, -1)
        if beside:
            steps = np.concatenate([steps, *beside], axis=1)
        outputs = self.step(steps).reshape(rows, -1) + self.skip(window)
        return as_forecasts(outputs, self.horizon, self.quantiles)
