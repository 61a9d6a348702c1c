"""The functions of scipy.special that are no ufuncs, and accuracy where a formula could lose it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special as sc

import chainrule as cr
from chainrule.errors import GradientError, UnsupportedError

X = np.array([0.4, 1.3, 2.2])
W = np.array([1.0, -0.4, 0.7])
MATRIX = np.random.default_rng(5).normal(size=(3, 4))

FUNCTIONS: dict[str, tuple[Any, Any]] = {
    "logsumexp": (lambda x: sc.logsumexp(x), MATRIX),
    "logsumexp axis": (lambda x: sc.logsumexp(x, axis=0), MATRIX),
    "logsumexp axes": (lambda x: sc.logsumexp(x, axis=(0, -1), keepdims=True), MATRIX),
    "logsumexp b": (lambda x: sc.logsumexp(x, axis=1, b=np.array([1.0, 2.0, 0.0, 0.5])), MATRIX),
    "logsumexp by b": (lambda b: sc.logsumexp(MATRIX, b=b, axis=1), MATRIX**2),
    "logsumexp list": (lambda x: sc.logsumexp([x[0], 0.3, x[1]]), X),
    "logsumexp sign": (
        lambda x: sc.logsumexp(x, b=np.array([1.0, -3.0, 1.0]), return_sign=True)[0],
        X,
    ),
    "softmax": (lambda x: sc.softmax(x), MATRIX),
    "softmax axis": (lambda x: sc.softmax(x, axis=-1), MATRIX),
    "log_softmax": (lambda x: sc.log_softmax(x, axis=1), MATRIX),
    "softplus": (lambda x: sc.softplus(x), MATRIX),
    "multigammaln": (lambda x: sc.multigammaln(x + 2, 3), X),
    "factorial": (lambda x: sc.factorial(x), X),
    "comb": (lambda x: sc.comb(x + 3, np.array([2, 1, 9])), X),
    "comb repetition": (lambda x: sc.comb(x + 3, 2, repetition=True), X),
    "perm": (lambda x: sc.perm(x + 3, 2.0), X),
    "polygamma": (lambda x: sc.polygamma(np.array([0, 1, 3]), x), X),
    "zeta": (lambda x: sc.zeta(x + 1), X),
    "zeta q": (lambda x: sc.zeta(x + 1, x * x), X),
    "diric": (lambda x: sc.diric(x, 5), X),
    "diric near": (lambda x: sc.diric(x, 4), np.array([1e-3, 2 * np.pi, -1e-9])),
    "lambertw": (lambda x: sc.lambertw(x).real, X),
    "lambertw low": (lambda x: sc.lambertw(-x / 10, -1).real, X),
    "lambertw complex": (lambda x: np.abs(sc.lambertw(-x)), X),
    "sph_harm_y": (lambda x: np.imag(sc.sph_harm_y([2, 3, 1], [1, -2, 0], x, 0.7)), X),
    "sph_harm_y phi": (lambda x: np.abs(sc.sph_harm_y(3, -1, x, x * x) + 0.2), X),
    "sph_harm_y around": (lambda x: np.real(sc.sph_harm_y(2, 1, x + 3, 0.7)), X),
    "assoc_laguerre": (lambda x: sc.assoc_laguerre(x, 3, 0.5), X),
    "jvp": (lambda x: sc.jvp(1.5, x, 2), X),
    "yvp": (lambda x: sc.yvp(1.5, x), X),
    "ivp": (lambda x: sc.ivp(1.5, x, 3), X),
    "kvp": (lambda x: sc.kvp(1.5, x, 3), X),
    "jvp 0": (lambda x: sc.jvp(1.5, x, 0), X),
    **{f"spherical_{k}": (lambda x, k=k: getattr(sc, f"spherical_{k}")(np.array([0, 1, 4]), x), X)
       for k in ("jn", "yn", "in", "kn")},
    **{f"spherical_{k}'": (lambda x, k=k: getattr(sc, f"spherical_{k}")(2, x, True), X)
       for k in ("jn", "yn", "in", "kn")},
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value|overflow):RuntimeWarning")
@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_value_and_derivatives(name: str) -> None:
    """SciPy's values, dtypes and kinds, both modes, and the second order."""
    f, x = FUNCTIONS[name]
    expected = f(x)
    actual = cr.vjp(f, x)[0]
    assert (actual.shape, actual.dtype) == (np.shape(expected), expected.dtype)
    assert isinstance(actual, np.ndarray) == isinstance(expected, np.ndarray)
    np.testing.assert_allclose(actual, expected, rtol=2e-13)
    cr.check_grads(f, (x,))


