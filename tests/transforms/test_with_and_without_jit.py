"""What runs under jit runs without it, and the other way round, with the same numbers.

Programs are grown from a seed out of what users write: arithmetic, moves, writes, reductions, loops
and branches that read what is around them, functions that are compiled or differentiated inside.
Each is called plainly, compiled, differentiated in both modes, and compiled after that.
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

Values = list[Any]
Statement = Callable[[Values], Any]
ROOM = 60  # numbers an array


class Program:
    """Statements that each add one array to those that are there."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.statements: list[Statement] = []
        self.reversible = True
        self.shapes: list[tuple[int, ...]] = [(2, 3), (3,)]
        for _ in range(int(self.rng.integers(3, 9))):
            self.add(RULES[self.rng.integers(len(RULES))](self))
        self.weights = [self.rng.normal(size=shape).round(2) for shape in self.shapes]

    def add(self, statement: Statement | None) -> None:
        """A statement, if it fits what is there; it is tried with NumPy alone."""
        if statement is None:
            return
        values = [np.full(shape, 0.25) for shape in self.shapes]
        try:
            shape = np.shape(statement(values))
        except (ValueError, IndexError, TypeError):
            return
        if 0 < np.prod(shape) <= ROOM and len(shape) <= 4:
            self.statements.append(statement)
            self.shapes.append(shape)

    def pick(self, rank: int = 0) -> int | None:
        """One of the arrays that have so many axes at least, the newer the likelier."""
        fitting = [k for k, shape in enumerate(self.shapes) if len(shape) >= rank]
        return fitting[-1 - int(self.rng.integers(min(len(fitting), 3)))] if fitting else None

    def alike(self, k: int) -> int:
        """One of the same shape."""
        fitting = [j for j, shape in enumerate(self.shapes) if shape == self.shapes[k]]
        return fitting[int(self.rng.integers(len(fitting)))]

    def __call__(self, x: Any) -> Any:
        values: Values = [np.tanh(x), x[0] * 0.5]
        for statement in self.statements:
            values.append(statement(values))
        kept = values[-3:]
        return sum(np.sum(v * w) for v, w in zip(kept, self.weights[-3:], strict=True))


# Statements


def elementwise(p: Program) -> Statement | None:
    a = p.pick()
    b = p.alike(a)
    ways: list[Statement] = [
        lambda v: np.sin(v[a]) * v[b], lambda v: v[a] / (1.0 + v[b] ** 2), lambda v: -(-v[a]),
        lambda v: np.where(v[a] > 5.0, v[b], v[a] * 0.5), lambda v: np.exp(-v[a] * v[a]) - v[b],
        lambda v: v[a].astype(np.float32).astype(np.float64), lambda v: np.sqrt(1.0 + v[a] ** 2),
        lambda v: cr.stop_gradient(v[a]) * v[b], lambda v: np.full_like(v[a], 0.5) * v[b],
    ]  # fmt: skip
    return ways[p.rng.integers(len(ways))]


def moved(p: Program) -> Statement | None:
    a = p.pick(1)
    ways: list[Statement] = [
        lambda v: v[a].ravel(), lambda v: v[a].T, lambda v: v[a][::-1], lambda v: v[a][1:],
        lambda v: np.roll(v[a], 1), lambda v: v[a].reshape(-1, 1), lambda v: v[a][None],
        lambda v: np.concatenate([v[a].ravel(), np.ones(2)]), lambda v: np.pad(v[a], 1),
        lambda v: np.stack([v[a], v[a] * 0.5]), lambda v: v[a][np.array([0, -1, 0])],
        lambda v: np.repeat(v[a], 2, axis=0), lambda v: np.broadcast_to(v[a], (2, *v[a].shape)),
        lambda v: np.diag(v[a].ravel()[:4]), lambda v: v[a].T.T, lambda v: v[a][..., 0],
    ]  # fmt: skip
    return ways[p.rng.integers(len(ways))]


def reduced(p: Program) -> Statement | None:
    a = p.pick(1)
    axis = int(p.rng.integers(len(p.shapes[a])))
    ways: list[Statement] = [
        lambda v: np.sum(v[a], axis=axis), lambda v: np.mean(v[a]), lambda v: np.cumsum(v[a], axis),
        lambda v: np.prod(np.tanh(v[a]), axis=axis), lambda v: v[a] - np.mean(v[a], axis=0),
        lambda v: np.max(v[a], axis=axis) + np.logaddexp(v[a], 0.5),
        lambda v: np.sum(v[a] * np.ones_like(v[a]), axis=axis, keepdims=True),
    ]  # fmt: skip
    return ways[p.rng.integers(len(ways))]


def written(p: Program) -> Statement | None:
    a = p.pick(1)
    start = float(p.rng.integers(0, 2))
    index = [0, slice(1, None), np.array([0, -1])][p.rng.integers(3)]

    def statement(v: Values) -> Any:
        z = np.full_like(v[a], start)
        z[index] = v[a][index] * 2.0
        z[0] += v[a][-1]
        return z

    def counted(v: Values) -> Any:
        z = v[a] * 1.0
        np.add.at(z, np.array([0, 0]), v[a][0])
        return z

    return [statement, counted][p.rng.integers(2)]


