"""What moves numbers, and a tail whose cotangent is one number everywhere: sum, mean, slice.

The derivative of such a program reads a constant through views, gathers, scatters and paddings.
All functions here are linear, so that plain NumPy at unit vectors gives the exact gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from unoptimised import unoptimised

import chainrule as cr
from chainrule.config import configured

Rule = Callable[[Any], Any]


def written(x: Any, index: Any, value: Any) -> Any:
    """Zeros with something written into them."""
    z = np.zeros_like(x)
    z[index] = value
    return z


def added(x: Any, index: Any, value: Any) -> Any:
    """An array with something added at computed places."""
    z = 1.0 * x
    np.add.at(z, index, value)
    return z


def twice(x: Any) -> Any:
    """Written over in part."""
    z = np.ones_like(x)
    z[::2] = x[::2]
    z[0] = 0.5 * x[-1]
    return z


ROWS = np.array([0, -1, 0])
MOVES: dict[str, Rule] = {
    "ravel": lambda x: x.ravel(),
    "flat": lambda x: np.reshape(x, -1),
    "column": lambda x: x.reshape(-1, 1),
    "one more axis": lambda x: x[None],
    "last axis": lambda x: x[..., None],
    "squeeze": lambda x: np.squeeze(x[None]),
    "transpose": lambda x: x.T,
    "moveaxis": lambda x: np.moveaxis(x, 0, -1),
    "swapaxes": lambda x: np.swapaxes(x, 0, -1),
    "roll": lambda x: np.roll(x, 1),
    "roll rows": lambda x: np.roll(x, 2, axis=0),
    "flip": lambda x: np.flip(x),
    "reversed": lambda x: x[::-1],
    "each second": lambda x: x[::2],
    "all but one": lambda x: x[1:],
    "first": lambda x: x[0:1],
    "last": lambda x: x[-1],
    "picked rows": lambda x: x[ROWS],
    "taken": lambda x: np.take(x, ROWS, axis=0),
    "taken flat": lambda x: np.take(x, ROWS),
    "places": lambda x: x.reshape(len(x), -1)[ROWS, np.array([0, -1, -1])],
    "mask": lambda x: x[np.arange(len(x)) != 1],
    "diagonal": lambda x: np.diagonal(x.reshape(len(x), -1)),
    "diag": lambda x: np.diag(x.ravel()),
    "tril": lambda x: np.tril(x.reshape(len(x), -1)),
    "triu": lambda x: np.triu(x.reshape(len(x), -1), 1),
    "pad": lambda x: np.pad(x, 1),
    "pad behind": lambda x: np.pad(x, [(0, 2)] + [(0, 0)] * (x.ndim - 1)),
    "repeat": lambda x: np.repeat(x, 2, axis=0),
    "tile": lambda x: np.tile(x, 2),
    "broadcast": lambda x: np.broadcast_to(x, (3, *x.shape)),
    "concatenate": lambda x: np.concatenate([x.ravel(), 2.0 * x.ravel()]),
    "joined rows": lambda x: np.concatenate([x, x[::-1]], axis=0),
    "stack": lambda x: np.stack([x, -x, x], axis=-1),
    "vstack": lambda x: np.vstack([x, x]),
    "hstack": lambda x: np.hstack([x, x]),
    "column_stack": lambda x: np.column_stack([x.ravel(), x.ravel()]),
    "split": lambda x: np.array_split(x, 2)[1],
    "diff": lambda x: np.diff(x, axis=0),
    "cumsum": lambda x: np.cumsum(x, axis=0),
    "where": lambda x: np.where(np.arange(x.shape[-1]) % 2 == 0, x, -x),
    "atleast_3d": lambda x: np.atleast_3d(x),
    "astype": lambda x: x.astype(np.float32).astype(np.float64),
    "einsum": lambda x: np.einsum("ij->ji", x.reshape(len(x), -1)),
    "row written": lambda x: written(x, 0, x[-1]),
    "slice written": lambda x: written(x, slice(1, None), x[1:]),
    "rows written": lambda x: written(x, np.array([1, 0]), x[:2]),
    "twice written": twice,
    "mask written": lambda x: written(x, np.arange(len(x)) == 0, 2.0 * x[:1]),
    "rows added": lambda x: added(x, ROWS, x[:1]),
    "product": lambda x: x.reshape(len(x), -1) @ np.ones((x.size // len(x), 2)),
    "outer": lambda x: np.outer(x, np.array([1.0, 2.0])),
}
TAILS: dict[str, Rule] = {
    "sum": lambda y: np.sum(y),
    "mean": lambda y: np.mean(y),
    "sum of a slice": lambda y: np.sum(y[: len(y) // 2 + 1]),
    "sum of a column": lambda y: np.sum(y.reshape(len(y), -1)[:, -1]),
    "sum of rows": lambda y: np.sum(np.sum(y, axis=0)[..., :1]),
    "mean of picked": lambda y: np.mean(y[np.array([-1, 0])]),
}  # fmt: skip


def slopes(f: Rule, x: Any) -> Any:
    """The gradient of a linear function, from its values."""
    start = f(np.zeros_like(x))
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([f(unit) - start for unit in units]).reshape(x.shape)


MODES: dict[str, Callable[[Rule], Rule]] = {
    "grad": lambda f: cr.grad(f),
    "jit of grad": lambda f: cr.jit(cr.grad(f)),
    "grad of jit": lambda f: cr.grad(cr.jit(f)),
    "jit of grad of jit": lambda f: cr.jit(cr.grad(cr.jit(f))),
}  # fmt: skip


def check(names: list[str], tail: str, x: Any, modes: list[str]) -> None:
    """Value and gradient of some moves one after the other and a tail."""

    def f(x: Any) -> Any:
        for name in names:
            x = MOVES[name](x)
        return TAILS[tail](x)

    said = f"{x.shape}: {' | '.join(names)} | {tail}"
    expected = slopes(f, x)
    for mode in modes:
        np.testing.assert_allclose(MODES[mode](f)(x), expected, atol=1e-6, err_msg=f"{mode} {said}")
    with configured(backend="numpy"):
        np.testing.assert_allclose(cr.jit(cr.grad(f))(x), expected, atol=1e-6, err_msg=said)
    np.testing.assert_allclose(cr.jit(f)(x), f(x), atol=1e-6, err_msg=said)


@pytest.mark.parametrize("tail", ["sum", "mean", "sum of a slice"])
@pytest.mark.parametrize("start", range(0, len(MOVES), 13))
def test_each_move_with_each_tail(tail: str, start: int) -> None:
    """Of a matrix, and under one tail of a row of numbers."""
    arrays = [np.arange(1.0, 7.0).reshape(2, 3), np.arange(1.0, 5.0)][: 2 if tail == "sum" else 1]
    for name in [*MOVES][start : start + 13]:
        for x in arrays:
            if possible([name], tail, x):
                check([name], tail, x, ["grad", "jit of grad"])


def program(seed: int) -> tuple[list[str], str, Any, list[str]]:
    """Up to four moves and a tail, of an array of some shape, in one of the modes."""
    rng = np.random.default_rng(seed)
    shape = [(2, 3), (4,), (3, 2, 2), (3, 4)][rng.integers(4)]
    names = [[*MOVES][k] for k in rng.integers(len(MOVES), size=rng.integers(2, 5))]
    mode = [*MODES][1 + rng.integers(3)]
    return (
        names,
        [*TAILS][rng.integers(len(TAILS))],
        rng.normal(size=shape).round(2),
        ["grad", mode],
    )


def possible(names: list[str], tail: str, x: Any) -> bool:
    """Whether NumPy computes it, and it is not too large."""
    try:
        for name in names:
            x = MOVES[name](x)
            if x.size > 400 or 0 in np.shape(x):
                return False
        TAILS[tail](x)
    except (ValueError, IndexError, TypeError):  # an axis that is not there
        return False
    return True


def run(seeds: range) -> int:
    """Check the programs of these seeds that NumPy can compute; how many they are."""
    given = [program(seed) for seed in seeds]
    chosen = [p for p in given if possible(*p[:3])]
    for p in chosen:
        check(*p)
    return len(chosen)


@pytest.mark.parametrize("start", range(0, 48, 12))
def test_random_moves(start: int) -> None:
    """Compositions of moves, with and without jit, on both backends."""
    assert run(range(start, start + 12)) > 4


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1360, 60))
def test_many_random_moves(start: int) -> None:
    """The same, more of them, of half of which the code is not optimised."""
    with unoptimised() if start >= 1180 else nullcontext():
        assert run(range(start, start + 60)) > 30
