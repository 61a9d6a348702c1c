"""What is computed row by row together, and that threads change nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fuzz_graphs import graph_of, shared
from stages import scheduled, scheduled_graph

import chainrule as cr
from chainrule.backends import BACKENDS
from chainrule.backends.llvm.debug.plan_text import plan_text
from chainrule.backends.llvm.instructions.elementwise import Elementwise
from chainrule.backends.llvm.instructions.for_loop import ForLoop
from chainrule.backends.llvm.instructions.matmul import Matmul
from chainrule.backends.llvm.instructions.row_tiles import RowTiles
from chainrule.config import configured
from chainrule.simplify import simplify

ROWS, SIZES = 128, (256, 512, 64)
rng = np.random.default_rng(0)
X = rng.normal(size=(ROWS, SIZES[0])).astype(np.float32)
Y = rng.normal(size=(ROWS, SIZES[2])).astype(np.float32)
W = {
    "a": (rng.normal(size=SIZES[:2]) / 16).astype(np.float32),
    "b": np.zeros(SIZES[1], np.float32),
    "c": (rng.normal(size=SIZES[1:]) / 23).astype(np.float32),
}


def loss(w: Any, x: Any, y: Any) -> Any:
    """Two layers."""
    hidden = np.maximum(x @ w["a"] + w["b"], np.float32(0))
    return np.mean((hidden @ w["c"] - y) ** 2)


def train(w: Any, x: Any, y: Any) -> Any:
    """Some steps of gradient descent with momentum."""

    def step(state: Any, _: Any) -> Any:
        w, v = state
        g = cr.grad(loss)(w, x, y)
        v = {k: np.float32(0.9) * v[k] + g[k] for k in w}
        return ({k: w[k] - np.float32(0.1) * v[k] for k in w}, v), None

    start = {k: a * np.float32(0) for k, a in w.items()}
    return cr.scan(step, (w, start), None, length=5)[0][0]


@pytest.fixture
def _two_threads() -> Iterator[None]:
    with configured(num_threads=2, cache=0):
        yield


@pytest.mark.usefixtures("_two_threads")
def test_a_training_step_is_two_tilings() -> None:
    """Rows of the batch go forward and back together, rows of a weight through the optimiser."""
    schedule = scheduled(train, W, X, Y)
    (loop,) = [step for step in schedule.instructions if isinstance(step, ForLoop)]
    tilings = [step for step in loop.body if isinstance(step, RowTiles)]
    kinds = [(r.rows, [type(s) for s in r.steps].count(Matmul)) for r in tilings]
    assert sorted(kinds) == [(128, 3), (256, 1), (512, 1)], plan_text(schedule)
    for tiling in tilings:
        assert tiling.n_tiles == 2
        assert any(isinstance(step, Elementwise) for step in tiling.steps)


def test_a_training_has_the_same_bits_for_any_number_of_threads() -> None:
    """1, 2, 3 and 5 threads; and the numbers are those of plain NumPy."""
    found = []
    for n in (1, 2, 3, 5):
        with configured(num_threads=n, cache=0):
            found.append(cr.jit(train)(W, X, Y))
    for other in found[1:]:
        for name, a in found[0].items():
            np.testing.assert_array_equal(a, other[name])
    w, v = W, {k: np.zeros_like(a) for k, a in W.items()}
    for _ in range(5):
        before = X @ w["a"] + w["b"]
        hidden = np.maximum(before, 0)
        d = 2 * (hidden @ w["c"] - Y) / Y.size
        back = d @ w["c"].T * (before > 0)
        g = {"a": X.T @ back, "b": back.sum(axis=0), "c": hidden.T @ d}
        v = {k: np.float32(0.9) * v[k] + g[k] for k in w}
        w = {k: w[k] - np.float32(0.1) * v[k] for k in w}
    for name, a in found[0].items():
        np.testing.assert_allclose(a, w[name], rtol=1e-4, atol=1e-5)


def test_random_graphs_have_the_same_bits_when_shared() -> None:
    """All work cut for three threads: not one bit differs from one thread's."""
    tilings = 0
    for seed in range(3000, 3012):
        graph, arguments = graph_of(seed)
        simple = simplify(graph)
        with configured(num_threads=1, cache=0):
            expected = BACKENDS["llvm"].compile(simple)(arguments)
        with shared():
            found = BACKENDS["llvm"].compile(simple)(arguments)
            tilings += plan_text(scheduled_graph(simple)).count("tiles of")
        for a, b in zip(expected, found, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=f"seed {seed}")
    assert tilings > 3


