"""while_loop and cond against Python's own while and if."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import AbstractValueError, DtypeError, GradientError, ShapeError

W = np.array([[0.4, -0.2], [0.3, 0.9]])


def root(a):
    """Newton's iteration, with a carry of several parts and a value from outside."""

    def going(state):
        x, _ = state
        return np.abs(x * x - a) > 1e-13 * a

    def turn(state):
        x, step = state
        return (x + a / x) / 2, step + 1

    return cr.while_loop(going, turn, (a, 0))


@pytest.mark.parametrize("wrap", [lambda f: f, cr.jit])
def test_while_loop_is_a_while_loop(wrap):
    x, steps = wrap(root)(2.0)
    assert x == pytest.approx(np.sqrt(2.0), rel=1e-15)
    assert steps == 5


@pytest.mark.parametrize("wrap", [lambda f: f, cr.jit])
def test_while_loop_forward_mode(wrap):
    f = wrap(lambda a: root(a)[0])
    _, slope = cr.jvp(f, (2.0,), (1.0,))
    assert slope == pytest.approx(0.5 / np.sqrt(2.0), rel=1e-12)

    def slope_at(a):
        return cr.jvp(f, (a,), (1.0,))[1]

    assert cr.jvp(slope_at, (2.0,), (1.0,))[1] == pytest.approx(-0.25 * 2.0**-1.5, rel=1e-9)


def test_while_loop_has_no_reverse_mode():
    with pytest.raises(GradientError, match=r"scan or fori_loop"):
        cr.grad(lambda a: root(a)[0])(2.0)


def test_while_loop_of_no_turns_and_of_float32():
    assert cr.while_loop(lambda x: x < 0, lambda x: x * 2, 3.0) == 3.0
    doubled = cr.while_loop(lambda x: x.sum() < 9, lambda x: x * 2, np.ones(2, np.float32))
    assert doubled.dtype == np.float32
    assert doubled.tolist() == [8.0, 8.0]


def chosen(flag, w, x):
    return cr.cond(
        flag, lambda x: {"y": np.sum(np.tanh(x @ w))}, lambda x: {"y": np.sum(x) ** 2}, x
    )["y"]


@pytest.mark.parametrize("wrap", [lambda f: f, cr.jit])
@pytest.mark.parametrize("flag", [True, False])
def test_cond_is_an_if(wrap, flag):
    x = np.array([0.5, -1.5])
    expected = np.sum(np.tanh(x @ W)) if flag else np.sum(x) ** 2
    assert wrap(chosen)(flag, W, x) == pytest.approx(expected, rel=1e-15)
    cr.check_grads(lambda w, x: wrap(chosen)(flag, w, x), (W, x))


def test_one_trace_serves_both_branches():
    f = cr.jit(cr.grad(lambda x, flag: cr.cond(flag, lambda x: x**3, lambda x: -x, x)))
    assert [f(2.0, True), f(2.0, False)] == [12.0, -1.0]
    assert len(f.cache) == 1


def test_only_the_branch_taken_is_computed():
    """The other one would never end."""

    def forever(x):
        return cr.while_loop(lambda x: x > 0, lambda x: x + 1, x)

    assert cr.jit(lambda x: cr.cond(x < 5, lambda x: x, forever, x))(2.0) == 2.0


def test_cond_in_scan():
    def f(x):
        def body(total, k):
            term = cr.cond(k % 2 == 0, lambda: x * k, lambda: x**2)
            return total + term, None

        return cr.scan(body, 0.0, np.arange(5))[0]

    assert f(3.0) == 3.0 * 6 + 2 * 9.0
    assert cr.jit(cr.grad(f))(3.0) == pytest.approx(6 + 4 * 3.0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: cr.while_loop(lambda x: x, lambda x: x, 1.0), DtypeError, "one truth value"),
        (lambda: cr.while_loop(lambda x: x < 1, lambda x: (x, x), 1.0), ShapeError, "became"),
        (lambda: cr.while_loop(lambda x: x < 1, lambda x: x * 0.5, 1), None, ""),
        (
            lambda: cr.while_loop(lambda x: x < 1, lambda x: x * 0.5, np.int64(1)),
            DtypeError,
            "cast",
        ),
        (lambda: cr.cond(np.ones(2) > 0, lambda: 1.0, lambda: 2.0), DtypeError, "one truth value"),
        (lambda: cr.cond(True, lambda: 1.0, lambda: (2.0,)), ShapeError, "the other"),
        (lambda: cr.cond(True, lambda: 1.0, lambda: np.ones(2)), ShapeError, "different types"),
        (
            lambda: cr.while_loop(lambda x: int(x) < 1, lambda x: x, 1.0),
            AbstractValueError,
            "needs the numbers",
        ),
    ],
)
def test_errors_name_this_file(call, error, words):
    if error is None:
        assert call() == 1.0
        return
    with pytest.raises(error, match=words) as caught:
        call()
    assert "test_branches.py" in str(caught.value)


def test_a_function_without_arguments_reads_outer_tracers():
    """What it closes over is differentiated, however deep inside jit."""
    for wrap in (lambda f: f, cr.jit):
        assert wrap(cr.grad(lambda x: cr.jit(lambda: x**2 * 3.0)()))(2.0) == 12.0
        twice = cr.grad(lambda x: cr.jit(lambda: cr.grad(lambda y: y**2 * x)(x))())
        assert wrap(twice)(2.0) == 8.0
