"""NumPy's order statistics, sums without nan, averages, covariances, convolutions, histograms."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from agreement import seeded
from function_cases import Case, case_tests, check, eager, flat, smooth

import chainrule as cr
from chainrule.errors import AbstractValueError

X = seeded(3, 4)
Y = seeded(7, seed=1)
DATA = seeded(40, seed=9)
LOADS = np.abs(seeded(40, seed=10)) + 0.1
WEIGHTS = np.abs(seeded(3, 4, seed=5)) + 0.1
HOLES = X.copy()
HOLES[0, 1] = HOLES[1, 3] = np.nan
HOLES[2] = np.nan
FEW_HOLES = X.copy()
FEW_HOLES[0, 1] = FEW_HOLES[2, 3] = np.nan
AXES = [None, 0, -1, (0, 1)]
METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher",
    "midpoint", "nearest",
]  # fmt: skip
NAN_FUNCTIONS = ["nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd"]


def _call(name: str, *args: Any, **options: Any) -> Any:
    return lambda a: getattr(np, name)(a, *args, **options)


def _quantiles() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for axis, keepdims in product(AXES, [False, True]):
        options: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
        cases[f"median {options}"] = smooth(_call("median", **options), X)
        cases[f"nanmedian {options}"] = flat(_call("nanmedian", **options), HOLES)
        cases[f"percentile {options}"] = smooth(_call("percentile", [30, 71.0], **options), X)
        cases[f"nanpercentile {options}"] = flat(_call("nanpercentile", 30, **options), HOLES)
    for method, q in product(METHODS, [0.3, 0, 1.0, [0.1, 0.5, 0.77]]):
        call = _call("quantile", q, axis=0, method=method)
        cases[f"{method} {q}"] = smooth(call, X)
        call = _call("nanquantile", q, axis=1, method=method)
        cases[f"nan {method} {q}"] = flat(call, HOLES)
    by = lambda a, q: np.quantile(a, q, axis=0)  # noqa: E731
    cases["by q"] = smooth(by, X, np.array([0.31, 0.62]))
    cases["by one q"] = smooth(lambda a, q: np.percentile(a, q, method="hazen"), X, 31.0)
    load = {"weights": WEIGHTS, "method": "inverted_cdf"}
    cases["weights"] = smooth(_call("quantile", [0.2, 0.7], **load), X)
    cases["weights of rows"] = smooth(_call("percentile", 40, axis=0, **load), X)
    cases["weights, nan"] = flat(_call("nanquantile", [0.2, 0.7], axis=0, **load), FEW_HOLES)
    cases["median of 5"] = smooth(np.median, Y[:5])
    cases["nanmedian, smooth"] = smooth(lambda a: np.nanmedian(np.where(a > 1.2, np.nan, a)), X)
    cases["nan is passed on"] = flat(_call("median", axis=1), HOLES)
    cases["nan is passed on by quantiles"] = flat(_call("quantile", [0.1, 0.9], axis=1), HOLES)
    cases["infinite"] = flat(_call("quantile", [0.5, 0.75], axis=0), np.array([[np.inf], [1], [2]]))
    return cases


def _without_nan() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for name, axis in product(NAN_FUNCTIONS, AXES):
        cases[f"{name} {axis}"] = flat(_call(name, axis=axis, keepdims=axis == 0), HOLES)
    for name in NAN_FUNCTIONS:
        f = lambda a, name=name: getattr(np, name)(np.where(a > 1.0, np.nan, a), axis=1)  # noqa: E731
        cases[f"{name}, smooth"] = smooth(f, X)
    for name, axis in product(["nancumsum", "nancumprod", "nanargmax", "nanargmin"], [None, 0, 1]):
        cases[f"{name} {axis}"] = flat(_call(name, axis=axis), FEW_HOLES)
    some = {"where": WEIGHTS > 0.7}
    cases["nansum where"] = smooth(_call("nansum", axis=0, initial=2.0, **some), X)
    cases["nanmax where"] = smooth(_call("nanmax", axis=0, initial=-9.0, **some), X)
    cases["nanmean where"] = smooth(_call("nanmean", where=WEIGHTS > 0.7), X)
    cases["nanvar"] = smooth(_call("nanvar", axis=0, where=WEIGHTS > 0.2, correction=1), X)
    cases["nanvar of one"] = flat(_call("nanvar", axis=0, ddof=2), FEW_HOLES)
    cases["var about a mean"] = smooth(
        lambda a: np.var(a, axis=1, mean=np.mean(a, axis=1, keepdims=True), correction=1), X
    )
    cases["std about a mean"] = smooth(lambda a, m: np.std(a, mean=m), X, np.array(0.3))
    return cases


def _moments() -> dict[str, Case]:
    cases = {
        "average": smooth(lambda a, w: np.average(a, weights=w), X, WEIGHTS),
        "average of rows": smooth(
            lambda a, w: np.average(a, axis=1, weights=w, returned=True), X, WEIGHTS[0]
        ),
        "average, all": smooth(
            lambda a, w: np.average(a, axis=0, weights=w, returned=True, keepdims=True), X, WEIGHTS
        ),
        "average without weights": smooth(lambda a: np.average(a, axis=1, returned=True), X),
        "cov of two": smooth(lambda a, b: np.cov(a, b), Y, Y[::-1] ** 2),
        "cov of one": smooth(np.cov, Y),
        "cov by weights": smooth(lambda a, w: np.cov(a, aweights=w), X, WEIGHTS[0]),
        "cov, y": smooth(lambda a: np.cov(a, a[:1] ** 2), X),
        "cov of columns, y": smooth(lambda a: np.cov(a, a[:, :1] ** 2, rowvar=False), X),
        "corrcoef": smooth(np.corrcoef, X),
        "corrcoef of columns": smooth(lambda a: np.corrcoef(a, rowvar=False), X),
        "corrcoef of two": smooth(np.corrcoef, Y, Y[::-1] ** 2),
    }
    options: list[dict[str, Any]] = [
        {"bias": True}, {"ddof": 0}, {"fweights": [1, 2, 3, 1]}, {"aweights": [0.1, 0.2, 0.3, 0.4]},
        {"fweights": [1, 2, 3, 1], "aweights": [0.1, 0.2, 0.3, 0.4]},
    ]  # fmt: skip
    for each in options:
        cases[f"cov {each}"] = smooth(_call("cov", **each), X)
    for name, mode, size in product(
        ["convolve", "correlate"], ["full", "same", "valid"], [1, 2, 3, 7, 8]
    ):
        f = lambda a, b, name=name, mode=mode: getattr(np, name)(a, b, mode)  # noqa: E731
        cases[f"{name} {mode} {size}"] = smooth(f, Y, seeded(size, seed=3))
        cases[f"{name} {mode} {size} int"] = flat(f, np.arange(7), np.arange(size) + 1)
    cases["convolve by a number"] = smooth(np.convolve, Y, np.float64(2.0))
    return cases


def _histograms() -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for bins, limits in product([5, [-2.0, -1, 0, 0.5, 2], [-3, 0, 3]], [None, (-1.0, 1.0)]):
        name, options = f"{bins} {limits}", {"range": limits}
        cases[f"counts {name}"] = flat(_call("histogram", bins, **options), DATA)
        edges = smooth if (bins, limits) == (5, None) else flat  # those that follow from the data
        cases[f"edges {name}"] = edges(_call("histogram_bin_edges", bins, **options), DATA)
        cases[f"density {name}"] = smooth(
            lambda a, w, bins=bins, limits=limits: np.histogram(a, bins, limits, True, w),
            DATA,
            LOADS,
        )
        cases[f"weights {name}"] = smooth(
            lambda w, bins=bins, limits=limits: np.histogram(DATA, bins, limits, weights=w), LOADS
        )
    odd = np.array([0.1, np.nan, 1.0, np.inf, -1, 0.25])
    cases["nan and infinity"] = flat(_call("histogram", 4, range=(0, 1)), odd)
    cases["one number"] = flat(_call("histogram", 4), np.ones(3))
    cases["int"] = flat(_call("histogram", 4), np.arange(9) ** 2 % 7)
    cases["int weights"] = flat(lambda a, w: np.histogram(a, 4, weights=w), DATA[:9], np.arange(9))
    cases["auto"] = eager(lambda a: np.histogram(a, "auto")[1], DATA)
    grid = [[-2, 0, 2], [0, 1, 2, 3]]
    cases["2d"] = flat(lambda a, b: np.histogram2d(a, b, grid), DATA, LOADS)
    cases["2d, shared"] = flat(lambda a, b: np.histogram2d(a, b, [-2, 0, 1, 3]), DATA, LOADS)
    cases["2d, weights"] = smooth(
        lambda a, b, w: np.histogram2d(a, b, [3, 4], weights=w, density=True), DATA, LOADS, DATA**2
    )
    cases["dd"] = flat(_call("histogramdd", (2, 3, 4)), seeded(30, 3))
    cases["bincount"] = smooth(lambda w: np.bincount(np.array([0, 2, 2, 1]), w, minlength=6), Y[:4])
    cases["bincount of counts"] = eager(
        lambda i: np.bincount(i, minlength=2), np.array([0, 3, 3]), smooth=False
    )
    falling = [1.0, 0, -1]
    for right in (False, True):
        edges = np.sort(seeded(6, seed=2))
        f = lambda a, b, right=right: np.digitize(a, b, right)  # noqa: E731
        cases[f"digitize {right}"] = flat(f, DATA, edges)
        cases[f"digitize, falling {right}"] = flat(f, DATA, edges[::-1].copy())
        cases[f"digitize, ends {right}"] = flat(_call("digitize", falling, right=right), odd)
    return cases


CASES = {
    f"{group}: {name}": case
    for group, cases in {
        "quantile": _quantiles(), "nan": _without_nan(), "moment": _moments(),
        "histogram": _histograms(),
    }.items()
    for name, case in cases.items()
}  # fmt: skip

test_case, test_second_order, test_compiled, test_every_case = case_tests(CASES, 7, 17)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "uint8"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_dtypes(dtype: str) -> None:
    """Results have NumPy's dtypes, also where q is a Python number, a scalar or an array."""
    x = (np.arange(12).reshape(3, 4) * 7 % 5).astype(dtype)
    calls = [_call(name, axis=1) for name in (*NAN_FUNCTIONS, "median", "nanmedian", "nanargmax")]
    for q in (0.3, np.float64(0.3), [0.3, 0.4], np.float32(0.3), 1):
        calls += [_call(name, q, axis=1) for name in ("quantile", "nanquantile", "percentile")]
    load = np.float32([1, 2, 3, 4])
    calls += [_call("average", axis=1, weights=w, returned=True) for w in (load, [1, 2, 3, 4])]
    calls += [_call("cov"), lambda a: np.histogram(a, 3, weights=a)]
    if dtype != "float16":
        calls += [_call("cov", dtype=np.float32), lambda a: np.convolve(a[0], a[1, :2])]
    for call in calls:
        check(flat(call, x, rtol=1e-3))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 7, 8, 9])
