"""Negative binomial and Tweedie distributions by mean and dispersion.

Both have a variance that is above what Poisson's allows. With a mean m and a dispersion a, the
variance of the negative binomial is ``m + a m**2``. Tweedie's is ``a m**2`` at ``m = level``, that
is ``phi m**1.5`` with ``phi = a sqrt(level)``: at the power 1.5 it is a Poisson number of
*exponential* amounts, whose density (Jørgensen 1987) has a closed form with a Bessel function, and
whose distribution function is that of a noncentral chi-square.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from .... import nn

Floats: TypeAlias = NDArray[np.float64]
Likelihood: TypeAlias = Literal["negative_binomial", "tweedie"]

SHIFT = 4  # Stirling's series is used from here on, where three terms have 8 digits
MANY_AMOUNTS = 500.0  # from this mean number on, Tweedie's quantile is that of a gamma's
MOST_STEPS = 60  # of Newton's method; a few are usual
# M. Abramowitz, I. A. Stegun: "Handbook of mathematical functions" (1964), 9.8.3 and 9.8.4
SMALL = (0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411)
LARGE = (0.39894228, -0.03988024, -0.00362018, 0.00163801, -0.01031555, 0.02282967, -0.02895312,
         0.01787654, -0.00420059)  # fmt: skip
CHANGE = 3.75


def negative_binomial_loss(log_mean: Any, log_dispersion: Any, targets: Any) -> Any:
    """``-log p(y)`` of each target, but for what no parameter is in: ``log y! - y log y + y``.

    With ``r = 1 / dispersion`` it is ``lgamma(r) - lgamma(y + r) + y log y - y + r log(1 + m/r) +
    y log(1 + r/m)``. All terms stay small for large counts, in float32 too.

    References
    ----------
    D. Salinas, V. Flunkert, J. Gasthaus, T. Januschowski: "DeepAR: probabilistic forecasting with
    autoregressive recurrent networks", International Journal of Forecasting 36 (2020), section 3.2.

    Examples
    --------
    >>> from scipy import stats
    >>> exact = -stats.nbinom.logpmf(3, 2.0, 0.5) - np.log(6.0) + 3.0 * np.log(3.0) - 3.0
    >>> bool(abs(negative_binomial_loss(np.log(2.0), np.log(0.5), 3.0) - exact) < 1e-7)
    True
    """
    inverse = np.exp(-log_dispersion)
    odds = log_mean + log_dispersion
    gammas = _gamma_ratio(targets, inverse)
    return inverse * nn.softplus(odds) + targets * nn.softplus(-odds) - gammas


def _gamma_ratio(y: Any, r: Any) -> Any:
    """``lgamma(y + r) - lgamma(r) - y log y + y`` of whole y."""
    q = r + SHIFT
    # Stirling's series of both, subtracted: (q - 1/2) log q cancels
    ratio = (q - 0.5) * np.log1p(y / q) + y * np.log1p(q / np.maximum(y, 1.0))
    ratio = ratio + _stirling(y + q) - _stirling(q)
    for step in range(SHIFT):
        ratio = ratio - np.log1p(y / (r + step))
    return ratio


def _stirling(x: Any) -> Any:
    square = 1.0 / (x * x)
    return (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0))) / x


def tweedie_loss(log_ratio: Any, log_dispersion: Any, targets: Any) -> Any:
    """``-log p(y)`` of targets that are divided by their level, as the mean is.

    With the mean number of amounts ``n = 2 sqrt(m) / a`` and an amount's mean ``s = a sqrt(m) / 2``
    it is n where y is 0, and else ``n + y/s - log I1(2 sqrt(n y / s)) - log(n / (s y)) / 2``.

    References
    ----------
    B. Jørgensen: "Exponential dispersion models", Journal of the Royal Statistical Society B 49
    (1987); P. K. Dunn, G. K. Smyth: "Series evaluation of Tweedie exponential dispersion model
    densities", Statistics and Computing 15 (2005).

    Examples
    --------
    >>> float(np.round(tweedie_loss(0.0, np.log(2.0), 0.0), 6))
    1.0
    """
    sold = targets > 0
    amounts = np.where(sold, targets, 1.0)
    number = 2.0 * np.exp(0.5 * log_ratio - log_dispersion)
    relative = 2.0 * amounts * np.exp(-0.5 * log_ratio - log_dispersion)
    argument = 4.0 * np.sqrt(amounts) * np.exp(-log_dispersion)
    above = (
        (np.sqrt(number) - np.sqrt(relative)) ** 2  # n + y/s - 2 sqrt(n y/s)
        - _log_scaled_bessel(argument)
        + log_dispersion - np.log(2.0) + 0.5 * np.log(amounts)
    )  # fmt: skip
    return np.where(sold, above, number)


def _log_scaled_bessel(x: Any) -> Any:
    """``log(I1(x) exp(-x))``."""
    small, large = np.minimum(x, CHANGE), np.maximum(x, CHANGE)
    below = np.log(_polynomial(SMALL, (small / CHANGE) ** 2)) + np.log(small) - small
    above = np.log(_polynomial(LARGE, CHANGE / large)) - 0.5 * np.log(large)
    return np.where(x < CHANGE, below, above)


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


LOSSES = {"negative_binomial": negative_binomial_loss, "tweedie": tweedie_loss}


def amounts_of(mean: ArrayLike, dispersion: ArrayLike, level: ArrayLike) -> tuple[Floats, Floats]:
    """Tweedie's mean number of amounts and an amount's mean; all positive.

    Examples
    --------
    >>> number, size = amounts_of(3.0, 0.5, 2.0)
    >>> round(float(number * size), 6)
    3.0
    """
    mean, level = np.asarray(mean, np.float64), np.asarray(level, np.float64)
    phi = dispersion * np.sqrt(level)
    return 2.0 * np.sqrt(mean) / phi, phi * np.sqrt(mean) / 2.0


def distribution_function(
    likelihood: Likelihood, y: Floats, mean: Floats, dispersion: Floats, level: Floats
) -> tuple[Floats, Floats]:
    """The probabilities of less than y, and of y or less; the mean and the level are positive."""
    if likelihood == "negative_binomial":
        r = 1.0 / dispersion
        chance = r / (r + mean)
        below, until = (np.asarray(stats.nbinom.cdf(k, r, chance)) for k in (y - 1.0, y))
        return below, until
    number, size = amounts_of(mean, dispersion, level)
    until = _tweedie_function(y / size, number)
    return np.where(y > 0, until, 0.0), until


def quantile(
    likelihood: Likelihood, probability: Floats, mean: Floats, dispersion: Floats, level: Floats
) -> Floats:
    """The least y whose distribution function reaches `probability`; 0 where the mean is 0.

    Examples
    --------
    >>> one = np.ones(1)
    >>> quantile("negative_binomial", 0.9 * one, 2.0 * one, 0.5 * one, one).tolist()
    [5.0]
    >>> quantile("tweedie", 0.9 * one, 2.0 * one, 0.5 * one, one).round(3).tolist()
    [3.605]
    """
    shape = np.broadcast_shapes(*map(np.shape, (probability, mean, dispersion, level)))
    result = np.zeros(shape)
    some = np.broadcast_to(mean > 0, shape)
    parts = [np.broadcast_to(part, shape)[some] for part in (probability, mean, dispersion, level)]
    chance, mean, dispersion, level = parts
    if likelihood == "negative_binomial":
        r = 1.0 / dispersion
        result[some] = stats.nbinom.ppf(chance, r, r / (r + mean))
    else:
        number, size = amounts_of(mean, dispersion, level)
        result[some] = size * _tweedie_quantile(chance, number)
    return result


def _tweedie_function(total: Floats, number: Floats) -> Floats:
    """The distribution function of a Poisson number of exponential amounts of mean 1.

    A. F. Siegel: "The noncentral chi-squared distribution with zero degrees of freedom and testing
    for uniformity", Biometrika 66 (1979): the sum exceeds x as often as a noncentral chi-square of
    2 degrees of freedom with noncentrality 2 x stays below 2 n.
    """
    total, number = np.maximum(total, 0.0), np.asarray(number)
    many = number > MANY_AMOUNTS
    exact = 1.0 - special.chndtr(2.0 * np.where(many, 1.0, number), 2.0, 2.0 * np.where(
        many, 1.0, np.minimum(total, 20.0 * (number + 5.0))))  # fmt: skip
    shape, scale, first = _like_gamma(number)
    return np.where(many, special.gammainc(shape, np.maximum(total - first, 0.0) / scale), exact)


def _tweedie_quantile(probability: Floats, number: Floats) -> Floats:
    result = np.zeros(probability.shape)
    many = number > MANY_AMOUNTS
    shape, scale, first = _like_gamma(number[many])
    result[many] = first + scale * special.gammaincinv(shape, probability[many])
    some = ~many & (probability > np.exp(-number))
    chance, number = probability[some], number[some]
    result[some] = _invert(chance, number)
    return np.maximum(result, 0.0)


def _invert(probability: Floats, number: Floats) -> Floats:
    """Newton's method on the distribution function, with bisection where it would leave bounds."""
    low, high = np.zeros(probability.shape), 20.0 * (number + 5.0)
    shape, scale, first = _like_gamma(number)
    y = np.clip(first + scale * special.gammaincinv(shape, probability), 1e-3 * number, high)
    left = np.arange(len(y))  # not yet converged
    for _ in range(MOST_STEPS):
        at, n = y[left], number[left]
        excess = _tweedie_function(at, n) - probability[left]
        low[left] = np.where(excess < 0, at, low[left])
        high[left] = np.where(excess < 0, high[left], at)
        root = 2.0 * np.sqrt(n * at)
        density = np.exp(-((np.sqrt(n) - np.sqrt(at)) ** 2)) * np.sqrt(n / at) * special.i1e(root)
        step = at - excess / np.maximum(density, 1e-300)
        inside = (step > low[left]) & (step < high[left])
        y[left] = np.where(inside, step, (low[left] + high[left]) / 2.0)
        left = left[np.abs(y[left] - at) > 1e-10 * at]
        if not len(left):
            break
    return y


def _like_gamma(number: Floats) -> tuple[Floats, Floats, Floats]:
    """Shape, scale and begin of the gamma with the same mean, variance and skewness."""
    # cumulants n, 2 n, 6 n; those of the gamma are first + k s, k s**2, 2 k s**3
    shape = 8.0 * number / 9.0
    return shape, np.full(np.shape(number), 1.5), number - 1.5 * shape
