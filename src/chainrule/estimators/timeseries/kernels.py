"""Fixed convolutions of many widths, and how often their output passes a bias (MiniRocket)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...transforms import jit
from .scaling import Scaled

TAPS = 9  # weights of a kernel
KERNELS = 84  # ways to choose 3 of 9
REACH = TAPS // 2
MOST_DILATIONS = 24
MOST_CHANNELS = 64  # that the kernels of one dilation see
SAMPLED = 32  # series whose outputs the biases are quantiles of
GOLDEN = (5**0.5 - 1) / 2
PATTERN = np.full((KERNELS, TAPS), -1.0, np.float32)
PATTERN[np.arange(KERNELS)[:, None], list(combinations(range(TAPS), 3))] = 2.0


@dataclass(frozen=True)
class Kernels:
    """Convolutions whose three weights of 2 and six of -1 sum to 0.

    Attributes
    ----------
    dilations : int array of shape (D,)
        Points between two weights.
    channels : int array of shape (D, m)
        The channels that the kernels of a dilation see.
    subsets : bool array of shape (D, 84, m)
        Over which of them a kernel sums.
    biases : float32 array of shape (D, 84, q)
    """

    dilations: NDArray[np.int64]
    channels: NDArray[np.int64]
    subsets: NDArray[np.bool_]
    biases: NDArray[np.float32]

    @property
    def n_features(self) -> int:
        """The number of features."""
        return int(self.biases.size)

    def weights(self, k: int) -> NDArray[np.float32]:
        """The kernels of dilation k as a matrix, of shape (84, m * 9)."""
        matrix = self.subsets[k][:, :, None] * PATTERN[:, None, :]
        return np.reshape(matrix, (KERNELS, -1)).astype(np.float32)


def dilations_of(points: int, most: int = MOST_DILATIONS) -> NDArray[np.int64]:
    """Powers of a number from 1 to where a kernel spans the series, at most so many of them.

    Examples
    --------
    >>> dilations_of(100).tolist()
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12]
    """
    largest = max((points - 1) / (TAPS - 1), 1.0)
    return np.unique(np.geomspace(1.0, largest, most).astype(np.int64))


def fit_kernels(scaled: Scaled, n_features: int, rng: Any) -> Kernels:
    """Kernels for some series, about so many features of them.

    Biases are quantiles of the output of each kernel for one series that is drawn at random; which
    channels it sums over is drawn, too, few more often than many.

    Source: Dempster, Schmidt, Webb, "MiniRocket: a very fast (almost) deterministic transform for
    time series classification", KDD 2021; and its form for many channels in their code.
    """
    count, all_channels = scaled.values.shape[:2]
    most = int(np.clip(n_features // KERNELS, 1, MOST_DILATIONS))
    dilations = dilations_of(int(scaled.lengths.max()), most)
    per_kernel = max(1, round(n_features / KERNELS / len(dilations)))
    shares = np.arange(1, len(dilations) * KERNELS * per_kernel + 1) * GOLDEN % 1.0
    shares = shares.reshape(len(dilations), KERNELS, per_kernel)
    size = min(all_channels, MOST_CHANNELS)
    channels = np.stack([np.sort(rng.choice(all_channels, size, False)) for _ in dilations])
    subsets = np.stack([_subsets(size, rng) for _ in dilations])
    biases = np.zeros(shares.shape, np.float32)
    kernels = Kernels(dilations, channels, subsets, biases)
    for k, dilation in enumerate(dilations.tolist()):
        rows = rng.choice(count, min(count, SAMPLED), replace=False)
        shifted = _shifted(scaled.values[rows][:, channels[k]], dilation)
        outputs = np.einsum("kc,cnl->knl", kernels.weights(k), shifted)
        masks = output_masks(scaled.counts[rows], scaled.lengths[rows], dilation)
        for kernel, row in enumerate(rng.integers(len(rows), size=KERNELS)):
            known = outputs[kernel, row][masks[kernel % 2][row] > 0]
            if known.size:
                biases[k, kernel] = np.quantile(known, shares[k, kernel])
    return kernels


def _subsets(size: int, rng: Any) -> NDArray[np.bool_]:
    """For each kernel the channels that it sums over, 9 at most."""
    chosen = np.zeros((KERNELS, size), bool)
    most = np.log2(min(size, TAPS) + 1)
    for row in chosen:
        row[rng.choice(size, int(2 ** rng.uniform(0.0, most)), replace=False)] = True
    return chosen


def _shifted(values: NDArray[np.float32], dilation: int) -> NDArray[np.float32]:
    """The points that each weight meets, of shape (channels * 9, series, points)."""
    count, channels, points = values.shape
    margin = REACH * dilation
    padded = np.zeros((channels, count, points + 2 * margin), np.float32)
    padded[:, :, margin : margin + points] = values.transpose(1, 0, 2)
    shifts = [padded[:, :, k * dilation : k * dilation + points] for k in range(TAPS)]
    return np.stack(shifts, axis=1).reshape(channels * TAPS, count, points)


def output_masks(counts: NDArray[np.bool_], lengths: Any, dilation: int) -> NDArray[np.float32]:
    """What each output counts for: of even kernels all, of odd ones those that see no padding.

    The shape is (2, series, points); the sum over the points is 1, or 0 where nothing is known. Of
    series that are shorter than a kernel all count.
    """
    points, margin = np.arange(counts.shape[1]), REACH * dilation
    inner = counts & (points >= margin) & (points < (lengths - margin)[:, None])
    inner = np.where(inner.any(axis=1, keepdims=True), inner, counts)
    both = np.stack([counts, inner]).astype(np.float32)
    shares: NDArray[np.float32] = both / np.maximum(both.sum(axis=2, keepdims=True), np.float32(1))
    return shares


def positive_shares(shifted: Any, weights: Any, masks: Any, biases: Any) -> Any:
    """The share of the points at which each convolution is above each bias.

    Parameters
    ----------
    shifted : float32 array of shape (m * 9, series, points)
    weights : float32 array of shape (84, m * 9)
    masks : float32 array of shape (2, series, points)
    biases : float32 array of shape (84, q)

    Returns
    -------
    float32 array of shape (2, 42, series, q)
        Of even kernels, then of odd ones.
    """
    taps, count, points = shifted.shape
    outputs = np.matmul(weights, np.reshape(shifted, (taps, count * points)))
    outputs = np.reshape(outputs, (KERNELS // 2, 2, count, 1, points))
    limits = np.reshape(biases, (KERNELS // 2, 2, 1, -1, 1))
    halves = []
    for half in range(2):
        passed = outputs[:, half] > limits[:, half]
        counted = np.where(passed, masks[half][None, :, None, :], np.float32(0))
        halves.append(np.sum(counted, axis=3))
    return np.stack(halves)


_compiled = jit(positive_shares)


def kernel_features(scaled: Scaled, kernels: Kernels) -> NDArray[np.float32]:
    """The features of some series, of shape (series, D * 84 * q)."""
    count = len(scaled.values)
    features = np.empty((count, *kernels.biases.shape), np.float32)
    for k, dilation in enumerate(kernels.dilations.tolist()):
        shifted = _shifted(scaled.values[:, kernels.channels[k]], dilation)
        masks = output_masks(scaled.counts, scaled.lengths, dilation)
        halves = _compiled(shifted, kernels.weights(k), masks, kernels.biases[k])
        for half in range(2):
            features[:, k, half::2] = halves[half].transpose(1, 0, 2)
    return features.reshape(count, -1)
