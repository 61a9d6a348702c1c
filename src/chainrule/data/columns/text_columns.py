"""Columns of texts and of objects: numbers, dates, clock times and spans as people write them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ...errors import DataError
from ..column_values import YEARS
from .cell_bytes import LONG, in_one_piece
from .clock_forms import SpanForm, fit_spans, hour_of_day, hours_of_day, seconds_of
from .date_drafts import asked_dates, draft_of_dates, draft_of_iso
from .date_forms import DateForm
from .distinct_cells import DistinctCells, distinct_cells
from .drafts import Draft, counted, examples_of, marker_note
from .fitting import fit_dates
from .iso_dates import iso_dates
from .kinds import Customs, as_option, drop_option
from .number_drafts import (
    draft_of_clashing,
    draft_of_numbers,
    draft_of_plain,
    fit_of,
    identifiers,
    is_known_number,
    is_letter,
    is_number,
    share_in_any_unit,
)
from .number_forms import NumberForm, split_number
from .plain_texts import plain_texts
from .reading import Reading
from .stray_cells import are_truths, without_strays
from .text_column import TextColumn
from .typed_columns import empty

Series: TypeAlias = Any

FOUR_DIGITS = re.compile(r"\d{4}")
NEARLY_ALL = 0.9  # of the rows: then the rest are mistakes, which are refused
WORTH_A_NOTE = 0.2  # of the rows are numbers or dates, in a column of texts
HAS_DIGIT, HAS_LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")
MOST_WORDS = 8  # behind the numbers of a column: of more they are names, such as those of streets
FEW_NUMBERS = 10
FRACTION = re.compile(r"\d[.,]\d")
HALF = 0.5  # of a sample: what fewer cells look like is no kind of a column
TWO_PARTS = re.compile(r"[+-]?\d+:\d\d")
LONG_UNIT = re.compile(r"(?i)\d\s*(?:y|j|mo)")
BARE_HOUR = re.compile(r"\d:\d\d:\d\d")
SPAN_NAME = re.compile(r"(?i)duration|elapsed|length|runtime|laptime|dauer|zeitraum|time_taken")


def draft_of_texts(column: Series, kind: str | None, customs: Customs) -> Draft:
    """Learn a column of texts, or of cells of several types."""
    column = in_one_piece(column) if len(column) >= LONG else column
    if kind is None:
        plain = plain_texts(column)
        draft = None if plain is None else draft_of_plain(column, plain)
        dates = iso_dates(column) if draft is None else None
        draft = draft if dates is None else draft_of_iso(column, dates)
        if draft is not None:
            return draft
    several, name = distinct_cells(column), str(column.name)
    total = len(column)
    if not several.cells:
        return Draft(empty(name, None if kind == "text" else kind))
    blank = float((several.codes < 0).sum() / total)
    everything = list(range(len(several.cells)))
    text = Reading(name, "text", "", blank, examples_of(several, everything))
    if kind == "text":
        return Draft(replace(text, why="as asked for"), cells=several)
    codes = np.flatnonzero(~several.markers).tolist()
    rows = int(several.counts[codes].sum())
    if not codes:
        if kind is None:
            return Draft(replace(text, why="its cells are words such as " + text.examples[0]))
        return Draft(empty(name, kind))
    source = TextColumn(column, several, codes, rows)
    if kind is None and are_truths(source):
        truths = Reading(name, "number", "its cells are truth values", form=NumberForm(truths=True))
        return _without_markers(source, Draft(truths))
    draft = _drafted(source, kind, customs, text)
    if kind is None and (draft.fault is not None or draft.reading.kind == "text"):
        cleaned = without_strays(source)
        again = None if cleaned is None else _drafted(cleaned, None, customs, text)
        if again is not None and again.fault is None and again.reading.kind in ("number", "date"):
            return replace(again, cells=several)
    return replace(draft, cells=several)


def _drafted(source: TextColumn, kind: str | None, customs: Customs, text: Reading) -> Draft:
    draft = _asked(source, kind, customs) if kind else _looked_at(source, customs, text)
    return draft if draft.reading.kind == "text" else _without_markers(source, draft)


def _without_markers(source: TextColumn, draft: Draft) -> Draft:
    """A draft of numbers or dates, which knows the words for missing cells that occur."""
    several, reading = source.cells, draft.reading
    marked = np.flatnonzero(several.markers).tolist()
    count = int(several.counts[marked].sum())
    notes: tuple[str, ...] = ()
    if count:
        words = [several.texts[code] for code in marked]
        notes = (marker_note(source.name, count, words, source.where(marked[0])),)
    if source.flags and isinstance(reading.form, NumberForm):
        reading = replace(reading, form=replace(reading.form, flags=source.flags))
        listed = ", ".join(repr(flag.strip()) for flag in source.flags[:5])
        notes += (f"marks behind its numbers are left out: {listed}",)
    missing = reading.missing + 1.0 - source.rows / len(source.column)
    learned = replace(
        reading, missing=missing, examples=examples_of(several, source.codes),
        notes=(*notes, *reading.notes),
        markers=tuple(sorted(several.texts[code].casefold() for code in marked)),
    )  # fmt: skip
    if draft.fault is not None or draft.is_sure:
        return replace(draft, reading=learned)
    try:
        values = learned.values(source.column, None if source.flags else source.cells)
    except DataError as error:
        return replace(draft, reading=learned, fault=error)
    return replace(draft, reading=learned, values=values)


def _asked(source: TextColumn, kind: str, customs: Customs) -> Draft:
    """A column that is said to be of a kind."""
    if kind == "number":
        return draft_of_numbers(source, fit_of(source, customs), asked=True)
    if kind == "date":
        return asked_dates(source, customs)
    if kind == "time":
        return Draft(Reading(source.name, "time", "as asked for"))
    form = fit_spans([source.cells.cells[code] for code in source.codes])
    return Draft(Reading(source.name, "duration", "as asked for", form=form))


def _looked_at(source: TextColumn, customs: Customs, text: Reading) -> Draft:
    """A column that is of the kind that all of its cells look like, or nearly all."""
    several = source.cells
    sample = [code for code in several.sample() if not several.markers[code]]
    looks = _looks(source, sample)
    drafts: list[tuple[float, Draft]] = []
    if looks["number"] > HALF:
        fit = fit_of(source, customs)
        codes = identifiers(source, fit, text)
        if codes is not None:
            return Draft(codes)
        share = source.share(source.over_all(fit.numbers))
        if fit.clashing and fit.well_known and not any(map(is_letter, fit.clashing)):
            drafts.append((share_in_any_unit(source), draft_of_clashing(source, fit)))
        elif not fit.clashing and (fit.well_known or share == 1.0):
            numbers = replace(draft_of_numbers(source, fit), is_sure=share == 1.0)
            drafts.append((share, numbers))
    clocks = looks["time"] > NEARLY_ALL or looks["time"] >= looks["duration"]
    if looks["time"] > HALF and clocks and not _holds_spans(source):
        hours = hours_of_day(several.cells)
        reading = Reading(source.name, "time", source.why(hours, "clock times"))
        share = source.share(hours)
        drafts.insert(0, (share, Draft(reading)))
        if share > NEARLY_ALL:  # 25:10 among clock times is a mistake, and no span
            looks["duration"] = 0.0
    if looks["duration"] > HALF:
        form = fit_spans([several.cells[code] for code in source.codes])
        seconds = form.seconds(several.cells)
        notes = _span_notes(source, form)
        reading = Reading(
            source.name, "duration", source.why(seconds, "spans of time"), notes=notes, form=form
        )
        drafts.insert(len(drafts) if looks["time"] > HALF else 0,
                      (source.share(seconds), Draft(reading)))  # fmt: skip
    if looks["date"] > HALF:
        dates = fit_dates(several, source.codes, customs.day_first)
        drafts.append((dates.share, draft_of_dates(source, dates)))
    return _best(source, drafts, looks, text)


def _span_notes(source: TextColumn, form: SpanForm) -> tuple[str, ...]:
    """What was decided about spans of time."""
    texts, notes = [source.cells.texts[code] for code in source.codes], []
    short = next((text for text in texts if TWO_PARTS.fullmatch(text)), None)
    if short is not None:
        parts = "minutes and seconds" if form.two_parts == 1.0 else "hours and minutes"
        notes.append(f"cells such as {short!r} are {parts}")
    if any(map(LONG_UNIT.search, texts)):
        notes.append("a year counts 365.25 days, a month a twelfth of it")
    return (*notes, "spans of time are read as seconds")


def _looks(source: TextColumn, sample: list[int]) -> dict[str, float]:
    """The shares of a sample's rows that look like a number, a date, a clock time or a span."""
    looks = dict.fromkeys(("number", "date", "time", "duration"), 0.0)
    texts = [source.cells.texts[code] for code in sample]
    if not any(map(HAS_DIGIT.search, texts)):
        return looks
    looks["number"] = source.share_of_sample(sample, is_number)
    if looks["number"] < 1.0 or any(map(HAS_LETTER.search, texts)):  # bare numbers are no others
        looks["date"] = fit_dates(source.cells, sample).share
        looks["time"] = source.share_of_sample(sample, _is_clock)
        looks["duration"] = source.share_of_sample(sample, _is_span)
    return looks


