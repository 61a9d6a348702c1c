"""Python around traced numbers: copies, caches, built-in functions, classes, tables with labels."""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from central_differences import along, assert_close

import chainrule as cr
from chainrule.errors import DtypeError, UnsupportedError

X = np.array([0.3, 1.2, 0.7])


@functools.cache
def cached(x: Any, n: int = 2) -> Any:
    return x**n


@functools.cache
def factorial(n: int) -> int:
    return 1 if n < 2 else n * factorial(n - 1)


@dataclasses.dataclass
class Spring:
    """A data class with a text, a list and an option."""

    stiffness: Any
    name: str = "spring"
    loads: list[Any] = dataclasses.field(default_factory=list)
    clamped: bool = False

    def energy(self) -> Any:
        return 0.5 * self.stiffness * sum(load * load for load in self.loads)


@dataclasses.dataclass(frozen=True)
class Pair:
    """A frozen one, which nests another."""

    spring: Spring
    weights: Any


class Point(NamedTuple):
    """A named tuple."""

    x: Any
    y: Any


def copies(x: Any) -> Any:
    a, b = copy.copy(x), copy.deepcopy([x, {"k": x}])
    a[0] = 2.0 * x[1]
    b[1]["k"][1] = 0.0
    return np.sum(a * b[0] * b[1]["k"] + x)


FORMS: dict[str, Callable[[Any], Any]] = {
    "copies": copies,
    "caches": lambda x: cached(x[0]) * cached(x[1], n=3) + factorial(5) * x[2],
    "sum": lambda x: (
        sum(x) * sum([x[0], 2.0], x[1]) + sum(v * w for v, w in zip(x, 2 * x, strict=True))
    ),
    "divmod": lambda x: divmod(x[1], 0.5)[1] * x[0] + divmod(7.0, x[1])[1] * divmod(x[2], 2)[0],
    "round": lambda x: round(x[1]) * x[0] + round(x[1], 1) * x[0] + abs(-x[2]) ** 2,
    "enumerate": lambda x: sum(k * v**2 for k, v in enumerate(x)) * pow(x[0], 2),
    "reversed": lambda x: functools.reduce(lambda a, b: a * 0.5 + b**2, reversed(x)),
    "map": lambda x: np.array(list(map(cached, x, [1, 2, 3]))) @ x,
    "point": lambda x: np.sum(np.array(Point(x[0], x[1] * x[2]))) * Point(*x[:2]).y,
}
ON_VALUES = {
    "max and min": lambda x: max(x) * min(x[0], x[1]) + max([x[2], 1.0, x[0]]) ** 2,
    "sorted": lambda x: sum(k * v**2 for k, v in enumerate(sorted(x))),
    "keys": lambda x: {0: x[0], 1: x[1] ** 2, 2: x[2]}[int(np.argmax(x))] * (np.argmax(x) in {1}),
}


@pytest.mark.parametrize("name", [*FORMS, *ON_VALUES])
def test_forms(name: str) -> None:
    """Value, both modes and second order; under jit where no number decides."""
    f = {**FORMS, **ON_VALUES}[name]
    direction = np.array([0.5, -1.0, 0.25])
    loss = lambda x: f(x) ** 2  # noqa: E731
    np.testing.assert_allclose(cr.value_and_grad(f)(X)[0], f(X), rtol=1e-14)
    slope = along(loss, [X], [direction])
    assert_close(cr.grad(loss)(X) @ direction, slope)
    assert_close(cr.jvp(loss, (X,), (direction,))[1], slope)
    first = lambda x: np.sum(cr.grad(loss)(x) ** 2)  # noqa: E731
    assert_close(cr.grad(first)(X) @ direction, along(first, [X], [direction]), rtol=1e-6)
    if name in FORMS and name not in ("round", "divmod"):
        assert_close(cr.jit(cr.grad(loss))(X) @ direction, slope)


def test_a_cache_keeps_no_tracers() -> None:
    """What a cached function gave to a trace is not what it gives to numbers."""
    cached.cache_clear()
    assert cr.grad(cached)(3.0) == 6.0
    assert cached.cache_info().currsize == 0
    assert cached(3.0) == 9.0
    assert cr.grad(cached)(3.0) == 6.0


def test_traced_numbers_are_no_keys() -> None:
    """A fraction would be compared by its value; a whole number is one where it is known."""
    for f in (lambda x: {x[0]: 1.0}, lambda x: x[0] in {1.0, 2.0}, lambda x: hash(x)):
        with pytest.raises((UnsupportedError, TypeError), match="key|unhashable"):
            cr.grad(f)(X)
    table = {0: 1.0, 1: 2.0}
    assert cr.grad(lambda x: x[0] * table[np.argmax(x)])(X).tolist() == [2.0, 0.0, 0.0]


