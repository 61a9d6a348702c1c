"""Indices of all kinds, drawn and enumerated: what they read and where they write, as in NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import Refusal

ENDS = [None, *range(-4, 5)]
STEPS = [None, -3, -2, -1, 1, 2, 3]
SHAPES = [(3,), (2, 3), (3, 1, 2), (2, 3, 4), (2, 1, 3, 2)]


class Whole:
    """Something of another library that says which entry it means."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def part(draw: np.random.Generator, size: int) -> Any:
    """For one axis, or for none."""
    kind = draw.integers(12)
    numbers = draw.integers(-size, size, size=int(draw.integers(0, 4)))
    if kind < 3:
        ends = [None if draw.random() < 0.3 else int(draw.integers(-size - 2, size + 3))
                for _ in range(2)]  # fmt: skip
        return slice(*ends, STEPS[draw.integers(len(STEPS))])
    return [
        int(draw.integers(-size, size)), np.int32(draw.integers(size)), Whole(size - 1), ...,
        None, numbers.tolist(), numbers, range(int(draw.integers(0, size + 1))),
        draw.random(size) < 0.5,
    ][kind - 3]  # fmt: skip


def index(draw: np.random.Generator, shape: tuple[int, ...]) -> Any:
    parts: list[Any] = []
    axis = 0
    while axis < len(shape) and (axis == 0 or draw.random() < 0.75):
        new = part(draw, shape[axis])
        if new is ... and any(p is ... for p in parts):
            continue
        parts.append(new)
        axis += new is not None and new is not ...
    return parts[0] if len(parts) == 1 and draw.random() < 0.5 else tuple(parts)


def check(x: Any, where: Any) -> bool:
    """Whether it was refused; reads, writes and derivatives are held against NumPy's."""
    try:
        expected = x[where]
    except IndexError:
        for f in (lambda x: x[where], lambda x: np.sum(x[where])):
            with pytest.raises((IndexError, Refusal)):
                cr.vjp(f, x)
        return True
    values = np.arange(1.0, 1 + expected.size).reshape(np.shape(expected))
    written, counts = x.copy(), np.zeros(x.shape)
    written[where] = values
    np.add.at(counts, where, values)

    def write(x: Any) -> Any:
        y = x.copy()
        y[where] = values
        return y

    try:
        found, pull = cr.vjp(lambda x: x[where], x)
        np.testing.assert_array_equal(found, expected)
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(pull(values if np.ndim(found) else values[()])[0], counts)
        np.testing.assert_array_equal(cr.vjp(write, x)[0], written)
    except Refusal:
        return True
    return False


@pytest.mark.parametrize("size", [1, 3])
def test_every_slice(size: int) -> None:
    """Of every start, stop and step."""
    x = np.arange(1.0, 1 + size)
    ends = ENDS if size > 1 else [None, -2, -1, 0, 1, 2]
    assert not any(check(x, slice(*each)) for each in itertools.product(ends, ends, STEPS))


@pytest.mark.parametrize("part", range(2))
def test_drawn_indices(part: int) -> None:
    """400 of them; few are refused."""
    draw = np.random.default_rng(part)
    refused = 0
    for _ in range(200):
        shape = SHAPES[draw.integers(len(SHAPES))]
        x = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
        where = index(draw, shape)
        try:
            refused += check(x, where)
        except AssertionError as error:
            raise AssertionError(f"x of shape {shape}, x[{where}]: {error}") from error
    assert refused < 75