def product(p: Program) -> Statement | None:
    a = p.pick(1)
    matrix = p.rng.normal(size=(p.shapes[a][-1], 2)).round(2) * 0.5
    return lambda v: v[a] @ matrix


def looped(p: Program) -> Statement | None:
    a = p.pick()
    b, c = p.alike(a), p.pick()
    hands_on = bool(p.rng.random() < 0.3)

    def step(s: Any, v: Values) -> Any:
        if hands_on:
            return v[b]
        outer = v[c].reshape(-1)[0]  # a view of something outside
        return np.tanh(-(-s) * 0.5 + v[b]) + 0.1 * outer

    def scanned(v: Values) -> Any:
        rows = v[c].reshape(-1)[:3]
        last, ys = cr.scan(lambda s, t: (step(s, v) + 0.0 * t, np.sum(s) * t), v[a], rows)
        return last + 0.1 * np.sum(ys)

    ways: list[Statement] = [
        scanned,
        lambda v: cr.fori_loop(0, 2, lambda i, s: step(s, v), v[a]),
        lambda v: cr.cond(np.sum(v[a]) < 100.0, lambda s: step(s, v), lambda s: s, v[a]),
        lambda v: cr.cond(np.sum(v[a]) > 100.0, lambda: v[a], lambda: v[b]),
    ]
    return ways[p.rng.integers(len(ways))]


def turned(p: Program) -> Statement | None:
    a = p.pick()
    b = p.alike(a)
    p.reversible = False
    return lambda v: cr.while_loop(
        lambda s: s[0] < 2, lambda s: (s[0] + 1, np.sin(s[1]) + v[b].reshape(v[a].shape)), (0, v[a])
    )[1]


def inside(p: Program) -> Statement | None:
    a = p.pick()
    b = p.alike(a)
    energy = lambda s, t: np.sum(np.cos(s) * t * t)  # noqa: E731
    ways: list[Statement] = [
        lambda v: cr.jit(lambda s: np.tanh(s + v[b]))(v[a]),
        lambda v: cr.grad(lambda s: energy(s, v[b]))(v[a]),
        lambda v: cr.jit(cr.grad(lambda s: energy(s, v[b])))(v[a]),
        lambda v: cr.jvp(lambda s: np.sin(s) * v[b], (v[a],), (v[b],))[1],
        lambda v: cr.fori_loop(0, 2, lambda i, s: s - 0.1 * cr.grad(energy)(s, v[b]), v[a]),
    ]
    return ways[p.rng.integers(len(ways))]


RULES: list[Callable[[Program], Statement | None]] = [
    elementwise, elementwise, moved, moved, reduced, written, product, looped, looped, turned,
    inside,
]  # fmt: skip
X = np.array([[0.3, -0.6, 1.1], [0.2, 0.9, -0.4]])


def check(seed: int) -> None:
    """One program in all modes."""
    f = Program(seed)
    value = f(X)
    direction = np.cos(np.arange(6.0)).reshape(2, 3)
    tangent = lambda x: cr.jvp(f, (x,), (direction,))[1]  # noqa: E731
    modes: dict[str, tuple[Any, Any]] = {"jit": (cr.jit(f), value)}
    slope = tangent(X)
    modes["jit of jvp"] = cr.jit(tangent), slope
    modes["jvp of jit"] = lambda x: cr.jvp(cr.jit(f), (x,), (direction,))[1], slope
    rounded = any("float32" in s.__code__.co_names for s in f.statements)
    if f.reversible:
        gradient = cr.grad(f)(X)
        bounds = {"rtol": 1e-5, "atol": 1e-5} if rounded else {"rtol": 1e-9, "atol": 1e-11}
        np.testing.assert_allclose(np.sum(gradient * direction), slope, **bounds)
        modes["jit of grad"] = cr.jit(cr.grad(f)), gradient
        modes["grad of jit"] = cr.grad(cr.jit(f)), gradient
    for name, (g, expected) in modes.items():
        np.testing.assert_allclose(g(X), expected, rtol=1e-5, atol=1e-6, err_msg=f"{name} {seed}")
    with configured(backend="numpy"):
        np.testing.assert_allclose(cr.jit(tangent)(X), slope, rtol=1e-5, atol=1e-6)
    step = 1e-5
    central = (f(X + step * direction) - f(X - step * direction)) / (2 * step)
    stops = any("stop_gradient" in s.__code__.co_names for s in f.statements)
    if not stops and not rounded:
        np.testing.assert_allclose(slope, central, rtol=1e-5, atol=1e-6, err_msg=str(seed))


@pytest.mark.parametrize("start", range(0, 24, 6))
def test_programs_run_with_and_without_jit(start: int) -> None:
    """The same numbers in all modes, and the slope of central differences."""
    for seed in range(start, start + 6):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1080, 20))
def test_many_programs_run_with_and_without_jit(start: int) -> None:
    """The same, more of them, of half of which the code is not optimised."""
    with unoptimised() if start >= 1040 else nullcontext():
        for seed in range(start, start + 20):
            check(seed)
