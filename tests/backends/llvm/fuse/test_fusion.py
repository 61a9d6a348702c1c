"""Which nodes are materialised, and which of them share a loop nest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from stages import simplified

from chainrule.backends.llvm.fuse.fusion import fuse

X = np.ones((8, 6), np.float32)


def steps_of(f: Callable[..., Any], *arguments: Any) -> list[list[str]]:
    """The names of the primitives of each step."""
    fused = fuse(simplified(f, *arguments))
    return [[node.primitive.name for node in step.nodes] for step in fused.steps]


def test_a_chain_is_one_loop_nest() -> None:
    """Only the output lies in memory."""
    assert steps_of(lambda x: np.exp(x * 2) + 1, X) == [["add"]]


def test_what_is_cheap_is_computed_again() -> None:
    """An addition that is read twice is not stored; an exponential is."""
    cheap = steps_of(lambda x: ((x + 1) * 3, np.flip(x + 1, 0) * 2), X)
    costly = steps_of(lambda x: (np.exp(x) * 3, np.flip(np.exp(x), 0) * 2), X)
    assert (cheap, costly) == ([["mul", "mul"]], [["exp", "mul"], ["mul"]])


def test_an_outer_product_is_computed_again() -> None:
    """Its factors lie in memory, which costs less than the product, however costly they are."""

    def f(x: Any, y: Any) -> Any:
        product = np.tanh(x)[:, None] * np.exp(y)
        return np.sum(product, axis=0), np.sum(product * product, axis=1)

    steps = steps_of(f, np.ones(40), np.ones(30))
    assert sorted(steps) == [["exp"], ["reshape"], ["sum"], ["sum"]]


def test_results_of_one_shape_share_a_nest() -> None:
    """Those that read the same; but not one that reads another at other positions."""
    assert steps_of(lambda x, y: (x * y, x - y), X, X) == [["mul", "sub"]]
    assert steps_of(lambda x: (np.exp(x), np.flip(np.exp(x), 0) + x), X) == [["exp"], ["add"]]


def test_a_reduction_computes_its_input() -> None:
    """The square is never stored, and the sum is one step."""
    assert steps_of(lambda x: np.sum(x * x, axis=1), X) == [["sum"]]


def test_a_reshape_of_a_transposed_array_needs_a_copy() -> None:
    """That of a contiguous one does not."""
    reshaped = ["transpose", "mul"]
    steps = steps_of(lambda x: np.reshape(np.transpose(x), (4, 12)) * 2, X)
    assert [name for step in steps for name in step] == reshaped
    assert steps_of(lambda x: np.reshape(x, (4, 12)) * 2, X) == [["mul"]]


def test_steps_come_after_what_they_read() -> None:
    """In every order of nodes, and each node has one step."""
    fused = fuse(simplified(lambda x: np.sum(np.exp(x @ x.T), axis=0) @ (x @ x.T), X))
    done: set[Any] = set()
    for step in fused.steps:
        stored = {node for node in step.reads if node in fused.materialized.nodes}
        assert stored <= done and not done & set(step.nodes)
        done |= set(step.nodes)
    assert done == fused.materialized.nodes
