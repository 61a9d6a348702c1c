"""Programs in the styles of scientific code whose functions are compiled anew in several ways."""

from __future__ import annotations

import functools
import inspect
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
from central_differences import along, assert_close

import chainrule as cr
from chainrule.errors import GradientError, UnsupportedError
from chainrule.trace.patches import patches

X = np.array([0.3, 1.2, 0.7])
WEIGHTS = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5]])
VECTOR = np.array([1.0, 2.0, 3.0])
FUNCTIONS: dict[str, Any] = {"sin": math.sin, "cos": math.cos, "exp": math.exp}


def sine(x: Any) -> Any:
    return FUNCTIONS["sin"](x[0])


def lambda_then_outer(x: Any) -> Any:
    inner = lambda v: FUNCTIONS["sin"](v)  # noqa: E731
    return inner(x[0]) * FUNCTIONS["cos"](x[1])


def three_levels(x: Any) -> Any:
    def middle(v: Any) -> Any:
        inner = lambda w: FUNCTIONS["sin"](w)  # noqa: E731
        return inner(v) * FUNCTIONS["cos"](v)

    return FUNCTIONS["exp"](middle(x[0])) * middle(x[1])


def gradient_inside(x: Any) -> Any:
    inner = lambda v: FUNCTIONS["sin"](v) * v  # noqa: E731
    return cr.grad(inner)(x[0]) * FUNCTIONS["cos"](x[1])


def named_and_refused(x: Any) -> Any:
    return float(x[0]) * FUNCTIONS["sin"](x[1]) * np.sum(WEIGHTS * [float(x[2]), x[1], 1.0])


def class_inside(x: Any) -> Any:
    class Number:
        def __init__(self, v: Any) -> None:
            self.v = float(v)

        def __add__(self, other: Any) -> Any:
            return Number(self.v + FUNCTIONS["sin"](other.v))

    return (Number(x[0]) + Number(x[1])).v


def constants_in_patterns(x: Any) -> Any:
    match {"k": 1 + 2j, -1: 2}:
        case {"k": 1 + 2j, -1: v}:
            return FUNCTIONS["sin"](x[0]) * v


def arithmetic_written(x: Any) -> Any:
    total, minus, size, mask = WEIGHTS.sum(axis=0), -WEIGHTS, abs(WEIGHTS), np.exp(WEIGHTS)
    total[0], minus[1], size[0, 0], mask[0] = x[0], x, x[1], x
    rows, flat = WEIGHTS[[0, 1]], WEIGHTS.flatten()
    rows[0], flat[2] = x, x[2]
    return total.sum() * minus.sum() * size.sum() * mask.sum() + rows.sum() * flat.prod()


def views_written(x: Any) -> Any:
    table = np.linspace(0.0, 1.0, 6) * FUNCTIONS["exp"](1.0)
    rows = table.reshape(2, 3)
    rows.T[0] = x[:2]
    table.ravel()[1] = x[2]
    copy = table.astype(float, copy=False)
    copy[2] *= x[0]
    return table.sum() * table.prod() + rows.sum() ** 2


def outer_array_written(x: Any) -> Any:
    table, parts = np.arange(3) * 1.0, []

    def update(out: Any, k: int, v: Any) -> None:
        out[k] = v
        table[2] += FUNCTIONS["sin"](x[1])

    parts.append(table)
    update(parts[0], 1, x[0])
    update(table[1:], 0, x[2])
    return table.prod() + table.sum()


def shapes_set(x: Any) -> Any:
    table = np.zeros((2, 3))
    table[0] = x
    copy = table.T.reshape(6)
    copy.shape = (3, 2)
    copy[0, 0] = x[1] * 7.0
    return table.sum() * copy.sum()


def by_map(x: Any) -> Any:
    total = 0.0
    for v in map(float, x):
        total += v * v
    a, *rest = map(FUNCTIONS["sin"], x)
    return total * a * rest[0]


