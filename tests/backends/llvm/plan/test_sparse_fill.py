"""Arrays that a loop fills once, and sets back where it changed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np
import pytest
from stages import scheduled

import chainrule as cr
from chainrule.backends.llvm.debug.plan_text import plan_text
from chainrule.backends.llvm.instructions.base import walk
from chainrule.backends.llvm.instructions.elementwise import Elementwise
from chainrule.backends.llvm.instructions.for_loop import ForLoop
from chainrule.backends.llvm.instructions.scatter import Scatter
from chainrule.config import configured

ROWS, WIDTH, TURNS = 40, 5, 7
rng = np.random.default_rng(0)
W = rng.normal(size=(ROWS, WIDTH))
CODES = rng.integers(-ROWS, ROWS, (TURNS, 6))
VALUES = rng.normal(size=(TURNS, 6, WIDTH))


def added(w: Any, codes: Any, values: Any) -> Any:
    """A gradient of few rows, and a step along it; one row often twice."""
    g = np.zeros_like(w)
    np.add.at(g, codes, values * w[0])
    return w - g * g - 0.1 * g


def written(w: Any, codes: Any, values: Any) -> Any:
    """Written instead of added, onto another number than 0, at single places."""
    g = np.full_like(w, -0.5)
    g[codes, codes % WIDTH] = values[:, 0]
    return w + np.cumsum(g, axis=0)


def both(w: Any, codes: Any, values: Any) -> Any:
    """Two of them, of which one counts."""
    seen = np.zeros_like(w[:, 0])
    np.add.at(seen, codes, 1.0)
    return added(w, codes, values) / (1.0 + seen[:, None])


def looped(step: Callable[..., Any]) -> Callable[..., Any]:
    """As many steps as there are rows of codes."""

    def run(w: Any, codes: Any, values: Any) -> Any:
        return cr.scan(lambda w, row: (step(w, *row), w[1]), w, (codes, values))

    return run


def with_numpy(step: Callable[..., Any]) -> Any:
    """What plain NumPy computes."""
    w, rows = W, []
    for codes, values in zip(CODES, VALUES, strict=True):
        rows.append(w[1])
        w = step(w, codes, values)
    return w, np.stack(rows)


def fills_of_iterations(f: Callable[..., Any], *arguments: Any) -> int:
    """How many of the arrays that are scattered to are filled in each iteration."""
    schedule = scheduled(f, *arguments)
    (loop,) = [step for step in schedule.instructions if isinstance(step, ForLoop)]
    body = list(walk(loop.body))
    scatters = [step for step in body if isinstance(step, Scatter)]
    assert scatters, plan_text(schedule)
    targets = {step.target.buffer for step in scatters}
    return sum(
        isinstance(step, Elementwise)
        and any(a.writes and a.buffer in targets for a in step.accesses())
        for step in body
    )


@pytest.fixture(autouse=True, params=[1, 2])
def _threads(request: Any) -> Iterator[None]:
    with configured(num_threads=request.param, cache=0):
        yield


@pytest.mark.parametrize("step", [added, written, both])
def test_filled_once(step: Callable[..., Any]) -> None:
    """Not in each turn; and the numbers are NumPy's, at every call."""
    run = looped(step)
    assert fills_of_iterations(run, W, CODES, VALUES) == 0
    compiled = cr.jit(run)
    for _ in range(2):
        for found, expected in zip(compiled(W, CODES, VALUES), with_numpy(step), strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_loops_in_loops() -> None:
    """The inner one fills once for each turn of the outer one."""

    def outer(w: Any, codes: Any, values: Any) -> Any:
        return cr.scan(lambda w, _: looped(added)(w, codes, values), w, None, length=2)[0]

    expected = W
    for _ in range(2):
        for codes, values in zip(CODES, VALUES, strict=True):
            expected = added(expected, codes, values)
    np.testing.assert_allclose(cr.jit(outer)(W, CODES, VALUES), expected, rtol=0, atol=1e-11)


def test_indices_that_have_changed_by_the_end_of_the_turn() -> None:
    """A carry that is renewed in its place no longer says which rows were changed."""

    def step(state: Any, values: Any) -> Any:
        codes, total = state
        g = np.zeros_like(total)
        np.add.at(g, codes, values)
        return ((codes * 5 + 1) % ROWS, total + g * g), None

    def run(codes: Any, values: Any) -> Any:
        return cr.scan(step, (codes, W), values)[0][1]

    codes, expected = CODES[0], W
    for values in VALUES:
        (codes, expected), _ = step((codes, expected), values)
    np.testing.assert_allclose(cr.jit(run)(CODES[0], VALUES), expected, rtol=0, atol=1e-12)


def test_what_is_read_later_is_filled_anew() -> None:
    """As a carry, or as a row of the results."""

    def step(before: Any, row: Any) -> Any:
        g = np.zeros_like(before)
        np.add.at(g, row[0], row[1] + before[0])
        return g, g

    def run(codes: Any, values: Any) -> Any:
        return cr.scan(step, W, (codes, values))

    assert fills_of_iterations(run, CODES, VALUES) == 1
    last, every = cr.jit(run)(CODES, VALUES)
    before = W
    for k, row in enumerate(zip(CODES, VALUES, strict=True)):
        before, _ = step(before, row)
        np.testing.assert_allclose(every[k], before, rtol=0, atol=1e-12)
    np.testing.assert_allclose(last, before, rtol=0, atol=1e-12)


def test_many_places_are_filled_anew() -> None:
    """Setting back a quarter of the places costs more than filling all."""
    many = np.tile(CODES, (1, 2)), np.tile(VALUES, (1, 2, 1))
    assert fills_of_iterations(looped(added), W, *many) == 1


def test_what_is_read_where_it_was_changed_is_filled_there() -> None:
    """And nowhere else: what lies there from the call before is not seen."""

    def run(codes: Any, values: Any) -> Any:
        g = np.zeros((ROWS, WIDTH))
        np.add.at(g, codes, values)
        return g[codes] * 2.0

    written = [step.results() for step in walk(scheduled(run, CODES[0], VALUES[0]).instructions)]
    assert max(prod(view.shape) for views in written for view in views) == VALUES[0].size
    compiled = cr.jit(run)
    for codes, values in zip(CODES, VALUES, strict=True):
        np.testing.assert_allclose(compiled(codes, values), run(codes, values), rtol=1e-15)


def test_an_index_out_of_bounds_leaves_nothing_behind() -> None:
    """The turn breaks off; the next call begins with zeros."""
    compiled = cr.jit(looped(added))
    wrong = CODES.copy()
    wrong[3, -1] = ROWS
    for _ in range(2):
        with pytest.raises(IndexError, match="an index is out of bounds"):
            compiled(W, wrong, VALUES)
        found = compiled(W, CODES, VALUES)[0]
        np.testing.assert_allclose(found, with_numpy(added)[0], rtol=0, atol=1e-12)
