"""Reverse mode on plain arrays: large ones in blocks and in place, and values that are let go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.autodiff.reverse import reverse
from chainrule.graph.node import Node, constant
from chainrule.graph.released import ReleasedNode
from chainrule.graph.watching import LARGE
from chainrule.transforms.differentiating.traced_call import TracedCall

N = 2 * LARGE + 77  # blocks, and a part of one


def mixed(x: Any) -> Any:
    y = np.exp(-x * x) + np.tanh(x) * x
    z = np.log(1.0 + y * y) / (2.0 + x) - np.maximum(x, 0.1)
    return np.sum(np.sqrt(z * z + 1.0) * z + x)


def sliced(x: Any) -> Any:
    a = x[1:] - x[:-1]
    return np.sum(a * a) + np.sum(x[::-2] ** 3) + np.sum(x)


def broadcast(x: Any) -> Any:
    m = x.reshape(7, -1)
    return np.sum(np.tanh(m * m[0] + m[:, :1]) * m.T.copy().T) + np.sum(m, axis=0)[0]


def products(x: Any) -> Any:
    m = x[: 128 * 128].reshape(128, 128)
    return np.sum(np.tanh(m @ m / 16.0) @ m.T)


@pytest.mark.parametrize("f", [mixed, sliced, broadcast, products])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_large_arrays_have_the_gradient_of_the_graph(f: Callable[[Any], Any], dtype: Any) -> None:
    """And neither the argument nor a cotangent of the caller is written."""
    x = np.random.default_rng(0).uniform(-0.9, 0.9, N // 7 * 7).astype(dtype)
    before = x.copy()
    seed = np.array(2.0, dtype)
    value, pullback = cr.vjp(f, x)
    first, second = pullback(seed)[0], pullback(seed)[0]
    traced = TracedCall(f, (x,), [0], {})
    (by_graph,) = reverse(traced.outputs, traced.inputs, [constant(seed)])
    tolerance = 1e-12 if dtype is np.float64 else 1e-4
    np.testing.assert_allclose(first, by_graph.value, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(x, before)
    assert not np.shares_memory(first, second) and first.dtype == dtype and seed == 2.0
    np.testing.assert_allclose(value, f(x), rtol=1e-6)


def test_one_cotangent_for_two_inputs_is_not_overwritten_by_either() -> None:
    """x + y passes one array on twice; what follows from it in place must not reach the other."""
    x, y = np.linspace(0.0, 1.0, N), np.linspace(1.0, 2.0, N)

    def f(x: Any, y: Any) -> Any:
        both = x * 2.0 + y * 3.0
        return np.sum((both + both) * np.sin(both))

    both = 2.0 * x + 3.0 * y
    slope = 2.0 * np.sin(both) + 2.0 * both * np.cos(both)
    by_x, by_y = cr.grad(f, argnums=(0, 1))(x, y)
    np.testing.assert_allclose(by_x, 2.0 * slope, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(by_y, 3.0 * slope, rtol=1e-12, atol=1e-12)


def test_values_that_no_rule_reads_are_let_go() -> None:
    """Of ``tanh(1.1 x + 0.1) - 0.05`` only the tanh stays; asked, the others are what they were."""

    def f(x: Any) -> Any:
        for _ in range(6):
            x = np.tanh(x * 1.1 + 0.1) - 0.05
        return np.sum(x)

    x = np.linspace(-1.0, 1.0, N)
    path = TracedCall(f, (x,), [0], {}).active_nodes
    released = [node.primitive.name for node in path if type(node) is ReleasedNode]
    assert {name: released.count(name) for name in ("mul", "add", "sub", "tanh")} == {
        "mul": 6, "add": 6, "sub": 4, "tanh": 0,
    }  # fmt: skip
    expected = x
    for node in path[:12]:
        number = node.inputs[1].value if len(node.inputs) == 2 else None
        names = {"mul": np.multiply, "add": np.add, "sub": np.subtract}
        name = node.primitive.name
        expected = np.tanh(expected) if name == "tanh" else names[name](expected, number)
    np.testing.assert_array_equal(path[11].value, expected)
    assert type(path[11]) is Node


def test_a_value_that_the_function_still_has_is_not_let_go() -> None:
    """It may be read later: by a rule, by the caller, or to branch on."""
    stored: list[Any] = []

    def f(x: Any) -> Any:
        y = x + 1.0
        stored.append(y)
        z = np.tanh(y * 2.0) + 3.0
        return np.sum(z - 1.0) if np.all(y > 0.0) else np.sum(z)

    x = np.linspace(0.0, 1.0, N)
    traced = TracedCall(f, (x,), [0], {})
    assert type(stored[0].node) is Node
    np.testing.assert_array_equal(stored[0].node.value, x + 1.0)
    np.testing.assert_allclose(
        traced.pullback([np.float64(1.0)])[0], 2.0 / np.cosh(2.0 * x + 2.0) ** 2, rtol=1e-9
    )


def test_second_derivatives_of_large_arrays() -> None:
    """Values that the first derivative's rules alone read are there for the second."""
    x = np.linspace(-1.0, 1.0, N)

    def slope(x: Any) -> Any:
        return np.sum(cr.grad(lambda x: np.sum(np.tanh(x * 2.0 + 0.5) - 1.0))(x) * x)

    u = 2.0 * x + 0.5
    expected = 2.0 / np.cosh(u) ** 2 - 8.0 * x * np.tanh(u) / np.cosh(u) ** 2
    np.testing.assert_allclose(cr.grad(slope)(x), expected, rtol=1e-9, atol=1e-12)
