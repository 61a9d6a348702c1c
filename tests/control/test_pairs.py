"""Loops and branches that read, or hand on, what another loop or branch gave: all pairs of them.

``new = fori_loop(...); cond(pred, lambda s: new, lambda s: s, x)`` keeps the new state if it is
fine. Each program is held against the same one written with Python's own loops and branches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from unoptimised import unoptimised

import chainrule as cr

KINDS = ["scan", "fori_loop", "while_loop", "cond"]
TURNS = 3
State = tuple[Any, ...]
Step = Callable[[State], State]


def traced(kind: str, step: Step, state: State) -> State:
    """`step` as the body of a loop of some turns, or as a branch."""
    if kind == "scan":
        last, ys = cr.scan(lambda s, t: (step(s), s), state, np.arange(float(TURNS)))
        return tuple(a + 0.1 * np.sum(y, axis=0) for a, y in zip(last, ys, strict=True))
    if kind == "fori_loop":
        return cr.fori_loop(0, TURNS, lambda i, s: step(s), state)
    if kind == "while_loop":
        going = lambda v: v[0] < TURNS  # noqa: E731
        return cr.while_loop(going, lambda v: (v[0] + 1, step(v[1])), (0, state))[1]
    return cr.cond(np.sum(state[0]) < 100.0, step, lambda s: s, state)


def plain(kind: str, step: Step, state: State) -> State:
    """The same in Python."""
    if kind == "cond":
        return step(state)
    before = []
    for _ in range(TURNS):
        before.append(state)
        state = step(state)
    if kind == "scan":
        sums = [sum(values) for values in zip(*before, strict=True)]
        state = tuple(a + 0.1 * y for a, y in zip(state, sums, strict=True))
    return state


def moved(s: State) -> State:
    """A step of its own."""
    return tuple(np.tanh(v * (0.7 + 0.1 * k) + 0.2) for k, v in enumerate(s))


FORMS: dict[str, Callable[[State], Step]] = {
    "hands on": lambda new: lambda s: new,
    "hands on the same twice": lambda new: lambda s: (new[0],) * len(new),
    "hands on in another order": lambda new: lambda s: new[::-1],
    "hands on a part": lambda new: lambda s: (new[0], *moved(s)[1:]),
    "hands on a view": lambda new: lambda s: tuple(
        v.reshape(1, 2).reshape(2) + s[0] * 0.0 for v in new),
    "computes with it": lambda new: lambda s: tuple(
        np.sin(a) * b + 0.1 * a for a, b in zip(new, s, strict=True)),
}  # fmt: skip


def program(run: Any, first: str, second: str, form: str, count: int, nested: bool) -> Any:
    """One loop or branch whose results another one reads; nested: both in the body of a scan."""

    def both(state: State) -> State:
        new = run(first, moved, state)
        view = tuple(v.reshape(1, 2) for v in new) if form == "hands on a view" else new
        return run(second, FORMS[form](view), state)

    def value(x: Any) -> Any:
        state = tuple(x * (1.0 + k) for k in range(count))
        last = run("scan", both, state) if nested else both(state)
        return sum(np.sum(v * v * (1.0 + k)) for k, v in enumerate(last))

    return value


def derivatives(f: Any, reverse: bool, wrapped: Any = lambda g: g) -> Any:
    """Value, tangent, and what there is of gradient and second derivatives."""
    x, v = np.array([0.3, -0.6]), np.array([1.0, 0.5])

    def all_of(x: Any) -> Any:
        tangent = lambda u: cr.jvp(f, (u,), (v,))[1]  # noqa: E731
        found = [f(x), tangent(x), cr.jvp(tangent, (x,), (v,))[1]]
        if reverse:
            gradient = lambda u: cr.grad(f)(u)  # noqa: E731
            found += [gradient(x), cr.grad(lambda u: gradient(u) @ v)(x)]
            found += [cr.jvp(gradient, (x,), (v,))[1]]
        return found

    return wrapped(all_of)(x)


def check(first: str, second: str, form: str, count: int, nested: bool) -> None:
    """Value, both modes and second order as Python's own, without and with jit."""
    args = first, second, form, count, nested
    reverse = "while_loop" not in (first, second)
    expected = derivatives(program(plain, *args), reverse)
    for wrapped in (lambda g: g, cr.jit):
        found = derivatives(program(traced, *args), reverse, wrapped)
        for a, b in zip(expected, found, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12, err_msg=str(args))


