"""`jit` follows branches on numbers: the eager call's ways, numbers and errors."""

from __future__ import annotations

import math
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from path_programs import CASES, Case

import chainrule as cr
from chainrule.config import configured
from chainrule.errors import AbstractValueError, GradientError, GradientWarning, PerformanceWarning

BY_NAME = {case.name: case for case in CASES}
each_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


def _copies(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(x.copy() if type(x) is np.ndarray else x for x in args)


def _outcome(f: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """What a call gives, or the error that it raises."""
    try:
        with np.errstate(all="ignore"):
            return f(*_copies(args))
    except (ValueError, ArithmeticError, LookupError) as error:
        return type(error), str(error)


def _assert_same(actual: Any, expected: Any, rtol: float = 1e-10) -> None:
    if isinstance(expected[0], type):
        assert actual == expected
        return
    assert cr.tree.structure(actual) == cr.tree.structure(expected)
    (value, trail), (expected_value, expected_trail) = actual, expected
    assert [*map(int, trail)] == [*map(int, expected_trail)]
    for x, y in zip(cr.tree.leaves(value), cr.tree.leaves(expected_value), strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-12)


def _gradients(case: Case, args: tuple[Any, ...]) -> Any:
    """The program's value and trail with its derivatives by what has any; None if nothing has."""
    numbers = tuple(
        k for k, x in enumerate(args)
        if isinstance(x, (float, np.ndarray)) and np.asarray(x).dtype.kind == "f"
    )  # fmt: skip
    if not numbers:
        return None

    def total(*xs: Any) -> Any:
        value, trail = case.run(*xs)
        return np.sum(value * 1.25), trail

    return cr.value_and_grad(total, argnums=numbers, has_aux=True)


def _flat(result: Any) -> Any:
    """((value, trail), gradients) as a pair of numbers and the trail; errors as they are."""
    if isinstance(result[0], type):
        return result
    (value, trail), gradients = result
    return (value, *gradients), trail


def _hold(case: Case, count: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    compiled = cr.jit(case.run)
    inputs = [case.draw(draws) for _ in range(count)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerformanceWarning)
        for args in inputs:
            _assert_same(_outcome(compiled, args), _outcome(case.run, args))


def _hold_gradients(case: Case, count: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    inputs = [case.draw(draws) for _ in range(count)]
    gradient = _gradients(case, inputs[0])
    if gradient is None:
        return
    compiled = cr.jit(gradient)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GradientWarning)  # on some ways it is zero
        for args in inputs:
            expected = _outcome(gradient, args)
            for _ in range(2):
                _assert_same(_flat(_outcome(compiled, args)), _flat(expected), rtol=1e-8)


@each_case
def test_same_way(case: Case) -> None:
    """Each call goes the eager call's way, and gives its numbers or its error."""
    with configured(backend="numpy"):
        _hold(case, 2 if case.name == "metropolis" else 6, seed=1)


@pytest.mark.slow
@each_case
def test_same_way_in_native_code(case: Case) -> None:
    """So it is for many calls, the code of most of which is compiled."""
    _hold(case, 4 if case.name == "metropolis" else 25, seed=2)


@pytest.mark.slow
@each_case
def test_gradients(case: Case) -> None:
    """Derivatives under jit are those without it, on each way."""
    with configured(backend="numpy"):
        _hold_gradients(case, 1 if case.name == "metropolis" else 2, seed=3)


def _newton(x: Any, steps: int) -> Any:
    y = x
    for _ in range(steps):
        y = 0.5 * (y + x / y)
    return y, [steps]


def _huber(residuals: Any, delta: Any, trail: list[int]) -> Any:
    total = 0.0
    for r, outside in zip(residuals, trail, strict=True):
        total += delta * (abs(r) - 0.5 * delta) if outside else 0.5 * r * r
    return total, trail


def _sorting_network(x: Any, trail: list[int]) -> Any:
    v = list(x)
    for (i, j), swap in zip(((0, 1), (2, 3), (0, 2), (1, 3), (1, 2)), trail, strict=True):
        if swap:
            v[i], v[j] = v[j], v[i]
    return np.array(v), trail


def _kalman_with_gaps(measured: Any, noise: Any, trail: list[int]) -> Any:
    mean, variance = 0.0, 1.0
    for z, there in zip(measured, trail, strict=True):
        variance = variance + 0.1
        if there:
            gain = variance / (variance + noise)
            mean = mean + gain * (z - mean)
            variance = (1.0 - gain) * variance
    return mean + variance, trail


def _early_stopping(w: Any, rate: Any, trail: list[int]) -> Any:
    best = math.inf
    for patience in (*trail, 2):
        loss = np.sum(np.sin(3.0 * w) + w * w)
        if not patience:
            best = loss
        if patience < 2:
            w = w - rate * (3.0 * np.cos(3.0 * w) + 2.0 * w)
    return best + 0.0 * w[0], trail


STRAIGHT: dict[str, Callable[..., Any]] = {
    "newton": lambda x, trail: _newton(x, trail[0]), "huber": _huber,
    "sorting_network": _sorting_network, "kalman_with_gaps": _kalman_with_gaps,
    "early_stopping": _early_stopping,
    "clip_by_norm": lambda x, most, trail: (
        x * (most / np.linalg.norm(x)) if trail[0] else x, trail
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STRAIGHT)
def test_bits_of_the_straight_program(name: str) -> None:
    """A path gives the bits of the program that goes that way without asking."""
    case, draws = BY_NAME[name], np.random.default_rng(5)
    compiled = cr.jit(case.run)
    for _ in range(4):
        args = case.draw(draws)
        _, trail = case.run(*args)
        if name == "early_stopping" and len(trail) == 6:
            continue
        way = [int(step) for step in trail]
        straight = cr.jit(lambda *xs, way=way: STRAIGHT[name](*xs, way), strict=True)
        expected, _ = straight(*args)
        compiled(*args)
        for _ in range(2):
            actual, actual_trail = compiled(*args)
            assert [*map(int, actual_trail)] == way
            assert np.asarray(actual).tobytes() == np.asarray(expected).tobytes()


def _signs(v: Any) -> Any:
    total, trail = 0.0, 0
    for k in range(3):
        if v[k] > 0.0:
            total, trail = total + v[k] * (k + 1), trail + 2**k
        else:
            total = total - 0.5 * v[k]
    return total, trail


def test_paths() -> None:
    """`paths` names the lines and the answers, how often each way was taken, and what is compiled.

    A way is compiled when it is taken for the second time.
    """
    f = cr.jit(_signs)
    assert f.paths() == []
    up, down = np.array([1.0, 2.0, 3.0]), np.array([-1.0, 2.0, 3.0])
    f(up)
    assert [(path.calls, path.compiled) for path in f.paths()] == [(1, False)]
    f(up + 1.0)
    f(up + 2.0)
    f(down)
    often, once = f.paths()
    assert (often.calls, often.compiled, once.calls, once.compiled) == (3, True, 1, False)
    assert [text.rsplit(" ", 1)[1] for text in once.guards] == ["False", "True", "True"]
    assert all("test_paths.py:" in text and "if v[k] > 0.0:" in text for text in once.guards)
    assert str(often).startswith("taken 3 times, compiled\n")
    assert str(once).startswith("taken once, not compiled yet\n")


def _halvings(x: Any) -> Any:
    n = 0
    while x > 1.0:
        x = x / 1.1
        n += 1
    return x, n


def test_most_paths() -> None:
    """There are 64 paths at most, and then one warning that names the line and what would serve.

    The numbers stay those of the plain call.
    """
    f = cr.jit(_halvings)
    with warnings.catch_warnings(record=True) as caught, configured(backend="numpy"):
        warnings.simplefilter("always")
        for k in range(80):
            x = 1.05 * 1.1**k
            assert np.allclose(f(x), _halvings(x), rtol=1e-12)
    assert len(f.paths()) == 64
    (warning,) = [w for w in caught if w.category is PerformanceWarning]
    text = str(warning.message)
    assert "_halvings went 64 ways" in text
    assert "while x > 1.0:" in text
    assert "chainrule.while_loop" in text


def _doubled(x: Any) -> Any:
    return x * 2.0 if np.sum(x) > 0.0 else x


@pytest.mark.parametrize(
    "call",
    [
        lambda: cr.jit(_doubled, strict=True)(1.0),
        lambda: cr.jit(_doubled).compile(1.0),
        lambda: cr.jit(_doubled).graph(1.0),
        lambda: cr.make_graph(_doubled)(1.0),
        lambda: cr.jit(_doubled, donate_argnums=0)(np.ones(2)),
        lambda: cr.jit(lambda s, x: (_doubled(s), x)).bind(np.ones(2))(1.0),
    ],
    ids=["strict", "compile", "graph", "make_graph", "donated", "bind"],
)
def test_strict(call: Callable[[], Any]) -> None:
    """What is one program for all numbers refuses a branch on them."""
    with pytest.raises(AbstractValueError, match="a truth value needs the numbers"):
        call()


@pytest.mark.parametrize("interval", [1e-6, 1e-5, 1e-5, 1e-4, 5e-3])
def test_threads(interval: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads that go different ways at once get their own numbers, and all are counted."""
    f, wrong = cr.jit(_signs), []
    monkeypatch.setattr(threading, "excepthook", lambda failed: wrong.append(failed.exc_value))

    def work(seed: int) -> None:
        draws = np.random.default_rng(seed)
        for _ in range(40):
            v = draws.normal(size=3)
            if not np.allclose(f(v), _signs(v), rtol=1e-12):
                wrong.append(v)

    usual = sys.getswitchinterval()
    sys.setswitchinterval(interval)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)
    assert wrong == []
    assert len(f.paths()) == 8
    assert sum(path.calls for path in f.paths()) == 320


def _checked(x: Any) -> Any:
    if x < 0.0:
        raise ValueError(f"{x} is negative: {x!r}, {x:.2f}")
    return np.sqrt(x)


def test_errors() -> None:
    """What the function raises for bad input it raises each time, with the numbers in its text."""
    f, gradient = cr.jit(_checked), cr.jit(cr.grad(_checked))
    for x in (4.0, 9.0, -1.5, 4.0, -1.5, -2.5):
        if x > 0.0:
            assert f(x) == np.sqrt(x)
            assert gradient(x) == pytest.approx(0.5 / np.sqrt(x), rel=1e-14)
            continue
        with pytest.raises(ValueError) as error:
            f(x)
        assert str(error.value) == f"{x} is negative: {x!r}, {x:.2f}"
        with pytest.raises(ValueError, match="is negative"):
            gradient(x)
    assert len(f.paths()) == 1


def _indexed(v: Any) -> Any:
    k = int(v[0])
    if k > 2:
        return v[1]
    return np.zeros(3)[k] + np.bincount(np.array([k]) + 0 * v.astype(int)[:1])[k] * v[2]


def test_error_of_another_way() -> None:
    """A program that fails because the call goes another way says nothing."""
    f = cr.jit(_indexed)
    for first in (0.0, 0.0, 7.0, 2.0, 1.0, 7.0, 2.0, 2.0, 0.0, 7.0):
        v = np.array([first, 2.0, 3.0])
        assert f(v) == _indexed(v)
    roots = cr.jit(np.roots)
    for p in (
        [1.0, -3.0, 2.0],
        [1.0, -3.0, 2.0],
        [0.0, -3.0, 2.0],
        [0.0, 0.0, 2.0],
        [1.0, 2.0, 0.0],
    ):
        np.testing.assert_allclose(np.sort(roots(np.array(p))), np.sort(np.roots(p)), rtol=1e-12)


def test_loop_of_another_way() -> None:
    """A loop that would never end for the numbers of another way is not run for them."""

    def grown(x: Any) -> Any:
        if x <= 0.0:
            return x
        return cr.while_loop(lambda y: y < 100.0, lambda y: y * (1.0 + x), x)

    f = cr.jit(grown)
    for x in (1.5, 1.5, 0.5, -0.5, 0.0, -0.5, 1.5):
        assert f(x) == pytest.approx(grown(x), rel=1e-14)


def test_effects() -> None:
    """Callbacks are called once each and in order, also if branches depend on what they gave, and
    before an error.
    """
    log: list[float] = []

    def note(x: Any) -> Any:
        log.append(float(x))
        return np.float64(x) * 2.0

    def step(x: Any) -> Any:
        return cr.io_callback(note, np.float64(0.0), x)

    def doubled(x: Any) -> Any:
        y = step(x)
        while abs(y) < 8.0:
            y = step(y)
        return y + x

    def branching(x: Any) -> Any:
        if x > 1.0:
            step(x * 10.0)
        return step(x) * 3.0

    def failing(x: Any) -> Any:
        step(x)
        if x > 1.0:
            raise ValueError("large")
        return x

    def apart(x: Any) -> Any:  # which is traced twice, the second time with plain numbers
        y = step(x)
        return (
            np.interp(x, [0.0, 1.0], [0.0, 1.0]) + [1.0, 2.0, 3.0][int(y) % 3] + float(f"{y:.1f}")
        )

    for function in (doubled, branching, failing, apart):
        compiled = cr.jit(function)
        for x in (1.5, -0.75, 3.0, 1.5, 0.5, 0.5, 3.0, 1.5):
            log.clear()
            expected = _outcome(function, (x,))
            called = list(log)
            log.clear()
            actual = _outcome(compiled, (x,))
            assert (actual, log) == (expected, called), function.__name__


def test_rewritten_code() -> None:
    """Code that is rewritten while one way is traced may ask nothing on the next."""
    largest = cr.jit(cr.grad(lambda x: np.sum(max(x, 0.5) + min(x, 0.25))))
    for x in (1.5, -0.7, 0.1, 1.5, -0.7):
        assert largest(x) == 1.0


def test_kinds_of_numbers() -> None:
    """Comparisons with nan, infinities and both zeros, integers and arrays without axes, and
    narrow and complex numbers, come out as in the plain call.
    """

    def compared(x: Any) -> Any:
        if x != x:
            return 0
        if x == 0:
            return 1 if np.copysign(1.0, x) > 0 else 2
        return 3 if x > 1 else 4 if x >= -np.inf and x < -1 else 5

    def large(x: Any) -> Any:
        return 1 if abs(x) > 1 else 2 if x else 3

    signed = [0.0, -0.0, np.nan, np.inf, -np.inf, 0.5, 2.0, 5e-324, 1e308]
    kinds: list[tuple[Callable[..., Any], list[Any]]] = [
        (compared, signed),
        (compared, [np.array(x) for x in signed]),
        (compared, [np.float32(x) for x in signed[:7]]),
        (large, [0, 1, 5, -3, 2**62, True, False]),
        (large, [1 + 2j, 0.5j, 0j, complex(np.nan, 0.0)]),
    ]
    for function, numbers in kinds:
        compiled = cr.jit(function)
        for x in numbers * 3:
            assert compiled(x) == function(x), (function, x)


def test_exact_numbers() -> None:
    """What code outside of the trace computes with is guarded bit by bit."""

    def through_text(x: Any) -> Any:
        return x * len(f"{x:.6g}")

    compiled = cr.jit(through_text)
    for x in (1.5, 1.25, -0.0, 0.0, np.nan, 1.5, 0.1, 0.1, -0.0, np.nan):
        np.testing.assert_array_equal(compiled(x), through_text(x))


def test_layouts_and_structures() -> None:
    """Ways of arguments that lie otherwise in memory, of static values and of containers."""

    def taken(m: Any) -> Any:
        flat = m.ravel("K")
        return flat[flat > 1.0]

    compiled = cr.jit(taken)
    m = np.arange(6.0).reshape(2, 3)
    apart = np.arange(12.0).reshape(2, 6)[:, ::2]
    for x in (m, np.asfortranarray(m), apart, m.T, m, np.asfortranarray(m)) * 2:
        np.testing.assert_array_equal(compiled(x), taken(x))

    def scaled(d: Any, n: int, *, k: int = 1) -> Any:
        return {"z": [d["a"] * n] * k} if d["b"][0] > 0.0 else (d["b"], None)

    compiled = cr.jit(scaled, static_argnums=1)
    for _ in range(3):
        for n in (1, 2):
            for b in (1.0, -1.0):
                d = {"a": 2.0, "b": np.array([b, 3.0])}
                expected = scaled(d, n)
                actual = compiled(d, n)
                assert cr.tree.structure(actual) == cr.tree.structure(expected)
                for x, y in zip(cr.tree.leaves(actual), cr.tree.leaves(expected), strict=True):
                    np.testing.assert_array_equal(x, y)


def test_nested() -> None:
    """A compiled function that branches inside of another one, and under each transformation."""
    inner = cr.jit(lambda x: x * x * x if x > 0.0 else -x * x)

    def outer(x: Any) -> Any:
        return inner(x) + 2.0 * inner(x - 1.0)

    slope, curvature = cr.grad(outer), cr.grad(cr.grad(outer))
    for _ in range(3):
        for x in (2.0, 0.5, -1.0):
            assert cr.jit(outer)(x) == pytest.approx(outer(x), rel=1e-14)
            assert cr.jit(slope)(x) == pytest.approx(slope(x), rel=1e-14)
            assert cr.jit(curvature)(x) == pytest.approx(curvature(x), rel=1e-14)
            tangents = cr.jit(lambda x: cr.jvp(outer, (x,), (1.0,)))(x)
            assert tangents == pytest.approx((outer(x), slope(x)), rel=1e-14)
    f = cr.jit(cr.jacobian(lambda v: v[v > 0.0] ** 2))
    for v in (np.array([1.0, -1.0]), np.array([-1.0, -2.0]), np.array([1.0, 3.0])):
        np.testing.assert_array_equal(f(v), np.diag(2.0 * v)[v > 0.0])


def test_bisection() -> None:
    """The derivative of a bisection that is written as a loop is refused under jit as without it:
    each step is differentiated rightly, and the result is not the derivative of the root.
    """

    def root(c: Any) -> Any:
        low, high = 0.0 * c, 3.0 + 0.1 * c
        for _ in range(60):
            middle = (low + high) / 2
            if middle**3 + 0.1 * middle < c:
                low = middle
            else:
                high = middle
        return (low + high) / 2

    assert cr.jit(root)(2.0) == pytest.approx(root(2.0), rel=1e-15)
    for f in (cr.grad(root), cr.jit(cr.grad(root)), cr.grad(cr.jit(root))):
        with pytest.raises(GradientError, match="an interval is halved until a root is met"):
            f(2.0)
