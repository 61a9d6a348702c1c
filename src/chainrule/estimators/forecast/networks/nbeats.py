"""N-BEATS: blocks that each explain a part of the window and forecast from it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import pi
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .... import nn
from ....random import split
from .dense import as_forecasts, dense, relu_layers, with_ahead, zero_dense

Basis = Literal["generic", "trend", "season"]
Matrix: TypeAlias = NDArray[np.float32]

DEGREE = 3  # of a trend's polynomial
HARMONICS = 16  # of a season, at most


class Block(nn.Module):
    """Hidden layers, and a last one for the coefficients of window and forecast in a basis.

    The network's last block has none for the window: nothing would read what remains of it.
    """

    layers: tuple[nn.Dense, ...]
    last: nn.Dense
    basis: Basis
    explains: bool

    def __init__(
        self, length: int, inputs: int, width: int, depth: int, horizon: int, outputs: int,
        basis: Basis, explains: bool, key: Any,
    ) -> None:  # fmt: skip
        keys = split(key, depth + 1)
        sizes = [inputs, *[width] * depth]
        self.layers = tuple(
            dense(n, m, k) for n, m, k in zip(sizes, sizes[1:], keys[:-1], strict=False)
        )
        self.basis, self.explains = basis, explains
        sizes_of_bases = length, horizon
        if basis != "generic":
            sizes_of_bases = 2 * (len(basis_matrix(basis, length, horizon)[0]),)
        explaining = sizes_of_bases[0] if explains else 0
        count = explaining + sizes_of_bases[1] * (outputs // horizon)
        self.last = zero_dense(width, count, keys[-1])

    def __call__(self, x: Any, length: int, horizon: int) -> tuple[Any, Any]:
        """What it explains of the window, or None, and its part of the forecast."""
        coefficients = self.last(relu_layers(self.layers, x))
        explained = None
        if self.basis == "generic":
            if self.explains:
                explained, coefficients = coefficients[:, :length], coefficients[:, length:]
            return explained, coefficients
        window_basis, forecast_basis = basis_matrix(self.basis, length, horizon)
        size = len(window_basis)
        if self.explains:
            explained, coefficients = coefficients[:, :size] @ window_basis, coefficients[:, size:]
        rows, quantiles = coefficients.shape[0], coefficients.shape[1] // size
        steps = coefficients.reshape(rows, quantiles, size) @ forecast_basis
        return explained, np.swapaxes(steps, 1, 2).reshape(rows, horizon * quantiles)


class NBeats(nn.Module):
    """A linear skip plus blocks, each of which reads what those before have not explained.

    Parameters
    ----------
    length, horizon : int
        Steps of a window, and steps to forecast.
    key : uint32[2]
        From `chainrule.random`.
    ahead : int
        How many other inputs there are; all blocks and the skip read them. Default 0.
    quantiles : int
        How many quantiles each step has; 0, the default, for a single forecast.
    blocks : sequence of str
        The basis of each block: ``"generic"``, ``"trend"`` (polynomials up to degree 3) or
        ``"season"`` (up to 16 sines and cosines). Default two generic ones.
    width, depth : int
        Of the hidden layers of a block. Default 3 of 128.
    skip : bool
        Whether a linear map of the window is added. Default True.

    Notes
    -----
    The paper has no skip; with it the blocks learn what is not linear, and begin as 0.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> network = NBeats(48, 12, key=random.key(0), width=16)
    >>> window = np.ones((5, 48), np.float32)
    >>> list(network.parts(window))
    ['skip', 'block1', 'block2']
    >>> bool(np.allclose(sum(network.parts(window).values()), network(window)))
    True

    References
    ----------
    B. N. Oreshkin, D. Carpov, N. Chapados, Y. Bengio: "N-BEATS: neural basis expansion analysis for
    interpretable time series forecasting", ICLR (2020), arXiv:1905.10437; the other inputs:
    K. G. Olivares et al.: "Neural basis expansion analysis with exogenous variables",
    International Journal of Forecasting 39 (2023).
    """

    linear: Any
    blocks: tuple[Block, ...]
    length: int
    horizon: int
    quantiles: int

    def __init__(
        self, length: int, horizon: int, *, key: Any, ahead: int = 0, quantiles: int = 0,
        blocks: Sequence[Basis] = ("generic", "generic"), width: int = 128, depth: int = 3,
        skip: bool = True,
    ) -> None:  # fmt: skip
        keys = split(key, len(blocks) + 1)
        self.length, self.horizon, self.quantiles = length, horizon, quantiles
        inputs, outputs = length + ahead, horizon * max(1, quantiles)
        self.linear = dense(inputs, outputs, keys[0]) if skip else None
        self.blocks = tuple(
            Block(length, inputs, width, depth, horizon, outputs, basis, number < len(blocks), key)
            for number, (basis, key) in enumerate(zip(blocks, keys[1:], strict=True), start=1)
        )

    def __call__(self, window: Any, ahead: Any = None) -> Any:
        outputs = self._outputs(window, ahead)
        total = outputs[0]
        for output in outputs[1:]:
            total = total + output
        return as_forecasts(total, self.horizon, self.quantiles)

    def parts(self, window: Any, ahead: Any = None) -> dict[str, Any]:
        """What the skip and each block contribute; they add up to the forecast."""
        names = ["skip"] if self.linear is not None else []
        for number, block in enumerate(self.blocks, start=1):
            names.append(f"{'block' if block.basis == 'generic' else block.basis}{number}")
        outputs = self._outputs(window, ahead)
        return {
            name: as_forecasts(output, self.horizon, self.quantiles)
            for name, output in zip(names, outputs, strict=True)
        }

    def _outputs(self, window: Any, ahead: Any) -> list[Any]:
        outputs = []
        if self.linear is not None:
            outputs.append(self.linear(with_ahead(window, ahead)))
        for block in self.blocks:
            explained, output = block(with_ahead(window, ahead), self.length, self.horizon)
            outputs.append(output)
            if explained is not None:
                window = window - explained
        return outputs


@lru_cache(maxsize=32)
def basis_matrix(basis: Basis, length: int, horizon: int) -> tuple[Matrix, Matrix]:
    """The basis on the window and on the horizon, shapes (size, length) and (size, horizon).

    One grid runs through both, so a coefficient means the same in either.

    Examples
    --------
    >>> window, ahead = basis_matrix("trend", 4, 2)
    >>> window[1].tolist(), ahead[1].tolist()
    ([-1.0, -0.75, -0.5, -0.25], [0.0, 0.25])
    """
    time = np.arange(-length, horizon) / length
    if basis == "trend":
        both = np.stack([time**power for power in range(DEGREE + 1)])
    else:
        harmonics = np.arange(1, min(HARMONICS, max(1, horizon // 2)) + 1)
        angles = 2.0 * pi * harmonics[:, None] * time * (length / horizon)
        both = np.concatenate([np.cos(angles), np.sin(angles)])
    return both[:, :length].astype(np.float32), both[:, length:].astype(np.float32)
