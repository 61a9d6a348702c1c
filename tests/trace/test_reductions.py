"""NumPy's reductions, scans and sorts on tracers, with every combination of their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from agreement import agrees, seeded, with_values

from chainrule.errors import ShapeError, UnsupportedError
from chainrule.transforms.compiling.jit import jit
from chainrule.transforms.differentiating.gradient import grad, value_and_grad

AXES = [None, 0, 1, -1, -2, (0,), (0, 2), (-1, 0), (0, 1, 2), ()]
REDUCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in ("sum", "mean", "var", "std", "max", "min", "amax", "amin", "prod", "ptp")
}
X = seeded(2, 3, 4)


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reduction(name: str, axis: Any, keepdims: bool) -> None:
    """Each axis, negative ones and tuples, with and without keepdims."""
    if name in ("std", "ptp") and axis == ():
        agrees(lambda a: REDUCTIONS[name](a, axis=axis, keepdims=keepdims), X, smooth=False)
        return
    agrees(lambda a: REDUCTIONS[name](a, axis=axis, keepdims=keepdims), X)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "max", "min", "prod", "any", "all"])
def test_method(name: str) -> None:
    """As a method of the array, positionally and by name."""
    smooth = name not in ("any", "all")
    agrees(lambda a: getattr(a, name)(), X, smooth=smooth)
    agrees(lambda a: getattr(a, name)(1), X, smooth=smooth)
    agrees(lambda a: getattr(a, name)(axis=-1, keepdims=True), X, smooth=smooth)


@pytest.mark.parametrize("name", ["any", "all", "count_nonzero"])
@pytest.mark.parametrize("axis", [None, 0, (0, 2), -1])
def test_truth(name: str, axis: Any) -> None:
    """any, all and the number of numbers and of truth values, and of nothing."""
    x = np.array([[[0.0, 1.0, 0.0]], [[2.0, 0.0, 0.0]]])
    agrees(lambda a: getattr(np, name)(a, axis=axis), x, smooth=False)
    agrees(lambda a: getattr(np, name)(a > 0, axis=axis, keepdims=True), x, smooth=False)
    agrees(getattr(np, name), np.zeros((0, 2)), smooth=False)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min"])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "bool", "float32", "float16"])
def test_dtypes(name: str, dtype: str) -> None:
    """Integers and truth values are summed in NumPy's wider dtype."""
    x = np.array([[1, 0, 3], [1, 1, 1]]).astype(dtype)
    agrees(lambda a: getattr(np, name)(a, axis=1), x, smooth=False, rtol=1e-3)
    agrees(lambda a: getattr(np, name)(a), x, smooth=False, rtol=1e-3)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "var", "std"])
def test_dtype_argument(name: str) -> None:
    """dtype= computes in that dtype."""
    x = np.array([[1, 2], [3, 5]])
    agrees(lambda a: getattr(np, name)(a, axis=0, dtype=np.float32), x, smooth=False, rtol=1e-6)
    agrees(lambda a: getattr(np, name)(a, dtype=np.float64), np.float32(x), smooth=False)


def test_initial_and_where() -> None:
    """initial= joins in; where= of a sum leaves entries out."""
    x = seeded(3, 4)
    mask = seeded(3, 4, seed=3) > 0
    agrees(lambda a: np.sum(a, axis=0, initial=2.0), x)
    agrees(lambda a: np.prod(a, axis=0, initial=2.0), x)
    agrees(lambda a: np.max(a, axis=1, initial=0.1), x)
    agrees(lambda a: np.min(a, axis=1, initial=0.1), x)
    agrees(lambda a: np.sum(a, axis=0, where=mask), x)
    agrees(lambda a: np.sum(a, where=a > 0), x)
    agrees(lambda a: np.sum(a, where=mask), np.float32(x), smooth=False, rtol=1e-6)


def test_ddof_correction() -> None:
    """The unbiased variance."""
    agrees(lambda a: np.var(a, axis=1, ddof=1), X)
    agrees(lambda a: np.std(a, ddof=1), X)
    agrees(lambda a: np.var(a, axis=0, correction=1), X)
    agrees(lambda a: a.var(axis=2, ddof=1, keepdims=True), X)


PLAIN = np.zeros(())


@pytest.mark.parametrize(
    "call", [lambda x: np.sum(x, out=PLAIN), lambda x: np.mean(x, out=PLAIN),
             lambda x: np.mean(x, dtype=np.int64) * x[0]],
)  # fmt: skip
def test_an_argument_that_is_not_supported_is_refused(call: Any) -> None:
    """Ignored silently it would give a wrong number."""
    with pytest.raises(UnsupportedError, match=r"test_reductions\.py:\d+.*="):
        grad(call)(np.ones(3))


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max"])
def test_axis_out_of_bounds(name: str) -> None:
    """NumPy's own AxisError, with the user's line."""
    with pytest.raises(np.exceptions.AxisError, match="test_reductions"):
        grad(lambda x: getattr(np, name)(x, axis=2))(np.ones((2, 2)))


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_nothing_has_no_maximum(name: str) -> None:
    """An empty axis is a ShapeError, as it is a ValueError in NumPy."""
    with pytest.raises(ShapeError, match="no maximum or minimum"):
        grad(lambda x: np.sum(getattr(np, name)(x, axis=0)))(np.ones((0, 2)))


