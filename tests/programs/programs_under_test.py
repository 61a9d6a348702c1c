"""Programs of packages on PyPI, called as their users call them, and what must hold for each.

A file of tests is about one field: it asks for its packages by `require` (which skips the file
where one is not installed), lists its programs, and has its tests from `program_tests`, which
hold each to `right_eagerly`, `right_or_refused` (under `jit`) and, where it is cheap,
`right_twice`. To run them all:
``pip install '.[programs]'; pytest tests/programs``.
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from central_differences import along, assert_close

import chainrule as cr
from chainrule.errors import ChainruleError, FrozenRandomWarning, GradientWarning

# What refusals say: a choice by values that `jit` does not know, and numbers that are asked for
BRANCHES = "a truth value needs the numbers"
PLAIN = "asked for the plain number"


@dataclass(frozen=True)
class Program:
    """A function of arrays (or numbers), and the point where it is differentiated.

    `refused` and `refused_under_jit` are what the message of the refusal says, where there is one;
    `step` and `rtol` are those of the central differences, which alone limit the accuracy;
    `both_modes` is how far these may be apart: solvers choose other steps in each;
    `twice` says whether the gradient of the gradient is looked at.
    """

    name: str
    run: Callable[..., Any]
    at: tuple[Any, ...]
    refused: str = ""
    refused_under_jit: str = ""
    twice: bool = True
    refused_twice: str = ""
    step: float = 1e-5
    rtol: float = 1e-6
    both_modes: float = 1e-10


def require(*packages: str) -> None:
    """Skip the file that calls this, unless all the packages can be imported."""
    for name in packages:
        with quiet():
            try:
                importlib.import_module(name)
            except ImportError as error:
                reason = f"{error}: pip install '.[programs]' brings it"
                pytest.skip(reason, allow_module_level=True)


@contextmanager
def quiet() -> Iterator[None]:
    """The warnings of packages are their own business; those of chainrule are errors."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for category in (GradientWarning, FrozenRandomWarning):
            warnings.simplefilter("error", category)
        yield


def _flat(result: Any) -> Any:
    """All the numbers of a result in one array."""
    return np.concatenate([np.ravel(leaf) for leaf in cr.tree.leaves(result)])


def _values(program: Program) -> list[Any]:
    return [np.array(x, dtype=float) if np.ndim(x) else float(x) for x in program.at]


def _loss(program: Program) -> Callable[..., Any]:
    """A number: the program's, or a weighted sum of its results."""

    def loss(*xs: Any) -> Any:
        leaves = cr.tree.leaves(program.run(*xs))
        draw = np.random.default_rng(5)
        return sum(np.sum(draw.uniform(0.5, 1.5, np.shape(leaf)) * leaf) for leaf in leaves)

    return loss


def _gradient(program: Program) -> Callable[..., Any]:
    return cr.grad(_loss(program), argnums=tuple(range(len(program.at))))


def _slopes(f: Callable[..., Any], xs: list[Any], step: float) -> list[Any]:
    """Central differences by each number of each argument."""
    slopes = []
    for k, x in enumerate(xs):
        slope = np.zeros(np.shape(x))
        for index in np.ndindex(np.shape(x)):
            unit = np.zeros(np.shape(x))
            unit[index] = 1.0
            size = step * max(1.0, abs(float(np.asarray(x)[index])))
            directions = [unit if j == k else None for j in range(len(xs))]
            slope[index] = along(_plainly(f, xs), xs, directions, size)
        slopes.append(slope)
    return slopes


def _plainly(f: Callable[..., Any], like: list[Any]) -> Callable[..., Any]:
    """f of what its users give it: numbers where there were numbers, arrays of their own else."""

    def plain(*xs: Any) -> Any:
        return f(*[np.array(x) if np.ndim(y) else float(x) for x, y in zip(xs, like, strict=True)])

    return plain


def _assert_all_close(actual: Any, expected: list[Any], rtol: float) -> None:
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert_close(a, e, rtol)


@contextmanager
def _refusal(message: str) -> Iterator[None]:
    """What is refused is refused clearly: by an error of chainrule's, with these words."""
    with pytest.raises(ChainruleError) as refusal:
        yield
    assert re.search(message, str(refusal.value)), str(refusal.value)


def right_eagerly(program: Program) -> None:
    """The plain call's numbers; the gradient is the slope, in both modes."""
    with quiet():
        expected = _flat(program.run(*_values(program)))
        if program.refused:
            with _refusal(program.refused):
                _gradient(program)(*_values(program))
            return
        assert np.all(np.isfinite(expected))
        value, _ = cr.vjp(program.run, *_values(program))
        np.testing.assert_allclose(_flat(value), expected, rtol=1e-12, atol=1e-12)
        gradient = _gradient(program)(*_values(program))
        slopes = _slopes(_loss(program), _values(program), program.step)
        assert any(np.any(slope) for slope in slopes)
        _assert_all_close(gradient, slopes, program.rtol)
        draw = np.random.default_rng(3)
        tangents = [draw.uniform(-1.0, 1.0, np.shape(x)) for x in program.at]
        _, pushed = cr.jvp(_loss(program), _values(program), tangents)
        pulled = sum(np.sum(g * t) for g, t in zip(gradient, tangents, strict=True))
        assert_close(pushed, pulled, program.both_modes)


def right_or_refused(program: Program) -> None:
    """Under `jit` the same numbers and gradients as without it, or a refusal."""
    with quiet():
        expected = _flat(program.run(*_values(program)))
        if program.refused or program.refused_under_jit:
            with _refusal(program.refused_under_jit or program.refused):
                cr.jit(_gradient(program))(*_values(program))
            return
        value = cr.jit(program.run)(*_values(program))
        np.testing.assert_allclose(_flat(value), expected, rtol=1e-9, atol=1e-9)
        gradient = cr.jit(_gradient(program))(*_values(program))
        _assert_all_close(gradient, list(_gradient(program)(*_values(program))), 1e-8)


def right_twice(program: Program) -> None:
    """The gradient of the gradient along a direction is the slope of the gradient."""
    if program.refused or not program.twice:
        return
    draw = np.random.default_rng(4)
    directions = [draw.uniform(-1.0, 1.0, np.shape(x)) for x in program.at]

    def along_direction(*xs: Any) -> Any:
        return sum(np.sum(g * d) for g, d in zip(_gradient(program)(*xs), directions, strict=True))

    curvature = cr.grad(along_direction, argnums=tuple(range(len(program.at))))
    with quiet():
        if program.refused_twice:
            with _refusal(program.refused_twice):
                curvature(*_values(program))
            return
        expected = _slopes(along_direction, _values(program), program.step)
        _assert_all_close(curvature(*_values(program)), expected, 10 * program.rtol)


def program_tests(programs: list[Program]) -> tuple[Any, Any, Any]:
    """The tests of a file: each program eagerly, under `jit`, and twice."""
    each = pytest.mark.parametrize("program", programs, ids=[p.name for p in programs])

    @each
    def test_eagerly(program: Program) -> None:
        """Values, gradients and tangents are those of the plain program."""
        right_eagerly(program)

    @each
    def test_compiled(program: Program) -> None:
        """Under jit the numbers are the same, or it is refused."""
        right_or_refused(program)

    @each
    def test_twice(program: Program) -> None:
        """Second derivatives are the slopes of the first."""
        right_twice(program)

    return test_eagerly, test_compiled, test_twice
