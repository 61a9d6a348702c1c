"""A Gaussian process for tables of up to some thousand rows, fitted in closed form.

On smooth functions, and where rows have near neighbours, it is ahead of networks. Its kernel is a
sum of a rough, a smooth and a linear part; distances have a scale for each column. These numbers
maximise the marginal likelihood of some rows. C. E. Rasmussen, C. K. I. Williams: "Gaussian
processes for machine learning" (2006), chapters 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, lapack
from scipy.optimize import minimize

from ..inputs.blas import one_blas_thread
from ..inputs.rows import pieces
from ..mlp.kernel import NEAREST, Kernel, covariance
from .validation_rows import Bonds, drawn_to_leave_out

Floats = NDArray[Any]

SAMPLES, SAMPLE_ROWS = 4, 125  # of which the marginal likelihood is taken, with their neighbours
ITERATIONS = 30
MOST_SCALES = 100  # columns: of more, one scale is shared by all
LEFT_OUT_ENTRIES = 2_500_000  # of the rows that are left out in turn, times all rows
BONDED_ENTRIES = 10_000_000  # the same where groups are left out
SINGLE_ROWS = 2_000  # from so many on, and with so much noise, float32 is exact enough
SINGLE_NOISE = 0.01
BLOCK = 512  # rows whose covariances are computed at a time
MOST_SPREAD = 1e6  # of the noise of a row of little weight
FIRST = np.log([0.3, 0.7, 0.14, 0.37, 0.5])  # rough, smooth, linear, noise, ratio
BOUNDS = [(-7.0, 4.0), (-8.0, 4.0), (-8.0, 4.0), (-9.0, 2.0), (-3.0, 3.0)]
SCALE_BOUNDS = (-7.0, 4.0)
PRIOR = 0.1  # of the logarithms of scales and of the ratio: one over the variance


@dataclass(frozen=True, eq=False)
class Process:
    """A fitted process.

    Attributes
    ----------
    kernel : dict
        See `mlp.kernel`; its weight is 1.
    left_out : array of int
        Rows of the training that were left out, one after the other.
    coefs, slopes : array of float64, shapes (left out, rows) and (left out, features)
        Those of the kernel without each of them.
    """

    kernel: Kernel
    left_out: Any
    coefs: Floats
    slopes: Floats

    def unseen(self, x: Any) -> Floats:
        """The mean at as many rows as were left out, each by the process without its row."""
        kernel, means = self.kernel, np.empty(len(x))
        rows, shares = kernel["rows"].astype(np.float32), kernel["shares"].astype(np.float32)
        for part, some in pieces(x, 1, BLOCK):
            near = covariance(shares, (some * kernel["scales"]).astype(np.float32), rows)
            means[part] = np.einsum("ij,ij->i", near, self.coefs[part])
            means[part] += np.einsum("ij,ij->i", some.astype(np.float64), self.slopes[part])
        return means

    def without_each_of(self, some: Any) -> Process:
        """The same, of some of the rows that were left out."""
        return Process(self.kernel, self.left_out[some], self.coefs[some], self.slopes[some])


def fit_process(
    x: Any, y: Any, weights: Any, groups: Sequence[Sequence[int]], candidates: Any, rng: Any,
    bonds: Bonds | None = None,
) -> Process | None:  # fmt: skip
    """Fit a process to rows of features and standardised targets; None if rounding forbids it.

    Parameters
    ----------
    x : array, shape (rows, features)
    y, weights : arrays, shape (rows,)
        A row of weight 2 counts like two rows.
    groups : sequence of sequence of int
        The features of each column.
    candidates : array of int
        Rows that may be left out.
    rng : RandomState
    bonds : Bonds, optional
        Rows that are left out together; with them, None also where all groups are too large.
    """
    x, y = x.astype(np.float64), y.astype(np.float64)
    spread = np.minimum(np.mean(weights) / weights.astype(np.float64), MOST_SPREAD)  # of noise
    columns = np.zeros(x.shape[1], int)
    if len(groups) <= MOST_SCALES:
        for k, features in enumerate(groups):
            columns[list(features)] = k
    entries = LEFT_OUT_ENTRIES if bonds is None else BONDED_ENTRIES
    left_out = drawn_to_leave_out(candidates, max(1, entries // len(x)), rng, bonds)
    if not len(left_out):
        return None
    together = np.arange(len(left_out)) if bonds is None else bonds.codes[left_out]
    with one_blas_thread:
        samples = [_sample(x, rng) for _ in range(SAMPLES)]
        if len(x) <= SAMPLE_ROWS:
            samples = samples[:1]  # each of them is all rows
        parts = [(x[some], y[some], spread[some]) for some in samples]
        scales, numbers = _likeliest(parts, columns)
        return _solved(x, y, spread, scales, numbers, left_out, together)


def _sample(x: Floats, rng: Any) -> Any:
    """Some rows, and the nearest row of each: how alike neighbours are decides on the kernel."""
    some = rng.permutation(len(x))[:SAMPLE_ROWS]
    squares = np.sum(x * x, axis=1) - 2.0 * (x[some] @ x.T)  # and a constant for each of them
    squares[np.arange(len(some)), some] = np.inf
    return np.unique(np.concatenate([some, np.argmin(squares, axis=1)]))


def _likeliest(
    samples: Sequence[tuple[Floats, Floats, Floats]], columns: Any
) -> tuple[Floats, Floats]:
    """The scale of each feature and the numbers of the kernel, by rows, targets and spreads."""
    count = int(columns.max()) + 1
    usual = -0.5 * np.log(len(columns))
    first = np.concatenate([np.full(count, usual - 0.7), FIRST])

    def loss(p: Floats) -> tuple[float, Floats]:
        parts = [_loss(p, *sample, columns, count, usual) for sample in samples]
        value = sum(value for value, _ in parts) / len(parts)
        return value, np.mean([gradient for _, gradient in parts], axis=0)

    with np.errstate(over="ignore", invalid="ignore"):
        likeliest = minimize(
            loss, first, jac=True, method="L-BFGS-B",
            bounds=[SCALE_BOUNDS] * count + BOUNDS, options={"maxiter": ITERATIONS},
        ).x  # fmt: skip
    return np.exp(likeliest[:count])[columns], np.exp(likeliest[count:])


def _loss(
    p: Floats, x: Floats, y: Floats, spread: Floats, columns: Any, count: int, usual: float
) -> tuple[float, Floats]:
    """The negative logarithm of the likelihood and of the prior, and its gradient."""
    n = len(x)
    rough, smooth, linear, noise, ratio = np.exp(p[count:])
    z = x * np.exp(p[:count])[columns]
    squares = np.sum(z * z, axis=1)
    r = np.sqrt(np.maximum(squares[:, None] + squares - 2.0 * (z @ z.T), NEAREST**2))
    near = sqrt(5.0) * r
    decay, slow = rough * np.exp(-ratio * r), smooth * np.exp(-near)
    bell = slow * (1.0 + near + near * near / 3.0)
    line = (linear / x.shape[1]) * (x @ x.T)
    k = decay + bell + line
    k[np.diag_indices(n)] += noise * spread
    factor, failed = lapack.dpotrf(k, lower=1)
    if failed:
        return 1e10, np.zeros_like(p)
    solved = cho_solve((factor, True), y)
    inverse = cho_solve((factor, True), np.eye(n))
    value = 0.5 * y @ solved + np.sum(np.log(np.diag(factor)))
    slope = 0.5 * (inverse - np.outer(solved, solved))  # of the loss by k
    by_square = slope * (-0.5 * ratio * decay / np.maximum(r, 1e-3) - 5.0 / 6.0 * slow * (1 + near))
    by_square[np.diag_indices(n)] = 0.0
    # of the square of a distance by the logarithm of a scale: 2 (z_i - z_j)^2
    by_feature = 4.0 * np.sum(z * (np.sum(by_square, axis=1)[:, None] * z - by_square @ z), axis=0)
    gradient = np.concatenate([
        np.bincount(columns, by_feature, count),
        [np.sum(slope * decay), np.sum(slope * bell), np.sum(slope * line),
         noise * np.diag(slope) @ spread, np.sum(slope * decay * (-ratio * r))],
    ])  # fmt: skip
    usuals = np.concatenate([np.full(count, usual), p[count:-1], FIRST[-1:]])
    value += 0.5 * PRIOR * np.sum((p - usuals) ** 2)
    gradient += PRIOR * (p - usuals)
    return value / n, gradient / n


def _solved(
    x: Floats, y: Floats, spread: Floats, scales: Floats, numbers: Floats, left_out: Any,
    together: Any,
) -> Process | None:  # fmt: skip
    """The process of all rows, and that without each of some, or without those of each code."""
    rough, smooth, linear, noise, ratio = numbers
    shares, rows = np.array([rough, smooth, ratio]), x * scales
    least = noise * np.min(spread)
    single = len(x) > SINGLE_ROWS and least > SINGLE_NOISE * (rough + smooth)
    dtype = np.float32 if single else np.float64
    scaled, lines = rows.astype(dtype), (x * np.sqrt(linear / x.shape[1])).astype(dtype)
    k = np.empty((len(x), len(x)), dtype)
    for part, some in pieces(scaled, 1, BLOCK):  # the triangle that is read below
        later = slice(part.start, None)
        k[part, later] = covariance(shares.astype(dtype), some, scaled[later])
        k[part, later] += lines[part] @ lines[later].T
    k[np.diag_indices(len(x))] += (noise * spread).astype(dtype)
    potrf, potrs = (lapack.spotrf, lapack.spotrs) if single else (lapack.dpotrf, lapack.dpotrs)
    factor, failed = potrf(k.T, lower=1, overwrite_a=1)
    if failed:
        return None
    sides = np.zeros((len(x), 1 + len(left_out)), dtype, order="F")
    sides[:, 0] = y
    sides[left_out, 1 + np.arange(len(left_out))] = 1.0
    solved = np.asarray(potrs(factor, sides, lower=1, overwrite_b=1)[0].T, np.float64)
    coefs, inverse = solved[0], solved[1:]
    # without the rows S: alpha - K^-1[:, S] (K^-1[S, S])^-1 alpha[S]
    without = np.empty_like(inverse)
    for code in np.unique(together):
        some = np.flatnonzero(together == code)
        rows_left_out = left_out[some]
        shares_of_each = np.linalg.solve(inverse[np.ix_(some, rows_left_out)], coefs[rows_left_out])
        without[some] = coefs - shares_of_each @ inverse[some]
    slope = linear / x.shape[1]
    kernel = {
        "rows": rows, "scales": scales, "coefs": coefs, "slopes": slope * (coefs @ x),
        "shares": shares, "weight": np.float64(1.0),
    }  # fmt: skip
    return Process(kernel, left_out, without, slope * (without @ x))


def best_weight(y: Any, weights: Any, ours: Any, others: Any) -> float:
    """The share of `ours` beside `others` that has the smallest squared error, from 0 to 1.

    Examples
    --------
    >>> best_weight(np.ones(4), np.ones(4), np.full(4, 0.5), np.full(4, 1.5))
    0.5
    """
    apart = ours - others
    total = float(np.sum(weights * apart * apart))
    share = float(np.sum(weights * (y - others) * apart)) / total if total > 0 else 0.0
    return float(np.clip(share, 0.0, 1.0))
