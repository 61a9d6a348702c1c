"""Simplified graphs: the same bits, less work, nothing that IEEE 754 forbids."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.control.scan import run_scan
from chainrule.graph.evaluate import evaluate
from chainrule.graph.graph import Graph
from chainrule.graph.node import input_node
from chainrule.graph.types import Type
from chainrule.primitives.elementwise import exp, mul, sub
from chainrule.simplify import PASSES, simplify


@pytest.fixture(autouse=True)
def checked():
    with cr.configured(check=1):
        yield


def names(graph):
    return [node.primitive.name for node in graph.nodes]


def simplified(f, *args):
    graph = cr.make_graph(f)(*args)
    small = simplify(graph)
    with np.errstate(all="ignore"):
        before, after = evaluate(graph, args), evaluate(small, args)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(np.asarray(old), np.asarray(new))
        assert np.array_equal(np.signbit(old), np.signbit(new))
    return small


X = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, 5e-324, -2.5])


@pytest.mark.parametrize(
    ("f", "left"),
    [
        (lambda x: x * 1.0, []),
        (lambda x: 1.0 * x / 1.0, []),
        (lambda x: x - 0.0, []),
        (lambda x: x + -0.0, []),
        (lambda x: -(-x), []),
        (lambda x: x**1, []),
        (lambda x: x.reshape(2, 4).reshape(8), []),
        (lambda x: x.reshape(2, 4).T.T.reshape(8), []),
        (lambda x: np.sin(x) + np.sin(x), ["sin", "add"]),
        (lambda x: x * (2.0 * np.float64(3.0)), ["constant", "mul"]),
        (lambda x: x + 0.0, ["constant", "add"]),  # 0 + -0 is 0
        (lambda x: x * 0.0, ["constant", "mul"]),  # inf * 0 is nan
    ],
)
def test_rules(f, left):
    assert names(simplified(f, X)) == left


@pytest.mark.parametrize(("size", "left"), [(1, 1), (8, 1), (9, 2)])
def test_equal_constants_are_one(size, left):
    """Of 64 bytes and fewer: larger ones are not compared."""
    first, second = np.arange(2.0, size + 2), np.arange(2.0, size + 2)
    graph = simplified(lambda x: np.sin(x * first) * np.cos(x * second), np.ones(size))
    assert left == names(graph).count("constant")


def test_a_simple_graph_is_looked_at_once(capsys):
    """By each pass, before them by the one that inlines calls, then by those of loops."""
    graph = simplify(cr.make_graph(lambda x: np.sin(x) * 2.0)(X))
    with cr.configured(debug=4):
        assert simplify(graph) is graph
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("# after ")]
    assert len(lines) == len(set(lines)) == len(PASSES) + 3


def test_a_narrowing_cast_stays():
    graph = simplified(lambda x: x.astype(np.float32).astype(np.float64), X)
    assert names(graph) == ["cast", "cast"]
    y = np.ones(2, np.float32)
    assert names(simplified(lambda y: y.astype(np.float64).astype(np.float32), y)) == []


def test_a_gradient_carries_no_ones():
    graph = simplified(cr.grad(lambda w, x: np.sum((x @ w) ** 2)), np.ones((3, 2)), np.ones((4, 3)))
    assert sorted(names(graph)) == ["add", "matmul", "matmul", "transpose"]


def test_forward_and_backward_share_one_loop():
    def f(w, xs):
        return np.sum(cr.scan(lambda h, x: (np.tanh(h * w + x), None), np.zeros(2), xs)[0])

    graph = cr.make_graph(cr.value_and_grad(f))(np.ones(2), np.ones((5, 2)))
    assert names(graph).count("scan") == 3
    assert names(simplify(graph)).count("scan") == 2


def twice(change):
    """Two loops of one body over the same inputs, the second of which differs in one thing."""
    carry, x = input_node(Type((), np.dtype(float))), input_node(Type((), np.dtype(float)))
    new = sub(mul(carry, 0.5), x)
    start, xs = input_node(Type((), np.dtype(float))), input_node(Type((3,), np.dtype(float)))
    same = {"n_carry": 1, "n_xs": 1, "length": 3, "reverse": False}
    loops = [
        run_scan((start, xs), body=Graph((carry, x), (new, out)), **(same | more))
        for out, more in ((carry, {}), (exp(x), change))
    ]
    return Graph((start, xs), tuple(r for results in loops for r in results))


@pytest.mark.parametrize(("change", "left"), [({}, 1), ({"reverse": True}, 2)])
def test_loops_that_turn_the_same_way_are_joined(change, left):
    """One loop stacks what both stack; a loop that runs backwards meets other numbers."""
    graph = twice(change)
    small = simplify(graph)
    assert left == names(small).count("scan")
    given = [np.float64(2.0), np.array([1.0, 2.0, 4.0])]
    found = evaluate(small, given)
    for old, new in zip(evaluate(graph, given), found, strict=True):
        np.testing.assert_array_equal(old, new)
    carried = [2.0, 0.0, -2.0, -5.0]  # c/2 - x; backwards 2, -3, -3.5, -2.75
    assert (carried[-1], carried[:3]) == (found[0], found[1].tolist())
    assert (-2.75 if change else carried[-1]) == found[2]
    np.testing.assert_array_equal(found[3], np.exp(given[1]))


def test_dead_carries_and_results_are_dropped():
    def f(x):
        def body(carry, t):
            used, unused, chain = carry
            return (used * t, unused + t, chain + unused), (used, np.exp(chain))

        (used, _, _), (first, _) = cr.scan(body, (x, x, x), np.arange(3.0))
        return used + first[0]

    graph = simplified(f, np.float64(2.0))
    (scan,) = [node for node in graph.nodes if node.primitive.name == "scan"]
    assert scan.params["n_carry"] == 1
    assert len(scan.params["body"].outputs) == 2


def test_bodies_are_simplified():
    graph = simplified(lambda x: cr.scan(lambda c, t: (c * 1.0 + t, None), x, np.ones(3))[0], 0.5)
    (scan,) = [node for node in graph.nodes if node.primitive.name == "scan"]
    assert names(scan.params["body"]) == ["add"]
