"""Determinants and their logarithms, also of singular matrices.

The derivative of a determinant is the matrix of cofactors, which exists where there is no inverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.node import Primitive
from ...graph.types import Type, is_complex
from ..complex_numbers import complex_, imaginary_part, real_part
from ..declare import declared, spread
from ..elementwise import where
from ..operators import swap_last
from ..structure import zeros_like
from .lu import factors_of, inverse, linear_solve
from .matrices import (
    as_matrix,
    batched,
    check_square,
    identity_like,
    inner,
    nonzero,
    product,
    results_of,
    trace,
)

WELL_CONDITIONED = 1e4


def _number_type(a: Type, _factors: Type, _pivots: Type) -> Type:
    check_square(a, "det")
    return Type(a.shape[:-2], a.dtype)


def _parity(pivots: Any) -> Any:
    """Return -1 for an odd number of exchanges, else 1."""
    exchanges = np.count_nonzero(pivots != np.arange(pivots.shape[-1]), axis=-1)
    return 1.0 - 2.0 * (exchanges % 2)


def _pivot_values(factors: Any) -> Any:
    return np.diagonal(factors, axis1=-2, axis2=-1)


def _evaluate_det(_xp: Any, _a: Any, factors: Any, pivots: Any) -> Any:
    value = np.multiply.reduce(_pivot_values(factors), axis=-1) * _parity(pivots)
    return value.astype(factors.dtype)


def _det_vjp(g: Any, _y: Any, a: Any, _factors: Any, _pivots: Any) -> list[Any]:
    return [as_matrix(g) * cofactors(a), None, None]


def _det_jvp(tangents: Sequence[Any], _y: Any, a: Any, _factors: Any, _pivots: Any) -> Any:
    return inner(tangents[0], cofactors(a))


determinant: Primitive = declared(
    "det",
    _evaluate_det,
    _number_type,
    _det_vjp,
    _det_jvp,
    family="linalg",
    batch=lambda size, batched, *x: determinant(*spread(size, batched, x)),
    doc="The determinant of a by its factors; the derivative is that by a.",
)


def det(a: Any) -> Any:
    """Return the determinant."""
    return determinant(a, *factors_of(a, check=False))


def _same_type(name: str) -> Any:
    def infer(a: Type, *_others: Type) -> Type:
        check_square(a, name)
        return a

    return infer


def _in_singular_basis(a: Any) -> tuple[Any, Any, Any, Any]:
    """Return a's singular vectors and values, and the determinant of the vectors' product."""
    u, s, vh = np.linalg.svd(a)
    return u, s, vh, np.linalg.det(u) * np.linalg.det(vh)


def _products_but_one(s: Any) -> Any:
    """Return for each number the product of all others."""
    n = len(s)
    return np.prod(np.where(np.eye(n, dtype=bool), 1.0, s), axis=-1)


def _cofactors_of(a: Any) -> Any:
    try:
        inverted = np.linalg.inv(a)
        if np.linalg.norm(a) * np.linalg.norm(inverted) < WELL_CONDITIONED:
            return np.linalg.det(a) * inverted.T
    except np.linalg.LinAlgError:
        pass
    if not np.isfinite(a).all():
        return np.full(a.shape, np.nan)
    u, s, vh, sign = _in_singular_basis(a)
    return sign * (u.conj() * _products_but_one(s)) @ vh.conj()


cofactors: Primitive = declared(
    "cofactors",
    batched(_cofactors_of, _same_type("det"), (2,)),
    _same_type("det"),
    lambda g, _y, a: [cofactors_derivative(a, g)],
    lambda tangents, _y, a: cofactors_derivative(a, tangents[0]),
    family="linalg",
    cores=(2,),
    doc="The derivative of the determinant: det(a) a^-T, which exists for singular matrices, too.",
)


def _cofactors_derivative_of(a: Any, e: Any) -> Any:
    """In the basis where a is diagonal, cofactor (i, j) is linear in entry (j, i)."""
    n = len(a)
    if not np.isfinite(a).all():
        return np.full(a.shape, np.nan)
    u, s, vh, sign = _in_singular_basis(a)
    without_two = np.broadcast_to(s, (n, n, n)).copy()
    index = np.arange(n)
    without_two[index, :, index] = 1.0
    without_two[:, index, index] = 1.0
    weight = np.prod(without_two, axis=-1) * (1.0 - np.eye(n))
    inside = u.conj().T @ e @ vh.conj().T
    change = np.diag(weight @ np.diag(inside)) - weight * inside.T
    return sign * u.conj() @ change @ vh.conj()


def _of_regular(a: Any) -> tuple[Any, Any]:
    """Return the determinant, and the inverse's transpose."""
    return as_matrix(det(a)), swap_last(inverse(a))


