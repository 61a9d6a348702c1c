"""Numbers and dates to predict from that are written by another custom than those of the training.

A model learned from a German file has 1.234,5 for what an American one writes as 1,234.5. A column
in which each number fits the other custom, and some fit no other, is written by that; and so are,
in the same table, numbers such as 1.234 that would fit both. Dates may be written in any way that
leaves no doubt of day and month.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ...lazy import LazyModule
from .date_forms import DateForm
from .distinct_cells import distinct_cells
from .fitting import fit_dates
from .number_forms import NumberForm
from .reading import PLAIN, Reading

pd = LazyModule("pandas")

Frame: TypeAlias = Any  # a pandas DataFrame
Series: TypeAlias = Any

SAMPLE = 200  # cells of a column that are looked at


def readings_of_table(readings: Mapping[str, Reading], frame: Frame) -> dict[str, Reading]:
    """Return readings with the decimal mark of a table, where that is proven to be the other one.

    Examples
    --------
    >>> import pandas as pd
    >>> german = Reading("size", "number", form=NumberForm(decimal=","))
    >>> others = readings_of_table({"size": german}, pd.DataFrame({"size": ["63.5", "1,200.25"]}))
    >>> others["size"].form.decimal
    '.'
    """
    texts = {name for name, dtype in frame.dtypes.items() if _holds_texts(dtype)}
    if not texts:
        return dict(readings)
    readings = {
        name: _of_dates(reading, frame[name])
        if reading.kind == "date" and name in texts else reading
        for name, reading in readings.items()
    }  # fmt: skip
    samples = {
        name: cells for name, reading in readings.items()
        if reading.kind == "number" and name in texts
        and (cells := _texts(frame[name], reading))
    }  # fmt: skip
    other = {name: _other(readings[name]) for name in samples}
    fits = {
        name: (_all_fit(_form(readings[name]), cells), _all_fit(_form(other[name]), cells))
        for name, cells in samples.items()
    }
    if not any(theirs and not ours for ours, theirs in fits.values()):
        return dict(readings)
    return {
        name: other[name] if fits.get(name, (True, False))[1] else reading
        for name, reading in readings.items()
    }


def _of_dates(reading: Reading, column: Series) -> Reading:
    """The reading of dates, or if they are written otherwise and leave no doubt, theirs."""
    cells = _texts(column, reading)
    form = reading.form if isinstance(reading.form, DateForm) else DateForm()
    if not cells or form.times(cells).notna().all():
        return reading
    fit = fit_dates(distinct_cells(pd.Series(cells, dtype=object)), range(len(set(cells))))
    if fit.share < 1.0 or fit.ambiguous:
        return reading
    return replace(reading, form=replace(fit.form, pivot=form.pivot, unit=form.unit))


def _texts(column: Series, reading: Reading) -> list[str]:
    """Some cells of a column of texts, without words for missing ones."""
    known = [cell.strip() for cell in column.iloc[:SAMPLE].dropna() if isinstance(cell, str)]
    return [cell for cell in known if cell and not reading.is_missing(cell)]


def _holds_texts(dtype: Any) -> bool:
    return dtype.kind == "O" or isinstance(dtype, pd.StringDtype)


def _form(reading: Reading) -> NumberForm:
    return reading.form if isinstance(reading.form, NumberForm) else PLAIN


def _other(reading: Reading) -> Reading:
    form = _form(reading)
    return replace(reading, form=replace(form, decimal="." if form.decimal == "," else ","))


def _all_fit(form: NumberForm, cells: list[str]) -> bool:
    return bool(np.isfinite(form.numbers(cells)).all())
