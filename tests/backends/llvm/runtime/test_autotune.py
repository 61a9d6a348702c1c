"""Loops find out whether threads share small work; the numbers are the same either way."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.backends.llvm.layout.frame import (
    AUTOTUNE_WORDS,
    AUTOTUNED_POOL,
    FIRST_ARGUMENT,
    POOL,
)
from chainrule.backends.llvm.runtime import autotune, imports_of
from chainrule.config import configured

SHARED, ALONE = 1_000_000, 0
TICKS = 10**12  # hours: what really passes does not count


class Loop:
    """Iterations of a loop that take what is said, by the clock that `autotune` reads."""

    def __init__(self) -> None:
        self.frame, self.state = (
            np.zeros(FIRST_ARGUMENT, np.int64),
            np.zeros(AUTOTUNE_WORDS, np.int64),
        )
        self.frame[POOL] = SHARED
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
        self.begin = kind(imports_of(["autotune"])["autotune"])

    def iterations(self, count: int, alone: float, shared: float, first: int = 0) -> list[int]:
        """How each iteration went."""
        ways = []
        for index in range(first, first + count):
            self.begin(self.frame.ctypes.data, self.state.ctypes.data, index)
            ways.append(int(self.frame[AUTOTUNED_POOL]))
            self.state[autotune._BEGAN] -= int(TICKS * (shared if ways[-1] else alone))
        return ways


def test_the_faster_way_is_kept() -> None:
    """One window alone, one shared, then whichever took less, until the next trial."""
    for alone, shared, chosen in ((2.0, 1.0, SHARED), (1.0, 2.0, ALONE), (1.0, 0.99, ALONE)):
        ways = Loop().iterations(autotune._PERIOD + 64, alone, shared)
        expected = [ALONE] * 32 + [SHARED] * 32 + [chosen] * (autotune._PERIOD - 64)
        assert ways == [*expected, *[ALONE] * 32, *[SHARED] * 32]


def test_sharing_ends_once_it_is_slow() -> None:
    """When a core goes away, within two windows."""
    loop = Loop()
    assert loop.iterations(200, 2.0, 1.0)[-1] == SHARED
    assert loop.iterations(64, 2.0, 9.0, first=200)[-1] == ALONE


def test_time_between_calls_does_not_count() -> None:
    """Loops of eight iterations: what passes before the first of them is nobody's."""
    loop = Loop()
    ways = []
    for _ in range(20):
        ways += loop.iterations(8, 2.0, 1.0)
        loop.state[autotune._BEGAN] -= 1000 * TICKS
    assert ways[32:64] == [SHARED] * 32 == ways[-32:]


def test_a_loop_of_single_iterations_stays_alone() -> None:
    """Nothing can be timed there."""
    loop = Loop()
    ways = [loop.iterations(1, 2.0, 1.0)[0] for _ in range(200)]
    assert ways == [ALONE] * 32 + [SHARED] * 32 + [ALONE] * 136


def test_training_has_the_same_bits_through_trials() -> None:
    """Three thousand steps of a small network, the last rows of each epoch apart."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(330, 20)), rng.normal(size=(330, 4))
    w = {"a": rng.normal(size=(20, 60)) / 5, "b": rng.normal(size=(60, 4)) / 8}

    def loss(w: Any, x: Any, y: Any) -> Any:
        return np.mean((np.tanh(x @ w["a"]) @ w["b"] - y) ** 2)

    def step(w: Any, batch: Any) -> Any:
        g = cr.grad(loss)(w, *batch)
        return {k: w[k] - 0.01 * g[k] for k in w}, None

    def epoch(w: Any, x: Any, y: Any) -> Any:
        batches = x[:300].reshape(3, 100, 20), y[:300].reshape(3, 100, 4)
        w, _ = cr.scan(step, w, batches)
        return step(w, (x[300:], y[300:]))[0]

    results = []
    for threads in (1, 2, 3):
        with configured(num_threads=threads, cache=0):
            trained = cr.jit(lambda w, x, y: cr.fori_loop(0, 1000, lambda _, w: epoch(w, x, y), w))
            results.append(trained(w, x, y))
    for other in results[1:]:
        for name, expected in results[0].items():
            np.testing.assert_array_equal(other[name], expected)
    assert loss(results[0], x, y) < 0.9 * loss(w, x, y)
