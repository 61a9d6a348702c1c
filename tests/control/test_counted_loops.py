"""Loops over numbers: no array of counters, whatever is asked of them, however long they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.graph import Graph
from chainrule.graph.node import CONSTANT
from chainrule.simplify import simplify

TABLE = np.random.default_rng(0).normal(size=(40, 3))

# What a turn makes of its number, the value and the weights: each also for a plain loop of NumPy
BODIES = {
    "unread": lambda i, c, w: np.tanh(c * w),
    "factor": lambda i, c, w: np.sin(c) * w + i * 0.1,
    "slope": lambda i, c, w: c * 0.9 + w * (i + 1.0),
    "row": lambda i, c, w: np.tanh(c + (TABLE + 0.0 * c)[i + 20] * w),
    "two": lambda i, c, w: c * np.cos(w * i) + i * i * 0.001,
    "branch": lambda i, c, w: np.where(i > 2, c * w, c + w) * 0.5,
}


def loops(body: Any, start: int, stop: int) -> tuple[Any, Any]:
    """A function with `fori_loop`, and the same as a loop of Python."""

    def ours(w: Any) -> Any:
        return np.sum(cr.fori_loop(start, stop, lambda i, c: body(i, c, w), w) ** 2)

    def plain(w: Any) -> Any:
        c = w
        for i in range(start, stop):
            c = body(i, c, w)
        return np.sum(c**2)

    return ours, plain


@pytest.mark.parametrize("bounds", [(0, 5), (-4, 3), (7, 8), (3, 3), (5, 2)])
@pytest.mark.parametrize("name", BODIES)
def test_the_same_as_a_loop_of_python(name: str, bounds: tuple[int, int]) -> None:
    """Value, gradient, forward mode and a second derivative, with and without `jit`."""
    ours, plain = loops(BODIES[name], *bounds)
    w, v = np.array([0.3, -0.5, 0.8]), np.array([1.0, 0.5, -2.0])

    def second(f: Any) -> Any:
        return cr.grad(lambda w: np.sum(cr.grad(f)(w) * v))

    for of in (lambda f: f, cr.grad, second, lambda f: lambda w: cr.jvp(f, (w,), (v,))[1]):
        expected = of(plain)(w)
        for found in (of(ours)(w), cr.jit(of(ours))(w)):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def everything(graph: Graph) -> Any:
    """All nodes, those of inner graphs included."""
    for node in (*graph.inputs, *graph.nodes):
        yield node
        for value in node.params.values():
            if isinstance(value, Graph):
                yield from everything(value)


@pytest.mark.parametrize("name", BODIES)
def test_nothing_is_as_long_as_the_loop_but_what_turns_computed(name: str) -> None:
    """No constant and no stacked integer of 10**6 turns, before and after simplification."""
    turns = 10**6
    ours, _ = loops(
        lambda i, c, w: BODIES[name](np.minimum(i, 5) if name == "row" else i, c, w), 0, turns
    )
    for of in (lambda f: f, cr.grad):
        graph = cr.make_graph(of(ours))(np.ones(3))
        for form in (graph, simplify(graph)):
            for node in everything(form):
                types = node.shape if node.dtype is None else (node.type,)
                for t in types:
                    if t.shape[:1] == (turns,):
                        assert t.dtype.kind == "f"
                        assert node.primitive is not CONSTANT


@pytest.mark.parametrize("seed", range(12))
def test_carries_that_count_are_counted_back(seed: int) -> None:
    """Of any integer dtype, by any step, around the dtype's end: as NumPy adds."""
    rng = np.random.default_rng(seed)
    dtype = np.dtype(rng.choice(["i1", "u1", "i2", "u2", "i4", "u4", "i8"]))
    info = np.iinfo(dtype)
    first, step = (dtype.type(rng.integers(max(info.min, -100), min(info.max, 100))) for _ in "ab")
    length, xs = int(rng.integers(1, 60)), rng.normal(size=60)
    falls, reverse = bool(rng.integers(2)), bool(rng.integers(2))

    def loss(w: Any) -> Any:
        def turn(state: Any, x: Any) -> Any:
            n, c = state
            return (n - step if falls else n + step, np.sin(c * w) + x * n * w), n

        (_, c), ns = cr.scan(turn, (first, w), xs[:length], reverse=reverse)
        return np.sum(c) + 0.0 * np.sum(ns)

    def plain(w: Any) -> Any:
        n, c = first, w
        for x in xs[:length][:: -1 if reverse else 1]:
            c = np.sin(c * w) + float(x * n) * w
            with np.errstate(over="ignore"):
                n = dtype.type(n - step) if falls else dtype.type(n + step)
        return c

    for w in (0.7, -0.4):
        expected = cr.grad(plain)(w)
        with np.errstate(over="ignore"):
            assert cr.grad(loss)(w) == pytest.approx(expected, rel=1e-10)
        assert cr.jit(cr.grad(loss))(w) == pytest.approx(expected, rel=1e-10)