def test_empty_sums() -> None:
    """The sum of nothing is 0, its product 1, and the gradient has no entries."""
    agrees(np.sum, np.ones((0, 3)))
    agrees(lambda a: np.sum(a, axis=0), np.ones((0, 3)))
    agrees(lambda a: np.prod(a, axis=0), np.ones((0, 3)))
    agrees(lambda a: np.cumsum(a, axis=0), np.ones((0, 3)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_products_are_taken_in_order(dtype: str) -> None:
    """As NumPy takes them, bit for bit: a part of the factors may overflow, or vanish."""
    rng = np.random.default_rng(0)
    shapes: list[tuple[tuple[int, ...], list[Any]]] = [
        ((4,), [0, None]), ((999,), [0]), ((7, 33), [0, 1, None]), ((70, 9), [0, 1, (0, 1)]),
        ((5, 6, 9), [0, 1, 2, (0, 2), (0, 1), (1, 2), None, ()]), ((3, 1, 5), [1, (1, 2)]),
        ((0, 3), [0, 1]), ((), [None]),
    ]  # fmt: skip
    scale = np.finfo(dtype).maxexp // 3
    for shape, axes in shapes:
        x = np.ldexp(rng.normal(size=shape), rng.integers(-scale, scale, shape)).astype(dtype)
        if x.size:
            x.flat[0] = 0.0
        for axis in axes:
            for options in ({}, {"initial": np.finfo(dtype).tiny}):
                f = lambda a, axis=axis, options=options: np.prod(a, axis=axis, **options)  # noqa: E731
                with np.errstate(all="ignore"):
                    expected = f(x)
                    ways = [jit(f)(x), jit(lambda a, f=f: f(a[..., ::-1]))(x[..., ::-1])
                            if shape else expected, with_values(f, x)[0]]  # fmt: skip
                    running = np.cumprod(x)
                for found in ways:
                    np.testing.assert_array_equal(found, expected, f"{shape} {axis} {options}")
        np.testing.assert_array_equal(jit(np.cumprod)(x), running)
    assert 0.0 == jit(np.prod)(np.array([0.0, 1e300, 1e300, 1e300]))


def test_the_mean_of_half_precision_does_not_overflow() -> None:
    """As in NumPy, its sum is taken in float32; that of 1,000 hundreds is not finite in float16."""
    x = np.full((10, 100), 100.0, np.float16)
    for f in (np.mean, np.average, lambda a: a.mean(axis=1), lambda a: np.mean(a, keepdims=True)):
        for found in (with_values(f, x)[0], jit(f)(x)):
            assert (found.dtype, found.shape) == (np.float16, np.shape(f(x)))
            np.testing.assert_array_equal(found, 100.0)


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_product_with_zeros(zeros: int) -> None:
    """The slope by one factor is the product of the others, however many are zero."""
    x = np.array([2.0, 3.0, 4.0])
    x[:zeros] = 0.0
    value, slope = value_and_grad(np.prod)(x)
    expected = {0: [12.0, 8.0, 6.0], 1: [12.0, 0.0, 0.0], 2: [0.0, 0.0, 0.0]}[zeros]
    assert float(value) == float(np.prod(x))
    assert slope.tolist() == expected


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_running(axis: Any) -> None:
    """cumsum and cumprod along an axis, or of everything in a row."""
    x = seeded(3, 4)
    x[1, 2] = 0.0
    agrees(lambda a: np.cumsum(a, axis=axis), x)
    agrees(lambda a: np.cumprod(a, axis=axis), x)
    agrees(lambda a: a.cumsum(axis) + a.cumprod(axis), x)
    agrees(lambda a: np.cumsum(a, axis, dtype=np.float64), np.array([[1, 2]]), smooth=False)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_order(axis: Any) -> None:
    """Where the extremes are, and in which order."""
    x = seeded(3, 4)
    agrees(lambda a: np.argmax(a, axis=axis), x, smooth=False)
    agrees(lambda a: np.argmin(a, axis=axis), x, smooth=False)
    agrees(lambda a: np.argsort(a, axis=axis), x, smooth=False)
    agrees(lambda a: np.sort(a, axis=axis), x)
    agrees(lambda a: a.argmax(axis) + a.argmin(axis), x, smooth=False)
    agrees(lambda a: a.argsort(axis), x, smooth=False)
    if axis is not None:
        agrees(lambda a: np.argmax(a, axis=axis, keepdims=True), x, smooth=False)


def test_argmin_of_integers_and_ties() -> None:
    """The first of several; the smallest integer too, which has no negative."""
    agrees(np.argmin, np.array([3, -(2**63), 7, -(2**63)]), smooth=False)
    agrees(np.min, np.array([3, -(2**63), 7]), smooth=False)
    agrees(np.argmin, np.array([5, 2, 2], np.uint8), smooth=False)
    agrees(np.argmin, np.array([1.0, np.nan, -1.0]), smooth=False)
    agrees(np.min, np.array([True, False]), smooth=False)


def test_sort_sends_each_slope_back_to_its_entry() -> None:
    """The gradient of a weighted sorted array is the weights, unsorted."""
    x = np.array([3.0, 1.0, 2.0])
    slope = grad(lambda a: np.sort(a) @ np.array([1.0, 10.0, 100.0]))(x)
    assert slope.tolist() == [100.0, 1.0, 10.0]


def test_average() -> None:
    """Weighted means: weights of one axis or of all, and slopes by the weights."""
    x, w = seeded(3, 4), seeded(4, seed=1, low=0.5)
    agrees(lambda a: np.average(a), x)
    agrees(lambda a: np.average(a, axis=1), x)
    agrees(lambda a, b: np.average(a, axis=1, weights=b), x, w)
    agrees(lambda a, b: np.average(a, weights=b), x, seeded(3, 4, seed=2, low=0.5))
    agrees(lambda a: np.average(a, axis=1, weights=[1, 2, 3, 4]), x)
    agrees(lambda a: np.average(a, axis=0, weights=(1, 2, 3), keepdims=True), x)
    agrees(lambda a: np.average(a, weights=[[1, 2, 3, 4]] * 3), x)
    agrees(lambda a, b: np.average(a, axis=(2, 0), weights=b), seeded(2, 3, 4),
           seeded(4, 2, seed=1, low=0.5))  # fmt: skip


@pytest.mark.parametrize(
    ("axis", "weights", "error"),
    [(0, [1, 2], ValueError), (None, [1, 2, 3], TypeError), (0, [1, -1, 0], ZeroDivisionError)],
)
def test_average_refuses_what_numpy_does(axis: Any, weights: Any, error: type[Exception]) -> None:
    """Weights of other axes, of no axis, of no sum."""
    x = seeded(3, 4)
    for f in (np.average, lambda x, **how: grad(lambda a: np.sum(np.average(a, **how)))(x)):
        with pytest.raises(error):
            f(x, axis=axis, weights=weights)


SCALAR = ["sum", "prod", "max", "min", "ptp", "cumsum", "cumprod", "any", "all", "argmax",
          "argmin", "argsort"]  # fmt: skip


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("name", SCALAR)
def test_a_number_along_an_axis(name: str, axis: int) -> None:
    """NumPy's ufuncs reduce a number along axis 0 or -1."""
    agrees(lambda a: getattr(np, name)(a, axis=axis), np.float64(1.5), smooth=False)
    if name in SCALAR[:4]:
        assert grad(lambda a: getattr(np, name)(a, axis=axis))(1.5) == 1.0
    with pytest.raises(np.exceptions.AxisError):
        grad(lambda a: np.sum(getattr(np, name)(a, axis=1)) * a)(1.5)


@pytest.mark.parametrize("name", ["mean", "std", "var", "sort"])
def test_a_number_has_no_axis(name: str) -> None:
    """And its other functions do not."""
    with pytest.raises(np.exceptions.AxisError):
        getattr(np, name)(np.float64(1.5), axis=0)
    with pytest.raises(np.exceptions.AxisError):
        grad(lambda a: getattr(np, name)(a, axis=0))(1.5)


def test_logsumexp_far_out() -> None:
    """Large and small numbers neither overflow nor vanish; the slope is the softmax."""
    x = np.array([1000.0, 1000.0, -1000.0])
    value, slope = value_and_grad(np.logaddexp.reduce)(x)
    assert float(value) == 1000.0 + np.log(2.0)
    assert slope.tolist() == [0.5, 0.5, 0.0]
    assert float(value_and_grad(np.logaddexp.reduce)(np.array([-np.inf, 0.0]))[0]) == 0.0


def test_diff_trace_ptp() -> None:
    """Differences of any order, the sum of a diagonal."""
    x = seeded(4, 5)
    agrees(np.diff, x)
    agrees(lambda a: np.diff(a, n=2, axis=0), x)
    agrees(lambda a: np.diff(a, n=0), x)
    agrees(lambda a: np.diff(a, prepend=0.0), x)
    agrees(lambda a: np.diff(a, n=2, axis=0, append=np.ones((2, 5))), x)
    agrees(lambda a: np.diff(a, axis=-1, prepend=a[:, :1], append=1), x)
    agrees(lambda a, b: np.diff(a, prepend=b, append=[5.0, 6.0]), seeded(4), np.float64(0.5))
    agrees(np.trace, x)
    agrees(lambda a: np.trace(a, offset=1), x)
    agrees(lambda a: a.trace(), x)
