"""Unoptimised code, and the optimised code that takes its place while it runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import losses, nn, optim, random
from chainrule.backends.llvm import tiering
from chainrule.config import configured
from chainrule.errors import CompileError

X = np.random.default_rng(0).normal(size=(200, 60))


def loop(w: Any, count: int) -> Any:
    """Iterations of some microseconds each."""
    return cr.fori_loop(0, count, lambda _, w: np.tanh(w + 1e-3 * np.sin(X @ (X.T @ w))), w)


@pytest.fixture
def _tiered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if optimised code took long to make for every program."""
    monkeypatch.setattr(tiering, "_WORTH_TIERING", 0.0)
    with configured(cache=0, num_threads=1):
        yield


def promoted() -> None:
    """Wait for the threads that make optimised code."""
    for thread in threading.enumerate():
        if "tier-up" in thread.name:
            thread.join()


@pytest.mark.usefixtures("_tiered")
def test_all_code_computes_the_same_bits() -> None:
    """Optimised at once; unoptimised; after the optimised code has taken over."""
    w = np.random.default_rng(1).normal(size=(200, 16))
    expected = cr.jit(lambda w: loop(w, 50))(w)
    f = cr.jit(lambda w: loop(w, 50), tiered=True)
    np.testing.assert_array_equal(f(w), expected)
    promoted()
    program = next(iter(f.cache.values())).program
    assert len(program._code) == 2
    np.testing.assert_array_equal(f(w), expected)


@pytest.mark.usefixtures("_tiered")
def test_optimised_code_takes_over_within_a_call() -> None:
    """While one long call runs, an iteration is exchanged for another; the bits are the same."""
    w = np.random.default_rng(1).normal(size=(200, 16))
    for count in (20_000 * 2**k for k in range(12)):  # until a call is long enough
        expected = cr.jit(lambda w, n=count: loop(w, n))(w)
        exchanged = exchanged_while_running(lambda w, n=count: loop(w, n), w, expected)
        if exchanged:
            return
    pytest.fail("the optimised code never took over")


def exchanged_while_running(f: Any, w: Any, expected: Any) -> bool:
    """Whether the optimised code was there before the first call, which began without it, ended."""
    tiered = cr.jit(f, tiered=True)
    seen: list[bool] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            programs = [c.program for c in tiered.cache.values() if c.program is not None]
            seen.extend(len(p._code) == 2 for p in programs)

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = tiered(w)
    done.set()
    watcher.join()
    np.testing.assert_array_equal(result, expected)
    return seen[:1] == [False] and True in seen


@pytest.mark.usefixtures("_tiered")
def test_without_optimised_code_the_first_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure in the background is told, and harms nothing."""
    assemble = tiering.assemble

    def fails(text: str, level: int = 1) -> bytes:
        if level:
            raise CompileError("out of luck")
        return assemble(text, level)

    monkeypatch.setattr(tiering, "assemble", fails)
    w = np.random.default_rng(1).normal(size=(200, 16))
    f = cr.jit(lambda w: loop(w, 5), tiered=True)
    first = f(w)
    promoted()
    np.testing.assert_array_equal(f(w), first)
    assert "out of luck" in capsys.readouterr().err


@pytest.mark.usefixtures("_tiered")
def test_an_error_in_an_iteration_ends_the_loop() -> None:
    """Where an iteration is a function of its own, an index out of bounds is still told."""
    table = np.arange(5.0)

    def body(k: Any, w: Any) -> Any:
        return np.tanh(w) + np.sum(np.sin(w @ w.T)) + np.asarray(table, like=k)[k]

    f = cr.jit(lambda w: cr.fori_loop(0, 9, body, w), tiered=True)
    with pytest.raises(IndexError, match="out of bounds"):
        f(np.ones((30, 30)))


@pytest.mark.usefixtures("_tiered")
def test_a_training_does_not_depend_on_the_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    """fit starts with unoptimised code; its weights are those of optimised code."""
    x = np.random.default_rng(2).normal(size=(300, 8)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)

    def trained() -> Any:
        model = nn.MLP(8, (16,), 2, key=random.key(0))
        return cr.train.fit(
            model, x, y, loss=losses.softmax_cross_entropy, optimizer=optim.adam(1e-2), epochs=30
        )

    baseline = trained()
    promoted()
    monkeypatch.setattr(tiering, "_WORTH_TIERING", 1e9)
    optimised = trained()
    assert baseline.history == optimised.history
    for a, b in zip(cr.tree.leaves(baseline.model), cr.tree.leaves(optimised.model), strict=True):
        np.testing.assert_array_equal(a, b)
