"""Python loops that are found again in the graph: the same bits as unrolled, as few scans."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from loop_programs import compiled, found, unrolled

import chainrule as cr
from chainrule import faults
from chainrule.errors import InternalErrorWarning
from chainrule.simplify.loops import find_loops
from chainrule.simplify.loops.stores import forward_stores

RNG = np.random.default_rng(3)
X = RNG.normal(size=40)
A = RNG.normal(size=(12, 12))


def scans(graph):
    return [node for node in graph.nodes if node.primitive.name == "scan"]


def lengths(graph):
    return [node.params["length"] for node in scans(graph)]


# Kinds of loops


def garch(p, r):
    omega, alpha, beta = p
    h, total = 1.0, 0.0
    for k in range(len(r)):
        total += np.log(h) + r[k] ** 2 / h
        h = omega + alpha * r[k] ** 2 + beta * h
    return total


def test_a_likelihood():
    """The last iteration does not compute the next variance, and stays beside the loop."""
    graph = found(garch, np.array([0.1, 0.2, 0.7]), X)
    assert lengths(graph) == [39]
    assert len(graph.nodes) < 40


def lstm(w, u, x):
    n = u.shape[0]
    h, c, states = np.zeros(n), np.zeros(n), []
    for row in x:
        z = row @ w + h @ u
        i, f, o = [1 / (1 + np.exp(-z[k * n : (k + 1) * n])) for k in range(3)]
        c = f * c + i * np.tanh(z[3 * n :])
        h = o * np.tanh(c)
        states.append(h)
    return np.stack(states)


def test_an_lstm_is_one_scan():
    """Carries are the two states, one stack is read and one written."""
    args = RNG.normal(size=(3, 16)), RNG.normal(size=(4, 16)), RNG.normal(size=(20, 3))
    graph = found(lstm, *args)
    (scan,) = scans(graph)
    assert (2, 1, 20) == tuple(scan.params[name] for name in ("n_carry", "n_xs", "length"))
    assert len(graph.nodes) < 10
    np.testing.assert_array_equal(compiled(lstm, args), compiled(lstm, args, reroll=0))


def runge_kutta(p):
    def slope(y):
        return np.array([-p[0] * y[0], p[0] * y[0] - p[1] * y[1]])

    y, levels = np.array([1.0, 0.0]), []
    for _ in range(20):
        a = slope(y)
        b = slope(y + 0.05 * a)
        y = y + 0.05 * (a + b)
        levels.append(y[1])
    return np.array(levels)


def test_a_first_iteration_that_began_with_constants_is_one_of_the_loop():
    """Its nodes that NumPy had computed are nodes again."""
    graph = found(runge_kutta, np.array([1.0, 0.3]))
    assert lengths(graph) == [20]


@pytest.mark.parametrize("first", [0.0, -0.0, np.nan, 3.0])
def test_first_values_keep_their_bits(first):
    def function(w):
        y = np.array([first, 1.0])
        for _ in range(12):
            y = np.array([-y[0] * w, y[1] * y[0] + w]) * w + y
        return y

    assert lengths(found(function, 0.25)) == [12]


def test_a_recurrence_in_an_array_carries_numbers():
    def function(x):
        y = np.zeros(40)
        for k in range(2, 40):
            y[k] = 0.5 * y[k - 1] - 0.3 * y[k - 2] + x[k]
        return y

    (scan,) = scans(found(function, X))
    shapes = {node.shape for node in scan.params["body"].inputs[: scan.params["n_carry"]]}
    assert shapes <= {(), (1,)}


def test_windows_of_an_array_that_is_written():
    def function(x, phi):
        y = np.zeros(60)
        y[:4] = x[:4]
        for k in range(4, 60):
            y[k] = phi @ y[k - 4 : k][::-1] + x[k % 40]
        return y

    assert max(lengths(found(function, X, X[:4]))) >= 50


@pytest.mark.parametrize("order", [range(40), range(39, -1, -1), range(1, 40, 3)])
def test_orders_of_entries(order):
    def function(x):
        total, y = x[0], np.zeros(40)
        for k in order:
            total = np.sin(total) + x[k] * x[39 - k]
            y[k] = total
        return y

    assert lengths(found(function, X)) == [len(order)]


def test_nested_loops():
    """The inner one lies in the body of the outer one."""

    def function(a, v):
        y = np.zeros(12)
        for i in range(12):
            total = 0.0
            for j in range(12):
                total = np.tanh(total + a[i, j] * v[j])
            y[i] = total + v[i]
        return y

    graph = found(function, A, X[:12])
    (scan,) = scans(graph)
    assert [12, 12] == [scan.params["length"], *lengths(scan.params["body"])]


def test_three_nested_loops_over_an_array_that_is_added_to():
    def function(a, b):
        c = np.zeros((9, 9))
        for i in range(9):
            for j in range(9):
                for k in range(9):
                    c[i, j] += a[i, k] * b[k, j]
        return c

    graph = found(function, A[:9, :9], A[3:, 3:])
    assert len(graph.nodes) < 20


def test_a_grid_that_reads_its_neighbours():
    def function(a):
        d = np.zeros((12, 12))
        for i in range(1, 12):
            for j in range(1, 12):
                d[i, j] = a[i, j] + 0.3 * d[i - 1, j] + 0.5 * d[i, j - 1] - d[i - 1, j - 1]
        return d

    graph = unrolled(function, A)
    assert len(found(function, A).nodes) < len(graph.nodes) / 10


def test_loops_one_after_the_other():
    def function(x):
        total = x[0]
        for k in range(20):
            total = np.cos(total) * x[k] + 1.0
        other = total
        for k in range(25):
            other = np.sin(other) * x[k] + total
        return other

    assert lengths(found(function, X)) == [20, 25]


def test_lists_with_several_entries_an_iteration():
    def function(x):
        flat, rows, state = [], [], x[0]
        for k in range(20):
            state = np.cos(state) * x[k]
            flat += [state, state * 2.0, x[k]]
            rows.append([state, 1.0, state * k])
        return np.array(flat), np.array(rows)

    assert 20 in lengths(found(function, X))


def test_truth_values_of_each_iteration_are_stacked():
    def function(x):
        state, flags = x[0], []
        for k in range(40):
            flags.append(state > x[k])
            state = 0.5 * state + np.sin(x[k])
        return state, np.array(flags)

    graph = found(function, X)
    assert len(graph.nodes) < 20


def test_branches_on_values_are_recorded_by_a_loop():
    """Two decisions an iteration, also where a gradient runs through it."""

    def function(x):
        for _ in range(200):
            x = 0.5 * x + np.sin(x)
            if np.isnan(x):
                raise ValueError("not a number")
            if x > 100.0:
                break
        return x

    for derived in (function, cr.grad(function)):
        compiled_function = cr.jit(derived)
        for x in (0.3, 0.3, 0.4, 0.4, 300.0):
            np.testing.assert_allclose(compiled_function(x), derived(x), rtol=1e-12)


def test_passes_over_an_array_that_is_rewritten():
    """What a pass reads was written one pass before, and one entry before."""

    def function(x):
        x = x.copy()
        for _ in range(9):
            for j in range(39):
                low, high = np.minimum(x[j], x[j + 1]), np.maximum(x[j], x[j + 1])
                x[j] = low
                x[j + 1] = high
        return x

    assert len(found(function, X).nodes) < 200


def test_passes_of_different_lengths():
    def function(x):
        x = x.copy()
        for i in range(9):
            for j in range(39 - i):
                low, high = np.minimum(x[j], x[j + 1]), np.maximum(x[j], x[j + 1])
                x[j] = low
                x[j + 1] = high
        return x

    graph = found(function, X)
    assert set(range(30, 38)) <= {n + k for n in lengths(graph) for k in (-1, 0, 1)}


def test_dtypes_stay():
    def function(x):
        count, phase, total, y = 0, 0j, x[0], np.zeros(40, np.int32)
        for k in range(40):
            total = np.float32(0.5) * total + x[k]
            phase = phase * 1j + total * (1 + 2j)
            count = count + (total > 0)
            y[k] = (total * 10.0).astype(np.int32) * k
        return total, phase, count, y

    assert lengths(found(function, X.astype(np.float32))) == [39]


def test_random_numbers_of_each_iteration():
    def function(key):
        total = 0.0
        for k in range(10):
            key, draw = cr.random.split(key)
            total = total + np.sum(cr.random.normal(draw, (3,))) * k
        return total

    graph = unrolled(function, cr.random.key(0))
    assert len(found(function, cr.random.key(0)).nodes) < len(graph.nodes) / 5


def test_steps_of_training():
    """Each iteration has a gradient of its own."""

    def function(w, rows):
        velocity = np.zeros(5)
        for k in range(1, 20):
            gradient = cr.grad(lambda w: np.sum((rows @ w - 1.0) ** 2))(w)
            velocity = 0.9 * velocity + gradient
            w = w - 0.01 * velocity / (1 - 0.9**k)
        return w

    assert lengths(found(function, X[:5], A[:, :5])) == [19]


def test_a_list_of_arguments():
    """Small ones are stacked; large ones are read where they are."""

    def layers(x, *weights):
        for w in weights:
            x = np.tanh(w @ x)
        return x

    small = [RNG.normal(size=(8, 8)) for _ in range(20)]
    assert lengths(found(layers, X[:8], *small)) == [20]
    large = [RNG.normal(size=(80, 80)) for _ in range(20)]
    assert lengths(found(layers, RNG.normal(size=80), *large)) == []


# Where there is no loop


def test_irregular_entries_are_a_table():
    order = np.random.default_rng(0).permutation(40)

    def function(x):
        total = x[0]
        for k in order:
            total = np.sin(total) + x[k]
        return total

    assert lengths(found(function, X)) == [40]


def test_an_iteration_that_differs_cuts_the_loop():
    def function(x):
        total = x[0]
        for k in range(40):
            total = np.sin(total) * x[k] + 0.5
            if k == 19:
                total = np.cos(total)
        return total

    assert lengths(found(function, X)) == [20, 20]


def test_an_operand_that_differs_cuts_the_loop():
    """Each iteration has the same nodes; from the 15th on they read another one."""

    def function(x):
        a, b = x[0], x[1]
        for k in range(40):
            a, b = np.sin(a) + x[k], np.cos(b) * (a if k < 15 else b)
        return a + b

    assert sum(lengths(found(function, X))) >= 38
    assert len(lengths(found(function, X))) == 2


def test_a_number_that_differs_is_no_constant():
    def function(x):
        total = x[0]
        for k in range(20):
            total = np.sin(total) * (-0.0 if k == 7 else 0.0) + x[k]
        return total

    assert lengths(found(function, X)) == [20]


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_short_loops_stay(count):
    def function(x):
        total = 0.0
        for k in range(count):
            total = total + x[k] * np.sin(x[k])
        return total

    graph = unrolled(function, X)
    assert find_loops(graph) is graph


def test_few_operations_on_large_arrays_stay():
    """As one pass over memory they are faster than as many."""

    def function(x):
        y = x
        for k in range(40):
            y = y * x + 0.1 * k
        return y

    assert lengths(found(function, np.ones(5000))) == []
    assert lengths(found(function, np.ones(16))) == [40]


def test_calls_of_python_stay_beside_a_loop():
    """They are called as often, and in the same order."""
    calls = []

    def function(x):
        for _ in range(20):
            x = np.sin(x) * 1.5 + np.cos(x)
            cr.io_callback(calls.append, None, x)
        return x

    graph = find_loops(unrolled(function, 0.5))
    assert [node.primitive.name for node in graph.nodes].count("callback") == 20
    compiled(function, (0.5,))
    first = list(calls)
    calls.clear()
    compiled(function, (0.5,), reroll=0)
    assert len(first) == 20
    assert first == calls


def test_a_call_of_python_beside_a_loop_is_made_once():
    """Also if a gradient runs through both."""
    calls = []

    def observe(x):
        calls.append(float(x))
        return np.float64(2.0 * x)

    def function(x):
        for _ in range(30):
            x = np.sin(x) * 1.5 + np.cos(x)
        return x * cr.stop_gradient(cr.io_callback(observe, np.float64(0), cr.stop_gradient(x)))

    first = compiled(cr.grad(function), (0.5,), reroll=0)
    np.testing.assert_allclose(compiled(cr.grad(function), (0.5,)), first, rtol=1e-12)
    assert len(calls) == 2


# Where it happens


def test_loops_are_found_before_they_are_differentiated():
    """The trace itself stays as it was; only gradients and programs are made of loops."""
    p = np.array([0.1, 0.2, 0.7])
    traced = cr.make_graph(garch)(p, X)
    assert scans(traced) == []
    gradient = cr.make_graph(cr.grad(garch))(p, X)
    assert len(scans(gradient)) == 2  # forward, with residuals, and backward
    assert len(gradient.nodes) < 100
    with cr.configured(reroll=0):
        assert scans(cr.make_graph(cr.grad(garch))(p, X)) == []


def test_derivatives_of_all_kinds():
    """Forward and reverse mode, of second order, and beside a second result."""

    def function(x):
        for k in range(30):
            x = np.sin(x) + 0.01 * k * x
        return np.sum(x)

    x = X[:3]
    for derivative in (
        cr.grad(function),
        lambda x: cr.jvp(function, (x,), (x,)),
        lambda x: cr.vjp(function, x)[1](2.0),
        lambda x: cr.grad(lambda x: np.sum(cr.grad(function)(x) ** 2))(x),
        cr.value_and_grad(lambda x: (function(x), {"more": x * function(x)}), has_aux=True),
    ):
        expected = compiled(derivative, (x,), reroll=0, backend="numpy")
        actual = compiled(derivative, (x,), backend="numpy")
        for a, b in zip(cr.tree.leaves(expected), cr.tree.leaves(actual), strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-11)


def test_a_loop_in_the_body_of_a_scan():
    def function(x, rows):
        def step(state, row):
            for k in range(12):
                state = np.sin(state) * row[k] + 0.1 * k * row[0]
            return state, state

        return np.sum(cr.scan(step, x, rows)[1])

    (scan,) = scans(cr.make_graph(function)(0.3, A))
    assert lengths(scan.params["body"]) == [12]
    derivative = cr.grad(function, (0, 1))
    expected = compiled(derivative, (0.3, A), reroll=0)
    for a, b in zip(expected, compiled(derivative, (0.3, A)), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-11)


def test_an_array_result_may_be_written_by_the_caller():
    """What was a view of an argument, or a copy, is so with loops."""

    def function(x):
        def inner(y):
            for k in range(20):
                y = np.sin(y) + 0.1 * k
            return np.sum(y), y

        (_, y), g = cr.value_and_grad(inner, has_aux=True)(x)
        y[0] = 7.0
        return y, g

    for a, b in zip(compiled(function, (X,), reroll=0), compiled(function, (X,)), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12)


def count_of_calls(graph):
    """How many functions are called, of Python and of C, to find the loops of a graph."""
    calls = 0

    def profile(_frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    graph.nodes  # noqa: B018
    sys.setprofile(profile)
    try:
        find_loops(graph)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(
    "function", [garch, lambda p, r: np.stack([garch(p, r[:9] * x) for x in r])]
)
def test_the_work_grows_as_the_graph(function):
    """Twice as many iterations take twice as many steps."""
    p = np.array([0.1, 0.2, 0.7])
    few, many = [unrolled(function, p, np.ones(n)) for n in (50, 100)]
    assert count_of_calls(many) < 2.2 * count_of_calls(few)


def test_what_is_read_and_stored_again_comes_once():
    """A slice of the array before, stored elsewhere and read there, is one node of the sequence."""

    def f(x):
        y = np.zeros((5, 3)) + x
        for _ in range(12):
            y[2] = y[4]
            y[3] = y[2]
            y[1] = np.sin(y[3]) + y[2]
            y[0] = y[3] * y[1]
        return np.sum(y)

    graph = cr.make_graph(f)(np.ones(3))
    nodes, alias = forward_stores(list(graph.nodes))
    assert len(set(nodes)) == len(nodes) and alias
    x = np.array([0.3, 0.2, -0.1])
    with cr.configured(check=1):
        np.testing.assert_array_equal(cr.jit(f)(x), f(x))


def test_an_error_of_the_search_leaves_loops_unrolled(monkeypatch):
    def fails(*_):
        raise KeyError("planted")

    def f(x):
        for _ in range(100):
            x = 0.5 * np.sin(x)
        return x

    monkeypatch.setattr("chainrule.simplify.loops.reroll.with_scans", fails)
    for transformed in (f, cr.grad(f)):
        with cr.configured(check=0), pytest.warns(InternalErrorWarning, match="stay unrolled"):
            faults._warned.clear()
            assert cr.jit(transformed)(0.7) == pytest.approx(transformed(0.7), rel=1e-13)
    with cr.configured(check=1), pytest.raises(KeyError):
        cr.jit(f)(0.7)
