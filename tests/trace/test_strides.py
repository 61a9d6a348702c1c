"""Strides: what `trace/strides` says of a traced array, NumPy's own array has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
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
