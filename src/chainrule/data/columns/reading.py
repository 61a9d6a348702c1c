"""`Reading`: how the cells of one column are read, learned from a column and saved with a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, Never, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError, ModelFileError
from ...lazy import LazyModule
from ..cells import row_number
from ..column_values import YEARS, as_numbers, as_times
from .clock_forms import SpanForm, hours_of_day
from .date_forms import DateForm, dates_of_numbers
from .distinct_cells import DistinctCells, distinct_cells
from .form_checks import fields_of, form_from_json, numbers_of, texts_of
from .iso_dates import iso_dates
from .kinds import KINDS, as_option, drop_option
from .missing_markers import is_marker
from .number_forms import NumberForm
from .plain_texts import plain_texts

pd = LazyModule("pandas")

Series: TypeAlias = Any
Floats: TypeAlias = NDArray[np.float64]
Form: TypeAlias = NumberForm | DateForm | SpanForm

PLAIN = NumberForm()
TEXT_FIELDS = ("examples", "notes", "markers")
FIELDS: dict[str, tuple[type, ...]] = {
    "name": (str,), "kind": (str,), "why": (str,), "missing": (float,), "examples": (list,),
    "notes": (list,), "form": (dict, type(None)), "markers": (list,), "sentinels": (list,),
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """How the cells of one column become numbers, dates or texts.

    Attributes
    ----------
    name : str
    kind : str
        One of `KINDS`. A ``"time"`` is read as hours of the day, a ``"duration"`` as seconds.
    why : str
        What speaks for this kind.
    missing : float
        Share of the cells that hold nothing.
    examples : tuple of str
        Three different cells, as they were written.
    notes : tuple of str
        What was guessed, cut or dropped.
    form : NumberForm, DateForm, SpanForm or None
        How its texts are written.
    markers : tuple of str
        The words for a missing cell that occurred, in small letters; all usual ones are read.
    sentinels : tuple of float
        Numbers that stand for a missing cell.
    """

    name: str
    kind: str
    why: str = ""
    missing: float = 0.0
    examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    form: Form | None = None
    markers: tuple[str, ...] = ()
    sentinels: tuple[float, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether its values are float64."""
        return self.kind in ("number", "time", "duration")

    def values(self, column: Series, cells: DistinctCells | None = None) -> Series:
        """Return the column as float64, as dates in UTC, or as texts with None where missing.

        A column that is typed already comes back as it is: numbers are numbers, hours or seconds.
        Who has its different `cells` already gives them as well.

        Raises
        ------
        DataError
            If a cell is not of this kind; with its row, and what to do.
        """
        if self.kind == "ignore":
            return column
        if self.kind == "date":
            return self.times(column, cells)
        values = self.numbers(column, cells) if self.is_number else self.texts(column, cells)
        return pd.Series(values, index=column.index, name=column.name, dtype=values.dtype)

    def numbers(self, column: Series, cells: DistinctCells | None = None) -> Floats:
        """Return a column of numbers, clock times or spans as float64, NaN where missing."""
        values = self._plain_numbers(column)
        is_plain = self.kind == "number" and self.form in (None, PLAIN)
        if values is None and cells is None and is_plain:
            plain = plain_texts(column)
            values = None if plain is None else plain.numbers
        if values is None:
            cells = distinct_cells(column) if cells is None else cells
            values = cells.spread(self._checked(column, cells, self._cells_to_numbers), np.nan)
        elif np.isinf(values).any():
            self.refuse(column, int(np.argmax(np.isinf(values))))
        for sentinel in self.sentinels:
            values = np.where(values == sentinel, np.nan, values)
        return values

    def times(self, column: Series, cells: DistinctCells | None = None) -> Series:
        """Return a column of dates in UTC, NaT where missing."""
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            return as_times(column)
        if isinstance(column.dtype, pd.PeriodDtype):
            return as_times(column.dt.to_timestamp())
        form = self.form if isinstance(self.form, DateForm) else DateForm()
        if pd.api.types.is_numeric_dtype(column.dtype) and form.unit:
            numbers = as_numbers(column)
            dates = dates_of_numbers(numbers, form.unit)
            wrong = np.isnat(dates) & ~np.isnan(numbers)
            if wrong.any():
                self.refuse(column, int(np.argmax(wrong)))
            times = pd.Series(dates, index=column.index, name=column.name)
            return times.dt.tz_localize("UTC")
        alike = iso_dates(column) if cells is None else None
        if alike is not None:
            return as_utc(column, alike.times)
        cells = distinct_cells(column) if cells is None else cells
        dates = self._checked(column, cells, lambda known: naive_times(form, known))
        return as_utc(column, cells.spread(dates, np.datetime64("NaT")))

    def texts(self, column: Series, cells: DistinctCells | None = None) -> NDArray[Any]:
        """Return a column as texts without spaces around them, None where missing."""
        cells = distinct_cells(column) if cells is None else cells
        texts = np.empty(len(cells.cells), object)
        texts[:] = cells.texts
        return cells.spread(texts, None)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name, "kind": self.kind, "why": self.why, "missing": self.missing,
            "examples": list(self.examples), "notes": list(self.notes),
            "form": None if self.form is None else self.form.to_json(),
            "markers": list(self.markers), "sentinels": list(self.sentinels),
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Any) -> Reading:
        """The reading of `to_json`; a `ModelFileError` for anything else."""
        checked = fields_of(value, FIELDS, "a column's reading")
        name, kind = checked["name"], checked["kind"]
        where = f"the reading of column {name!r:.60}"
        if kind not in KINDS or not 0.0 <= checked["missing"] <= 1.0:
            raise ModelFileError(f"{where} is of no known kind, or its missing share no share")
        lists = {key: texts_of(checked[key], f"{key} of {where}") for key in TEXT_FIELDS}
        return cls(
            name, kind, checked["why"], checked["missing"], lists["examples"], lists["notes"],
            form_from_json(value["form"], kind, where), lists["markers"],
            numbers_of(checked["sentinels"], f"the sentinels of {where}"),
        )  # fmt: skip

    def _plain_numbers(self, column: Series) -> Floats | None:
        """The values of a column of numbers by its dtype; None for one of other cells."""
        dtype = column.dtype
        if dtype.kind == "m" and self.kind == "duration":
            return np.asarray(column.dt.total_seconds(), np.float64)
        if isinstance(dtype, np.dtype):
            plain = dtype.kind in "iufb"
            return np.asarray(column.to_numpy(), np.float64) if plain else None
        if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            return np.asarray(values, np.float64)
        return None

    def _cells_to_numbers(self, cells: list[Any]) -> Floats:
        """Different cells as numbers; NaN for those that are none."""
        if self.kind == "number":
            form = self.form if isinstance(self.form, NumberForm) else PLAIN
            return form.numbers(cells)
        if self.kind == "time":
            return hours_of_day(cells)
        spans = self.form if isinstance(self.form, SpanForm) else SpanForm()
        return spans.seconds(cells)

    def _checked(
        self, column: Series, cells: DistinctCells, read: Callable[[list[Any]], NDArray[Any]]
    ) -> NDArray[Any]:
        """The different cells as values; the first that is neither one nor a marker is refused."""
        values = read(cells.cells)
        wrong = [
            code for code in np.flatnonzero(np.isnan(values)).tolist()
            if not self.is_missing(cells.cells[code])
        ]  # fmt: skip
        if wrong:
            self.refuse(column, min(cells.first_row(code) for code in wrong[:100]))
        return values

    def is_missing(self, cell: Any) -> bool:
        """Whether a cell is a word for a missing one, in general or in this column."""
        return isinstance(cell, str) and (is_marker(cell) or cell.casefold() in self.markers)

    def refuse(self, column: Series, row: int) -> Never:
        """Raise the `DataError` of a cell that is not of this kind."""
        cell, number = column.iloc[row], row_number(column, row)
        kind = "" if isinstance(cell, (str, Real)) else f" ({type(cell).__name__})"
        raise DataError(
            f"column {self.name!r}, row {number}: {str(cell)!r:.60}{kind} is {self._fault(cell)}: "
            f"correct or empty the cell, or train with {as_option(self.name, 'text')} or "
            f"{drop_option(self.name)}"
        )

    def _fault(self, cell: Any) -> str:
        """What is wrong with a cell."""
        if self.kind == "date":
            if isinstance(cell, pd.Period):
                return "a span of time, no date"
            dates = self.examples if isinstance(self.form, DateForm) and self.form.families else ()
            like = next((date for date in dates if date != str(cell)), "2026-01-31")
            return f"no date of {YEARS[0]} to {YEARS[1]} written like {like}"
        if self.kind == "time":
            return "no clock time such as 14:30 (spans of time are --as NAME=duration)"
        if self.kind == "duration":
            return "no span of time such as 1:30:00 or 90 min"
        units = [unit for unit, _ in self.form.units if unit] if isinstance(
            self.form, NumberForm
        ) else []  # fmt: skip
        comma = isinstance(self.form, NumberForm) and self.form.decimal == ","
        return (
            "not a finite number" + (" with a decimal comma" if comma else "")
            + (f" in {' or '.join(units[:3])}" if units else "")
        )  # fmt: skip


def as_utc(column: Series, dates: NDArray[Any]) -> Series:
    """Return dates as a column like another one, in UTC."""
    return pd.Series(dates, index=column.index, name=column.name).dt.tz_localize("UTC")


def naive_times(form: DateForm, cells: list[Any]) -> NDArray[Any]:
    """Return different cells as datetime64 of UTC; NaT for those that are no dates."""
    times = form.times(cells)
    years = times.dt.year.to_numpy(np.float64)
    reached = (years >= YEARS[0]) & (years <= YEARS[1])
    dates = np.asarray(times.dt.tz_localize(None))
    return np.where(reached, dates, np.datetime64("NaT"))
