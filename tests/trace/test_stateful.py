"""Programs with state: whatever NumPy's names, views, copies and numbers do, traced ones do too."""

from __future__ import annotations

import array
import collections.abc
import copy
import numbers
import threading
import types
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from agreement import agrees, seeded
from stateful_programs import check, programs

import chainrule as cr
from chainrule.errors import (
    AbstractValueError,
    DtypeError,
    FrozenRandomWarning,
    GradientError,
    UnsupportedError,
)

X = np.array([1.3, -0.4, 0.7])


@pytest.mark.parametrize("part", range(3))
def test_drawn_programs(part: int) -> None:
    """108 programs: NumPy's value, and the slope of central differences, in all modes."""
    refused = sum(bool(check(p, native=False)) for p in programs(36, seed=0, first=36 * part))
    assert refused < 22


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_many_drawn_programs(part: int) -> None:
    """120 more, some of them in native code."""
    for k, program in enumerate(programs(40, seed=1, first=40 * part)):
        check(program, native=k % 10 == 0)


# Numbers


def test_numbers_are_immutable_and_arrays_are_not() -> None:
    """`y = x; y += 1` binds y anew if x is a number, and writes into x if it is an array."""

    def alias(x: Any) -> Any:
        y = x
        y += 1
        return y * x

    assert cr.value_and_grad(alias)(np.float64(1.3)) == (pytest.approx(2.99), pytest.approx(3.6))
    assert cr.value_and_grad(alias)(1.3) == (pytest.approx(2.99), pytest.approx(3.6))
    assert cr.value_and_grad(alias)(np.array(1.3)) == (pytest.approx(5.29), pytest.approx(4.6))
    jitted = cr.jit(alias)
    for _ in range(3):  # one function for all kinds of arguments, in turn
        assert [float(jitted(kind(1.3))) for kind in (np.float64, np.array, float)] == [
            pytest.approx(2.99), pytest.approx(5.29), pytest.approx(2.99)
        ]  # fmt: skip


def test_one_trace_serves_numbers_and_arrays_without_axes() -> None:
    """Where nothing is written and nobody asks which it is, such as a counter in a training."""
    counted = cr.jit(lambda state: (state[0] + 1, state[1] * 2.0))
    state: Any = (np.asarray(0), np.asarray(1.0))
    for _ in range(3):
        state = counted(state)
    assert (int(state[0]), float(state[1]), len(counted.cache)) == (3, 8.0, 1)
    asking = cr.jit(lambda x: x * (2.0 if isinstance(x, np.ndarray) else 3.0))
    assert [float(asking(x)) for x in (np.asarray(1.0), np.float64(1.0), np.asarray(1.0))] == [
        2.0, 3.0, 2.0
    ]  # fmt: skip


def test_a_loop_body_has_numbers_where_python_would() -> None:
    """`old = c; c += t` in a scan, as in the same loop in Python."""

    def body(c: Any, t: Any) -> Any:
        old = c
        c += t
        return c * 0.5, old * c

    def looped(x: Any) -> Any:
        total, c = 0.0, x[0]
        for t in x:
            c, y = body(c, t)
            total = total + y
        return total

    def scanned(x: Any) -> Any:
        return np.sum(cr.scan(body, x[0], x)[1])

    agrees(looped, X)
    np.testing.assert_allclose(scanned(X), looped(X), rtol=1e-14)
    np.testing.assert_allclose(cr.grad(scanned)(X), cr.grad(looped)(X), rtol=1e-14)