def test_searchsorted(side: Any, size: int) -> None:
    """Positions among any number of entries, with ties, and nan as the largest of all."""
    a = np.sort(np.round(seeded(size, seed=size) * 2) / 2)
    if size > 6:
        a[-2:] = np.nan
    v = np.append(np.round(DATA * 2) / 2, [np.nan, np.inf, -np.inf])
    check(flat(lambda a, v: np.searchsorted(a, v, side), a, v))
    check(flat(lambda a, v: a.searchsorted(v, side), np.float32(a), v))
    check(
        flat(lambda a, v: np.searchsorted(a, v, side), np.sort(np.arange(size) % 3), np.arange(9))
    )
    backward = a[::-1].copy()
    check(flat(lambda a: np.searchsorted(a, 0.3, side, sorter=np.argsort(a)), backward))


def test_ties_of_a_median() -> None:
    """Each of two middle entries has half of the derivative; one of equal ones has it all."""
    assert cr.grad(np.median)(np.array([3.0, 1.0, 2.0, 5.0])).tolist() == [0.5, 0.0, 0.5, 0.0]
    assert cr.grad(np.median)(np.array([2.0, 2.0, 2.0])).sum() == 1.0
    assert cr.grad(np.nanmax)(np.array([np.nan, 2.0, 2.0])).tolist() == [0.0, 0.5, 0.5]