def test_classes_as_arguments() -> None:
    """Fields that hold numbers are differentiated by; texts and options stay as they are."""
    pair = Pair(Spring(2.0, "a", [1.0, 3.0], True), np.array([0.5, 2.0]))

    def f(pair: Pair) -> Any:
        assert pair.spring.name == "a"
        return pair.spring.energy() * np.sum(pair.weights**2)

    for way in (cr.grad(f), cr.jit(cr.grad(f))):
        gradient = way(pair)
        assert isinstance(gradient, Pair) and isinstance(gradient.spring, Spring)
        assert gradient.spring.name == "a"
        np.testing.assert_allclose(gradient.spring.stiffness, 0.5 * 10 * 4.25)
        np.testing.assert_allclose(gradient.spring.loads, np.array([2.0, 6.0]) * 4.25)
        np.testing.assert_allclose(gradient.weights, [10.0, 40.0])
    point = cr.grad(lambda p: p.x * np.sum(p.y))(Point(2.0, np.ones(2)))
    assert isinstance(point, Point) and point.x == 2.0


def test_attrs_classes() -> None:
    """The same as data classes."""
    attrs = pytest.importorskip("attrs")

    @attrs.define
    class Lens:
        focus: Any
        glass: str = "BK7"

    gradient = cr.grad(lambda lens: lens.focus**2)(Lens(3.0))
    assert (gradient.focus, gradient.glass) == (6.0, "BK7")


def test_results_of_classes() -> None:
    """A function may give one back, also from jit."""
    f = cr.jit(lambda s: dataclasses.replace(s, stiffness=s.stiffness * 2.0))
    assert f(Spring(1.5, loads=[1.0])) == Spring(3.0, loads=[1.0])
    assert f(Spring(2.5, "other", [2.0])) == Spring(5.0, "other", [2.0])


@pytest.mark.parametrize("swap", [False, True])
def test_tables_with_labels(swap: bool) -> None:
    """Series and frames on either side of an operator are read as their numbers."""
    pandas = pytest.importorskip("pandas")
    series = pandas.Series([1.0, 2.0, 4.0], index=["a", "b", "c"])
    frame = pandas.DataFrame([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])

    def f(x: Any) -> Any:
        if swap:
            return np.sum((series * x - series / x) ** 2) + np.sum(frame + x) + np.sum(x < series)
        return np.sum((x * series - x / series) ** 2) + np.sum(x - frame) + np.sum(series > x)

    direction = np.array([0.5, -1.0, 0.25])
    expected = f(X)
    expected = float(np.sum(expected.to_numpy())) if hasattr(expected, "to_numpy") else expected
    value, gradient = cr.value_and_grad(f)(X)
    plain = lambda x: (  # noqa: E731
        np.sum((series.to_numpy() * x - series.to_numpy() / x) ** 2) + np.sum(frame.to_numpy() + x)
        if swap
        else np.sum((x * series.to_numpy() - x / series.to_numpy()) ** 2)
        + np.sum(x - frame.to_numpy())
    )
    assert_close(gradient @ direction, along(plain, [X], [direction]))
    assert_close(cr.jit(cr.grad(f))(X), gradient)
    assert np.isfinite(value)


def test_labels_that_are_no_numbers() -> None:
    """A table with texts is refused at the user's line."""
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(["a", "b", "c"])
    with pytest.raises((DtypeError, TypeError), match=r"test_python_objects\.py:\d+"):
        cr.grad(lambda x: np.sum(x * series))(X)


def test_what_is_a_scalar() -> None:
    """`np.isscalar` of traced numbers and arrays says what it says of plain ones."""

    def questions(x: Any, number: Any) -> list[Any]:
        return [
            number,
            x[0],
            np.sum(x),
            float(x[0]),
            x[0].item(),
            x,
            x[:1],
            np.asarray(number),
            [x[0]],
        ]

    def answers(x: Any, number: Any) -> Any:
        seen.append([np.isscalar(y) for y in questions(x, number)])
        return np.sum(x) * number

    seen: list[list[bool]] = []
    plain = [np.isscalar(y) for y in questions(np.ones(2), 1.5)]
    for transform in (cr.grad, cr.jit):
        transform(answers)(np.ones(2), 1.5)
    assert all(row == plain for row in seen)
    assert len(seen) == 2