@pytest.mark.usefixtures("_two_threads")
def test_rows_that_meet_are_no_tiling() -> None:
    """A map that reads its neighbour's row waits until all rows are there."""

    def f(x: Any) -> Any:
        y = np.tanh(x) * np.exp(-x)
        return np.cumsum(y, axis=1)[::-1] * np.sin(y) + np.roll(y, 1, axis=0)

    x = np.random.default_rng(1).normal(size=(999, 333))
    with configured(backend="numpy"):
        expected = cr.jit(f)(x)
    np.testing.assert_allclose(cr.jit(f)(x), expected, rtol=1e-12, atol=1e-12)


def test_products_have_the_same_bits_however_they_are_cut() -> None:
    """Parts of one row or one column are computed as the whole is: by its shape, not by theirs."""
    rng = np.random.default_rng(3)
    for m, k, n in ((33, 300, 40), (300, 40, 65), (1, 500, 129), (129, 500, 1), (8, 700, 8)):
        for turned_a, turned_b in ((False, False), (True, False), (False, True)):
            a, b = rng.normal(size=(m, k)), rng.normal(size=(k, n))
            a = np.ascontiguousarray(a.T) if turned_a else a
            b = np.ascontiguousarray(b.T) if turned_b else b

            def f(a: Any, b: Any, ta: bool = turned_a, tb: bool = turned_b) -> Any:
                return np.tanh((a.T if ta else a) @ (b.T if tb else b))

            with configured(num_threads=1, cache=0):
                expected = cr.jit(f)(a, b)
            with shared():
                found = cr.jit(f)(a, b)
            np.testing.assert_array_equal(expected, found)
            np.testing.assert_allclose(found, f(a, b), rtol=1e-10, atol=1e-12)


def attention(w: Any, x: Any) -> Any:
    """A row is a sequence: products with one matrix, products of a matrix a row, softmax."""
    q, k, v = np.moveaxis((x @ w["in"]).reshape(*x.shape[:2], 3, 16), 2, 0)
    a = np.exp(q @ np.swapaxes(k, 1, 2) / np.float32(4))
    y = a / np.sum(a, axis=2, keepdims=True) @ v @ w["out"]
    return np.sum(y**2)


@pytest.mark.usefixtures("_two_threads")
def test_sequences_are_rows_of_a_tiling() -> None:
    """Forward and back in tilings of 64 sequences, whose 12 places are rows of one product."""
    x = rng.normal(size=(64, 12, 32)).astype(np.float32)
    w = {name: rng.normal(size=shape).astype(np.float32) / 6
         for name, shape in (("in", (32, 48)), ("out", (16, 32)))}  # fmt: skip
    f = cr.jit(cr.grad(attention))
    steps = scheduled(cr.grad(attention), w, x).instructions
    (tiling,) = [step for step in steps if isinstance(step, RowTiles) and len(step.steps) > 4]
    shapes = [s.view.shape for s in tiling.steps if isinstance(s, Matmul)]
    assert tiling.rows == 64 and {(768, 48), (64, 12, 12), (64, 12, 16), (768, 32)} <= {*shapes}
    expected = cr.grad(attention)({k: a.astype(np.float64) for k, a in w.items()}, x)
    for name, slope in f(w, x).items():
        np.testing.assert_allclose(slope, expected[name], rtol=2e-4, atol=2e-4)
    with configured(num_threads=1, cache=0):
        for name, slope in cr.jit(cr.grad(attention))(w, x).items():
            np.testing.assert_array_equal(slope, f(w, x)[name])


def test_repeated_rows_are_no_rows_that_follow_each_other() -> None:
    """A batch axis of stride 0, another of size 1: no single product reads them."""
    x, w = rng.normal(size=(1, 5, 8)), rng.normal(size=(1, 8, 7))
    f = cr.jit(lambda x, w: np.broadcast_to(x, (3, 1, 5, 8)) @ w)
    np.testing.assert_allclose(f(x, w), np.broadcast_to(x, (3, 1, 5, 8)) @ w, rtol=1e-13)
