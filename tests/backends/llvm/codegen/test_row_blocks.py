"""Reductions over the rows of large arrays, which add a few rows at a time to their result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import jit
from chainrule.backends.llvm.target.host import host
from chainrule.config import configured


def reductions(x: Any, shift: Any) -> Any:
    """Of columns: plain, of an expression, along a middle axis, of a transposed array."""
    return [
        np.sum(x, axis=0),
        np.max(x, axis=0),
        np.min(x * 2 - shift, axis=0, keepdims=True),
        np.sum((x - shift) ** 2, axis=0),
        np.max(x.reshape(5, -1, x.shape[1]), axis=1),
        np.sum(x.T, axis=1),
    ]


@pytest.mark.parametrize(
    ("width", "shape", "dtype"),
    [
        (0, (1030, 515), "float32"),
        (0, (65, 8205), "float32"),
        (0, (2005, 131), "float64"),
        (0, (405, 1301), "int32"),
        (8, (1030, 515), "float32"),
        (4, (65, 8205), "float32"),
    ],
)
def test_reductions_of_columns(width: int, shape: tuple[int, int], dtype: str) -> None:
    """NumPy's numbers for any rest of rows and columns, and wherever a nan is."""
    if 4 * width > host().vector_bytes:
        pytest.skip("this CPU has no such vectors")
    rng = np.random.default_rng(3)
    x = rng.integers(-50, 50, shape).astype(dtype)
    shift = rng.integers(-5, 5, shape[1]).astype(dtype)
    if dtype.startswith("float"):
        x[rng.integers(shape[0], size=9), rng.integers(shape[1], size=9)] = np.nan
        x[0, 3], x[-1, -1], x[7, 0] = np.nan, np.nan, -np.inf
    with configured(vector=width):
        actual = jit(reductions)(x, shift)
    for expected, result in zip(reductions(x, shift), actual, strict=True):
        np.testing.assert_array_equal(expected, result, strict=True)  # sums of integers are exact


def test_long_columns_round_little() -> None:
    """Blocks are summed before they are added, so errors grow with their number."""
    x = np.random.default_rng(0).random((40_000, 70), np.float32)
    exact = np.sum(x.astype(np.float64), axis=0)
    error = np.abs(jit(lambda x: np.sum(x, axis=0))(x) / exact - 1)
    assert error.max() < 1e-5
