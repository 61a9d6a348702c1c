"""An operand that is padded at several positions is written once, with the same bits."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.evaluate import evaluate
from chainrule.graph.graph import Graph
from chainrule.graph.node import Node, input_node
from chainrule.graph.types import Type
from chainrule.primitives.elementwise import add, mul
from chainrule.primitives.structure import pad
from chainrule.simplify.shared_pads import shared_pads


def padded(x: Node, shape: tuple[int, ...], *starts: int) -> Node:
    index = tuple(slice(k, k + n) for k, n in zip(starts, x.shape, strict=True))
    result: Node = pad(x, shape=shape, index=index)
    return result


def names(graph: Graph) -> list[str]:
    return [node.primitive.name for node in graph.nodes]


def test_one_array_for_all_positions() -> None:
    """Zeros of both signs, nan and infinity come out at each position as they did before."""
    x = input_node(Type((16, 17), np.dtype(np.float64)))
    terms = [padded(x, (18, 19), *at) for at in ((0, 1), (1, 0), (2, 1), (1, 2))]
    terms = [mul(term, term) for term in terms]
    total = add(add(terms[0], terms[1]), add(terms[2], terms[3]))
    graph = Graph((x,), (total, padded(x, (18, 19), 1, 1)))
    shared = shared_pads(graph)
    assert names(graph).count("pad") == 5
    assert names(shared).count("pad") == 1
    assert names(shared).count("slice") == 5
    values = np.random.default_rng(0).normal(size=(16, 17))
    values[0, :5] = [0.0, -0.0, np.nan, np.inf, -np.inf]
    for before, after in zip(evaluate(graph, [values]), evaluate(shared, [values]), strict=True):
        assert before.tobytes() == after.tobytes()


def test_what_is_left_alone() -> None:
    """Positions far apart, numbers that are not beside each other, and other shapes."""
    x = input_node(Type((10,), np.dtype(np.float32)))
    far = [padded(x, (100,), 0), padded(x, (100,), 90)]
    apart = [pad(x, shape=(21,), index=(slice(k, k + 20, 2),)) for k in (0, 1)]
    other = [padded(x, (11,), 0), padded(x, (12,), 1)]
    graph = Graph((x,), (*far, *apart, *other))
    assert shared_pads(graph) is graph


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.bool_])
def test_native_borders(dtype: type) -> None:
    """Only the borders of large arrays are filled: at no, one or both ends of each axis."""
    rng = np.random.default_rng(1)
    for widths in product([(0, 0), (1, 0), (0, 2), (3, 1)], repeat=2):
        x = rng.integers(0, 2, (3, 23, 41)).astype(dtype)
        pads = ((0, 0), *widths)
        result = cr.jit(lambda x, pads=pads: np.pad(x, pads))(x)
        np.testing.assert_array_equal(result, np.pad(x, pads), strict=True)


def test_the_gradient_of_a_stencil() -> None:
    """A step of the heat equation in a scan, beside the transpose of its matrix, in float64."""
    n, steps = 40, 5
    rng = np.random.default_rng(2)
    u, weights = rng.normal(size=(2, n, n))

    def step(u: np.ndarray, _: None) -> tuple[np.ndarray, None]:
        around = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2]
        return np.pad(u[1:-1, 1:-1] + 0.2 * (around - 4 * u[1:-1, 1:-1]), 1), None

    @cr.jit
    def slope(u: np.ndarray) -> np.ndarray:
        return cr.grad(lambda u: np.sum(weights * cr.scan(step, u, None, length=steps)[0]))(u)

    expected = weights
    for _ in range(steps):
        inner, expected = expected[1:-1, 1:-1], np.zeros((n, n))
        expected[1:-1, 1:-1] += 0.2 * inner
        for rows, columns in ((2, 1), (0, 1), (1, 2), (1, 0)):
            expected[rows : rows + n - 2, columns : columns + n - 2] += 0.2 * inner
    np.testing.assert_allclose(slope(u), expected, rtol=1e-12, atol=1e-14)
