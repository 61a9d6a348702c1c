"""Native code of primitives that are declared by a formula alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.backends import BACKENDS
from chainrule.graph.node import Primitive
from chainrule.primitives import REGISTRY
from chainrule.primitives.declare import elementwise
from chainrule.simplify import simplify
from chainrule.trace.operands import record


@pytest.fixture
def declare() -> Iterator[Callable[..., Primitive]]:
    """Declare primitives that are gone after the test."""
    before = dict(REGISTRY)
    yield elementwise
    for name in REGISTRY.keys() - before.keys():
        del REGISTRY[name]


def program_of(primitive: Primitive, x: Any) -> Any:
    """A native program of one primitive."""
    graph = simplify(cr.make_graph(lambda x: record(primitive, x) * 2)(x))
    return BACKENDS["llvm"].compile(graph)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_formula_of_native_functions_is_native(
    declare: Callable[..., Primitive], dtype: Any
) -> None:
    """Inside the loop nest of what reads it; and NumPy's numbers."""
    bell = declare("bell", lambda xp, x: xp.where(x > 3.0, 0.5, xp.exp(-x * x) / (1.0 + x * x)))
    x = np.linspace(-4, 4, 37).astype(dtype)
    program = program_of(bell, x)
    assert not program.executable.numpy_calls
    (result,) = program([x])
    assert result.dtype == dtype
    np.testing.assert_allclose(result, 2 * bell(x), rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("formula", [
    lambda xp, x: xp.sinc(x),  # no native function
    lambda xp, x: xp.exp(x) ** 2,  # values have no power
    lambda xp, x: x > 0,  # not of the same dtype
])  # fmt: skip
def test_any_other_formula_is_computed_by_numpy(
    declare: Callable[..., Primitive], formula: Callable[..., Any]
) -> None:
    """Nothing fails for want of native code."""
    other = declare("other", formula)
    x = np.linspace(0.5, 4, 7)
    program = program_of(other, x)
    assert [call.node.primitive for call in program.executable.numpy_calls] == [other]
    np.testing.assert_array_equal(program([x])[0], 2 * other(x))


def test_whole_numbers_are_computed_by_numpy(declare: Callable[..., Primitive]) -> None:
    """The formula's functions are those of floats."""
    twice = declare("twice", lambda xp, x: x + x)
    x = np.arange(5)
    assert program_of(twice, x).executable.numpy_calls
    assert not program_of(twice, x * 1.0).executable.numpy_calls
