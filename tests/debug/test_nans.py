"""`chainrule.debug.nans`: the operation that made a nan which reaches a result, and its line."""

import inspect

import numpy as np
import pytest

import chainrule as cr
from chainrule import debug
from chainrule.config import Config
from chainrule.errors import NonFiniteError

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's own, without jit
ON_BOTH = pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])


def caught(f, *args, infs=False):
    """The error that a call raises inside `nans`."""
    with debug.nans(infs=infs), pytest.raises(NonFiniteError) as info:
        f(*args)
    return info.value


def line_with(f, text):
    """The number of the line of a function that has a text."""
    lines, first = inspect.getsourcelines(f)
    (offset,) = [k for k, line in enumerate(lines) if text in line]
    return first + offset


def model(x):
    a = np.sqrt(x)
    b = a * 2.0
    return np.sum(b)


def masked(x):
    safe = np.where(x > 0.0, np.log(x), 0.0)
    return np.sum(safe * safe)


@ON_BOTH
def test_value(compiled):
    """The first operation with a nan is named, with the line, the entry and what it read."""
    f = cr.jit(model) if compiled else cr.value_and_grad(model)
    error = caught(f, np.array([4.0, 9.0, -1.5]))
    assert (error.operation, error.line) == ("sqrt", line_with(model, "np.sqrt"))
    assert error.filename == __file__
    assert not error.in_derivative and error.iterations == ()
    message = str(error)
    assert message.startswith(f"{__file__}:{error.line}: sqrt gives nan, in 1 of 3 entries")
    assert "the first at [2]" in message and "a = np.sqrt(x)" in message
    assert "sqrt reads f64[3], -1.5 ... 9, at [2]: -1.5" in message
    assert isinstance(error, FloatingPointError)


@ON_BOTH
def test_derivative(compiled):
    """A finite value with a nan in its gradient: in the derivative of the line."""

    def f(x):
        y = np.sqrt(x)
        return y * 0.0

    gradient = cr.jit(cr.grad(f)) if compiled else cr.grad(f)
    error = caught(gradient, 0.0)
    assert error.in_derivative and error.line == line_with(f, "np.sqrt")
    assert "nan in the derivative of sqrt" in str(error)
    assert "nans(infs=True) says where the infinity is from" in str(error)
    error = caught(gradient, 0.0, infs=True)  # 0.5 / sqrt(0)
    assert error.operation == "div" and error.line == line_with(f, "np.sqrt")
    assert "inf in the derivative of sqrt, by div" in str(error)


@ON_BOTH
def test_other_transformations(compiled):
    """jvp, vjp, second derivatives and vmap."""

    def f(x):
        return np.sqrt(x) * 0.0

    def tangent(x):
        return cr.jvp(f, (x,), (np.ones_like(x),))[1]

    def cotangent(x):
        return cr.vjp(f, x)[1](np.ones_like(x))[0]

    def second(x):
        return cr.grad(cr.grad(f))(x)

    def linear(x):
        return cr.linearize(f, x)[1](1.0)

    def of_batch(x):
        return cr.vmap(cr.grad(f))(x)

    for g, x in (
        (tangent, np.zeros(2)), (cotangent, np.zeros(2)), (second, 0.0), (of_batch, np.zeros(2)),
        (cr.jacfwd(f), np.zeros(2)), (cr.jacrev(f), np.zeros(2)), (linear, 0.0),
        (cr.hessian(lambda x: np.sum(f(x))), np.zeros(2)),
    ):  # fmt: skip
        error = caught(cr.jit(g) if compiled else g, x)
        assert error.in_derivative, g
        assert error.line == line_with(f, "np.sqrt"), g


@ON_BOTH
def test_what_does_not_reach_a_result_is_no_error(compiled):
    """Nans that `where` does not choose, in values and in derivatives."""
    f = cr.jit(cr.value_and_grad(masked)) if compiled else cr.value_and_grad(masked)
    x = np.array([-1.0, 0.0, 2.0])
    with debug.nans(), np.errstate(all="ignore"):
        value, gradient = f(x)
    np.testing.assert_allclose(np.log(2.0) ** 2, value)
    np.testing.assert_allclose([0.0, 0.0, np.log(2.0)], gradient)
    with debug.nans():
        assert f(np.array([2.0, 3.0, 4.0]))[1].shape == (3,)


