"""NumPy's functions on tracers of polynomials by their coefficients, from the highest power on."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from ..errors import GradientError, UnsupportedError, at_user_line
from ..primitives import elementwise as ew
from ..primitives.structure import broadcast_to, concatenate, identity, reshape
from .array_like import array_like
from .complex_readiness import takes_complex
from .function_rules import as_int, implements
from .join_table import joined
from .operands import node_of
from .plain_numbers import carries_derivative, concrete_value
from .strides import set_layout_like
from .tracer import METHODS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype, floating


def _coefficients(p: Any) -> Any:
    """Return the coefficients of a list, an array or a `np.poly1d`, in one axis."""
    p = array_like(p.coeffs if isinstance(p, np.poly1d) else p)
    return p if p.ndim else ArrayTracer(reshape(p.node, shape=(1,)))


def _listed_coefficients(p: Any) -> Any:
    """Return coefficients, but not of a number, which NumPy takes for a polynomial elsewhere."""
    if not np.ndim(p):
        raise TypeError(at_user_line("len() of unsized object: give coefficients in one axis"))
    return _coefficients(p)


def _like_operands(result: Any, *operands: Any) -> Any:
    """Return a `np.poly1d` if an operand is one."""
    return np.poly1d(result) if any(isinstance(x, np.poly1d) for x in operands) else result


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    coefficients = _listed_coefficients(p)
    if isinstance(x, np.poly1d):
        raise UnsupportedError(at_user_line("np.polyval at a np.poly1d, with traced numbers"))
    x = array_like(x)
    zeros = node_of(np.broadcast_to(x.dtype.type(0), x.shape))
    set_layout_like(zeros, identity(x.node))  # np.zeros_like(x)
    y: Any = traced(zeros)
    for k in range(len(coefficients)):
        y = y * x + coefficients[k]
    return y


def _padded(p: Any, size: int) -> Any:
    missing = size - len(p)
    return joined([np.zeros(missing, p.dtype), p]) if missing > 0 else p


@implements(np.polyadd)
def _polyadd(a1: Any, a2: Any) -> Any:
    p, q = _coefficients(a1), _coefficients(a2)
    size = max(len(p), len(q))
    return _like_operands(_padded(p, size) + _padded(q, size), a1, a2)


@implements(np.polysub)
def _polysub(a1: Any, a2: Any) -> Any:
    p, q = _coefficients(a1), _coefficients(a2)
    size = max(len(p), len(q))
    return _like_operands(_padded(p, size) - _padded(q, size), a1, a2)


@implements(np.polymul)
def _polymul(a1: Any, a2: Any) -> Any:
    p, q = (np.trim_zeros(_coefficients(a), "f") for a in (a1, a2))
    p, q = (x if len(x) else ArrayTracer(node_of(np.zeros(1, x.dtype))) for x in (p, q))
    return _like_operands(np.convolve(p, q), a1, a2)


@implements(np.polydiv)
def _polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    p, q = (ArrayTracer(floating(_coefficients(a).node)) for a in (u, v))
    if not len(p):
        raise IndexError(at_user_line("np.polydiv of no coefficients"))
    dtype = np.result_type(p.dtype, q.dtype)
    rest = METHODS["astype"](p, dtype)
    scale = 1.0 / q[0]
    steps = len(p) - len(q) + 1
    quotient = []
    for k in range(steps):
        factor = scale * rest[k]
        quotient.append(METHODS["reshape"](factor, (1,)))
        rest[k : k + len(q)] -= factor * q
    result = joined(quotient) if quotient else ArrayTracer(node_of(np.zeros(1, dtype)))
    values = concrete_value(rest.node, "the degree of np.polydiv's rest")
    start = 0
    while start < len(values) - 1 and np.allclose(values[start], 0, rtol=1e-14):
        start += 1
    return _like_operands(result, u, v), _like_operands(rest[start:], u, v)


@implements(np.polyder)
def _polyder(p: Any, m: Any = 1) -> Any:
    order = as_int(m, "m") if not isinstance(m, float) else int(m)
    if order < 0:
        raise ValueError(at_user_line("Order of derivative must be positive (see polyint)"))
    result = _listed_coefficients(p)
    for _ in range(order):
        result = result[:-1] * np.arange(len(result) - 1, 0, -1)
    np.broadcast_shapes(result[:-1].shape, (max(len(result) - 1, 0),))  # as NumPy goes on, too
    return _like_operands(result, p)


@implements(np.polyint)
def _polyint(p: Any, m: Any = 1, k: Any = None) -> Any:
    order = as_int(m, "m") if not isinstance(m, float) else int(m)
    if order < 0:
        raise ValueError(at_user_line("Order of integral must be positive (see polyder)"))
    constants = _coefficients(np.zeros(order) if k is None else k)
    if len(constants) == 1 and order > 1:
        constants = np.broadcast_to(constants, (order,))
    if len(constants) < order:
        raise ValueError(at_user_line("k must be a scalar or a rank-1 array of length 1 or >m."))
    result = _listed_coefficients(p) if order else array_like(getattr(p, "coeffs", p))
    for j in range(order):
        result = joined([result / np.arange(len(result), 0, -1), constants[j : j + 1]])
    return _like_operands(result, p)


@implements(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    zeros = _coefficients(seq_of_zeros)
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] != 0:
        zeros = np.linalg.eigvals(zeros)
    elif zeros.ndim != 1:
        raise ValueError(at_user_line("input must be 1d or non-empty square 2d array."))
    if not len(zeros):
        return 1.0
    dtype = np.dtype(np.mintypecode(zeros.dtype.char))
    zeros = ArrayTracer(as_dtype(zeros.node, dtype))
    result: Any = ArrayTracer(node_of(np.ones(1, dtype)))
    none = np.zeros(1, dtype)
    for k in range(len(zeros)):
        result = joined([result, none]) - zeros[k] * joined([none, result])
    return result


@implements(np.roots)
def _roots(p: Any) -> Any:
    coefficients = _coefficients(p)
    if coefficients.ndim != 1:
        raise ValueError(at_user_line("Input must be a rank-1 array."))
    values = concrete_value(coefficients.node, "the number of np.roots")
    nonzero = np.flatnonzero(values)
    if not len(nonzero):
        return np.array([])
    first, last = int(nonzero[0]), int(nonzero[-1])
    if last - first + 1 < len(values) and carries_derivative(coefficients.node):
        raise GradientError(
            at_user_line(
                "np.roots of coefficients that begin or end with 0 has no derivative by these, "
                "which it leaves out: leave them out of the array"
            )
        )
    part = ArrayTracer(floating(coefficients.node))[first : last + 1]
    trailing = len(values) - 1 - last
    if len(part) < 2:
        return np.zeros(trailing)
    row = METHODS["reshape"](-part[1:] / part[0], (1, -1))
    size = len(part) - 1
    below = np.eye(size - 1, size, dtype=part.dtype)
    eigenvalues = np.linalg.eigvals(joined([row, below]) if size > 1 else row)
    return joined([eigenvalues, np.zeros(trailing, eigenvalues.dtype)]) if trailing else eigenvalues


# Fits


@implements(np.vander)
def _vander(x: Any, N: Any = None, increasing: bool = False) -> Tracer:
    points = array_like(x)
    if points.ndim != 1:
        raise ValueError(at_user_line("x must be a one-dimensional array or sequence."))
    count = len(points) if N is None else as_int(N, "N")
    dtype = np.promote_types(points.dtype, int)
    column = reshape(as_dtype(points.node, dtype), shape=(len(points), 1))
    if count < 0:
        raise ValueError(at_user_line("negative dimensions are not allowed"))
    if count == 0:
        return ArrayTracer(node_of(np.empty((len(points), 0), dtype)))
    columns = [broadcast_to(node_of(dtype.type(1)), shape=column.shape)]
    for _ in range(count - 1):
        columns.append(ew.mul(columns[-1], column) if len(columns) > 1 else column)
    return ArrayTracer(concatenate(*(columns if increasing else columns[::-1]), axis=1))


@implements(np.polyfit)
def _polyfit(x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None,
             cov: Any = False) -> Any:  # fmt: skip
    order = int(deg) + 1
    points, values = array_like(x) + 0.0, array_like(y) + 0.0
    check_fit(points, values, deg)
    fit = scaled_fit(_vander(points, order), values, w, rcond)
    fit.warn_of_rank("Polyfit may be poorly conditioned", full)
    if full:
        return fit.coefficients, fit.residuals, fit.rank, fit.singular_values, fit.rcond
    return (fit.coefficients, _fit_covariance(fit, cov)) if cov else fit.coefficients


class Fit(NamedTuple):
    """What least squares gave for columns that were scaled to the length 1.

    Attributes
    ----------
    left, right : Tracer
        The scaled columns, and what they are fitted to; both times the weights.
    scale : Tracer
        The lengths of the columns.
    coefficients, residuals, rank, singular_values, rcond
    """

    left: Any
    right: Any
    scale: Any
    coefficients: Any
    residuals: Any
    rank: Any
    singular_values: Any
    rcond: Any

    @property
    def full_rank(self) -> bool:
        """Whether the rank is that of the columns; under jit, where it is not known, it is."""
        rank = self.rank.node.value if isinstance(self.rank, Tracer) else self.rank
        return rank is None or bool(rank == self.left.shape[1])

    def warn_of_rank(self, text: str, full: bool) -> None:
        """Warn as NumPy does of columns that depend on each other."""
        if not self.full_rank and not full:
            warnings.warn(text, np.exceptions.RankWarning, stacklevel=3)


def scaled_fit(left: Any, right: Any, w: Any, rcond: Any) -> Fit:
    """Return the coefficients by which columns come closest to the values."""
    if rcond is None:
        rcond = len(left) * np.finfo(left.dtype).eps
    if w is not None:
        weights = array_like(w) + 0.0
        if weights.ndim != 1:
            raise TypeError(at_user_line("expected a 1-d array for weights"))
        if len(weights) != len(right):
            raise TypeError(at_user_line("expected w and y to have the same length"))
        left = left * weights[:, None]
        right = right * (weights[:, None] if right.ndim == 2 else weights)
    scale = np.sqrt(METHODS["sum"](left * left, 0))
    scale = np.where(scale == 0, 1, scale)
    left = left / scale
    scaled, residuals, rank, singular = np.linalg.lstsq(left, right, rcond)
    return Fit(left, right, scale, (scaled.T / scale).T, residuals, rank, singular, rcond)


def check_fit(x: Tracer, y: Tracer, deg: Any) -> None:
    """Raise what NumPy raises of points, values and a degree that it does not take."""
    if deg < 0:
        raise ValueError(at_user_line("expected deg >= 0"))
    if x.ndim != 1:
        raise TypeError(at_user_line("expected 1D vector for x"))
    if not x.size:
        raise TypeError(at_user_line("expected non-empty vector for x"))
    if not 1 <= y.ndim <= 2:
        raise TypeError(at_user_line("expected 1D or 2D array for y"))
    if x.shape[0] != y.shape[0]:
        raise TypeError(at_user_line("expected x and y to have same length"))


def _fit_covariance(fit: Fit, cov: Any) -> Any:
    base = np.linalg.inv(np.dot(fit.left.T, fit.left)) / np.outer(fit.scale, fit.scale)
    factor: Any = 1
    single = fit.right.ndim == 1
    if cov != "unscaled":
        count, order = fit.left.shape
        if count <= order:
            raise ValueError(
                at_user_line(
                    "the number of data points must exceed order to scale the covariance matrix"
                )
            )
        residuals = fit.residuals
        if fit.full_rank:
            scaled = (fit.coefficients.T * fit.scale).T
            errors = fit.right - np.dot(fit.left, scaled)
            residuals = METHODS["sum"](errors * errors, 0, keepdims=single)
        factor = residuals / (count - order)
    return base * factor if single else base[:, :, None] * factor


takes_complex(
    np.polyval, np.polyadd, np.polysub, np.polymul, np.polydiv, np.polyder, np.polyint,
    np.vander, np.poly, np.trim_zeros,
)  # fmt: skip
