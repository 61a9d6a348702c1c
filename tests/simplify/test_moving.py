"""Work moved out of loops: the same numbers but for the order of sums, and where it pays only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import tree
from chainrule.graph.evaluate import evaluate
from chainrule.simplify import simplify

RNG = np.random.default_rng(0)
STEPS, ROWS, INPUTS, HIDDEN = 5, 8, 16, 32
XS = RNG.normal(size=(STEPS, ROWS, INPUTS))
START = RNG.normal(size=(ROWS, HIDDEN))
WEIGHTS = {
    "w": RNG.normal(size=(INPUTS, HIDDEN)) / 4,
    "u": RNG.normal(size=(HIDDEN, HIDDEN)) / 6,
    "b": RNG.normal(size=HIDDEN),
}


@pytest.fixture(autouse=True)
def checked() -> Any:
    with cr.configured(check=1):
        yield


def run(p: Any, xs: Any, h: Any) -> Any:
    """A cell as anybody writes it."""

    def cell(h: Any, x: Any) -> Any:
        h = np.tanh(x @ p["w"] + h @ p["u"] + p["b"])
        return h, h

    return cr.scan(cell, h, xs)


def loss(p: Any, xs: Any, h: Any) -> Any:
    last, hs = run(p, xs, h)
    return np.sum(hs**2) + np.sum(np.sin(last))


def both(f: Any, *args: Any, rtol: float = 1e-12) -> Any:
    """The simplified graph, whose numbers are those of the graph as traced."""
    graph = cr.make_graph(f)(*args)
    small = simplify(graph)
    leaves = tree.leaves(args)
    compiled = tree.leaves(cr.jit(f)(*args))
    for before, after, native in zip(
        evaluate(graph, leaves), evaluate(small, leaves), compiled, strict=True
    ):
        np.testing.assert_allclose(after, before, rtol=rtol, atol=1e-12)
        np.testing.assert_allclose(native, before, rtol=rtol, atol=1e-12)
    return small


def scans(graph: Any) -> list[Any]:
    return [node for node in graph.nodes if node.primitive.name == "scan"]


def count(graph: Any, name: str) -> int:
    return sum(node.primitive.name == name for node in graph.nodes)


def products(graph: Any) -> list[tuple[int, ...]]:
    """Shapes of the products outside of loops."""
    return sorted(node.shape for node in graph.nodes if node.primitive.name == "matmul")


def test_a_product_of_slices_runs_before_the_loop() -> None:
    """One over all turns; the one that reads the carry stays."""
    graph = both(run, WEIGHTS, XS, START)
    (scan,) = scans(graph)
    assert products(graph) == [(STEPS, ROWS, HIDDEN)]
    assert count(scan.params["body"], "matmul") == 1


def test_gradients_of_weights_are_products_after_the_loop() -> None:
    """Both, and the bias' sum; of the backward loop only the carry of h is left."""
    graph = both(cr.grad(loss), WEIGHTS, XS, START)
    forward, backward = scans(graph)
    assert products(graph) == [(STEPS, ROWS, HIDDEN), (INPUTS, HIDDEN), (HIDDEN, HIDDEN)]
    assert forward.params["n_carry"] == backward.params["n_carry"] == 1
    assert count(forward.params["body"], "matmul") == 1
    assert count(backward.params["body"], "matmul") == 1
    assert count(backward.params["body"], "sum") == 0


def test_gradients_of_inputs_are_one_product_after_the_loop() -> None:
    """Nothing in the loop reads them."""
    graph = both(cr.grad(loss, 1), WEIGHTS, XS, START)
    assert (STEPS, ROWS, INPUTS) in products(graph)
    assert count(scans(graph)[1].params["body"], "matmul") == 1


def test_second_derivatives() -> None:
    """Along a direction, by forward over reverse and by reverse over reverse."""
    direction = tree.map(np.ones_like, WEIGHTS)

    def slope(p: Any, xs: Any, h: Any) -> Any:
        g = cr.grad(loss)(p, xs, h)
        return sum(np.sum(np.cos(leaf)) for leaf in tree.leaves(g))

    both(cr.grad(slope), WEIGHTS, XS, START, rtol=1e-9)
    both(
        lambda p: cr.jvp(lambda p: cr.grad(loss)(p, XS, START), (p,), (direction,))[1],
        WEIGHTS, rtol=1e-9,
    )  # fmt: skip


