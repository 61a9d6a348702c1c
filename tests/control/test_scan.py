"""scan against the Python loop that it stands for: values, both modes, second order."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.control import scan
from chainrule.errors import AbstractValueError, DtypeError, ShapeError
from chainrule.graph.graph import Graph
from chainrule.graph.node import Node, input_node
from chainrule.graph.types import Type
from chainrule.graph.verify import verify
from chainrule.primitives.elementwise import add
from chainrule.primitives.structure import cast, reshape, sum_
from chainrule.simplify import simplify

rng = np.random.default_rng(3)
W = rng.normal(size=(3, 2))
U = rng.normal(size=(2, 2))
B = rng.normal(size=2)
XS = rng.normal(size=(6, 3))


def cell(params, h, x):
    w, u, b = params
    return np.tanh(x @ w + h @ u + b)


def scanned(params, xs, h0, reverse=False):
    def body(h, x):
        new = cell(params, h, x)
        return new, {"energy": np.sum(new**2), "state": new}

    h, ys = cr.scan(body, h0, xs, reverse=reverse)
    return np.sum(h * np.array([1.0, -2.0])) + np.sum(ys["energy"]) + np.prod(ys["state"][1])


def unrolled(params, xs, h0, reverse=False):
    h, states = h0, []
    for k in reversed(range(len(xs))) if reverse else range(len(xs)):
        h = cell(params, h, xs[k])
        states.append(h)
    states = states[::-1] if reverse else states
    energy = sum(np.sum(s**2) for s in states)
    return np.sum(h * np.array([1.0, -2.0])) + energy + np.prod(states[1])


PARAMS = (W, U, B)
H0 = np.array([0.1, -0.3])


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("argnum", [0, 1, 2])
def test_gradient_is_that_of_the_python_loop(reverse, compiled, argnum):
    ours = cr.value_and_grad(lambda *args: scanned(*args, reverse=reverse), argnum)
    ours = cr.jit(ours) if compiled else ours
    value, gradient = ours(PARAMS, XS, H0)
    wanted, wanted_gradient = cr.value_and_grad(
        lambda *args: unrolled(*args, reverse=reverse), argnum
    )(PARAMS, XS, H0)
    assert value == pytest.approx(wanted, rel=1e-14)
    for got, needed in zip(cr.tree.leaves(gradient), cr.tree.leaves(wanted_gradient), strict=True):
        np.testing.assert_allclose(got, needed, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("f", [scanned, cr.jit(scanned)])
def test_all_orders_against_central_differences(f):
    cr.check_grads(lambda params, h0: f(params, XS, h0), (PARAMS, H0), order=2)


def test_hessian_vector_product_is_that_of_the_python_loop():
    v = rng.normal(size=W.shape)

    def product(f):
        return cr.jvp(cr.grad(lambda w: f((w, U, B), XS, H0)), (W,), (v,))[1]

    np.testing.assert_allclose(product(scanned), product(unrolled), rtol=1e-11)


def test_scan_in_scan():
    def powers(x):
        def row(total, k):
            inner, _ = cr.scan(lambda p, _: (p * x, None), np.float64(1.0), length=3)
            return total + k * inner, total

        total, before = cr.scan(row, 0.0, np.arange(4.0))
        return total + np.sum(before)

    # total = 6 x**3; before = 0, 0, 1, 3 times x**3
    assert powers(2.0) == 80.0
    assert cr.grad(powers)(2.0) == pytest.approx(10 * 3 * 4.0)
    assert cr.jit(cr.grad(cr.grad(powers)))(2.0) == pytest.approx(10 * 6 * 2.0)


def test_integers_ride_along():
    def f(x):
        def body(carry, k):
            total, count = carry
            return (total + x**2 * k, count + k), count

        (total, count), counts = cr.scan(body, (0.0, 0), np.array([1, 2, 3]))
        return total + np.sum(counts) * x, count

    (value, count), g = cr.value_and_grad(f, has_aux=True)(2.0)
    assert (value, count, g) == (24.0 + 8.0, 6, 24.0 + 4.0)


def test_what_stays_is_not_stacked():
    """exp(w) follows from the constants alone: computed once, outside the loop."""

    def f(w):
        return np.sum(cr.scan(lambda s, x: (s * np.exp(w) * x, None), np.ones(2), XS[:, 0])[0])

    graph = simplify(cr.make_graph(cr.grad(f))(np.array([0.1, 0.2])))
    backward = [n for n in graph.nodes if n.primitive.name == "scan" and n.params["reverse"]]
    (backward,) = backward
    shapes = [t.shape for t in backward.params["body"].input_types]
    assert any(node.primitive.name == "exp" for node in graph.nodes)
    n_xs = backward.params["n_xs"]
    assert n_xs == 2, shapes  # the carry before each turn, and x


@pytest.mark.parametrize("length", [0, 1])
def test_short_loops(length):
    xs = XS[:length]
    assert scannable(W, xs) == pytest.approx(float(length and np.sum(np.tanh(XS[0] @ W))))
    assert cr.grad(scannable)(W, xs).shape == W.shape
    if length == 0:
        assert not cr.grad(scannable)(W, xs).any()


def scannable(w, xs):
    return np.sum(cr.scan(lambda h, x: (h + np.tanh(x @ w), None), np.zeros(2), xs)[0])


def test_fori_loop_is_a_for_loop():
    def power(x, n):
        return cr.fori_loop(0, n, lambda i, y: y * x + i, 1.0)

    def loop(x, n):
        y = 1.0
        for i in range(n):
            y = y * x + i
        return y

    assert power(1.5, 5) == loop(1.5, 5)
    assert cr.grad(power)(1.5, 5) == pytest.approx(cr.grad(loop)(1.5, 5), rel=1e-14)
    compiled = cr.jit(cr.grad(power), static_argnums=1)
    assert compiled(1.5, 5) == pytest.approx(cr.grad(loop)(1.5, 5), rel=1e-14)
    assert power(1.5, 0) == 1.0


def test_float32_stays_float32():
    carry, ys = cr.scan(lambda c, x: (c + x, c * 2.0), 0.0, np.ones(3, np.float32))
    assert carry.dtype == np.float32
    assert ys.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: cr.scan(lambda c, x: (c, x), 0.0), ShapeError, "neither xs nor length"),
        (lambda: cr.scan(lambda c, x: (c, x), 0.0, (np.ones(2), np.ones(3))), ShapeError, "2, 3"),
        (lambda: cr.scan(lambda c, x: c, 0.0, np.ones(2)), ShapeError, "a pair"),
        (lambda: cr.scan(lambda c, x: ((c, c), x), 0.0, np.ones(2)), ShapeError, "became"),
        (lambda: cr.scan(lambda c, x: (c[:1], x), XS[0], XS), ShapeError, r"f64\[1\]"),
        (
            lambda: cr.scan(lambda c, x: (c + x, x), np.zeros(2, np.int64), np.ones(2)),
            DtypeError,
            "astype",
        ),
        (
            lambda: cr.scan(lambda c, x: (c * int(x), x), 0.0, XS[0]),
            AbstractValueError,
            "scan",
        ),
        (lambda: cr.scan(lambda c, x: (c, x), 0.0, np.float64(1.0)), ShapeError, "axis"),
        (lambda: cr.scan(lambda c, x: (c, x), 0.0, length=-1), ValueError, "negative"),
    ],
)
def test_errors_name_this_file(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert "test_scan.py" in str(caught.value)


def leaf(*shape):
    return input_node(Type(shape, np.dtype(float)))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({}, None, ""),
        ({"length": 4}, ShapeError, r"scan of length 4 over an array of \(5, 2\)"),
        ({"n_carry": 0, "n_xs": 1}, ShapeError, r"scan of length 5 over an array of \(2,\)"),
        ({"body": "column"}, DtypeError, r"the carry is .*\(2,\).* before and .*\(1,\).* after"),
        ({"body": "integers"}, DtypeError, r"the carry is .*float64.* before and .*int64.* after"),
        ({"body": "wide"}, ShapeError, "its inputs are not those that its body takes"),
    ],
)
def test_a_loop_that_a_pass_puts_together_wrongly_is_refused(change, error, words):
    """Also by `verify`, which derives the types of a graph again."""
    carry, x = leaf(2), leaf(2)
    bodies = {
        "right": Graph((carry, x), (add(carry, x), carry)),
        "column": Graph((carry, x), (reshape(sum_(carry, axes=(0,)), shape=(1,)), carry)),
        "integers": Graph((carry, x), (cast(carry, dtype=np.dtype(np.int64)), carry)),
        "wide": Graph((carry, wide := leaf(3)), (carry, wide)),
    }
    params = {"body": "right", "n_carry": 1, "n_xs": 1, "length": 5, "reverse": False} | change
    params["body"] = bodies[params["body"]]
    inputs = (leaf(2), leaf(5, 2))
    right = scan(*inputs, **params | {"body": bodies["right"], "n_carry": 1, "length": 5})
    assert (Type((2,), np.dtype(float)), Type((5, 2), np.dtype(float))) == right.type
    if error is None:
        assert right.type == scan(*inputs, **params).type
        return
    with pytest.raises(error, match=words):
        scan(*inputs, **params)
    forged = Node(right.primitive, inputs, params, right.shape, right.dtype, None)
    with pytest.raises(error, match=words):
        verify(Graph(inputs, (forged,)))


def test_results_share_no_memory():
    """A carry that never changes is returned as a copy."""
    start = np.ones(2)
    first, second = cr.scan(lambda c, x: ((c[0], c[0]), None), (start, start), XS)[0]
    first += 1.0
    assert start.tolist() == second.tolist() == [1.0, 1.0]


def test_a_carry_that_follows_from_nothing_differentiated_has_no_derivative():
    """Its cotangent reaches nothing: zeros, with and without jit, also of the second order."""

    def f(x):
        (_, count), _ = cr.scan(lambda c, _: ((c[0] * 2.0, c[1] + 1.0), None), (x, 0.5), length=3)
        return count

    x = np.array([1.0, 2.0])
    for g in (cr.grad(f), cr.jit(cr.grad(f)), cr.grad(lambda x: np.sum(cr.grad(f)(x) * x))):
        assert [0.0, 0.0] == g(x).tolist()
    assert (3.5, 0.0) == tuple(map(float, cr.jvp(f, (x,), (x,))))


def test_two_loops_share_an_array():
    """The backward loop reads the very constant of the forward one; each finds it in its place."""
    mask = np.array([True, False, True])

    def f(x):
        return np.sum(cr.scan(lambda c, _: (np.where(mask, c * c, c), None), x, length=3)[0])

    x = np.array([1.1, 2.0, 0.5])
    wanted = np.where(mask, 8 * x**7, 1.0)
    np.testing.assert_allclose(cr.jit(cr.grad(f))(x), wanted, rtol=1e-12)
    np.testing.assert_allclose(cr.grad(f)(x), wanted, rtol=1e-12)
