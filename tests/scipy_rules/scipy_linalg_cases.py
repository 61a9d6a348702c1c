"""Calls of `scipy.linalg` on drawn matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy import linalg

Case = tuple[Callable[..., Any], tuple[Any, ...]]


def drawn(*shape: int, seed: int = 0) -> Any:
    """Normal random numbers, the same each time."""
    return np.random.default_rng(seed).standard_normal(shape)


A, A_STACK = drawn(4, 4), drawn(2, 3, 4, 4) + 3 * np.eye(4)
B, VECTOR = drawn(4, 3, seed=1), drawn(4, seed=2)
TALL, WIDE = drawn(5, 3, seed=3), drawn(3, 5, seed=3)
POSITIVE = A @ A.T + np.eye(4) + 0.1 * A
POSITIVES = A_STACK @ np.swapaxes(A_STACK, -1, -2)
R = 2 * np.eye(2) + 0.1 * drawn(2, 2)
FIRST_COLUMN = VECTOR + 5.0 * (np.arange(4) == 0)
MASS = 2 * np.eye(4) + 0.1 * A

SYSTEMS: dict[str, Case] = {
    **{f"solve, {kind}, transposed={trans}": (
        partial(linalg.solve, assume_a=kind, transposed=trans), (A, B))
       for kind in (None, "gen", "diagonal", "tridiagonal", "upper triangular",
                    "lower triangular", "banded") for trans in (False, True)},
    **{f"solve, {kind}, lower={lower}": (
        partial(linalg.solve, assume_a=kind, lower=lower), (POSITIVE, VECTOR))
       for kind in ("pos", "sym", "her") for lower in (False, True)},
    **{f"inv, {kind}, lower={lower}": (
        partial(linalg.inv, assume_a=kind, lower=lower), (POSITIVE,))
       for kind in ("pos", "sym", "lower triangular") for lower in (False, True)},
    "solve of stacks": (linalg.solve, (A_STACK, B)),
    "solve of one equation": (linalg.solve, (np.array([[2.0]]), VECTOR)),
    "inv of a stack": (linalg.inv, (A_STACK,)),
    "det of a stack": (linalg.det, (A_STACK,)),
    **{f"solve_triangular, {lower}, {trans}, {unit}": (
        partial(linalg.solve_triangular, lower=lower, trans=trans, unit_diagonal=unit), (A, B))
       for lower in (False, True) for trans in (0, 1, "T") for unit in (False, True)},
    "solve_triangular of a vector": (linalg.solve_triangular, (A, VECTOR)),
    "solve_triangular of a stack": (linalg.solve_triangular, (A_STACK, B)),
    "solve_banded": (
        lambda ab, b: linalg.solve_banded((1, 2), ab, b),
        (drawn(4, 6) + 4.0 * (np.arange(4) == 2)[:, None], drawn(6)),
    ),
    "solveh_banded": (linalg.solveh_banded, (np.array([[0, 1, 2, 3.0], [9, 9, 9, 9]]), B)),
    "solveh_banded of lower bands": (
        partial(linalg.solveh_banded, lower=True),
        (np.array([[9, 9, 9, 9], [1, 2, 3.0, 0], [0.5, 0.6, 0, 0]]), VECTOR),
    ),
    "solve_toeplitz": (
        lambda c, r, b: linalg.solve_toeplitz((c, r), b),
        (FIRST_COLUMN, VECTOR[::-1], B),
    ),
    "solve_toeplitz of one vector": (linalg.solve_toeplitz, (FIRST_COLUMN, VECTOR)),
    "pinv": (linalg.pinv, (TALL,)),
    "pinv above a size": (
        lambda a: linalg.pinv(a, atol=1e-3, rtol=1e-3, return_rank=True)[0], (WIDE,)),
    "pinvh": (linalg.pinvh, (POSITIVE,)),
    "pinvh of the upper triangle": (partial(linalg.pinvh, lower=False), (POSITIVE,)),
    "lstsq": (lambda a, b: linalg.lstsq(a, b)[::3], (TALL, drawn(5, 2))),
    "lstsq of a wide matrix": (lambda a, b: linalg.lstsq(a, b)[::3], (WIDE, drawn(3))),
    "gelsy": (lambda a, b: linalg.lstsq(a, b, lapack_driver="gelsy")[0], (TALL, drawn(5))),
    "norm": (linalg.norm, (A,)),
    "norm 1": (partial(linalg.norm, ord=1), (A,)),
}  # fmt: skip


def by_cholesky(a: Any, b: Any, lower: bool = False) -> Any:
    """Solve by the two functions that are used together."""
    return linalg.cho_solve(linalg.cho_factor(a, lower=lower), b)


def by_lu(a: Any, b: Any, trans: int = 0) -> Any:
    """Solve by the two functions that are used together."""
    return linalg.lu_solve(linalg.lu_factor(a), b, trans=trans)


FACTORS: dict[str, Case] = {
    **{f"cholesky, lower={lower}": (partial(linalg.cholesky, lower=lower), (POSITIVES,))
       for lower in (False, True)},
    **{f"cho_factor, lower={lower}": (
        lambda a, lower=lower: linalg.cho_factor(a, lower)[0], (POSITIVE,))
       for lower in (False, True)},
    **{f"cho_solve, lower={lower}": (partial(by_cholesky, lower=lower), (POSITIVE, VECTOR))
       for lower in (False, True)},
    **{f"lu_solve, trans={trans}": (partial(by_lu, trans=trans), (A, B)) for trans in (0, 1, 2)},
    "lu_solve of a stack": (by_lu, (A_STACK, VECTOR[:, None])),
    "lu_factor": (lambda a: linalg.lu_factor(a)[0], (A,)),
    "lu_factor of a tall matrix": (lambda a: linalg.lu_factor(a)[0], (TALL,)),
    "lu_factor of a wide matrix": (lambda a: linalg.lu_factor(a)[0], (WIDE,)),
    "lu": (linalg.lu, (A,)),
    "lu of a wide matrix": (linalg.lu, (WIDE,)),
    "lu, permuted": (partial(linalg.lu, permute_l=True), (A_STACK,)),
    "lu, by indices": (lambda a: linalg.lu(a, p_indices=True)[1:], (TALL,)),
    **{f"eigh, {driver}": (partial(linalg.eigh, driver=driver), (POSITIVE,))
       for driver in ("ev", "evd", "evx")},
    "eigh": (lambda a: (lambda w, v: (w, v * v))(*linalg.eigh(a)), (POSITIVE,)),
    "eigh of the upper triangle": (partial(linalg.eigh, lower=False, driver="ev"), (POSITIVE,)),
    **{f"eigh, type {kind}": (
        lambda a, b, k=kind: (lambda w, v: (w, v * v))(*linalg.eigh(a, b, type=k, lower=k > 1)),
        (A + A.T, POSITIVE)) for kind in (1, 2, 3)},
    "eigvalsh": (linalg.eigvalsh, (POSITIVE,)),
    "eigvalsh of a pencil": (linalg.eigvalsh, (A + A.T, POSITIVE)),
    "eigvalsh of a part": (partial(linalg.eigvalsh, subset_by_index=[1, 2]), (POSITIVE,)),
    "svd": (partial(linalg.svd, full_matrices=False), (TALL,)),
    "singular values": (partial(linalg.svd, compute_uv=False), (WIDE,)),
    "svdvals": (linalg.svdvals, (TALL,)),
    "qr": (linalg.qr, (TALL[:4],)),
    "qr of a wide matrix": (linalg.qr, (WIDE,)),
    "r": (partial(linalg.qr, mode="r"), (TALL,)),
    "economic qr": (partial(linalg.qr, mode="economic"), (TALL,)),
    "pivoted qr": (lambda a: linalg.qr(a, mode="economic", pivoting=True)[:2], (TALL,)),
    "polar": (linalg.polar, (A,)),
    "polar from the left": (partial(linalg.polar, side="left"), (WIDE,)),
    "orthogonal_procrustes": (linalg.orthogonal_procrustes, (TALL, TALL + 0.1)),
}  # fmt: skip


def _riccati(solver: Any, **options: Any) -> Callable[..., Any]:
    def solve(a: Any, b: Any, q: Any, r: Any, *more: Any) -> Any:
        named = dict(zip(("s", "e"), more, strict=False))
        return solver(a, b, q @ q.T + np.eye(4), r + r.T, **named, **options)

    return solve


WHOLE: dict[str, Case] = {
    "expm": (linalg.expm, (A,)),
    "expm of a stack": (linalg.expm, (0.3 * A_STACK,)),
    "expm_frechet": (linalg.expm_frechet, (A, A.T)),
    **{name: (getattr(linalg, name), (0.3 * A,))
       for name in ("cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm")},
    "logm": (linalg.logm, (POSITIVE,)),
    "sqrtm": (linalg.sqrtm, (POSITIVE,)),
    "solve_sylvester": (
        linalg.solve_sylvester, (A + 3 * np.eye(4), drawn(3, 3) + 3 * np.eye(3), B)),
    "solve_continuous_lyapunov": (
        linalg.solve_continuous_lyapunov, (A - 4 * np.eye(4), POSITIVE)),
    **{f"solve_discrete_lyapunov, {method}": (
        partial(linalg.solve_discrete_lyapunov, method=method), (0.3 * A, POSITIVE))
       for method in (None, "direct", "bilinear")},
    **{f"{name}{' with s' if more else ''}": (
        _riccati(getattr(linalg, name)), (A, B[:, :2], 0.5 * A, R, *more))
       for name in ("solve_continuous_are", "solve_discrete_are")
       for more in ((), (0.02 * B[:, 1:],))},
    **{f"{name} with s and e": (
        _riccati(getattr(linalg, name), balanced=False),
        (A, B[:, :2], 0.5 * A, R, 0.02 * B[:, 1:], MASS))
       for name in ("solve_continuous_are", "solve_discrete_are")},
    "toeplitz": (linalg.toeplitz, (VECTOR, VECTOR[:3])),
    "symmetric toeplitz": (linalg.toeplitz, (VECTOR,)),
    "circulant": (linalg.circulant, (B.T,)),
    "hankel": (linalg.hankel, (VECTOR, VECTOR[:3])),
    "hankel with zeros": (linalg.hankel, (VECTOR,)),
    "companion": (linalg.companion, (VECTOR,)),
    "block_diag": (linalg.block_diag, (A, VECTOR, B)),
    "khatri_rao": (linalg.khatri_rao, (B, TALL)),
}  # fmt: skip

CASES = {**SYSTEMS, **FACTORS, **WHOLE}
