"""scipy.sparse: constant matrices times traced arrays, and solutions with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sl
from algorithm_cases import agrees

import chainrule as cr
from chainrule.errors import Refusal

RNG = np.random.default_rng(5)
DENSE = RNG.standard_normal((4, 3)) * (RNG.random((4, 3)) < 0.7)
SQUARE = RNG.standard_normal((4, 4)) * (RNG.random((4, 4)) < 0.7) + 3.0 * np.eye(4)
SYMMETRIC = SQUARE @ SQUARE.T + np.eye(4)
B = RNG.standard_normal(4)
FORMATS = [f"{kind}_{form}" for kind in ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")
           for form in ("array", "matrix")]  # fmt: skip


def same_result(f: Callable[[Any], Any], x: Any) -> None:
    """A traced product is an array like SciPy's, and has its derivatives."""
    expected, traced = f(x), cr.jvp(f, (x,), (x,))[0]
    assert (type(traced), traced.shape, traced.dtype) == (
        np.ndarray,
        expected.shape,
        expected.dtype,
    )
    np.testing.assert_allclose(traced, expected, rtol=1e-13)
    if x.dtype == np.float64:
        agrees(lambda x: np.sum(np.sin(f(x))), x, jit=False)


@pytest.mark.parametrize("name", FORMATS)
def test_products_from_either_side(name: str) -> None:
    """Every format, as array and as matrix, with vectors, columns and matrices."""
    matrix = getattr(sp, name)(DENSE)
    from_left: list[Callable[[Any], Any]] = [lambda x: matrix @ x, lambda x: matrix.dot(x)]
    from_right: list[Callable[[Any], Any]] = [lambda x: x @ matrix, lambda x: (matrix.T @ x.T).T]
    if name.endswith("matrix"):
        from_left.append(lambda x: matrix * x)
        from_right.append(lambda x: x * matrix)
    for x in (B[:3], DENSE.T[:, :1], DENSE.T):
        same_result(from_left[0], x)
        for f in from_left[1:]:
            np.testing.assert_array_equal(cr.jvp(f, (x,), (x,)), cr.jvp(from_left[0], (x,), (x,)))
    for x in (B, DENSE.T):
        same_result(from_right[0], x)
        for f in from_right[1:]:
            np.testing.assert_allclose(
                cr.jvp(f, (x,), (x,)), cr.jvp(from_right[0], (x,), (x,)), rtol=1e-13
            )


def test_products_compiled_and_of_single_precision() -> None:
    """Under jit, in float32, of a transposed array, and sums with dense arrays."""
    matrix = sp.csr_array(DENSE)
    agrees(lambda x: np.sum(np.sin(matrix @ x)) + np.sum((matrix + x.T) ** 2), DENSE.T)
    same_result(lambda x: matrix.astype(np.float32) @ x, B[:3].astype(np.float32))
    same_result(lambda x: matrix @ x, np.asfortranarray(DENSE.T))
    with pytest.raises(ValueError, match="mismatch"):
        cr.grad(lambda x: np.sum(matrix @ x))(B)


def test_a_matrix_may_change_after_its_product() -> None:
    """The derivative is that of the product as it was."""
    matrix = sp.csr_array(SQUARE)

    def f(x: Any) -> Any:
        y = matrix @ x
        matrix.data[:] = 0.0
        return np.sum(y)

    np.testing.assert_allclose(cr.grad(f)(B), SQUARE.sum(axis=0))


SOLVERS: dict[str, Callable[[Any], Any]] = {
    "spsolve": lambda b: sl.spsolve(sp.csc_array(SQUARE), b),
    "spsolve of columns": lambda b: sl.spsolve(sp.csr_matrix(SQUARE), np.stack([b, b * b], 1)),
    "spsolve_triangular": lambda b: sl.spsolve_triangular(sp.csr_array(np.tril(SQUARE)), b),
    "splu": lambda b: sl.splu(sp.csc_matrix(SQUARE)).solve(b),
    "splu transposed": lambda b: sl.splu(sp.csc_matrix(SQUARE)).solve(b, "T"),
    "factorized": lambda b: sl.factorized(sp.csc_matrix(SQUARE))(b),
    "cg": lambda b: sl.cg(sp.csr_array(SYMMETRIC), b, rtol=1e-12)[0],
    "cg of an operator": lambda b: sl.cg(sl.aslinearoperator(SYMMETRIC), b, rtol=1e-12)[0],
    "gmres": lambda b: sl.gmres(sp.csr_array(SQUARE), b, rtol=1e-12)[0],
    "bicgstab": lambda b: sl.bicgstab(SQUARE, b, rtol=1e-12)[0],
    "minres": lambda b: sl.minres(SYMMETRIC, b, rtol=1e-13)[0],
    "expm_multiply": lambda b: sl.expm_multiply(sp.csr_array(SQUARE) * 0.1, b),
    "expm_multiply at times": lambda b: sl.expm_multiply(
        sp.csr_array(SQUARE) * 0.1, b, start=0.0, stop=1.0, num=3, endpoint=True
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOLVERS)
def test_solutions(name: str) -> None:
    """SciPy's solution; derivatives by the transposed equations, in both modes and orders."""
    f = SOLVERS[name]
    np.testing.assert_array_equal(cr.jvp(f, (B,), (B,))[0], f(B))
    agrees(lambda b: np.sum(np.sin(f(b))), B, jit=name in ("spsolve", "cg", "splu"))


REFUSED: dict[str, Callable[[Any], Any]] = {
    "scaled": lambda a: (sp.csr_array(SQUARE) * a) @ B,
    "scaled from the left": lambda a: (a * sp.csr_matrix(SQUARE)) @ B,
    "entries": lambda a: sp.csr_matrix((a * np.ones(2), ([0, 1], [1, 0]))) @ np.ones(2),
    "elementwise": lambda a: sp.csr_array(SQUARE).multiply(a * np.ones(4)) @ B,
    "dense matrix": lambda a: sl.spsolve(a * SQUARE, B),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_traced_entries_are_refused(name: str) -> None:
    """Only constant sparse matrices have rules."""
    with pytest.raises(Refusal):
        cr.grad(lambda a: np.sum(REFUSED[name](a)))(2.0)
