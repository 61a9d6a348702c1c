"""Calls of one program by many threads, and from inside of each other: every one its own answer."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import chainrule as cr

WEIGHTS = np.random.default_rng(0).normal(size=(6, 3))
LONG = np.random.default_rng(1).normal(size=30_000)


def affine(x: Any) -> Any:
    """A row for a row: no two rows have the same."""
    return np.tanh(x @ WEIGHTS) + np.sum(x)


def counted(x: Any, n: Any) -> Any:
    """The same in a loop, with two results, one of them a number."""
    return cr.fori_loop(0, 3, lambda _, c: np.tanh(c) + x, x @ WEIGHTS @ WEIGHTS.T), np.sum(x) * n


def shared(x: Any) -> Any:
    """With work that threads share."""
    return np.exp(x[:, None] * LONG) @ LONG


FUNCTIONS: list[tuple[Any, int]] = [(affine, 1), (counted, 2), (shared, 1)]


class Thing:
    """An object that the collector counts."""


@contextmanager
def collector(act: Any) -> Iterator[None]:
    """The collector runs as often as it may, and has `act` run then."""
    inside = threading.local()

    def called(phase: str, _: Any) -> None:
        if phase == "start" and not getattr(inside, "now", False):
            inside.now = True
            try:
                act()
            finally:
                inside.now = False

    threshold = gc.get_threshold()
    gc.callbacks.append(called)
    gc.set_threshold(1)
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(called)


def news(kept: list[Any], count: int) -> None:
    """Make the next list a new object, and have the collector count some before it."""
    kept.clear()
    for _ in range(100):  # Python keeps some dead lists for reuse
        kept.append([])
    for _ in range(count):
        kept.append(Thing())


@pytest.mark.parametrize(("function", "count"), FUNCTIONS)
@pytest.mark.parametrize("way", ["jit", "compile", "program"])
def test_a_collector_that_calls_the_same_function(function: Any, count: int, way: str) -> None:
    """To make results may run any code of Python: both calls have their own answers."""
    rows = [np.random.default_rng(k).normal(size=6) for k in range(20)]
    extra = (2.0,) * (count - 1)
    jitted = cr.jit(function)
    given = [(x, *map(np.asarray, extra)) for x in rows]
    f = jitted if way == "jit" else jitted.compile(*given[0])
    if way == "program":
        f = runs(jitted)
    expected = [np.copy(cr.tree.leaves(f(*x))[0]) for x in given]
    other, answer = given[-1], expected[-1]
    kept: list[Any] = []
    inner: list[bool] = []
    outer: list[bool] = []

    def act() -> None:
        inner.append(np.array_equal(cr.tree.leaves(f(*other))[0], answer))

    with collector(act):
        for k, (x, y) in enumerate(zip(given * 10, expected * 10, strict=True)):
            news(kept, k % 7)
            result = f(*x)
            outer.append(np.array_equal(cr.tree.leaves(result)[0], y))
    assert [True] * 200 == outer
    assert len(inner) > 200
    assert all(inner)


def runs(jitted: Any) -> Any:
    """The only program of a compiled function, as its calls run it, which may refuse."""
    (compiled,) = jitted.cache.values()

    def call(*arguments: Any) -> Any:
        results = compiled.fast_call(*arguments)
        return compiled.ensure_compiled()(arguments) if results is None else results

    return call


def test_an_argument_that_is_exchanged_meanwhile() -> None:
    """An array that gets other memory and another shape while results are made is read as it is."""
    jitted = cr.jit(lambda x: x * 2.0)
    jitted(np.ones(6))
    (compiled,) = jitted.cache.values()
    x = np.arange(6.0)
    kept: list[Any] = []
    right: list[bool] = []

    armed = False

    def act() -> None:
        if armed:
            x.resize(70_000, refcheck=False)
            x[...] = -1.0

    with collector(act):
        for k in range(50):
            x = np.arange(6.0)
            news(kept, k % 7)
            armed = True
            results = compiled.fast_call(x)
            armed = False
            # From Python 3.12 on the collector may come after the call instead
            wanted = (x, np.arange(6.0))
            right.append(
                results is None or any(np.array_equal(results[0], w * 2.0) for w in wanted)
            )
    assert [True] * 50 == right


def share(f: Any, arguments: list[Any], expected: list[Any], threads: int, calls: int) -> int:
    """How many of many calls by many threads give a wrong answer, while a collector runs."""
    wrong = [0] * threads
    stop = threading.Event()

    def work(k: int) -> None:
        rng = np.random.default_rng(k)
        places = rng.integers(len(arguments), size=calls).tolist()
        for place in places:
            result = f(*arguments[place])
            for a, b in zip(cr.tree.leaves(result), expected[place], strict=True):
                wrong[k] += not np.array_equal(a, b)

    def collect() -> None:
        while not stop.is_set():
            gc.collect(0)

    collecting = threading.Thread(target=collect)
    working = [threading.Thread(target=work, args=(k,)) for k in range(threads)]
    with collector(lambda: f(*arguments[0])):
        collecting.start()
        for thread in working:
            thread.start()
        for thread in working:
            thread.join()
        stop.set()
        collecting.join()
    return sum(wrong)


@pytest.mark.slow
@pytest.mark.parametrize(("function", "count"), FUNCTIONS)
def test_many_threads_and_a_busy_collector(function: Any, count: int) -> None:
    """Eight threads, one function: no answer is another thread's."""
    calls = int(os.environ.get("CHAINRULE_TEST_CALLS", "1000"))
    rows = [np.random.default_rng(k).normal(size=6) for k in range(50)]
    arguments = [(x, *(2.0,) * (count - 1)) for x in rows]
    f = cr.jit(function)
    expected = [[np.copy(y) for y in cr.tree.leaves(f(*x))] for x in arguments]
    assert share(f, arguments, expected, 8, calls) == 0