def _best(
    source: TextColumn,
    drafts: Sequence[tuple[float, Draft]],
    looks: dict[str, float],
    text: Reading,
) -> Draft:
    """The kind of nearly all cells; else texts, with a note of what some look like."""
    share, draft = max(drafts, key=lambda one: one[0], default=(0.0, Draft(text)))
    if share > NEARLY_ALL:
        return draft
    rows = int(source.cells.counts.sum())
    why = counted(rows, rows, "are texts")
    best = max(looks, key=lambda kind: looks[kind])
    part = looks[best]
    if best == "number" and part >= WORTH_A_NOTE:
        sample = [code for code in source.cells.sample() if not source.cells.markers[code]]
        part = source.share_of_sample(sample, is_known_number)
    if part < WORTH_A_NOTE:
        notes = (*_words_behind_numbers(source, looks), *_years_beyond(source))
        return Draft(replace(text, why=why, notes=notes))
    cells = source.cells.cells
    odd = next((code for code in source.codes if not _fits(best, cells[code])), None)
    if odd is None:
        return _contradictory(source, drafts, best, replace(text, why=why))
    if best == "number" and part >= HALF and _are_quantities(source):
        return Draft(text, DataError(
            f"column {source.name!r}: about {100 * part:.0f} % of its cells are numbers, and "
            f"{source.where(odd)} is none: correct or empty such cells, read it as text "
            f"({as_option(source.name, 'text')}), or leave it out ({drop_option(source.name)})"
        ))  # fmt: skip
    note = (
        f"about {100 * part:.0f} % of its cells look like a {best}, others are texts such as "
        f"{source.where(odd)}: all are read as texts; empty or correct those to have {best}s"
    )
    return Draft(replace(text, why="it mixes kinds", notes=(note,)))


