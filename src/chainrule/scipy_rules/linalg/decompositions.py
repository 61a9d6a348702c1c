"""Eigenvalues, singular values and QR factorizations of `scipy.linalg`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import at_user_line
from ...graph.node import Node
from ...graph.types import is_complex
from ...primitives.complex_numbers import real
from ...primitives.linear_algebra.general import eig
from ...primitives.linear_algebra.hermitian import symmetric_eigen
from ...primitives.linear_algebra.matrices import (
    from_lower,
    permute_rows,
    product,
    results_of,
)
from ...primitives.linear_algebra.qr import column_order, qr
from ...primitives.linear_algebra.singular import singular_values, svd
from ...primitives.linear_algebra.triangular import cholesky, solve_right, triangular_solve
from ...primitives.operators import swap_last
from ...primitives.products import matmul
from ...primitives.structure import pad
from ...trace.complex_readiness import has_complex
from ...trace.interception import intercepts
from ...trace.linalg_operands import real_dtype, result
from ...trace.plain_numbers import concrete_value
from ...trace.tracer import traced
from ..arrays import refuse
from .operands import arrays_of, complex_too, matrix, square

DRIVERS = (None, "ev", "evd", "evr", "evx", "gv", "gvd", "gvx")


@intercepts("scipy.linalg", "eigh")
def _eigh(a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False,
          overwrite_a: bool = False, overwrite_b: bool = False, type: int = 1,
          check_finite: bool = True, subset_by_index: Any = None, subset_by_value: Any = None,
          driver: str | None = None) -> Any:  # fmt: skip
    if driver not in DRIVERS:
        raise ValueError(at_user_line(f'"{driver}" is unknown. Possible values are {DRIVERS}'))
    if subset_by_value is not None:
        refuse("scipy.linalg.eigh", "how many results subset_by_value= has is not known: choose "
               "among all of them")  # fmt: skip
    x, dtype = square("eigh", a, check_finite)
    if b is None:
        w, v = symmetric_eigen(x, bool(lower), driver or "evr")
    else:
        if has_complex(a) or has_complex(b):
            refuse("scipy.linalg.eigh", "b= with complex numbers is not supported")
        w, v, dtype = _generalized(x, a, b, bool(lower), type, check_finite)
    if subset_by_index is not None:
        w, v = _subset(traced(w), traced(v), subset_by_index)
    w = result(w, real_dtype(dtype))
    return w if eigvals_only else (w, result(v, dtype))


def _generalized(
    x: Node, a: Any, b: Any, lower: bool, type_: int, check_finite: bool
) -> tuple[Node, Node, Any]:
    """Return the solutions of a v = w b v, a b v = w v or b a v = w v, by b's Cholesky factor."""
    (_, y), dtype = arrays_of(check_finite, a, b)
    if y.shape != x.shape:
        raise ValueError(at_user_line(f"wrong b dimensions {y.shape}, should be {x.shape}"))
    if type_ not in (1, 2, 3):
        raise ValueError(at_user_line('"type" keyword only accepts 1, 2, and 3.'))
    factor = cholesky(y if lower else swap_last(y))
    s = from_lower(x if lower else swap_last(x))
    if type_ == 1:
        s = triangular_solve(factor, s, low=True, trans=False, unit=False)
        s = solve_right(factor, s, low=True, trans=True)
    else:
        s = product(swap_last(factor), s, factor)
    w, v = symmetric_eigen(s, lower, "evd")
    if type_ == 3:
        return w, matmul(factor, v), dtype
    return w, triangular_solve(factor, v, low=True, trans=True, unit=False), dtype


def _subset(w: Any, v: Any, subset: Any) -> tuple[Node, Node]:
    low, high = (int(k) for k in subset)
    n = w.shape[-1]
    if not 0 <= low <= high < n:
        raise ValueError(
            at_user_line(
                f"Requested eigenvalue indices are not valid. Valid range is [0, {n - 1}] and "
                f"start <= end, but start={low}, end={high} is given"
            )
        )
    return w[..., low : high + 1].node, v[..., low : high + 1].node


@intercepts("scipy.linalg", "eigvalsh")
def _eigvalsh(a: Any, b: Any = None, *, lower: bool = True, overwrite_a: bool = False,
              overwrite_b: bool = False, type: int = 1, check_finite: bool = True,
              subset_by_index: Any = None, subset_by_value: Any = None,
              driver: str | None = None) -> Any:  # fmt: skip
    return _eigh(a, b, lower=lower, eigvals_only=True, type=type, check_finite=check_finite,
                 subset_by_index=subset_by_index, subset_by_value=subset_by_value,
                 driver=driver)  # fmt: skip


