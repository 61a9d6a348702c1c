"""Ridge regression in closed form, its strength chosen by leaving out each row in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

Array = NDArray[np.float64]
STRENGTHS = 10.0 ** np.linspace(-5.0, 2.0, 15)  # of the penalty, by the number of features
SHARES = (0.01, 0.1, 1.0)  # of the statistics' weight in that of the convolutions
SELECTED = 500  # rows by which that share is chosen
LEAST = 1e-6  # deviation of a feature that is not taken for a constant
BLOCK = 1024  # features that are scaled at a time


@dataclass(frozen=True)
class Ridge:
    """A linear function of features.

    Attributes
    ----------
    coefficients : float64 array of shape (features, outputs)
    intercepts : float64 array of shape (outputs,)
    """

    coefficients: Array
    intercepts: Array

    def __call__(self, features: NDArray[np.float32]) -> Array:
        """The outputs for rows of features, of shape (rows, outputs)."""
        outputs = np.empty((len(features), len(self.intercepts)))
        for k in range(0, len(features), BLOCK):  # as float64, a block at a time
            outputs[k : k + BLOCK] = features[k : k + BLOCK] @ self.coefficients
        return outputs + self.intercepts


@dataclass(frozen=True)
class RidgeFit:
    """A ridge, and what it would have said of each row without that row.

    Attributes
    ----------
    ridge : Ridge
    left_out : float64 array of shape (rows, outputs)
    strength, share : float
        Of the penalty, and of the last block of features, that were chosen.
    """

    ridge: Ridge
    left_out: Array
    strength: float
    share: float


def fit_ridge(
    features: NDArray[np.float32], targets: Array, weights: Array | None, n_first: int, rng: Any
) -> RidgeFit:
    """Fit a ridge on standardised features, in two blocks.

    The penalty, and how much the second block counts beside the first, are those with the least
    squared error of rows that are left out; the formula for all of them at once is exact.

    Parameters
    ----------
    features : float32 array of shape (rows, features)
        Is changed: it is standardised in place.
    targets : float64 array of shape (rows, outputs)
    weights : float64 array of shape (rows,) or None
        How much each row counts.
    n_first : int
        Features of the first block.
    rng : RandomState

    Notes
    -----
    Source: Golub, Heath, Wahba, "Generalized cross-validation as a method for choosing a good ridge
    parameter", Technometrics 1979, for the errors of rows that are left out.
    """
    count, width = features.shape
    even = np.ones(count) if weights is None else weights / weights.mean()
    means, scales = _standardize(features, even)
    center = np.average(targets, axis=0, weights=even)
    roots = np.sqrt(even)[:, None]
    if weights is not None:
        features *= roots.astype(np.float32)
    scaled_targets = (targets - center) * roots
    products = _products(features, n_first) if count <= width else None
    rows = np.sort(rng.choice(count, min(count, SELECTED), replace=False))
    if products is None:
        of_rows = _products(features[rows], n_first)
    else:
        of_rows = (products[0][np.ix_(rows, rows)], products[1][np.ix_(rows, rows)])
    errors = []
    for candidate in SHARES if n_first < width else SHARES[:1]:
        block = _block_scale(n_first, width, candidate)
        part = _Decomposition.of_products(*of_rows, block)
        errors.append(part.best(scaled_targets[rows], even[rows], n_first)[0])
    share = SHARES[int(np.argmin(errors))]
    block = _block_scale(n_first, width, share)
    whole = (
        _Decomposition.of_features(features, n_first, block) if products is None
        else _Decomposition.of_products(*products, block)
    )  # fmt: skip
    _, strength, left_out = whole.best(scaled_targets, even, n_first)
    coefficients = whole.coefficients(features, scaled_targets, strength)
    coefficients[n_first:] *= block**2
    coefficients /= scales[:, None]
    ridge = Ridge(coefficients, center - means @ coefficients)
    with np.errstate(divide="ignore", invalid="ignore"):
        unscaled = np.where(roots > 0, left_out / roots, 0.0)
    return RidgeFit(ridge, unscaled + center, strength / width, share)


def _standardize(features: NDArray[np.float32], weights: Array) -> tuple[Array, Array]:
    """Bring features to mean 0 and deviation 1, in place; constants to 0."""
    width = features.shape[1]
    means, scales = np.empty(width), np.empty(width)
    for k in range(0, width, BLOCK):
        part = features[:, k : k + BLOCK].astype(np.float64)
        mean = np.average(part, axis=0, weights=weights)
        part -= mean
        deviation = np.sqrt(np.average(part * part, axis=0, weights=weights))
        scale = np.where(deviation > LEAST, deviation, np.inf)
        features[:, k : k + BLOCK] = part / scale
        means[k : k + BLOCK], scales[k : k + BLOCK] = mean, scale
    return means, scales


def _block_scale(n_first: int, width: int, share: float) -> float:
    """The factor by which the second block's variance is such a share of the first's."""
    return float(np.sqrt(share * n_first / max(1, width - n_first)))


def _products(features: NDArray[np.float32], n_first: int) -> tuple[Array, Array]:
    """Those of each two rows, of the first block and of the second."""
    first, second = features[:, :n_first], features[:, n_first:].astype(np.float64)
    return (first @ first.T).astype(np.float64), second @ second.T


@dataclass(frozen=True)
class _Decomposition:
    """Left singular vectors of rows, from their products, or the features' if those are fewer."""

    values: Array  # squares of the singular values
    rows: Array  # left singular vectors, (rows, rank)

    @staticmethod
    def of_products(first: Array, second: Array, block: float) -> _Decomposition:
        """Of fewer rows than features."""
        gram = first + block**2 * second
        values, rows = eigh(gram, overwrite_a=True, check_finite=False, driver="evd")
        return _Decomposition(np.maximum(values, 0.0), rows)

    @staticmethod
    def of_features(features: NDArray[np.float32], n_first: int, block: float) -> _Decomposition:
        """Of more rows than features."""
        second = features[:, n_first:] * np.float32(block)
        joined = np.concatenate([features[:, :n_first], second], axis=1)
        gram = (joined.T @ joined).astype(np.float64)
        values, vectors = eigh(gram, overwrite_a=True, check_finite=False, driver="evd")
        values = np.maximum(values, 1e-9 * values[-1])
        return _Decomposition(values, joined @ vectors / np.sqrt(values))

    def best(self, targets: Array, even: Array, width: int) -> tuple[float, float, Array]:
        """The least error of rows that are left out, the penalty of it, and their outputs."""
        projected, squares = self.rows.T @ targets, self.rows**2
        trivial = even / even.sum()  # of the intercept
        best: tuple[float, float, Array] | None = None
        for strength in STRENGTHS * width:
            shrunk = self.values / (self.values + strength)
            outputs = self.rows @ (shrunk[:, None] * projected)
            leverage = np.minimum(squares @ shrunk + trivial, 1.0 - 1e-9)[:, None]
            left_out = (outputs - leverage * targets) / (1.0 - leverage)
            error = float(np.mean((targets - left_out) ** 2))
            if best is None or error < best[0]:
                best = error, float(strength), left_out
        assert best is not None
        return best

    def coefficients(self, features: Any, targets: Array, strength: float) -> Array:
        """Those of the features, but for the second block's factor."""
        dual = self.rows @ ((self.rows.T @ targets) / (self.values + strength)[:, None])
        coefficients = np.empty((features.shape[1], targets.shape[1]))
        for k in range(0, len(coefficients), BLOCK):
            coefficients[k : k + BLOCK] = features[:, k : k + BLOCK].T.astype(np.float64) @ dual
        return coefficients
