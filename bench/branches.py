"""Functions that branch on values: what guards cost a call, and what NumPy takes for the same.

The same function without a branch is the peer in the first rows: there a ratio below 1 is the price
of the guards, and the times themselves say how much that is.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time
from typing import Any

import numpy as np

import chainrule as cr

from .harness import Contest

rng = np.random.default_rng(0)
ROW = rng.uniform(0.5, 1.5, 8)
NUMBER = 3000
SIGNS = [np.array([1.0 if k >> j & 1 else -1.0 for j in range(8)]) for k in range(16)]
MIXED = [SIGNS[k] for k in rng.permutation(np.repeat(np.arange(16), 4))]


def straight(x: Any) -> Any:
    return np.tanh(x) * 2.0


def branching(x: Any) -> Any:
    return np.tanh(x) * 2.0 if np.sum(x) > 0.0 else x


def straight_pair(w: Any, x: Any) -> Any:
    return np.tanh(x) * w, w


def branching_pair(w: Any, x: Any) -> Any:
    return (np.tanh(x) * w, w) if w > 0.0 else (x, w)


def four_branches(x: Any) -> Any:
    y = np.tanh(x)
    for k in range(4):
        y = y * 2.0 if x[k] > 0.0 else y - 1.0
    return y


def newton(a: Any) -> Any:
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = 0.5 * (x + a / x)
    return x


def clipped(w: Any, x: Any, y: Any) -> Any:
    """A step of descent whose gradient is clipped by its norm."""
    g = cr.grad(lambda w: np.mean((np.tanh(x @ w) - y) ** 2))(w)
    norm = np.sqrt(np.sum(g**2))
    if norm > 0.1:
        g = g * (0.1 / norm)
    return w - 0.5 * g


def same(a: Any, b: Any) -> None:
    for x, y in zip(cr.tree.leaves(a), cr.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)


def of_all(f: Any) -> Any:
    return lambda: [f(x) for x in MIXED]


def contests() -> Iterator[Contest]:
    plain, guarded = cr.jit(straight), cr.jit(branching)
    pair, guarded_pair = cr.jit(straight_pair), cr.jit(branching_pair)
    tree = cr.jit(four_branches)
    for _ in range(3):  # each path is compiled at its second use
        of_all(tree)()
        guarded(ROW), guarded_pair(2.0, ROW)
    yield Contest("one guard: an array to an array", "without a branch", lambda: guarded(ROW),
                  lambda: plain(ROW), same, number=NUMBER, clock=process_time)  # fmt: skip
    yield Contest("one guard: a number and an array", "without a branch",
                  lambda: guarded_pair(2.0, ROW), lambda: pair(2.0, ROW), same, number=NUMBER,
                  clock=process_time)  # fmt: skip
    yield Contest("64 calls on 16 paths, mixed", "NumPy", of_all(tree), of_all(four_branches), same,
                  number=NUMBER // 64, clock=process_time)  # fmt: skip
    root = cr.jit(newton)
    root(2.0), root(2.0)
    yield Contest("Newton's iteration until it converges", "NumPy", lambda: root(2.0),
                  lambda: newton(np.float64(2.0)), same, number=NUMBER,
                  clock=process_time)  # fmt: skip
    x, y, w = rng.normal(size=(100, 8)), rng.normal(size=100), rng.normal(size=8)
    step = cr.jit(clipped)
    step(w, x, y), step(w, x, y)
    yield Contest("a step with clipping, 100 x 8", "chainrule without jit", lambda: step(w, x, y),
                  lambda: clipped(w, x, y), same, number=300, clock=process_time)  # fmt: skip
