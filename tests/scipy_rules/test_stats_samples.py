"""Statistics of samples, and densities of vectors, in scipy.stats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats as st

import chainrule as cr
from chainrule.errors import GradientError, UnsupportedError

RNG = np.random.default_rng(4)
X = RNG.uniform(0.2, 2.0, (5, 3))
WEIGHTS = RNG.uniform(0.2, 2.0, (5, 1))
ROOT = RNG.normal(size=(3, 3))
MEAN = RNG.normal(size=3)
POINTS = RNG.normal(size=(4, 3))
FIXED = ROOT @ ROOT.T + np.eye(3)
ALPHA = np.array([0.5, 1.5, 2.0])
FROZEN = st.multivariate_normal(MEAN, FIXED)
PLANE = st.gaussian_kde(POINTS[:, :2].T)
LINE = st.gaussian_kde(POINTS[:, 0], weights=[1.0, 2.0, 1.0, 0.5])


def positive(root: Any) -> Any:
    return root @ root.T + np.eye(3)


SAMPLES: dict[str, tuple[Any, Any]] = {
    **{name: (lambda x, name=name: getattr(st, name)(x), X)
       for name in ("gmean", "hmean", "skew", "kurtosis", "sem", "variation", "zscore", "iqr",
                    "entropy", "moment", "gzscore")},
    **{f"{name} axis": (lambda x, name=name: getattr(st, name)(x, axis=-1, keepdims=True), X)
       for name in ("gmean", "hmean", "skew", "kurtosis", "sem", "variation", "iqr", "entropy")},
    **{f"{name} whole": (lambda x, name=name: getattr(st, name)(x, axis=None), X)
       for name in ("gmean", "skew", "kurtosis", "sem", "variation", "zscore", "entropy")},
    "gmean weights": (lambda x: st.gmean(x, weights=WEIGHTS), X),
    "hmean weights": (lambda x: st.hmean(x, weights=WEIGHTS), X),
    "pmean": (lambda x: st.pmean(x, 3), X),
    "pmean 0": (lambda x: st.pmean(x, 0), X),
    "skew bias": (lambda x: st.skew(x, bias=False), X),
    "kurtosis bias": (lambda x: st.kurtosis(x, bias=False, fisher=False), X),
    "moment 3": (lambda x: st.moment(x, 3), X),
    "moment center": (lambda x: st.moment(x, 1, center=0.3), X),
    "entropy qk": (lambda x: st.entropy(x, X[::-1] * 1.3, base=2), X),
    "zmap": (lambda x: st.zmap(x, X * 1.4, ddof=1), X),
    "zmap compare": (lambda x: st.zmap(X * 1.4, x), X),
    "pearsonr": (lambda x: st.pearsonr(x[:, 0], x[:, 1])[0], X),
    "pearsonr p": (lambda x: st.pearsonr(x, X[::-1] ** 2, axis=1).pvalue, X),
}  # fmt: skip
VECTORS: dict[str, tuple[Any, Any]] = {
    "normal": (lambda x: st.multivariate_normal.logpdf(x, MEAN, FIXED), POINTS),
    "normal one": (lambda x: st.multivariate_normal.pdf(x, MEAN, FIXED), POINTS[0]),
    "normal mean": (lambda m: st.multivariate_normal.logpdf(POINTS, m, FIXED), MEAN),
    "normal cov": (lambda r: st.multivariate_normal.logpdf(POINTS, MEAN, positive(r)), ROOT),
    "normal number": (lambda c: st.multivariate_normal.logpdf(POINTS, np.zeros(3), c), 0.7),
    "normal line": (lambda x: st.multivariate_normal.logpdf(x, 0.3, 0.7), POINTS[:, 0]),
    "normal frozen": (lambda r: st.multivariate_normal(MEAN, positive(r)).logpdf(POINTS), ROOT),
    "normal frozen x": (lambda x: FROZEN.pdf(x), POINTS),
    "normal entropy": (lambda r: st.multivariate_normal(MEAN, positive(r)).entropy(), ROOT),
    "t": (lambda x: st.multivariate_t.logpdf(x, MEAN, FIXED, 2.5), POINTS),
    "t shape": (lambda r: st.multivariate_t.pdf(POINTS, MEAN, positive(r), 2.5), ROOT),
    "t df": (lambda df: st.multivariate_t(MEAN, FIXED, df).logpdf(POINTS), 2.5),
    "dirichlet": (lambda a: st.dirichlet.logpdf(np.array([0.3, 0.6, 0.1]), a), ALPHA),
    "dirichlet x": (lambda x: st.dirichlet.logpdf(x, ALPHA), np.array([0.3, 0.6])),
    "dirichlet frozen": (lambda a: st.dirichlet(a).pdf(np.full((3, 2), 1 / 3)), ALPHA),
    "wishart": (lambda r: st.wishart.logpdf(positive(r), 5.5, FIXED), ROOT),
    "wishart df": (lambda df: st.wishart.logpdf(FIXED, df, 0.7 * FIXED), 5.5),
    "invwishart": (lambda r: st.invwishart.logpdf(FIXED, 5.5, positive(r)), ROOT),
    "kde": (lambda x: PLANE(x), POINTS[:, :2].T * 0.9),
    "kde log": (lambda x: PLANE.logpdf(x), POINTS[:, :2].T * 0.9),
    "kde line": (lambda x: LINE.evaluate(x), np.array([0.3, -0.5])),
    "kde number": (lambda x: LINE.pdf(x), 0.3),
}  # fmt: skip
CASES = SAMPLES | VECTORS


@pytest.mark.parametrize("name", list(CASES))
def test_value_and_derivatives(name: str) -> None:
    """SciPy's values, dtypes and kinds, both modes, and the second order."""
    f, x = CASES[name]
    expected = f(x)
    actual = cr.vjp(f, x)[0]
    assert (np.shape(actual), actual.dtype) == (np.shape(expected), expected.dtype)
    assert isinstance(actual, np.ndarray) == isinstance(expected, np.ndarray)
    np.testing.assert_allclose(actual, expected, rtol=1e-12)
    cr.check_grads(f, (x,))


