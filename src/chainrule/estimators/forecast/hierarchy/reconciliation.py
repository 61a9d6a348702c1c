"""Forecasts of series that add up, changed so that they add up too."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....errors import DataError

Floats: TypeAlias = NDArray[np.float64]

METHODS = ("bottom_up", "ols", "wls_struct", "mint_shrink")
SINGULAR = 1e-10  # of the largest eigenvalue of correlations: those below are 0 but for rounding


def reconcile(
    base: ArrayLike,
    summing_matrix: ArrayLike,
    method: str = "mint_shrink",
    errors: ArrayLike | None = None,
) -> Floats:
    """Return forecasts that add up, as near to the base forecasts as the method measures it.

    Parameters
    ----------
    base : array (series, ...)
        Forecasts of all series in the order of `Hierarchy.ids`, as (series, horizon), or with
        sample paths (series, horizon, samples): each is reconciled by itself. A NaN in one series
        makes the others of its step NaN.
    summing_matrix : array (series, leaves)
        `Hierarchy.summing_matrix`: its last rows are an identity.
    method : {"mint_shrink", "wls_struct", "ols", "bottom_up"}, default "mint_shrink"
        By the shrunk covariance of the errors (`shrunk_covariance`); by the number of leaves of
        each series; by equal weights; or the sums of the leaves' forecasts. All but the last use
        what parents' forecasts know. Base forecasts without bias stay so.
    errors : array (series, n), optional
        One-step errors of the base forecasts, for "mint_shrink" only, which needs them.

    Returns
    -------
    array (series, ...)
        Each parent is the sum of its leaves.

    Raises
    ------
    ValueError
        The method is unknown, shapes do not fit, or errors are absent.
    DataError
        Fewer than two columns of errors are complete.

    Notes
    -----
    With U' y = 0 for series that add up, the leaves of ``y - W U (U' W U)^+ U' y`` (equation 10 of
    the paper, of which equation 9 needs the inverse of W): W may be singular.

    References
    ----------
    S. L. Wickramasuriya, G. Athanasopoulos, R. J. Hyndman: "Optimal forecast reconciliation for
    hierarchical and grouped time series through trace minimization", Journal of the American
    Statistical Association 114 (2019).

    Examples
    --------
    >>> summing_matrix = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    >>> reconcile([[10.0], [4.0], [3.0]], summing_matrix, "ols").ravel().round(3).tolist()
    [9.0, 5.0, 4.0]
    """
    forecasts, sums = np.asarray(base, np.float64), np.asarray(summing_matrix, np.float64)
    n, m = _sizes(forecasts, sums)
    flat = forecasts.reshape(n, -1)
    leaves = flat[n - m :]
    if method not in METHODS:
        raise ValueError(f"method={method!r} is one of {', '.join(METHODS)}")
    if method != "bottom_up" and n > m:
        weights = _weights(method, sums, errors)
        constraints = np.concatenate([np.eye(n - m), -sums[: n - m].T])  # U: parents less leaves
        spread = weights @ constraints
        leaves = leaves - spread[n - m :] @ (
            _inverse(constraints.T @ spread) @ (constraints.T @ flat)
        )
    return np.asarray((sums @ leaves).reshape(forecasts.shape))


def shrunk_covariance(errors: ArrayLike) -> tuple[Floats, float]:
    """Return the covariance of errors, with correlations shrunk towards 0, and by how much.

    The share is the one with the smallest expected square error: the sum of the variances of the
    correlations over the sum of their squares, 0 to 1. Errors are not centred: bias counts.

    Parameters
    ----------
    errors : array (series, n)
        Columns with a NaN are left out; two at least have to remain.

    Returns
    -------
    covariance : array (series, series)
    share : float

    References
    ----------
    J. Schäfer, K. Strimmer: "A shrinkage approach to large-scale covariance matrix estimation and
    implications for functional genomics", Statistical Applications in Genetics and Molecular
    Biology 4 (2005), table 2, target D.

    Examples
    --------
    >>> covariance, share = shrunk_covariance([[1.0, -1.0, 2.0], [1.0, 0.0, 2.0]])
    >>> covariance.round(3).tolist(), round(share, 3)
    ([[2.0, 0.8], [0.8, 1.667]], 0.52)
    """
    array = np.asarray(errors, np.float64)
    array = array[:, ~np.isnan(array).any(axis=0)]
    n = array.shape[1]
    if n < 2:
        raise DataError(f"a covariance needs two errors of all series at least, and there are {n}")
    covariance = array @ array.T / n
    deviation = np.sqrt(np.diag(covariance))
    unit = array / np.where(deviation > 0, deviation, 1.0)[:, None]
    correlation = unit @ unit.T / n
    np.fill_diagonal(correlation, 0.0)
    squares = unit**2
    variance = (squares @ squares.T - n * (unit @ unit.T / n) ** 2) / (n * (n - 1))
    np.fill_diagonal(variance, 0.0)
    total = float((correlation**2).sum())
    share = min(max(float(variance.sum()) / total, 0.0), 1.0) if total > 0 else 1.0
    diagonal = np.diag(np.diag(covariance))
    return share * diagonal + (1 - share) * covariance, share


def _inverse(covariance: Floats) -> Floats:
    """The pseudoinverse, of correlations: series of very different sizes are not taken for 0."""
    deviation = np.sqrt(np.diag(covariance))
    unit = np.where(deviation > 0, deviation, 1.0)
    outer = np.outer(unit, unit)
    inverse = np.linalg.pinv(covariance / outer, rcond=SINGULAR, hermitian=True)
    return np.asarray(inverse / outer)


def _weights(method: str, sums: Floats, errors: ArrayLike | None) -> Floats:
    """W, up to a factor, which does not matter."""
    if method == "ols":
        return np.eye(len(sums))
    if method == "wls_struct":
        return np.diag(sums.sum(axis=1))
    if errors is None:
        raise ValueError('method="mint_shrink" needs the errors of the base forecasts')
    array = np.asarray(errors, np.float64)
    if array.ndim != 2 or len(array) != len(sums):
        raise ValueError(f"errors {array.shape} have a row for each of the {len(sums)} series")
    return shrunk_covariance(array)[0]


def _sizes(forecasts: Floats, sums: Floats) -> tuple[int, int]:
    """How many series there are, and how many leaves."""
    n, m = sums.shape if sums.ndim == 2 else (0, 0)
    if not m or n < m or not np.array_equal(sums[n - m :], np.eye(m)):
        raise ValueError(
            f"the last rows of the summing matrix {sums.shape} are those of the leaves, an identity"
        )
    if forecasts.ndim < 2 or len(forecasts) != n:
        raise ValueError(f"base {forecasts.shape} is (series, horizon) with {n} series")
    return n, m
