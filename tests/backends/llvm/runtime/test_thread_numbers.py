"""The number of threads, set after compilation and for a block, and the pools of each number."""

from __future__ import annotations

import numpy as np
import pytest
from own_thread import in_thread

import chainrule as cr
from chainrule.config import configured


def large(x):
    """Work that is shared."""
    return np.tanh(x @ x)


X = np.random.default_rng(0).normal(size=(300, 300)) * 0.1


@pytest.mark.usefixtures("_as_before")
@pytest.mark.parametrize("way", ["jit", "compile"])
def test_threads_are_set_after_a_function_was_compiled(way: str) -> None:
    """It is compiled again for another number of threads, and not for one that it knows."""
    cr.set_num_threads(1)
    jitted = cr.jit(large)
    f = jitted if way == "jit" else jitted.compile(X)
    expected = f(X)
    (compiled,) = jitted.cache.values()
    programs = {}
    for number in (2, 1, 3, 2, 1):
        cr.set_num_threads(number)
        for _ in range(3):
            np.testing.assert_array_equal(f(X), expected)
        program = compiled.ensure_compiled()
        assert (program.threads, program.executable.parallel) == (number, number > 1)
        assert programs.setdefault(number, program) is program
        assert compiled.fast_call(X) is not None  # the short way leads to it


@pytest.mark.usefixtures("_as_before")
def test_threads_of_a_block() -> None:
    """A block's number holds for functions that were compiled outside, and only inside."""
    cr.set_num_threads(1)
    f = cr.jit(large)
    expected = f(X)
    (compiled,) = f.cache.values()
    for number in (2, 3):
        with configured(num_threads=number):
            np.testing.assert_array_equal(f(X), expected)
            assert compiled.program.threads == number
            assert compiled.fast_call(X) is None
    np.testing.assert_array_equal(f(X), expected)
    assert compiled.ensure_compiled().threads == 1


@pytest.mark.usefixtures("_as_before")
def test_small_functions_are_not_compiled_again() -> None:
    """Nor do they take longer: what no thread would share is the same for any number."""
    cr.set_num_threads(1)
    f = cr.jit(lambda x: np.tanh(x) * 2.0)
    f(np.ones(3))
    (compiled,) = f.cache.values()
    program = compiled.program
    assert program.threads == 0
    cr.set_num_threads(2)
    assert compiled.fast_call(np.ones(3)) is not None
    with configured(num_threads=3):
        assert compiled.fast_call(np.ones(3)) is not None
        f(np.ones(3))
    assert compiled.program is program


@pytest.mark.usefixtures("_as_before")
def test_a_pool_for_each_number_of_threads() -> None:
    """Two threads with other numbers do not end each other's pool; old ones do end."""
    from chainrule.backends.llvm.runtime.library import worker
    from chainrule.backends.llvm.runtime.pool import _MOST, _pools, pool

    _pools.clear()  # of other tests
    work = worker()

    def mine(number):
        with configured(num_threads=number):
            return pool(work)

    first = mine(2)
    assert in_thread(lambda: mine(3)) is not first
    assert mine(2) is first
    pools = []
    for number in range(2, 3 + _MOST):
        pools.append(mine(number))
    assert [pool is not None and bool(pool._stop[0]) for pool in pools] == [True] + [False] * _MOST
