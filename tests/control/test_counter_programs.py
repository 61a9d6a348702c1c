"""Bodies of `fori_loop` that use their counter: drawn, held against Python's loop.

What follows from a counter and from what never changes is computed again on the way back instead of
remembered, so a body reads rows by expressions of the counter, multiplies by them, chooses by them
and writes where they say. Both modes, second order, eagerly and compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from unoptimised import unoptimised

import chainrule as cr

pytestmark = pytest.mark.filterwarnings(
    "ignore::chainrule.errors.GradientWarning"
)  # of linear ones

N = 5
X = np.linspace(0.4, 1.6, N)
Index = Callable[[Any], Any]
INDICES: list[Index] = [
    lambda i: i, lambda i: N - 1 - i, lambda i: (2 * i + 1) % N, lambda i: i // 2,
    lambda i: np.minimum(i, 2), lambda i: -i - 1, lambda i: 0,
]  # fmt: skip
TERMS: list[Callable[[Any, Any, Index, Index], Any]] = [
    lambda x, i, a, b: x[a(i)], lambda x, i, a, b: x[a(i)] ** 2,
    lambda x, i, a, b: x[a(i)] * x[b(i)], lambda x, i, a, b: x[a(i)] / x[b(i)],
    lambda x, i, a, b: np.sin(x[a(i)]) * x[b(i)], lambda x, i, a, b: x[a(i)] * (i + 0.5),
    lambda x, i, a, b: np.where(i % 2 == 0, x[a(i)], x[b(i)] ** 2),
    lambda x, i, a, b: np.sum(np.cos(x)) * x[a(i)], lambda x, i, a, b: np.exp(-0.1 * i * x[b(i)]),
    lambda x, i, a, b: np.maximum(x[a(i)], x[b(i)]) * x[a(i)], lambda x, i, a, b: x[0] ** i,
]  # fmt: skip
JOINS: list[Callable[[Any, Any], Any]] = [
    lambda s, t: s + t, lambda s, t: s * t, lambda s, t: s * 0.5 + t * s,
    lambda s, t: np.tanh(s) - t,
]  # fmt: skip


def drawn(seed: int) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """A function with `fori_loop`, and the same with Python's loop."""
    draw = np.random.default_rng(seed)

    def one(choices: list[Any]) -> Any:
        return choices[draw.integers(len(choices))]

    chosen = [(one(TERMS), one(INDICES), one(INDICES), one(JOINS)) for _ in range(2)]
    buffer, nested, start = draw.random() < 0.4, draw.random() < 0.3, int(draw.integers(2))

    def body(x: Any, i: Any, s: Any) -> Any:
        for term, a, b, join in chosen:
            s = join(s, term(x, i, a, b))
        return s

    def step(x: Any, i: Any, state: Any, loop: Any) -> Any:
        s, kept = state
        inner = lambda j, c: c + 0.1 * body(x, j, c) * x[i]  # noqa: E731
        s = loop(0, 2, inner, s) if nested else body(x, i, s)
        if buffer:
            kept = kept + 0.0
            kept[chosen[0][1](i)] += np.sin(s) * x[i]
            s = s + 0.1 * np.sum(kept * x)
        return s, kept

    def function(loop: Any) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            state = (x[0] * 0.5, np.zeros_like(x))
            s, kept = loop(start, N, lambda i, state: step(x, i, state, loop), state)
            return s + np.sum(kept)

        return f

    return function(cr.fori_loop), function(python_loop)


def python_loop(start: int, stop: int, body: Any, state: Any) -> Any:
    for k in range(start, stop):
        state = body(k, state)
    return state


def check(seed: int) -> None:
    f, plain = drawn(seed)
    v = np.cos(np.arange(N))
    expected = cr.value_and_grad(plain)(X)
    np.testing.assert_allclose(expected[0], plain(X), rtol=1e-12)
    second = cr.jvp(cr.grad(plain), (X,), (v,))[1]
    ways: list[tuple[Any, Any]] = [
        (cr.value_and_grad(f)(X), expected),
        (cr.jit(cr.value_and_grad(f))(X), expected),
        (cr.jvp(f, (X,), (v,))[1], expected[1] @ v),
        (cr.jvp(cr.grad(f), (X,), (v,))[1], second),
        (cr.grad(lambda x: cr.grad(f)(x) @ v)(X), second),
        (cr.grad(lambda x: cr.jvp(f, (x,), (v,))[1])(X), second),
    ]
    for found, wanted in ways:
        for a, b in zip(cr.tree.leaves(found), cr.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10, err_msg=f"seed {seed}")


@pytest.mark.parametrize("part", range(2))
def test_drawn_bodies(part: int) -> None:
    """20 functions: all derivatives as of Python's loop."""
    for seed in range(10 * part, 10 * part + 10):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_many_drawn_bodies(part: int) -> None:
    """40 more, of half of which the code is not optimised."""
    with unoptimised() if part % 2 else nullcontext():
        for seed in range(1000 + 20 * part, 1020 + 20 * part):
            check(seed)
