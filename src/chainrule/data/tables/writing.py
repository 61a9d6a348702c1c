"""What a parser loses of how numbers were written, and which columns are therefore read as texts.

``1.10`` of a version is not 1.1, ``+4930123`` no quantity, and ``1E5`` among whole numbers a code.
In German files ``1.234`` beside ``987`` has a mark of thousands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from ...lazy import LazyModule
from ..columns.doubts import may_be_thousands
from ..columns.number_forms import POWER_CODE

pd = LazyModule("pandas")

Frame: TypeAlias = Any

# Names of columns whose numbers are none: what they look like is decided by their texts
WRITTEN = re.compile(
    r"(?i)version|release|firmware|phone|telefon|(?<![^\W_])(tel|fax|mobile|handy|iban)(?![^\W_])"
)
ENCLOSED = re.compile(r'="(.*)"')  # a cell of Excel's: ="00123"
POINTED = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
FEWEST = 5  # numbers with a mark
LOOKED_AT = 200
FIRST_ROWS = 1000


def coded_floats(frame: Frame, text: bytes) -> set[str]:
    """Return the columns of whole floats in a file in which something like 1E5 is written."""
    names = set()
    for name, dtype in frame.dtypes.items():
        if dtype.kind == "f":
            values = frame[name].to_numpy()
            if _are_whole(values[:FIRST_ROWS]) and _are_whole(values) and np.isfinite(values).any():
                names.add(str(name))
    return names if names and _has_power(text) else set()


def _are_whole(values: Any) -> bool:
    """Whether all numbers that are finite are whole."""
    return bool(((np.floor(values) == values) | ~np.isfinite(values)).all())


def _has_power(text: bytes) -> bool:
    """Whether something like 1E5 stands in a text."""
    if b"E" not in text:
        return False
    codes = np.frombuffer(text, np.uint8)
    letters = np.flatnonzero(codes[1:-1] == ord("E")) + 1
    before, behind = (np.uint8(48) <= codes[letters + step] for step in (-1, 1))
    return bool((before & behind & (codes[letters - 1] <= 57) & (codes[letters + 1] <= 57)).any())


def is_power_code(column: Any) -> bool:
    """Whether among whole numbers some are written like 1E5."""
    known = column.dropna().astype(str).str.strip()
    return bool(known.str.fullmatch(POWER_CODE).any())


def without_marks(
    frame: Frame, written: Callable[[list[str], set[str]], Frame], delimiter: str
) -> tuple[Frame, tuple[str, ...]]:
    """Return a table in which 1.234 beside 987 is a thousand, where semicolons divide the cells.

    Parameters
    ----------
    frame : pandas.DataFrame
    written : callable
        Reads columns as texts.
    delimiter : str
    """
    if delimiter != ";":
        return frame, ()
    doubtful = {str(name) for name, column in frame.items() if may_be_thousands(column)}
    if not doubtful:
        return frame, ()
    texts = written([name for name in frame.columns if name in doubtful], doubtful)
    notes: tuple[str, ...] = ()
    for name in sorted(doubtful):
        column = texts[name].str.strip()
        known = column.dropna()
        marked = known.str.fullmatch(POINTED)
        whole = known.str.fullmatch(r"\d{1,3}")
        example = next(iter(known[marked]), "")
        if not (marked | whole).all() or marked.sum() < FEWEST:
            continue
        if whole.any():
            frame[name] = pd.to_numeric(column.str.replace(".", "", regex=False))
            notes += (f"{name!r}: the point of {example!r} marks thousands, as some numbers have "
                      "none",)  # fmt: skip
        else:
            notes += (f"{name!r}: {example!r} is read as a fraction; if its point marks thousands, "
                      "write the numbers without",)  # fmt: skip
    return frame, notes


def without_enclosure(frame: Frame) -> Frame:
    """Return a table whose cells are not enclosed as Excel does it, to keep texts such as 00123."""
    for name in frame.columns:
        column = frame[name]
        if column.dtype.kind in "iufbM":
            continue
        some = column.dropna().head(LOOKED_AT)
        if len(some) and all(isinstance(cell, str) and ENCLOSED.fullmatch(cell) for cell in some):
            frame[name] = column.str.replace(ENCLOSED, r"\1", regex=True)
    return frame


def codes_of(columns: Sequence[str]) -> set[str]:
    """Return the columns that are called after versions or telephones."""
    return {name for name in columns if WRITTEN.search(name)}
