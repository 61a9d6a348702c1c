"""Instructions that repeat are functions of their operands: the same bits, and less code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from fuzz_graphs import graph_of, shared
from stages import scheduled

import chainrule as cr
from chainrule.backends import BACKENDS
from chainrule.backends.llvm.codegen import outlining
from chainrule.backends.llvm.emit.module import emit
from chainrule.config import configured
from chainrule.simplify import simplify

X = np.linspace(-1.0, 1.0, 100)
LIMITS = {"MANY_LINES": 0, "VERY_MANY_LINES": 0, "SMALL": 0.0, "SHORT": 0.0, "OFTEN": 1}


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """A function that has everything outlined, or nothing."""

    def set_limits(everything: bool) -> None:
        for name, value in LIMITS.items():
            monkeypatch.setattr(outlining, name, value if everything else 10**9)

    return set_limits


@contextmanager
def one_thread() -> Iterator[None]:
    with configured(num_threads=1, cache=0):
        yield


def sines(n: int) -> Callable[..., Any]:
    """Sines of sines, in two kinds that alternate."""

    def f(x: Any) -> Any:
        for k in range(n):
            x = np.sin(x) if k % 2 else np.cos(x * 0.5)
        return np.sum(x)

    return cr.grad(f)


def outputs(graph: Any, arguments: list[Any]) -> list[bytes]:
    with np.errstate(all="ignore"):
        results = BACKENDS["llvm"].compile(graph)(arguments)
    return [np.asarray(x).tobytes() for x in results]


@pytest.mark.parametrize("around", [one_thread, shared])
@pytest.mark.parametrize("count", [6, pytest.param(20, marks=pytest.mark.slow)])
def test_outlined_code_has_the_same_bits(
    count: int, around: Callable[..., Any], limits: Callable[[bool], None]
) -> None:
    """Random graphs with loops and branches, by one thread, and with all that is possible shared
    among three.
    """
    with around():
        for seed in range(count):
            graph, arguments = graph_of(seed)
            simple = simplify(graph)
            limits(False)
            expected = outputs(simple, arguments)
            limits(True)
            assert expected == outputs(simple, arguments), seed


@pytest.mark.parametrize("around", [one_thread, shared])
def test_sections_have_the_same_bits(
    around: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function for each instruction, also of bodies, and where NumPy computes in between."""
    with around():
        for seed in range(1, 19, 3):
            graph, arguments = graph_of(seed)
            simple = simplify(graph)
            monkeypatch.setattr(outlining, "SECTION_LINES", 10**9)
            expected = outputs(simple, arguments)
            monkeypatch.setattr(outlining, "SECTION_LINES", 0)
            assert expected == outputs(simple, arguments), seed


def test_an_error_ends_all_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after a computation by NumPy that failed does not run."""

    def f(x: Any) -> Any:
        y = np.linalg.cholesky(x)
        return np.linalg.inv(y) + np.exp(y) @ y

    monkeypatch.setattr(outlining, "SECTION_LINES", 0)
    with one_thread():
        compiled = cr.jit(f)
        for _ in range(2):
            np.testing.assert_allclose(compiled(np.eye(30)), f(np.eye(30)), rtol=1e-12)
            with pytest.raises(np.linalg.LinAlgError):
                compiled(-np.eye(30))


def test_views_of_one_buffer_stay_apart(limits: Callable[[bool], None]) -> None:
    """Rows of one argument, and one result that is written piece by piece."""

    def f(x: Any) -> Any:
        rows = [np.exp(x[k] - x[k + 1]) * x[k + 1] for k in range(5)]
        return np.concatenate([*rows, rows[0] + rows[4]])

    x = np.random.default_rng(0).normal(size=(6, 40))
    with one_thread():
        limits(True)
        np.testing.assert_allclose(cr.jit(f)(x), f(x), rtol=1e-14)


def test_code_does_not_grow_with_what_repeats() -> None:
    """Twice as many operations are more entries of a table, and not more functions."""
    with one_thread(), configured(reroll=0):
        texts = [emit(scheduled(sines(n), X)).text for n in (96, 192)]
    functions = [text.count("\ndefine ") for text in texts]
    assert functions[0] == functions[1] >= 3
    lines = [text.count("\n") for text in texts]
    assert lines[1] - lines[0] < 0.1 * lines[0]
    sizes = [text.count("{ ptr, i64 } {") for text in texts]
    assert sizes[1] > 1.8 * sizes[0] > 0


def test_short_programs_have_one_function(limits: Callable[[bool], None]) -> None:
    """What fits into one is what it was: values stay in registers."""
    with one_thread(), configured(reroll=0):
        schedule = scheduled(sines(4), X)
        text = emit(schedule).text
        assert "@calls0" not in text and text.count("\ndefine ") == 1
        limits(False)
        assert emit(schedule).text == text


def test_the_same_module_each_time() -> None:
    """Names follow from the order of instructions."""
    with one_thread(), configured(reroll=0):
        one, other = (emit(scheduled(sines(60), X)).text for _ in range(2))
    assert "@calls0" in one and one == other


def test_different_constants_are_different_code(limits: Callable[[bool], None]) -> None:
    """0 and -0, 1 and True: equal for Python, and not the same."""

    def f(x: Any) -> Any:
        return np.copysign(1.0, x * 0.0), np.copysign(1.0, x * -0.0), x * 2.0, x * 3.0

    x = np.full(40, 2.0)
    with one_thread():
        limits(True)
        for a, b in zip(cr.jit(f)(x), f(x), strict=True):
            np.testing.assert_array_equal(a, b)
