"""Sums of padded operands that overlap become pieces, with the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.evaluate import evaluate
from chainrule.graph.graph import Graph
from chainrule.graph.node import Node, input_node
from chainrule.graph.types import Type
from chainrule.primitives.elementwise import add
from chainrule.primitives.structure import pad
from chainrule.simplify import simplify

SPECIAL = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e300, 1e-300, 0.1, 0.2, 0.3, -0.1])


def names(graph: Graph) -> list[str]:
    return [node.primitive.name for node in graph.nodes]


def padded(x: Node, shape: tuple[int, ...], axis: int, start: int) -> Node:
    index = [slice(0, n) for n in shape]
    index[axis] = slice(start, start + x.shape[axis])
    result: Node = pad(x, shape=shape, index=tuple(index))
    return result


def added(terms: list[Node], rng: np.random.Generator) -> Node:
    """A sum of all terms in any order and grouping."""
    terms = list(terms)
    while len(terms) > 1:
        k = int(rng.integers(len(terms) - 1))
        terms[k : k + 2] = [add(terms[k], terms[k + 1])]
    return terms[0]


@pytest.mark.parametrize("seed", range(6))
def test_the_same_bits(seed: int) -> None:
    """Any operands anywhere, in any grouping, with zeros of both signs, nan and infinity."""
    rng = np.random.default_rng(seed)
    axis = seed % 2
    shape = (1200, 2) if axis == 0 else (2, 1200)
    inputs, terms = [], []
    starts = [0, *rng.integers(0, 600, 2).tolist()]
    for start in starts:
        length = int(rng.integers(600, 1200 - start + 1)) if start else 1200 - seed
        size = list(shape)
        size[axis] = length
        x = input_node(Type(tuple(size), np.dtype(float)))
        inputs.append(x)
        terms.append(padded(x, shape, axis, start))
    end = input_node(
        Type(tuple(3 if k == axis else n for k, n in enumerate(shape)), np.dtype(float))
    )
    inputs.append(end)
    terms.append(padded(end, shape, axis, 1197))
    if seed > 3:  # and an operand that is not padded
        whole = input_node(Type(shape, np.dtype(float)))
        inputs.append(whole)
        terms.append(whole)
    graph = Graph(tuple(inputs), (added(terms, rng),))
    simple = simplify(graph)
    assert "pad" not in names(simple)
    assert names(simple).count("concatenate") == 1
    arguments = [rng.choice(SPECIAL, x.shape) for x in inputs]
    with np.errstate(all="ignore"):
        (expected,), (actual,) = evaluate(graph, arguments), evaluate(simple, arguments)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(actual[numbers], expected[numbers])
    np.testing.assert_array_equal(np.signbit(actual[numbers]), np.signbit(expected[numbers]))


def test_what_stays() -> None:
    """Small sums, gaps, steps, and operands that are cut along two axes."""
    large = (2000,)

    def of(*terms: Any) -> list[str]:
        nodes = []
        inputs = []
        for shape, index, size in terms:
            x = input_node(Type(size, np.dtype(float)))
            inputs.append(x)
            nodes.append(pad(x, shape=shape, index=index))
        return names(simplify(Graph(tuple(inputs), (add(*nodes),))))

    first, last = (slice(0, 1500),), (slice(500, 2000),)
    assert "concatenate" in of((large, first, (1500,)), (large, last, (1500,)))
    gap = (slice(1600, 2000),)
    assert "pad" in of((large, first, (1500,)), (large, gap, (400,)))
    steps = (slice(0, 2000, 2),)
    assert "pad" in of((large, steps, (1000,)), (large, last, (1500,)))
    assert "pad" in of(((20,), (slice(0, 15),), (15,)), ((20,), (slice(5, 20),), (15,)))
    corner = (slice(0, 90), slice(0, 90))
    other = (slice(10, 100), slice(10, 100))
    assert "pad" in of(((100, 100), corner, (90, 90)), ((100, 100), other, (90, 90)))


def test_an_addend_that_is_broadcast_or_cast_stays() -> None:
    """It is no operand of the whole's type; the sum is right."""
    x, y = (input_node(Type((1500, 2), np.dtype(float))) for _ in range(2))
    column = input_node(Type((2000, 1), np.dtype(float)))
    single = input_node(Type((2000, 2), np.dtype(np.float32)))
    for other in (column, single):
        pads = add(padded(x, (2000, 2), 0, 0), padded(y, (2000, 2), 0, 500))
        graph = Graph((x, y, other), (add(pads, other),))
        simple = simplify(graph)
        arguments = [np.random.default_rng(1).normal(size=t.shape).astype(t.dtype)
                     for t in graph.input_types]  # fmt: skip
        np.testing.assert_array_equal(evaluate(simple, arguments), evaluate(graph, arguments))


def test_what_is_costly_is_not_computed_twice() -> None:
    """Sines that both operands read are computed once, by the loop that stores both."""

    def f(x: Any) -> Any:
        return np.sum(np.sin(x[:-1]) * np.cos(x[1:]) * np.exp(x[1:] * x[:-1]))

    graph = simplify(cr.make_graph(cr.grad(f))(np.ones(3000)))
    assert "pad" in names(graph)
    assert "concatenate" not in names(graph)


def test_gradients_of_differences_between_neighbours() -> None:
    """Nothing but the gradient is stored; its numbers are those of a formula."""

    def f(x: Any) -> Any:
        return np.sum((x[1:] - x[:-1]) ** 2) + np.sum(x[2:] * x[:-2])

    x = np.random.default_rng(0).normal(size=3000)
    expected = np.zeros(3000)
    expected[1:] += 2.0 * (x[1:] - x[:-1])
    expected[:-1] -= 2.0 * (x[1:] - x[:-1])
    expected[2:] += x[:-2]
    expected[:-2] += x[2:]
    np.testing.assert_allclose(cr.jit(cr.grad(f))(x), expected, rtol=1e-12, atol=1e-14)
    assert "pad" not in names(simplify(cr.make_graph(cr.grad(f))(x)))
