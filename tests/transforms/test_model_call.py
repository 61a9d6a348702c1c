"""Calls with one network again and again: its arrays are not collected anew, and never stale."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn, random
from chainrule.config import configured

X = np.array([[1.0, 2.0]], np.float32)


class Listed(nn.Module):
    """A module with a list, which may change."""

    parts: Any

    def __call__(self, x: Any) -> Any:
        return sum(part * x for part in self.parts)


def dense(seed: int = 0) -> nn.Dense:
    return nn.Dense(2, 1, key=random.key(seed))


def function(form: str) -> Any:
    jitted = cr.jit(lambda model, x: model(x))
    return jitted if form == "jit" else jitted.compile(dense(), X)


@pytest.fixture(autouse=True)
def _native() -> Iterator[None]:
    """Fast calls are those of native code."""
    with configured(backend="llvm"):
        yield


@pytest.mark.parametrize("form", ["jit", "compile"])
def test_it_reads_what_the_network_holds_now(form: str) -> None:
    """Arrays that are written in between, and another network, are seen."""
    f, first, second = function(form), dense(0), dense(1)
    for _ in range(4):
        assert f(first, X) == first(X)
    assert f._models.last is not None
    first.weight[:] = 3.0
    assert f(first, X) == first(X) == 9.0
    for _ in range(3):
        assert f(second, X) == second(X)
        assert f(first, X) == 9.0


@pytest.mark.parametrize("form", ["jit", "compile"])
def test_a_network_is_not_kept_alive(form: str) -> None:
    f, model = function(form), dense()
    for _ in range(4):
        f(model, X)
    weight = weakref.ref(model.weight)
    del model
    gc.collect()
    assert weight() is None and f._models.last is None


def test_a_list_in_a_module_may_change() -> None:
    f, model = cr.jit(lambda model, x: model(x)), Listed([np.float64(1.0), np.ones(2)])
    for _ in range(4):
        assert f(model, X).tolist() == [[2.0, 4.0]]
    model.parts[1] = np.array([10.0, 20.0])
    assert f(model, X).tolist() == [[11.0, 42.0]]
    model.parts.append(np.ones(2))
    assert f(model, X).tolist() == [[12.0, 44.0]]


def test_other_arguments_and_threads() -> None:
    """Rows, dtypes, containers and the number of threads may differ from call to call."""
    f, model = cr.jit(lambda model, x: model(x)), dense()
    model.weight[:] = 1.0
    before = cr.get_num_threads()
    try:
        for threads in (1, 2, 1):
            cr.set_num_threads(threads)
            for _ in range(3):
                assert f(model, X) == 3.0
            assert f(model, np.ones((3, 2), np.float32)).tolist() == [[2.0]] * 3
            assert f(model, X.astype(np.float64)).dtype == np.float64
            assert f(model, x=X) == 3.0
    finally:
        cr.set_num_threads(before)


def test_other_trees_come_again_and_again() -> None:
    """A tuple and a dict of arrays, the same object each time, are read anew."""
    f = cr.jit(lambda pair, x: pair[0] * x + pair[1])
    pair = (np.array([1.0, 2.0]), np.ones(2))
    g, table = cr.jit(lambda table, x: table["a"] * x), {"a": np.ones(2)}
    for k in range(4):
        pair[1][:] = k
        table["a"] = np.full(2, float(k))
        assert f(pair, np.ones(2)).tolist() == [1.0 + k, 2.0 + k]
        assert g(table, np.ones(2)).tolist() == [k, k]
