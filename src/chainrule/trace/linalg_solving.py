"""`numpy.linalg` on tracers: equations, inverses, determinants, least squares."""

from __future__ import annotations

from math import prod
from typing import Any, NoReturn

import numpy as np

from ..errors import AbstractValueError, ShapeError, at_user_line
from ..graph.node import Node
from ..primitives.complex_numbers import conjugate, real_part
from ..primitives.linear_algebra import determinants, least_squares, lu
from ..primitives.linear_algebra.matrices import check_square, from_lower, results_of
from ..primitives.products import matmul
from ..primitives.structure import reshape, sum_
from .array_like import array_like, node_like
from .function_rules import NO_VALUE, as_int, implements
from .linalg_operands import (
    complex_too,
    double,
    in_c_order,
    matrix,
    real_dtype,
    result,
    result_dtype,
    square_matrix,
)
from .tracer import Tracer, traced

SlogdetResult: Any = type(np.linalg.slogdet(np.ones((1, 1))))


@implements(np.linalg.solve)
@in_c_order
def _solve(a: Any, b: Any) -> Tracer:
    """Solve for a vector if b has one axis, else for stacked matrices."""
    y = node_like(b)
    x, _ = square_matrix(a, "solve")
    dtype = result_dtype(node_like(a), y)
    x, y = double(x, dtype), double(y, dtype)
    if not y.shape:
        raise ValueError(at_user_line("solve: the right side is a number, not a vector"))
    if len(y.shape) > 1:
        return result(lu.solve(x, y), dtype)
    if x.shape[-1] != y.shape[0]:
        raise ShapeError(at_user_line(f"solve: shapes {x.shape} and {y.shape} do not fit"))
    solution = lu.solve(x, reshape(y, shape=(*y.shape, 1)))
    return result(reshape(solution, shape=solution.shape[:-1]), dtype)


@implements(np.linalg.inv)
@in_c_order
def inverse_of(a: Any) -> Tracer:
    x, dtype = square_matrix(a, "inv")
    return result(lu.inverse(x), dtype)


@implements(np.linalg.det)
def _det(a: Any) -> Tracer:
    x, dtype = square_matrix(a, "det")
    return result(determinants.det(x), dtype)


@implements(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    x, dtype = square_matrix(a, "slogdet")
    sign, logarithm = results_of(determinants.slogdet(x))
    return SlogdetResult(result(sign, dtype), result(logarithm, real_dtype(dtype)))


@implements(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = array_like(a), array_like(b)
    if axes is not None:
        order = list(range(a.ndim))
        for k in axes:
            order.remove(k)
            order.insert(a.ndim, k)
        a = np.transpose(a, order)
    shape = a.shape[-(a.ndim - b.ndim) :]
    n = prod(shape)
    if a.size != n**2:
        raise np.linalg.LinAlgError(
            at_user_line(
                f"tensorsolve: Input arrays must satisfy the requirement "
                f"prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim]), not {a.shape} and {b.shape}"
            )
        )
    return _solve(a.reshape(n, n), b.reshape(-1)).reshape(shape)


@implements(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    if as_int(ind, "ind") <= 0:
        raise ValueError(at_user_line("Invalid ind argument."))
    shape = np.shape(a)
    if not shape:
        raise TypeError(at_user_line("tensorinv of a number"))
    n = prod(shape[ind:])
    return inverse_of(np.reshape(a, (n, -1))).reshape(shape[ind:] + shape[:ind])


def pseudoinverse(x: Node, rcond: Any, hermitian: bool) -> Node:
    """Return the pseudoinverse without singular values up to rcond times the largest."""
    if 0 in x.shape[-2:]:
        return reshape(x, shape=(*x.shape[:-2], *x.shape[:-3:-1]))  # type: ignore[no-any-return]
    if hermitian:
        check_square(x.type, "pinv")
        x = from_lower(x)
    threshold = node_like(rcond)
    return least_squares.pinv(x, double(threshold), hermitian=hermitian)  # type: ignore[no-any-return]


@implements(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = NO_VALUE) -> Tracer:
    if rcond is not None and rtol is not NO_VALUE:
        raise ValueError(at_user_line("`rtol` and `rcond` can't be both set."))
    x, dtype = matrix(a, "pinv")
    if rcond is None:
        rcond = 1e-15 if rtol is NO_VALUE else rtol
    if rcond is None:
        rcond = max(x.shape[-2:]) * float(np.finfo(dtype).eps)
    return result(pseudoinverse(x, rcond, bool(hermitian)), dtype)


class _UnknownResiduals:
    """Stands for residuals whose number depends on a rank that is not known under `jit`."""

    def _raise(self, *_args: Any, **_options: Any) -> NoReturn:
        raise AbstractValueError(
            at_user_line(
                "the residuals of np.linalg.lstsq are empty if the matrix has not full rank, which "
                "under jit is not known: compute np.sum((b - a @ x)**2, axis=0), or call without "
                "jit"
            )
        )

    __getattr__ = __getitem__ = __iter__ = __len__ = __array__ = __float__ = __bool__ = _raise
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = _raise


@implements(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, ...]:
    x, y = node_like(a), node_like(b)
    dtype = result_dtype(x, y)
    x, y = double(x, dtype), double(y, dtype)
    one = len(y.shape) == 1
    if one:
        y = reshape(y, shape=(*y.shape, 1))
    for each in (x, y):
        if len(each.shape) != 2:
            raise np.linalg.LinAlgError(
                at_user_line(
                    f"{len(each.shape)}-dimensional array given. Array must be two-dimensional"
                )
            )
    m, n = x.shape
    if m != y.shape[0]:
        raise np.linalg.LinAlgError(at_user_line("Incompatible dimensions"))
    if rcond is None:
        rcond = float(np.finfo(float).eps) * max(n, m)
    if isinstance(rcond, (int, float)) and rcond < 0:  # LAPACK takes its own precision then
        rcond = float(np.finfo(float).eps)
    solution, rank, s = results_of(least_squares.lstsq(x, y, double(node_like(rcond))))
    residuals = _residuals(x, y, solution, rank)
    if one:
        solution = reshape(solution, shape=(n,))
    narrow = real_dtype(dtype)
    if isinstance(residuals, Node):
        residuals = result(residuals, narrow)
    return result(solution, dtype), residuals, traced(rank), result(s, narrow)


def _residuals(a: Node, b: Node, x: Node, rank: Node) -> Any:
    """Return the sums of squares that remain; none of a matrix that has not full rank."""
    m, n = a.shape
    if m > n and rank.value is None:
        return _UnknownResiduals()
    if m <= n or rank.value != n:
        return node_like(np.empty(0))
    error = b - matmul(a, x)
    return sum_(real_part(error * conjugate(error)), axes=(0,))


complex_too("pinv", "lstsq", "solve", "inv", "det", "slogdet", "tensorsolve", "tensorinv")