NAMES: dict[str, Any] = {
    "np.isscalar": np.isscalar, "np.iterable": np.iterable, "len": lambda v: hasattr(v, "__len__"),
    "()": lambda v: np.ndim(v[()]) == np.ndim(v), "setitem": lambda v: hasattr(v, "__setitem__"),
    "shape": lambda v: hasattr(v, "shape"), "flags": lambda v: hasattr(v, "wobble"),
    "==": lambda v: type(v) == np.ndarray, "in": lambda v: type(v) in (list, np.ndarray),  # noqa: E721
    **{
        kind.__name__: lambda v, kind=kind: isinstance(v, kind)
        for kind in (np.ndarray, float, int, bool, np.floating, np.generic, np.float64, np.float32,
                     np.integer, np.bool_, numbers.Real, numbers.Number, numbers.Integral,
                     collections.abc.Sized, collections.abc.Iterable, collections.abc.Sequence,
                     collections.abc.Hashable, list, tuple, str)
        if kind is not collections.abc.Hashable
    },
}  # fmt: skip
VALUES: dict[str, Any] = {
    "matrix": lambda x: x.reshape(3, 1), "array": lambda x: x * 1.0, "0-d": lambda x: x[0, ...],
    "number": lambda x: x[0], "sum": lambda x: np.sum(x), "integer": lambda x: np.argmax(x),
    "truth": lambda x: x[0] > 0, "float32": lambda x: x[0].astype(np.float32),
    "masks": lambda x: x > 0, "where": lambda x: np.where(True, x[0], 0.0),
    "squeezed": lambda x: np.squeeze(x[:1]), "product": lambda x: x @ x,
    "copied": lambda x: np.copy(x[0]), "sine": lambda x: np.sin(x[0, ...]),
    "zeros": lambda x: np.zeros_like(x[0]), "inner": lambda x: np.inner(x, x),
    "contracted": lambda x: np.tensordot(x, x, 1), "einsum": lambda x: np.einsum("i,i", x, x),
    "taken": lambda x: np.take(x, 0), "norm": lambda x: np.linalg.norm(x),
    "0-d times 2": lambda x: x[0, ...] * 2.0, "mean": lambda x: x.mean(), "any": lambda x: x.any(),
    "reshaped number": lambda x: x[0].reshape(()), "cast 0-d": lambda x: x[0, ...].astype(float),
    "item of list": lambda x: list(x)[1], "0-d copy": lambda x: x[0, ...].copy(),
    "clipped": lambda x: np.clip(x[0], 0, 1), "nan_to_num": lambda x: np.nan_to_num(x[0]),
    "trace": lambda x: np.trace(np.outer(x, x)), "transposed number": lambda x: x[0].T,
    "dot": lambda x: np.dot(x[0], x[1]), "average": lambda x: np.average(x),
    "broadcast": lambda x: np.broadcast_to(x[0], ()), "positive": lambda x: +x[0, ...],
}  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_tests_of_type_take_numpys_branch(value: str) -> None:
    """`isinstance`, `np.isscalar`, `hasattr` and kin: as for what NumPy would have there."""
    expected = {name: bool(ask(VALUES[value](X))) for name, ask in NAMES.items()}
    found: dict[str, bool] = {}

    def f(x: Any) -> Any:
        for name, ask in NAMES.items():
            try:
                found[name] = bool(ask(VALUES[value](x)))
            except (TypeError, UnsupportedError):  # an error is allowed, the other branch is not
                found[name] = expected[name]
        return np.sum(x)

    cr.grad(f)(X)
    assert found == expected
    found.clear()
    cr.jit(f)(X)
    assert found == expected


def test_a_type_that_cannot_be_told_is_an_error() -> None:
    """`type(x) == np.float64` of a traced number raises; `is` cannot be seen (docs/numpy.md)."""
    with pytest.raises(TypeError, match="isinstance"):
        cr.grad(lambda x: x if type(x) == np.float64 else -x)(1.0)  # noqa: E721


# Plain arrays written by traced values


def _into_alias(x: Any) -> Any:
    a = np.array([0.0] * 3)
    b = a
    b += x
    return np.sum(a)


def _into_row(x: Any) -> Any:
    a = np.array([[0.0] * 3] * 2)
    r = a[0]
    r += x
    return np.sum(a)


def _into_rows(x: Any) -> Any:
    a = np.array([[0.0] * 3] * 2)
    for row in a:
        row += x
    return np.sum(a)


def _into_argument(x: Any) -> Any:
    def add(total: Any) -> None:
        total += x

    a = np.array([0.0] * 3)
    add(a)
    return np.sum(a)


def _into_values(x: Any) -> Any:
    params = {"w": np.array([1.0] * 3)}
    for p in params.values():
        p -= 0.1 * x
    return np.sum(params["w"])


def _into_attribute(x: Any) -> Any:
    box = types.SimpleNamespace(v=np.array([1.0] * 3))
    kept = box.v
    box.v += x
    return np.sum(kept)


def _into_closure(x: Any) -> Any:
    a = np.array([0.0] * 3)
    seen = lambda: np.sum(a)  # noqa: E731
    b = a
    b += x
    return seen()


