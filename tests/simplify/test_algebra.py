"""Each rule of algebra on graphs of two or three nodes: what is left, and the same bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.evaluate import evaluate
from chainrule.graph.graph import Graph
from chainrule.graph.node import constant, input_node
from chainrule.graph.types import Type
from chainrule.primitives.elementwise import add, div, mul, neg, power, sub
from chainrule.primitives.structure import broadcast_to, cast, reshape, sum_, transpose
from chainrule.simplify.algebra import algebra

F4, F8 = np.dtype(np.float32), np.dtype(np.float64)
NUMBERS = np.array([[0.0, -0.0, np.inf], [-np.inf, np.nan, -2.5]])
ONE, ZERO, NEGATIVE_ZERO = np.float64(1.0), np.float64(0.0), np.float64(-0.0)


def text(rule: Callable[[Any], Any], values: np.ndarray = NUMBERS) -> list[str]:
    """The operations that are left of a function of one array, whose numbers stay the same."""
    x = input_node(Type(values.shape, values.dtype))
    graph = Graph((x,), (rule(x),))
    simple = algebra(graph)
    with np.errstate(all="ignore"):
        (before,), (after,) = evaluate(graph, [values]), evaluate(simple, [values])
    assert (before.dtype, before.shape, before.tobytes()) == (
        after.dtype, after.shape, after.tobytes()
    )  # fmt: skip
    lines = [line.partition(" = ")[2] for line in str(simple).splitlines()]
    return [line for line in lines if line and not line.startswith("constant")]


@pytest.mark.parametrize(
    "rule",
    [
        lambda x: mul(x, ONE), lambda x: mul(ONE, x), lambda x: div(x, ONE),
        lambda x: sub(x, ZERO), lambda x: add(x, NEGATIVE_ZERO), lambda x: add(NEGATIVE_ZERO, x),
        lambda x: power(x, ONE), lambda x: neg(neg(x)), lambda x: reshape(x, shape=(2, 3)),
        lambda x: reshape(reshape(x, shape=(6,)), shape=(2, 3)),
        lambda x: transpose(x, axes=(0, 1)), lambda x: transpose(transpose(x, axes=(1, 0)),
                                                                 axes=(1, 0)),
        lambda x: cast(x, dtype=F8), lambda x: broadcast_to(x, shape=(2, 3)),
        lambda x: mul(x, np.broadcast_to(ONE, (2, 3))), lambda x: mul(x, np.ones((1, 1))),
        lambda x: mul(x, reshape(constant(ONE), shape=(1,))),
        lambda x: mul(broadcast_to(constant(ONE), shape=(2, 3)), x),
    ],
)  # fmt: skip
def test_what_changes_nothing_is_dropped(rule: Callable[[Any], Any]) -> None:
    assert [] == text(rule)


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        # -0 + 0 is 0, and 0 - x is not x
        (lambda x: add(x, ZERO), ["add %0, %1"]),
        (lambda x: sub(x, NEGATIVE_ZERO), ["sub %0, %1"]),
        (lambda x: sub(ZERO, x), ["sub %1, %0"]),
        (lambda x: div(ONE, x), ["div %1, %0"]),
        (lambda x: mul(x, ZERO), ["mul %0, %1"]),  # nan and both infinities
        (lambda x: power(x, ZERO), ["power %0, %1"]),
        (lambda x: power(x, np.float64(3.0)), ["power %0, %1"]),
        (lambda x: power(ONE, x), ["power %1, %0"]),
        (lambda x: power(x, np.float64(2.0)), ["mul %0, %0"]),
        (lambda x: neg(x), ["neg %0"]),
        (lambda x: sum_(x, axes=(0,)), ["sum %0 axes=(0)"]),
        (lambda x: sum_(x, axes=()), ["add %0, %1"]),  # -0 becomes 0
        # the result is larger, or of another dtype
        (lambda x: mul(x, np.broadcast_to(ONE, (4, 2, 3))), ["mul %0, %1"]),
        (lambda x: power(x, np.broadcast_to(np.float64(2.0), (4, 2, 3))), ["power %0, %1"]),
        (lambda x: mul(x, np.array([ONE, ZERO, ONE])), ["mul %0, %1"]),
        (lambda x: mul(cast(x, dtype=F4), ONE), ["cast %0 dtype=float32", "mul %1, %2"]),
        (lambda x: reshape(reshape(x, shape=(6,)), shape=(3, 2)), ["reshape %0 shape=(3,2)"]),
        (
            lambda x: transpose(transpose(reshape(x, shape=(1, 2, 3)), axes=(1, 2, 0)),
                                axes=(1, 2, 0)),
            ["reshape %0 shape=(1,2,3)", "transpose %1 axes=(2,0,1)"],
        ),
        (lambda x: cast(cast(x, dtype=F4), dtype=F8),
         ["cast %0 dtype=float32", "cast %1 dtype=float64"]),
        (lambda x: broadcast_to(x, shape=(2, 2, 3)), ["broadcast_to %0 shape=(2,2,3)"]),
    ],
)  # fmt: skip
def test_what_may_change_a_bit_stays(rule: Callable[[Any], Any], left: list[str]) -> None:
    assert left == text(rule)


def test_integers() -> None:
    """They have no -0; their powers of 2 stay powers."""
    numbers = np.array([3, -4, 2**53 + 1])
    assert [] == text(lambda x: mul(x, np.int64(1)), numbers)
    assert [] == text(lambda x: sum_(x, axes=()), numbers)
    assert ["power %0, %1"] == text(lambda x: power(x, np.int64(2)), numbers)


@pytest.mark.parametrize(
    ("narrow", "wide", "exact"),
    [
        (np.int8, np.int64, True), (np.float32, np.float64, True), (np.bool_, np.float32, True),
        (np.uint8, np.float16, True), (np.int16, np.float32, True), (np.int32, np.float64, True),
        # NumPy calls these casts safe, but they round from 2**53 on
        (np.int64, np.float64, False), (np.uint64, np.float64, False),
        (np.int32, np.float32, False), (np.float64, np.float32, False),
    ],
)  # fmt: skip
def test_there_and_back_is_nothing_where_the_way_there_is_exact(
    narrow: Any, wide: Any, exact: bool
) -> None:
    """Held against the largest numbers of the narrow dtype."""
    kind = np.dtype(narrow)
    largest = {"i": np.iinfo, "u": np.iinfo, "f": np.finfo}.get(kind.kind)
    values = np.array([0, 1, 1 if largest is None else largest(narrow).max // 2], kind)
    left = text(lambda x: cast(cast(x, dtype=np.dtype(wide)), dtype=kind), values)
    assert left == ([] if exact else [f"cast %0 dtype={np.dtype(wide)}", f"cast %1 dtype={kind}"])


def test_compiled_numbers_are_those_of_numpy() -> None:
    """The roundings of casts and the zeros of sums over no axes included."""
    x = np.array([2**53 + 1, 2**62 + 1])
    there_and_back = cr.jit(lambda x: x.astype(np.float64).astype(np.int64))
    assert [2**53, 2**62] == there_and_back(x).tolist()
    same = cr.jit(lambda x: np.sum(x, axis=()))(np.array([-0.0, 1.0]))
    assert [False, False] == np.signbit(same).tolist()


def test_empty_arrays_hold_no_number() -> None:
    """Neither one nor zero is at every place of an empty constant."""
    empty = np.ones((0, 3))
    assert ["mul %0, %1"] == text(lambda x: mul(x, np.ones((0, 3))), empty)


def increased(x: Any, i: Any) -> Any:
    x = x.copy()
    x[i] += 2.0
    return x


def added_and_written(x: Any, i: Any) -> Any:
    x = x.copy()
    np.add.at(x, i, 1.0)
    x[i] = 3.0
    return x


def written_elsewhere(x: Any, i: Any) -> Any:
    x = x.copy()
    x[i] = 1.0
    x[i, 1] = 2.0
    return x


def read_between(x: Any, i: Any) -> Any:
    x = x.copy()
    x[i] = 1.0
    seen = np.sum(x)
    x[i] = 2.0
    return x + seen


@pytest.mark.parametrize(
    ("f", "left"),
    [(increased, 1), (added_and_written, 1), (written_elsewhere, 2), (read_between, 2)],
)
def test_what_is_written_again_is_written_once(f: Callable[..., Any], left: int) -> None:
    """At the same entries alone, and what was read in between stays."""
    x = np.arange(6.0).reshape(2, 3)
    graph = cr.make_graph(f)(x, 1)
    simple = algebra(graph)
    assert left == str(simple).count("= scatter")
    np.testing.assert_array_equal(*(evaluate(g, [x, np.int64(1)])[0] for g in (graph, simple)))
    np.testing.assert_array_equal(evaluate(simple, [x, np.int64(1)])[0], f(x, 1))
