"""Columns of dates that are written as texts: their form, and what there is to say about it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from .drafts import Draft, counted, examples_of
from .fitting import MOST_LOOKED_AT, DateFit, fit_dates
from .kinds import Customs
from .number_forms import plain_numbers
from .reading import Reading
from .text_column import TextColumn
from .typed_columns import UNIT_WORDS, date_unit

SLASHED = re.compile(r"\d{1,2}[^\w]")  # day or month comes first
ZONED = re.compile(r"\d:\d\d.*(?:[+-]\d\d:?\d\d| [A-Z]{3,4})$")


def draft_of_dates(source: TextColumn, fit: DateFit, why: str = "") -> Draft:
    """A column of dates in the form that fits best."""
    name, several = source.name, source.cells
    notes = []
    slashed = next((
        code for code in source.codes if fit.reason and SLASHED.match(several.texts[code])
    ), None)  # fmt: skip
    first = "the day" if "dmy" in fit.form.families else "the month"
    if fit.ambiguous and slashed is not None:
        notes.append(
            f"{first} is taken to come first, as in {source.where(slashed)}: {fit.reason}; "
            "write dates as 2026-12-31 if that is wrong"
        )
    if fit.short_years:
        pivot = fit.form.pivot
        notes.append(
            f"years of two digits: {pivot} to 99 are 19{pivot} to 1999, 00 to {pivot - 1} are 2000 "
            f"to 20{pivot - 1}"
        )
    count = round(fit.share * source.rows)
    families = fit.form.families
    if fit.ways > 1:
        notes.append(f"its dates are written in {fit.ways} ways")
    some = source.codes[:MOST_LOOKED_AT]
    zoned = next((code for code in some if ZONED.search(several.texts[code])), None)
    if zoned is not None:
        notes.append(f"times with a zone, such as {source.where(zoned)}, are read in UTC")
    words = "dates" + (f" such as {examples_of(several, source.codes)[0]}" if families else "")
    if fit.reason and slashed is not None and not fit.ambiguous:
        words += f", {first} first: {fit.reason}"
    reading = Reading(
        name, "date", why or counted(count, source.rows, f"are {words}"), notes=tuple(notes),
        form=fit.form,
    )  # fmt: skip
    proven = slashed is not None and not fit.ambiguous
    day_first = "dmy" in families if proven else None
    open_order = fit.ambiguous and fit.reason != "so the rows are in order of time"
    return Draft(reading, None, open_order, "", day_first)


def asked_dates(source: TextColumn, customs: Customs) -> Draft:
    """A column that is said to hold dates: written as dates, or as numbers that count."""
    several = source.cells
    fit = fit_dates(several, source.codes, customs.day_first)
    cells = [several.cells[code] for code in source.codes]
    numbers = plain_numbers(cells)
    if np.isfinite(numbers).any():
        unit = date_unit(source.name, numbers, asked=True)
        fit = replace(fit, form=replace(fit.form, unit=unit))
        note = f"its numbers are read as {UNIT_WORDS[unit]}" if unit else ""
        draft = draft_of_dates(source, fit, "as asked for")
        notes = (*draft.reading.notes, *([note] if note else []))
        return replace(draft, reading=replace(draft.reading, notes=notes))
    return draft_of_dates(source, fit, "as asked for")
