"""Graphs as text, types, verification, evaluation, substitution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import CheckError, DtypeError, ShapeError
from chainrule.graph.evaluate import closed, evaluate, inline, substitute
from chainrule.graph.graph import Graph
from chainrule.graph.node import Node, Primitive, apply, constant, input_node, reachable
from chainrule.graph.types import Type, broadcast_shapes, check_dtype, weak_constant
from chainrule.graph.verify import verify
from chainrule.primitives.elementwise import add, exp, mul, sin
from chainrule.primitives.structure import slice_, sum_, transpose

F8 = np.dtype(float)


def leaf(*shape: int, dtype: Any = F8) -> Node:
    return input_node(Type(shape, np.dtype(dtype)))


# Text


def test_text_of_an_expression() -> None:
    """One node a line: name, type, primitive, inputs, parameters."""
    x, w = leaf(4, 3), leaf(3, dtype="float32")
    y = sum_(mul(transpose(x, axes=(1, 0)), 2.0), axes=(0, 1))
    graph = Graph((x, w), (y, slice_(w, index=(slice(0, 2, 1),))))
    assert str(graph) == (
        "graph(%0: f64[4,3], %1: f32[3]):\n"
        "  %2: f64[3,4] = transpose %0 axes=(1,0)\n"
        "  %3: f64[] = constant 2.0\n"
        "  %4: f64[3,4] = mul %2, %3\n"
        "  %5: f64[] = sum %4 axes=(0,1)\n"
        "  %6: f32[2] = slice %1 index=(0:2:1)\n"
        "  return %5, %6"
    )


GOLDEN: list[tuple[Any, Any, str]] = [
    (
        lambda x: 1 / (1 + np.exp(-x)),
        (1.0,),
        "graph(%0: f64[]):\n"
        "  %1: f64[] = neg %0\n"
        "  %2: f64[] = exp %1\n"
        "  %3: f64[] = constant 1.0\n"
        "  %4: f64[] = add %3, %2\n"
        "  %5: f64[] = constant 1.0\n"
        "  %6: f64[] = div %5, %4\n"
        "  return %6",
    ),
    (
        lambda x: x[1:, ::-1].T.astype(np.float32),
        (np.ones((3, 2)),),
        "graph(%0: f64[3,2]):\n"
        "  %1: f64[2,2] = slice %0 index=(1:3:1,1::-1)\n"
        "  %2: f64[2,2] = transpose %1 axes=(1,0)\n"
        "  %3: f32[2,2] = cast %2 dtype=float32\n"
        "  %4: f32[2,2] = identity %3\n"
        "  return %4",
    ),
    (
        lambda x, k: np.where(x > 0, x, 0.0)[k],
        (np.ones(3), np.array([2, 0])),
        "graph(%0: f64[3], %1: i64[2]):\n"
        "  %2: f64[] = constant 0.0\n"
        "  %3: bool[3] = less %2, %0\n"
        "  %4: f64[] = constant 0.0\n"
        "  %5: f64[3] = where %3, %0, %4\n"
        "  %6: f64[2] = gather %5, %1 pattern=(0)\n"
        "  return %6",
    ),
]


@pytest.mark.parametrize(("f", "args", "text"), GOLDEN)
def test_text_of_traced_functions(f: Any, args: Any, text: str) -> None:
    """What NumPy code becomes."""
    assert str(cr.make_graph(f)(*args)) == text


def test_text_of_a_gradient() -> None:
    """The derivative of sin(x) * x is a graph like any other."""
    assert str(cr.make_graph(cr.grad(lambda x: np.sin(x) * x))(1.0)) == (
        "graph(%0: f64[]):\n"
        "  %1: f64[] = identity %0\n"
        "  %2: f64[] = sin %1\n"
        "  %3: f64[] = constant 1.0\n"
        "  %4: f64[] = mul %3, %1\n"
        "  %5: f64[] = mul %3, %2\n"
        "  %6: f64[] = cos %1\n"
        "  %7: f64[] = mul %4, %6\n"
        "  %8: f64[] = add %5, %7\n"
        "  return %8"
    )


def test_text_of_constants() -> None:
    """One number in full, of several the first three."""
    x = leaf(4)
    text = str(Graph((x,), (add(x, np.array([1.0, 2.0, 3.0, 4.0])),)))
    assert "constant [1.0, 2.0, 3.0, ...]" in text
    assert "constant [1.0, 2.0]" in str(Graph((), (constant(np.array([1.0, 2.0])),)))


# Types


@pytest.mark.parametrize(
    ("value", "beside", "expected"),
    [
        (1, "float32", "float32"), (1.5, "float32", "float32"), (1, "int8", "int8"),
        (1.5, "int8", "float64"), (True, "int8", "int8"), (2, "bool", "int64"),
        (np.float64(1.5), "float64", "float64"), (np.array([1.0]), "float32", "float64"),
        (np.float32(1.0), "float64", "float32"),
    ],
)  # fmt: skip
def test_python_numbers_take_the_dtype_beside_them(value: Any, beside: str, expected: str) -> None:
    """NEP 50."""
    assert weak_constant(value, np.dtype(beside)).dtype == expected


def test_constants_are_copies() -> None:
    """The caller may change his array afterwards."""
    x, table = leaf(2), np.array([1.0, 2.0])
    graph = Graph((x,), (mul(x, table),))
    table[:] = 0.0
    assert evaluate(graph, [np.ones(2)])[0].tolist() == [1.0, 2.0]


def test_broadcast_error() -> None:
    """Both shapes and the operation."""
    with pytest.raises(ShapeError, match=r"add: shapes \(2,\) and \(3,\) cannot be broadcast"):
        broadcast_shapes("add", (2,), (3,))
    assert broadcast_shapes("add", (2, 1), (3,)) == (2, 3)


@pytest.mark.parametrize(
    ("dtype", "hint"), [("clongdouble", "complex"), ("U3", "encode"), ("O", "encode")]
)
def test_dtypes_that_no_graph_holds(dtype: str, hint: str) -> None:
    """Numbers of more than 64 bits, text, objects: what to do instead."""
    with pytest.raises(DtypeError, match=hint):
        check_dtype(np.dtype(dtype))


def test_type_prints_short() -> None:
    """f64[4,3]."""
    assert str(Type((4, 3), F8)) == "f64[4,3]"
    assert str(Type((), np.dtype("uint8"))) == "u8[]"
    assert str(Type((0,), np.dtype(bool))) == "bool[0]"


# Evaluation and rebuilding


def test_evaluate() -> None:
    """Outputs in order, also inputs and constants among them; the wrong number is an error."""
    x, y = leaf(2), leaf()
    graph = Graph((x, y), (mul(x, y), x, constant(np.float64(7.0))))
    product, same, seven = evaluate(graph, [np.array([1.0, 2.0]), np.float64(3.0)])
    assert (product.tolist(), same.tolist(), seven) == ([3.0, 6.0], [1.0, 2.0], 7.0)
    with pytest.raises(ValueError, match="1 arguments for a graph of 2 inputs"):
        evaluate(graph, [np.ones(2)])


def test_shared_nodes_are_computed_once() -> None:
    """Each node has one line and one evaluation."""
    calls = []

    def counted(xp: Any, x: Any) -> Any:
        calls.append(1)
        return x + 1.0

    count = Primitive("count", counted, lambda x: x)
    x = leaf()
    shared = apply(count, (x,), {})
    evaluate(Graph((x,), (add(shared, mul(shared, shared)), shared)), [np.float64(1.0)])
    assert len(calls) == 1


def test_inline_and_substitute() -> None:
    """A graph over other nodes; a node replaced under everything that reads it."""
    x, a = leaf(), leaf()
    graph = Graph((x,), (sin(mul(x, x)),))
    (y,) = inline(graph, [exp(a)])
    assert evaluate(Graph((a,), (y,)), [np.float64(0.5)])[0] == np.sin(np.exp(0.5) ** 2)
    square = graph.nodes[0]
    (z,) = substitute(graph.outputs, {square: add(x, x)}, graph.nodes)
    assert evaluate(Graph((x,), (z,)), [np.float64(0.5)])[0] == np.sin(1.0)
    assert substitute(graph.outputs, {}, graph.nodes) == list(graph.outputs)


def test_nodes_are_in_an_order_of_computation() -> None:
    """Inputs come before what reads them, without recursion."""
    x = leaf()
    y = x
    for _ in range(3000):
        y = add(y, x)
    nodes = Graph((x,), (y,)).nodes
    assert len(nodes) == 3000
    position = {node: k for k, node in enumerate(nodes)}
    assert all(position.get(c, -1) < position[n] for n in nodes for c in n.inputs)
    assert len(reachable([y])) == 3001


def test_lines_of_nodes() -> None:
    """A node of a graph knows the line of the user's code that made it."""
    graph = cr.make_graph(lambda x: np.sin(x) + 1.0)(1.0)
    line = test_lines_of_nodes.__code__.co_firstlineno + 2
    assert {n.line for n in graph.nodes if n.inputs} == {f"test_graph.py:{line}"}


