"""Columns of numbers that are written as texts: their form, and what there is to say about it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from ...errors import DataError
from ...lazy import LazyModule
from ..cells import row_number
from .date_forms import DateForm
from .drafts import Draft, counted, cut, how_many, marker_note, mend
from .kinds import Customs, as_option, drop_option
from .number_forms import (
    AMBIGUOUS,
    LEADING_ZERO,
    LONGEST_NUMBER,
    MANY_DIGITS,
    POWER_CODE,
    NumberFit,
    NumberForm,
    fit_numbers,
    plain_numbers,
    split_number,
)
from .plain_texts import PlainTexts
from .reading import Reading
from .sentinels import sentinels
from .text_column import TextColumn
from .typed_columns import UNIT_WORDS, date_unit, sentinel_note
from .units import KNOWN

pd = LazyModule("pandas")

Series: TypeAlias = Any

# Names of what is written with digits and is no number: 1.10 is not 1.1, and +4930123 no sum
WRITTEN_CODES = (
    re.compile(r"(?i)version|release|firmware"),
    re.compile(r"(?i)phone|telefon|(?<![^\W_])(tel|fax|mobile|handy)(?![^\W_])"),
)
FEW_DIGITS = 6
WHOLE_OR_POWER = re.compile(r"[0-9]+(E[0-9]+)?")
FEW_SIZES = 3  # numbers: of fewer nothing is said of their size
OTHER_SIZE = 100.0


def is_number(cell: Any) -> bool:
    if not isinstance(cell, str):
        return bool(np.isfinite(plain_numbers([cell])[0]))
    return len(cell) < 60 and split_number(cell) is not None


def is_known_number(cell: Any) -> bool:
    """Whether a cell is a number, bare or with a unit that is one."""
    parts = split_number(cell) if isinstance(cell, str) and len(cell) < 60 else None
    if parts is None:
        return is_number(cell)
    return not parts.unit or parts.unit.rpartition(" ")[2] in KNOWN


def fit_of(source: TextColumn, customs: Customs) -> NumberFit:
    cells = [source.cells.cells[code] for code in source.codes]
    return fit_numbers(cells, source.cells.counts[source.codes], customs.decimal)


def is_letter(unit: str) -> bool:
    """Whether a unit may as well be a part of a code, as in 12B."""
    return len(unit) == 1 and unit.isalpha()


def share_in_any_unit(source: TextColumn) -> float:
    """The share of rows that are numbers in whatever unit."""
    fits = [is_number(source.cells.cells[code]) for code in source.codes]
    return float(source.cells.counts[source.codes][fits].sum() / source.rows)


def identifiers(source: TextColumn, fit: NumberFit, text: Reading) -> Reading | None:
    """The reading as texts of digits that are no quantity; None if they are one."""
    if fit.form.units or not fit.plain:
        return None
    known = [
        code for code, number in zip(source.codes, fit.numbers.tolist(), strict=True)
        if number == number and isinstance(source.cells.cells[code], str)
    ]  # fmt: skip
    texts = source.cells.texts
    zeros = [code for code in known if LEADING_ZERO.fullmatch(texts[code])]
    if zeros:
        count = int(source.cells.counts[zeros].sum())
        note = (
            f"{how_many(count)} begin{'s' * (count == 1)} with 0, such as {source.where(zeros[0])}:"
            f" codes, read as texts; {mend(source.name, 'number')}"
        )
        return replace(text, why="its numbers begin with 0: codes", notes=(note,))
    names = {WRITTEN_CODES[0]: ".", WRITTEN_CODES[1]: ""}
    coded = next((
        code for pattern, mark in names.items() if pattern.search(source.name)
        for code in known if mark in texts[code] and (mark or len(texts[code]) >= FEW_DIGITS)
    ), None)  # fmt: skip
    powers = [code for code in known if POWER_CODE.fullmatch(texts[code])]
    if coded is None and powers and all(WHOLE_OR_POWER.fullmatch(texts[code]) for code in known):
        coded = powers[0]
    if coded is not None:
        note = f"cells such as {source.where(coded)} are codes, read as texts"
        return replace(text, why="its numbers are codes",
                       notes=(f"{note}; {mend(source.name, 'number')}",))  # fmt: skip
    long = [code for code in known if MANY_DIGITS.fullmatch(texts[code])]
    whole = long and all("." not in texts[code] for code in known)
    if whole and not date_unit(source.name, fit.numbers):
        count = int(source.cells.counts[long].sum())
        note = (
            f"{how_many(count)} of more than {LONGEST_NUMBER} digits, such as "
            f"{source.where(long[0])}: identifiers, read as texts; {mend(source.name, 'number')}"
        )
        return replace(text, why="its numbers are too long for quantities", notes=(note,))
    return None


def draft_of_numbers(source: TextColumn, fit: NumberFit, asked: bool = False) -> Draft:
    """A column of numbers in the form that fits best; dates, if they are written as numbers."""
    name, several = source.name, source.cells
    numbers = source.over_all(fit.numbers)
    rows = several.spread(numbers, np.nan)
    unit = "" if asked or not fit.plain else date_unit(name, rows)
    if unit:
        note = f"its numbers are read as {UNIT_WORDS[unit]}; {mend(name, 'number')}"
        form = DateForm(unit=unit)
        why = f"its numbers are {UNIT_WORDS[unit]}"
        return Draft(Reading(name, "date", why, notes=(note,), form=form))
    taken = () if asked else sentinels(rows)
    why = (
        "as asked for"
        if asked
        else source.why(numbers, "numbers" + ("" if fit.plain else _written(fit.form, source)))
    )
    reading = Reading(
        name, "number", why, sum(float((rows == one).mean()) for one in taken),
        notes=(*_number_notes(source, fit), *(sentinel_note(name, one, rows) for one in taken)),
        form=fit.form, sentinels=taken,
    )  # fmt: skip
    fault = None if asked else _of_other_size(source, fit)
    if fault is not None:
        return Draft(reading, fault)
    sure = "" if fit.ambiguous or (fit.plain and fit.form.decimal == ".") else fit.form.decimal
    return Draft(reading, None, fit.ambiguous, sure)


def _of_other_size(source: TextColumn, fit: NumberFit) -> DataError | None:
    """The error of bare numbers beside some in a unit that are of another size altogether."""
    if len(fit.form.units) != 2 or "" not in dict(fit.form.units):
        return None
    parts = [split_number(source.cells.texts[code]) for code in source.codes]
    bare = np.array([part is not None and not part.unit for part in parts])
    sizes = [np.abs(fit.numbers[which & ~np.isnan(fit.numbers)]) for which in (bare, ~bare)]
    if min(map(len, sizes)) < FEW_SIZES or min(size.min() for size in sizes) <= 0.0:
        return None
    ratio = float(np.median(sizes[0]) / np.median(sizes[1]))
    if 1 / OTHER_SIZE < ratio < OTHER_SIZE:
        return None
    unit = next(unit for unit, _ in fit.form.units if unit)
    code = source.codes[int(np.argmax(bare))]
    return DataError(
        f"column {source.name!r} has numbers in {unit} and bare ones such as {source.where(code)}, "
        f"which are about {ratio:.3g} times as large: write the unit of all, read it as text "
        f"({as_option(source.name, 'text')}), or leave it out ({drop_option(source.name)})"
    )


def draft_of_plain(column: Series, plain: PlainTexts) -> Draft | None:
    """A long column of plain numbers; None if what they are needs a closer look."""
    name, numbers = str(column.name), plain.numbers
    known = np.flatnonzero(~np.isnan(numbers))
    is_code = any(pattern.search(name) for pattern in WRITTEN_CODES) or (
        b"E" in plain.marks and b"." not in plain.marks
    )
    if is_code or date_unit(name, numbers) or (plain.marks and all(
        AMBIGUOUS.fullmatch(bare := text.strip().lstrip("+-")) or bare.isdigit()
        for text in column.iloc[known[:: len(known) // 1000 + 1]].tolist()
    )):  # fmt: skip
        return None
    taken = sentinels(numbers)
    notes = []
    if plain.marked:
        word, row = next(iter(plain.markers.items()))
        where = f"{cut(word)!r} in row {row_number(column, row)}"
        notes.append(marker_note(name, plain.marked, list(plain.markers), where))
    notes += [sentinel_note(name, one, numbers) for one in taken]
    rows = len(known)
    missing = sum(float((numbers == one).mean()) for one in taken) + 1.0 - rows / len(numbers)
    examples = tuple(dict.fromkeys(cut(str(text)) for text in column.iloc[known[:200]].tolist()))
    values = np.where(np.isin(numbers, taken), np.nan, numbers) if taken else numbers
    return Draft(Reading(
        name, "number", counted(rows, rows, "are numbers"), missing, examples[:3], tuple(notes),
        NumberForm(), tuple(sorted(word.casefold() for word in plain.markers)), taken,
    ), is_sure=True, values=pd.Series(values, index=column.index, name=column.name))  # fmt: skip


def _written(form: NumberForm, source: TextColumn) -> str:
    """In words how numbers are written."""
    texts = [source.cells.texts[code] for code in source.codes[:200]]
    parts = [part for text in texts if (part := split_number(text)) is not None]
    other = "," if form.decimal == "." else "."
    marks = {mark for part in parts for mark in part.body if mark in (other, " ", "'")}
    names = {",": "a comma", ".": "a point", " ": "a space", "'": "an apostrophe"}
    written = [f"{names[mark]} for thousands" for mark in sorted(marks)]
    if form.decimal == "," and any("," in part.body for part in parts):
        written.append("a decimal comma")
    units = [unit for unit, _ in form.units if unit]
    if units:
        written.append(" or ".join(units[:4]))
    return f" written with {' and '.join(written)}" if written else ""


def _number_notes(source: TextColumn, fit: NumberFit) -> tuple[str, ...]:
    """What was decided about numbers, for the user to see."""
    notes: list[str] = []
    texts = {code: source.cells.texts[code] for code in source.codes}
    if fit.ambiguous:
        code = next(c for c, text in texts.items() if re.search(r"\d[.,]\d{3}", text))
        value = fit.numbers[source.codes.index(code)]
        notes.append(
            f"{cut(texts[code])!r} may be thousands or a fraction: read as {value:g}, with "
            f"{'a decimal comma' if fit.form.decimal == ',' else 'a decimal point'}; write the "
            "numbers without marks of thousands if that is wrong"
        )
    factors = dict(fit.form.units)
    units = [unit for unit in factors if unit]
    if any(factor != 1.0 for factor in factors.values()):
        listed = ", ".join(f"{unit or 'bare'} x {factor:g}" for unit, factor in factors.items())
        notes.append(f"numbers in several units are read in one: {listed}")
    elif units:
        notes.append(f"its numbers are in {units[0]}: 45 % is 45" if units[0] == "%" else
                     f"its numbers are in {units[0]}")  # fmt: skip
        plain = np.isfinite(plain_numbers(source.cells.cells)) if "" in factors else ()
        bare = [
            code for code, text in texts.items() if "" in factors
            and (plain[code] or ((parts := split_number(text)) is not None and not parts.unit))
        ]  # fmt: skip
        if bare:
            count = int(source.cells.counts[bare].sum())
            notes.append(
                f"{how_many(count)} without a unit, such as {source.where(bare[0])}, "
                f"count{'s' * (count == 1)} as {units[0]}"
            )
    negative = [code for code, text in texts.items() if text.startswith("(") and text.endswith(")")]
    if negative:
        count = int(source.cells.counts[negative].sum())
        notes.append(
            f"{how_many(count)} in parentheses, such as {source.where(negative[0])}, "
            f"{'is' if count == 1 else 'are'} negative"
        )
    if fit.clashing:
        notes.append(f"it mixes {', '.join(unit or 'no unit' for unit in fit.clashing[:4])}")
    return tuple(notes)


def draft_of_clashing(source: TextColumn, fit: NumberFit) -> Draft:
    """Numbers in units that do not convert: each alone is one, together they are none."""
    name = source.name
    units = [unit or "no unit" for unit in fit.clashing[:4]]
    cells = source.cells.texts
    first = fit.clashing[0]
    odd = next(
        code for code in source.codes
        if (parts := split_number(cells[code])) is not None and parts.unit != first
    )  # fmt: skip
    return Draft(Reading(name, "number", "its cells are numbers", form=fit.form), DataError(
        f"column {name!r} mixes numbers with {' and '.join(units)}, such as {source.where(odd)}: "
        f"write all alike, read it as text ({as_option(name, 'text')}), or leave it out "
        f"({drop_option(name)})"
    ))  # fmt: skip
