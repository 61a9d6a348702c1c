"""Cells of tables: one value each, or the row is named."""

import datetime
import decimal
import enum
import uuid
from fractions import Fraction
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pytest

from chainrule.data import Features
from chainrule.data.cells import check_cells
from chainrule.data.moments import exponent, mean_and_deviation, standardize
from chainrule.errors import DataError


class Colour(enum.Enum):
    RED = 1


class Own:
    """Its text is an address, which is another one in the next process."""


SINGLE = [
    "text", "", 1, -2.5, True, None, np.nan, np.int8(3), np.float16(2), np.bool_(True), pd.NA,
    pd.NaT, pd.Timestamp(0), pd.Period("2020-01"), pd.Interval(0, 1), datetime.date(2020, 1, 2),
    datetime.time(1), decimal.Decimal("1.5"), Fraction(1, 3), uuid.UUID(int=3), Colour.RED,
    PurePosixPath("a/b"), np.datetime64("2020-01-01"), np.str_("text"),
]  # fmt: skip
SEVERAL = [
    [1, 2], [], (1,), {"a": 1}, {1}, frozenset(), 1 + 2j, np.complex64(1), b"bytes",
    bytearray(b"x"), np.zeros(2), pd.Series([1]), Own(), Own, range(3),
]  # fmt: skip


def holding(cell, row, count=12):
    column = pd.Series(["a", "b"] * (count // 2), dtype=object, name="c")
    made = list(column)
    made[row] = cell
    cells = np.empty(count, object)
    for k, one in enumerate(made):
        cells[k] = one
    return pd.Series(cells, name="c")


@pytest.mark.parametrize("cell", SINGLE, ids=repr)
def test_one_value(cell):
    """It may stand beside text, in training and after."""
    column = holding(cell, 4)
    check_cells(column)
    frame = pd.DataFrame({"c": column, "n": np.arange(12.0)})
    assert Features.learn(frame)(frame).shape[0] == 12


@pytest.mark.parametrize("cell", SEVERAL, ids=lambda cell: type(cell).__name__)
@pytest.mark.parametrize("row", [0, 7, 11])
def test_several_values_or_none(cell, row):
    """Refused with the row, when it is learned and when it is answered."""
    column = holding(cell, row)
    kind = type(cell).__name__.removesuffix("64")
    told = rf"(?s)column 'c', row {row + 1}: .* is a (?i:{kind})"
    with pytest.raises(DataError, match=told):
        Features.learn(pd.DataFrame({"c": column}))
    plan = Features.learn(pd.DataFrame({"c": holding("a", row)}))
    with pytest.raises(DataError, match=f"column 'c', row {row + 1}: "):
        plan(pd.DataFrame({"c": column}))


SPANS = [pd.Timedelta(1, "s"), np.timedelta64(1, "s"), datetime.timedelta(1)]


@pytest.mark.parametrize("cell", SPANS, ids=lambda cell: type(cell).__name__)
def test_spans_of_time(cell):
    """A reading knows their unit; who reads plain numbers is told what to do."""
    column = holding(cell, 7)
    check_cells(column, spans=True)
    with pytest.raises(DataError, match=r"'c', row 8: .*total_seconds"):
        check_cells(column)


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (pd.Series(np.arange(4) * 1j), "real and its imaginary part"),
        (pd.Series(pd.to_timedelta(range(4), "s")), "total_seconds"),
        (pd.Series([b"a", b"b"] * 2), "decode"),
        (pd.Series([(1,), (2,)] * 2, dtype="category"), "one number or one text"),
    ],
)  # fmt: skip
def test_whole_columns(column, told):
    """Also by their dtype."""
    with pytest.raises(DataError, match=told):
        check_cells(column.rename("c"))


@pytest.mark.parametrize("seed", range(20))
def test_moments_of_any_size(seed):
    """Scaled by 2**k they are scaled by 2**k, bit for bit, where plain formulas end in 0 or inf."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=50) + rng.normal()
    weights = rng.random(50) if seed % 2 else None
    mean, deviation = mean_and_deviation(values, weights)
    assert mean == float(np.average(values, weights=weights))
    assert deviation == float(np.average((values - mean) ** 2, weights=weights)) ** 0.5
    for power in (-900, -600, 530, 1000):
        scaled = np.ldexp(values, power)
        assert mean_and_deviation(scaled, weights) == (
            float(np.ldexp(mean, power)), float(np.ldexp(deviation, power))
        )  # fmt: skip
        assert exponent(scaled) == exponent(values) + power
        np.testing.assert_array_equal(
            (values - mean) / deviation,
            standardize(scaled, float(np.ldexp(mean, power)), float(np.ldexp(deviation, power))),
        )


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-160, 1.0, 1e160, 1e300])
def test_columns_of_any_size(size):
    """The features of a column do not depend on its unit: none is dropped as constant."""
    values = np.array([1.0, 2.0, 4.0, 8.0])
    frame, scaled = pd.DataFrame({"c": values}), pd.DataFrame({"c": values * size})
    np.testing.assert_allclose(
        Features.learn(frame)(frame), Features.learn(scaled)(scaled), rtol=1e-6
    )
