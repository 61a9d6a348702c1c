"""implicit_root and implicit_fixed_point: derivatives of roots against formulas, differences, and
solvers of all kinds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from central_differences import along, assert_close, gradient
from scipy import optimize

import chainrule as cr
from chainrule.control import linear_solution
from chainrule.errors import DtypeError, GradientError, ShapeError


def cube(x: Any, a: Any) -> Any:
    return x**3 - a


def newton(x: Any, a: Any) -> Any:
    """Branches on its numbers, so that it can not be compiled."""
    while abs(cube(x, a)) > 1e-14 * abs(a):
        x = x - cube(x, a) / (3.0 * x * x)
    return x


def by_scipy(x: Any, a: Any) -> Any:
    return optimize.brentq(lambda x: cube(x, a), 0.1, 10.0, xtol=1e-15)


def by_loop(x: Any, a: Any) -> Any:
    """Can be compiled."""
    return cr.fori_loop(0, 40, lambda _, x: x - cube(x, a) / (3.0 * x * x), x)


def formula(x0: Any, a: Any) -> Any:
    return a ** (1.0 / 3.0)


@pytest.mark.parametrize("solve", [newton, by_scipy, by_loop])
def test_a_cube_root_by_any_solver(solve: Any) -> None:
    """Values, and derivatives of three orders in both modes, with and without jit; 0 by x0."""
    root = cr.implicit_root(cube, solve)
    for wrap in (lambda f: f, cr.jit):
        assert_close(wrap(root)(1.0, 2.0), formula(1.0, 2.0), 1e-14)
        assert_close(wrap(cr.grad(root, (0, 1)))(1.0, 2.0), (0.0, 2.0 ** (-2 / 3) / 3.0), 1e-13)
        assert_close(wrap(cr.grad(cr.grad(root, 1), 1))(1.0, 2.0), -(2.0 ** (-5 / 3)) / 4.5, 1e-12)
        tangent = wrap(lambda a: cr.jvp(lambda a: root(1.0, a), (a,), (3.0,)))(2.0)
        assert_close(tangent, (2.0 ** (1 / 3), 2.0 ** (-2 / 3)), 1e-13)
    third = cr.grad(cr.grad(cr.grad(root, 1), 1), 1)(1.0, 2.0)
    assert_close(third, 10.0 / 27.0 * 2.0 ** (-8 / 3), 1e-12)
    assert_close(
        cr.jvp(cr.grad(root, 1), (1.0, 2.0), (0.0, 1.0))[1], -(2.0 ** (-5 / 3)) / 4.5, 1e-12
    )


@pytest.mark.parametrize("solve", [newton, by_loop])
def test_in_loops_and_batches(solve: Any) -> None:
    root = cr.implicit_root(cube, solve)
    a = np.array([2.0, 3.0, 5.0])

    def looped(root: Any) -> Any:
        return lambda a: cr.scan(lambda s, x: (s + root(1.0, x * (1.0 + s)), None), 0.0, a)[0]

    expected = cr.grad(looped(formula))(a)
    assert_close(cr.grad(looped(root))(a), expected, 1e-12)
    assert_close(cr.jit(cr.grad(looped(root)))(a), expected, 1e-12)
    mapped = cr.vmap(cr.value_and_grad(root, 1), (None, 0))
    for of_batch in (mapped, cr.jit(mapped)):
        assert_close(of_batch(1.0, a), (a ** (1 / 3), a ** (-2 / 3) / 3.0), 1e-12)
    total = cr.grad(lambda b: np.sum(cr.vmap(lambda x0: root(x0, b))(np.ones(3))))(2.0)
    assert_close(total, 2.0 ** (-2 / 3), 1e-12)


# Systems


def equations(x: Any, p: Any) -> Any:
    return {"e": x["u"] ** 2 + p["a"] * x["v"] - 3.0, "f": np.sum(x["u"]) * x["v"] - p["b"]}


def solve_equations(x0: Any, p: Any) -> Any:
    n = x0["u"].size

    def flat(z: Any) -> Any:
        e = equations({"u": z[:n], "v": z[n]}, p)
        return np.concatenate([e["e"], [e["f"]]])

    z = optimize.root(flat, np.append(x0["u"], x0["v"]), tol=1e-14).x
    return {"u": z[:n], "v": z[n]}


START = {"u": np.ones(2), "v": 1.0}
PARAMS = {"a": np.array([1.0, 1.2]), "b": 1.5}


def system_loss(p: Any) -> Any:
    x = cr.implicit_root(equations, solve_equations)(START, p)
    return np.sum(x["u"] ** 2) + x["v"] ** 3


def test_a_system_of_trees() -> None:
    """Its equations hold; gradients and Hessians are those of central differences."""
    x = cr.implicit_root(equations, solve_equations)(START, PARAMS)
    assert_close(np.append(*equations(x, PARAMS).values()), np.zeros(3), 1e-12)

    def of_a(a: Any) -> Any:
        return system_loss({"a": a, "b": PARAMS["b"]})

    for g in (cr.grad(system_loss), cr.jit(cr.grad(system_loss))):
        actual = g(PARAMS)
        assert_close(actual["a"], gradient(of_a, PARAMS["a"]), 1e-7)
        by_b = along(lambda b: system_loss({"a": PARAMS["a"], "b": b}), [PARAMS["b"]], [1.0])
        assert_close(actual["b"], by_b, 1e-7)
    hessian = cr.hessian(of_a)(PARAMS["a"])
    rows = [along(cr.grad(of_a), [PARAMS["a"]], [v]) for v in np.eye(2)]
    assert_close(hessian, rows, 1e-6)
    cr.check_grads(system_loss, (PARAMS,), order=1)


def test_closures_of_the_equations_have_derivatives() -> None:
    """What f and the solver read beside their arguments."""

    def f(w: Any) -> Any:
        root = cr.implicit_root(lambda x, a: x**3 - a * w, lambda x, a: newton(x, a * w))
        return root(1.0, 2.0)

    expected = 6.0 ** (1 / 3) / 9.0
    assert_close(cr.grad(f)(3.0), expected, 1e-12)
    assert_close(cr.grad(lambda w: f(w**1.0))(3.0), expected, 1e-12)

    def compiled(w: Any) -> Any:
        return cr.implicit_root(lambda x, a: x**3 - a * w, lambda x, a: by_loop(x, a * w))(1.0, 2.0)

    assert_close(cr.jit(cr.grad(compiled))(3.0), expected, 1e-12)


def test_branches_of_the_equations_are_those_at_the_root() -> None:
    """Also if the start is on another one."""

    def kinked(x: Any, a: Any) -> Any:
        return x - a if x < 1.0 else 4.0 * x - 3.0 - a

    root = cr.implicit_root(kinked, lambda x, a: a if a < 1.0 else (a + 3.0) / 4.0)
    assert cr.grad(root, 1)(5.0, 0.5) == 1.0
    assert cr.grad(root, 1)(0.0, 3.0) == 0.25


def test_float32_stays() -> None:
    root = cr.implicit_root(lambda x, a: x * x - a, lambda x, a: np.sqrt(a))
    a = np.array([2.0, 3.0], np.float32)
    for wrap in (lambda f: f, cr.jit):
        y = wrap(root)(np.ones(2, np.float32), a)
        g = wrap(cr.grad(lambda a: np.sum(root(np.ones(2, np.float32), a))))(a)
        assert (y.dtype, g.dtype) == (np.float32, np.float32)
        assert_close(g, 0.5 / np.sqrt(a), 1e-6)


# Fixed points


def test_a_fixed_point() -> None:
    """x = cos(a x), whose derivatives follow from the formula."""

    def solve(x: Any, a: Any) -> Any:
        return cr.fori_loop(0, 90, lambda _, x: np.cos(a * x), x)

    fixed = cr.implicit_fixed_point(lambda x, a: np.cos(a * x), solve)
    x = fixed(1.0, 1.0)
    assert_close(np.cos(x), x, 1e-14)
    slope = -x * np.sin(x) / (1.0 + np.sin(x))
    for wrap in (lambda f: f, cr.jit):
        assert_close(wrap(cr.grad(fixed, 1))(1.0, 1.0), slope, 1e-13)
        second = wrap(cr.grad(cr.grad(fixed, 1), 1))(1.0, 1.0)
        assert_close(second, along(cr.grad(fixed, 1), [1.0, 1.0], [None, 1.0]), 1e-8)


# Many unknowns


def chain(x: Any, a: Any) -> Any:
    """4 x + x^3 less both neighbours."""
    left = np.concatenate([np.zeros(1), x[:-1]])
    right = np.concatenate([x[1:], np.zeros(1)])
    return 4.0 * x + x**3 - left - right - a


def relax(x: Any, a: Any) -> Any:
    for _ in range(200):
        r = chain(x, a)
        if np.max(np.abs(r)) < 1e-15:
            break
        x = x - r / (4.0 + 3.0 * x * x)
    return x


def chain_loss(n: int) -> Any:
    root = cr.implicit_root(chain, relax)
    return lambda a: np.sum(root(np.zeros(n), a) ** 2)


def test_products_alone_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix is never formed; gradients, and products with the Hessian."""
    f = chain_loss(30)
    a, v = np.linspace(0.0, 2.0, 30), np.cos(np.arange(30.0))
    gradients = cr.grad(f)(a)
    product = cr.jvp(cr.grad(f), (a,), (v,))[1]
    tangent = cr.jvp(f, (a,), (v,))[1]
    assert_close(gradients, gradient(f, a), 1e-7)
    monkeypatch.setattr(linear_solution, "MOST_DENSE", 10)
    assert_close(cr.grad(f)(a), gradients, 1e-10)
    assert_close(cr.jit(cr.grad(f))(a), gradients, 1e-10)
    assert_close(cr.jvp(f, (a,), (v,))[1], tangent, 1e-10)
    assert_close(cr.jvp(cr.grad(f), (a,), (v,))[1], product, 1e-9)
    assert_close(cr.grad(lambda a: np.sum(cr.grad(f)(a) * v))(a), product, 1e-9)


