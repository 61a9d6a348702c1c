"""Every elementwise primitive at 0, -0.0, infinities, nan, huge and tiny numbers.

The value is NumPy's own. The derivative is the row's `slope`: the limit where there is one, and
otherwise a convention. These are the conventions, which users meet:

* |x| at 0: 0, the middle between -1 and 1. sign, floor, rint, comparisons: 0 everywhere.
* maximum, minimum at a tie: one half each; beside a nan: all of it to the nan.
* x**0: 0 by x, even at 0 and infinity. 0**y: 0 by y for y > 0. nan by y for x < 0.
* sqrt, cbrt and log at 0: infinity. arctan2 and hypot at the origin: 0, and 0.
* where: the side that was not chosen receives 0, not nan.

tests/trace/test_points.py has those of NumPy's functions, on all backends.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from primitive_rows import ELEMENTWISE, ROWS

from chainrule.autodiff.forward import forward
from chainrule.autodiff.reverse import reverse
from chainrule.graph.node import input_node
from chainrule.graph.types import Type
from chainrule.primitives import REGISTRY

FLOATING = [name for name in ELEMENTWISE if "f" in REGISTRY[name].spec["kinds"]]
POINTS = np.array(
    [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, np.inf, -np.inf, np.nan, 1e300, -1e300, 1e-300, -1e-300,
     5e-324, 40.0, -40.0, 709.0, -745.0]
)  # fmt: skip
PAIRS = np.array([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, np.inf, -np.inf, np.nan, 1e300, -1e-300])


def inputs_of(name: str) -> list[Any]:
    arity = REGISTRY[name].spec["arity"]
    if arity == 1:
        return [POINTS]
    grid = np.meshgrid(*[PAIRS] * 2, indexing="ij")
    return [np.ones(grid[0].shape) * (grid[0] > 0), *grid] if arity == 3 else list(grid)


@pytest.mark.parametrize("name", FLOATING)
def test_value_is_numpys(name: str) -> None:
    """Also the sign of zeros, and which results are nan."""
    xs = inputs_of(name)
    with np.errstate(all="ignore"):
        expected = ROWS[name].reference(*xs)
        actual = REGISTRY[name](*xs)
    np.testing.assert_allclose(actual, expected, rtol=1e-15, atol=0)
    both_numbers = ~np.isnan(expected.astype(float))
    if expected.dtype.kind == "f":
        np.testing.assert_array_equal(
            np.signbit(actual)[both_numbers], np.signbit(expected)[both_numbers]
        )


@pytest.mark.parametrize("name", FLOATING)
def test_derivative_is_the_limit_or_the_convention(name: str) -> None:
    """vjp and jvp of each input, at every special point."""
    xs = inputs_of(name)
    nodes = [input_node(Type(x.shape, x.dtype), x) for x in xs]
    with np.errstate(all="ignore"):
        y = REGISTRY[name](*nodes)
        expected = ROWS[name].slope(*xs)
        ones = np.ones(y.shape)
        back = reverse([y], nodes, [ones], values=True)
        ahead = [forward([y], [node], [ones], values=True)[0] for node in nodes]
    for x, wanted, g, t in zip(xs, expected, back, ahead, strict=True):
        wanted = np.broadcast_to(wanted, x.shape)
        for actual in (g, t):
            actual = np.zeros(x.shape) if actual is None else actual
            np.testing.assert_allclose(actual, wanted, rtol=1e-12, atol=1e-15)


def slope_of(name: str, *xs: float) -> list[float]:
    nodes = [input_node(Type((), np.dtype(float)), np.float64(x)) for x in xs]
    with np.errstate(all="ignore"):
        y = REGISTRY[name](*nodes)
        found = reverse([y], nodes, [np.float64(1.0)], values=True)
    return [0.0 if g is None else float(g) for g in found]


INF, NAN = np.inf, np.nan


@pytest.mark.parametrize(
    ("name", "point", "slope"),
    [
        ("abs", [0.0], [0.0]),
        ("abs", [-0.0], [0.0]),
        ("maximum", [2.0, 2.0], [0.5, 0.5]),
        ("maximum", [NAN, 2.0], [1.0, 0.0]),
        ("maximum", [NAN, NAN], [0.5, 0.5]),
        ("minimum", [-1.0, -1.0], [0.5, 0.5]),
        ("minimum", [1.0, NAN], [0.0, 1.0]),
        ("power", [0.0, 2.0], [0.0, 0.0]),
        ("power", [0.0, 1.0], [1.0, 0.0]),
        ("power", [0.0, 0.0], [0.0, -INF]),
        ("power", [INF, 0.0], [0.0, INF]),
        ("power", [-2.0, 3.0], [12.0, NAN]),
        ("sqrt", [0.0], [INF]),
        ("cbrt", [0.0], [INF]),
        ("log", [0.0], [INF]),
        ("exp", [-INF], [0.0]),
        ("tanh", [INF], [0.0]),
        ("logistic", [-INF], [0.0]),
        ("logistic", [0.0], [0.25]),
        ("logaddexp", [INF, INF], [0.5, 0.5]),
        ("logaddexp", [-INF, -INF], [0.5, 0.5]),
        ("logaddexp", [-INF, 3.0], [0.0, 1.0]),
        ("arctan2", [1e200, 1e200], [5e-201, -5e-201]),
        ("arctan2", [0.0, 0.0], [0.0, 0.0]),
        ("hypot", [0.0, 0.0], [0.0, 0.0]),
        ("hypot", [3e200, 4e200], [0.6, 0.8]),
        ("where", [1.0, 0.0, INF], [0.0, 1.0, 0.0]),
    ],
)
def test_convention(name: str, point: list[float], slope: list[float]) -> None:
    """The conventions above, one number each."""
    np.testing.assert_allclose(slope_of(name, *point), slope, rtol=1e-14)


@pytest.mark.parametrize(
    ("x", "slope"),
    [
        ([1.0, 3.0, 3.0], [0.0, 0.5, 0.5]),
        ([2.0, 2.0, 2.0], [1 / 3, 1 / 3, 1 / 3]),
        ([1.0, NAN, 3.0], [0.0, 1.0, 0.0]),
        ([-INF, -INF], [0.5, 0.5]),
    ],
)
def test_largest_entries_share(x: list[float], slope: list[float]) -> None:
    """max over an axis: ties share equally, a nan takes all."""
    value = np.array(x)
    node = input_node(Type(value.shape, value.dtype), value)
    y = REGISTRY["max"](node, axes=(0,))
    (g,) = reverse([y], [node], [np.float64(1.0)], values=True)
    np.testing.assert_allclose(g, slope, rtol=1e-15)


def second(name: str, *xs: float) -> list[float]:
    """The second derivative by each input alone."""
    results = []
    for k in range(len(xs)):
        nodes = [input_node(Type((), np.dtype(float)), np.float64(x)) for x in xs]
        y = REGISTRY[name](*nodes)
        (first,) = reverse([y], [nodes[k]], [input_node(y.type, np.float64(1.0))])
        (g,) = reverse([first], [nodes[k]], [np.float64(1.0)], values=True)
        results.append(0.0 if g is None else float(g))
    return results


def test_second_derivative_at_ties_and_zeros() -> None:
    """A choice inside a first derivative must not cut off the second one."""
    assert second("logaddexp", 2.0, 2.0) == [0.25, 0.25]
    assert second("tanh", 0.0) == [0.0]
    assert second("logistic", 0.0) == [0.0]
    assert second("erf", 0.0) == [0.0]
    assert second("power", 3.0, 2.0)[0] == 2.0


Long = np.longdouble
LOGS: dict[str, Any] = {
    # value, derivative; in long double, by formulas that lose nothing on either side
    "exp": (np.exp, np.exp),
    "expm1": (np.expm1, np.exp),
    "logistic": (lambda x: _share(x), lambda x: _share(x) * _share(-x)),
    "tanh": (np.tanh, lambda x: 4 * _share(2 * x) * _share(-2 * x)),
    "logaddexp": (
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
        lambda x: _share(x),
    ),
}
# Their slopes are written with 1 - y, which is right to the last digit of y and costs least.
BY_ITS_VALUE = {"logistic", "tanh"}


def _share(x: Any) -> Any:
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def test_every_primitive_with_extremes_has_a_reference() -> None:
    """A primitive that declares extremes is held to more digits here."""
    assert {name for name in FLOATING if REGISTRY[name].spec["extremes"]} == set(LOGS)


@pytest.mark.parametrize("name", LOGS)
def test_extremes_against_more_digits(name: str) -> None:
    """Value and derivative far out to 1e-14, where central differences see nothing."""
    value, slope = LOGS[name]
    for x in REGISTRY[name].spec["extremes"]:
        inputs = [x, 0.0][: REGISTRY[name].spec["arity"]]
        expected = float(value(Long(x)))
        assert float(REGISTRY[name](*map(np.float64, inputs))) == pytest.approx(expected, rel=1e-14)
        small = 2.3e-16 if name in BY_ITS_VALUE else 0.0
        expected = float(slope(Long(x)))
        assert slope_of(name, *inputs)[0] == pytest.approx(expected, rel=1e-14, abs=small)