def test_functions_of_slices_are_moved_with_their_product() -> None:
    """Cuts, casts, arithmetic, joins and products in a row, in both directions of the loop."""

    def f(xs: Any, w: Any, v: Any, reverse: bool) -> Any:
        def body(c: Any, x: Any) -> Any:
            inner = np.tanh(np.concatenate([x[:, :8], x[:, 8:] * 2.0 + v[:8]], axis=1))
            made = np.maximum(inner @ w, 0.0) @ w.T
            return c * 0.5 + made, c[0]

        return cr.scan(body, np.zeros((ROWS, INPUTS)), xs, reverse=reverse)

    for reverse in (False, True):
        graph = both(lambda *args, way=reverse: f(*args, way), XS, WEIGHTS["w"], WEIGHTS["b"])
        (scan,) = scans(graph)
        assert count(scan.params["body"], "matmul") == 0
        assert count(scan.params["body"], "tanh") == 0


def test_what_no_turn_changes_is_computed_once() -> None:
    """But numbers, which cost less than a place in memory."""

    def f(h: Any, u: Any, s: Any) -> Any:
        return cr.scan(lambda h, _: (h @ np.exp(u) * np.sqrt(s), None), h, None, length=3)[0]

    graph = both(f, START, WEIGHTS["u"], np.float64(2.0))
    (scan,) = scans(graph)
    assert count(graph, "exp") == 1 and count(scan.params["body"], "exp") == 0
    assert count(scan.params["body"], "sqrt") == 1


def test_a_sum_that_begins_with_numbers_and_has_another_term() -> None:
    """The start is kept, and so is what cannot be moved."""

    def f(total: Any, xs: Any) -> Any:
        def body(carry: Any, x: Any) -> Any:
            total, c = carry
            return (total + x.T @ np.sin(x * c) + c * c, c + 1.0), None

        (total, _), _ = cr.scan(body, (total, 1.0), xs)
        return total

    graph = both(f, np.ones((INPUTS, INPUTS)), RNG.normal(size=(4, 20, INPUTS)))
    (scan,) = scans(graph)
    assert scan.params["n_carry"] == 2
    assert products(graph) == [(INPUTS, INPUTS)]
    assert count(scan.params["body"], "matmul") == 0


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_short_loops(steps: int) -> None:
    """Also none at all."""
    both(cr.grad(loss), WEIGHTS, XS[:steps], START)


@pytest.mark.parametrize("turned", [False, True])
def test_a_sum_of_products_is_one_product_of_all_turns(turned: bool) -> None:
    """Beside each other, [a_1 a_2] [b_1; b_2]; turned ones lie as they must already."""

    def f(a: Any, b: Any) -> Any:
        def body(total: Any, ab: Any) -> Any:
            a, b = ab
            return total + (a.T if turned else a) @ b, None

        return cr.scan(body, np.zeros((16, 16)), (a, b))[0]

    a, b = RNG.normal(size=(STEPS, 16, 16)), RNG.normal(size=(STEPS, 16, 16))
    graph = both(f, a, b)
    expected = np.einsum("tki,tkj->ij" if turned else "tik,tkj->ij", a, b)
    np.testing.assert_allclose(evaluate(graph, [a, b])[0], expected, rtol=1e-12)
    assert [] == scans(graph)
    (product,) = [node for node in graph.nodes if node.primitive.name == "matmul"]
    assert [(16, STEPS * 16), (STEPS * 16, 16)] == [x.shape for x in product.inputs]
    moved = [n.inputs[0].shape for n in graph.nodes if n.primitive.name == "transpose"]
    assert [(STEPS * 16, 16) if turned else (STEPS, 16, 16)] == moved


@pytest.mark.parametrize(
    ("rows", "inner", "columns", "length", "outside"),
    [
        (16, 16, 16, 2, True), (16, 16, 16, 1, False), (16, 15, 17, 2, False),
        (256, 4, 4, 2, True), (257, 4, 4, 2, False),
    ],
)  # fmt: skip
def test_which_products_are_moved(
    rows: int, inner: int, columns: int, length: int, outside: bool
) -> None:
    """Of 4,096 multiplications and more, of 256 rows and fewer, of two turns and more."""

    def f(xs: Any, w: Any) -> Any:
        return cr.scan(lambda c, x: (c * 0.5 + x @ w, None), np.zeros((rows, columns)), xs)[0]

    graph = both(f, RNG.normal(size=(length, rows, inner)), RNG.normal(size=(inner, columns)))
    (scan,) = scans(graph)
    assert (int(outside), int(not outside)) == (
        len(products(graph)), count(scan.params["body"], "matmul")
    )  # fmt: skip


@pytest.mark.parametrize(("size", "outside"), [(63, 0), (64, 1)])
def test_which_fixed_work_is_moved(size: int, outside: int) -> None:
    """Of 64 numbers and more: fewer are as well computed each turn."""

    def f(c: Any, w: Any) -> Any:
        return cr.scan(lambda c, _: (c * np.exp(w), None), c, None, length=3)[0]

    graph = both(f, RNG.normal(size=size), RNG.normal(size=size))
    (scan,) = scans(graph)
    assert (outside, 1 - outside) == (count(graph, "exp"), count(scan.params["body"], "exp"))


