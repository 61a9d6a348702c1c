"""NumPy's functions of polynomials by their coefficients, and the modules of `np.polynomial`."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from agreement import seeded
from function_cases import Case, check, check_compiled, check_second_order, eager, flat, smooth
from numpy import polynomial as bases

import chainrule as cr
from chainrule.errors import AbstractValueError, GradientError

X = seeded(3, 4, low=0.1, high=0.9)
Y = seeded(7, seed=1)
C = seeded(4, seed=20)
E = seeded(3, seed=21)
GRID = seeded(3, 4, seed=5)
CUBE = seeded(3, 4, 2, seed=6)
BASES = {
    "poly": (bases.polynomial, bases.Polynomial), "cheb": (bases.chebyshev, bases.Chebyshev),
    "leg": (bases.legendre, bases.Legendre), "herm": (bases.hermite, bases.Hermite),
    "herme": (bases.hermite_e, bases.HermiteE), "lag": (bases.laguerre, bases.Laguerre),
}  # fmt: skip


def _functions() -> dict[str, Case]:
    cases: dict[str, Case] = {
        "polyval": smooth(np.polyval, C, X),
        "polyval of a list": smooth(lambda x: np.polyval([1.0, x[0], 3], x), Y),
        "polyval of int": flat(lambda x: np.polyval([1, 2, 3], x), np.arange(4)),
        "poly1d": smooth(lambda x: np.poly1d([1.0, 2, 3])(x), X),
        "poly1d, computed with": eager(
            lambda c: (np.poly1d(c) * np.poly1d([1.0, 2]) + np.poly1d([1.0, 2, 3])).deriv()(1.5), C
        ),
        "polydiv": eager(np.polydiv, C, E),
        "polydiv by a longer one": eager(np.polydiv, E, C),
        "polyint by its constants": smooth(lambda c, k: np.polyint(c, 2, k=k), C, np.array([3.0])),
        "poly": smooth(np.poly, C),
        "poly of one": smooth(lambda c: np.poly([c]), np.array(2.0)),
        "roots": Case(np.roots, (np.array([1.0, -6, 11, -6]),), abstract=False, rtol=1e-9),
        "vander": smooth(np.vander, C),
        "vander, rising": smooth(lambda c: np.vander(c, 3, increasing=True), C),
        "vander of nothing": flat(lambda c: np.vander(c, 0), C),
        "vander of int": flat(lambda c: np.vander(c, 3), np.arange(4)),
        "vander of float32": flat(lambda c: np.vander(c, 3), np.float32([1, 2])),
        "polyfit": smooth(lambda a, b: np.polyfit(a, b, 2), Y, Y[::-1] ** 2, rtol=1e-9),
        "polyfit by weights": smooth(
            lambda a, b, w: np.polyfit(a, b, 2, w=w), Y, seeded(7, 2), np.abs(Y), rtol=1e-9
        ),
    }
    for scaled in (True, "unscaled"):
        for y in (Y[::-1] ** 2, seeded(7, 2)):
            cases[f"polyfit, cov={scaled} {y.ndim}"] = smooth(
                lambda a, b, scaled=scaled: np.polyfit(a, b, 2, cov=scaled), Y, y, rtol=1e-9
            )
    for name in ("polyadd", "polysub"):
        cases[name] = smooth(getattr(np, name), C, E)
        cases[f"{name} of the longer"] = smooth(getattr(np, name), E, C)
    cases["polymul"] = eager(np.polymul, C, E)
    for m in (0, 1, 2, 5):
        cases[f"polyder {m}"] = smooth(lambda c, m=m: np.polyder(c, m), C)
        cases[f"polyint {m}"] = smooth(lambda c, m=m: np.polyint(c, m), C)
    return cases


def _basis(prefix: str) -> dict[str, Case]:
    module, kind = BASES[prefix]

    def named(name: str) -> Any:
        return getattr(module, prefix + name)

    return {
        "val": smooth(named("val"), X, C),
        "val of columns": smooth(named("val"), X, GRID),
        "val, no tensor": smooth(lambda x, c: named("val")(x, c, tensor=False), X[0], GRID),
        "val of a number": smooth(named("val"), np.array(0.3), C),
        "val of a list": smooth(lambda x: named("val")(x, [x[0], 2, x[1]]), Y),
        "val of one": smooth(lambda x: named("val")(x, [1.5]), X),
        "val2d": smooth(named("val2d"), X, X**2, GRID),
        "val3d": smooth(named("val3d"), X, X**2, X + 1, CUBE),
        "grid2d": smooth(named("grid2d"), X[0], X[1], GRID),
        "grid3d": smooth(named("grid3d"), X[0], X[1], X[2], CUBE),
        "vander": smooth(lambda x: named("vander")(x, 3), X),
        "vander2d": smooth(lambda x: named("vander2d")(x, x**2, [2, 1]), X),
        "vander3d": smooth(lambda x: named("vander3d")(x, x**2, x, [2, 1, 1]), X),
        "der": smooth(lambda c: named("der")(c, 2), C),
        "der of rows": smooth(lambda c: named("der")(c, axis=1), GRID),
        "int": smooth(lambda c: named("int")(c, 2, k=[1, 2], lbnd=0.3), C),
        "fit": smooth(lambda a, b: named("fit")(a, b, 2), Y, Y[::-1] ** 2, rtol=1e-8),
        "fit by weights": smooth(
            lambda a, b, w: named("fit")(a, b, [0, 2], w=w), Y, Y[::-1], Y**2 + 1, rtol=1e-8
        ),
        "add": eager(named("add"), C, E),
        "mul": eager(named("mul"), C, E),
        "object": smooth(lambda x: kind([1.0, 2, 3], domain=[0, 2])(x), X),
        "object at a number": smooth(lambda x: kind([1.0, 2, 3])(x), np.array(0.3)),
        "object of what is traced": smooth(lambda x, c: kind(c)(x), X, C),
        "derivative of an object": smooth(lambda x, c: kind(c, [0, 2]).deriv()(x), X, C),
        "integral of an object": smooth(lambda x, c: kind(c).integ(k=1)(x), X, C),
        "objects": eager(lambda x, c: (kind(c) * kind([1.0, 2]) - 2 * kind(c))(x), X, C),
        "object that fits": smooth(lambda y: kind.fit(Y, y, 2)(0.3), Y[::-1] ** 2, rtol=1e-8),
    }


CASES = {
    **_functions(),
    **{f"{prefix}{name}": case for prefix in BASES for name, case in _basis(prefix).items()},
    "polyvalfromroots": smooth(bases.polynomial.polyvalfromroots, X, E),
}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    """NumPy's values with and without numbers, and the slopes."""
    check(CASES[name])


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].smooth][::11])
def test_second_order(name: str) -> None:
    """Derivatives of derivatives, in both modes."""
    check_second_order(CASES[name])


