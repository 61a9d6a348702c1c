"""The warning for loops of Python whose iterations are compiled one by one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.config import configured
from chainrule.errors import PerformanceWarning
from chainrule.graph.graph import Graph
from chainrule.simplify.unrolled import warn_of_unrolled_loops

X = np.ones(3)


def unrolled(f: Callable[..., Any], *arguments: Any) -> Graph:
    with configured(reroll=0):
        return cr.jit(f).graph(*arguments)


def said(graph: Graph) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_unrolled_loops(graph)
    return caught


def chain(x: Any) -> Any:
    for _ in range(700):  # this line is named
        x = np.tanh(x) * 0.5 + x
    return x


def test_a_long_loop_is_named_once() -> None:
    """By the line of the loop, with the number of its operations; not again for other shapes."""
    line = chain.__code__.co_firstlineno + 1
    (warning,) = said(unrolled(chain, X))
    assert warning.category is PerformanceWarning
    assert Path(warning.filename).name == "test_unrolled.py" and warning.lineno == line
    assert str(warning.message).startswith(
        f"the loop at test_unrolled.py:{line} was unrolled into 2100 operations"
    )
    assert said(unrolled(chain, np.ones(4))) == []


def step(x: Any) -> Any:
    return np.sin(x) * 0.5 + np.cos(x)


def test_a_function_that_ran_many_times_is_named() -> None:
    """The operations are those of another function than the one with the loop."""

    def f(x: Any) -> Any:
        for _ in range(700):
            x = step(x)
        return x

    (warning,) = said(unrolled(f, X))
    line = step.__code__.co_firstlineno + 1
    assert str(warning.message).startswith(
        f"test_unrolled.py:{line} ran many times, and its work was unrolled into 2800 operations"
    )


def test_a_loop_in_a_body_is_named() -> None:
    """That of a scan that the user wrote around it."""

    def f(x: Any) -> Any:
        def body(x: Any, _: Any) -> Any:
            for _k in range(600):
                x = np.exp(-x) * 0.25 + np.abs(x)
            return x, None

        return cr.scan(body, x, None, length=3)[0]

    (warning,) = said(unrolled(f, X))
    assert "unrolled into" in str(warning.message)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: cr.fori_loop(0, 1000, lambda _, x: np.tanh(x), x),
        lambda x: sum([np.sin(x * k) for k in range(300)]),
    ],
)
def test_what_is_short_or_a_loop_is_not_named(f: Callable[..., Any]) -> None:
    """A loop that is compiled once, and a few hundred operations."""
    assert said(unrolled(f, X)) == []


def test_a_compiled_function_warns() -> None:
    """`jit` does so, if loops are not found again."""

    def f(x: Any) -> Any:
        for k in range(801):
            x = np.sin(x) * 0.5 + k
        return x

    with (
        configured(reroll=0, backend="numpy"),
        pytest.warns(PerformanceWarning, match="chainrule.scan"),
    ):
        cr.jit(f)(X)