@intercepts("scipy.linalg", "svd")
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False,
         check_finite: bool = True, lapack_driver: str = "gesdd") -> Any:  # fmt: skip
    if lapack_driver != "gesdd":
        if lapack_driver != "gesvd":
            raise ValueError(
                at_user_line(f'lapack_driver must be "gesdd" or "gesvd", not "{lapack_driver}"')
            )
        refuse("scipy.linalg.svd", "lapack_driver='gesvd' is not supported: leave it out")
    x, dtype = matrix("svd", a, check_finite)
    if not compute_uv:
        return result(singular_values(x), real_dtype(dtype))
    u, s, vh = results_of(svd(x, full=bool(full_matrices)))
    return result(u, dtype), result(s, real_dtype(dtype)), result(vh, dtype)


@intercepts("scipy.linalg", "svdvals")
def _svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    return _svd(a, compute_uv=False, check_finite=check_finite)


@intercepts("scipy.linalg", "qr")
def _qr(a: Any, overwrite_a: bool = False, lwork: Any = None, mode: str = "full",
        pivoting: bool = False, check_finite: bool = True) -> tuple[Any, ...]:  # fmt: skip
    if mode not in ("full", "qr", "r", "economic", "raw"):
        raise ValueError(
            at_user_line("Mode argument should be one of ['full', 'r', 'economic', 'raw']")
        )
    if mode == "raw":
        refuse("scipy.linalg.qr", "mode='raw' is not supported: use 'economic'")
    x, dtype = matrix("qr", a, check_finite)
    order: tuple[Any, ...] = ()
    if pivoting:
        columns = column_order(x)
        x = swap_last(permute_rows(swap_last(x), columns))
        order = (traced(columns),)
    m, n = x.shape[-2:]
    complete = mode in ("full", "qr") and m > n
    q, r = results_of(qr(x, complete=complete))
    if mode == "r":  # with rows of zeros
        shape = (*r.shape[:-2], m, n)
        index = (*[slice(None)] * (len(shape) - 2), slice(0, r.shape[-2]), slice(None))
        return (result(pad(r, shape=shape, index=index), dtype), *order)
    return (result(q, dtype), result(r, dtype), *order)


@intercepts("scipy.linalg", "polar")
def _polar(a: Any, side: str = "right") -> tuple[Any, Any]:
    """By the singular vectors; the symmetric factor is u^T a, which holds for equal values, too."""
    if side not in ("right", "left"):
        raise ValueError(at_user_line("`side` must be either 'right' or 'left'"))
    x, dtype = matrix("polar", a)
    if len(x.shape) != 2:
        raise ValueError(at_user_line("`a` must be a 2-D array."))
    left, _, right = results_of(svd(x, full=False))
    u = matmul(left, right)
    p = matmul(swap_last(u), x) if side == "right" else matmul(x, swap_last(u))
    return result(u, dtype), result(0.5 * (p + swap_last(p)), dtype)


@intercepts("scipy.linalg", "orthogonal_procrustes")
def _orthogonal_procrustes(A: Any, B: Any, check_finite: bool = True) -> tuple[Any, Any]:
    (x, y), _ = arrays_of(check_finite, A, B)
    if len(x.shape) != 2 or x.shape != y.shape:
        raise ValueError(at_user_line(f"the shapes of A and B differ ({x.shape} vs {y.shape})"))
    u, w, vt = results_of(svd(matmul(swap_last(x), y), full=False))
    return traced(matmul(u, vt)), np.sum(traced(w))


@intercepts("scipy.linalg", "null_space", "orth")
def _basis(*_args: Any, **_options: Any) -> Any:
    refuse("scipy.linalg.null_space (or orth)", "it is any basis of a space, and its size depends "
           "on the numbers: use svd, and the projection u @ u.T")  # fmt: skip


@intercepts("scipy.linalg", "eig")
def _eig(a: Any, b: Any = None, left: bool = False, right: bool = True, overwrite_a: bool = False,
         overwrite_b: bool = False, check_finite: bool = True,
         homogeneous_eigvals: bool = False) -> Any:  # fmt: skip
    if b is not None or left or homogeneous_eigvals:
        refuse("scipy.linalg.eig", "b=, left= and homogeneous_eigvals= are not supported")
    x, dtype = square("eig", a, check_finite)
    w, v = results_of(eig(x))
    kind = np.result_type(dtype, np.complex64)
    if not right:
        return result(w, kind)
    if not is_complex(dtype):  # whether the vectors are complex, too, is seen in the numbers
        value = concrete_value(w, "scipy.linalg.eig, whose vectors are real or complex,")
        if not value.imag.any():
            return result(w, kind), result(real(v), dtype)
    return result(w, kind), result(v, kind)


@intercepts("scipy.linalg", "eigvals")
def _eigvals(a: Any, b: Any = None, overwrite_a: bool = False, check_finite: bool = True,
             homogeneous_eigvals: bool = False) -> Any:  # fmt: skip
    return _eig(a, b, right=False, check_finite=check_finite,
                homogeneous_eigvals=homogeneous_eigvals)  # fmt: skip


complex_too("eigh", "eigvalsh", "svd", "svdvals", "qr", "eig", "eigvals")
