"""Donated arguments: results in their memory, the numbers of the plain function, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from writing_programs import A, B, drawn_step

import chainrule as cr
from chainrule.config import configured
from chainrule.errors import UnsupportedError


def write(rows: Any, i: Any, x: Any) -> Any:
    rows[i] = x
    return rows, np.sum(rows)


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_the_result_is_the_array_that_was_given(backend: str) -> None:
    with configured(backend=backend):
        f = cr.jit(write, donate_argnums=0)
        rows = np.zeros(5)
        for k in range(4):
            same, total = f(rows, k, 1.5)
            assert same is rows
            assert total == 1.5 * (k + 1)
    assert rows.tolist() == [1.5, 1.5, 1.5, 1.5, 0.0]


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_drawn_steps(backend: str) -> None:
    """A tree of arrays, in turn donated, against the function itself."""
    for seed in range(60, 90):
        step = drawn_step(np.random.default_rng(seed))

        def function(state: Any, i: Any, step: Any = step) -> Any:
            a, b, s = step(i, (*state, np.float64(0.3)))
            return (a, b), (s, b * 2.0)

        with configured(backend="numpy"):
            plain = cr.jit(function)
            state: Any = (A, B)
            expected = []
            for i in range(3):
                state, result = plain(state, i)
                expected += [*state, *result]
        found = []
        with configured(backend=backend):
            donating = cr.jit(function, donate_argnums=(0,))
            state = (A.copy(), B.copy())
            for i in range(3):
                state, result = donating(state, i)
                found += [*(x.copy() for x in state), *result]
        for x, y in zip(found, expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-12, err_msg=f"seed {seed}")


def test_arrays_that_change_places() -> None:
    """The first result of a type takes the first array of that type, whatever it came from."""
    swap = cr.jit(lambda x, y: (y, x + 0.0, np.sum(x)), donate_argnums=(0, 1))
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    first, second, total = swap(x, y)
    assert first is x and second is y and total == 3.0
    assert (x.tolist(), y.tolist()) == ([3.0, 4.0], [1.0, 2.0])


def test_numbers_and_other_types_are_not_donated() -> None:
    with pytest.warns(UserWarning, match=r"takes the memory of these donated arrays: f64\[3\]$"):
        result = cr.jit(lambda x, n: (np.sum(x), n + 1), donate_argnums=(0, 1))(np.ones(3), 2)
    assert result == (3.0, 3)


BASE = np.zeros((3, 4))
FROZEN = np.zeros(5)
FROZEN.setflags(write=False)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (FROZEN, "read-only"), (np.asfortranarray(np.ones((2, 5)))[0], "C-contiguous|a view"),
        (BASE[1], "is a view"),
    ],
)  # fmt: skip
def test_refused(rows: Any, told: str) -> None:
    def f(rows: Any) -> Any:
        return rows * 2.0

    with pytest.raises(UnsupportedError, match=f"donated argument .*({told}).*give a copy"):
        cr.jit(f, donate_argnums=0)(rows)


def test_memory_that_another_argument_shares() -> None:
    x = np.ones(4)
    f = cr.jit(lambda x, y: x + y, donate_argnums=0)
    for other in (x, x[:], x[::-1]):
        with pytest.raises(UnsupportedError, match="shares memory with another argument"):
            f(x, other)
    assert f(x, np.ones(4)).tolist() == [2.0] * 4


def test_inside_another_trace_nothing_is_overwritten() -> None:
    f = cr.jit(lambda x: np.sin(x), donate_argnums=0)
    x = np.array([0.3, -0.4])
    np.testing.assert_allclose(cr.grad(lambda x: np.sum(f(x) * x))(x), np.cos(x) * x + np.sin(x))
    assert x.tolist() == [0.3, -0.4]


def test_not_with_static_arguments() -> None:
    with pytest.raises(TypeError, match="and not both"):
        cr.jit(write, donate_argnums=0, static_argnums=1)
    with pytest.raises(TypeError, match="see bind"):
        cr.jit(write, donate_argnums=0).compile(np.zeros(3), 0, 1.0)
