"""Arrays that a loop or branch changes where they lie: drawn programs, and what is copied."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from math import prod
from typing import Any

import numpy as np
import pytest
from fuzz_graphs import shared
from stages import scheduled
from unoptimised import unoptimised
from writing_programs import (
    STATEMENTS,
    TURNS,
    A,
    B,
    State,
    Statement,
    crossed,
    drawn_loop,
    forked,
    mixed,
    old_value,
    reversed_rows,
    two_from_one,
    uniform,
    whole,
)  # fmt: skip

import chainrule as cr
from chainrule.backends.llvm.instructions.base import walk
from chainrule.backends.llvm.instructions.elementwise import Elementwise
from chainrule.config import configured


def check(seed: int) -> None:
    f = drawn_loop(seed)
    with configured(backend="numpy"):
        expected = cr.tree.leaves(cr.jit(f)(A, B))
    before = A.copy(), B.copy()
    with nullcontext() if seed % 4 else shared():
        results = cr.tree.leaves(cr.jit(f)(A, B))
    for found, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12, err_msg=f"seed {seed}")
    np.testing.assert_array_equal((A, B)[0], before[0])
    np.testing.assert_array_equal((A, B)[1], before[1])


@pytest.mark.parametrize("part", range(2))
def test_drawn_programs(part: int) -> None:
    """30 loops over arrays that are read and written in several ways; arguments stay.

    Of each fourth one three threads share what they can.
    """
    for seed in range(15 * part, 15 * part + 15):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_many_drawn_programs(part: int) -> None:
    """80 more, of which the code is not optimised."""
    with unoptimised():
        for seed in range(1000 + 40 * part, 1040 + 40 * part):
            check(seed)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_each_statement_is_numpys(statement: Statement) -> None:
    """The same statements on plain arrays, in Python's own loop."""

    def step(i: Any, state: State) -> State:
        a, b, s = statement(i, state)
        return a, b, np.tanh(s)

    state: State = (A.copy(), B.copy(), np.float64(0.3))
    for i in range(TURNS):
        state = step(i, state)
    found = cr.jit(lambda a, b: cr.fori_loop(0, TURNS, step, (a, b, 0.3)))(A, B)
    for x, y in zip(found, state, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)


def copies(f: Callable[..., Any], *arguments: Any) -> int:
    """How many loop nests inside loops write as many numbers as the first argument has."""
    instructions = scheduled(f, *arguments).instructions
    inner = {step for loop in walk(instructions) for body in loop.bodies() for step in walk(body)}
    return sum(
        isinstance(step, Elementwise) and prod(step.domain) >= arguments[0].size for step in inner
    )


NEED_A_COPY = (old_value, whole, reversed_rows, crossed, forked, mixed, uniform, two_from_one)
IN_PLACE = [statement for statement in STATEMENTS if statement not in NEED_A_COPY]


@pytest.mark.parametrize("statement", IN_PLACE)
def test_nothing_is_copied(statement: Statement) -> None:
    """However large an array is, a turn takes as long as what it writes."""

    def f(a: Any) -> Any:
        return cr.fori_loop(0, TURNS, lambda i, c: statement(i, c), (a, B, 0.3))

    assert copies(f, A) == 0
