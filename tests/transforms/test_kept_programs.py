"""How many programs a compiled function keeps, and that it does no harm to drop one."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.config import configured


def shapes(f):
    """The sizes of the arrays for which a function has programs, the last used last."""
    kept = sorted(f.cache.values(), key=lambda compiled: compiled.last_used)
    return [compiled.graph.input_types[0].shape[0] for compiled in kept]


def counting():
    """A function, and a list that tells how often it was traced."""
    traced = []

    @cr.jit
    def f(x):
        traced.append(x.shape)
        return np.tanh(x) * 2.0

    return f, traced


def test_the_one_that_was_not_used_for_longest_goes() -> None:
    """A third kind of argument drops the second, if the first was used since."""
    f, traced = counting()
    with configured(programs=2):
        for n in (1, 2, 1, 3):
            np.testing.assert_array_equal(f(np.ones(n)), np.tanh(np.ones(n)) * 2.0)
        assert shapes(f) == [1, 3]
        assert len(traced) == 3
        f(np.ones(1))
        assert len(traced) == 3
        f(np.ones(2))
        assert traced[3:] == [(2,)]
        assert shapes(f) == [1, 2]


def test_what_runs_without_being_looked_up_stays() -> None:
    """Calls like the one before find their program by themselves: they count as well."""
    f, traced = counting()
    with configured(programs=2):
        f(np.ones(1))
        f(np.ones(2))
        for _ in range(3):
            f(np.ones(2))
        f(np.ones(1))
        for _ in range(3):
            f(np.ones(1))
        f(np.ones(3))
        assert shapes(f) == [1, 3]
        assert len(traced) == 3


@pytest.mark.parametrize("kind", ["shapes", "structures", "static", "dtypes"])
def test_any_kind_of_argument_is_bounded(kind: str) -> None:
    """Shapes, structures and static values: never more than that many, and right answers."""

    def total(x, n=0):
        return sum(np.sum(part) for part in cr.tree.leaves(x)) + n

    f = cr.jit(total, static_argnums=1)
    dtypes = [np.float32, np.float64, np.int32, np.int64, np.uint8, np.int8]
    with configured(programs=3):
        for _ in range(2):
            for k in range(1, 6):
                x = np.ones(2)
                if kind == "shapes":
                    x, expected = np.ones(k), k
                elif kind == "structures":
                    x, expected = [np.ones(2)] * k, 2 * k
                elif kind == "dtypes":
                    x, expected = np.ones(2, dtypes[k]), 2
                else:
                    expected = 2 + k
                assert f(x, k if kind == "static" else 0) == expected
                assert len(f.cache) <= 3
                assert len(f._last_traced) <= 3
    assert len(f.cache) == 3


def test_a_dropped_program_is_gone() -> None:
    """Nothing holds it: not the short ways to the last call, either."""
    f, _ = counting()
    with configured(programs=1):
        f(np.ones(1))
        (compiled,) = f.cache.values()
        gone = weakref.ref(compiled.program)
        del compiled
        f(np.ones(2))
        gc.collect()
        assert gone() is None


@pytest.mark.parametrize("by", ["calls", "threads"])
def test_programs_are_dropped_while_others_run_them(by: str) -> None:
    """Threads that run a program while it is dropped end as if it were not."""
    f = cr.jit(lambda x: cr.fori_loop(0, 2000, lambda _, c: np.tanh(c) + x, x))
    sizes = range(3, 9)
    wrong = []
    with configured(programs=1):
        expected = {n: f(np.linspace(0.0, 1.0, n)) for n in sizes}
    before = cr.config.programs
    cr.config.programs = 1
    try:

        def work(seed):
            rng = np.random.default_rng(seed)
            for _ in range(12):
                n = int(rng.integers(3, 9)) if by == "calls" else 3 + seed
                if not np.array_equal(f(np.linspace(0.0, 1.0, n)), expected[n]):
                    wrong.append(n)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        cr.config.programs = before
    assert wrong == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_hundreds_of_shapes() -> None:
    """Memory and memory maps stop growing at the bound."""

    def held() -> tuple[int, int]:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        maps = len(Path("/proc/self/maps").read_text().splitlines())
        return pages * os.sysconf("SC_PAGE_SIZE"), maps

    f = cr.jit(lambda x: np.sum(np.tanh(x) ** 2))
    with configured(programs=50, check=0):
        for n in range(200, 280):
            f(np.ones(n))
        memory, maps = held()
        for n in range(300, 430):
            f(np.ones(n))
        more, most = held()
    assert len(f.cache) == 50
    assert more - memory < 4 * 2**20
    assert most - maps < 67