def _into_out(x: Any) -> Any:
    a = np.array([0.0] * 3)
    np.add(a, x, out=a)
    return np.sum(a)


def _into_tuple(x: Any) -> Any:
    pair = (np.array([0.0] * 3), 1.0)
    a, _ = pair
    a *= x
    return np.sum(pair[0])


@pytest.mark.parametrize(
    "f", [_into_alias, _into_row, _into_rows, _into_argument, _into_values, _into_attribute,
          _into_closure, _into_out, _into_tuple],
)  # fmt: skip
def test_an_array_that_others_see_is_written(f: Any) -> None:
    """The other name sees the write, as in NumPy: it was made in the function."""
    agrees(f, X)


SHARED = np.zeros(3)
ROWS = np.zeros((2, 3))


def _into_shared(x: Any) -> Any:
    total = SHARED
    total += x
    return np.sum(SHARED)


def _into_shared_row(x: Any) -> Any:
    for row in ROWS:
        row += x
    return np.sum(ROWS)


def _into_shared_out(x: Any) -> Any:
    np.add(SHARED, x, out=SHARED)
    return np.sum(SHARED)


@pytest.mark.parametrize("f", [_into_shared, _into_shared_row, _into_shared_out])
def test_a_plain_array_that_others_see_is_not_written(f: Any) -> None:
    """It is from outside of the function: refused, at the user's line."""
    for run in (lambda: cr.grad(f)(X), lambda: cr.jit(f)(X), lambda: cr.jvp(f, (X,), (X,))):
        with pytest.raises(UnsupportedError, match="plain array") as caught:
            run()
        assert f"{__file__}:" in str(caught.value)


def test_a_plain_array_that_nobody_else_sees_is_written() -> None:
    """Locals, globals, attributes, items and reshaped ones, as long as they have one name."""

    def f(x: Any) -> Any:
        a = np.zeros(3)
        a += x
        a *= x
        box = types.SimpleNamespace(v=np.ones((1, 3)).reshape(3))
        box.v -= x * a
        held = [np.ones(3), np.ones(3)]
        held[1] /= 2.0 + x
        names: dict[str, Any] = {"np": np, "x": x}
        exec("w = np.zeros(3)\nw += x\nfor _ in range(3):\n    w *= x", names)
        return np.sum(a * box.v * held[1] * names["w"])

    agrees(f, X)


def test_read_only_arrays_stay_read_only() -> None:
    """Of NumPy's own, and views that NumPy does not let be written."""
    fixed = np.zeros(3)
    fixed.flags.writeable = False

    def f(x: Any) -> Any:
        a = fixed
        a += x
        return np.sum(a)

    with pytest.raises(ValueError, match="read-only"):
        cr.grad(f)(X)
    for view in (np.diagonal, np.diag, lambda m: np.broadcast_to(m, (2, 3, 3))[0]):

        def g(x: Any, view: Any = view) -> Any:
            view(np.outer(x, x))[...] = 0.0
            return np.sum(x)

        with pytest.raises(ValueError, match="read-only"):
            g(X)
        with pytest.raises(ValueError, match="read-only"):
            cr.grad(g)(X)


# Arguments


def test_arguments_that_share_memory_are_refused_where_it_matters() -> None:
    """f(x, x) that writes into x: NumPy's other name would see it, a traced one would not."""

    def f(a: Any, b: Any) -> Any:
        a += 1.0
        return np.sum(a * b)

    for run in (
        lambda: cr.grad(f)(X, X), lambda: cr.grad(f, (0, 1))(X, X), lambda: cr.jit(f)(X, X),
        lambda: cr.grad(f)(X[:2], X[1:]), lambda: cr.vjp(f, X, X[::1]),
    ):  # fmt: skip
        with pytest.raises(UnsupportedError, match="shares memory"):
            run()
    jitted = cr.jit(f)
    assert float(jitted(X, X.copy())) == pytest.approx(float(np.sum((X + 1) * X)))
    with pytest.raises(UnsupportedError, match="shares memory"):
        jitted(X, X)
    assert float(cr.jit(lambda a, b: np.sum(a * b))(X, X)) == pytest.approx(float(X @ X))