@pytest.mark.parametrize("name", list(CASES)[::6])
def test_compiled(name: str) -> None:
    f, x = CASES[name]
    value, slope = cr.jit(cr.value_and_grad(lambda x: np.sum(f(x))))(x)
    np.testing.assert_allclose(value, np.sum(f(x)), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(slope, cr.grad(lambda x: np.sum(f(x)))(x), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["gmean", "skew", "kurtosis", "sem", "zscore", "entropy", "iqr"])
def test_single_precision(name: str) -> None:
    x = X.astype(np.float32)
    expected = getattr(st, name)(x)
    actual = cr.vjp(lambda x: getattr(st, name)(x), x)[0]
    assert actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=2e-4)


def test_constant_samples() -> None:
    """Where a sample has no spread, SciPy's nan, and no error on the way."""
    x = np.ones((4, 2))
    x[:, 1] = [1.0, 2.0, 3.0, 5.0]
    with np.errstate(all="ignore"):
        for f in (lambda x: st.skew(x), lambda x: st.kurtosis(x), lambda x: st.zscore(x)):
            actual = cr.vjp(f, x)[0]
            assert np.isnan(actual[..., 0]).all()
            assert np.isfinite(actual[..., 1]).all()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: st.gmean(x, nan_policy="omit"),
        lambda x: st.skew(x, nan_policy="omit"),
        lambda x: st.iqr(x, scale="normal"),
        lambda x: st.pearsonr(x[:, 0], x[:, 1], alternative="less")[0],
        lambda x: st.multivariate_normal.cdf(x, np.zeros(3), np.eye(3)),
        lambda x: st.multivariate_normal.logpdf(x, np.zeros(3), np.ones((3, 3)), True),
        lambda x: st.gaussian_kde(x.T)(np.zeros(3)),
        lambda x: st.ttest_1samp(x, 0.0)[0],
        lambda x: st.spearmanr(x[:, 0], x[:, 1])[0],
    ],
)
def test_refused(f: Any) -> None:
    with pytest.raises((UnsupportedError, GradientError)):
        cr.grad(lambda x: np.sum(f(x)))(X)


def test_wrong_arguments() -> None:
    """The same type of error as SciPy raises."""
    for f in (
        lambda x: st.multivariate_normal.logpdf(x, np.zeros(2), np.eye(3)),
        lambda x: st.multivariate_normal.logpdf(x, np.zeros(3), -np.eye(3)),
        lambda x: st.multivariate_normal.logpdf(x, np.zeros(3), np.ones((3, 3))),
        lambda x: st.dirichlet.logpdf(x[0], np.ones(3)),
        lambda x: st.dirichlet.logpdf(x[0] / 10, -np.ones(4)),
        lambda x: PLANE(x),
        lambda x: st.pearsonr(x[0], np.ones(4)),
    ):
        with pytest.raises(ValueError) as ours:  # of which LinAlgError is one
            cr.vjp(f, X)
        with pytest.raises(ValueError) as theirs:
            f(X)
        assert isinstance(ours.value, np.linalg.LinAlgError) == isinstance(
            theirs.value, np.linalg.LinAlgError
        )
