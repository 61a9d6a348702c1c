"""NumPy's functions of sampled curves, of choices by conditions, and its series sinc and i0."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special
from agreement import seeded
from function_cases import Case, case_tests, check, flat, smooth

import chainrule as cr

X = seeded(3, 4)
Y = seeded(7, seed=1)
XP = np.sort(seeded(6, seed=2))
FP = seeded(6, seed=3)
POINTS = seeded(9, seed=4, low=-3.0, high=3.0)
STEPS = np.cumsum(np.abs(seeded(4, seed=8)) + 0.2)
INFINITE = np.array([0.0, np.inf, np.inf, 1, -np.inf, 2])
EVERYWHERE = np.sort(
    np.concatenate([XP, POINTS, [np.nan, np.inf, -np.inf], (XP[1:] + XP[:-1]) / 2])
)


def _curves() -> dict[str, Case]:
    cases = {
        "interp": smooth(np.interp, POINTS, XP, FP),
        "interp of two axes": smooth(lambda x: np.interp(x, XP, FP), X),
        "interp of a number": smooth(lambda x: np.interp(x, [0, 1, 2], [1, 5, 3]), 0.3),
        "interp by values": smooth(lambda f: np.interp(POINTS, XP, f), FP),
        "interp by points": smooth(lambda xp: np.interp(POINTS, xp, FP), XP),
        "interp, ends": smooth(
            lambda x, a, b: np.interp(x, XP, FP, a, right=b), POINTS, np.array(0.3), np.array(0.7)
        ),
        "interp, period": smooth(lambda x, p, f: np.interp(x, p, f, period=1.7), POINTS, XP, FP),
        "interp by period": smooth(
            lambda x, p: np.interp(x, XP, FP, period=p), POINTS, np.array(-1.7)
        ),
        "interp at points": flat(lambda x, f: np.interp(x, XP, f), XP, FP),
        "interp, infinite": flat(lambda x, f: np.interp(x, XP, f), EVERYWHERE, INFINITE),
        "interp, one point": flat(
            lambda x, f: np.interp(x, [0.0], f), np.array([-1.0, 0, 1, np.nan]), np.array([3.0])
        ),
        "interp, points twice": flat(
            lambda x, f: np.interp(x, [0.0, 0, 1, 1, 2, 2], f), np.arange(-1, 3.5, 0.5), FP
        ),
        "trapezoid of int": flat(np.trapezoid, np.arange(5)),
        "gradient along all": smooth(np.gradient, X),
        "gradient, two spacings": smooth(lambda a: np.gradient(a, 0.2, [0, 1.0, 3, 4]), X),
        "gradient, axes": smooth(lambda a: np.gradient(a, 0.2, 0.3, axis=(1, 0)), X),
        "gradient of int": flat(np.gradient, np.arange(5) ** 2),
        "ediff1d": smooth(lambda a, b: np.ediff1d(a, to_begin=b, to_end=[1, 2]), X, Y[:2]),
        "ediff1d of int": flat(lambda a: np.ediff1d(a, to_end=9), np.arange(4)),
        "ediff1d of nothing": flat(lambda a: np.ediff1d(a, to_end=9), np.zeros(0)),
    }
    for axis in (0, -1):
        spacing = STEPS[: X.shape[axis]]
        cases |= {
            f"trapezoid {axis}": smooth(lambda a, axis=axis: np.trapezoid(a, None, 0.3, axis), X),
            f"trapezoid by x {axis}": smooth(
                lambda a, x, axis=axis: np.trapezoid(a, x, axis=axis), X, spacing
            ),
            f"unwrap {axis}": smooth(lambda a, axis=axis: np.unwrap(a, axis=axis), X * 5),
            f"unwrap, period {axis}": smooth(
                lambda a, axis=axis: np.unwrap(a, 1.2, axis, period=2.0), X * 5
            ),
            f"unwrap of int {axis}": flat(
                lambda a, axis=axis: (np.unwrap(a, axis=axis, period=7),
                                      np.unwrap(a, axis=axis, period=6)),
                (X * 10).astype(int),
            ),
        }  # fmt: skip
        for order in (1, 2):
            options = {"axis": axis, "edge_order": order}
            cases |= {
                f"gradient {options}": smooth(
                    lambda a, h, options=options: np.gradient(a, h, **options), X, np.array(0.4)
                ),
                f"gradient by x {options}": smooth(
                    lambda a, x, options=options: np.gradient(a, x, **options), X, spacing
                ),
            }
    return cases


def _choices() -> dict[str, Case]:
    chosen = np.array([0, 1, 1, 0])
    beyond = np.array([-1, 1, 5, 0])
    return {
        "select": smooth(lambda a: np.select([a > 1, a > 0], [a**2, 3 * a], -a), X),
        "select of numbers": smooth(lambda a: np.select([a > 1, a > 0], [a**2, 3]), X),
        "select, broadcast": smooth(
            lambda a: np.select([a[:1] > 1, a[:, :1] > 0], [1, 2.0], a.sum()), X
        ),
        "select of int": flat(lambda a: np.select([a > 1, a > 0], [a, 1]), np.arange(-2, 5)),
        "select of float32": flat(lambda a: np.select([a > 0], [a], 1.5), np.float32([-2, 5])),
        "choose": smooth(lambda a, b: np.choose(chosen, [a, b]), X, X**2),
        "choose, clip": smooth(lambda a, b: np.choose(beyond, [a, b], mode="clip"), X, X**2),
        "choose, wrap": smooth(lambda a, b: np.choose(beyond, [a, b], mode="wrap"), X, X**2),
        "choose by what is traced": smooth(lambda i, a: np.choose(i, [a, a**2]), chosen, X),
        "piecewise": smooth(
            lambda a: np.piecewise(a, [a < 0, a > 1], [lambda v: v**2, np.exp, 3.0]), X
        ),
        "piecewise, all": smooth(
            lambda a: np.piecewise(a, [a < 0, a >= 0], [-1.0, lambda v: v * 2]), X
        ),
        "piecewise, arguments": smooth(
            lambda a: np.piecewise(a, a < 0, [lambda v, k: k * v, lambda v, k: np.sqrt(v)], 3.0), Y
        ),
        "piecewise of a number": smooth(
            lambda a: np.piecewise(a, [a < 0, a >= 0], [-1.0, lambda v: v * 2]), np.array(0.3)
        ),
        "round of int": flat(lambda a: np.round(a, -1), np.array([15, 25, -149, 150, 249, 7])),
    }


CASES = {**_curves(), **_choices()}

test_case, test_second_order, test_compiled, test_every_case = case_tests(CASES, 4, 6)


def test_slopes_at_the_points_of_a_curve() -> None:
    """Inside, that of the segment above; at the last point of that below; outside none."""
    f = lambda x: np.sum(np.interp(x, [0.0, 1.0, 3.0], [0.0, 2.0, 3.0]))  # noqa: E731
    slopes = cr.grad(f)(np.array([-1.0, 0.0, 0.5, 1.0, 3.0, 3.5]))
    assert slopes.tolist() == [0.0, 2.0, 2.0, 0.5, 0.5, 0.0]


def test_segments_without_width_leave_gradients_finite() -> None:
    """A step of a curve, its two points at one place."""
    f = lambda xp, x: np.sum(np.interp(x, xp, [0.0, 1.0, 2.0, 3.0]))  # noqa: E731
    gradients = cr.grad(f, argnums=(0, 1))(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.5, 1.5]))
    assert all(np.isfinite(g).all() for g in gradients)


def _slopes(f: Any, x: Any, order: int) -> Any:
    for _ in range(order):
        f = cr.grad(lambda a, f=f: np.sum(f(a)))
    return f(x)


def test_sinc_near_zero() -> None:
    """Its derivatives keep their digits where sin(x) / x would lose them, and at 0 itself."""
    x = np.array([0.0, 1e-9, 1e-5, 0.1, 0.31, 0.318, 0.32, 1.0, -2.5, 40.3])
    check(smooth(np.sinc, x))
    for order in range(4):
        with mpmath.workdps(40):
            expected = [float(mpmath.diff(mpmath.sincpi, mpmath.mpf(v), order)) for v in x]
        np.testing.assert_allclose(_slopes(np.sinc, x, order), expected, rtol=1e-12, atol=1e-12)
    check(flat(np.sinc, np.float32(x), rtol=1e-5))
    check(flat(np.sinc, np.arange(-2, 3)))


def test_i0() -> None:
    """NumPy's values; the derivatives are i1 and (i0 + i2) / 2."""
    x = np.array([0.0, 0.1, -1, 7.99, 8, 8.01, -20, 100, 300])
    check(flat(np.i0, x, rtol=2e-15))
    check(flat(np.i0, np.arange(9)))
    np.testing.assert_allclose(_slopes(np.i0, x, 1), scipy.special.i1(x), rtol=1e-13)
    curvature = (scipy.special.i0(x) + scipy.special.iv(2, x)) / 2
    np.testing.assert_allclose(_slopes(np.i0, x, 2), curvature, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: np.interp(x, [], []), ValueError),
        (lambda x: np.interp(x, [0.0, 1.0], [0.0]), ValueError),
        (lambda x: np.interp(x, [0.0, 1.0], [0.0, 1.0], period=0), ValueError),
        (lambda x: np.gradient(x, edge_order=3), ValueError),
        (lambda x: np.gradient(x[:1]), ValueError),
        (lambda x: np.gradient(x, 1.0, 1.0), TypeError),
        (lambda x: np.gradient(x, np.ones(3)), ValueError),
        (lambda x: np.ediff1d(x.astype(int), to_end=0.5), TypeError),
        (lambda x: np.trapezoid(x, axis=1), np.exceptions.AxisError),
        (lambda x: np.select([x > 0], [x, x]), ValueError),
        (lambda x: np.select([], []), ValueError),
        (lambda x: np.select([x], [x]), TypeError),
        (lambda x: np.choose(x, [x, x]), TypeError),
        (lambda x: np.choose([0, 2, 0, 1], [x, x]), ValueError),
        (lambda x: np.piecewise(x, [x > 0], [1.0, 2.0, 3.0]), ValueError),
        (lambda x: np.where(x > 0, x), ValueError),
    ],
)
def test_errors_are_those_of_numpy(call: Any, error: Any) -> None:
    """The same type, of a plain array and of a traced one."""
    x = np.array([0.5, 1.5, 2.5, 3.5])
    with pytest.raises(IndexError if error is np.exceptions.AxisError else error):
        call(x)
    with pytest.raises(error):
        cr.vjp(call, x)


def test_a_choice_that_there_is_not() -> None:
    """An error also where it is known only when the compiled function runs."""
    choose = cr.jit(lambda i, a: np.choose(i, [a, -a]))
    assert choose(np.array([1, 0]), np.array([1.0, 2.0])).tolist() == [-1.0, 2.0]
    for wrong in (2, -1):
        with pytest.raises(IndexError):
            choose(np.array([0, wrong]), np.array([1.0, 2.0]))