@pytest.mark.parametrize("name", list(FUNCTIONS)[::5])
def test_compiled(name: str) -> None:
    f, x = FUNCTIONS[name]
    value, slope = cr.jit(cr.value_and_grad(lambda x: np.sum(f(x))))(x)
    np.testing.assert_allclose(value, np.sum(f(x)), rtol=1e-12)
    np.testing.assert_allclose(slope, cr.grad(lambda x: np.sum(f(x)))(x), rtol=1e-10, atol=1e-12)


def test_logsumexp_far_ahead() -> None:
    """One entry far ahead of the others: all digits of what they add; ties; nothing at all."""
    x = np.array([0.0, -40.0])
    value, slope = cr.value_and_grad(sc.logsumexp)(x)
    np.testing.assert_allclose(value, np.exp(-40.0), rtol=1e-14)
    np.testing.assert_allclose(slope, [1.0, np.exp(-40.0)], rtol=1e-14)
    ties = np.zeros(3)
    hessian = np.stack(
        [cr.grad(lambda x, k=k: cr.grad(sc.logsumexp)(x)[k])(ties) for k in range(3)]
    )
    np.testing.assert_allclose(hessian, np.eye(3) / 3 - 1 / 9, atol=1e-15)
    assert cr.vjp(sc.logsumexp, np.full(2, -np.inf))[0] == -np.inf
    assert cr.vjp(lambda x: sc.logsumexp(x, axis=0), np.ones((0, 2)))[0].tolist() == [-np.inf] * 2
    assert cr.vjp(sc.logsumexp, np.array([1e300, np.inf]))[0] == np.inf
    single = np.array([0.5, 0.25], np.float32)
    assert cr.vjp(sc.logsumexp, single)[0].dtype == np.float32
    with pytest.raises(UnsupportedError, match="complex"):
        cr.grad(lambda x: np.real(sc.logsumexp(x * 1j)))(x)


def gamma_by_series(a: float, x: float) -> float:
    """d/da of gammainc by its series of Poisson probabilities, all in one sum."""
    n = np.arange(400)
    logs = (a + n) * np.log(x) - x - sc.gammaln(a + n + 1)
    return float(np.sum(np.exp(logs) * (np.log(x) - sc.psi(a + n + 1))))


@pytest.mark.parametrize("a", [0.02, 0.7, 1.0, 3.5, 40.0])
@pytest.mark.parametrize("ratio", [0.05, 0.6, 1.0, 1.3, 3.0])
def test_gammainc_by_its_shape(a: float, ratio: float) -> None:
    x = a * ratio
    slope = cr.grad(lambda a: sc.gammainc(a, x))(a)
    assert abs(slope - gamma_by_series(a, x)) < 1e-13 * max(1.0, 1 / a)
    assert cr.grad(lambda a: sc.gammaincc(a, x))(a) == -slope
    q = sc.gammainc(a, x)
    if 1e-9 < q < 0.99:
        inverse = cr.grad(lambda a: sc.gammainc(a, sc.gammaincinv(a, q)))(a)
        assert abs(inverse) < 1e-10