def test_a_total_that_is_read_on_the_way_stays() -> None:
    """Whether it is stacked, or changes what is computed."""

    def stacked(xs: Any) -> Any:
        def body(total: Any, x: Any) -> Any:
            total = total + x.T @ np.cos(x)
            return total, total

        return cr.scan(body, np.zeros((INPUTS, INPUTS)), xs)

    def fed_back(xs: Any) -> Any:
        def body(total: Any, x: Any) -> Any:
            return total + x.T @ np.cos(x @ total), None

        return cr.scan(body, np.ones((INPUTS, INPUTS)) * 0.01, xs)[0]

    xs = RNG.normal(size=(4, 20, INPUTS)) * 0.1
    for f in (stacked, fed_back):
        (scan,) = scans(both(f, xs))
        assert "matmul" in [node.primitive.name for node in scan.params["body"].nodes]


def test_small_and_tall_products_stay() -> None:
    """Where the product is as fast inside, or stacks would be far larger than what is summed."""
    small = {"w": WEIGHTS["w"][:2, :4], "u": WEIGHTS["u"][:4, :4], "b": WEIGHTS["b"][:4]}
    graph = both(cr.grad(loss), small, XS[:, :, :2], START[:, :4])
    assert products(graph) == []

    def tall(xs: Any) -> Any:
        def body(total: Any, x: Any) -> Any:
            return total + np.exp(x).T @ np.cos(x), None

        return cr.scan(body, np.zeros((4, 4)), xs)[0]

    assert products(both(tall, RNG.normal(size=(3, 2000, 4)))) == []


def test_what_would_be_far_larger_than_xs_stays() -> None:
    """Broadcast slices, and functions too long to be looked through."""

    def wide(xs: Any) -> Any:
        def body(c: Any, x: Any) -> Any:
            return c + (x[:, None] * np.ones(2**17)) @ np.ones((2**17, 4)), None

        return cr.scan(body, np.zeros((8, 4)), xs)[0]

    def long(xs: Any) -> Any:
        def body(c: Any, x: Any) -> Any:
            for _ in range(600):
                x = np.sin(x)
            return c * 0.5 + x @ WEIGHTS["w"], None

        return cr.scan(body, np.zeros((ROWS, HIDDEN)), xs)[0]

    for f, xs in ((wide, np.ones((20, 8))), (long, XS)):
        (scan,) = scans(simplify(cr.make_graph(f)(xs)))
        assert count(scan.params["body"], "matmul") == 1


def test_the_same_bits_each_time() -> None:
    """And whatever the number of threads."""
    step = cr.grad(loss)
    first = tree.leaves(cr.jit(step)(WEIGHTS, XS, START))
    for threads in (1, 2):
        with cr.configured(num_threads=threads):
            again = tree.leaves(cr.jit(lambda *args: step(*args))(WEIGHTS, XS, START))
        for a, b in zip(first, again, strict=True):
            np.testing.assert_array_equal(a, b)


def test_pieces_become_one_array() -> None:
    """The gradient of a split is a concatenation, bit for bit, also of -0."""

    def f(x: Any) -> Any:
        a, b, c = np.split(x, 3, axis=1)
        return np.sum(a * b - c * 0.0)

    x = RNG.normal(size=(4, 6))
    x[0] = 0.0
    graph = cr.make_graph(cr.grad(f))(x)
    small = simplify(graph)
    assert count(graph, "pad") == 3 and count(small, "pad") == 0
    assert count(small, "concatenate") == 1
    (before,), (after,) = evaluate(graph, [x]), evaluate(small, [x])
    np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(np.signbit(before), np.signbit(after))


def test_pieces_with_a_gap_or_twice_stay() -> None:
    """They do not fill the whole, or lie over each other."""

    def gap(x: Any) -> Any:
        return np.sum(np.sin(x[:2])) + np.sum(np.cos(x[3:]))

    def twice(x: Any) -> Any:
        return np.sum(np.sin(x[:3])) + np.sum(np.cos(x[2:]))

    for f in (gap, twice):
        graph = both(cr.grad(f), RNG.normal(size=5))
        assert count(graph, "pad") == 2


def test_what_follows_by_a_little_arithmetic_is_not_remembered() -> None:
    """Of tanh and a gate the forward loop stacks the values, not the slopes as well."""

    def f(xs: Any, h: Any) -> Any:
        def body(h: Any, x: Any) -> Any:
            t = np.tanh(h * x)
            return t * h, None

        return np.sum(cr.scan(body, h, xs)[0])

    graph = both(cr.grad(f, 1), XS, RNG.normal(size=(ROWS, INPUTS)))
    assert len(scans(graph)[0].params["body"].outputs) == 1 + 2  # h, and tanh and h stacked
