"""What the texts of a column look like: shares of its rows that are numbers, dates, times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..column_values import DATE, YEARS
from .date_forms import (
    FAMILIES,
    LONGEST_DATE,
    MARKED,
    PIVOT,
    DateForm,
    begins_like_date,
    to_iso,
)  # fmt: skip
from .distinct_cells import DistinctCells

Ints: TypeAlias = NDArray[np.intp]

MOST_LOOKED_AT = 2000  # cells in which a year of two digits is looked for
FEWEST_BEYOND = 3  # dates of no year: one is a mistake, or stands for none, as 9999-12-31 does
HAS_DIGIT = re.compile(r"\d")
SEASON = re.compile(r"[0-9]{2}([0-9]{2})[/-]([0-9]{2})")
NUMERIC_ORDERS = ("dmy", "mdy")
NAMED_FAMILIES = tuple(name for name in FAMILIES if name not in NUMERIC_ORDERS)


@dataclass(frozen=True, eq=False)
class DateFit:
    """The form that fits the dates among cells.

    Attributes
    ----------
    form : DateForm
    share : float
        Of the rows, those that look like a date of this form, be there such a day or not.
    ambiguous : bool
        Whether all of its dates could have day and month the other way round.
    reason : str
        What decided about day and month; empty if nothing had to.
    short_years : bool
        Whether a year has two digits.
    ways : int
        In how many orders its dates are written.
    beyond : bool
        Whether there is no share since most years are none: 9227/08 is a number of a file.
    """

    form: DateForm
    share: float
    ambiguous: bool = False
    reason: str = ""
    short_years: bool = False
    ways: int = 1
    beyond: bool = False


def fit_dates(
    several: DistinctCells, codes: Sequence[int], day_first: bool | None = None
) -> DateFit:
    """Find the form of the dates among some of the different cells of a column.

    `day_first` decides where nothing in the column does.
    """
    cells, counts = several.cells, several.counts
    if several.only_texts and all(DATE.fullmatch(cells[code]) for code in codes):
        beyond = _are_beyond([cells[code] for code in codes[:MOST_LOOKED_AT]])
        return DateFit(DateForm(), 1.0 if len(codes) and not beyond else 0.0, beyond=beyond)
    matches = {code: _families(cells[code]) for code in codes}
    total = sum(int(counts[code]) for code in codes)
    rows: Counter[str] = Counter()
    for code, families in matches.items():
        rows.update(dict.fromkeys(families, int(counts[code])))
    order, reason, ambiguous = _order(several, matches, rows, day_first)
    dropped = {"dmy", "mdy"} - {order}
    used = {
        next((family for family in families if family not in dropped), "")
        for families in matches.values()
    } - {""}
    matched = sum(
        int(counts[code]) for code, families in matches.items() if set(families) - dropped
    )
    marks = {
        parts[2] for code, families in matches.items()
        if order in families and (parts := MARKED.search(cells[code]))
    }  # fmt: skip
    form = DateForm(
        tuple(family for family in FAMILIES if family in used), PIVOT, "", "".join(sorted(marks))
    )
    short = any(
        to_iso(cells[code], family, 0) != to_iso(cells[code], family, 100)
        for code in codes[:MOST_LOOKED_AT] for family in matches[code][:1] if family != "iso"
    )  # fmt: skip
    share = matched / total if total else 0.0
    if used == {"year month"} and all(_is_season(cells[code]) for code in codes):
        share = 0.0
    beyond = bool(share) and not short and _are_beyond([
        to_iso(cells[code], families[0]) if families[0] != "iso" else cells[code]
        for code in codes[:MOST_LOOKED_AT] if (families := matches[code])
    ])  # fmt: skip
    return DateFit(form, 0.0 if beyond else share, ambiguous, reason, short, len(used), beyond)


def _families(cell: Any) -> tuple[str, ...]:
    """The families that a cell fits, ``"iso"`` for a date that needs none."""
    if isinstance(cell, (date, np.datetime64)):
        return ("iso",)
    if not isinstance(cell, str) or len(cell) < 4 or len(cell) > LONGEST_DATE:
        return ()
    if DATE.fullmatch(cell):
        return ("iso",)
    if not HAS_DIGIT.search(cell) or cell.isdigit() or not begins_like_date(cell):
        return ()
    orders = tuple(order for order in NUMERIC_ORDERS if to_iso(cell, order) is not None)
    if orders:
        return orders
    named = next((name for name in NAMED_FAMILIES if to_iso(cell, name) is not None), None)
    return () if named is None else (named,)


def _are_beyond(isos: Sequence[Any]) -> bool:
    """Whether most of different dates are of years that no date here can have."""
    years = [int(iso[:4]) for iso in isos if isinstance(iso, str) and iso[:4].isdecimal()]
    beyond = sum(not YEARS[0] <= year <= YEARS[1] for year in years)
    return beyond >= FEWEST_BEYOND and beyond > len(isos) / 2


def _is_season(cell: Any) -> bool:
    """Whether 2010/11 is a season, as all of its column are, and no month."""
    match = SEASON.fullmatch(cell)
    return match is not None and (int(match.group(1)) + 1) % 100 == int(match.group(2))


def _order(
    several: DistinctCells,
    matches: dict[int, tuple[str, ...]],
    rows: Counter[str],
    day_first: bool | None,
) -> tuple[str, str, bool]:
    """Whether 05/06/2026 is in June or in May, why, and whether that is a guess."""
    if not rows["dmy"] and not rows["mdy"]:
        return "dmy", "", False
    if rows["dmy"] != rows["mdy"]:
        order = max(NUMERIC_ORDERS, key=lambda name: rows[name])
        sure = next(code for code, families in matches.items() if families == (order,))
        example = several.cells[sure]
        return order, f"{example} cannot be otherwise", False
    both = [code for code, families in matches.items() if families == NUMERIC_ORDERS]
    if all("." in several.cells[code] for code in both):
        return "dmy", "dates with points have the day first", False
    rising = [order for order in NUMERIC_ORDERS if _is_rising(several, both, order)]
    if len(rising) == 1:
        return rising[0], "so the rows are in order of time", True
    if day_first is not None:
        return "dmy" if day_first else "mdy", "as in other columns of the table", True
    return "dmy", "nothing tells which comes first", True


def _is_rising(several: DistinctCells, codes: list[int], order: str) -> bool:
    """Whether the rows are in order of time, up or down, if their dates have this order."""
    isos = {code: to_iso(several.cells[code], order) or "" for code in codes}
    dates = [isos[code] for code in several.codes[:100_000].tolist() if code in isos]
    if len(set(dates)) < 5:
        return False
    pairs = list(pairwise(dates))
    return all(a <= b for a, b in pairs) or all(a >= b for a, b in pairs)
