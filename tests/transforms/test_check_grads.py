"""check_grads must find what is wrong: here are rules that are."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import CheckError
from chainrule.graph.node import Primitive
from chainrule.graph.types import Type
from chainrule.primitives.declare import unbroadcast
from chainrule.primitives.elementwise import cos, sin
from chainrule.primitives.structure import reshape, slice_
from chainrule.trace.operands import record
from chainrule.trace.tracer import Tracer

X = np.array([0.3, -0.7, 1.2])
Y = np.array([1.5, 0.4, -0.9])


def function(evaluate, vjp, jvp=None):
    """A function with these rules, on arrays and on tracers."""

    def infer(*types):
        return Type(np.broadcast_shapes(*[t.shape for t in types]), types[0].dtype)

    primitive = Primitive("planted", lambda xp, *x: evaluate(*x), infer, vjp, jvp)

    def f(*args):
        if any(isinstance(x, Tracer) for x in args):
            return record(primitive, *args)
        return evaluate(*args)

    return f


def times(x, y):
    return x * y


right = function(times, lambda g, _, x, y: [unbroadcast(g * y, x), unbroadcast(g * x, y)])
PLANTED = {
    "a factor of 1.001": (
        function(np.sin, lambda g, _, x: [g * 1.001 * cos(x)]), (X,)
    ),
    "swapped partials": (
        function(times, lambda g, _, x, y: [unbroadcast(g * x, x), unbroadcast(g * y, y)]), (X, Y)
    ),
    "a forgotten unbroadcast": (
        # the cotangent of the number is that of its first use alone
        function(times, lambda g, _, x, y: [_first(g * y), unbroadcast(g * x, y)]),
        (np.float64(0.7), Y),
    ),
    "a forgotten accumulation": (
        function(lambda x: x * x, lambda g, _, x: [g * x]), (X,)
    ),
    "a wrong sign": (function(np.cos, lambda g, _, x: [g * sin(x)]), (X,)),
    "a forgotten input": (
        function(times, lambda g, _, x, y: [unbroadcast(g * y, x), None]), (X, Y)
    ),
}  # fmt: skip


def _first(g):
    return reshape(slice_(g, index=(slice(0, 1),)), shape=())


@pytest.mark.parametrize("name", PLANTED)
def test_finds_a_wrong_reverse_rule(name):
    f, args = PLANTED[name]
    with pytest.raises(CheckError, match="vjp"):
        cr.check_grads(f, args, order=1, modes=["rev"])


def test_finds_a_wrong_forward_rule():
    def vjp(g, y, _):
        return [g * y]

    wrong = function(np.exp, vjp, lambda tangents, y, _: tangents[0] * y * 1.001)
    right = function(np.exp, vjp, lambda tangents, y, _: tangents[0] * y)
    with pytest.raises(CheckError, match="jvp"):
        cr.check_grads(wrong, (X,), order=1, modes=["fwd"])
    cr.check_grads(right, (X,), order=1)


def test_finds_a_wrong_second_derivative():
    """cos(x) as an unrelated constant: the first derivative is right, the second is zero."""

    def rule(g, _, x):
        value = np.cos(x if isinstance(x, (np.ndarray, np.generic)) else x.value)
        return [g * value]

    f = function(np.sin, rule)
    cr.check_grads(f, (X,), order=1, modes=["rev"])
    with pytest.raises(CheckError, match="vjp, then vjp"):
        cr.check_grads(f, (X,), order=2, modes=["rev"])


def test_right_rules_pass():
    cr.check_grads(right, (X, Y), modes=["rev"])
    cr.check_grads(right, (np.float64(0.7), Y), modes=["rev"])
    cr.check_grads(lambda p: {"y": np.tanh(p["a"] @ p["b"])},
                   ({"a": np.outer(X, Y), "b": Y},))  # fmt: skip
    cr.check_grads(lambda x: np.sum(np.exp(x)), (X.astype(np.float32),), order=1)


def test_unknown_mode():
    with pytest.raises(ValueError, match="sideways"):
        cr.check_grads(np.sin, (X,), modes=["sideways"])
