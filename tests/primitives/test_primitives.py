"""Every primitive against NumPy, and its derivatives against central differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from central_differences import along, assert_close
from hypothesis import given
from hypothesis import strategies as st
from primitive_rows import ROWS
from test_architecture import UNLIMITED_FAMILIES

from chainrule.autodiff.forward import forward
from chainrule.autodiff.reverse import reverse
from chainrule.graph.evaluate import evaluate
from chainrule.graph.graph import Graph
from chainrule.graph.node import Node, constant, input_node
from chainrule.graph.types import Type
from chainrule.graph.verify import verify
from chainrule.primitives import REGISTRY

ELSEWHERE = {"attention", "control", *UNLIMITED_FAMILIES}  # these families have tests of their own
LEAVES = [p.name for p in REGISTRY.values() if p.spec["family"] not in ELSEWHERE]

# Rules compute with what they do not choose as well; transforms switch the warnings off.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered in sqrt:RuntimeWarning")


def test_rows_are_the_registry() -> None:
    """A primitive without a row fails."""
    assert sorted(ROWS) == sorted(LEAVES)


def drawn(name: str, data: Any) -> tuple[list[Any], dict[str, Any], np.random.Generator]:
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    arrays, params = ROWS[name].draw(data, rng)
    return arrays, params, rng


def leaves(arrays: Sequence[Any], known: bool) -> list[Node]:
    return [input_node(Type(a.shape, a.dtype), a if known else None) for a in arrays]


def moving(arrays: Sequence[Any]) -> list[int]:
    return [k for k, a in enumerate(arrays) if a.dtype.kind == "f"]


def filled(found: Sequence[Any], like: Sequence[Node]) -> tuple[Node, ...]:
    pairs = zip(found, like, strict=True)
    return tuple(constant(np.zeros(x.shape, x.dtype)) if g is None else g for g, x in pairs)


def vjp_graph(name: str, arrays: Sequence[Any], params: dict[str, Any]) -> Graph:
    """(inputs, g) to the cotangents of the floating inputs."""
    nodes = leaves(arrays, known=False)
    y = REGISTRY[name](*nodes, **params)
    g = input_node(y.type)
    wanted = [nodes[k] for k in moving(arrays)]
    return verify(Graph((*nodes, g), filled(reverse([y], wanted, [g]), wanted)), name)


def same_bits(a: Any, b: Any) -> bool:
    return bool(a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes())


def inner(xs: Sequence[Any], ys: Sequence[Any]) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(xs, ys, strict=True)))


@pytest.mark.parametrize("name", LEAVES)
@given(data=st.data())
def test_value(name: str, data: Any) -> None:
    """The value is NumPy's; a graph of unknown inputs has the same type and the same bits."""
    arrays, params, _ = drawn(name, data)
    expected = np.asarray(ROWS[name].reference(*arrays, **params))
    actual = REGISTRY[name](*arrays, **params)
    assert actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-15, atol=ROWS[name].atol, strict=False)
    nodes = leaves(arrays, known=False)
    graph = verify(Graph(tuple(nodes), (REGISTRY[name](*nodes, **params),)), name)
    assert graph.outputs[0].type == Type(expected.shape, expected.dtype)
    assert same_bits(np.asarray(evaluate(graph, arrays)[0]), np.asarray(actual))


@pytest.mark.parametrize("name", LEAVES)
@given(data=st.data())
def test_first_derivative(name: str, data: Any) -> None:
    """jvp is the central difference, vjp its transpose, and graph and numbers agree in bits."""
    arrays, params, rng = drawn(name, data)
    primitive = REGISTRY[name]
    index = moving(arrays)
    nodes = leaves(arrays, known=True)
    wanted = [nodes[k] for k in index]
    y = primitive(*nodes, **params)
    flat = primitive.vjp is None or not index or y.dtype.kind != "f"
    g = np.asarray(rng.standard_normal(y.shape)).astype(y.dtype)
    v = [np.asarray(rng.standard_normal(node.shape)) for node in wanted]

    passed = reverse([y], wanted, [g], values=True)
    pushed = forward([y], wanted, v, values=True)[0]
    if flat:
        assert pushed is None
        assert all(p is None for p in passed)
        return
    with np.errstate(all="ignore"):
        directions = [v[index.index(k)] if k in index else None for k in range(len(arrays))]
        assert_close(pushed, along(lambda *a: primitive(*a, **params), arrays, directions))
    pairs = list(zip(passed, wanted, strict=True))
    transposed = [np.zeros(x.shape) if p is None else np.asarray(p) for p, x in pairs]
    assert [p.shape for p in transposed] == [x.shape for x in wanted]
    assert_close(inner(transposed, v), inner([g], [pushed]), rtol=1e-10)
    by_graph = evaluate(vjp_graph(name, arrays, params), [*arrays, g])
    for p, q in zip(transposed, by_graph, strict=True):
        assert same_bits(p, np.asarray(q))


@pytest.mark.parametrize("name", [n for n in LEAVES if REGISTRY[n].vjp is not None])
@given(data=st.data())
def test_second_derivative(name: str, data: Any) -> None:
    """vjp of vjp, and jvp of vjp, are the central difference of vjp."""
    arrays, params, rng = drawn(name, data)
    index = moving(arrays)
    graph = vjp_graph(name, arrays, params)
    g_type = graph.inputs[-1].type
    if not index or g_type.dtype.kind != "f":
        return
    given_ = [*arrays, np.asarray(rng.standard_normal(g_type.shape))]
    index = [*index, len(arrays)]
    wanted = [graph.inputs[k] for k in index]
    v = [np.asarray(rng.standard_normal(node.shape)) for node in wanted]
    w = [np.asarray(rng.standard_normal(node.shape)) for node in graph.outputs]
    directions = [v[index.index(k)] if k in index else None for k in range(len(given_))]

    expected = along(lambda *a: inner(w, evaluate(graph, a)), given_, directions)
    back = reverse(graph.outputs, wanted, [constant(each) for each in w])
    second = Graph(graph.inputs, filled(back, wanted))
    assert_close(inner(evaluate(verify(second, name), given_), v), expected)
    ahead = forward(graph.outputs, wanted, [constant(each) for each in v])
    pushed = Graph(graph.inputs, filled(ahead, graph.outputs))
    assert_close(inner(evaluate(verify(pushed, name), given_), w), expected)