PAIRS = [(first, second) for first in KINDS for second in KINDS]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_pairs_of_loops_and_branches(first: str, second: str) -> None:
    """Each pair, in one of the forms."""
    place = PAIRS.index((first, second))
    check(first, second, [*FORMS][place % len(FORMS)], 1 + place // 2 % 2, nested=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second", "form"),
    [
        (*pair, form)
        for k, pair in enumerate(PAIRS)
        for j, form in enumerate(FORMS)
        if (k + k // len(KINDS) + j) % 4 < 2
    ],
)
def test_pairs_in_all_forms(first: str, second: str, form: str) -> None:
    """Each pair in half of the forms: of one result in the body of a scan, or of two, by turns."""
    nested = bool((PAIRS.index((first, second)) + [*FORMS].index(form)) % 2)
    with unoptimised():
        check(first, second, form, count=1 if nested else 2, nested=nested)


def test_what_a_transformation_outside_has_done_is_read_by_its_number() -> None:
    """A body's inputs are leaves: no rule looks through them, compiled or not.

    Views, double negations, transposes and keys were taken into the body from the graph around.
    """
    x = np.array([[0.5, -1.0]])
    programs: list[tuple[Callable[[Any], Any], Any]] = [
        (lambda x: x.reshape(2), lambda y: y.reshape(1, 2)),
        (lambda x: -x, lambda y: -y),
        (lambda x: x.T, lambda y: y.T),
        (lambda x: x.astype(np.float32), lambda y: y.astype(np.float64)),
        (lambda x: np.broadcast_to(x, (1, 2)), lambda y: np.broadcast_to(y, (1, 2))),
        (lambda x: np.pad(x, 1), lambda y: y[1:-1, 1:-1]),
        (lambda x: x[None], lambda y: np.sum(y, axis=0)),
    ]
    for outside, inside in programs:
        for kind in KINDS:

            def f(x: Any, outside: Any = outside, inside: Any = inside, kind: str = kind) -> Any:
                y = outside(x)
                return np.sum(traced(kind, lambda s: (np.sin(inside(y)) * s[0],), (x,))[0])

            def g(x: Any, outside: Any = outside, inside: Any = inside, kind: str = kind) -> Any:
                y = outside(x)
                return np.sum(plain(kind, lambda s: (np.sin(inside(y)) * s[0],), (x,))[0])

            modes = [lambda h: h, cr.jit]
            if kind != "while_loop":
                modes += [cr.grad, lambda h: cr.jit(cr.grad(h)), lambda h: cr.grad(cr.jit(h))]
            for mode in modes:
                slope = cr.grad if mode in modes[2:] else modes[0]
                np.testing.assert_allclose(mode(f)(x), slope(g)(x), rtol=1e-12)


def test_a_key_that_is_split_outside_and_folded_inside() -> None:
    """Random numbers in a loop's body are those of the same loop in Python."""

    def f(seed: Any, lib: Any) -> Any:
        key, other = cr.random.split(seed)
        inner = lambda i, s: s + cr.random.normal(cr.random.fold_in(other, i), (2,))  # noqa: E731
        if lib is cr:
            return cr.fori_loop(0, 3, inner, np.zeros(2)) + cr.random.uniform(key, (2,))
        total = np.zeros(2)
        for i in range(3):
            total = inner(i, total)
        return total + cr.random.uniform(key, (2,))

    key = cr.random.key(7)
    expected = f(key, None)
    np.testing.assert_allclose(f(key, cr), expected, rtol=1e-12)
    np.testing.assert_allclose(cr.jit(lambda k: f(k, cr))(key), expected, rtol=1e-12)
