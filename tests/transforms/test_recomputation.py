"""checkpoint: the same numbers, with less memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from central_differences import assert_close, gradient

import chainrule as cr
from chainrule.errors import UnsupportedError

W = np.random.default_rng(0).normal(size=(3, 4, 4)) * 0.4
X = np.random.default_rng(1).normal(size=(5, 4))
Wrap = Callable[[Callable[..., Any]], Any]


def unchanged(f: Callable[..., Any]) -> Any:
    return f


def layers(wrap: Wrap) -> Callable[..., Any]:
    """Three layers, of which the first two are chosen by numbers where these are known."""
    layer = wrap(lambda w, x: np.tanh(np.exp(-((x @ w) ** 2)) + np.sin(x @ w)))

    def loss(w: Any, x: Any) -> Any:
        for k in range(3):
            x = layer(w[k], x)
        return np.sum(x**2)

    return loss


def closures(wrap: Wrap) -> Callable[..., Any]:
    """Functions that read a loop's variables, of which each call has its own, and the weights."""

    def loss(w: Any, x: Any) -> Any:
        for k in range(3):
            x = wrap(lambda h: np.sin(h @ w[k]) * (1.0 + k))(x)  # noqa: B023
        return np.sum(x**3)

    return loss


def loops(wrap: Wrap) -> Callable[..., Any]:
    """A scan in a checkpoint in a scan."""

    def loss(w: Any, x: Any) -> Any:
        @wrap
        def chunk(c: Any, t: Any) -> Any:
            return cr.scan(lambda c, t: (np.tanh(c @ w[0]) + t, np.sum(c)), c, t)

        last, ys = cr.scan(chunk, x, np.linspace(0.0, 1.0, 6).reshape(3, 2))
        return np.sum(last**2) + np.sum(ys**2)

    return loss


PROGRAMS = [layers, closures, loops]
CHECKPOINTS = [cr.checkpoint, cr.checkpoint(max_saved_bytes=200), cr.remat(max_saved_bytes=10**6)]


@pytest.mark.parametrize(
    ("program", "wrap"),
    [(program, CHECKPOINTS[0]) for program in PROGRAMS]
    + [pytest.param(p, w, marks=pytest.mark.slow) for p in PROGRAMS for w in CHECKPOINTS[1:]],
)
def test_the_numbers_stay(program: Any, wrap: Any) -> None:
    """Values, gradients in both modes and of both orders, with and without jit."""
    expected, actual = program(unchanged), program(wrap)
    assert_close(actual(W, X), expected(W, X), 1e-15)
    gradients = cr.grad(expected, (0, 1))(W, X)
    for g in (cr.grad(actual, (0, 1)), cr.jit(cr.grad(actual, (0, 1)))):
        for a, b in zip(g(W, X), gradients, strict=True):
            assert_close(a, b, 1e-12)
    tangents = (np.cos(W), np.sin(X))
    assert_close(cr.jvp(actual, (W, X), tangents), cr.jvp(expected, (W, X), tangents), 1e-12)

    def product(f: Any) -> Any:
        return lambda x: np.sum(cr.grad(f)(W, x) * np.cos(W))

    second = cr.grad(product(expected))(X)
    for h in (cr.grad(product(actual)), cr.jit(cr.grad(product(actual)))):
        assert_close(h(X), second, 1e-11)
    assert_close(cr.jvp(cr.grad(actual, 1), (W, X), tangents)[1],
                 cr.jvp(cr.grad(expected, 1), (W, X), tangents)[1], 1e-11)  # fmt: skip


def test_against_central_differences_and_in_batches() -> None:
    f = layers(cr.checkpoint)
    assert_close(cr.grad(f, 1)(W, X), gradient(lambda x: f(W, x), X), 1e-7)
    xs = np.stack([X, 2.0 * X])
    of_each = np.stack([cr.grad(layers(unchanged), 1)(W, x) for x in xs])
    assert_close(cr.vmap(cr.grad(f, 1), (None, 0))(W, xs), of_each, 1e-12)
    assert_close(
        cr.jit(cr.grad(lambda xs: np.sum(cr.vmap(f, (None, 0))(W, xs))))(xs), of_each, 1e-12
    )


def test_branches_on_known_numbers() -> None:
    """They go as they went, also while the derivative computes the function again."""

    @cr.checkpoint
    def f(x: Any) -> Any:
        return x**3 if x > 0.0 else -x

    assert [float(cr.grad(f)(x)) for x in (2.0, -2.0)] == [12.0, -1.0]
    assert cr.grad(cr.grad(f))(2.0) == 12.0


def test_what_is_no_array_and_twice_the_same() -> None:
    """Texts, numbers and functions pass through; an array may be given twice."""

    @cr.checkpoint
    def f(a: Any, b: Any, kind: str, power: int = 2, *, g: Any = np.sin) -> Any:
        return {"y": g(a) * b**power, "n": power} if kind == "y" else None

    def loss(f: Any) -> Any:
        return lambda x: np.sum(f(x, x, "y", power=3)["y"])

    expected = cr.grad(loss(f.__wrapped__))(X)
    for g in (cr.grad(loss(f)), cr.jit(cr.grad(loss(f)))):
        assert_close(g(X), expected, 1e-13)
    assert f(2.0, 1.0, "z") is None
    assert f(1.0, 3.0, "y", g=np.cos) == {"y": np.cos(1.0) * 9.0, "n": 2}
    assert f.__name__ == "f"