def test_three_thousand_unknowns() -> None:
    f = chain_loss(3000)
    a, v = np.linspace(0.0, 2.0, 3000), np.cos(np.arange(3000.0))
    assert_close(cr.grad(f)(a) @ v, along(f, [a], [v], 1e-4), 1e-6)


# Wrong inputs


def test_what_is_no_root_is_refused() -> None:
    """Far off, not a number, or a root without a derivative."""
    for solve in (lambda x, a: x, lambda x, a: np.nan, lambda x, a: 1.01 * a ** (1 / 3)):
        with pytest.raises(
            GradientError, match="implicit_root of cube: the solver returned no roo"
        ):
            cr.implicit_root(cube, solve)(1.0, 2.0)
        with pytest.raises(GradientError, match="returned no root"):
            cr.grad(cr.implicit_root(cube, solve), 1)(1.0, 2.0)
    double = cr.implicit_root(lambda x, a: (x - a) ** 2, lambda x, a: a)
    assert double(0.0, 3.0) == 3.0
    with pytest.raises(GradientError, match="the Jacobian at the root is singular"):
        cr.grad(double, 1)(0.0, 3.0)
    scaled = cr.implicit_root(lambda x, a: 1e-9 * (x - 1e9 * a), lambda x, a: 1e9 * a)
    assert_close(cr.grad(scaled, 1)(0.0, 2.0), 1e9, 1e-12)


def test_wrong_inputs() -> None:
    with pytest.raises(TypeError, match="implicit_root: solve is int"):
        cr.implicit_root(cube, 3)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="the solver returned .*where x0 is"):
        cr.implicit_root(cube, lambda x, a: [x])(1.0, 2.0)
    with pytest.raises(ShapeError, match=r"array 0 of x as f64\[2\], where f64\[\] is needed"):
        cr.jit(cr.implicit_root(cube, lambda x, a: np.ones(2) * x))(1.0, 2.0)
    with pytest.raises(ShapeError, match="2 equations for 1 unknowns"):
        cr.implicit_root(lambda x, a: np.stack([x, x]) - a, newton)(1.0, 2.0)
    with pytest.raises(DtypeError, match=r"x0 is i64\[\]: give floating numbers"):
        cr.implicit_root(cube, newton)(1, 2.0)
    with pytest.raises(DtypeError, match="x0 needs arrays of one dtype"):
        cr.implicit_root(cube, newton)((1.0, np.float32(1.0)), 2.0)
    with pytest.raises(ShapeError, match="implicit_fixed_point: the function returned"):
        cr.implicit_fixed_point(lambda x, a: (x, x), lambda x, a: x)(1.0, 2.0)
