"""Inputs for the batching rules of the families that have no rows: linear algebra, transforms,
special functions, complex numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.primitives.attention import attention
from chainrule.primitives.linear_algebra.lu import lu
from chainrule.primitives.linear_algebra.triangular import cholesky

Array = NDArray[Any]
Example = list[Array]
Params = dict[str, Any]


def _matrix(rng: np.random.Generator, m: int = 3, n: int = 3) -> Array:
    return rng.uniform(-1.0, 1.0, (m, n)) + 2.0 * np.eye(m, n)


def _positive(rng: np.random.Generator) -> Array:
    a = _matrix(rng)
    return np.asarray(a @ a.T)


def _with_factors(rng: np.random.Generator) -> Example:
    a = _matrix(rng)
    return [a, *lu(a, check=True)]


def _system(rng: np.random.Generator) -> Example:
    return [*_with_factors(rng), rng.normal(size=(3, 2))]


def _positive_system(rng: np.random.Generator) -> Example:
    a = _positive(rng)
    return [a, cholesky(a), rng.normal(size=(3, 2))]


def _riccati(rng: np.random.Generator) -> Example:
    return [_matrix(rng), _positive(rng), _positive(rng), _positive(rng)]


def _bands(rng: np.random.Generator) -> Example:
    bands = rng.normal(size=(4, 5))
    bands[1] += 5.0  # the diagonal, with one band above it
    return [bands, rng.normal(size=(5, 2))]


def _signal(rng: np.random.Generator) -> Example:
    return [rng.normal(size=(2, 6))]


def _spectrum(rng: np.random.Generator) -> Example:
    return [rng.normal(size=(2, 4)) + 1j * rng.normal(size=(2, 4))]


def _pivots(rng: np.random.Generator) -> Example:
    return [lu(rng.normal(size=(3, 3)), check=True)[1]]


AXIS: Params = {"axis": 1, "norm": "backward"}


def _attention(rng: np.random.Generator) -> Example:
    """Queries, keys, values, a bias and which weights stay: of 2 steps, 3 keys and 2 heads."""
    shapes = (2, 2, 3), (3, 2, 3), (3, 2, 4), (2, 2, 3)
    return [*[rng.normal(size=shape) for shape in shapes], rng.random((1, 1, 3)) < 0.7]


def _attention_backward(rng: np.random.Generator) -> Example:
    q, k, v, *extras = _attention(rng)
    out, most, total = attention(q, k, v, *extras, **ATTENTION)
    return [q, k, v, rng.normal(size=out.shape), most, total, *extras]


ATTENTION = {"scale": 0.6, "is_causal": True, "extras": ("bias", "dropout"), "boost": 1.4}
ROWS_OF_FAMILIES: dict[str, tuple[Callable[[np.random.Generator], Example], Params]] = {
    "attention": (_attention, ATTENTION),
    "attention_vjp": (_attention_backward, ATTENTION),
    "lu": (lambda rng: [_matrix(rng, 4, 3)], {"check": True}),
    "permutation": (_pivots, {"size": 3}),
    "linear_solve": (_system, {"trans": False}),
    "positive_solve": (_positive_system, {}),
    "triangular_solve": (
        lambda rng: [_matrix(rng), rng.normal(size=(3, 2))],
        {"low": True, "trans": True, "unit": False},
    ),
    "cholesky": (lambda rng: [_positive(rng)], {}),
    "det": (_with_factors, {}),
    "slogdet": (_with_factors, {}),
    "cofactors": (lambda rng: [_matrix(rng)], {}),
    "cofactors_derivative": (lambda rng: [_matrix(rng), _matrix(rng)], {}),
    "eigh": (lambda rng: [_positive(rng)], {"low": True, "driver": None}),
    "eig": (lambda rng: [_matrix(rng)], {}),
    "svd": (lambda rng: [_matrix(rng, 3, 2)], {"full": False}),
    "qr": (lambda rng: [_matrix(rng, 4, 2)], {"complete": False}),
    "column_order": (lambda rng: [_matrix(rng, 3, 3)], {}),
    "pinv": (lambda rng: [_matrix(rng, 4, 3), np.asarray(1e-12)], {"hermitian": False}),
    "lstsq": (
        lambda rng: [_matrix(rng, 4, 3), rng.normal(size=(4, 2)), np.asarray(1e-12)],
        {},
    ),
    "expm": (lambda rng: [_matrix(rng)], {}),
    "logm": (lambda rng: [_positive(rng)], {}),
    "sqrtm": (lambda rng: [_positive(rng)], {}),
    "sylvester": (lambda rng: [_positive(rng), _positive(rng), _matrix(rng)], {}),
    "riccati_solution": (
        lambda rng: [_matrix(rng), _matrix(rng), _positive(rng), _positive(rng)],
        {"discrete": False, "balanced": True, "options": ""},
    ),
    "riccati": (_riccati, {"discrete": False}),
    "solve_banded": (_bands, {"bandwidth": (2, 1), "trans": False}),
    "fft": (_spectrum, AXIS),
    "ifft": (_spectrum, AXIS),
    "rfft": (_signal, AXIS),
    "irfft": (_spectrum, {**AXIS, "n": 6}),
    "dct": (_signal, {"kind": 2, "axis": 1}),
    "dst": (_signal, {"kind": 3, "axis": 0}),
}