@ON_BOTH
def test_the_search_passes_by_what_is_masked(compiled):
    """A nan that is masked away comes first, and the one that counts is named."""

    def f(x, y):
        a = np.where(x > 0.0, np.log(x), 0.0)
        b = np.sqrt(y)
        return a + b

    g = cr.jit(f) if compiled else lambda *args: cr.vjp(f, *args)[0]
    with np.errstate(all="ignore"):
        error = caught(g, np.array([-1.0, 1.0]), np.array([4.0, -4.0]))
    assert (error.operation, error.line) == ("sqrt", line_with(f, "np.sqrt"))
    assert "the first at [1]" in str(error)


def test_of_several_the_first_is_named():
    """What comes later may follow from it."""
    error = caught(cr.jit(lambda x: np.log(x) + np.arccosh(x)), -2.0)
    assert error.operation == "log"
    both = cr.jit(lambda x: np.sqrt(x) * np.sqrt(x))  # no input makes it without the other
    assert caught(both, -2.0).operation == "sqrt"


def test_infinities_count_if_asked_for():
    """`infs` is an option; nans count with it, too."""
    f = cr.jit(lambda x: 1.0 / x)
    with debug.nans():
        assert f(0.0) == np.inf
    assert caught(f, 0.0, infs=True).operation == "div"
    assert caught(cr.jit(np.log), -1.0, infs=True).operation == "log"
    with debug.nans(infs=True):
        assert cr.jit(lambda x: 1.0 / (1.0 / x))(0.0) == 0.0  # masked by the division


@ON_BOTH
def test_arguments_are_told_apart(compiled):
    """A nan that came in is none that an operation made."""
    f = cr.jit(lambda x, y: x * y) if compiled else lambda *xs: cr.vjp(lambda x, y: x * y, *xs)[0]
    error = caught(f, np.ones(3), np.array([1.0, np.nan, 1.0]))
    assert error.operation == "" and error.line == 0
    assert "because argument 1 has nan, in 1 of 3 entries, the first at [1]" in str(error)
    data = np.array([np.nan, 1.0])
    error = caught(cr.jit(lambda x: x * data), 1.0)
    assert "because an array that the function reads" in str(error)


@ON_BOTH
def test_iteration_of_a_scan(compiled):
    """The step of a loop, and the line in its body; also of its derivative."""

    def step(c, x):
        d = c - x
        return d, np.sqrt(d)

    def f(x):
        return np.sum(cr.scan(step, 3.0, x)[1])

    g = cr.jit(f) if compiled else f
    error = caught(g, np.ones(6))
    assert error.iterations == (3,) and error.operation == "sqrt"  # 3 - 4
    assert error.line == line_with(step, "np.sqrt")
    assert "in iteration 3 (from 0) of the scan" in str(error)
    error = caught(cr.jit(cr.grad(f)) if compiled else cr.grad(f), np.ones(6))
    assert error.iterations == (3,)
    reverse = cr.jit(lambda x: cr.scan(step, 3.0, x, reverse=True)[1])
    assert caught(reverse, np.ones(6)).iterations == (2,)  # the fourth from the end


def test_nan_that_a_loop_carries_along():
    """It arose in an earlier step than the one whose result is asked for."""

    def step(c, x):
        return np.log(c + x), c

    f = cr.jit(lambda x: cr.scan(step, 1.0, x)[0])
    error = caught(f, np.array([1.0, 0.0, 0.0, 1.0, 9.0, 9.0]))  # .69, -.37, nan, ...
    assert error.iterations == (2,) and error.line == line_with(step, "np.log")
    assert "log reads f64[] -0.36" in str(error)