def numbers_of(x: Any) -> Iterator[Any]:
    for v in x:
        yield float(v) * FUNCTIONS["sin"](v)


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "lambda, then the function around it": lambda_then_outer,
    "three levels": three_levels,
    "gradient inside": gradient_inside,
    "seen by name, then refused": named_and_refused,
    "class inside": class_inside,
    "patterns": constants_in_patterns,
    "arithmetic": arithmetic_written,
    "views": views_written,
    "an array of the function around": outer_array_written,
    "shape": shapes_set,
    "map": by_map,
    "generator": lambda x: sum(numbers_of(x)) * x[0],
    "max of a generator": lambda x: max(v * v for v in x) * sine(x),
    "max of plain numbers": lambda x: max(float(k) for k in range(4)) * sine(x),
    "max of map": lambda x: max(map(abs, -VECTOR)) * max(zip([1, 2], x, strict=False))[1] * sine(x),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    """Value, both modes, second order and jit are those of central differences."""
    f = PROGRAMS[name]
    direction = np.array([0.5, -1.0, 0.25])
    np.testing.assert_allclose(cr.value_and_grad(f)(X)[0], f(X), rtol=1e-13)
    slope = along(f, [X], [direction])
    assert_close(cr.grad(f)(X) @ direction, slope)
    assert_close(cr.jvp(f, (X,), (direction,))[1], slope)
    if not name.endswith("map"):  # a comparison of tuples asks for truth
        assert_close(cr.jit(cr.grad(f))(X) @ direction, slope)
    second = lambda x: np.sum(cr.grad(f)(x) ** 2)  # noqa: E731
    assert_close(cr.grad(second)(X) @ direction, along(second, [X], [direction]), rtol=1e-6)


def test_a_default_of_max_is_for_what_is_empty() -> None:
    """An iterator is read once."""
    f = lambda x: max((v * v for v in x), default=-5.0) * sine(x)  # noqa: E731
    assert_close(cr.grad(f)(X) @ X, along(f, [X], [X]))
    assert cr.grad(lambda x: max([], default=2.0) * sine(x))(X)[0] == 2.0 * np.cos(0.3)


def list_of_lists(x: Any) -> Any:
    rows = [[0.0] * 3 for _ in range(3)]
    rows[np.argmax(x)][0] = x[0] * 2.0
    row = rows[np.argmax(x)]
    row[1] = 3.0
    return sine(x) * sum(map(sum, rows))


def list_of_arrays(x: Any) -> Any:
    rows = [np.arange(3) * 1.0 for _ in range(3)]
    rows[np.argmax(x)][0] += 5.0
    return sine(x) * sum(row.sum() for row in rows)


def whole_numbers(x: Any) -> Any:
    table = np.arange(9).reshape(3, 3)
    table[np.argmax(x)][0] = 5
    return sine(x) * table.sum()


@pytest.mark.parametrize("f", [list_of_lists, list_of_arrays, whole_numbers])
def test_a_part_at_a_traced_index_is_written(f: Callable[[Any], Any]) -> None:
    """It lands where NumPy writes, or it is refused; never in a copy."""
    assert cr.value_and_grad(f)(X)[0] == pytest.approx(f(X), rel=1e-14)
    assert_close(cr.grad(f)(X) @ X, along(f, [X], [X]))
    if f is not whole_numbers:
        with pytest.raises(UnsupportedError, match="an index that is not known"):
            cr.jit(f)(X)
    else:
        assert cr.jit(f)(X) == pytest.approx(f(X))


def model(t: Any, a: Any, /, b: float = 2.0, *args: Any, c: float, d: float = 3.0,
          **more: Any) -> Any:  # fmt: skip
    return a * float(t) + b * c + d + sum(args) + sum(more.values())


def deep(v: Any, n: int) -> Any:
    return float(v) if n == 0 else deep(v, n - 1) * 1.001


def test_functions_look_the_same_in_a_trace() -> None:
    """Their signatures and kinds before they are called, and the depth of a recursion."""
    kinds = []

    def f(x: Any) -> Any:
        kinds.extend([inspect.signature(model), inspect.isgeneratorfunction(numbers_of)])
        return model(x[0], x[1], 1.0, 2.0, c=x[2], e=4.0) * deep(x[0], 450)

    assert_close(cr.grad(f)(X) @ X, along(f, [X], [X]))
    assert kinds[:2] == [inspect.signature(model), True]


def changing(v: Any, k: float = 2.0) -> Any:
    return float(v) * k


