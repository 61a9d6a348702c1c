"""Where a branch was not chosen its slopes do not count, whatever they are; elsewhere they do.

A generator: random expressions, infinite or nan at bad places in value or slope, which a mask does
not choose, or in other choices, or read twice. Their derivatives are those of the same expressions
with good numbers at these places.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.autodiff.flow import flows_of, growing_nodes
from chainrule.autodiff.reverse import active_nodes, reverse
from chainrule.graph.node import constant, input_node
from chainrule.graph.types import Type
from chainrule.primitives.elementwise import add, div, exp, log, mul, neg, tanh, where

# Finite between 0 and 1, and infinite or nan in value or slope at some of BAD
UNSAFE: list[Callable[[Any], Any]] = [
    np.log, np.sqrt, lambda x: 1 / x, lambda x: x * np.log(x), lambda x: np.log(x) / x,
    lambda x: np.exp(-1 / x), lambda x: np.sqrt(x) * np.sin(1 / x), lambda x: x**0.5 + x**-2.0,
    np.arcsin, lambda x: np.log1p(x - 1) * np.log(x), np.cbrt, lambda x: np.arccosh(x + 1),
    lambda x: np.hypot(1 / x, x), lambda x: np.tanh(1 / x) * np.exp(4 * x), np.arctanh,
    lambda x: np.maximum(np.log(x), -1 / x), lambda x: np.sqrt(x.reshape(-1)).reshape(x.shape),
    lambda x: np.log(x.T).T, lambda x: np.arctan2(x, 1 - x) / np.abs(x), lambda x: x**x,
]  # fmt: skip
BY_ROWS: list[Callable[[Any], Any]] = [
    lambda x: np.log(np.sum(x**2, axis=-1, keepdims=True)) * x,
    lambda x: x / np.sqrt(np.sum(x * x, axis=-1, keepdims=True)),
    lambda x: np.sqrt(x) / np.sum(np.log(x), axis=-1)[:, None],
    lambda x: np.log(x)[:, ::-1] * np.log(np.sum(x, axis=-1)[:, None]),
]
SAFE: list[Callable[[Any], Any]] = [
    np.sin, np.tanh, lambda x: x * x, lambda x: 2 * x - 1, lambda x: np.exp(-x * x),
]  # fmt: skip
BAD = np.array([0.0, -0.0, -1.0, 1.0, np.inf, -np.inf, np.nan])
SHAPE = (3, 4)


def program(rng: np.random.Generator, mask: Any, rows: bool) -> Callable[[Any, Any], Any]:
    """A sum over choices between what z gives, where the mask is, and what x gives elsewhere."""
    unsafe = UNSAFE + BY_ROWS if rows else UNSAFE
    first, second = (unsafe[k] for k in rng.integers(len(unsafe), size=2))
    safe, outer = (SAFE[k] for k in rng.integers(len(SAFE), size=2))
    weight = rng.normal(size=SHAPE)
    turned, nested, shared = rng.random(3) < 0.5

    def f(x: Any, z: Any) -> Any:
        risky = first(x)
        if nested:
            risky = np.where(weight > 0, risky, second(x))
        if shared:
            risky = risky * outer(risky) + second(x)
        y = np.where(mask, safe(z), risky) if turned else np.where(~mask, risky, safe(z))
        return np.sum(outer(y) * weight)

    return f


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", range(10))
def test_what_was_not_chosen_does_not_count(seed: int) -> None:
    """First derivatives in both modes, and second ones in two ways, eagerly and compiled."""
    rng = np.random.default_rng(seed)
    rows = bool(rng.random() < 0.5)
    mask = rng.random((3, 1) if rows else SHAPE) < 0.5
    whole = np.broadcast_to(mask, SHAPE)
    good = rng.uniform(0.3, 0.9, SHAPE)
    x = np.where(whole, rng.choice(BAD, size=SHAPE), good)
    z, v = rng.normal(size=SHAPE), rng.normal(size=SHAPE)
    f = program(rng, mask, rows)

    def pushed(x: Any) -> Any:
        return cr.jvp(f, (x, z), (v, v))[1]

    def twice(x: Any) -> Any:
        return cr.grad(lambda x: np.sum(cr.grad(f)(x, z) * v))(x)

    def over(x: Any) -> Any:
        return cr.jvp(lambda x: cr.grad(f)(x, z), (x,), (v,))[1]

    slopes = cr.grad(f, argnums=(0, 1))
    for g in (f, slopes):
        for made in (g, cr.jit(g)):
            for found, expected in zip(
                cr.tree.leaves(made(x, z)), cr.tree.leaves(g(good, z)), strict=True
            ):
                assert np.isfinite(expected).all()
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    for h in (pushed, twice, over):
        for made in (h, cr.jit(h)):
            np.testing.assert_allclose(made(x), h(good), rtol=1e-8, atol=1e-9)


def twice_read(r: Any, f: Callable[[Any], Any]) -> Any:
    """The sum of a function of one node."""
    return np.sum(f(r))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", range(10))
def test_what_was_chosen_counts(seed: int) -> None:
    """The other way round, nothing is hidden: an infinite or undefined slope stays one."""
    rng = np.random.default_rng(seed)
    place = tuple(rng.integers(SHAPE))
    x = rng.uniform(0.3, 0.9, SHAPE)
    x[place] = 0.0
    mask = rng.random(SHAPE) < 0.5
    mask[place] = True
    root = [np.sqrt, np.log, lambda x: 1 / x, lambda x: x * np.log(x)][seed % 4]
    for f in (
        lambda x: np.sum(np.where(mask, root(x), 0.0)),
        lambda x: np.sum(np.where(mask, 0.0, root(x)) + root(x)),  # arrives as well
        lambda x: twice_read(root(x), lambda r: np.where(mask, 0.0, r) + r),
        lambda x: twice_read(root(x), lambda r: r * 2.0 + np.where(mask, 0.0, r)),
        lambda x: np.sum(mask * root(x)),
        lambda x: np.sum(root(x) * ~mask),  # a product is no choice
    ):
        for g in (cr.grad(f), cr.jit(cr.grad(f))):
            found = g(x)
            assert not np.isfinite(found[place])
            assert np.isfinite(np.delete(found, np.ravel_multi_index(place, SHAPE))).all()


GROWN: list[Callable[[Any, Any], Any]] = [
    lambda e, y: e.reshape(-1), lambda e, y: e.T, lambda e, y: -e, lambda e, y: e + 1.0,
    lambda e, y: e[1:] + e[:-1], lambda e, y: e[..., ::-1], lambda e, y: np.sum(e, axis=0),
    lambda e, y: np.sum(e, axis=-1, keepdims=True), lambda e, y: e[..., None] * y,
    lambda e, y: e[..., None] * (1 / y), lambda e, y: np.broadcast_to(e, (2, *e.shape)),
    lambda e, y: e * y[0] + y[1], lambda e, y: np.sqrt(e) * 1e200,
]  # fmt: skip
ENDS: list[Callable[[Any], Any]] = [
    np.tanh, lambda e: 1 / (1 + e), lambda e: np.exp(-e), lambda e: np.arctan2(e, 2.0),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", range(12))
def test_what_grew_is_flat(seed: int) -> None:
    """An exponential that overflows, moved, cut, summed and broadcast: slopes are those far out."""
    rng = np.random.default_rng(seed)
    x, y = rng.choice([-0.5, 0.3, 900.0], size=4), rng.uniform(0.5, 2.0, 3)
    v, w = rng.normal(size=4), rng.normal(size=3)
    far = np.minimum(x, 60.0)
    steps = [GROWN[k] for k in rng.integers(len(GROWN), size=6)]
    end = ENDS[rng.integers(len(ENDS))]

    def f(x: Any, y: Any) -> Any:
        e = np.exp(x)
        for step in steps:
            if e.ndim and e.size > 1 and e.size < 100:
                e = step(e, y)
        return np.sum(end(np.abs(e)))

    def pushed(x: Any) -> Any:
        return cr.jvp(f, (x, y), (v, w))[1]

    slopes = cr.grad(f, argnums=(0, 1))
    for made in (slopes, cr.jit(slopes)):
        for found, expected in zip(made(x, y), slopes(far, y), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    by_rows = sum(np.sum(a * b) for a, b in zip(slopes(far, y), (v, w), strict=True))
    for made in (pushed, cr.jit(pushed)):
        np.testing.assert_allclose(made(x), by_rows, rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_beside_growth_an_infinite_slope_stays_one() -> None:
    """tanh(exp(x) arcsin(z)) is flat in x at 900, while arcsin's slope at 1 is not known to be."""

    def f(x: Any, z: Any) -> Any:
        return np.sum(np.tanh((np.exp(x) * np.arcsin(z)).reshape(1, 2).T))

    x, z = np.array([900.0, 0.1]), np.array([1.0, 0.5])
    slope = 1 - np.tanh(np.exp(0.1) * np.pi / 6) ** 2
    expected = [0.0, slope * np.exp(0.1) * np.pi / 6], [np.nan, slope * np.exp(0.1) / np.sqrt(0.75)]
    for g in (cr.grad(f, argnums=(0, 1)), cr.jit(cr.grad(f, argnums=(0, 1)))):
        np.testing.assert_allclose(g(x, z), expected, rtol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_pole_beside_growth_is_no_growth_in_forward_mode() -> None:
    """tanh(exp(x) / y) is flat far out, at infinity itself too, but nobody knows it at y = 0."""

    def f(x: Any, y: Any) -> Any:
        return np.tanh((np.exp(x) * (1 / y)).reshape(2, 2).T).T.reshape(4)

    x, y = np.array([900.0, np.inf, 0.5, 900.0]), np.array([2.0, 2.0, 2.0, 0.0])
    slope = (1 - np.tanh(np.exp(0.5) / 2) ** 2) * np.exp(0.5) / 2
    for pushed in (cr.jvp, cr.jit(lambda *args: cr.jvp(f, *args[1:]), static_argnums=0)):
        found = pushed(f, (x, y), (np.ones(4), np.zeros(4)))[1]
        np.testing.assert_allclose(found, [0.0, 0.0, slope, np.nan], rtol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mask", [[True, False, True], [1, 0, 3], [0.5, 0.0, -1.0]])
@pytest.mark.parametrize("turned", [False, True])
def test_any_number_but_0_chooses(mask: Any, turned: bool) -> None:
    """The slope of log at 0 counts only where log was chosen: where the mask is not 0."""
    x = input_node(Type((3,), np.dtype(float)), np.array([2.0, 0.0, 4.0]))
    chosen = np.array(mask) if not turned else np.array(mask) == 0
    chosen = chosen.astype(np.array(mask).dtype)
    y = where(chosen, x, log(x)) if turned else where(chosen, log(x), x)
    for values in (True, False):
        g = np.ones(3) if values else constant(np.ones(3))
        (found,) = reverse([y], [x], [g], values=values)
        assert [0.5, 1.0, 0.25] == (found if values else found.value).tolist()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_choices_of_choices_by_numbers() -> None:
    """2 chooses as True does, also beside another choice (2 & 1 is 0)."""
    x = input_node(Type((3,), np.dtype(float)), np.array([2.0, 0.0, 4.0]))
    inner = where(np.array([True, True, False]), log(x), mul(x, 3.0))
    y = where(np.array([2, 0, 2]), inner, x)
    assert [0.5, 1.0, 3.0] == reverse([y], [x], [np.ones(3)], values=True)[0].tolist()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("function", "x", "known"),
    [
        (lambda x: tanh(exp(x)), 1.0, False), (lambda x: tanh(exp(x)), 900.0, True),
        (lambda x: tanh(x), 900.0, False),  # without growth nothing is flat for good
        (lambda x: div(1.0, add(1.0, exp(x))), 1.0, False),
        (lambda x: div(1.0, add(1.0, exp(x))), 900.0, True),
        (lambda x: exp(neg(exp(x))), 1.0, False), (lambda x: exp(neg(exp(x))), 900.0, True),
        (lambda x: mul(exp(x), 2.0), 900.0, False),  # infinite, and nowhere flat
        (lambda x: where(np.bool_(True), x, exp(x)), 1.0, True),
    ],
)  # fmt: skip
def test_flows_are_followed_where_there_is_something_to_know(
    function: Callable[[Any], Any], x: float, known: bool
) -> None:
    """A choice, or growth beyond all numbers; of unknown numbers it may always be so."""
    for value in (np.float64(x), None):
        leaf = input_node(Type((), np.dtype(float)), value)
        path = active_nodes([function(leaf)], [leaf])
        followed = flows_of(path, [leaf], values=value is not None)
        grows = any(node.primitive.name in ("exp", "where") for node in path)
        assert (followed is not None) == (known if value is not None else grows)


def test_growing_nodes() -> None:
    """What grows as exponentials do: through sums and products, not through a variable divisor."""
    x = input_node(Type((), np.dtype(float)), np.float64(1.0))
    t = input_node(Type((), np.dtype(float)), np.float64(2.0))
    e = exp(neg(x))
    d = add(1.0, mul(t, e))
    by_t, by_two, flat = div(e, t), div(e, 2.0), tanh(d)
    path = [e.inputs[0], e, d.inputs[1], d, by_t, by_two, flat]
    assert growing_nodes(path, [x, t]) == {e, d.inputs[1], d, by_two}
    assert growing_nodes([d], [x, t]) == set()


@pytest.mark.parametrize("seed", range(10))
def test_what_a_slice_leaves_out_does_not_count(seed: int) -> None:
    """Rows that are not read may be infinite; those that are read in one way or another may not."""
    rng = np.random.default_rng(seed)
    weights, rows_read = rng.normal(size=(6, 3)), rng.permutation(6)[:3]
    x, factors = rng.uniform(0.5, 2.0, size=(6, 3)), rng.uniform(0.5, 2.0, size=(6, 3))
    first, second = (UNSAFE[k] for k in rng.integers(len(UNSAFE), size=2))

    def f(x: Any, factors: Any, rows: Any) -> Any:
        y = first(0.3 * x) * factors / (1.0 + factors)
        parts = [y[k] for k in rows[:2]] + [np.exp(-y)[rows[2] : rows[2] + 1, 1:]]
        return sum(
            np.sum(p * second(0.1 + 0.1 * np.tanh(p)) * weights[0, : p.shape[-1]]) for p in parts
        )

    good, bad = factors.copy(), factors.copy()
    others = [k for k in range(6) if k not in rows_read]
    bad[others] = rng.choice([np.inf, -np.inf, np.nan], size=(3, 3))
    with np.errstate(all="ignore"):
        expected = cr.grad(f, argnums=(0, 1))(x, good, rows_read)
        actual = cr.grad(f, argnums=(0, 1))(x, bad, rows_read)
        for a, e in zip(actual, expected, strict=True):
            np.testing.assert_allclose(a, e, rtol=1e-13)
            assert not a[others].any()
        twice = [
            cr.grad(lambda x, c=c: np.sum(cr.grad(f)(x, c, rows_read) * weights))(x)
            for c in (bad, good)
        ]
        np.testing.assert_allclose(*twice, rtol=1e-12)
        bad[rows_read[0], 0] = np.nan
        assert np.isnan(cr.grad(f)(x, bad, rows_read)[rows_read[0], 0])


def test_infinite_constants_that_a_slice_leaves_out() -> None:
    """Under jit, too, what is left out does not count if a constant made it infinite."""

    def film(x: Any, y: Any) -> Any:
        depths = np.array([np.inf, y, 300.0, np.inf])
        phases = x * np.array([1.0, 2.0, 3.0, 1.0]) * depths
        return np.sin(phases[1]) + phases[2] ** 2

    eager = cr.grad(film, argnums=(0, 1))(0.5, 0.25)
    expected = (0.5 * np.cos(0.25) + 2.0 * 900.0**2 * 0.5, np.cos(0.25))
    np.testing.assert_allclose(eager, expected, rtol=1e-13)
    compiled = cr.jit(cr.grad(film, argnums=(0, 1)), strict=True)
    np.testing.assert_allclose(compiled(0.5, 0.25), expected, rtol=1e-13)


def test_exponentials_below_a_maximum_need_no_masks() -> None:
    """They never overflow: the gradient of a stable softmax has no `where`, else it has."""

    def softmax(x: Any, largest: Any) -> Any:
        powers = np.exp(x - largest)
        return np.sum(powers / np.sum(powers, axis=1, keepdims=True) * np.arange(3.0))

    def masks(largest: Callable[[Any], Any]) -> int:
        loss = lambda x: softmax(x, cr.stop_gradient(largest(x)))  # noqa: E731
        graph = cr.make_graph(cr.grad(loss))(np.ones((3, 3)))
        return sum(node.primitive.name == "where" for node in graph.nodes)

    assert 0 == masks(lambda x: np.max(x, axis=1, keepdims=True))
    assert 0 == masks(lambda x: np.max(x, axis=1)[:, None])
    assert 0 == masks(np.max)
    assert 0 < masks(lambda x: np.max(x, axis=1))  # which is another row's
    assert 0 < masks(lambda x: np.max(x, axis=1)[:, None].reshape(1, 3))
    assert 0 < masks(lambda x: np.max(x[:, 1:], axis=1, keepdims=True))
    assert 0 < masks(lambda x: np.sum(np.max(x, axis=1, keepdims=True)))