def test_jit_follows_how_an_argument_lies_in_memory() -> None:
    """A Fortran-ordered matrix is copied by reshape, a C-ordered one is viewed: both are right."""

    def f(m: Any) -> Any:
        m = m + 0.0
        flat = m.reshape(-1)
        flat[0] = 7.0
        return m * 1.0

    def g(m: Any) -> Any:
        flat = m.ravel()
        flat[0] = 7.0
        return m * 1.0

    for function in (f, g):
        jitted = cr.jit(function)
        for _ in range(3):
            for make in (
                lambda: seeded(2, 3), lambda: np.asfortranarray(seeded(2, 3)),
                lambda: seeded(4, 6)[::2, ::2], lambda: seeded(3, 2).T, lambda: seeded(2, 3)[::-1],
            ):  # fmt: skip
                assert jitted(make()).tolist() == function(make()).tolist()


def test_a_traced_body_writes_nothing_outside() -> None:
    """It would be written once, while it is traced."""

    def f(x: Any) -> Any:
        seen = x * 1.0

        def body(c: Any, t: Any) -> Any:
            seen[0] = t
            return c + t, c

        return cr.scan(body, 0.0, x)[0] + np.sum(seen)

    with pytest.raises(UnsupportedError, match="from outside"):
        cr.grad(f)(X)


def test_traced_integers_give_views_of_rows() -> None:
    """`row = m[np.argmax(...)]; row += 1` writes into m; an array of integers copies."""

    def f(m: Any) -> Any:
        m = m * 1.0
        row = m[np.argmax(m[:, 0])]
        row += 1.0
        m[np.argmin(m[:, 1])][0] *= 3.0
        copied = m[np.array([0, 1])]
        copied += 5.0
        return m * 2.0, copied

    agrees(f, seeded(3, 4))


# What is read only in part


SERIES: dict[str, Any] = {
    "masked": np.ma.masked_array([1.0, 2.0, 3.0], mask=[False, True, False]),
    "matrix": np.matrix([[1.0, 2.0, 3.0]]),
    "complex": 1j, "complex array": np.array([1j, 2.0, 3.0]),
    "complex number": np.complex128(1j),
    "structured": np.zeros(3, dtype=[("a", float)]),
    "objects": np.array([1.0, None, 2.0], dtype=object),
    "longdouble": np.ones(3, np.longdouble),
    "sparse": scipy.sparse.eye_array(3).tocsr(),
}  # fmt: skip


def _operations(other: Any) -> dict[str, Any]:
    return {
        "mul": lambda x: np.sum(x * other),
        "rmul": lambda x: np.sum(other * x),
        "add": lambda x: np.sum(x + other),
        "radd": lambda x: np.sum(other + x),
        "ufunc": lambda x: np.sum(np.multiply(x, other)),
        "matmul": lambda x: np.sum(other @ x),
        "number": lambda x: np.sum(x[0] * other),
    }


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize(
    "name", [name for name in SERIES if not name.startswith(("complex", "sparse"))]
)
@pytest.mark.parametrize("operation", _operations(None))
def test_half_read_operands_are_refused(name: str, operation: str) -> None:
    """Masks, complex parts, fields and labels would be lost: an error at the user's line."""
    f = _operations(SERIES[name])[operation]
    with pytest.raises((DtypeError, GradientError, UnsupportedError, TypeError)) as caught:
        cr.grad(f)(X)
    errors = [caught.value, caught.value.__context__, caught.value.__cause__]
    texts = [str(error) for error in errors if error is not None]
    assert any(f"{__file__}:" in text for text in texts), texts


@pytest.mark.parametrize("name", [k for k in SERIES if not k.startswith("complex")])
@pytest.mark.parametrize("transform", [cr.grad, cr.jit])
def test_half_read_arguments_are_refused(name: str, transform: Any) -> None:
    """By name."""
    with pytest.raises(DtypeError, match=r"Masked|matrix|complex|dtype|sparse|longdouble|csr"):
        transform(lambda x: np.sum(x))(SERIES[name])


# Refusals and errors


