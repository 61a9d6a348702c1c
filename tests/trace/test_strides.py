"""Strides: what `trace/strides` says of a traced array, NumPy's own array has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from central_differences import assert_close
from scipy import linalg, stats

import chainrule as cr
from chainrule.errors import UnsupportedError
from chainrule.trace.strides import reshaped_strides, strides_of
from chainrule.trace.tracer import ArrayTracer


def _added(a: Any) -> Any:
    a = a * 1.0
    a += a
    return a


def _written(a: Any) -> Any:
    a = np.tanh(a)
    a[0] = 0.5
    return a


STEPS: dict[str, Callable[[Any], Any]] = {
    "T": lambda a: a.T, "times": lambda a: a * 2.0, "plus": lambda a: a + a.T, "neg": lambda a: -a,
    "method copy": lambda a: a.copy(), "np.copy": lambda a: np.copy(a), "every": lambda a: a[::2],
    "rest": lambda a: a[..., 1:], "backwards": lambda a: a[::-1], "new axis": lambda a: a[None],
    "swapaxes": lambda a: np.swapaxes(a, 0, -1), "moveaxis": lambda a: np.moveaxis(a, 0, -1),
    "reshape": lambda a: a.reshape(-1, a.shape[0]), "ravel": lambda a: a.ravel(),
    "sum": lambda a: a.sum(0), "last sum": lambda a: a.sum(-1), "max": lambda a: a.max(1),
    "mean": lambda a: a.mean(0, keepdims=True), "std": lambda a: np.std(a, 0),
    "prod": lambda a: np.prod(a, 0), "rows": lambda a: a[[0, 0]],
    "columns": lambda a: a[..., [0, 0]],
    "where": lambda a: np.where(a > 0, a, a * 2.0), "tanh": lambda a: np.tanh(a),
    "broadcast": lambda a: np.broadcast_to(a, (2, *a.shape)), "cumsum": lambda a: np.cumsum(a, 0),
    "astype": lambda a: a.astype(np.float32).astype(float), "zeros": lambda a: np.zeros_like(a),
    "ones": lambda a: np.ones_like(a) * a, "matmul": lambda a: a @ a.T, "abs": lambda a: abs(a),
    "clip": lambda a: np.clip(a, -1, 1), "sort": lambda a: np.sort(a, 0), "square": lambda a: a**2,
    "join": lambda a: np.concatenate([a, a]), "diff": lambda a: np.diff(a, axis=0),
    "diagonal": lambda a: np.diagonal(a) * 1.0, "logaddexp": lambda a: np.logaddexp(a, a),
    "in place": _added, "written": _written, "einsum": lambda a: np.einsum("ij->ji", a),
    "traced row": lambda a: a[np.argmax(a.ravel()) % 1], "flip": lambda a: np.flip(a, -1),
    "einsum product": lambda a: np.einsum("...ij,...kj->...ik", a, a),
    "gradient": lambda a: np.gradient(a, axis=0), "select": lambda a: np.select([a > 1], [a], 0.0),
    "choose": lambda a: np.choose(a > 0, [a, a]), "polyval": lambda a: np.polyval(a[0, :1], a),
    "batch": lambda a: np.matmul(a, np.ones(a.shape[::-1])) if a.ndim == 3 else a,
}  # fmt: skip


def _path(x: Any, steps: list[str]) -> list[tuple[str, Any]]:
    """What each step that is possible gives, one after another."""
    made, a = [], x
    for step in steps:
        try:
            after = STEPS[step](a)
        except (ValueError, IndexError):  # it has too few axes
            continue
        if np.ndim(after) and 0 < np.size(after) < 500:
            a = after
            made.append((step, a))
    return made


@pytest.mark.parametrize("seed", range(80))
def test_strides_are_numpys(seed: int) -> None:
    """After any operations, in C, Fortran and other orders, wherever a rule is known."""
    rng = np.random.default_rng(seed)
    for _ in range(5):
        x = rng.normal(size=tuple(rng.integers(1, 4, rng.integers(1, 4))))
        x = [x, np.asfortranarray(x), x[::-1], x.repeat(2, 0)[::2]][rng.integers(4)]
        steps = [list(STEPS)[k] for k in rng.integers(0, len(STEPS), rng.integers(1, 6))]
        found: list[Any] = []

        def f(v: Any, steps: list[str] = steps, found: list[Any] = found) -> Any:
            found.extend(_path(v, steps))
            return np.sum(v)

        cr.grad(f)(x)
        expected = _path(x, steps)
        assert [step for step, _ in found] == [step for step, _ in expected]
        for (step, plain), (_, traced) in zip(expected, found, strict=True):
            assert isinstance(traced, ArrayTracer)
            strides = strides_of(traced.node)
            if strides is None:
                break
            real = [s // 8 for s, n in zip(plain.strides, plain.shape, strict=True) if n > 1]
            ours = [s for s, n in zip(strides, plain.shape, strict=True) if n > 1]
            assert ours == real, (steps, step, x.strides)


SQUARE = np.array([[5.0, 2.0, 0.3], [2.0, 1.5, 0.7], [0.3, 0.7, 2.0]])
FACTORS: list[Callable[[Any], Any]] = [
    lambda a: linalg.svd(a)[0], lambda a: linalg.eigh(a)[1], lambda a: linalg.qr(a)[0],
    lambda a: linalg.lu(a)[1], lambda a: linalg.lu_factor(a)[0], linalg.cholesky, linalg.pinv,
    lambda a: linalg.lstsq(a, np.eye(3))[0], lambda a: linalg.cho_factor(a)[0], linalg.inv,
    lambda a: np.linalg.svd(a)[0], lambda a: np.linalg.eigh(a)[1], np.linalg.inv,
    lambda a: stats.norm.logpdf(a.T), lambda a: stats.poisson.logpmf(2.0, a.T),
    lambda a: np.einsum("ij,jk->ik", a.T, np.asfortranarray(np.eye(3) + 0.5)),
]  # fmt: skip


@pytest.mark.parametrize("factor", FACTORS)
def test_no_copy_is_taken_for_a_view(factor: Callable[[Any], Any]) -> None:
    """NumPy's and SciPy's results lie in many orders: a write is as theirs, or it is refused."""

    def f(a: Any) -> Any:
        u = factor(a)
        u.reshape(-1)[1] = 5.0
        return np.sum(u * np.arange(9.0).reshape(3, 3))

    try:
        value, _ = cr.vjp(f, SQUARE)
    except UnsupportedError:
        return
    assert_close(value, f(SQUARE), 1e-12)


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("fortran", [False, True])
def test_numpys_linear_algebra_lies_in_c_order(batch: tuple[int, ...], fortran: bool) -> None:
    """Whatever its operands do; SciPy's is mostly Fortran's, from the same primitives."""
    a = SQUARE + np.zeros((*batch, 3, 3))
    a = np.asfortranarray(a) if fortran else a
    functions: list[Callable[[Any], Any]] = [
        np.linalg.inv, np.linalg.cholesky, lambda a: np.linalg.cholesky(a, upper=True),
        lambda a: np.linalg.solve(a, a), lambda a: np.linalg.eigh(a)[1], np.linalg.eigvalsh,
        lambda a: np.linalg.svd(a)[0], lambda a: np.linalg.svd(a)[2], np.linalg.svdvals,
    ]  # fmt: skip
    for f in functions:
        assert f(a).flags.c_contiguous
        seen: list[bool] = []
        cr.vjp(lambda a, f=f, seen=seen: seen.append(f(a).flags.c_contiguous) or a, a)
        assert seen == [True]


def test_one_axis_can_lie_in_one_way_only() -> None:
    """So a factor or product of one column may be raveled and written."""

    def f(a: Any) -> Any:
        flat = np.ravel(np.matmul(np.linalg.inv(a), a.transpose(0, 2, 1)))
        flat += 1.0
        return np.sum(flat**3)

    cr.check_grads(f, (np.array([[[2.0]], [[0.7]]]),))


@pytest.mark.parametrize("seed", range(100))
def test_reshape_copies_where_numpy_does(seed: int) -> None:
    """Over drawn shapes and strides, with axes of size 1 and 0."""
    rng = np.random.default_rng(seed)
    base = np.zeros((4, 1, 3, 2))
    view = base.transpose(rng.permutation(4))[tuple(slice(None, None, rng.choice([1, 2, -1]))
                                                    for _ in range(4))]  # fmt: skip
    view = view[:0] if seed % 20 == 0 else view
    sizes: list[int] = []
    rest = view.size
    while rest > 1 and len(sizes) < 4:
        sizes.append(int(rng.choice([n for n in range(1, rest + 1) if rest % n == 0])))
        rest //= sizes[-1]
    shape = (*sizes, rest)
    strides = tuple(s // 8 for s in view.strides)
    ours = reshaped_strides(view.shape, strides, shape)
    made = view.reshape(shape)
    shares = view.size == 0 or np.shares_memory(view, made)
    assert (ours is not None) == shares
    if ours is not None and view.size:
        pairs = zip(ours, made.strides, made.shape, strict=True)
        assert all(a == b // 8 for a, b, n in pairs if n > 1)
