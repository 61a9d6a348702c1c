"""Densities of vectors: the normal, Student's and Dirichlet's distribution, kernel estimates."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc
import scipy.stats

from ...errors import at_user_line
from ...trace.interception import intercepts
from ...trace.tracer import Tracer
from ...transforms import stop_gradient
from ..arrays import asarray, known, refuse
from .continuous import double, number

_MODULE = type(scipy.stats.multivariate_normal).__module__
_FROZEN = type(scipy.stats.multivariate_normal([0.0], [[1.0]]))
_FROZEN_T = type(scipy.stats.multivariate_t([0.0], [[1.0]]))
_FROZEN_DIRICHLET = type(scipy.stats.dirichlet([1.0, 1.0]))
_LOG_TWO_PI = np.log(2.0 * np.pi)


def _parameters(
    name: str, mean: Any, cov: Any, allow_singular: bool = False
) -> tuple[int, Any, Any]:
    """Return the dimension, the mean as a vector and the covariance as a matrix."""
    if cov is not None and not isinstance(cov, Tracer) and hasattr(cov, "whiten"):
        refuse(f"scipy.stats.{name}", "Covariance objects are not supported")
    mean = None if mean is None else double(mean)
    cov = double(1.0 if cov is None and mean is None else np.eye(mean.size) if cov is None else cov)
    dim = mean.size if mean is not None else cov.shape[0] if cov.ndim == 2 else 1
    mean = np.zeros(dim) if mean is None else np.reshape(mean, (-1,)) if dim == 1 else mean
    if dim == 1 and cov.size == 1:
        cov = np.reshape(cov, (1, 1))
    elif cov.ndim == 0:
        cov = cov * np.eye(dim)
    elif cov.ndim == 1:
        cov = np.diag(cov)
    if mean.shape != (dim,) or cov.shape != (dim, dim):
        raise ValueError(
            at_user_line(
                f"scipy.stats.{name}: a mean of shape {mean.shape}, a matrix of shape {cov.shape}"
            )
        )
    _check_positive(name, cov, allow_singular)
    return dim, mean, cov


def _check_positive(name: str, cov: Any, allow_singular: bool) -> None:
    """Raise what SciPy does for a matrix that is singular or not positive."""
    value = known(cov)
    if value is None:
        return
    sizes = np.linalg.eigvalsh(value)
    rounding = 1e6 * np.finfo(float).eps * np.max(np.abs(sizes))
    if sizes[0] < -rounding:
        raise ValueError("The input matrix must be symmetric positive semidefinite.")
    if sizes[0] <= rounding:
        if allow_singular:
            refuse(f"scipy.stats.{name}", "a singular covariance matrix is not supported")
        raise np.linalg.LinAlgError(
            "When `allow_singular is False`, the input matrix must be symmetric positive definite."
        )


def _points(x: Any, dim: int) -> Any:
    """Return the data with the components along the last axis."""
    x = double(x)
    if x.ndim == 0:
        return x[np.newaxis]
    if x.ndim == 1:
        return x[:, np.newaxis] if dim == 1 else x[np.newaxis, :]
    return x


def _squeezed(value: Any) -> Any:
    return number(np.squeeze(value))


def _distance(x: Any, mean: Any, cov: Any) -> tuple[Any, Any]:
    """Return Mahalanobis' squared distance, and the logarithm of the determinant."""
    factor = np.linalg.cholesky(cov)
    deviation = x - mean
    flat = np.reshape(deviation, (-1, cov.shape[0]))
    whitened = np.linalg.solve(factor, flat.T)
    squares = np.reshape(np.sum(whitened * whitened, axis=0), deviation.shape[:-1])
    return squares, 2.0 * np.sum(np.log(np.diagonal(factor)))


# The normal distribution


def _normal_logpdf(x: Any, mean: Any, cov: Any, allow_singular: bool = False) -> Any:
    dim, mean, cov = _parameters("multivariate_normal", mean, cov, allow_singular)
    squares, log_det = _distance(_points(x, dim), mean, cov)
    return _squeezed(-0.5 * (dim * _LOG_TWO_PI + log_det + squares))


