"""Random programs: compiled code and NumPy report the same line, and only for a nan in a result."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import debug
from chainrule.errors import NonFiniteError

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
ONE = ["sqrt", "log", "arcsin", "exp", "tanh", "negative", "square", "log1p", "arccosh", "abs"]
TWO = ["add", "subtract", "multiply", "divide", "power", "maximum"]


def program(rng):
    """A function of two arrays, in whose list v each line enters one value more."""

    def chosen(names):
        return names[rng.integers(len(names))]

    def value():
        return f"v[{rng.integers(100)} % len(v)]"

    lines = ["def f(x, y):", "    v = [x, y]"]
    for _ in range(8):
        kind = rng.random()
        if kind < 0.5:
            text = f"np.{chosen(ONE)}({value()})"
        elif kind < 0.65:
            text = f"np.where({value()} > 0.3, {value()}, {value()})"
        else:
            text = f"np.{chosen(TWO)}({value()}, {value()})"
        lines.append(f"    v.append({text})")
    lines.append("    return np.sum(v[-1] * v[-2])")
    names = {"np": np}
    exec(compile("\n".join(lines), "<program>", "exec"), names)
    return names["f"]


def report(f, args):
    """The result without `nans`, and what is reported inside of it."""
    result = f(*args)
    with debug.nans():
        try:
            f(*args)
        except NonFiniteError as error:
            return result, (error.operation, error.line, error.in_derivative)
    return result, None


def check(seed):
    rng = np.random.default_rng(seed)
    f = program(rng)
    args = 2.0 * rng.normal(size=3), rng.normal(size=3)
    gradient = cr.grad(f, argnums=(0, 1))
    for eager, compiled in ((lambda *xs: cr.vjp(f, *xs)[0], f), (gradient, gradient)):
        expected, actual = report(eager, args), report(cr.jit(compiled), args)
        assert bool(np.any(np.isnan(expected[0]))) == (expected[1] is not None)
        assert bool(np.any(np.isnan(actual[0]))) == (actual[1] is not None)
        assert expected[1] == actual[1]
        assert expected[1] is None or expected[1][0]


@pytest.mark.parametrize("seed", range(8))
def test_a_few_programs(seed):
    """Values and gradients."""
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", (100, 150))
def test_many_programs(first):
    """The same for fifty."""
    for seed in range(first, first + 50):
        check(seed)
