"""Long columns are read by NumPy and Arrow at once: exactly as short ones, cell by cell.

Columns are drawn of which nearly all cells are alike, with oddities in random rows, and read both
ways; reading, notes, errors and values must be equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule.data.columns import cell_bytes, iso_dates, plain_texts, text_columns, typed_frame
from chainrule.errors import DataError

ROWS = 700
MODULES = (cell_bytes, iso_dates, plain_texts, text_columns)
WORDS = ("NA", "?", "-", "", None, "n.a.", "unknown", "--", " ", "0000-00-00", ".", "Na")
ODDITIES = (
    "1,5", "1.2.3", "inf", "1e400", "12 kg", "007", "-05", "1234567890123456", "+1234567890123456",
    "2020-02-30", "2020-02-29", "1582-01-01", "2300-01-01", "2020-13-01", "2020-01-01 24:00",
    "2020-01-01T10:20:30", "2020-1-1", "\uff11\uff12", "\u0661", "5\n6", " 8", "8 ", "\t8", "\xa08",
    "0x10", "1_000", "1E5", "1e5", "nan", "true", "north", "$5", "(5)", "0.10", ".5", "5.", "-0",
    "1.234", "99999", "-999", "0" * 20 + "1", "1" * 30, "- 5", "1.5e-3",
)  # fmt: skip


def _times(rng: np.random.Generator, unit: str, span: int) -> list[str]:
    moments = np.datetime64("2015-01-01").astype(f"M8[{unit}]") + rng.integers(0, span, ROWS)
    return [str(moment) for moment in moments.tolist()]


KINDS: dict[str, Callable[[np.random.Generator], list[str]]] = {
    "decimals": lambda rng: [f"{x:.4f}" for x in rng.normal(size=ROWS)],
    "long decimals": lambda rng: [repr(float(x)) for x in rng.normal(size=ROWS) * 1e-3],
    "powers": lambda rng: [f"{x:.3e}" for x in rng.normal(size=ROWS)],
    "whole": lambda rng: [str(x) for x in rng.integers(1, 10**6, ROWS)],
    "signed": lambda rng: [f"{x:+d}" for x in rng.integers(-(10**5), 10**5, ROWS)],
    "thousands": lambda rng: [f"{x / 1000:.3f}" for x in rng.integers(1000, 10**6, ROWS)],
    "days": lambda rng: _times(rng, "D", 20_000),
    "minutes": lambda rng: [x[:16] for x in _times(rng, "m", 10**6)],
    "seconds": lambda rng: [x.replace("T", " ")[:19] for x in _times(rng, "s", 10**8)],
    "digits": lambda rng: [x.replace("-", "") for x in _times(rng, "D", 20_000)],
}
NAMES = ("x", "date", "version", "phone", "created_at")


@pytest.fixture
def _short_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in MODULES:
        monkeypatch.setattr(module, "LONG", 500, raising=False)
        monkeypatch.setattr(module, "BLOCK", 128, raising=False)


def column_of(seed: int, dtype: Any) -> pd.Series[Any]:
    """A column with nothing, words for missing cells, or one kind of oddity in random rows."""
    rng = np.random.default_rng(seed)
    kind = tuple(KINDS)[seed % len(KINDS)]
    cells: list[str | None] = [*KINDS[kind](rng)]
    for _ in range(rng.integers(0, 3)):
        word = WORDS[rng.integers(len(WORDS))]
        for row in rng.integers(0, ROWS, rng.integers(1, 40)):
            cells[row] = word
    if seed % 3:
        for row in rng.integers(0, ROWS, rng.integers(1, 4)):
            cells[row] = ODDITIES[rng.integers(len(ODDITIES))]
    return pd.Series(cells, name=NAMES[rng.integers(len(NAMES))], dtype=dtype)


def outcome(column: pd.Series[Any]) -> tuple[Any, Any]:
    """The reading and the values of a column, or its error."""
    try:
        typed, readings = typed_frame(column.to_frame())
    except DataError as error:
        return str(error), None
    return readings[0], typed.iloc[:, 0]


def check(seed: int, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    column = column_of(seed, dtype)
    reading, values = outcome(column)
    for module in MODULES:
        monkeypatch.setattr(module, "LONG", 10**9, raising=False)
    slow_reading, slow_values = outcome(column)
    assert reading == slow_reading
    if values is not None:
        pd.testing.assert_series_equal(values, slow_values, check_exact=True)
        again = slow_reading.values(column)
        for module in MODULES:
            monkeypatch.setattr(module, "LONG", 500, raising=False)
        pd.testing.assert_series_equal(slow_reading.values(column), again, check_exact=True)


@pytest.mark.usefixtures("_short_is_long")
@pytest.mark.parametrize("seed", range(30))
def test_long_columns_are_read_as_short_ones(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check(seed, "str" if seed % 4 else object, monkeypatch)


@pytest.mark.usefixtures("_short_is_long")
@pytest.mark.parametrize("kind", ["decimals", "whole", "days", "minutes", "seconds"])
def test_clean_columns_are_read_at_once(kind: str) -> None:
    """Without an oddity, and with words for missing cells, the fast way is taken."""
    cells: list[str | None] = [*KINDS[kind](np.random.default_rng(0))]
    cells[600], cells[601] = "NA", None
    column = pd.Series(cells, name="x", dtype="str")
    read = plain_texts.plain_texts if kind in ("decimals", "whole") else iso_dates.iso_dates
    assert read(column) is not None