@pytest.mark.parametrize("name", list(CASES)[::16])
def test_compiled(name: str) -> None:
    """What compiled code gives."""
    check_compiled(CASES[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_case(name: str) -> None:
    """All of the above, of all; compiled is every second one."""
    check_second_order(CASES[name])
    if [*CASES].index(name) % 2:
        check_compiled(CASES[name])


def test_polynomials_outside_a_trace_are_numpy_s() -> None:
    """What is replaced while a function is traced is as before afterwards."""
    before = bases.chebyshev.chebval.__code__
    cr.grad(lambda x: bases.chebyshev.chebval(x, [1.0, 2.0]))(0.5)
    assert bases.chebyshev.chebval.__code__ is before
    assert type(bases.Polynomial([1.0, 2.0])(np.array([0.5]))) is np.ndarray


def test_a_module_that_is_loaded_while_a_function_is_traced() -> None:
    """NumPy loads `np.polynomial` when it is named, which may be inside of the function."""
    code = (
        "import sys, numpy as np, chainrule as cr; assert 'numpy.polynomial' not in sys.modules; "
        "print(cr.grad(lambda x: np.polynomial.Polynomial([1.0, 2.0, 3.0])(x))(2.0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "14.0\n"


def test_a_degree_that_follows_from_numbers_is_refused_under_jit() -> None:
    """What trims zeros needs the numbers."""
    with pytest.raises(AbstractValueError, match="under jit"):
        cr.jit(lambda c: np.polymul(c, c), strict=True)(C)


def test_roots_of_coefficients_with_zeros_at_the_ends() -> None:
    """Their number follows from them, so there is no derivative by these."""
    p = np.array([0.0, 1.0, -3.0, 2.0, 0.0])
    with pytest.raises(GradientError, match="begin or end with 0"):
        cr.grad(lambda a: np.sum(np.roots(a)))(p)
    value, _ = cr.vjp(lambda x: x * np.roots(p), 1.0)
    np.testing.assert_allclose(value, np.roots(p), rtol=1e-12)


def test_polyfit_warns_of_columns_that_depend_on_each_other() -> None:
    """As NumPy does; the derivative is that of the solution of least norm."""
    x = np.ones(5)
    with pytest.warns(np.exceptions.RankWarning):
        expected = np.polyfit(x, Y[:5], 1)
    with pytest.warns(np.exceptions.RankWarning):
        value, _ = cr.vjp(lambda y: np.polyfit(x, y, 1), Y[:5])
    np.testing.assert_allclose(value, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: np.polyder(x, -1), ValueError),
        (lambda x: np.polyint(x, -1), ValueError),
        (lambda x: np.polyint(x, 3, k=[1.0, 2.0]), ValueError),
        (lambda x: np.vander(x[None]), ValueError),
        (lambda x: np.poly(np.ones((2, 3)) * x[0]), ValueError),
        (lambda x: np.roots(x[None]), ValueError),
        (lambda x: np.polyfit(x, x, -1), ValueError),
        (lambda x: np.polyfit(x, x[1:], 1), TypeError),
        (lambda x: np.polyfit(x, x, 1, w=x[None]), TypeError),
        (lambda x: np.polyfit(x[None], x, 1), TypeError),
        (lambda x: np.polyfit(x, x, 3, cov=True), ValueError),
        (lambda x: bases.polynomial.polyfit(x, x, 1.5), TypeError),
        (lambda x: bases.polynomial.polyval2d(x, x[1:], np.ones((2, 2))), ValueError),
    ],
)
def test_errors_are_those_of_numpy(call: Any, error: Any) -> None:
    """The same type, of a plain array and of a traced one."""
    x = np.array([0.5, 1.5, 2.5, 3.0])
    with pytest.raises(error):
        call(x)
    with pytest.raises(error):
        cr.vjp(call, x)