def test_functions_that_change_between_traces() -> None:
    """Their code and defaults are those of now, and stay so."""
    f = lambda x: changing(x)  # noqa: E731
    assert cr.grad(f)(1.5) == 2.0
    changing.__defaults__ = (7.0,)
    assert cr.grad(f)(1.5) == 7.0
    changing.__code__ = (lambda v, k: float(v) * k * 10.0).__code__
    assert cr.grad(f)(1.5) == 70.0
    assert changing(1.0) == 70.0


def test_what_is_kept_runs_after_the_trace() -> None:
    """A function that was made in a trace gives plain arrays later."""
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.append(lambda v: WEIGHTS * 2.0 + FUNCTIONS["sin"](v) + WEIGHTS.copy())
        return kept[-1](x[0]).sum()

    cr.grad(f)(X)
    assert type(kept[-1](0.3)) is np.ndarray


def test_closures_with_the_same_code() -> None:
    """One refusal is enough for all, and nothing is stored of each."""
    calls: list[int] = []

    def scaled(k: float) -> Callable[[Any], Any]:
        return lambda x: (calls.append(1), sine(x) * FUNCTIONS["cos"](x[1]) * k)[1]

    cr.grad(scaled(1.0))(X)
    calls.clear()
    size = len(patches.rewritten)
    for k in range(20):
        assert cr.grad(scaled(k))(X)[0] == pytest.approx(k * np.cos(0.3) * np.cos(1.2))
    assert len(calls) == 20 and len(patches.rewritten) <= size


def test_threads_that_begin_together() -> None:
    """Each meets what the others have compiled anew in the meantime."""
    wrong: list[Any] = []

    def scaled(k: float) -> Callable[[Any], Any]:
        inner = lambda v: FUNCTIONS["sin"](v) * k  # noqa: E731
        return lambda x: inner(x[0]) * FUNCTIONS["cos"](x[1]) + float(x[2])

    def work(k: float) -> None:
        try:
            slope = cr.grad(scaled(k))(X)[0]
        except Exception as error:
            wrong.append(error)
        else:
            if abs(slope - k * np.cos(0.3) * np.cos(1.2)) > 1e-12:
                wrong.append(slope)

    threads = [threading.Thread(target=work, args=(float(k),)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_assertions_of_pytest() -> None:
    """A test's own functions were compiled by pytest, with other assertions."""

    def f(x: Any) -> Any:
        assert x.shape == (3,)
        return WEIGHTS.dot(x)[1] * sine(x)

    assert_close(cr.grad(f)(X) @ X, along(f, [X], [X]))


def test_text_that_is_read_back() -> None:
    """With all digits it is the number; what prints several, or has no format, is refused."""
    printed = lambda x: float(np.array2string(x[0] / 3.0, precision=17)) * x[1]  # noqa: E731
    assert_close(cr.grad(printed)(X) @ X, along(printed, [X], [X]))
    rows = lambda x: float(np.array2string(x / 3.0, precision=17).split()[1]) * x[1]  # noqa: E731
    for program in (rows, lambda x: float(str(x[0])) * x[1]):
        with pytest.raises(GradientError, match="derivative would be lost"):
            cr.grad(program)(X)


def test_an_array_that_is_handed_over_twice() -> None:
    """SciPy's function writes into one of its arguments, which is the other one, too."""

    def f(x: Any) -> Any:
        table = np.ones(5)
        table[1] = 2.0
        scipy.ndimage.gaussian_filter1d(table, 1.0, output=table)
        return table.sum() * x[0] * table[1]

    assert_close(cr.grad(f)(X) @ X, along(f, [X], [X]))


def test_decorated_functions() -> None:
    """Of `functools.wraps` the function inside, which no module names."""

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        return functools.wraps(function)(lambda *args, **more: function(*args, **more) * 1.0)

    @decorated
    def inner(x: Any, *, scale: float = 2.0) -> Any:
        return float(x[0]) * scale * FUNCTIONS["sin"](x[1])

    f = lambda x: inner(x, scale=3.0) * inner(x)  # noqa: E731
    assert_close(cr.grad(f)(X) @ X, along(f, [X], [X]))