def test_ten_thousand_million_turns_are_traced_at_once() -> None:
    """10**10 counters would be 80 GB: a loop of that length is made and compiled all the same."""
    f = cr.jit(lambda n, w: cr.fori_loop(0, n, lambda i, c: c * 0.5 + i * w, w), static_argnums=0)
    graph = f.graph(10**10, 1.0)
    assert len(str(graph)) < 1000
    g = cr.jit(lambda w: cr.fori_loop(0, 10**10, lambda i, c: c * 0.5 + i * w, w))
    assert g.compile(1.0).memory_bytes < 10_000


def test_bounds_beyond_64_bits() -> None:
    """Refused by name."""
    with pytest.raises(OverflowError, match=r"test_counted_loops.*9223372036854775808 is no 64"):
        cr.fori_loop(0, 2**63, lambda i, c: c, 1.0)


def test_a_gradient_that_memory_cannot_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """What each turn computed does not fit: how much, and what to do; forward mode needs none."""
    monkeypatch.setattr(sys.modules["chainrule.control.scan"], "total_memory", lambda: 2.0**30)

    def f(w: Any, turns: int) -> Any:
        return cr.fori_loop(0, turns, lambda i, c: np.sin(c) * w, w)

    for n in (10**9, 10**12):
        with pytest.raises(
            MemoryError, match=rf"test_counted_loops.*of {n:,} iterations .*16 bytes: "
        ):
            cr.make_graph(cr.grad(lambda w, n=n: f(w, n)))(1.0)
        cr.make_graph(lambda w, n=n: cr.jvp(lambda w: f(w, n), (w,), (1.0,)))(1.0)
    assert np.isfinite(cr.grad(lambda w: f(w, 100))(1.0))
    cr.make_graph(cr.grad(lambda w: f(w, 2**26)))(1.0)  # 16 bytes a turn: just so
    with pytest.raises(MemoryError):
        cr.make_graph(cr.grad(lambda w: f(w, 2**26 + 1)))(1.0)


LONG = """
import numpy as np, chainrule as cr
f = WAY(lambda w: cr.fori_loop(0, 10**10, lambda i, c: c * 0.5 + i, w))
try:
    print("ready", flush=True)
    f(np.ones(3))
except KeyboardInterrupt:
    print("stopped")
"""


@pytest.mark.parametrize("way", ["", "cr.jit"])
def test_ctrl_c_in_the_first_call_of_a_long_loop(way: str) -> None:
    """KeyboardInterrupt ends it, eager and compiled: else it would run for minutes."""
    process = subprocess.Popen(
        [sys.executable, "-c", LONG.replace("WAY", way)],
        stdout=subprocess.PIPE, text=True, cwd=Path.cwd(), env=os.environ,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    try:
        assert process.communicate(timeout=600)[0] == "stopped\n"
    finally:
        process.kill()