def _third_derivative(a: Any, e: Any, h: Any) -> Any:
    """Return the derivative of the determinant, twice more by e and h; of regular matrices only."""
    d, b = _of_regular(a)
    eb, hb = product(b, swap_last(e), b), product(b, swap_last(h), b)
    by_e, by_h = as_matrix(inner(b, e)), as_matrix(inner(b, h))
    both = as_matrix(trace(product(swap_last(b), h, swap_last(b), e)))
    result = by_h * (by_e * b - eb) - both * b - by_e * hb
    result = result + product(b, swap_last(h), eb) + product(b, swap_last(e), hb)
    return d * result


cofactors_derivative: Primitive = declared(
    "cofactors_derivative",
    batched(_cofactors_derivative_of, _same_type("det"), (2, 2)),
    _same_type("det"),
    lambda g, _y, a, e, *, needs_input_grad: [
        _third_derivative(a, e, g) if needs_input_grad[0] else None,
        cofactors_derivative(a, g) if needs_input_grad[1] else None,
    ],
    lambda tangents, _y, a, e: _sum_of(
        None if tangents[0] is None else _third_derivative(a, e, tangents[0]),
        None if tangents[1] is None else cofactors_derivative(a, tangents[1]),
    ),
    family="linalg",
    selective_vjp=True,
    batch=lambda size, batched, *x: cofactors_derivative(*spread(size, batched, x)),
    doc="The second derivative of the determinant at a, along e.",
)


def _sum_of(x: Any, y: Any) -> Any:
    if x is None or y is None:
        return y if x is None else x
    return x + y


def _slogdet_type(a: Type, factors: Type, pivots: Type) -> tuple[Type, Type]:
    sign = _number_type(a, factors, pivots)
    return sign, Type(sign.shape, np.finfo(a.dtype).dtype)


def _evaluate_slogdet(_xp: Any, _a: Any, factors: Any, pivots: Any) -> tuple[Any, Any]:
    values = _pivot_values(factors)
    sizes = np.abs(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        logarithm = np.sum(np.log(sizes), axis=-1)
        signs = values / sizes if values.dtype.kind == "c" else np.where(values < 0, -1.0, 1.0)
    signs = np.where(values == 0, 0.0, signs)
    sign = np.multiply.reduce(signs, axis=-1) * _parity(pivots)
    return sign.astype(factors.dtype), logarithm.astype(sizes.dtype)


def _inverse_transposed(a: Any, factors: Any, pivots: Any) -> Any:
    return linear_solve(a, factors, pivots, identity_like(a), trans=True)


def _slogdet_vjp(g: Sequence[Any], y: Any, a: Any, factors: Any, pivots: Any) -> list[Any]:
    """With t = tr(A^-1 dA): the logarithm's tangent is its real part, and i im(t) the sign's."""
    by_sign, weight = g
    if is_complex(a.dtype) and by_sign is not None:
        rate = imaginary_part(by_sign * results_of(y)[0])
        weight = complex_(zeros_like(rate) if weight is None else weight, rate)
    if weight is None:
        return [None, None, None]
    weight = as_matrix(weight)
    slope = weight * _inverse_transposed(a, factors, pivots)
    # of a singular matrix, where nothing asks for it, the slope is 0 and not nan
    return [where(nonzero(weight), slope, a.dtype.type(0)), None, None]


def _slogdet_jvp(tangents: Sequence[Any], y: Any, a: Any, factors: Any, pivots: Any) -> list[Any]:
    t = inner(tangents[0], _inverse_transposed(a, factors, pivots))
    if not is_complex(a.dtype):
        return [None, t]
    rate = imaginary_part(t)
    return [results_of(y)[0] * complex_(zeros_like(rate), rate), real_part(t)]


slogdet_of: Primitive = declared(
    "slogdet",
    _evaluate_slogdet,
    _slogdet_type,
    _slogdet_vjp,
    _slogdet_jvp,
    family="linalg",
    multiple=True,
    batch=lambda size, batched, *x: slogdet_of(*spread(size, batched, x)),
    doc="The determinant's sign and the logarithm of its size by a's factors; the derivative is "
    "that by a.",
)


def slogdet(a: Any) -> Any:
    """Return the determinant's sign, and the logarithm of its size: of nodes, one node."""
    return slogdet_of(a, *factors_of(a, check=False))