def test_a_standard_deviation_of_equal_numbers() -> None:
    """It has the slope 0 there, as np.std has."""
    assert cr.grad(lambda a: np.nanstd(a))(np.array([2.0, np.nan, 2.0])).tolist() == [0.0] * 3


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: np.quantile(x, 1.5), ValueError),
        (lambda x: np.percentile(x, -1), ValueError),
        (lambda x: np.quantile(x, 0.5, method="middling"), ValueError),
        (lambda x: np.quantile(x, 0.5, weights=x), ValueError),
        (lambda x: np.quantile(x, 0.5, weights=-np.ones(4), method="inverted_cdf"), ValueError),
        (lambda x: np.quantile(x, 0.5, axis=1), np.exceptions.AxisError),
        (lambda x: np.average(x, weights=np.zeros(4)), ZeroDivisionError),
        (lambda x: np.average(x, weights=np.zeros(3)), TypeError),
        (lambda x: np.average(x, axis=0, weights=np.zeros(3)), ValueError),
        (lambda x: np.nanargmax(x * np.nan), ValueError),
        (lambda x: np.nanmax(x, where=np.ones(4, bool)), ValueError),
        (lambda x: np.nanmean(x, dtype=int), TypeError),
        (lambda x: np.var(x, ddof=1, correction=1), ValueError),
        (lambda x: np.cov(x, ddof=0.5), ValueError),
        (lambda x: np.cov(x, fweights=[0.5, 1, 1, 1]), TypeError),
        (lambda x: np.cov(x, aweights=[-1.0, 1, 1, 1]), ValueError),
        (lambda x: np.cov(x, aweights=[1.0, 1, 1]), RuntimeError),
        (lambda x: np.convolve(x, []), ValueError),
        (lambda x: np.convolve(x, x[None]), ValueError),
        (lambda x: np.convolve(x, x, "whole"), ValueError),
        (lambda x: np.histogram(x, 0), ValueError),
        (lambda x: np.histogram(x, [2.0, 1.0]), ValueError),
        (lambda x: np.histogram(x, 3, range=(1, 0)), ValueError),
        (lambda x: np.histogram(x * np.inf, 3), ValueError),
        (lambda x: np.histogram(x, 3, weights=np.ones(3)), ValueError),
        (lambda x: np.histogram(x, "auto", weights=x), TypeError),
        (lambda x: np.histogram2d(x, x[1:]), ValueError),
        (lambda x: np.bincount(x), TypeError),
        (lambda x: np.bincount(-x.astype(int)), ValueError),
        (lambda x: np.digitize(x, [0.0, 2.0, 1.0]), ValueError),
        (lambda x: np.searchsorted(x[None], 1.0), ValueError),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_errors_are_those_of_numpy(call: Any, error: Any) -> None:
    """The same type, of a plain array and of a traced one."""
    x = np.array([0.5, 1.5, 2.5, 3.5])
    with pytest.raises(error):
        call(x)
    with pytest.raises(error):
        cr.vjp(call, x)


def test_what_needs_numbers_says_so() -> None:
    """Under jit, where they are not known."""
    for call in (lambda x: np.histogram(x, "auto")[1], lambda x: np.bincount(x.astype(int))):
        with pytest.raises(AbstractValueError, match="under jit"):
            cr.jit(call, strict=True)(np.ones(3))


def test_an_index_that_there_is_not_stands_for_no_number() -> None:
    """Where NumPy raises an error, compiled code gives -1, as JAX does."""
    f = cr.jit(lambda a: np.nanargmax(a, axis=1))
    assert f(np.array([[np.nan, 1.0], [np.nan, np.nan]])).tolist() == [1, -1]
