"""Distributions of scipy.stats: SciPy's values, and slopes by central differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats as st

import chainrule as cr
from chainrule.errors import GradientError, UnsupportedError

METHODS = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")
# with shapes, and whether the slope of `ppf` by them is known
COMMON: dict[str, tuple[float, ...]] = {
    "norm": (), "t": (2.7,), "uniform": (), "expon": (), "gamma": (1.7,), "beta": (2.3, 1.4),
    "chi2": (3.4,), "f": (4.2, 5.1), "lognorm": (0.7,), "logistic": (), "laplace": (),
    "cauchy": (), "weibull_min": (1.6,), "weibull_max": (2.2,), "pareto": (2.6,), "gumbel_r": (),
    "gumbel_l": (), "genextreme": (-0.2,), "genpareto": (0.3,), "halfnorm": (), "invgamma": (3.2,),
    "rayleigh": (), "maxwell": (), "powerlaw": (1.7,), "triang": (0.37,), "vonmises": (2.1,),
    "skewnorm": (1.3,), "truncnorm": (-1.1, 0.8), "invgauss": (0.8,), "loguniform": (0.3, 2.6),
    "nakagami": (1.9,), "dweibull": (1.7,),
}  # fmt: skip
OTHERS: dict[str, tuple[float, ...]] = {
    "anglit": (), "arcsine": (), "bradford": (0.3,), "burr": (2.5, 1.3), "burr12": (2.5, 1.3),
    "chi": (2.8,), "crystalball": (2.0, 3.0), "dgamma": (1.3,), "exponpow": (2.7,),
    "fisk": (3.1,), "genexpon": (2.1, 1.2, 0.9), "gengamma": (1.6, 1.1), "genlogistic": (0.6,),
    "gennorm": (1.3,), "halfgennorm": (0.7,), "gibrat": (), "gompertz": (0.9,), "halfcauchy": (),
    "halflogistic": (), "hypsecant": (), "invweibull": (3.3,), "johnsonsb": (1.3, 1.2),
    "johnsonsu": (1.3, 1.2), "kappa3": (1.3,), "laplace_asymmetric": (1.4,), "levy": (),
    "levy_l": (), "loggamma": (0.9,), "loglaplace": (3.2,), "lomax": (1.9,), "mielke": (3.1, 1.7),
    "moyal": (), "powerlognorm": (1.4, 0.7), "powernorm": (2.4,), "skewcauchy": (0.4,),
    "trapezoid": (0.2, 0.8), "truncexpon": (2.3,), "truncweibull_min": (2.5, 0.2, 1.8),
    "wrapcauchy": (0.3,), "betaprime": (3.2, 4.1), "semicircular": (), "rdist": (2.6,),
    "rice": (0.8,),
}  # fmt: skip
WITHOUT_QUANTILES: dict[str, tuple[float, ...]] = {
    "exponnorm": (1.5,), "foldnorm": (1.4,), "foldcauchy": (1.7,), "recipinvgauss": (0.6,),
    "fatiguelife": (1.4,), "exponweib": (1.9, 1.4), "argus": (1.2,), "rel_breitwigner": (1.8,),
    "alpha": (2.5,),
}  # fmt: skip
CASES = COMMON | OTHERS | WITHOUT_QUANTILES
WEIGHTS = np.array([1.0, 0.7, 0.4, -0.6, 0.8])


def value(name: str, method: str, x: Any, shapes: Any, loc: Any, scale: Any) -> Any:
    return getattr(getattr(st, name), method)(x, *shapes, loc=loc, scale=scale)


def data(name: str, method: str) -> Any:
    """Three points inside the support, and one beyond each of its ends where there is one."""
    if method in ("ppf", "isf"):
        return np.array([0.15, 0.45, 0.9, 0.6, 0.3])
    distribution, shapes = getattr(st, name), CASES[name]
    low, high = distribution.support(*shapes)
    inside = distribution.ppf([0.15, 0.45, 0.9], *shapes)
    beyond = [x if np.isfinite(x) else inside[1] for x in (low - 0.5, high + 0.5)]
    return np.array([*inside, *beyond]) * 1.3 + 0.4


def five_points(f: Any, x: float, step: float) -> Any:
    return (8 * (f(x + step) - f(x - step)) - (f(x + 2 * step) - f(x - 2 * step))) / (12 * step)


def moved_by(f: Any, point: Any, k: int, direction: Any) -> Any:
    """f where the k-th argument is moved by a number."""
    return lambda h: f(*point[:k], point[k] + h * direction, *point[k + 1 :])


def total(method: str, result: Any) -> Any:
    """A weighted sum, without the infinite logarithms outside."""
    finite = np.where(np.isfinite(result), result, 0.0)
    return np.sum(WEIGHTS * finite)


def parametrized(cases: dict[str, Any]) -> list[Any]:
    return [pytest.param(name, marks=[] if name in COMMON else pytest.mark.slow) for name in cases]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", parametrized(CASES))
def test_methods(name: str) -> None:
    """All eight methods by the data, loc, scale and the shapes."""
    shapes = CASES[name]
    for method in METHODS[: 6 if name in WITHOUT_QUANTILES else 8]:
        x = data(name, method)

        def f(x: Any, loc: Any, scale: Any, *shapes: Any, method: str = method) -> Any:
            return total(method, value(name, method, x, shapes, loc, scale))

        expected = value(name, method, x, shapes, 0.4, 1.3)
        actual, _ = cr.vjp(lambda x, m=method: value(name, m, x, shapes, 0.4, 1.3), x)
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-13)
        point = (x, 0.4, 1.3, *shapes)
        known = 3 if name == "vonmises" and method in METHODS[2:] and "pdf" not in method else None
        wanted = tuple(range(known or len(point)))
        slopes = cr.grad(f, argnums=wanted)(*point)
        directions = [np.array([1.0, -0.5, 0.3, 0.2, 0.7]), *[1.0] * (len(point) - 1)]
        for k in wanted:
            step = 1e-4 if k or method not in ("ppf", "isf") else 1e-5

            along = moved_by(f, point, k, directions[k])
            difference = five_points(along, 0.0, step)
            derivative = np.sum(slopes[k] * directions[k])
            error = abs(derivative - difference)
            assert error <= 2e-6 * max(1.0, abs(difference)), (method, k, derivative, difference)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("name", parametrized(dict(list(COMMON.items())[::4])))
def test_compiled_and_frozen(name: str) -> None:
    """Compiled code and frozen distributions give the same, inside and outside the support."""
    shapes, distribution = CASES[name], getattr(st, name)
    for method in ("logpdf", "cdf", "ppf"):
        x = data(name, method)

        def f(x: Any, loc: Any, method: str = method) -> Any:
            return total(method, getattr(distribution(*shapes, loc, 1.3), method)(x))

        expected = cr.value_and_grad(f, argnums=(0, 1))(x, 0.4)
        actual = cr.jit(cr.value_and_grad(f, argnums=(0, 1)))(x, 0.4)
        direct = cr.grad(lambda x, m=method: total(m, value(name, m, x, shapes, 0.4, 1.3)))(x)
        np.testing.assert_allclose(expected[1][0], direct, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(actual[0], expected[0], rtol=1e-12)
        for g, h in zip(actual[1], expected[1], strict=True):
            np.testing.assert_allclose(g, h, rtol=1e-10, atol=1e-12)
    frozen = distribution(*shapes, scale=1.3)
    np.testing.assert_allclose(
        cr.grad(lambda x: np.sum(frozen.cdf(x)))(data(name, "pdf")),
        frozen.pdf(data(name, "pdf")), rtol=1e-9, atol=1e-12,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["norm", "gamma", "t", "beta", "expon", "truncnorm", "genpareto"])
def test_second_order(name: str) -> None:
    shapes = CASES[name]

    def f(x: Any, scale: Any) -> Any:
        return total("logpdf", value(name, "logpdf", x, shapes, 0.4, scale))

    x = data(name, "pdf")
    gradient = cr.grad(f, argnums=1)
    second = cr.grad(gradient, argnums=1)(x, 1.3)
    difference = five_points(lambda s: gradient(x, s), 1.3, 1e-4)
    assert abs(second - difference) < 1e-6 * max(1.0, abs(difference))


SPECIAL_SHAPES = {
    "genpareto": (0.0,), "genextreme": (0.0,), "skewnorm": (0.0,), "triang": (1.0,),
    "t": (np.inf,), "gamma": (1.0,), "beta": (1.0, 1.0), "vonmises": (1e-9,),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SPECIAL_SHAPES))
def test_shapes_where_a_formula_changes(name: str) -> None:
    """What SciPy computes by a case of its own has the slope of its neighbours."""
    shapes = SPECIAL_SHAPES[name]
    x = np.array([0.2, 0.45, 0.7])
    for method in ("logpdf", "cdf", "sf"):
        expected = value(name, method, x, shapes, 0.0, 1.0)
        f = lambda *s, m=method: np.sum(value(name, m, x, s, 0.0, 1.0))  # noqa: E731
        actual, _ = cr.vjp(lambda x, m=method: value(name, m, x, shapes, 0.0, 1.0), x)
        np.testing.assert_allclose(actual, expected, rtol=1e-12)
        if name == "t" or (name == "vonmises" and method != "logpdf"):
            continue
        slope = cr.grad(f)(*shapes)
        if name in ("triang", "vonmises"):
            near = cr.grad(f)(shapes[0] - 1e-7 if name == "triang" else 1e-6)
            assert abs(slope - near) < 1e-5
        else:
            difference = five_points(lambda s, f=f: f(s, *shapes[1:]), shapes[0], 1e-3)
            assert abs(slope - difference) < 1e-7


DISCRETE: dict[str, tuple[tuple[float, ...], tuple[int, ...]]] = {
    "poisson": ((1.7,), (0,)), "binom": ((5, 0.3), (1,)), "bernoulli": ((0.3,), (0,)),
    "nbinom": ((2.5, 0.3), (0, 1)), "geom": ((0.3,), (0,)),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(DISCRETE))
def test_discrete(name: str) -> None:
    """By the real parameters; counts and whole numbers are refused, beyond the support is 0."""
    shapes, index = DISCRETE[name]
    distribution = getattr(st, name)
    k = np.array([-1, 0, 1, 3, 9])
    for method in ("pmf", "logpmf", "cdf", "logcdf", "sf", "logsf"):

        def f(*shapes: Any, method: str = method) -> Any:
            return total(method, getattr(distribution, method)(k, *shapes, loc=0))

        compiled = cr.jit(cr.value_and_grad(f, argnums=index))(*shapes)
        eager = cr.value_and_grad(f, argnums=index)(*shapes)
        np.testing.assert_allclose(eager[0], f(*shapes), rtol=1e-12)
        np.testing.assert_allclose(compiled[0], f(*shapes), rtol=1e-12)
        for i, slope, other in zip(index, eager[1], compiled[1], strict=True):
            difference = five_points(
                lambda s, i=i, f=f: f(*shapes[:i], s, *shapes[i + 1 :]), shapes[i], 1e-4
            )
            assert abs(slope - difference) < 1e-7 * max(1.0, abs(difference)), method
            assert abs(slope - other) < 1e-11
    frozen = cr.grad(lambda p: np.sum(distribution(*shapes[:-1], p).logpmf(np.array([1]))))
    assert np.isfinite(frozen(shapes[-1]))
    with pytest.raises(GradientError, match="has no derivative by"):
        cr.grad(lambda k: distribution.pmf(k, *shapes))(1.0)
    with pytest.raises(UnsupportedError, match=rf"{name}\.ppf"):
        cr.grad(lambda p: distribution.ppf(0.5, *shapes[:-1], p))(shapes[-1])


def test_hypergeom() -> None:
    k = np.array([0, 2, 4, 8])
    compiled = cr.jit(lambda k: st.hypergeom.pmf(k, 20, 7, 5))(k)
    np.testing.assert_allclose(compiled, st.hypergeom.pmf(k, 20, 7, 5), rtol=1e-15)


MOMENTS = ("norm", "t", "gamma", "beta", "lognorm", "weibull_min", "expon", "uniform", "chi2")


@pytest.mark.parametrize("name", MOMENTS)
def test_moments(name: str) -> None:
    shapes, distribution = CASES[name], getattr(st, name)
    for method in ("mean", "var", "std", "entropy", "median"):

        def f(scale: Any, *shapes: Any, method: str = method) -> Any:
            return getattr(distribution(*shapes, loc=0.3, scale=scale), method)()

        point = (1.3, *shapes)
        for k in range(len(point)):
            slope = cr.grad(f, argnums=k)(*point)
            difference = five_points(moved_by(f, point, k, 1.0), 0.0, 1e-4)
            assert abs(slope - difference) < 1e-7 * max(1.0, abs(difference)), (method, k)


def test_variance_of_exponential_powers() -> None:
    """SciPy asks for three logarithms of gamma in one list."""
    cr.check_grads(lambda beta, scale: st.gennorm(beta, scale=scale).var(), (1.3, 0.7), order=2)
    assert abs(cr.vjp(lambda beta: st.gennorm(beta).std(), 2.0)[0] - np.sqrt(0.5)) < 1e-14


def test_kinds_and_parameters() -> None:
    """Numbers for numbers, nan for forbidden parameters, slopes of nothing outside."""
    assert type(cr.vjp(lambda x: st.norm.pdf(x), 0.3)[0]) is np.float64
    single = cr.vjp(lambda x: st.norm.pdf(x), np.ones(2, np.float32))[0]
    assert single.dtype == np.float64
    both = cr.vjp(lambda x: st.norm.logpdf(x, [0.0, 1.0], scale=[[1.0], [2.0]]), 0.3)[0]
    np.testing.assert_array_equal(both, st.norm.logpdf(0.3, [0.0, 1.0], scale=[[1.0], [2.0]]))
    assert np.isnan(cr.vjp(lambda s: st.norm.pdf(0.3, scale=s), -1.0)[0])
    slope = cr.grad(lambda s: np.sum(st.gamma.pdf(np.array([-1.0, 0.0, 0.5]), 2.5, scale=s)))
    assert np.isfinite(slope(1.3))
    outside = cr.grad(lambda x: np.sum(st.beta.pdf(x, 0.5, 0.5)))(np.array([-1.0, 0.5, 2.0]))
    np.testing.assert_allclose(outside, [0.0, 0.0, 0.0], atol=1e-15)
    empty = cr.vjp(lambda x: st.expon.pdf(x), np.ones(0))[0]
    assert empty.shape == (0,)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: st.norm.rvs(loc=x),
        lambda x: st.nct.pdf(0.3, 3.0, x),
        lambda x: st.exponnorm.ppf(0.3, x),
        lambda x: st.norm.expect(lambda t: t, loc=x),
        lambda x: st.vonmises.cdf(0.3, x),
        lambda x: st.levy_stable.pdf(0.3, x, 0.1),
        lambda x: st.kstwobign.pdf(x),
    ],
)
def test_refused(f: Any) -> None:
    with pytest.raises((UnsupportedError, GradientError)):
        cr.grad(f)(0.7)


def test_a_distribution_of_the_user() -> None:
    class Tilted(st.rv_continuous):
        def _pdf(self, x: Any, slope: Any) -> Any:
            return 1.0 + slope * (x - 0.5)

    tilted = Tilted(a=0.0, b=1.0, name="tilted")
    slope = cr.grad(lambda s: np.sum(tilted.logpdf(np.array([0.2, 0.9, 2.0]), s)[:2]))(0.5)
    assert abs(slope - (-0.3 / 0.85 + 0.4 / 1.2)) < 1e-12
