"""linearize: the derivative at a point as a function, against jvp."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from central_differences import along, assert_close

import chainrule as cr
from chainrule.errors import DtypeError, GradientError, ShapeError

P = {"x": np.array([0.3, 0.7]), "y": 2.0}
T = {"x": np.array([1.0, -2.0]), "y": 0.5}


def f(p: Any) -> Any:
    return {"a": np.sin(p["x"]) * p["y"], "b": np.sum(p["x"] ** 3), "n": 3}


def test_value_and_directions() -> None:
    """As jvp, for many directions; it is linear."""
    value, f_jvp = cr.linearize(f, P)
    expected, tangent = cr.jvp(f, (P,), (T,))
    assert_close(value["a"], expected["a"], 0.0)
    assert cr.tree.structure(f_jvp(T)) == cr.tree.structure(tangent)
    for name in ("a", "b", "n"):
        assert_close(f_jvp(T)[name], tangent[name], 1e-15)
        twice = f_jvp(cr.tree.map(lambda t: 2.0 * t, T))
        assert_close(twice[name], 2.0 * tangent[name], 1e-15)
    difference = along(lambda x: np.sin(x) * 2.0, [P["x"]], [T["x"]])
    assert_close(f_jvp({"x": T["x"], "y": 0.0})["a"], difference, 1e-8)


def test_the_function_runs_once_and_later_writes_do_not_matter() -> None:
    calls: list[int] = []
    x = np.array([1.0, 2.0])

    def cube(x: Any) -> Any:
        calls.append(1)
        return x**3

    value, f_jvp = cr.linearize(cube, x)
    x[:] = 9.0
    value[:] = 9.0
    assert f_jvp(np.array([1.0, 1.0])).tolist() == [3.0, 12.0]
    assert f_jvp(np.array([0.0, 1.0])).tolist() == [0.0, 12.0]
    assert calls == [1]


def test_transformed() -> None:
    """Compiled, differentiated by the direction and by the point, and mapped."""
    _, f_jvp = cr.linearize(f, P)
    tangent = cr.jvp(f, (P,), (T,))[1]
    assert_close(cr.jit(f_jvp)(T)["a"], tangent["a"], 1e-15)
    by_direction = cr.grad(lambda t: f_jvp(t)["a"][0])(T)
    assert_close(by_direction["x"], [2.0 * np.cos(0.3), 0.0], 1e-15)

    def by_linearize(p: Any) -> Any:
        return np.sum(cr.linearize(f, p)[1](T)["a"])

    def by_jvp(p: Any) -> Any:
        return np.sum(cr.jvp(f, (p,), (T,))[1]["a"])

    for wrap in (lambda f: f, cr.jit):
        assert_close(wrap(cr.grad(by_linearize))(P)["x"], cr.grad(by_jvp)(P)["x"], 1e-14)
    ts = {"x": np.stack([T["x"], P["x"]]), "y": np.array([0.5, 1.0])}
    mapped = cr.vmap(f_jvp)(ts)["a"]
    assert_close(mapped[0], tangent["a"], 1e-15)
    scanned = cr.scan(lambda c, t: (c, f_jvp({"x": t, "y": 0.5})["b"]), 0.0, ts["x"])[1]
    assert_close(scanned, cr.vmap(f_jvp)(ts)["b"], 1e-15)


def test_wrong_inputs() -> None:
    _, f_jvp = cr.linearize(lambda x, y: x * y, np.ones(2), 1.0)
    with pytest.raises(TypeError, match="2 primals but 1 tangents"):
        f_jvp(np.ones(2))
    with pytest.raises(ShapeError, match=r"tangent of shape \(3,\)"):
        f_jvp(np.ones(3), 1.0)
    with pytest.raises(TypeError, match="tangent has structure"):
        f_jvp([np.ones(2)], 1.0)
    with pytest.raises(DtypeError, match="complex tangent"):
        f_jvp(np.ones(2), 1j)
    with pytest.raises(DtypeError, match="int"):
        cr.linearize(np.square, 3)
    by_vjp = cr.custom_vjp(lambda x: x)
    by_vjp.defvjp(lambda x: (x, None), lambda _, g: (g,))
    with pytest.raises(GradientError, match="none for forward mode"):
        cr.linearize(by_vjp, 1.0)