def _years_beyond(source: TextColumn) -> tuple[str, ...]:
    """Say of codes such as 9227/08 that they look like dates, and are none."""
    cells = source.cells.cells
    sample = [code for code in source.cells.sample() if not source.cells.markers[code]]
    if not sample or not FOUR_DIGITS.search(str(cells[sample[0]])):
        return ()
    if not fit_dates(source.cells, sample).beyond:
        return ()
    where = source.where(sample[0])
    return (f"cells such as {where} look like dates of years beyond {YEARS[0]} to {YEARS[1]}: they "
            "are read as texts",)  # fmt: skip


def _contradictory(
    source: TextColumn, drafts: Sequence[tuple[float, Draft]], best: str, text: Reading
) -> Draft:
    """Cells that are all numbers or dates, but not written in one way: 1.234,5 beside 1,234.5."""
    if best not in ("number", "date") or not drafts:
        return Draft(text)
    share, draft = max(drafts, key=lambda one: one[0])
    if share < HALF or draft.reading.kind != best:
        return Draft(text)
    several, form = source.cells, draft.reading.form
    cells = [several.cells[code] for code in source.codes]
    read = (
        np.isfinite(form.numbers(cells)) if isinstance(form, NumberForm)
        else form.times(cells).notna().to_numpy() if isinstance(form, DateForm)
        else np.ones(len(cells), bool)
    )  # fmt: skip
    if read.all():
        return Draft(text)
    right, wrong = (source.where(source.codes[int(np.argmax(fits))]) for fits in (read, ~read))
    how = "the decimal mark" if best == "number" else "the order of day and month"
    return Draft(text, DataError(
        f"column {source.name!r}: {how} of {wrong} is not that of {right}: write all alike, read "
        f"it as text ({as_option(source.name, 'text')}), or leave it out "
        f"({drop_option(source.name)})"
    ))  # fmt: skip


def _are_quantities(source: TextColumn) -> bool:
    """Whether most numbers have fractions or marks of thousands, as no codes have."""
    sample = [source.cells.cells[code] for code in source.cells.sample()]
    numbers = [cell for cell in sample if isinstance(cell, str) and is_known_number(cell)]
    return len(numbers) >= FEW_NUMBERS and (
        sum(FRACTION.search(cell) is not None for cell in numbers) >= 0.6 * len(numbers)
    )


def _words_behind_numbers(source: TextColumn, looks: dict[str, float]) -> tuple[str, ...]:
    """Say that nearly all cells are numbers with one of a few words behind them."""
    if looks["number"] <= NEARLY_ALL:
        return ()
    parts = [split_number(source.cells.texts[code]) for code in source.codes]
    words = list(dict.fromkeys(part.unit for part in parts if part is not None))
    if not 2 <= len(words) <= MOST_WORDS:
        return ()
    return (
        f"its cells are numbers with {', '.join(word or 'nothing' for word in words[:5])} behind "
        "them, which do not convert: all are read as texts",
    )


def _fits(kind: str, cell: Any) -> bool:
    """Whether a cell looks like one of a kind."""
    tests = {"number": is_known_number, "time": _is_clock, "duration": _is_span}
    if kind in tests:
        return tests[kind](cell)
    return bool(fit_dates(DistinctCells([cell], np.zeros(1, np.intp), True), [0]).share)


def _is_clock(cell: Any) -> bool:
    return not math.isnan(hour_of_day(cell))


def _is_span(cell: Any) -> bool:
    return not math.isnan(seconds_of(cell))


def _holds_spans(source: TextColumn) -> bool:
    """Whether 1:30:00 is a span of time, and no hour of the day: by the name, or a bare hour."""
    texts = (source.cells.texts[code] for code in source.codes)
    return bool(SPAN_NAME.search(source.name)) or any(map(BARE_HOUR.fullmatch, texts))