def test_custom_rules_inside() -> None:
    @cr.custom_vjp
    def double(x: Any) -> Any:
        return 2.0 * x

    double.defvjp(lambda x: (double(x), None), lambda _, g: (20.0 * g,))
    f = cr.checkpoint(lambda x: np.sum(double(x) ** 2))
    for g in (cr.grad(f), cr.jit(cr.grad(f))):
        assert_close(g(X), 80.0 * X, 1e-14)


def test_arrays_that_the_function_makes() -> None:
    """They follow from no argument, and are the same when the function is computed again."""

    @cr.checkpoint
    def f(x: Any) -> Any:
        weights = np.ones(4)
        weights[1] = 2.0
        return np.sum(np.tanh(np.outer(x, weights)) * np.exp(weights))

    for g in (cr.grad(f), cr.jit(cr.grad(f))):
        assert_close(g(X[0]), gradient(f.__wrapped__, X[0]), 1e-8)


# Memory, of which only native programs say how much they take

native = pytest.mark.skipif(cr.config.backend != "llvm", reason="it is about native code")


def bytes_of_gradient(f: Callable[..., Any], *args: Any) -> int:
    return cr.jit(cr.grad(f)).compile(*args).memory_bytes


@native
def test_memory_of_layers() -> None:
    """Elementwise layers: each remembers one array in place of all that its derivative reads; with
    as many bytes as one array has, one more.
    """
    x = np.linspace(0.0, 1.0, 4096)

    def layer(x: Any) -> Any:
        return np.exp(np.sin(np.exp(np.cos(x))))

    def loss(wrap: Wrap) -> Callable[..., Any]:
        def of(x: Any) -> Any:
            for _ in range(12):
                x = wrap(layer)(x)
            return np.sum(x)

        return of

    arrays = {
        name: bytes_of_gradient(loss(wrap), x) / x.nbytes
        for name, wrap in [("all", unchanged), ("none", cr.checkpoint),
                           ("one", cr.checkpoint(max_saved_bytes=x.nbytes))]
    }  # fmt: skip
    assert arrays["none"] < 12 + 8
    assert arrays["none"] + 8 < arrays["one"] < arrays["none"] + 16
    assert arrays["all"] > 1.5 * arrays["none"]


def steps(w: Any, x: Any, ts: Any, reverse: bool, checkpoint: bool) -> Any:
    last, ys = cr.scan(
        lambda c, t: (np.tanh(c @ w) + t * np.sin(c), {"sum": np.sum(c)}), x, ts,
        reverse=reverse, checkpoint=checkpoint,
    )  # fmt: skip
    return np.sum(last**2) + np.sum(ys["sum"] ** 2 * np.arange(len(ts)))


@native
def test_memory_of_a_loop_grows_with_the_root_of_its_length() -> None:
    """1,000 steps need a twentieth; four times as many need twice as much."""
    w = np.eye(16) * 0.5
    x = np.linspace(0.0, 1.0, 64).reshape(4, 16)

    def memory(n: int, checkpoint: bool) -> int:
        ts = np.ones(n)
        return bytes_of_gradient(lambda w: steps(w, x, ts, False, checkpoint), w)

    assert memory(1000, True) < memory(1000, False) / 15
    assert 1.7 < memory(4000, True) / memory(1000, True) < 2.3


@pytest.mark.parametrize(
    ("n", "reverse"),
    [(0, False), (1, True), (2, False), (3, True), (9, True), (14, False), (14, True)],
)
def test_a_checkpointed_scan_is_a_scan(n: int, reverse: bool) -> None:
    """Of any length: results, and gradients by all that it reads."""
    ts = np.linspace(-1.0, 1.0, n)
    args = (W[0], X, ts)
    for f in (
        lambda f: f,
        lambda f: cr.grad(f, (0, 1, 2)),
        lambda f: cr.jit(cr.grad(f, (0, 1, 2))),
    ):
        actual, expected = [
            f(lambda w, x, ts, c=c: steps(w, x, ts, reverse, c))(*args) for c in (True, False)
        ]
        for a, b in zip(cr.tree.leaves(actual), cr.tree.leaves(expected), strict=True):
            assert_close(a, b, 1e-11)


def test_a_checkpointed_scan_over_nothing_or_over_trees() -> None:
    counted = cr.scan(lambda c, _: (c * 2, None), 1.0, length=7, checkpoint=True)
    assert counted == (128.0, None)
    xs = {"a": [1, 2, 3, 4, 5], "b": np.ones((5, 2))}
    xs["a"] = np.array(xs["a"])
    last, ys = cr.scan(lambda c, x: (c + x["a"], x["b"] * c), 0, xs, checkpoint=True)
    assert last == 15
    assert ys[:, 1].tolist() == [0.0, 1.0, 3.0, 6.0, 10.0]
    with pytest.raises(ValueError, match="negative"):
        cr.scan(lambda c, x: (c, x), 0.0, length=-1, checkpoint=True)


# Wrong inputs


def test_wrong_inputs() -> None:
    with pytest.raises(TypeError, match="checkpoint of int: give a function"):
        cr.checkpoint(3)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="max_saved_bytes=-1 is negative"):
        cr.checkpoint(np.sin, max_saved_bytes=-1)

    @cr.checkpoint
    def writes(x: Any) -> Any:
        x[0] = 0.0
        return np.sum(x)

    for g in (cr.grad(writes), cr.jit(cr.grad(writes))):
        with pytest.raises(UnsupportedError, match="writes: the function writes into its argument"):
            g(X[0])

    @cr.checkpoint
    def asks(x: Any) -> Any:
        return cr.io_callback(np.sin, 0.0, cr.stop_gradient(x)) * x

    for g in (cr.grad(asks), cr.jit(cr.grad(asks))):
        with pytest.raises(UnsupportedError, match="calls io_callback, and it may be called more"):
            g(1.0)