# Verification


def test_verify_accepts_what_is_right() -> None:
    """And gives the graph back."""
    x = leaf(2)
    graph = Graph((x,), (sin(x),))
    assert verify(graph, "test") is graph


def test_verify_finds_a_foreign_leaf() -> None:
    """A graph that reads what is no input of it."""
    x, y = leaf(), leaf()
    with pytest.raises(CheckError, match="after fold: .*read but is no input"):
        verify(Graph((x,), (add(x, y),)), "fold")


def test_verify_finds_an_input_listed_twice() -> None:
    """The same node as two arguments."""
    x = leaf()
    with pytest.raises(CheckError, match="twice"):
        verify(Graph((x, x), (x,)), "test")


def test_verify_finds_an_input_that_can_be_looked_through() -> None:
    """What a body reads of the graph around it is a leaf; `closed` sees to that."""
    x = leaf()
    outer = sin(x)
    inside = add(outer, outer)
    with pytest.raises(CheckError, match="no leaf"):
        verify(Graph((outer,), (inside,)), "test")
    graph = closed((outer, x), (inside, outer), leaves={x})
    assert verify(graph, "test").inputs[1] is x
    assert [5.0, 2.5] == graph.schedule.run(np, [2.5, 1.0])


def test_verify_finds_a_wrong_type() -> None:
    """A node whose shape or dtype is not what its primitive infers."""
    x = leaf(2)
    for shape, dtype in (((3,), F8), ((2,), np.dtype("float32"))):
        wrong = Node(sin, (x,), {}, shape, dtype)
        with pytest.raises(CheckError, match=r"should have type"):
            verify(Graph((x,), (wrong,)), "test")


def test_verify_can_be_off() -> None:
    """Without the flag nothing is checked."""
    x = leaf()
    with cr.configured(check=0):
        verify(Graph((x, x), (x,)), "test")
