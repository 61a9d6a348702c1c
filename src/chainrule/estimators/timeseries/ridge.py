"""Ridge regression in closed form, its strength chosen by leaving out each row in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

Array = NDArray[np.float64]
STRENGTHS = 10.0 ** np.linspace(-5.0, 2.0, 15)  # of the penalty, by the number of features
SELECTED = 500  # rows by which the blocks' shares are chosen
LEAST = 1e-6  # deviation of a feature that is not taken for a constant
BLOCK = 1024  # features that are scaled at a time


@dataclass(frozen=True)
class Block:
    """Neighbouring features, and what their variance together may be in that of the first block.

    Attributes
    ----------
    width : int
    shares : tuple of float
        Of them one is chosen.
    """

    width: int
    shares: tuple[float, ...] = (1.0,)


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
    strength : float
        Of the penalty, by the variance of all blocks.
    shares : tuple of float
        Of each block, that were chosen.
    """

    ridge: Ridge
    left_out: Array
    strength: float
    shares: tuple[float, ...]


def fit_ridge(
    features: NDArray[np.float32],
    targets: Array,
    weights: Array | None,
    blocks: Sequence[Block],
    rng: Any,
) -> RidgeFit:
    """Fit a ridge on standardised features, in blocks.

    The penalty, and how much each block counts beside the first, are those with the least squared
    error of rows that are left out; the formula for all of them at once is exact.

    Parameters
    ----------
    features : float32 array of shape (rows, features)
        Is changed: it is standardised in place.
    targets : float64 array of shape (rows, outputs)
    weights : float64 array of shape (rows,) or None
        How much each row counts.
    blocks : sequence of Block
        Of the features, in their order; no width is 0.
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
    grams = _products(features, blocks) if count <= width else None
    rows = np.sort(rng.choice(count, min(count, SELECTED), replace=False))
    if grams is None:
        of_rows = _products(features[rows], blocks)
    else:
        of_rows = [gram[np.ix_(rows, rows)] for gram in grams]
    candidates = list(product(*(block.shares for block in blocks)))
    errors = []
    for shares in candidates if len(candidates) > 1 else []:
        part = _Decomposition.of_products(of_rows, _factors(blocks, shares))
        total = blocks[0].width * sum(shares)
        errors.append(part.best(scaled_targets[rows], even[rows], total)[0])
    shares = candidates[int(np.argmin(errors)) if errors else 0]
    factors = _factors(blocks, shares)
    of_columns = np.repeat(factors, [block.width for block in blocks])
    whole = (
        _Decomposition.of_features(features, of_columns) if grams is None
        else _Decomposition.of_products(grams, factors)
    )  # fmt: skip
    total = blocks[0].width * sum(shares)
    _, strength, left_out = whole.best(scaled_targets, even, total)
    coefficients = whole.coefficients(features, scaled_targets, strength)
    coefficients *= (of_columns**2 / scales)[:, None]
    ridge = Ridge(coefficients, center - means @ coefficients)
    with np.errstate(divide="ignore", invalid="ignore"):
        unscaled = np.where(roots > 0, left_out / roots, 0.0)
    return RidgeFit(ridge, unscaled + center, strength / total, shares)


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


def _factors(blocks: Sequence[Block], shares: Sequence[float]) -> Array:
    """By which the features of each block are multiplied, for such shares of the variance."""
    widths = np.array([block.width for block in blocks])
    return np.asarray(np.sqrt(np.array(shares) * widths[0] / widths), np.float64)


def _products(features: NDArray[np.float32], blocks: Sequence[Block]) -> list[Array]:
    """Those of each two rows, of each block."""
    ends = np.cumsum([block.width for block in blocks])
    grams = []
    for block, end in zip(blocks, ends.tolist(), strict=True):
        part = features[:, end - block.width : end]
        exact = part.astype(np.float64) if block.width < BLOCK else part
        grams.append((exact @ exact.T).astype(np.float64))
    return grams


@dataclass(frozen=True)
class _Decomposition:
    """Left singular vectors of rows, from their products, or the features' if those are fewer."""

    values: Array  # squares of the singular values
    rows: Array  # left singular vectors, (rows, rank)

    @staticmethod
    def of_products(grams: list[Array], factors: Array) -> _Decomposition:
        """Of fewer rows than features."""
        gram = np.sum([factor**2 * one for factor, one in zip(factors, grams, strict=True)], axis=0)
        values, rows = eigh(gram, overwrite_a=True, check_finite=False, driver="evd")
        return _Decomposition(np.maximum(values, 0.0), rows)

    @staticmethod
    def of_features(features: NDArray[np.float32], factors: Array) -> _Decomposition:
        """Of more rows than features; a factor for each of these."""
        joined = features * factors.astype(np.float32)
        gram = (joined.T @ joined).astype(np.float64)
        values, vectors = eigh(gram, overwrite_a=True, check_finite=False, driver="evd")
        values = np.maximum(values, 1e-9 * values[-1])
        return _Decomposition(values, joined @ vectors / np.sqrt(values))

    def best(self, targets: Array, even: Array, total: float) -> tuple[float, float, Array]:
        """The least error of rows that are left out, the penalty of it, and their outputs."""
        projected, squares = self.rows.T @ targets, self.rows**2
        trivial = even / even.sum()  # of the intercept
        best: tuple[float, float, Array] | None = None
        for strength in STRENGTHS * total:
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
        """Those of the features, but for the blocks' factors."""
        dual = self.rows @ ((self.rows.T @ targets) / (self.values + strength)[:, None])
        coefficients = np.empty((features.shape[1], targets.shape[1]))
        for k in range(0, len(coefficients), BLOCK):
            coefficients[k : k + BLOCK] = features[:, k : k + BLOCK].T.astype(np.float64) @ dual
        return coefficients
