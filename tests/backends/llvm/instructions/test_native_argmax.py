"""Positions of maxima in native code: NumPy's answer for any axis, size, dtype and width."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import jit
from chainrule.backends.llvm.target.host import host
from chainrule.config import configured

DTYPES = ("float32", "float64", "int8", "uint64", "bool")
ROWS = (1, 3, 5, 8, 17, 32, 63, 65, 129, 300)  # entries: around vectors, and groups of four
COLUMNS = ((1, 7), (5, 3), (9, 16), (3, 70), (33, 130))


def drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Numbers with many ties, some of them nan, infinite, or a zero of either sign."""
    numbers = rng.integers(0, 5, shape)
    if dtype == "bool":
        return rng.random(shape) < 0.02
    if not dtype.startswith("float"):
        return (numbers * rng.integers(-1 if dtype[0] == "i" else 0, 2)).astype(dtype)
    x = numbers.astype(dtype) * rng.choice([-1.0, 1.0, -0.0]).astype(dtype)
    special = rng.random(shape)
    x[special < 0.01] = -np.inf
    x[special > 0.997] = np.nan
    return x


def of_rows(xs: Any) -> Any:
    return [np.argmax(x, axis=-1) for x in xs]


def of_columns(xs: Any) -> Any:
    return [[np.argmax(x, 0), np.argmin(x.T, 1, keepdims=True), np.argmax(x)] for x in xs]


def of_middle_axes(xs: Any) -> Any:
    return [[np.argmax(x, 1), np.argmin(x[:, :, ::2], 1)] for x in xs]


@pytest.mark.parametrize("width", [0, 8, 4])
@pytest.mark.parametrize(
    ("positions", "shapes"),
    [
        (of_rows, [(7, n) for n in ROWS]),
        (of_columns, COLUMNS[1:4]),
        (of_middle_axes, [(2, n, m) for n, m in COLUMNS[2:4]]),
    ],
)
def test_the_first_maximum(width: int, positions: Any, shapes: list[tuple[int, ...]]) -> None:
    """The first nan wins, then the first of equal ones, 0.0 and -0.0 among them."""
    if 4 * width > host().vector_bytes:
        pytest.skip("this CPU has no such vectors")
    rng = np.random.default_rng(5)
    dtypes = DTYPES if width == 0 else DTYPES[:1] + DTYPES[2:3]
    with configured(vector=width):
        f = jit(positions)
        for _ in range(3):
            xs = [drawn(rng, shape, dtype) for shape in shapes for dtype in dtypes]
            np.testing.assert_equal(f(xs), positions(xs))


def test_a_maximum_anywhere_in_a_long_row() -> None:
    """Wherever it lies, also where the last group overlaps with the one before; nan as well."""
    f = jit(lambda x: np.argmax(x, axis=1))
    for dtype in ("float32", "int16"):
        x = np.zeros((333, 333), dtype)
        np.fill_diagonal(x, 1)
        np.testing.assert_array_equal(np.arange(333), f(x))
        x[:, 200] = 1
        np.testing.assert_array_equal(np.minimum(np.arange(333), 200), f(x))
    x = np.full((333, 333), -np.inf)
    np.testing.assert_array_equal(np.zeros(333), jit(lambda x: np.argmax(x, axis=1))(x))
    np.fill_diagonal(x, np.nan)
    x[:, 250] = np.nan
    np.testing.assert_array_equal(np.minimum(np.arange(333), 250), f(x))


def test_threads_find_the_same() -> None:
    """Rows are shared, and columns where these lie along the first axis."""
    x = np.random.default_rng(0).integers(0, 9, (1200, 250)).astype(np.float32)
    x[::7, 3] = np.nan
    with configured(num_threads=2):
        rows, columns = jit(lambda x: (np.argmax(x, 1), np.argmax(x.T, 1)))(x)
    np.testing.assert_array_equal(np.argmax(x, 1), rows)
    np.testing.assert_array_equal(np.argmax(x, 0), columns)
