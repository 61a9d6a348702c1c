"""Columns as arrays of float64, whatever they hold: for the checks, and to compare tables by."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.columns import Reading, learn_reading
from ...lazy import LazyModule

pd = LazyModule("pandas")

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TypedColumn:
    """One column of a table.

    Attributes
    ----------
    name, kind : str
        See `chainrule.data.columns.KINDS`.
    values : array of float64, shape (rows,)
        Numbers; dates as days since 1970; for texts, which of `levels` each is. NaN where missing.
    levels : tuple of str
        The different texts; empty for other kinds.
    floats : bool
        Whether numbers were written as such with a fraction: 3.0 is no count.
    """

    name: str
    kind: str
    values: Floats = field(repr=False)
    levels: tuple[str, ...] = ()
    floats: bool = False

    @property
    def is_text(self) -> bool:
        """Whether its values are those of a category."""
        return self.kind == "text"

    @cached_property
    def known(self) -> Floats:
        """The values that are not missing."""
        return self.values[~np.isnan(self.values)]

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        return len(np.unique(self.known))

    @cached_property
    def is_whole(self) -> bool:
        """Whether all numbers are whole ones."""
        return self.kind == "number" and bool(np.all(self.known % 1 == 0))


def typed_columns(
    frame: Any,
    kinds: Mapping[str, str] | None = None,
    categories: Collection[str] = (),
    readings: Sequence[Reading] = (),
) -> list[TypedColumn]:
    """The columns of a table that hold something, in their order.

    Parameters
    ----------
    frame : pandas.DataFrame
    kinds : mapping of str to str, optional
        Kinds of columns instead of those that their cells look like.
    categories : collection of str
        Columns of numbers that are categories.
    readings : sequence of Reading
        Those of columns that were read before; one that is to be ignored counts for nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"size": [1.5, None], "colour": ["red", "blue"]})
    >>> [(c.name, c.values.tolist(), c.levels) for c in typed_columns(frame)]
    [('size', [1.5, nan], ()), ('colour', [1.0, 0.0], ('blue', 'red'))]
    """
    return list(each_typed_column(frame, kinds, categories, readings))


def each_typed_column(
    frame: Any,
    kinds: Mapping[str, str] | None = None,
    categories: Collection[str] = (),
    readings: Sequence[Reading] = (),
    rows: Any = None,
) -> Iterator[TypedColumn]:
    """The same, of all rows or of those at some positions, one column after the other."""
    chosen = dict.fromkeys(categories, "text") | dict(kinds or {})
    known = {reading.name: reading for reading in readings if reading.kind != "ignore"}
    for name, column in frame.items():
        name = str(name)
        kind, reading = chosen.get(name), known.get(name)
        plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb"
        sentinels = reading is not None and reading.sentinels
        if plain and kind in (None, "number") and not sentinels:
            values = column.to_numpy(np.float64)
            values = values if rows is None else values[rows]
            yield TypedColumn(name, "number", values, (), column.dtype.kind == "f")
            continue
        column = column if rows is None else column.iloc[rows]
        if kind != "ignore" and column.notna().any():
            if reading is None or kind not in (None, reading.kind):
                reading = Reading(name, "text") if kind == "text" else learn_reading(column, kind)
            yield typed_column(column, reading)


def typed_column(column: Any, reading: Reading) -> TypedColumn:
    """One column as its reading has it."""
    name = str(column.name)
    if reading.kind == "text":
        values, levels = _coded(column, reading)
        return TypedColumn(name, "text", values, levels)
    values = reading.numbers(column) if reading.is_number else as_floats(reading.times(column))
    floats = column.dtype.kind == "f" or (
        reading.kind == "number" and any("." in str(cell) for cell in column.dropna().head(200))
    )
    return TypedColumn(name, reading.kind, values, (), floats)


def as_floats(column: Any) -> Floats:
    """Dates as days since 1970, and numbers as they are; NaN where missing."""
    dtype = column.dtype
    if getattr(dtype, "tz", None) is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    if column.dtype.kind == "M":
        times = column.to_numpy("datetime64[us]")
        days = (times - np.datetime64(0, "us")) / np.timedelta64(1, "D")
        return np.asarray(days, np.float64)
    return np.asarray(column, np.float64)


def _coded(column: Any, reading: Reading) -> tuple[Floats, tuple[str, ...]]:
    """Which of its sorted levels each cell is; each different cell is read once."""
    codes, cells = pd.factorize(column, use_na_sentinel=True)
    texts = reading.values(pd.Series(list(cells), name=column.name, dtype=object)).tolist()
    levels = tuple(sorted({text for text in texts if text is not None}))
    numbers = {text: float(k) for k, text in enumerate(levels)}
    of_cell = np.array([numbers.get(text, np.nan) for text in [*texts, None]], np.float64)
    return of_cell[codes], levels  # code -1 is the last one: missing
