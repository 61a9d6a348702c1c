"""What the letters in a form stand for: arguments drawn from stated domains.

A form such as ``np.percentile(A, 30)`` is text. Each free name of it that is listed here is an
argument of the function that is differentiated; all arguments are real unless a comment says so.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

Draw = Callable[[np.random.Generator], Any]


def uniform(low: float, high: float, *shape: int) -> Draw:
    """Uniform numbers of a shape; one `np.float64` if there is none."""
    return lambda rng: (
        rng.uniform(low, high, shape) if shape else np.float64(rng.uniform(low, high))
    )


def rising(count: int) -> Draw:
    """Points with gaps of at least 0.3, from below 0 to above 0.8."""

    def draw(rng: np.random.Generator) -> Any:
        gaps = rng.uniform(0.3, 0.9, count)
        return np.cumsum(gaps) - gaps[0] - 0.1

    return draw


def matrices(*shape: int) -> Draw:
    """Square matrices that are well conditioned."""
    size = shape[-1]
    return lambda rng: rng.uniform(-1.0, 1.0, shape) + 3.0 * np.eye(size)


def definite(*shape: int) -> Draw:
    """Symmetric positive definite matrices with distinct eigenvalues."""

    def draw(rng: np.random.Generator) -> Any:
        a = rng.uniform(-1.0, 1.0, shape)
        return a @ np.swapaxes(a, -1, -2) + np.diag(np.arange(1.0, shape[-1] + 1))

    return draw


def spread(*shape: int, low: float = -2.0, high: float = 2.0) -> Draw:
    """Numbers in an interval that keep a distance from each other: for orders and kinks."""

    def draw(rng: np.random.Generator) -> Any:
        count = int(np.prod(shape, dtype=int))
        steps = rng.permutation(count) + rng.uniform(0.2, 0.8, count)
        return np.reshape(low + (high - low) * steps / count, shape)

    return draw


def whole(low: int, high: int, *shape: int) -> Draw:
    """Whole numbers from `low` to `high`."""
    return lambda rng: rng.integers(low, high + 1, shape)


def plane(*shape: int) -> Draw:
    """Complex numbers, by both parts in (-1.5, 1.5)."""
    return lambda rng: rng.uniform(-1.5, 1.5, shape) + 1j * rng.uniform(-1.5, 1.5, shape)


DRAWS: dict[str, Draw] = {
    "x": spread(5),
    "y": spread(5),
    "x8": spread(8),
    "y8": spread(8),
    "x16": spread(16),
    "w3": uniform(0.3, 1.5, 3),  # short kernels, weights
    "v3": uniform(-2.0, 2.0, 3),
    "v4": uniform(-2.0, 2.0, 4),
    "p": uniform(0.3, 2.5, 5),  # positive
    "q": uniform(0.3, 2.5, 5),
    "p4": uniform(0.3, 2.5, 4),
    "u": uniform(-0.9, 0.9, 5),
    "g": uniform(1.1, 3.0, 5),  # greater than 1
    "s": uniform(0.2, 0.9),  # a number, which is below c
    "c": uniform(1.1, 1.9),
    "A": spread(3, 4),
    "B": spread(4, 3),
    "D": spread(3, 4),
    "W": spread(3, 4, low=0.3, high=1.5),  # weights
    "C": spread(2, 3, 4),
    "E": uniform(-2.0, 2.0, 2, 4, 3),
    "I": spread(6, 7),  # images
    "S": matrices(4, 4),
    "T": matrices(4, 4),
    "M": matrices(2, 4, 4),  # a stack
    "P": definite(4, 4),
    "r": rising(5),
    "r8": rising(8),
    "k": whole(1, 9, 5),  # whole numbers
    "l": whole(1, 9, 5),
    "i": whole(0, 2, 5),
    "b": lambda rng: np.array([True, False, True, True, False]),
    "z": plane(5),  # complex
    "z8": plane(8),
    "Z": plane(3, 4),
    "H": plane(4, 5),
}  # fmt: skip
assert not DRAWS.keys() & vars(builtins).keys()
