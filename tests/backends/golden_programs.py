"""Small programs whose text after each stage of the native compiler is held by `test_golden.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr


class Golden(NamedTuple):
    """A function, its arguments, and for how many threads it is compiled."""

    f: Callable[..., Any]
    arguments: tuple[Any, ...]
    threads: int = 1


def zeros(*shape: int) -> Any:
    """Only shapes and dtypes matter."""
    return np.zeros(shape, np.float32)


def shared_input(x: Any, y: Any) -> Any:
    """Two results of one shape that read the same: one loop nest."""
    return x * y + 1, x - y


def materialised(x: Any) -> Any:
    """What is expensive and read twice lies in memory; the rest is computed where it is read."""
    y = x / (x + 1) / (x - 1)
    return y[::-1] * y, -x


def row_sums(x: Any) -> Any:
    """A reduction along the last axis, whose input is computed inside."""
    return x / np.sum(x * x, axis=1, keepdims=True)


def column_sums(x: Any) -> Any:
    """A reduction along the first axis: vectors lie along the other."""
    return np.sum(x * x, axis=0)


def running(x: Any) -> Any:
    """A cumulative sum and the position of the maximum."""
    return np.cumsum(x), np.argmax(x)


def unrolled(a: Any, x: Any) -> Any:
    """A product that is small enough to be unrolled; its result stays in registers."""
    return np.maximum(a @ x, np.float32(0))


def kernel_call(x: Any, w: Any) -> Any:
    """A product by a kernel of the library."""
    return x @ w


def lookup(table: Any, codes: Any) -> Any:
    """Rows at computed positions, with a bounds check."""
    return table[codes] * 2


def counted(w: Any) -> Any:
    """A counted loop that updates its carry in place."""
    return cr.fori_loop(0, 10, lambda _, w: w * np.float32(0.5), w)


def stacked(x: Any) -> Any:
    """A scan over rows, with results that are stacked."""
    return cr.scan(lambda total, row: (total + row, total), x[0], x)


def doubling(x: Any) -> Any:
    """A while loop and a branch."""
    y = cr.while_loop(lambda x: x[0] < 100, lambda x: x * 2, x)
    return cr.cond(y[1] > 0, np.sqrt, np.negative, y)


def embedding(table: Any, codes: Any) -> Any:
    """A sparse fill: the gradient is zeroed once, and reset where it was changed."""

    def step(table: Any, row: Any) -> Any:
        gradient = cr.grad(lambda table: np.sum(table[row] ** 2))(table)
        return table - np.float32(0.1) * gradient, None

    return cr.scan(step, table, codes)[0]


def by_numpy(x: Any) -> Any:
    """NumPy computes with float16."""
    return x * x


def dense_layer(x: Any, w: Any, b: Any) -> Any:
    """Row tiles: two threads take rows through the product, the bias and the activation."""
    return np.maximum(x @ w + b, np.float32(0))


GOLDENS = {
    "shared_input": Golden(shared_input, (zeros(6), zeros(6))),
    "materialised": Golden(materialised, (zeros(8),)),
    "row_sums": Golden(row_sums, (zeros(3, 8),)),
    "column_sums": Golden(column_sums, (zeros(5, 4),)),
    "running": Golden(running, (zeros(7),)),
    "unrolled": Golden(unrolled, (zeros(1, 2), zeros(2, 4))),
    "kernel_call": Golden(kernel_call, (zeros(40, 30), zeros(30, 20))),
    "lookup": Golden(lookup, (zeros(9, 4), np.zeros(3, np.int64))),
    "counted": Golden(counted, (zeros(4),)),
    "stacked": Golden(stacked, (zeros(5, 4),)),
    "doubling": Golden(doubling, (zeros(2),)),
    "embedding": Golden(embedding, (zeros(20, 4), np.zeros((3, 2), np.int64))),
    "by_numpy": Golden(by_numpy, (np.zeros(4, np.float16),)),
    "dense_layer": Golden(dense_layer, (zeros(512, 128), zeros(128, 64), zeros(64)), threads=2),
}
