"""Calls of `numpy.linalg` on drawn matrices: what they are, and where they are differentiated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from numpy import linalg

from chainrule import tree

Case = tuple[Callable[..., Any], tuple[Any, ...]]


def drawn(*shape: int, seed: int = 0) -> Any:
    """Normal random numbers, the same each time."""
    return np.random.default_rng(seed).standard_normal(shape)


def positive(*shape: int, seed: int = 0) -> Any:
    """Positive definite matrices, plus a little that is not symmetric."""
    a = drawn(*shape, seed=seed)
    return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1]) + 0.1 * a


SQUARE, STACK = drawn(4, 4) + 2 * np.eye(4), drawn(2, 3, 4, 4) + 3 * np.eye(4)
TALL, WIDE, VECTOR = drawn(5, 3, seed=1), drawn(3, 5, seed=2), drawn(4, seed=3)
POSITIVE, POSITIVES = positive(4, 4), positive(2, 3, 4, 4)
BESIDE = drawn(4, 3, seed=4)
REAL_SPECTRUM = POSITIVE @ np.diag([1.0, 2.0, 3.0, 4.0])

SOLVING: dict[str, Case] = {
    "solve": (linalg.solve, (SQUARE, BESIDE)),
    "solve of a vector": (linalg.solve, (SQUARE, VECTOR)),
    "solve of stacked matrices and one": (linalg.solve, (STACK, BESIDE)),
    "solve of one matrix and a stack": (linalg.solve, (SQUARE, STACK)),
    "solve of broadcast stacks": (linalg.solve, (STACK, STACK[:, :1])),
    "solve of a stack and a vector": (linalg.solve, (STACK, VECTOR)),
    "solve of other layouts": (
        lambda a, b: linalg.solve(a[::-1, ::-1].T, b[::-1]), (SQUARE, BESIDE)),
    "inv": (linalg.inv, (SQUARE,)),
    "inv of a stack": (linalg.inv, (STACK,)),
    "det": (linalg.det, (SQUARE,)),
    "det of a stack": (linalg.det, (STACK,)),
    "det of 1 x 1": (linalg.det, (np.array([[3.0]]),)),
    "slogdet": (linalg.slogdet, (SQUARE,)),
    "slogdet of a stack": (linalg.slogdet, (-STACK,)),
    "tensorsolve": (linalg.tensorsolve, (drawn(2, 3, 6), drawn(2, 3, seed=1))),
    "tensorsolve of axes": (
        lambda a, b: linalg.tensorsolve(a, b, axes=(0,)),
        (drawn(3, 6, 2), drawn(6, seed=1)),
    ),
    "tensorinv": (linalg.tensorinv, (drawn(4, 2, 4, 2),)),
    "pinv of a tall matrix": (linalg.pinv, (TALL,)),
    "pinv of a wide matrix": (linalg.pinv, (WIDE,)),
    "pinv of a stack": (lambda a: linalg.pinv(a, rtol=1e-10), (STACK[..., :2],)),
    "pinv of a deficient rank": (lambda a, b: linalg.pinv(a @ b), (TALL[:, :2], WIDE[:2])),
    "pinv of a symmetric matrix": (lambda a: linalg.pinv(a, hermitian=True), (POSITIVE,)),
    "lstsq": (lambda a, b: linalg.lstsq(a, b)[0], (TALL, drawn(5, 2, seed=5))),
    "lstsq of a vector": (lambda a, b: linalg.lstsq(a, b)[0], (TALL, drawn(5, seed=5))),
    "lstsq of a wide matrix": (lambda a, b: linalg.lstsq(a, b)[:2], (WIDE, drawn(3, seed=5))),
    "lstsq of a deficient rank": (
        lambda a, b, c: linalg.lstsq(a @ b, c)[0],
        (TALL[:, :2], WIDE[:2], drawn(5, seed=5)),
    ),
    "lstsq's singular values": (lambda a, b: linalg.lstsq(a, b)[3], (TALL, drawn(5, seed=5))),
}  # fmt: skip

FACTORING: dict[str, Case] = {
    "cholesky": (linalg.cholesky, (POSITIVE,)),
    "cholesky of a stack": (linalg.cholesky, (POSITIVES,)),
    "upper cholesky": (lambda a: linalg.cholesky(a, upper=True), (POSITIVE,)),
    "eigh": (linalg.eigh, (POSITIVE,)),
    "eigh of a stack": (linalg.eigh, (POSITIVES,)),
    "eigh of the upper triangle": (lambda a: linalg.eigh(a, UPLO="u"), (POSITIVE,)),
    "eigvalsh": (linalg.eigvalsh, (POSITIVES,)),
    "eigvalsh of the upper triangle": (lambda a: linalg.eigvalsh(a, "U"), (POSITIVE,)),
    "svd": (linalg.svd, (SQUARE,)),
    "thin svd": (lambda a: linalg.svd(a, full_matrices=False), (TALL,)),
    "thin svd of a wide matrix": (lambda a: linalg.svd(a, full_matrices=False), (WIDE,)),
    "full svd with one vector more": (linalg.svd, (TALL[:4],)),
    "svd of a stack": (linalg.svd, (STACK,)),
    "singular values": (lambda a: linalg.svd(a, compute_uv=False), (WIDE,)),
    "svd of a symmetric matrix": (
        lambda a: linalg.svd(a, hermitian=True),
        (POSITIVE - 3 * np.eye(4),),
    ),
    "singular values of a symmetric matrix": (
        lambda a: linalg.svd(a, compute_uv=False, hermitian=True),
        (POSITIVES - 3 * np.eye(4),),
    ),
    "svdvals": (linalg.svdvals, (STACK,)),
    "qr": (linalg.qr, (TALL,)),
    "qr of a wide matrix": (linalg.qr, (WIDE,)),
    "qr of a stack": (linalg.qr, (STACK,)),
    "r alone": (lambda a: linalg.qr(a, mode="r"), (TALL,)),
    "complete qr with one column more": (lambda a: linalg.qr(a, "complete"), (TALL[:4],)),
    "complete qr of a wide matrix": (lambda a: linalg.qr(a, "complete"), (WIDE,)),
}

MULTIPLYING: dict[str, Case] = {
    "matrix_power 0": (lambda a: linalg.matrix_power(a, 0), (SQUARE,)),
    "matrix_power 2": (lambda a: linalg.matrix_power(a, 2), (SQUARE,)),
    "matrix_power 3": (lambda a: linalg.matrix_power(a, 3), (STACK,)),
    "matrix_power 5": (lambda a: linalg.matrix_power(a, 5), (SQUARE,)),
    "matrix_power -2": (lambda a: linalg.matrix_power(a, -2), (SQUARE,)),
    "multi_dot of two": (lambda *xs: linalg.multi_dot(xs), (SQUARE, BESIDE)),
    "multi_dot from a vector": (lambda *xs: linalg.multi_dot(xs), (VECTOR, SQUARE, BESIDE)),
    "multi_dot to a vector": (lambda *xs: linalg.multi_dot(xs), (WIDE, TALL, WIDE, drawn(5))),
    "multi_dot of vectors": (lambda *xs: linalg.multi_dot(xs), (VECTOR, SQUARE, VECTOR)),
    "cross": (linalg.cross, (drawn(2, 3), drawn(3, seed=1))),
    "cross along axis 0": (lambda a, b: linalg.cross(a, b, axis=0), (drawn(3, 2), drawn(3, 2))),
    "outer": (linalg.outer, (VECTOR, VECTOR[:2])),
    "trace": (lambda a: linalg.trace(a, offset=1), (STACK,)),
    "diagonal": (lambda a: linalg.diagonal(a, offset=-1), (STACK,)),
    "vecdot": (linalg.vecdot, (STACK, VECTOR)),
    "vecdot along axis 0": (lambda a, b: linalg.vecdot(a, b, axis=0), (STACK, STACK)),
    "matmul": (linalg.matmul, (STACK, BESIDE)),
    "tensordot": (lambda a, b: linalg.tensordot(a, b, axes=((1,), (0,))), (SQUARE, BESIDE)),
    "matrix_transpose": (linalg.matrix_transpose, (STACK,)),
}  # fmt: skip

ORDERS_OF_MATRICES: tuple[Any, ...] = (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
ORDERS_OF_VECTORS: tuple[Any, ...] = (None, 0, 1, -1, 2, 3, 0.5, -2.0, np.inf, -np.inf)


def _norm(ord: Any, **options: Any) -> Callable[..., Any]:
    return lambda a: linalg.norm(a, ord, **options)


NORMS: dict[str, Case] = {
    **{f"norm {o} of a matrix": (_norm(o), (SQUARE,)) for o in ORDERS_OF_MATRICES},
    **{f"norm {o} of axes": (_norm(o, axis=(2, 0), keepdims=True), (STACK,))
       for o in ORDERS_OF_MATRICES},
    **{f"norm {o} of a vector": (_norm(o), (VECTOR,)) for o in ORDERS_OF_VECTORS},
    **{f"norm {o} along an axis": (_norm(o, axis=1), (STACK,)) for o in ORDERS_OF_VECTORS},
    "norm of a tensor": (linalg.norm, (STACK,)),
    "matrix_norm": (lambda a: linalg.matrix_norm(a, ord="nuc", keepdims=True), (STACK,)),
    "vector_norm": (lambda a: linalg.vector_norm(a, axis=(2, 0), ord=3, keepdims=True), (STACK,)),
    "vector_norm of all": (linalg.vector_norm, (STACK,)),
    **{f"cond {p}": (lambda a, p=p: linalg.cond(a, p), (STACK,))
       for p in (None, -2, 1, -1, "fro", "nuc", np.inf)},
}  # fmt: skip

SMOOTH: dict[str, Case] = {**SOLVING, **FACTORING, **MULTIPLYING, **NORMS}
# What the kinds of results depend on the numbers for, under jit
EAGER: dict[str, Case] = {
    "eig": (linalg.eig, (REAL_SPECTRUM,)),
    "eigvals": (linalg.eigvals, (REAL_SPECTRUM,)),
    "lstsq's residuals": (lambda a, b: linalg.lstsq(a, b)[:2], (TALL, drawn(5, 2, seed=5))),
}


def one_in_four(names: Iterable[str]) -> list[Any]:
    """All names, of which three in four are tested by the slow tests only."""
    return [
        name if k % 4 == 0 else pytest.param(name, marks=pytest.mark.slow)
        for k, name in enumerate(names)
    ]


def by_parts(f: Callable[..., Any], xs: tuple[Any, ...]) -> tuple[Callable[..., Any], list[Any]]:
    """f as a function of real and imaginary parts, to those of its results."""
    numbers: list[Any] = []
    for x in xs:
        numbers += [x.real.copy(), x.imag.copy()] if np.iscomplexobj(x) else [x]

    def of_parts(*parts: Any) -> list[Any]:
        remaining = list(parts)
        args = [
            remaining.pop(0) + 1j * remaining.pop(0) if np.iscomplexobj(x) else remaining.pop(0)
            for x in xs
        ]
        results: list[Any] = []
        for y in tree.leaves(f(*args)):
            results += [np.real(y), np.imag(y)] if np.iscomplexobj(y) else [y]
        return results

    return of_parts, numbers
