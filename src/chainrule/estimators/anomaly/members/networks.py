"""Networks that learn what normal rows look like: each maps a row to its reconstruction error.

All members of an ensemble are trained together, in one graph: arrays have an axis of members in
front. A network's answer for a row is one error a member, the mean over the features of the squared
residuals, each divided by what it is on rows that the member has not seen. In training the noise is
drawn by the network itself (`train`), and the same answer is the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .... import nn, random
from ....nn.module import static

LEAST_VARIANCE = 0.01  # of a feature's residuals, as a part of the mean over the features


class ReconstructionNetwork(nn.Module):
    """What the networks have in common: dense layers for all members, and the residuals' scale.

    Attributes
    ----------
    layers : list of nn.BatchedDense
    variances : array of float32, shape (members, features)
        Mean squared residuals of rows that the member has not seen; ones while it is trained.
    linear : tuple of int
        The layers without an activation after them; all others have SiLU.
    """

    layers: list[Any]
    variances: Any
    linear: tuple[int, ...]

    def __init__(
        self, members: int, sizes: Sequence[int], linear: Sequence[int], *, key: Any
    ) -> None:
        keys = random.split(key, len(sizes) - 1)
        self.layers = [
            nn.BatchedDense(members, fan_in, fan_out, key=layer_key)
            for (fan_in, fan_out), layer_key in zip(pairwise(sizes), keys, strict=True)
        ]
        self.variances = np.ones((members, sizes[-1]), np.float32)
        self.linear = tuple(linear)

    def reconstructed(self, x: Any) -> Any:
        """The reconstructions of rows, shape (members, rows, features)."""
        return self._forward(x)

    def squared_residuals(self, x: Any) -> Any:
        """``(x - reconstructed(x))**2``, shape (members, rows, features)."""
        return (self.reconstructed(x) - x) ** 2

    def __call__(self, x: Any) -> Any:
        """The error of each row for each member, shape (rows, members)."""
        weights = (1.0 / self.variances)[:, None, :]
        return np.mean(self.squared_residuals(x) * weights, axis=-1).T

    def train(self, x: Any, key: Any) -> tuple[Any, Any]:
        """The errors in training, with noise, and the network."""
        return self(x), self

    def layer_sizes(self) -> list[int]:
        """The `sizes` that the network was made with."""
        return [int(layer.weight.shape[2]) for layer in self.layers[:-1]]

    def with_variances(self, squared_residuals: Any) -> Any:
        """The network with the scale of residuals of shape (members, features)."""
        floor = LEAST_VARIANCE * np.mean(squared_residuals, axis=1, keepdims=True)
        floor = np.maximum(floor, np.float32(1e-12))
        return self.replace(variances=(squared_residuals + floor).astype(np.float32))

    def _forward(self, x: Any, first: int = 0, last: int | None = None) -> Any:
        """The layers from `first` up to `last`, of inputs for each member or for all."""
        stop = len(self.layers) if last is None else last
        for k in range(first, stop):
            x = self.layers[k](x)
            if k not in self.linear:
                x = nn.silu(x)
        return x


class Autoencoder(ReconstructionNetwork):
    """Layers that narrow to a code of few numbers, and widen again to the row.

    G. E. Hinton, R. R. Salakhutdinov: "Reducing the dimensionality of data with neural networks",
    Science 313 (2006).

    Parameters
    ----------
    members, features : int
    sizes : sequence of int
        Of the encoder's layers; the last one is the code. The decoder has them in reverse.
    key : uint32[2]

    Examples
    --------
    >>> from chainrule import random
    >>> network = Autoencoder(2, 5, (8, 3), key=random.key(0))
    >>> [layer.weight.shape[1:] for layer in network.layers]
    [(5, 8), (8, 3), (3, 8), (8, 5)]
    >>> network(np.zeros((4, 5), np.float32)).shape
    (4, 2)
    """

    def __init__(self, members: int, features: int, sizes: Sequence[int], *, key: Any) -> None:
        all_sizes = (features, *sizes, *reversed(sizes[:-1]), features)
        linear = (len(sizes) - 1, len(all_sizes) - 2)
        super().__init__(members, all_sizes, linear, key=key)

    def layer_sizes(self) -> list[int]:
        """The sizes of the encoder."""
        return super().layer_sizes()[: self.linear[0] + 1]


class DenoisingAutoencoder(ReconstructionNetwork):
    """Wide layers that find a row in a noisy one; they need no narrow code.

    P. Vincent et al.: "Extracting and composing robust features with denoising autoencoders", ICML
    (2008). On a row without noise, the residual points to where such rows are likelier
    (G. Alain, Y. Bengio: arXiv:1211.4246, 2012).

    Parameters
    ----------
    members, features : int
    sizes : sequence of int
        Of the hidden layers.
    noise : float
        Standard deviation of the noise, in those of the features.
    key : uint32[2]
    """

    noise: float

    def __init__(
        self, members: int, features: int, sizes: Sequence[int], noise: float = 0.3, *, key: Any
    ) -> None:
        super().__init__(members, (features, *sizes, features), (len(sizes),), key=key)
        self.noise = float(noise)

    def train(self, x: Any, key: Any) -> tuple[Any, Any]:
        """The errors of reconstructions from noisy rows, other noise for each member."""
        members = self.variances.shape[0]
        noise = random.normal(key, (members, *np.shape(x)), dtype=np.float32)
        residuals = self.reconstructed(x + noise * np.float32(self.noise)) - x
        return np.mean(residuals**2, axis=-1).T, self


class VariationalAutoencoder(ReconstructionNetwork):
    """An autoencoder whose code is a normal distribution, kept near the standard one.

    D. P. Kingma, M. Welling: "Auto-encoding variational Bayes", arXiv:1312.6114 (2013), with the
    variance of the rows a number that is learned (Lucas et al.: "Don't blame the ELBO!", 2019). A
    row's error is the residual at the mean of its code, as the other networks have it.

    Parameters
    ----------
    members, features : int
    sizes : sequence of int
        Of the encoder's layers; the last one is the code.
    key : uint32[2]
    """

    log_variance: Any
    code: int = static()

    def __init__(self, members: int, features: int, sizes: Sequence[int], *, key: Any) -> None:
        code = sizes[-1]
        keys = random.split(key)
        encoder = ReconstructionNetwork(
            members, (features, *sizes[:-1], 2 * code), (), key=keys[0]
        ).layers
        decoder = ReconstructionNetwork(
            members, (code, *reversed(sizes[:-1]), features), (), key=keys[1]
        ).layers
        self.layers = [*encoder, *decoder]
        self.variances = np.ones((members, features), np.float32)
        self.linear = (len(encoder) - 1, len(self.layers) - 1)
        self.log_variance = np.zeros((members, 1), np.float32)
        self.code = code

    def layer_sizes(self) -> list[int]:
        """The sizes of the encoder."""
        return [*super().layer_sizes()[: self.linear[0]], self.code]

    def reconstructed(self, x: Any) -> Any:
        """The reconstructions from the means of the codes."""
        middle = self.linear[0] + 1
        return self._forward(self._forward(x, 0, middle)[..., : self.code], middle)

    def train(self, x: Any, key: Any) -> tuple[Any, Any]:
        """The negative evidence lower bound of each row, by the number of features."""
        middle = self.linear[0] + 1
        code = self._forward(x, 0, middle)
        mean, log_variance = code[..., : self.code], np.clip(code[..., self.code :], -12.0, 8.0)
        noise = random.normal(key, np.shape(mean), dtype=np.float32)
        z = mean + noise * np.exp(0.5 * log_variance)
        residuals = self._forward(z, middle) - x
        spread = np.clip(self.log_variance, -8.0, 8.0)
        rows = np.sum(residuals**2, axis=-1) * np.exp(-spread) + x.shape[-1] * spread
        divergence = np.sum(np.exp(log_variance) + mean**2 - 1.0 - log_variance, axis=-1)
        return ((rows + divergence) / (2.0 * x.shape[-1])).T, self


class MaskedNetwork(ReconstructionNetwork):
    """Predicts hidden columns from the others.

    J. Devlin et al. (arXiv:1810.04805, 2018) for words; for anomalies of tables
    J. Yin et al.: "MCM: masked cell modeling", ICLR (2024). In training each column is hidden with
    a probability; for an answer the columns are hidden a group at a time, each once.

    Parameters
    ----------
    members, features : int
    sizes : sequence of int
        Of the hidden layers.
    columns : sequence of int
        The column that each feature belongs to: its features are hidden together.
    groups : int
        How many groups the columns are hidden in.
    rate : float
        The probability of a column in training.
    key : uint32[2]
    """

    columns: tuple[int, ...]
    groups: int
    rate: float

    def __init__(
        self, members: int, features: int, sizes: Sequence[int], columns: Sequence[int],
        groups: int = 6, rate: float = 0.3, *, key: Any,
    ) -> None:  # fmt: skip
        super().__init__(members, (2 * features, *sizes, features), (len(sizes),), key=key)
        self.columns = tuple(int(column) for column in columns)
        self.groups = int(min(groups, len(set(self.columns))))
        self.rate = float(rate)

    def reconstructed(self, x: Any) -> Any:
        """Each column as predicted from those that are not hidden with it."""
        column = np.array(self.columns)
        total = None
        for group in range(self.groups):
            hidden = (column % self.groups == group).astype(np.float32)
            part = self._predicted(x, hidden * np.ones_like(x)) * hidden
            total = part if total is None else total + part
        return total

    def train(self, x: Any, key: Any) -> tuple[Any, Any]:
        """The errors of columns that were hidden at random."""
        members, rows = self.variances.shape[0], x.shape[0]
        count = max(self.columns) + 1
        drawn = random.bernoulli(key, self.rate, (members, rows, count)).astype(np.float32)
        hidden = np.take(drawn, np.array(self.columns), axis=2)
        residuals = (self._predicted(x, hidden) - x) * hidden
        return (np.sum(residuals**2, axis=-1) / (np.sum(hidden, axis=-1) + 1.0)).T, self

    def _predicted(self, x: Any, hidden: Any) -> Any:
        inputs = np.concatenate([x * (1.0 - hidden), hidden], axis=-1)
        return self._forward(inputs)


def code_size(features: Any, share: float = 0.9) -> int:
    """The number of principal components that explain a share of the variance of rows.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(100, 1)) * np.array([[1.0, 2.0, 3.0]])
    >>> code_size(x)
    1
    """
    if len(features) < 2:
        return 1
    covariance = np.atleast_2d(np.cov(np.asarray(features, np.float64), rowvar=False))
    spectrum = np.maximum(np.linalg.eigvalsh(covariance)[::-1], 0.0)
    if not spectrum.sum() > 0:
        return 1
    explained = np.cumsum(spectrum) / spectrum.sum()
    return int(np.searchsorted(explained, share - 1e-9) + 1)
