"""L-BFGS beside SciPy's L-BFGS-B, whose steps it takes."""

import numpy as np
import pytest
from scipy.optimize import minimize as scipy_minimize
from scipy.optimize import rosen, rosen_der

from chainrule.estimators.mlp import line_search, quasi_newton
from chainrule.estimators.mlp.line_search import LineSearch

DRAW = np.random.default_rng(0)
ROWS = DRAW.normal(size=(40, 12)) * 10 ** DRAW.uniform(-2, 2, 12)
SIGNS = DRAW.integers(2, size=40) * 2 - 1.0


def logistic(w):
    z = SIGNS * (ROWS @ w)
    slopes = SIGNS / (1.0 + np.exp(np.clip(z, -700, 700)))
    return np.sum(np.logaddexp(0.0, -z)) + 5e-4 * w @ w, 1e-3 * w - ROWS.T @ slopes


def wavy(x):
    return np.sum(np.sin(3 * x) + 0.05 * x**2 + 0.01 * x**4), (
        3 * np.cos(3 * x) + 0.1 * x + 0.04 * x**3
    )


def cliff(x):
    value = np.sum(np.exp(5 * x) - 20 * x + np.abs(x) ** 1.5)
    return value, 5 * np.exp(5 * x) - 20 + 1.5 * np.sign(x) * np.sqrt(np.abs(x))


def kinks(x):
    """Without a slope at its minimum, so that searches end by the width of their bracket."""
    weights = np.arange(1, len(x) + 1)
    return np.sum(np.abs(x - 0.3) * weights), np.sign(x - 0.3) * weights


FUNCTIONS = {
    "rosenbrock": (lambda x: (rosen(x), rosen_der(x)), np.linspace(-1.5, 2.0, 7)),
    "steep": (lambda x: (1e4 * rosen(x), 1e4 * rosen_der(x)), np.linspace(-1.5, 2.0, 7)),
    "wavy": (wavy, np.linspace(-4.0, 4.0, 9)),
    "cliff": (cliff, np.linspace(-3.0, 3.0, 6)),
    "kinks": (kinks, np.linspace(-2.0, 3.0, 5)),
    "flat": (lambda x: (1.0, np.zeros(2)), np.ones(2)),
}


def ours(function, start, maxiter=200, maxfun=15000):
    return quasi_newton.minimize(function, start, gtol=1e-6, maxiter=maxiter, maxfun=maxfun)


def theirs(function, start, **options):
    options = {"maxiter": 200, "maxfun": 15000, "gtol": 1e-6, **options}
    return scipy_minimize(function, start, jac=True, method="L-BFGS-B", options=options)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("maxiter", [3, 12, 200])
def test_as_scipy(name, maxiter):
    """As many iterations to the same point, with the same reason to end."""
    function, start = FUNCTIONS[name]
    one, other = ours(function, start, maxiter), theirs(function, start, maxiter=maxiter)
    assert (one.nit, one.status, one.message) == (other.nit, other.status, other.message)
    np.testing.assert_allclose(one.x, other.x, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(one.fun, other.fun, rtol=1e-12, atol=1e-8)


def test_badly_scaled():
    """Columns of scales from 0.01 to 100: the same path until rounding parts them."""
    for maxiter in (1, 5, 12):
        one, other = ours(logistic, np.zeros(12), maxiter), theirs(logistic, np.zeros(12),
                                                                   maxiter=maxiter)  # fmt: skip
        np.testing.assert_allclose(one.x, other.x, rtol=1e-10, atol=1e-13)


def test_most_evaluations():
    """The search ends after the step that goes beyond them."""
    function, start = FUNCTIONS["cliff"]
    one, other = ours(function, start, maxfun=10), theirs(function, start, maxfun=10)
    assert one.nit == other.nit and one.status == other.status == 1
    assert one.message == other.message


def test_no_way_down():
    """A gradient that points the wrong way, or values that are NaN: it ends where it began."""
    wrong = ours(lambda x: (x @ x, -2.0 * x), np.ones(3))
    assert (wrong.status, wrong.nit, wrong.message) == (2, 0, "ABNORMAL: ")
    np.testing.assert_array_equal(wrong.x, 1.0)
    calls = []

    def nan(x):
        calls.append(x)
        return (1.0 if len(calls) == 1 else np.nan), np.ones(3)

    lost = ours(nan, np.ones(3))
    assert lost.status == 2 and len(calls) == 1 + quasi_newton.MOST_TRIALS
    np.testing.assert_array_equal(lost.x, 1.0)


def test_memory():
    """The inverse Hessian of the last 10 pairs, as the recursion of two loops has it."""
    pairs, kept = quasi_newton.Pairs(20), []
    gradient = DRAW.normal(size=20)
    for _ in range(23):
        step = DRAW.normal(size=20)
        change = step * np.linspace(0.5, 2.0, 20) + 0.1 * DRAW.normal(size=20)
        pairs.add(step, change, float(step @ change))
        kept = [*kept, (step, change)][-10:]
        q, alphas = gradient.copy(), []
        for s, y in reversed(kept):
            alphas.append((s @ q) / (s @ y))
            q -= alphas[-1] * y
        s, y = kept[-1]
        r = (s @ y) / (y @ y) * q
        for (s, y), alpha in zip(kept, reversed(alphas), strict=True):
            r += s * (alpha - (y @ r) / (s @ y))
        np.testing.assert_allclose(pairs.times(gradient), r, rtol=1e-9, atol=1e-9)
    pairs.forget()
    np.testing.assert_array_equal(pairs.times(gradient), gradient)


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 10.0, 1e3])
def test_wolfe_conditions(first):
    """Moré and Thuente's first function: the step found holds both conditions in few trials."""
    beta = 2.0

    def at(a):
        return -a / (a * a + beta), (a * a - beta) / (a * a + beta) ** 2

    value, slope = at(0.0)
    search, trials = LineSearch(value, slope, first), 1
    while not search.ends_with(*at(search.size)):
        trials += 1
    got, steepness = at(search.size)
    assert trials <= 7
    assert got <= value + line_search.DECREASE * search.size * slope
    assert abs(steepness) <= line_search.CURVATURE * abs(slope)
