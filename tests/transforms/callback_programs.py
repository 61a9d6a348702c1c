"""Drawn programs that mix callbacks, loops and branches, and what plain Python makes of them.

A program is a list of statements over three values, each a function of a `Machine` and these. A
machine runs them with chainrule, or (`plain`) with Python's own loops, and logs its callbacks.
What they give depends on how many there were before, so that a call too many changes the numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr

State = tuple[Any, Any, Any]  # floats of shape (3,), a float, and an integer
Statement = Callable[["Machine", State], State]
FIRST: State = (np.array([0.5, -1.0, 0.25]), np.float64(0.75), np.int64(1))


class Machine:
    """Runs statements, and logs what is called."""

    def __init__(self, plain: bool) -> None:
        self.plain = plain
        self.log: list[Any] = []
        self.unordered: list[Any] = []

    def call(self, tag: str, *args: Any, ordered: bool = True, shapes: Any = None) -> Any:
        """Log the arguments, and return numbers that depend on how often this was done."""
        log = self.log if ordered else self.unordered

        def host(*arrays: Any) -> Any:
            assert all(type(x) is np.ndarray for x in arrays) or self.plain
            log.append((tag, *[np.round(np.asarray(x, float), 9).tolist() for x in arrays]))
            count = float(len(log)) if ordered else 1.0
            return cr.tree.map(lambda s: np.full(s.shape, 0.125 * count, s.dtype), shapes)

        if self.plain:
            return host(*args)
        args = tuple(cr.stop_gradient(x) for x in args)
        return cr.io_callback(host, shapes, *args, ordered=ordered)

    def stopped(self, x: Any) -> Any:
        return x if self.plain else cr.stop_gradient(x)

    def pure(self, x: Any) -> Any:
        return np.cos(x) if self.plain else cr.pure_callback(np.cos, x, cr.stop_gradient(x))

    def run(self, statements: list[Statement], state: State) -> State:
        for statement in statements:
            state = statement(self, state)
        return state

    def scan(self, body: Any, state: State, length: int, reverse: bool) -> tuple[State, Any]:
        xs = 0.5 * np.arange(length)
        if not self.plain:
            return cr.scan(body, state, xs, reverse=reverse)
        ys = []
        for x in xs[::-1] if reverse else xs:
            state, y = body(state, x)
            ys.append(y)
        return state, np.array(ys[::-1] if reverse else ys)

    def whilst(self, condition: Any, body: Any, state: State) -> State:
        if not self.plain:
            return cr.while_loop(condition, body, state)
        while condition(state):
            state = body(state)
        return state

    def cond(self, predicate: Any, yes: Any, no: Any, state: State) -> State:
        if not self.plain:
            return cr.cond(predicate, yes, no, state)
        return yes(state) if predicate else no(state)

    def jit(self, f: Any) -> Any:
        return f if self.plain else cr.jit(f)


def drawn_program(rng: np.random.Generator, size: int = 5, depth: int = 2) -> list[Statement]:
    """Statements, some of which hold programs of their own."""
    simple = [_log, _log_twice, _unused, _give, _pure, _unordered, _of_constants, _arithmetic]
    nested = [_scan, _scan, _while, _cond, _cond, _inner_jit, _fori]
    chosen = []
    for _ in range(size):
        makers = nested if depth and rng.random() < 0.45 else simple
        maker: Any = makers[rng.integers(len(makers))]
        chosen.append(maker(rng, depth) if makers is nested else maker(rng))
    return chosen


def _tag(rng: np.random.Generator) -> str:
    return f"t{rng.integers(100)}"


def _log(rng: np.random.Generator) -> Statement:
    tag = _tag(rng)

    def statement(m: Machine, state: State) -> State:
        m.call(tag, state[0], state[2])
        return state

    return statement


def _log_twice(rng: np.random.Generator) -> Statement:
    """Two calls that are equal in all they say."""
    tag = _tag(rng)

    def statement(m: Machine, state: State) -> State:
        shapes = np.zeros(3)
        a, b = (m.call(tag, state[1], shapes=shapes) for _ in range(2))
        return 0.5 * state[0] + a - 2.0 * b, state[1], state[2]

    return statement


def _unused(rng: np.random.Generator) -> Statement:
    tag = _tag(rng)

    def statement(m: Machine, state: State) -> State:
        m.call(tag, state[1], shapes=(np.zeros(3), np.float64(0)))
        return state

    return statement


def _give(rng: np.random.Generator) -> Statement:
    """A result that is multiplied by what is differentiated: the backward pass reads it."""
    tag = _tag(rng)

    def statement(m: Machine, state: State) -> State:
        a = m.call(tag, state[0], shapes={"a": np.zeros((), np.float32)})["a"]
        return np.sin(state[0] * a) + a, state[1] * 0.5 + a, state[2]

    return statement


def _pure(_: np.random.Generator) -> Statement:
    def statement(m: Machine, state: State) -> State:
        m.pure(state[0])
        return state[0] * m.pure(state[1]), state[1], state[2]

    return statement


def _unordered(rng: np.random.Generator) -> Statement:
    tag = _tag(rng)

    def statement(m: Machine, state: State) -> State:
        a = m.call(tag, state[1], ordered=False, shapes=np.zeros(3))
        m.call(tag, state[1], ordered=False)
        return state[0] + a, state[1], state[2]

    return statement


def _of_constants(rng: np.random.Generator) -> Statement:
    tag = _tag(rng)

    def statement(m: Machine, state: State) -> State:
        n = m.call(tag, np.ones(2), 3, shapes=np.int64(0)) if m.plain else m.call(
            tag, np.ones(2), np.int64(3), shapes=np.int64(0))  # fmt: skip
        m.call(tag)
        return state[0], state[1], state[2] + n % 2

    return statement


def _arithmetic(_: np.random.Generator) -> Statement:
    def statement(_m: Machine, state: State) -> State:
        return np.tanh(state[0] * state[1]), state[1] + np.sum(state[0]) * 0.1, state[2] + 1

    return statement


def _scan(rng: np.random.Generator, depth: int) -> Statement:
    block = drawn_program(rng, int(rng.integers(1, 4)), depth - 1)
    length, reverse, used = int(rng.integers(0, 4)), bool(rng.random() < 0.3), rng.random() < 0.6

    def statement(m: Machine, state: State) -> State:
        def body(inner: State, x: Any) -> tuple[State, Any]:
            a, b, n = m.run(block, inner)
            return (a, b + x, n), np.sum(a) * x

        last, ys = m.scan(body, state, length, reverse)
        return (last[0], last[1] + np.sum(ys) * 0.25, last[2]) if used else state

    return statement


def _fori(rng: np.random.Generator, depth: int) -> Statement:
    block = drawn_program(rng, int(rng.integers(1, 3)), depth - 1)
    count = int(rng.integers(0, 3))

    def statement(m: Machine, state: State) -> State:
        if m.plain:
            for _ in range(count):
                state = m.run(block, state)
            return state
        return cr.fori_loop(0, count, lambda i, inner: m.run(block, inner), state)

    return statement


def _while(rng: np.random.Generator, depth: int) -> Statement:
    """A loop of at most two iterations, whose condition may call, too."""
    block = drawn_program(rng, int(rng.integers(1, 3)), depth - 1)
    asks, tag = bool(rng.random() < 0.4), _tag(rng)

    def statement(m: Machine, state: State) -> State:
        first = state[2] * 0

        def condition(value: Any) -> Any:
            if asks:
                return m.call(tag, value[1], shapes=np.float64(0)) * 0.0 + value[1] < 2
            return value[1] < 2

        def body(value: Any) -> Any:
            return m.run(block, value[0]), value[1] + 1

        stopped = tuple(m.stopped(x) for x in state)
        last, _ = m.whilst(condition, body, (stopped, first))
        return 0.5 * state[0] + last[0], state[1] + last[1], last[2]

    return statement


def _cond(rng: np.random.Generator, depth: int) -> Statement:
    yes = drawn_program(rng, int(rng.integers(0, 3)), depth - 1)
    no = drawn_program(rng, int(rng.integers(1, 3)), depth - 1)

    def statement(m: Machine, state: State) -> State:
        return m.cond(
            state[2] % 2 == 0, lambda s: m.run(yes, s), lambda s: m.run(no, s), state
        )  # fmt: skip

    return statement


def _inner_jit(rng: np.random.Generator, depth: int) -> Statement:
    """A compiled function that is called twice."""
    block = drawn_program(rng, int(rng.integers(1, 3)), depth - 1)

    def statement(m: Machine, state: State) -> State:
        f = m.jit(lambda a, b, n: m.run(block, (a, b, n)))
        return f(*f(*state))

    return statement