@intercepts(_MODULE, "multivariate_normal_gen.logpdf")
def logpdf(self: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    return _normal_logpdf(x, mean, cov, allow_singular)


@intercepts(_MODULE, "multivariate_normal_gen.pdf")
def pdf(self: Any, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
    return np.exp(_normal_logpdf(x, mean, cov, allow_singular))


@intercepts(_MODULE, "multivariate_normal_gen.entropy")
def entropy_of_normal(self: Any, mean: Any = None, cov: Any = 1) -> Any:
    dim, _, cov = _parameters("multivariate_normal", mean, cov)
    return 0.5 * (dim * (_LOG_TWO_PI + 1.0) + np.linalg.slogdet(cov)[1])


@intercepts(_MODULE, "multivariate_normal_gen.cdf", "multivariate_normal_gen.logcdf",
            "multivariate_normal_gen.rvs", "multivariate_normal_gen.fit",
            "multivariate_normal_frozen.cdf", "multivariate_normal_frozen.logcdf",
            "multivariate_normal_frozen.rvs")  # fmt: skip
def refused_of_normal(self: Any, *args: Any, **kwds: Any) -> Any:
    refuse("scipy.stats.multivariate_normal", "cdf, logcdf, rvs and fit are no formulas")


@intercepts(_MODULE, "multivariate_normal_gen.__call__")
def freeze_normal(
    self: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False, seed: Any = None,
    **options: Any,
) -> Any:  # fmt: skip
    frozen: Any = object.__new__(_FROZEN)
    parameters = _parameters("multivariate_normal", mean, cov, allow_singular)
    frozen.dim, frozen.mean, covariance = parameters
    frozen.cov_object = _Covariance(covariance)
    vars(frozen).update(_dist=self)
    frozen.parameters = parameters  # in which the interception of its methods sees the tracers
    return frozen


class _Covariance:
    """What a frozen distribution asks for its covariance matrix."""

    def __init__(self, covariance: Any) -> None:
        self.covariance = covariance


@intercepts(_MODULE, "multivariate_normal_frozen.logpdf")
def frozen_logpdf(self: Any, x: Any) -> Any:
    return _normal_logpdf(x, self.mean, self.cov_object.covariance)


@intercepts(_MODULE, "multivariate_normal_frozen.pdf")
def frozen_pdf(self: Any, x: Any) -> Any:
    return np.exp(frozen_logpdf(self, x))


@intercepts(_MODULE, "multivariate_normal_frozen.entropy")
def frozen_entropy(self: Any) -> Any:
    return entropy_of_normal(self, self.mean, self.cov_object.covariance)


# Student's


def _student_logpdf(x: Any, loc: Any, shape: Any, df: Any) -> Any:
    dim, loc, shape = _parameters("multivariate_t", loc, shape, True)
    if known(df) is not None and not np.all(known(df) < np.inf):
        return _normal_logpdf(x, loc, shape)
    squares, log_det = _distance(_points(x, dim), loc, shape)
    power = 0.5 * (df + dim)
    scale = sc.gammaln(power) - sc.gammaln(0.5 * df) - 0.5 * dim * np.log(df * np.pi)
    return _squeezed(scale - 0.5 * log_det - power * np.log(1.0 + squares / df))


@intercepts(_MODULE, "multivariate_t_gen.logpdf")
def student_logpdf(self: Any, x: Any, loc: Any = None, shape: Any = 1, df: Any = 1) -> Any:
    return _student_logpdf(x, loc, shape, df)


@intercepts(_MODULE, "multivariate_t_gen.pdf")
def student_pdf(
    self: Any, x: Any, loc: Any = None, shape: Any = 1, df: Any = 1, allow_singular: bool = False
) -> Any:
    return np.exp(_student_logpdf(x, loc, shape, df))


@intercepts(_MODULE, "multivariate_t_gen.__call__")
def freeze_student(
    self: Any, loc: Any = None, shape: Any = 1, df: Any = 1, allow_singular: bool = False,
    seed: Any = None,
) -> Any:  # fmt: skip
    frozen: Any = object.__new__(_FROZEN_T)
    frozen.dim, frozen.loc, frozen.shape = _parameters("multivariate_t", loc, shape, True)
    frozen.df = df
    vars(frozen).update(_dist=self)
    return frozen


@intercepts(_MODULE, "multivariate_t_frozen.logpdf")
def frozen_student_logpdf(self: Any, x: Any) -> Any:
    return _student_logpdf(x, self.loc, self.shape, self.df)


@intercepts(_MODULE, "multivariate_t_frozen.pdf")
def frozen_student_pdf(self: Any, x: Any) -> Any:
    return np.exp(frozen_student_logpdf(self, x))


# Dirichlet's


def _dirichlet_logpdf(x: Any, alpha: Any) -> Any:
    x, alpha = double(x), double(alpha)
    if alpha.ndim != 1:
        raise ValueError(
            at_user_line(f"Parameter vector 'a' must be one dimensional: {alpha.shape}")
        )
    if x.shape[0] + 1 == alpha.shape[0]:
        x = np.concatenate([x, 1.0 - np.sum(x, axis=0, keepdims=True)])
    _check_simplex(x, alpha)
    column = np.reshape(alpha, (-1, *[1] * (x.ndim - 1)))
    log_weight = np.sum(sc.gammaln(alpha)) - sc.gammaln(np.sum(alpha))
    return _squeezed(np.sum(sc.xlogy(column - 1.0, x), axis=0) - log_weight)


def _check_simplex(x: Any, alpha: Any) -> None:
    if x.shape[0] != alpha.shape[0]:
        raise ValueError(at_user_line(f"x of shape {x.shape} for alpha of shape {alpha.shape}"))
    weights, point = known(alpha), known(x)
    if weights is not None and np.min(weights) <= 0:
        raise ValueError(at_user_line("All parameters must be greater than 0"))
    if point is None:
        return
    if np.min(point) < 0 or np.max(point) > 1 or np.any(np.abs(np.sum(point, 0) - 1.0) > 10e-10):
        raise ValueError(at_user_line("The input vector 'x' must lie within the normal simplex"))
    if weights is not None:
        column = weights.reshape(-1, *[1] * (point.ndim - 1))
        if np.any((point == 0) & (column < 1)):
            raise ValueError(at_user_line("an entry of 'x' is zero, and its alpha less than one"))


@intercepts(_MODULE, "dirichlet_gen.logpdf")
def dirichlet_logpdf(self: Any, x: Any, alpha: Any) -> Any:
    return _dirichlet_logpdf(x, alpha)


@intercepts(_MODULE, "dirichlet_gen.pdf")
def dirichlet_pdf(self: Any, x: Any, alpha: Any) -> Any:
    return np.exp(_dirichlet_logpdf(x, alpha))


@intercepts(_MODULE, "dirichlet_gen.__call__")
def freeze_dirichlet(self: Any, alpha: Any, seed: Any = None) -> Any:
    frozen: Any = object.__new__(_FROZEN_DIRICHLET)
    frozen.alpha = double(alpha)
    vars(frozen).update(_dist=self)
    return frozen


@intercepts(_MODULE, "dirichlet_frozen.logpdf")
def frozen_dirichlet_logpdf(self: Any, x: Any) -> Any:
    return _dirichlet_logpdf(x, self.alpha)


@intercepts(_MODULE, "dirichlet_frozen.pdf")
def frozen_dirichlet_pdf(self: Any, x: Any) -> Any:
    return np.exp(_dirichlet_logpdf(x, self.alpha))


# Distributions of matrices


def _matrix(name: str, x: Any) -> Any:
    x = double(x)
    if x.ndim == 0:
        return np.reshape(x, (1, 1))
    if x.ndim != 2 or x.shape[0] != x.shape[1]:
        refuse(f"scipy.stats.{name}", "a square matrix at a time is supported")
    return x


def _log_gamma_weight(df: Any, dim: int) -> Any:
    return 0.5 * df * dim * np.log(2.0) + sc.multigammaln(0.5 * df, dim)


@intercepts(_MODULE, "wishart_gen.logpdf")
def wishart_logpdf(self: Any, x: Any, df: Any, scale: Any) -> Any:
    x, scale = _matrix("wishart", x), _matrix("wishart", scale)
    dim = x.shape[0]
    traced_part = 0.5 * np.trace(np.linalg.solve(scale, x))
    sizes = 0.5 * (df - dim - 1) * np.linalg.slogdet(x)[1] - 0.5 * df * np.linalg.slogdet(scale)[1]
    return number(sizes - traced_part - _log_gamma_weight(df, dim))


@intercepts(_MODULE, "invwishart_gen.logpdf")
def invwishart_logpdf(self: Any, x: Any, df: Any, scale: Any) -> Any:
    x, scale = _matrix("invwishart", x), _matrix("invwishart", scale)
    dim = x.shape[0]
    traced_part = 0.5 * np.trace(np.linalg.solve(x, scale))
    sizes = 0.5 * df * np.linalg.slogdet(scale)[1] - 0.5 * (df + dim + 1) * np.linalg.slogdet(x)[1]
    return number(sizes - traced_part - _log_gamma_weight(df, dim))


@intercepts(_MODULE, "wishart_gen.pdf")
def wishart_pdf(self: Any, x: Any, df: Any, scale: Any) -> Any:
    return np.exp(wishart_logpdf(self, x, df, scale))


@intercepts(_MODULE, "invwishart_gen.pdf")
def invwishart_pdf(self: Any, x: Any, df: Any, scale: Any) -> Any:
    return np.exp(invwishart_logpdf(self, x, df, scale))


# Kernel density estimates


@intercepts("scipy.stats", "gaussian_kde.evaluate", "gaussian_kde.pdf", "gaussian_kde.__call__")
def kernel_density(self: Any, points: Any) -> Any:
    return np.exp(kernel_logpdf(self, points))


@intercepts("scipy.stats", "gaussian_kde.logpdf")
def kernel_logpdf(self: Any, x: Any) -> Any:
    """Return the logarithm of the sum of kernels at points along the last axis."""
    points = np.atleast_2d(asarray(x))
    if points.shape[0] != self.d:
        if points.shape != (1, self.d):
            raise ValueError(
                at_user_line(f"points have dimension {points.shape[0]}, dataset has {self.d}")
            )
        points = points.T
    deviation = np.moveaxis(points[:, None, :] - self.dataset[:, :, None], 0, -1)
    squares, log_det = _distance(deviation, 0.0, self.covariance)
    exponents = np.log(self.weights)[:, None] - 0.5 * squares
    top = stop_gradient(np.max(exponents, axis=0))
    total = np.log(np.sum(np.exp(exponents - top), axis=0)) + top
    return total - 0.5 * (self.d * _LOG_TWO_PI + log_det)
