"""What stands among numbers or dates and is none: words for missing cells, and footnote marks.

A word that comes again and again among many different numbers, such as "pending", says that there
is no number. Read as texts, such a column would be lost. A mark behind some numbers, as those of
statistical offices (12.3 b, 12.3*, 12.3[1]), says something about the number, and is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from .fitting import fit_dates
from .number_forms import LONGEST_TEXT, split_number
from .text_column import TextColumn
from .units import KNOWN

MOST_WORDS = 3  # different ones: more are texts
FEWEST_ROWS = 2  # with a word: once it may be a mistake
FEWEST_VALUES = 10  # different numbers: fewer may be levels, as 1, 2, 3, studio
MOST_CELLS = 20_000  # that are looked at
HALF = 0.5
LONGEST_WORD = 40
MOST_TEXTS = 0.1  # of the rows: with more, a column is one of texts
DIGIT = re.compile(r"\d")
MARKED = re.compile(
    r"(?P<number>[^*†‡§\[]*\d[%€$£]?)(?P<flag>\s?(?:\*{1,3}|[†‡§]|\[[0-9a-z]{1,2}\]"
    r"|[\u00b9\u00b2\u00b3\u2070-\u2079]{1,2})|\s[a-z]{1,3})"
)
STATISTICAL = frozenset("bcdefnprsuzi")  # the letters behind numbers of Eurostat
TRUTHS = frozenset({"true", "false"})


def without_strays(source: TextColumn) -> TextColumn | None:
    """Return a column without marks and words that stray among its numbers; None if none do.

    Only columns are changed of which all other cells are numbers or dates.
    """
    if len(source.codes) > MOST_CELLS:
        return None
    texts = source.cells.cells
    if not all(isinstance(texts[code], str) for code in source.codes) or _are_texts(source):
        return None
    numbers = [code for code in source.codes if split_number(texts[code]) is not None]
    flags = _flags(source)
    flagged = [code for code in source.codes if _flag(texts[code]) in flags]
    values = sorted({*numbers, *flagged})
    if len(values) < max(FEWEST_VALUES, HALF * len(source.codes)):
        dates = fit_dates(source.cells, source.codes)
        if dates.share < HALF:
            return None
        return _without_words(source, [code for code in source.codes if _is_dated(source, code)])
    cleaned = _without_flags(source, flags) if flags else source
    return _without_words(cleaned, values) or (cleaned if flags else None)


def _are_texts(source: TextColumn) -> bool:
    """Whether too many cells are neither numbers nor dates, whatever words stray among them."""
    texts, counts = source.cells.texts, source.cells.counts
    words, rows = 0, 0
    for code in sorted(source.codes, key=lambda code: -int(counts[code])):
        if DIGIT.search(texts[code]) and (
            split_number(texts[code]) is not None or _flag(texts[code])
            or len(texts[code]) > LONGEST_TEXT or _is_dated(source, code)
        ):  # fmt: skip
            continue
        words += 1
        rows += int(counts[code]) if words > MOST_WORDS else 0
        if rows > MOST_TEXTS * source.rows:
            return True
    return False


def _is_dated(source: TextColumn, code: int) -> bool:
    return bool(fit_dates(source.cells, [code]).share)


def _without_words(source: TextColumn, values: list[int]) -> TextColumn | None:
    """A column in which words beside its values are words for missing cells."""
    others = [code for code in source.codes if code not in set(values)]
    texts, counts = source.cells.texts, source.cells.counts
    if not others or len(others) > MOST_WORDS or len(values) < FEWEST_VALUES:
        return None
    if counts[values].sum() < HALF * source.rows:
        return None
    for code in others:
        word = texts[code]
        if DIGIT.search(word) or len(word) > LONGEST_WORD or counts[code] < FEWEST_ROWS:
            return None
    words = frozenset(texts[code].casefold() for code in others)
    cells = replace(source.cells, words=source.cells.words | words)
    rows = source.rows - int(counts[others].sum())
    return replace(source, cells=cells, codes=values, rows=rows)


def _flag(cell: Any) -> str:
    """The mark behind a number, with the space before it; empty if there is none."""
    match = MARKED.fullmatch(cell) if isinstance(cell, str) and len(cell) < 60 else None
    if match is None or split_number(match["number"]) is None:
        return ""
    return match["flag"]


def _flags(source: TextColumn) -> tuple[str, ...]:
    """The marks behind numbers of a column, if there are bare numbers beside them."""
    texts = source.cells.texts
    flags = Counter(flag for code in source.codes if (flag := _flag(texts[code])))
    letters = {flag.strip() for flag in flags if flag.strip().isalpha()}
    if letters and (letters <= KNOWN or not set("".join(letters)) <= STATISTICAL):
        return ()
    bare = sum(
        (parts := split_number(texts[code])) is not None and not parts.unit for code in source.codes
    )
    return tuple(sorted(flags)) if flags and bare else ()


def _without_flags(source: TextColumn, flags: tuple[str, ...]) -> TextColumn:
    cells = [
        cell.removesuffix(_flag(cell)) if _flag(cell) in flags else cell
        for cell in source.cells.cells
    ]
    return replace(source, cells=replace(source.cells, cells=cells), flags=flags)


def are_truths(source: TextColumn) -> bool:
    """Whether all cells are truth values, some of which may be missing."""
    cells = [source.cells.cells[code] for code in source.codes[:10]]
    return len(source.codes) <= 6 and all(
        isinstance(cell, (bool, np.bool_)) or (isinstance(cell, str) and cell.casefold() in TRUTHS)
        for cell in cells
    )