def test_a_refusal_that_the_function_catches_is_raised_in_the_end() -> None:
    """NumPy would not have raised there, so the function goes another way than it would have."""

    def f(x: Any) -> Any:
        try:
            return np.sum(x) * array.array("d", [x[0]])[0]
        except TypeError:
            return np.sum(x)

    def g(x: Any) -> Any:
        try:
            np.lib.stride_tricks.as_strided(x, (2,), (8,))
        except Exception:
            raise KeyError("gone") from None
        return np.sum(x)

    with pytest.raises(GradientError):
        cr.grad(f)(X)
    with pytest.raises(AbstractValueError):
        cr.jit(f, strict=True)(X)
    with pytest.raises(UnsupportedError):
        cr.grad(g)(X)
    assert cr.grad(lambda x: np.sum(x * x))(X).tolist() == (2 * X).tolist()


def test_numpys_own_errors_may_be_caught() -> None:
    """Bad indices, shapes and writes into numbers raise as in NumPy, and leave all as it was."""

    def f(x: Any) -> Any:
        a = x * 1.0
        for write in (lambda: a.__setitem__(9, 1.0), lambda: a.__iadd__(np.ones(7)),
                      lambda: a.__setitem__(slice(2), np.ones(5))):  # fmt: skip
            try:
                write()
            except (IndexError, ValueError):
                a[0] = a[0] * 2.0
        try:
            a[0][0] = 1.0
        except TypeError:
            a[1] = a[1] * 3.0
        return a

    agrees(f, X)


# Random numbers


GENERATOR = np.random.default_rng(3)


@pytest.mark.parametrize(
    "draw", [lambda: np.random.rand(), lambda: GENERATOR.normal(), lambda: np.random.randint(9)]
)
def test_frozen_random_numbers_are_told(draw: Any) -> None:
    """Drawn once under jit and in loops: one warning, which names chainrule.random."""
    with pytest.warns(FrozenRandomWarning, match=r"chainrule\.random"):
        cr.jit(lambda x: x * draw())(1.0)
    with pytest.warns(FrozenRandomWarning, match=r"chainrule\.random"):
        cr.fori_loop(0, 3, lambda i, c: c + draw(), 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cr.grad(lambda x: x * draw())(1.0)  # drawn anew by each call
        cr.jit(lambda x: x * 2.0)(1.0)


def test_shuffles() -> None:
    """Numbers are exchanged as NumPy does; rows, which NumPy exchanges another way, are refused."""

    def f(x: Any) -> Any:
        a = x * 1.0
        np.random.default_rng(0).shuffle(a)
        return np.sum(a * np.array([1.0, 10.0, 100.0]))

    expected = np.array([1.0, 10.0, 100.0])
    order = np.arange(3.0)
    np.random.default_rng(0).shuffle(order)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        slope = cr.grad(f)(X)
        assert slope[order.astype(int)].tolist() == expected.tolist()
        with pytest.raises(UnsupportedError, match="permutation"):
            cr.grad(lambda x: f(np.outer(x, x)))(X)


# Copies


def test_copies_of_python() -> None:
    """`copy.copy` and `copy.deepcopy`, also inside containers."""

    def f(x: Any) -> Any:
        held = {"a": x * 1.0, "s": x[0]}
        shallow, deep = copy.copy(held), copy.deepcopy(held)
        held["a"] += 1.0
        held["s"] += 1.0
        return shallow["a"] * 2.0, deep["a"] * 3.0, shallow["s"] * deep["s"] * held["s"]

    agrees(f, X)


def test_threads_trace_side_by_side() -> None:
    """What one thread traces, refuses or passes over is nothing to another."""
    found: list[Any] = []

    def f(x: Any) -> Any:
        y = x * 1.0
        for k in range(3):
            y[k] = y[k - 1] * x[k]
        return np.sum(y)

    def g(x: Any) -> Any:
        return array.array("d", [x[0]])[0]

    def run() -> None:
        for _ in range(50):
            with pytest.raises(GradientError):
                cr.grad(g)(X)
            found.append(cr.grad(f)(X).tolist())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    assert all(slope == found[0] for slope in found)


def test_results_of_a_function_that_writes() -> None:
    """Under jit each result is an array of its own; a loop would hand one on, so it must be one."""

    def f(w: Any, g: Any) -> Any:
        w -= g
        return w, w[:1]

    for found, expected in zip(
        cr.jit(f)(np.ones(2), 0.25), (np.full(2, 0.75), [0.75]), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(UnsupportedError, match="one array twice"):
        cr.scan(lambda c, _: (f(c, 1.0)[0], f(c, 1.0)[0]), np.ones(2), np.arange(3.0))
