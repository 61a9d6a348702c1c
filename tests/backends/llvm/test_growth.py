"""The work of compiling grows with the number of operations, and no faster: calls are counted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.backends.llvm.emit.module import emit
from chainrule.backends.llvm.fuse.fusion import fuse
from chainrule.backends.llvm.plan.plan import plan
from chainrule.backends.llvm.schedule.schedule import schedule
from chainrule.config import configured
from chainrule.simplify import simplify


def recurrence(n: int) -> Callable[..., Any]:
    """A state of two numbers, written entry by entry, and a sum."""

    def f(p: Any) -> Any:
        y, total = np.array([1.0, 0.5]), 0.0
        for k in range(n):
            y = np.array([y[0] - p[0] * y[1], p[1] * np.tanh(y[0]) + 0.01 * k])
            total = total + y[0] * y[1]
        return total

    return cr.grad(f)


def layers(n: int) -> Callable[..., Any]:
    """Matrices that differ from layer to layer."""

    def f(w: Any) -> Any:
        x = np.ones((3, 5))
        for k in range(n):
            x = np.tanh(x @ w[k] + k)
        return np.sum(x)

    return cr.grad(f)


def calls(function: Callable[[], Any]) -> tuple[int, Any]:
    """How many calls of functions of Python and C a function takes, and its result."""
    count = 0

    def profile(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        result = function()
    finally:
        sys.setprofile(before)
    return count, result


def work_of(program: Callable[..., Any], argument: Any) -> dict[str, int]:
    """The calls of each stage."""
    counts: dict[str, int] = {}
    counts["trace"], value = calls(lambda: cr.jit(program).graph(argument))
    for stage in (simplify, fuse, plan, schedule, emit):
        counts[stage.__name__], value = calls(lambda stage=stage, before=value: stage(before))
    return counts


CASES = {
    "recurrence": lambda n: (recurrence(n), np.array([0.3, 0.2])),
    "layers": lambda n: (layers(n), np.full((n, 5, 5), 0.1)),
}


@pytest.mark.parametrize("name", CASES)
def test_twice_as_many_operations_are_twice_the_work(name: str) -> None:
    """Less than 2.3 times as many calls, in each stage."""
    with configured(reroll=0, num_threads=1):
        work_of(*CASES[name](4))  # what is loaded and computed once
        small, large = (work_of(*CASES[name](n)) for n in (30, 60))
    assert {stage: large[stage] / small[stage] for stage in small if
            large[stage] > 2.3 * small[stage]} == {}  # fmt: skip
