"""The singular value decomposition; equal singular values are treated as equal eigenvalues are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import GradientError, at_user_line
from ...graph.node import Primitive
from ...graph.types import Type, is_complex
from ..complex_numbers import conjugate, real_part
from ..declare import declared
from ..elementwise import absolute, where
from ..operators import swap_last
from ..products import matmul
from ..structure import concatenate, sum_
from .hermitian import equal_within, rotation
from .matrices import (
    adjoint,
    antisymmetric,
    as_column,
    as_matrix,
    as_row,
    check_matrix,
    columns,
    diagonal,
    diagonal_matrix,
    differences,
    either,
    negligible,
    nonzero,
    off_diagonal,
    product,
    quotients,
    results_of,
)


def _svd_type(a: Type, *, full: bool) -> tuple[Type, Type, Type]:
    check_matrix(a, "svd")
    *batch, m, n = a.shape
    k = min(m, n)
    return (
        Type((*batch, m, m if full else k), a.dtype),
        Type((*batch, k), np.finfo(a.dtype).dtype),
        Type((*batch, n if full else k, n), a.dtype),
    )


class _Factors:
    """The factors of a decomposition: the vectors of singular values, and those beside them."""

    def __init__(self, y: Any) -> None:
        u, self.s, vh = results_of(y)
        self.all_u, self.all_v = u, adjoint(vh)
        self.k = self.s.shape[-1]
        self.u = self.spanning(self.all_u)
        self.v = self.spanning(self.all_v)
        self.gaps = differences(self.s)
        self.sums = as_row(self.s) + as_column(self.s)
        self.equal = equal_within(self.gaps, self.s)
        self.both_zero = equal_within(self.sums, self.s)
        self.zero = as_row(diagonal(self.both_zero))

    def spanning(self, vectors: Any) -> Any:
        """Return the vectors that belong to singular values."""
        return vectors if vectors.shape[-1] == self.k else columns(vectors, 0, self.k)

    def beside(self, vectors: Any) -> Any:
        """Return the others, or None."""
        return None if vectors.shape[-1] == self.k else columns(vectors, self.k, None)


def _svd_vjp(g: Sequence[Any], y: Any, _a: Any, *, full: bool) -> list[Any]:
    """With P = U^H dA V: the Hermitian part of P rotates U and V alike, and the other apart."""
    by_u, by_s, by_vh = g
    f = _Factors(y)
    if by_u is None and by_vh is None:
        return [conjugate(matmul(f.u * as_row(by_s), adjoint(f.v)))]
    by_u = None if by_u is None else conjugate(by_u)
    by_v = None if by_vh is None else swap_last(by_vh)
    of_u = _zero_or(f.u, f.spanning, by_u)
    of_v = _zero_or(f.v, f.spanning, by_v)
    alike, apart = antisymmetric(of_u + of_v), antisymmetric(of_u - of_v)
    ambiguous = None if by_s is None else either(nonzero(by_s))
    wanted = absolute(of_u) + absolute(of_v)
    inside = quotients(alike, f.gaps, f.equal, wanted, ambiguous)
    inside = inside + quotients(apart, f.sums, f.both_zero, wanted)
    if by_s is not None:
        inside = inside + diagonal_matrix(by_s)
    by_a = product(f.u, inside, adjoint(f.v))
    if by_u is not None:
        by_a = by_a + matmul(_outside(f, f.u, f.all_u, by_u, by_s), adjoint(f.v))
    if by_v is not None:
        by_a = by_a + matmul(f.u, adjoint(_outside(f, f.v, f.all_v, by_v, by_s)))
    return [conjugate(by_a)]


def _zero_or(vectors: Any, spanning: Any, cotangent: Any) -> Any:
    """Return how the cotangent asks the vectors to turn into each other."""
    if cotangent is None:
        k = vectors.shape[-1]
        return np.zeros((k, k), vectors.dtype)
    return matmul(adjoint(vectors), spanning(cotangent))


def _outside(f: _Factors, vectors: Any, every: Any, cotangent: Any, by_s: Any) -> Any:
    """Return the part of the cotangent that leaves the span of the vectors, over s."""
    if vectors.shape[-2] == f.k:
        return vectors * vectors.dtype.type(0)
    wanted = f.spanning(cotangent)
    leaving = wanted - product(vectors, adjoint(vectors), wanted)
    rest = f.beside(every)
    if rest is not None:
        by_rest = f.beside(cotangent)
        leaving = leaving - product(rest, adjoint(by_rest), vectors)
    ambiguous = None if by_s is None else as_row(nonzero(by_s))
    result = quotients(leaving, as_row(f.s), f.zero, wanted, ambiguous)
    if rest is not None:  # a cotangent that depends on the basis of the rest has no derivative
        within = matmul(adjoint(rest), by_rest)
        size = as_matrix(_total(antisymmetric(within), within))
        result = where(nonzero(size), result.dtype.type(np.nan), result)
    return result


def _total(x: Any, beside: Any) -> Any:
    """Return the sum of sizes of what is not there by rounding only."""
    n = len(x.shape)
    odd = where(negligible(x, beside), x.dtype.type(0), x)
    return sum_(absolute(odd), axes=(n - 2, n - 1))


def _svd_jvp(
    tangents: Sequence[Any], y: Any, a: Any, *, full: bool, needs_results: Sequence[bool]
) -> list[Any]:
    t = tangents[0]
    needs_u, needs_s, needs_v = needs_results
    f = _Factors(y)
    inside = product(adjoint(f.u), t, f.v)
    t_s = real_part(diagonal(inside)) if needs_s else None
    if not needs_u and not needs_v:
        return [None, t_s, None]
    for side, vectors in (("u", f.all_u), ("vh", f.all_v)):
        if vectors.shape[-1] - f.k > (not is_complex(a.dtype)):
            raise GradientError(at_user_line(_no_basis_of_vectors(side, a.shape[-2:], f.k)))
    alike = off_diagonal(0.5 * (inside + adjoint(inside)))
    turning = rotation(alike, f.gaps, f.equal, inside if needs_s else None)
    apart = rotation(antisymmetric(inside), f.sums, f.both_zero, inside if needs_s else None)
    t_u = _tangent(f, f.u, f.all_u, turning + apart, matmul(t, f.v), needs_s)
    t_v = _tangent(f, f.v, f.all_v, turning - apart, matmul(adjoint(t), f.u), needs_s)
    return [t_u, t_s, adjoint(t_v)]


def _no_basis_of_vectors(side: str, shape: tuple[int, ...], k: int) -> str:
    return (
        f"svd of a {shape[0]} x {shape[1]} matrix in forward mode: what {side} has beyond {k} "
        "vectors is any basis of a space, without a derivative of its own. Use "
        "full_matrices=False, or reverse mode for what does not depend on the basis"
    )


def _tangent(f: _Factors, vectors: Any, every: Any, turning: Any, change: Any, strict: bool) -> Any:
    """Return the tangent of vectors that turn into each other and leave their span."""
    result = matmul(vectors, turning)
    if vectors.shape[-2] == f.k:
        return result
    leaving = change - product(vectors, adjoint(vectors), change)
    leaving = rotation(leaving, as_row(f.s), f.zero, change if strict else None)
    result = result + leaving
    rest = f.beside(every)
    if rest is None:
        return result
    t_rest = -product(vectors, adjoint(leaving), rest)
    return concatenate(result, t_rest, axis=len(result.shape) - 1)


svd: Primitive = declared(
    "svd",
    lambda xp, a, *, full: tuple(xp.linalg.svd(a, full_matrices=full)),
    _svd_type,
    _svd_vjp,
    _svd_jvp,
    family="linalg",
    multiple=True,
    selective_jvp=True,
    cores=(2,),
    doc="Left singular vectors, singular values in falling order, right singular vectors.",
)


def singular_values(a: Any) -> Any:
    """Return the singular values, in falling order."""
    return results_of(svd(a, full=False))[1]
