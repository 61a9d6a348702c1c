"""Programs that write into arrays: statements on two arrays and a number, drawn and plain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr

N, WIDTH, TURNS = 12, 3, 5
A = np.random.default_rng(0).normal(size=(N, WIDTH))
B = np.random.default_rng(1).normal(size=N)
ROW = np.array([0.5, -1.0, 2.0])

State = tuple[Any, Any, Any]
Statement = Callable[[Any, State], State]


def write(
    index: Callable[[Any], Any], value: Callable[[Any, State], Any], array: int = 0
) -> Statement:
    """Write into the first array, or into the one of that number."""

    def statement(i: Any, state: State) -> State:
        state[array][index(i)] = value(i, state)
        return state

    return statement


def add_at(i: Any, state: State) -> State:
    a, b, s = state
    np.add.at(a, np.array([1, 4, 1]) + i, ROW * s)
    return a, b, s


def increment(i: Any, state: State) -> State:
    a, b, s = state
    a[(3 * i) % N] += 0.5 * ROW
    b[i] *= 0.5
    return a, b, s


def old_value(i: Any, state: State) -> State:
    """What was there before is read after the write."""
    a, b, s = state
    before = a.copy()
    a[i] = before[(i + 1) % N] + 1.0
    return a, b + before[:, 0] * 0.1, s + before[i, 1]


def kept_view(i: Any, state: State) -> State:
    """A row that is a view sees what is written later; a copy does not."""
    a, b, s = state
    row, copied = a[2], a[2].copy()
    a[2] = ROW * s
    return a, b, s + np.sum(row) - 0.5 * np.sum(copied)


def swapped(i: Any, state: State) -> State:
    a, b, s = state
    a[i], a[(i + 5) % N] = a[(i + 5) % N].copy(), a[i].copy()
    return a, b, s


def whole(i: Any, state: State) -> State:
    a, b, s = state
    return a * 0.9 + 0.01 * i, np.roll(b, 1), s


def reversed_rows(i: Any, state: State) -> State:
    a, b, s = state
    a[i] = s
    return a[::-1], b, s


def choice(i: Any, state: State) -> State:
    """Each side changes, or leaves as they are, one or both of them."""
    a, b, s = state

    def yes(a: Any, b: Any) -> Any:
        a[i] = s
        return a, b * 0.5

    def no(a: Any, b: Any) -> Any:
        b[(2 * i) % N] = s + a[i, 0]
        return a, b

    a, b = cr.cond(a[i, 0] > b[i], yes, no, a, b)
    return a, b, s


def crossed(i: Any, state: State) -> State:
    """A side that gives back the other array."""
    a, b, s = state
    c = cr.cond(s > 0.5, lambda b, c: b, lambda b, c: c, b, a[:, 0])
    b[i] = 0.5
    return a, b, s + np.sum(c)


def forked(i: Any, state: State) -> State:
    """One array for two results, each as it is on one side: at most one takes its memory."""
    a, b, s = state
    c, d = cr.cond(s > 0.2, lambda b: (b, b * 0.5), lambda b: (b + 0.5, b), b)
    c[i] = d[(i + 1) % N]
    return a, c - 0.5 * d, s


def mixed(i: Any, state: State) -> State:
    """Sides that change different arrays, which lie behind loops and writes."""
    a, b, s = state

    def yes(a: Any, b: Any) -> Any:
        b[i] = a[i, 0]
        b = cr.fori_loop(0, 2, lambda j, b: np.concatenate([b[1:], b[:1] * 0.5]), b)
        return b, a[:, 1]

    def no(a: Any, b: Any) -> Any:
        return a[:, 2], b

    b, c = cr.cond(b[i] > a[i, 1], yes, no, a, b)
    return a, b * 0.5 + c * 0.25, s


def uniform(i: Any, state: State) -> State:
    """An array that holds one number is a result, and what is written into a copy of it, too."""
    a, b, s = state
    same = np.full_like(a, 0.5)
    changed = same.copy()
    changed[i] = a[i] * s
    return same, changed[:, 0] + 0.1 * b, s + np.sum(changed)


def inner_loop(i: Any, state: State) -> State:
    a, b, s = state

    def body(j: Any, inner: Any) -> Any:
        a, s = inner
        a[(i + j) % N] = a[j] * 0.5 + s
        return a, s + 0.1 * np.sum(a[i])

    a, s = cr.fori_loop(0, 2, body, (a, s))
    return a, b, s


def inner_while(i: Any, state: State) -> State:
    a, b, s = state

    def body(inner: Any) -> Any:
        b, k = inner
        b[k] = b[k] + b[(k + 3) % N]
        return b, k + 2

    b, _ = cr.while_loop(lambda inner: inner[1] < 5, body, (b, 0))
    return a, b, s


def two_from_one(i: Any, state: State) -> State:
    """Two changed copies of one array: at most one may take its memory."""
    a, b, s = state
    other = a.copy()
    other[i] = 1.0
    a[(i + 1) % N] = -1.0
    return a, b, s + np.sum(other * a)


STATEMENTS: list[Statement] = [
    write(lambda i: i, lambda i, state: ROW * state[2]),
    write(lambda i: i, lambda i, state: state[0][i] * 0.5 + 1.0),
    write(lambda i: (i + 1) % N, lambda i, state: state[0][i][::-1]),
    write(lambda i: 3, lambda i, state: state[1][i]),
    write(lambda i: slice(2, 5), lambda i, state: state[0][4:7] + state[2]),
    write(lambda i: slice(1, 9, 2), lambda i, state: state[0][:4]),
    write(lambda i: i + np.arange(3), lambda i, state: state[0][(2 * i + np.arange(3)) % N]),
    write(lambda i: (i, 1), lambda i, state: np.sum(state[0][:, 1]) * 0.1),
    write(lambda i: np.array([1, 1, 0]) + i, lambda i, state: state[0][3:6]),
    write(lambda i: i, lambda i, state: np.tanh(np.sum(state[0])), 1),
    write(lambda i: np.arange(4) + i, lambda i, state: state[1][:4][::-1], 1),
    write(lambda i: slice(0, 6), lambda i, state: state[1][6:], 1),
    add_at, increment, old_value, kept_view, swapped, whole, reversed_rows, choice, crossed,
    forked, mixed, uniform, inner_loop, inner_while, two_from_one,
]  # fmt: skip


def drawn_step(draw: np.random.Generator) -> Statement:
    """Two to five statements, one after the other."""
    chosen = [STATEMENTS[k] for k in draw.integers(len(STATEMENTS), size=draw.integers(2, 6))]

    def step(i: Any, state: State) -> State:
        for statement in chosen:
            a, b, s = statement(i, state)
            state = a, b, np.tanh(s)
        return state

    return step


def drawn_loop(seed: int) -> Callable[[Any, Any], Any]:
    """A loop of drawn statements over two arrays."""
    draw = np.random.default_rng(seed)
    step = drawn_step(draw)
    stacks, twice = draw.random(2) < 0.3

    def f(a: Any, b: Any) -> Any:
        state = (a, b, np.sum(b) * 0.1)
        if twice:
            state = step(2, state)
        if stacks:
            return cr.scan(lambda c, i: (step(i, c), np.sum(c[0][i])), state, np.arange(TURNS))
        return cr.fori_loop(0, TURNS, step, state)

    return f
