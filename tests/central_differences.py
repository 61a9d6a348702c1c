"""The outside witness of every derivative: central differences, in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def along(
    f: Callable[..., Any], arrays: Sequence[Array], directions: Sequence[Any], step: float = 1e-5
) -> Array:
    """(f(x + h v) - f(x - h v)) / 2h; a direction None leaves its array alone."""

    def moved(h: float) -> list[Any]:
        return [x if v is None else x + h * v for x, v in zip(arrays, directions, strict=True)]

    return (np.asarray(f(*moved(step))) - np.asarray(f(*moved(-step)))) / (2 * step)


def gradient(f: Callable[[Array], Any], x: Array, step: float = 1e-5) -> Array:
    """The gradient of a scalar function, entry by entry."""
    x = np.asarray(x, dtype=float)
    result = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        unit = np.zeros(x.shape)
        unit[place] = 1.0
        result[place] = along(f, [x], [unit], step)
    return result


def assert_close(actual: Any, expected: Any, rtol: float = 1e-6) -> None:
    """Equal shapes, and equal numbers up to `rtol` of the largest of them."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * scale)
