"""Columns of dates that are written as texts: their form, and what there is to say about it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any, TypeAlias

import numpy as np

from ..cells import row_number
from .date_forms import DateForm
from .drafts import Draft, counted, cut, examples_of, marker_note
from .fitting import MOST_LOOKED_AT, DateFit, fit_dates
from .iso_dates import IsoDates
from .kinds import Customs
from .number_forms import plain_numbers
from .reading import Reading, as_utc
from .text_column import TextColumn
from .typed_columns import UNIT_WORDS, date_unit

Series: TypeAlias = Any

SLASHED = re.compile(r"\d{1,2}[^\w]")  # day or month comes first
BIRTH_NAME = re.compile(
    r"(?i)birth|born|(?<![^\W_])(dob|geb|gebdat)(?![^\W_])|geburt|geboren|naiss|nacim|nascim|nascita"
)
ZONE = re.compile(r"\d:\d\d.*(?:[+-]\d\d:?\d\d|Z(?:\[.*\])?| [A-Z]{3,4})$")
ZONED = re.compile(r"\d:\d\d.*(?:[+-]\d\d:?\d\d| [A-Z]{3,4})$")


def draft_of_dates(source: TextColumn, fit: DateFit, why: str = "") -> Draft:
    """A column of dates in the form that fits best."""
    name, several = source.name, source.cells
    notes = []
    if fit.short_years and BIRTH_NAME.search(name):  # nobody is born in a year to come
        fit = replace(fit, form=replace(fit.form, pivot=date.today().year % 100 + 1))
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
        bare = any(not ZONE.search(several.texts[code]) for code in some)
        others = " and those without a zone as in UTC" if bare else ""
        notes.append(f"times with a zone, such as {source.where(zoned)}, are read in UTC{others}")
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


def draft_of_iso(column: Series, dates: IsoDates) -> Draft:
    """A long column of ISO dates."""
    known = np.flatnonzero(~np.isnat(dates.times))
    rows, name = len(known), str(column.name)
    notes: tuple[str, ...] = ()
    words = list(dates.words.first)
    if words:
        where = f"{cut(words[0])!r} in row {row_number(column, dates.words.first[words[0]])}"
        notes = (marker_note(name, dates.words.rows, words, where),)
    examples = tuple(dict.fromkeys(cut(text) for text in column.iloc[known[:1000]].tolist()))
    return Draft(Reading(
        name, "date", counted(rows, rows, "are dates"), 1.0 - rows / len(column), examples[:3],
        notes, DateForm(), tuple(sorted(word.casefold() for word in words)),
    ), values=as_utc(column, dates.times))  # fmt: skip


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
