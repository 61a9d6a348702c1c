"""Reverse and forward mode on graphs: what is visited, accumulated, told and left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.autodiff.forward import forward
from chainrule.autodiff.reverse import active_nodes, needs_graph, reverse
from chainrule.errors import GradientError
from chainrule.graph.evaluate import evaluate
from chainrule.graph.graph import Graph
from chainrule.graph.node import Node, Primitive, constant, freeze_argument, input_node
from chainrule.graph.types import Type
from chainrule.graph.verify import verify
from chainrule.primitives.elementwise import add, cos, div, exp, mul, neg, sin, sub, tanh
from chainrule.primitives.structure import cast, stop_gradient, sum_

F8 = np.dtype(float)


def leaf(value: Any = None, shape: tuple[int, ...] = (), dtype: Any = F8) -> Node:
    if value is None:
        return input_node(Type(shape, np.dtype(dtype)))
    array = np.asarray(value, dtype)[()]
    return input_node(Type(array.shape, array.dtype), array)


def test_a_node_read_twice_accumulates() -> None:
    """d(x x + x) = 2x + 1: three contributions to x."""
    x = leaf(3.0)
    (g,) = reverse([add(mul(x, x), x)], [x], [np.float64(1.0)], values=True)
    assert g == 7.0


def test_several_outputs_add_up() -> None:
    """Each output brings its cotangent; None brings nothing; one output may stand twice."""
    x, y = leaf(2.0), leaf(5.0)
    p, q = mul(x, y), sin(y)
    one = np.float64(1.0)
    assert reverse([p, q], [x, y], [one, None], values=True) == [5.0, 2.0]
    gx, gy = reverse([p, q, p], [x, y], [one, one, one], values=True)
    assert (gx, gy) == (10.0, 4.0 + np.cos(5.0))
    assert reverse([p, q], [x, y], [None, None], values=True) == [None, None]


def test_inner_nodes_may_be_inputs() -> None:
    """Differentiating by a node in the middle stops there; by both ends gives both."""
    x = leaf(2.0)
    m = mul(x, x)
    y = exp(m)
    one = np.float64(1.0)
    (gm,) = reverse([y], [m], [one], values=True)
    assert gm == np.exp(4.0)
    (gx,) = reverse([y], [x], [one], values=True)
    assert gx == 4.0 * np.exp(4.0)


def test_output_that_is_the_input() -> None:
    """The cotangent itself."""
    x = leaf(2.0)
    assert reverse([x], [x], [np.float64(3.0)], values=True) == [3.0]
    assert forward([x], [x], [np.float64(3.0)], values=True) == [3.0]


def test_flat_paths_are_not_visited() -> None:
    """Nothing flows through integers, stop_gradient, or what the inputs do not reach."""
    x, k = leaf([1.0, 2.0]), leaf([1, 2], dtype=int)
    cut = stop_gradient(x)
    back = cast(cast(x, dtype=np.dtype(int)), dtype=F8)
    y = sum_(mul(add(cut, back), add(x, cast(k, dtype=F8))), axes=(0,))
    names = [node.primitive.name for node in active_nodes([y], [x])]
    assert names == ["add", "mul", "sum"]
    (g,) = reverse([y], [x], [np.float64(1.0)], values=True)
    assert g.tolist() == [2.0, 4.0]
    assert reverse([y], [k], [np.float64(1.0)], values=True) == [None]


def test_active_nodes_are_in_order_and_complete() -> None:
    """A long chain with a side branch; no recursion limit."""
    x = leaf(0.5)
    y = x
    for _ in range(5000):
        y = tanh(y)
    path = active_nodes([y], [x])
    assert len(path) == 5000
    assert [node.serial for node in path] == sorted(node.serial for node in path)
    (g,) = reverse([y], [x], [np.float64(1.0)], values=True)
    assert 0 < g < 1e-3


def test_observer_is_told_each_step() -> None:
    """Node, what it received, and what it passed on, from the output back."""
    x = leaf(2.0)
    told = []

    def observe(node: Node, g: Any, passed: Any) -> None:
        told.append((node.primitive.name, float(g), [float(p) for p in passed if p is not None]))

    reverse([sub(mul(x, x), sin(x))], [x], [np.float64(1.0)], observe=observe, values=True)
    assert told == [
        ("sub", 1.0, [1.0, -1.0]),
        ("sin", -1.0, [-np.cos(2.0)]),
        ("mul", 1.0, [2.0, 2.0]),
    ]


def test_a_primitive_without_a_rule_is_named() -> None:
    """In whichever mode it has none."""
    infer = lambda x: x  # noqa: E731
    evaluate_ = lambda xp, x: x  # noqa: E731
    only_vjp = Primitive("only_vjp", evaluate_, infer, vjp=lambda g, y, x: [g])
    x = leaf(1.0)
    with pytest.raises(GradientError, match="only_vjp has no derivative in forward mode"):
        forward([only_vjp(x)], [x], [np.float64(1.0)], values=True)
    assert reverse([only_vjp(x)], [x], [np.float64(1.0)], values=True) == [1.0]


@pytest.mark.parametrize("known", [True, False])
def test_graph_mode_gives_nodes(known: bool) -> None:
    """Derivatives as graph: values where they are known, and a graph that verifies."""
    x = leaf(2.0) if known else leaf()
    (g,) = reverse([sin(mul(x, x))], [x], [constant(np.float64(1.0))])
    assert isinstance(g, Node)
    if known:
        assert g.value == 4.0 * np.cos(4.0)
    else:
        graph = verify(Graph((x,), (g,)), "reverse")
        assert evaluate(graph, [np.float64(2.0)]) == [4.0 * np.cos(4.0)]


def test_needs_graph() -> None:
    """Numbers suffice unless somebody else may differentiate what the path reads."""
    x, other = leaf(2.0), leaf(3.0)
    own, mixed = mul(x, sin(x)), mul(x, sin(other))
    assert not needs_graph(active_nodes([own], [x]), [x], [own])
    assert needs_graph(active_nodes([mixed], [x]), [x], [mixed])
    assert needs_graph([], [x], [sin(other)])
    assert needs_graph(active_nodes([own], [leaf()]), [leaf()])
    freeze_argument(other)  # its function has returned
    assert not needs_graph(active_nodes([mixed], [x]), [x], [mixed])


UNARY = [sin, cos, exp, tanh, neg]
BINARY = [add, sub, mul, div]


def random_graph(data: Any, x: Node, y: Node) -> Node:
    """Eight operations on drawn earlier nodes."""
    nodes = [x, y]
    for _ in range(8):
        a, b = data.draw(st.sampled_from(nodes)), data.draw(st.sampled_from(nodes))
        if data.draw(st.booleans()):
            nodes.append(tanh(data.draw(st.sampled_from(UNARY))(a)))
        else:
            operation = data.draw(st.sampled_from(BINARY))
            nodes.append(operation(a, add(exp(b), 1.0) if operation is div else b))
    return nodes[-1]


@given(data=st.data())
def test_drawn_graphs(data: Any) -> None:
    """Both modes are transposes of each other, with values and as graph, at orders 1 and 2."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, y = leaf(rng.normal(size=3)), leaf(rng.normal(size=3))
    z = random_graph(data, x, y)
    v, w, g = rng.normal(size=3), rng.normal(size=3), rng.normal(size=3)
    (t,) = forward([z], [x, y], [v, w], values=True)
    pulled = reverse([z], [x, y], [g], values=True)
    zero = np.zeros(3)
    left = sum(np.sum(a * b) for a, b in zip([zero if p is None else p for p in pulled], [v, w],
                                             strict=True))  # fmt: skip
    np.testing.assert_allclose(left, np.sum(g * (zero if t is None else t)), rtol=1e-9, atol=1e-12)
    by_graph = reverse([z], [x, y], [constant(g.copy())])
    for a, b in zip(pulled, by_graph, strict=True):
        assert (a is None) == (b is None)
        assert a is None or a.tobytes() == b.value.tobytes()