def test_tails_keep_their_digits() -> None:
    """Relative accuracy where the slope itself is tiny."""
    upper = cr.grad(lambda a: sc.gammaincc(a, 300.0))(100.0)
    h = 1e-3
    log_slope = upper / sc.gammaincc(100.0, 300.0)
    difference = (
        np.log(sc.gammaincc(100 + h, 300.0)) - np.log(sc.gammaincc(100 - h, 300.0))
    ) / 2e-3
    assert abs(log_slope - difference) < 1e-6
    slope = cr.grad(lambda b: sc.betainc(3.0, b, 0.1))(200.0)
    log_difference = np.log(sc.betaincc(3.0, 200.5, 0.1) / sc.betaincc(3.0, 199.5, 0.1))
    assert abs(-slope / sc.betaincc(3.0, 200.0, 0.1) - log_difference) < 1e-3
    x = np.array([-40.0, -1e3, -1e8])
    np.testing.assert_allclose(cr.grad(lambda x: np.sum(sc.log_ndtr(x)))(x), -x, rtol=1e-3)
    assert cr.grad(sc.rgamma)(-3.0) == pytest.approx(-6.0, rel=1e-13)  # 1 / gamma is 0 there
    for f, at, expected in (
        (sc.ellipk, 1e-9, np.pi / 8), (sc.ellipe, 1e-9, -np.pi / 8), (sc.exprel, 1e-9, 0.5),
        (sc.spence, 1.0, -1.0), (lambda m: sc.boxcox(np.e, m), 0.0, 0.5),
        (lambda m: sc.inv_boxcox(1.0, m), 0.0, -np.e / 2),
        (lambda m: sc.ellipkinc(1.0, m), 0.0, 0.25 - np.sin(2.0) / 8), (sc.entr, 1.0, -1.0),
    ):  # fmt: skip
        assert cr.grad(f)(at) == pytest.approx(expected, rel=1e-8)
    assert cr.grad(lambda a: sc.agm(a, 2.0))(2.0) == pytest.approx(0.5, rel=1e-14)


def test_edges_of_products_with_logarithms() -> None:
    """0 log 0 is 0, with the slopes of what is on the other side."""
    for f in (sc.xlog1py, sc.rel_entr, sc.kl_div):
        assert np.isfinite(cr.grad(lambda y, f=f: f(0.0, y))(0.5))
    assert cr.grad(lambda y: sc.kl_div(0.0, y))(0.5) == 1.0
    assert cr.grad(lambda r: sc.huber(1.0, r))(0.0) == 0.0
    assert cr.grad(lambda r: sc.pseudo_huber(0.5, r))(0.0) == 0.0
    masked = cr.grad(lambda x: np.sum(np.where(x > 0, sc.gammaln(x), 0.0)))(np.array([0.0, 2.0]))
    np.testing.assert_allclose(masked, [0.0, sc.psi(2.0)], rtol=1e-14)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: sc.factorial(x, exact=True), "exact"),
        (lambda x: sc.comb(x, 2, exact=True), "exact"),
        (lambda x: sc.lambertw(x, tol=1e-3).real, "tol"),
        (lambda x: np.real(sc.h1vp(1, x + 1j)), "complex"),
        (lambda x: sc.polygamma(x, 1.0), "order n"),
        (lambda x: sc.expn(x, 1.0), "order n"),
        (lambda x: sc.hyp2f1(x, 1.0, 2.0, 0.3), "parameter a"),
    ],
)
def test_refused(f: Any, message: str) -> None:
    with pytest.raises((UnsupportedError, GradientError), match=message):
        cr.grad(f)(2.0)


def test_imported_inside() -> None:
    """A ufunc of a module that the traced function itself imports."""

    def f(x: Any) -> Any:
        from scipy.special import gamma

        return gamma(x)

    assert cr.grad(f)(2.5) == pytest.approx(sc.gamma(2.5) * sc.psi(2.5))
