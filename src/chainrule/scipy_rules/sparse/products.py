"""Products of constant sparse matrices and traced arrays, from either side."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sparse

from ...errors import UnsupportedError, at_user_line
from ...graph.types import Type
from ...trace.interception import intercepts
from ...trace.tracer import Tracer
from ..arrays import asarray
from .linear_map import LinearMap, apply_map


class Matrix:
    """A constant sparse matrix and its transpose, as they were when it was met."""

    def __init__(self, matrix: Any) -> None:
        if isinstance(getattr(matrix, "data", None), Tracer) or matrix.dtype.kind == "c":
            raise UnsupportedError(
                at_user_line(
                    "a sparse matrix with traced or complex entries: only constant real ones have "
                    "rules; build the products from its entries, or use matrix.toarray()"
                )
            )
        self.itself = matrix.tocsr(copy=True) if matrix.ndim == 2 else matrix.copy()

    @cached_property
    def transposed(self) -> Any:
        """The transpose."""
        return self.itself.T.tocsr()


def refuse_entries() -> UnsupportedError:
    """Return the error for sparse matrices whose entries would be traced."""
    return UnsupportedError(
        at_user_line(
            "a sparse matrix with traced entries is not supported: scale or add after the product, "
            "as in (A @ x) * a, or use A.toarray()"
        )
    )


def _product(matrix: Any, x: Any) -> Any:
    """Return matrix @ x."""
    x = asarray(x)
    if not x.ndim:
        raise ValueError(at_user_line("Scalar operands are not allowed, use '*' instead"))
    if x.ndim > 2 or matrix.ndim != 2:
        raise UnsupportedError(
            at_user_line("sparse products with other than two axes: use A.toarray() @ x")
        )
    m, n = matrix.shape
    if x.shape[0] != n:
        raise ValueError(
            at_user_line(
                f"matmul: dimension mismatch with signature (n,k={n}),(k={x.shape[0]},m)->(n,m)"
            )
        )
    constant = Matrix(matrix)
    source = Type(x.shape, x.dtype)
    result = Type((m, *x.shape[1:]), np.result_type(matrix.dtype, x.dtype))
    apply = constant.itself.__matmul__

    def back(g: Any) -> Any:
        return constant.transposed @ g

    return apply_map(LinearMap("sparse product", apply, apply, back, source, result), x)


def _right_product(matrix: Any, x: Any) -> Any:
    """Return x @ matrix."""
    x = asarray(x)
    return _product(matrix.T, x.T).T


@intercepts("scipy.sparse", "csr_array.__matmul__")
def _matmul(self: Any, other: Any) -> Any:
    return _product(self, other)


@intercepts("scipy.sparse", "csr_array.dot", "coo_array.dot")
def _dot(self: Any, other: Any) -> Any:
    if not asarray(other).ndim:
        raise refuse_entries()
    return _product(self, other)


@intercepts("scipy.sparse", "csr_array.__rmatmul__")
def _rmatmul(self: Any, other: Any) -> Any:
    return _right_product(self, other)


@intercepts("scipy.sparse", "csr_matrix.__mul__")
def _mul(self: Any, other: Any) -> Any:
    return _dot(self, other)


@intercepts("scipy.sparse", "csr_matrix.__rmul__")
def _rmul(self: Any, other: Any) -> Any:
    if not asarray(other).ndim:
        raise refuse_entries()
    return _right_product(self, other)


@intercepts(
    "scipy.sparse", "csr_array.__mul__", "csr_array.__rmul__", "csr_array.multiply",
    "dia_array.multiply", "csr_array.__truediv__", "lil_array.__truediv__",
    "dok_array.__truediv__",
)  # fmt: skip
def _elementwise(self: Any, *_args: Any, **_kwargs: Any) -> Any:
    raise refuse_entries()


def _is_sum(self: Any) -> bool:
    return isinstance(self, sparse.sparray)


@intercepts("scipy.sparse", "csr_array.__add__", "csr_array.__radd__")
def _add(self: Any, other: Any) -> Any:
    if not _is_sum(self) or not asarray(other).ndim:
        raise refuse_entries()
    return self.toarray() + other


@intercepts("scipy.sparse", "csr_array.__sub__")
def _sub(self: Any, other: Any) -> Any:
    if not _is_sum(self) or not asarray(other).ndim:
        raise refuse_entries()
    return self.toarray() - other


@intercepts("scipy.sparse", "csr_array.__rsub__")
def _rsub(self: Any, other: Any) -> Any:
    if not _is_sum(self) or not asarray(other).ndim:
        raise refuse_entries()
    return other - self.toarray()
