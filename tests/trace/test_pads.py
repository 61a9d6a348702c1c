"""np.pad: each mode with its options, on arrays of all kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import agrees, seeded
from whole_calls import agrees_or_fails, same_as_numpy

import chainrule as cr

X = seeded(3, 2)
ARRAYS = (X, X.T, X[:1], X[:, ::-1], (X * 10).astype(int), X.astype(np.float32), X > 0,
          np.zeros((0, 2)), seeded(4))  # fmt: skip
WIDTHS: tuple[Any, ...] = (1, (1, 2), ((0, 5), (3, 1)), {0: 2}, {-1: (1, 0)}, ((9, 7), (4, 8)), 0,
                           ((1,), (2,)), -1, 1.5, ((1, 2), (3, 4), (5, 6)))  # fmt: skip
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "constant": [{}, {"constant_values": 1.5}, {"constant_values": ((1, 2), (3, 4))}],
    "edge": [{}, {"constant_values": 1}], "wrap": [{}], "empty": [],
    "reflect": [{}, {"reflect_type": "odd"}], "symmetric": [{}, {"reflect_type": "odd"}],
    "linear_ramp": [{}, {"end_values": ((1, 2), (3, 4))}],
    "maximum": [{}, {"stat_length": 2}], "minimum": [{}, {"stat_length": ((1, 2), (2, 2))}],
    "mean": [{}, {"stat_length": 2}], "median": [{}, {"stat_length": (2, 3)}], "other": [{}],
}  # fmt: skip


@pytest.mark.parametrize("mode", OPTIONS)
def test_mode(mode: str) -> None:
    """Values, dtypes and slopes for all widths, and NumPy's errors; other arrays by turns."""
    with_value = 0
    for k, width in enumerate(WIDTHS):
        for j, options in enumerate(OPTIONS[mode]):
            for x in (X, *ARRAYS[1 + (j + k) % 2 :: 2]):
                rtol = 1e-6 if x.dtype == np.float32 else 1e-13
                with_value += agrees_or_fails(
                    lambda a, w=width, o=options: np.pad(a, w, mode, **o), x, rtol=rtol
                )
    assert with_value > 20 or mode in ("empty", "other")


def test_empty_has_the_entries() -> None:
    """What NumPy leaves undefined is zero here."""
    found = cr.jit(lambda a: np.pad(a, 1, "empty"))(X)
    np.testing.assert_array_equal(found[1:-1, 1:-1], X)


def test_traced_constants() -> None:
    """Values to pad with may be traced, one by one or all as an array."""
    same_as_numpy(lambda a: np.pad(a, 2, constant_values=(a[0, 0], 2.0)), X)
    same_as_numpy(lambda a: np.pad(a, 2, constant_values=a[0, 0]), X)
    same_as_numpy(lambda a: np.pad(a, 1, constant_values=a[:2]), X)
    same_as_numpy(lambda a: np.pad(a, 1, "linear_ramp", end_values=a[1, 1] ** 2), X)


def test_second_order() -> None:
    """Through products, natively as well."""
    for mode in ("reflect", "wrap", "edge", "linear_ramp", "mean"):
        same_as_numpy(lambda a, m=mode: np.sum(np.pad(a, (1, 2), m) ** 3), X)


def test_a_function_that_pads() -> None:
    """It writes into views of the array."""

    def write(vector: Any, width: Any, axis: int, options: Any) -> None:
        vector[: width[0]] = options.get("padder", 10.0) * axis
        vector[-width[1] :] = vector[2] * 2.0

    agrees(lambda a: np.pad(a, 2, write, padder=3.0), X)
    agrees(lambda a: np.pad(a, 2, write), X)
