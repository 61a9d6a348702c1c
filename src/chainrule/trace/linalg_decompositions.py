"""`numpy.linalg` on tracers: factorizations, eigenvalues and singular values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node
from ..graph.types import is_complex
from ..primitives.complex_numbers import real
from ..primitives.elementwise import absolute
from ..primitives.linear_algebra.general import eig
from ..primitives.linear_algebra.hermitian import symmetric_eigen
from ..primitives.linear_algebra.matrices import adjoint, results_of, rows
from ..primitives.linear_algebra.qr import qr
from ..primitives.linear_algebra.singular import singular_values, svd
from ..primitives.linear_algebra.triangular import cholesky
from .function_rules import implements
from .linalg_operands import complex_too, in_c_order, matrix, real_dtype, result, square_matrix
from .plain_numbers import concrete_value
from .tracer import Tracer, traced

EighResult: Any = type(np.linalg.eigh(np.ones((1, 1))))
EigResult: Any = type(np.linalg.eig(np.ones((1, 1))))
SVDResult: Any = type(np.linalg.svd(np.ones((1, 1))))
QRResult: Any = type(np.linalg.qr(np.ones((1, 1))))


@implements(np.linalg.cholesky)
@in_c_order
def _cholesky(a: Any, /, *, upper: bool = False) -> Tracer:
    x, dtype = square_matrix(a, "cholesky")
    if upper:  # the upper triangle is read, and given
        return result(adjoint(cholesky(adjoint(x))), dtype)
    return result(cholesky(x), dtype)


def _is_lower(triangle: Any) -> bool:
    letter = triangle.upper()
    if letter not in ("L", "U"):
        raise ValueError(at_user_line("UPLO argument must be 'L' or 'U'"))
    return bool(letter == "L")


@implements(np.linalg.eigh)
@in_c_order
def _eigh(a: Any, UPLO: str = "L") -> Any:
    x, dtype = square_matrix(a, "eigh")
    w, v = symmetric_eigen(x, _is_lower(UPLO))
    return EighResult(result(w, real_dtype(dtype)), result(v, dtype))


@implements(np.linalg.eigvalsh)
@in_c_order
def _eigvalsh(a: Any, UPLO: str = "L") -> Tracer:
    x, dtype = square_matrix(a, "eigvalsh")
    return result(symmetric_eigen(x, _is_lower(UPLO))[0], real_dtype(dtype))


def general_eigen(a: Any, name: str) -> tuple[Node, Node, np.dtype[Any]]:
    """Return eigenvalues and eigenvectors: of a real matrix, as real numbers if all are real."""
    x, dtype = square_matrix(a, name)
    w, v = results_of(eig(x))
    if not is_complex(dtype):
        value = concrete_value(w, f"np.linalg.{name}, whose results are real or complex,")
        if not value.imag.any():
            return real(w), real(v), dtype
        dtype = np.result_type(dtype, np.complex64)
    return w, v, dtype


@implements(np.linalg.eig)
@in_c_order
def _eig(a: Any) -> Any:
    w, v, dtype = general_eigen(a, "eig")
    return EigResult(result(w, dtype), result(v, dtype))


@implements(np.linalg.eigvals)
@in_c_order
def _eigvals(a: Any) -> Tracer:
    w, _, dtype = general_eigen(a, "eigvals")
    return result(w, dtype)


@implements(np.linalg.svd)
@in_c_order
def singular_decomposition(a: Any, full_matrices: bool = True, compute_uv: bool = True,
         hermitian: bool = False) -> Any:  # fmt: skip
    if hermitian:
        return _svd_of_symmetric(a, compute_uv)
    x, dtype = matrix(a, "svd")
    if not compute_uv:
        return result(singular_values(x), real_dtype(dtype))
    return _svd_result(results_of(svd(x, full=bool(full_matrices))), dtype)


def _svd_result(factors: tuple[Node, ...], dtype: np.dtype[Any]) -> Any:
    u, s, vh = factors
    return SVDResult(result(u, dtype), result(s, real_dtype(dtype)), result(vh, dtype))


def _svd_of_symmetric(a: Any, compute_uv: bool) -> Any:
    """Return the decomposition by eigenvalues, whose signs go to the vectors on the right."""
    x, dtype = square_matrix(a, "svd")
    w, v = symmetric_eigen(x)
    sizes: Any = traced(absolute(w))
    vectors: Any = traced(v)
    order = np.argsort(sizes, axis=-1)[..., ::-1]
    s: Any = np.take_along_axis(sizes, order, axis=-1)
    if not compute_uv:
        return result(s.node, real_dtype(dtype))
    sign = np.where(np.signbit(traced(w)), -1.0, 1.0)
    sign = np.take_along_axis(sign, order, axis=-1)
    u: Any = np.take_along_axis(vectors, order[..., None, :], axis=-1)
    vh = adjoint((u * sign[..., None, :]).node)
    return _svd_result((u.node, s.node, vh), dtype)


@implements(np.linalg.svdvals)
def _svdvals(x: Any, /) -> Any:
    return singular_decomposition(x, compute_uv=False)


@implements(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        if mode in ("raw", "economic", "e", "f", "full"):
            raise UnsupportedError(
                at_user_line(
                    f"np.linalg.qr(mode={mode!r}) of a traced matrix is not supported: use "
                    "'reduced', 'complete' or 'r'"
                )
            )
        raise ValueError(at_user_line(f"Unrecognized mode '{mode}'"))
    x, dtype = matrix(a, "qr")
    m, n = x.shape[-2:]
    q, r = results_of(qr(x, complete=mode == "complete" and m > n))
    if mode == "r":
        return result(rows(r, 0, min(m, n)), dtype)
    return QRResult(result(q, dtype), result(r, dtype))


complex_too("cholesky", "eigh", "eigvalsh", "eig", "eigvals", "svd", "svdvals", "qr")
