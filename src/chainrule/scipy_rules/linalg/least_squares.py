"""Least squares and pseudoinverses of `scipy.linalg`, and norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import at_user_line
from ...graph.node import Node
from ...primitives.elementwise import absolute
from ...primitives.linear_algebra import least_squares
from ...primitives.linear_algebra.hermitian import symmetric_eigen
from ...primitives.linear_algebra.matrices import adjoint, from_lower, results_of
from ...primitives.linear_algebra.singular import singular_values
from ...primitives.products import matmul
from ...primitives.structure import reshape, stop_gradient, sum_
from ...trace.array_like import node_like
from ...trace.interception import intercepts
from ...trace.linalg_norms import norm
from ...trace.linalg_operands import double, result
from ...trace.tracer import traced
from ..arrays import refuse
from ..call_arguments import UNDER_JIT, Unavailable
from .operands import arrays_of, as_columns, check_numbers, complex_too, matrix, solution, square


def _threshold(sizes: Any, shape: tuple[int, ...], dtype: Any, atol: Any, rtol: Any) -> Any:
    """Return below which size a singular value counts as 0."""
    atol = 0.0 if atol is None else atol
    rtol = max(shape[-2:]) * float(np.finfo(dtype).eps) if rtol is None else rtol
    if atol < 0.0 or rtol < 0.0:
        raise ValueError(at_user_line("atol and rtol values must be positive."))
    return atol + np.max(sizes, axis=-1, initial=0.0) * rtol


def _truncated(
    x: Node, sizes: Node, atol: Any, rtol: Any, return_rank: bool, hermitian: bool, dtype: Any
) -> Any:
    """Return the pseudoinverse of what is above a threshold, and how many that are."""
    size = traced(stop_gradient(sizes))
    threshold = _threshold(size, x.shape, dtype, atol, rtol)
    largest = np.max(size, axis=-1, initial=0.0)
    rcond = threshold / np.where(largest == 0.0, 1.0, largest)
    p = least_squares.pinv(x, double(node_like(rcond)), hermitian=hermitian)
    if return_rank:
        return result(p, dtype), np.sum(size > np.expand_dims(threshold, -1), axis=-1)
    return result(p, dtype)


@intercepts("scipy.linalg", "pinv")
def _pinv(a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False,
          check_finite: bool = True) -> Any:  # fmt: skip
    x, dtype = matrix("pinv", a, check_finite)
    return _truncated(x, singular_values(stop_gradient(x)), atol, rtol, return_rank, False, dtype)


@intercepts("scipy.linalg", "pinvh")
def _pinvh(a: Any, atol: Any = None, rtol: Any = None, lower: bool = True,
           return_rank: bool = False, check_finite: bool = True) -> Any:  # fmt: skip
    x, dtype = square("pinvh", a, check_finite)
    x = from_lower(x if lower else adjoint(x))
    w, _ = symmetric_eigen(stop_gradient(x))
    return _truncated(x, absolute(w), atol, rtol, return_rank, True, dtype)


@intercepts("scipy.linalg", "lstsq")
def _lstsq(a: Any, b: Any, cond: Any = None, overwrite_a: bool = False, overwrite_b: bool = False,
           check_finite: bool = True, lapack_driver: str | None = None) -> Any:  # fmt: skip
    (x, y), dtype = arrays_of(check_finite, a, b)
    if lapack_driver not in (None, "gelsd", "gelsy", "gelss"):
        raise ValueError(at_user_line(f'LAPACK driver "{lapack_driver}" is not found'))
    y, vector = as_columns(y)
    if len(x.shape) != 2 or len(y.shape) != 2:
        refuse("scipy.linalg.lstsq", "stacks of matrices are not supported: use a loop")
    m = x.shape[0]
    if m != y.shape[0]:
        raise ValueError(
            at_user_line(
                "Shape mismatch: a and b should have the same number of rows "
                f"({m} != {y.shape[0]})."
            )
        )
    precise = cond is None or (isinstance(cond, (int, float)) and cond < 0)
    rcond = float(np.finfo(dtype).eps) if precise else cond
    p, rank, s = results_of(least_squares.lstsq(x, y, double(node_like(rcond))))
    residuals = _residuals(x, y, p, rank, vector, dtype, lapack_driver)
    values = None if lapack_driver == "gelsy" else result(s, dtype)
    return solution(p, vector, dtype), residuals, traced(rank), values


def _residuals(
    a: Node, b: Node, x: Node, rank: Node, vector: bool, dtype: Any, driver: str | None
) -> Any:
    m, n = a.shape
    if driver == "gelsy" or m <= n:
        return np.empty(0, dtype)
    if rank.value is None:
        return Unavailable("residues", UNDER_JIT, abstract=True)
    if rank.value != n:
        return np.empty(0, dtype)
    error = b - matmul(a, x)
    total = sum_(error * error, axes=(0,))
    return result(reshape(total, shape=()) if vector else total, dtype)


@intercepts("scipy.linalg", "norm")
def _norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False,
          check_finite: bool = True) -> Any:  # fmt: skip
    check_numbers(node_like(a), check_finite)
    return norm(a, ord, axis, keepdims)


complex_too("pinv", "pinvh", "norm")