def test_iteration_of_a_while_loop_and_a_branch():
    """Loops of unknown length, and one in a branch of another."""

    def inner(c):
        return c[0] + 1, np.sqrt(c[1] - 1.0)

    def f(x):
        return cr.while_loop(lambda c: c[0] < 5, inner, (0, x))[1]

    error = caught(cr.jit(f), 3.0)  # 3, 1.41, 0.64, sqrt(-0.36)
    assert error.iterations == (2,) and error.line == line_with(inner, "np.sqrt")
    nested = cr.jit(lambda x: cr.cond(x > 0.0, f, lambda x: x, x))
    assert caught(nested, 3.0).iterations == (2,)
    with debug.nans():
        assert nested(-3.0) == -3.0
    assert caught(f, 3.0).iterations == (2,)


def test_branches_on_values():
    """Functions with recorded paths: each call is looked at."""

    @cr.jit
    def f(x):
        if x > 0.0:
            return np.sqrt(x - 4.0)
        return x

    for x in (5.0, -1.0, 5.0, -1.0):
        f(x)
    assert np.isnan(f(1.0))
    assert caught(f, 1.0).operation == "sqrt"
    with debug.nans():
        assert f(8.0) == 2.0 and f(-1.0) == -1.0


def test_compiled_and_bound_functions():
    """`compile` and `bind`, whose calls are the fastest, and whose state is written over."""
    f = cr.jit(lambda x: np.log(x)).compile(np.ones(2))
    x = np.array([1.0, -1.0])
    assert np.isnan(f(x)[1])
    assert caught(f, x).operation == "log"
    step = cr.jit(lambda s, x: (np.sqrt(s - x), s)).bind(np.array(3.0))
    with debug.nans():
        assert step(1.0) == 3.0
    assert caught(step, 3.0).operation == "sqrt"  # sqrt(2) - 3
    donating = cr.jit(lambda s: np.sqrt(s - 1.0), donate_argnums=0)
    assert caught(donating, np.array([2.0, 0.0])).operation == "sqrt"


def test_training():
    """An epoch of `fit` is one compiled loop: the error names the line of the loss."""

    def loss(outputs, y):
        return np.mean(np.log(outputs - y))

    x, y = np.ones((8, 1)), np.full((8, 1), 100.0)
    net = cr.nn.MLP(1, (2,), 1, np.tanh, key=cr.random.key(0))
    settings = {"optimizer": cr.optim.sgd(0.1), "epochs": 1, "batch_size": 4, "progress": False}
    error = caught(lambda: cr.train.fit(net, x, y, loss=loss, **settings))
    assert error.line == line_with(loss, "np.log") and error.iterations == (0,)


def test_effects_are_not_repeated():
    """A function that calls Python with effects calls it once, also when the nan is looked for."""
    log = []

    @cr.jit
    def f(x):
        y = cr.io_callback(log.append, None, x)
        del y
        return np.log(x)

    error = caught(f, -1.0)
    assert [-1.0] == log and error.operation == "log"


def test_as_a_decorator_and_afterwards():
    """It ends with the function, and then nothing is looked at."""
    f = cr.jit(np.log)
    assert np.isnan(f(-1.0))

    @debug.nans()
    def run():
        return f(-1.0)

    for _ in range(2):
        with pytest.raises(NonFiniteError):
            run()
        assert np.isnan(f(-1.0))
    with debug.nans(), cr.configured(nans=0):
        assert np.isnan(f(-1.0))


def test_environment(monkeypatch):
    """``CHAINRULE_NANS=1`` is the flag for the whole process, and records lines without `jit`."""
    monkeypatch.delenv("CHAINRULE_LINES", raising=False)
    assert (Config().nans, Config().lines) == (0, 0)
    monkeypatch.setenv("CHAINRULE_NANS", "1")
    assert (Config().nans, Config().lines) == (1, 1)
    f = cr.jit(np.log)
    assert np.isnan(f(-1.0))
    with cr.configured(nans=0):
        cr.config.nans = 1  # of this block
        with pytest.raises(NonFiniteError, match="log gives nan"):
            f(-1.0)
    assert np.isnan(f(-1.0))
