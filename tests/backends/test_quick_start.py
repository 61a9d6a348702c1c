"""Code made in a hurry, and the better code that takes its place while it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import losses, nn, optim, random
from chainrule.backends.llvm import backend
from chainrule.config import configured
from chainrule.errors import CompileError

X = np.random.default_rng(0).normal(size=(200, 60))


def loop(w: Any, turns: int) -> Any:
    """Turns of some microseconds each."""
    return cr.fori_loop(0, turns, lambda _, w: np.tanh(w + 1e-3 * np.sin(X @ (X.T @ w))), w)


@pytest.fixture
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if all code took long to make."""
    monkeypatch.setattr(backend, "_LONG", 0.0)
    with configured(cache=0, num_threads=1):
        yield


def improved() -> None:
    """Wait for the threads that make better code."""
    for thread in threading.enumerate():
        if "better code" in thread.name:
            thread.join()


@pytest.mark.usefixtures("_in_a_hurry")
def test_all_code_computes_the_same_bits() -> None:
    """Made well at once; in a hurry; after the better code has taken over."""
    w = np.random.default_rng(1).normal(size=(200, 16))
    expected = cr.jit(lambda w: loop(w, 50))(w)
    f = cr.jit(lambda w: loop(w, 50), quick_start=True)
    np.testing.assert_array_equal(f(w), expected)
    improved()
    program = next(iter(f.cache.values())).program
    assert len(program._loaded) == 2
    np.testing.assert_array_equal(f(w), expected)


@pytest.mark.usefixtures("_in_a_hurry")
def test_better_code_takes_over_within_a_call() -> None:
    """While one long call runs, the function of its turns is exchanged; the result is the same."""
    w = np.random.default_rng(1).normal(size=(200, 16))
    for turns in (20_000 * 2**k for k in range(12)):  # until a call is long enough
        expected = cr.jit(lambda w, n=turns: loop(w, n))(w)
        exchanged = exchanged_while_running(lambda w, n=turns: loop(w, n), w, expected)
        if exchanged:
            return
    pytest.fail("the better code never took over")


def exchanged_while_running(f: Any, w: Any, expected: Any) -> bool:
    """Whether the better code was there before the first call, which began without it, ended."""
    quick = cr.jit(f, quick_start=True)
    seen: list[bool] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            programs = [c.program for c in quick.cache.values() if c.program is not None]
            seen.extend(len(p._loaded) == 2 for p in programs)

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = quick(w)
    done.set()
    watcher.join()
    np.testing.assert_array_equal(result, expected)
    return seen[:1] == [False] and True in seen


@pytest.mark.usefixtures("_in_a_hurry")
def test_without_better_code_the_first_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure in the background is told, and harms nothing."""
    assemble = backend.assemble

    def fails(text: str, level: int = 1) -> bytes:
        if level:
            raise CompileError("out of luck")
        return assemble(text, level)

    monkeypatch.setattr(backend, "assemble", fails)
    w = np.random.default_rng(1).normal(size=(200, 16))
    f = cr.jit(lambda w: loop(w, 5), quick_start=True)
    first = f(w)
    improved()
    np.testing.assert_array_equal(f(w), first)
    assert "out of luck" in capsys.readouterr().err


@pytest.mark.usefixtures("_in_a_hurry")
def test_an_error_in_a_turn_ends_the_loop() -> None:
    """Where a turn is a function of its own, an index out of bounds is still told."""
    table = np.arange(5.0)

    def body(k: Any, w: Any) -> Any:
        return np.tanh(w) + np.sum(np.sin(w @ w.T)) + np.asarray(table, like=k)[k]

    f = cr.jit(lambda w: cr.fori_loop(0, 9, body, w), quick_start=True)
    with pytest.raises(IndexError, match="out of bounds"):
        f(np.ones((30, 30)))


@pytest.mark.usefixtures("_in_a_hurry")
def test_a_training_does_not_depend_on_the_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """fit starts quickly; its weights are those of good code from the first step on."""
    x = np.random.default_rng(2).normal(size=(300, 8)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)

    def trained() -> Any:
        model = nn.MLP(8, (16,), 2, key=random.key(0))
        return cr.train.fit(
            model, x, y, loss=losses.softmax_cross_entropy, optimizer=optim.adam(1e-2), epochs=30
        )

    hurried = trained()
    improved()
    monkeypatch.setattr(backend, "_LONG", 1e9)
    calm = trained()
    assert hurried.history == calm.history
    for a, b in zip(cr.tree.leaves(hurried.model), cr.tree.leaves(calm.model), strict=True):
        np.testing.assert_array_equal(a, b)
