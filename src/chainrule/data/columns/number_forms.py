"""Numbers as offices write them: separators of both customs, currencies, units, signs anywhere.

A column is read in one form. Whether a comma is a decimal mark or one of thousands is decided by
all of its cells: "1,234.5" and "1,234,567" tell, and so does "0,5"; "1,234" alone does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...lazy import LazyModule
from .units import CURRENCIES, KNOWN, in_one_unit

pd = LazyModule("pandas")

Floats: TypeAlias = NDArray[np.float64]

LONGEST_NUMBER = 15  # digits: of longer ones float64 cannot tell all apart; they are identifiers
PLAIN_FORMS = str.maketrans({
    "\u2212": "-", "\u2012": "-", "\u2013": "-", "\ufe63": "-", "\uff0d": "-", "\u00a0": " ", "\u202f": " ",
    "\u2009": " ", "\u2007": " ", "\u2019": "'", "\u02bc": "'", "`": "'",
})  # fmt: skip
_CURRENCY = "|".join(re.escape(name) for name in sorted(CURRENCIES, key=len, reverse=True))
NUMBER = re.compile(
    rf"(?P<open>\()?[ ]?(?P<sign>[+-])?[ ]?(?P<before>{_CURRENCY})?[ ]?(?P<sign2>[+-])?[ ]?"
    r"(?P<body>\d[\d.,' ]*|[.,]\d+)(?P<power>[eE][+-]?\d{1,3})?"
    r"[ ]?(?P<sign3>-)?[ ]?(?P<after>[%‰$€£¥₹₽₩₺₫₴₪฿元°Ω]?[^\W\d_]{0,12}[.]?[²³23]?"
    r"(?:/[0-9]{0,3}[^\W\d_]{1,8}[²³23]?)?)[ ]?(?P<sign4>-)?[ ]?(?P<close>\))?"
)
# What may stand between the signs of a number, by its decimal mark
BODIES = {
    ".": re.compile(
        r"(?:\d+|[1-9]\d{0,2}([, '])\d{3}(?:\1\d{3})*|[1-9]\d?(?:,\d\d)+,\d{3})(?:\.\d*)?|\.\d+"
    ),
    ",": re.compile(r"(?:\d+|[1-9]\d{0,2}([. '])\d{3}(?:\1\d{3})*)(?:,\d*)?|,\d+"),
}
AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")  # 1,234 or 1.234
LEADING_ZERO = re.compile(r"0\d+")
MANY_DIGITS = re.compile(rf"[+-]?\d{{{LONGEST_NUMBER + 1},}}")
REMOVED = str.maketrans("", "", ", '.")


@dataclass(frozen=True)
class NumberForm:
    """How the numbers of a column are written.

    Attributes
    ----------
    decimal : str
        The decimal mark, ``"."`` or ``","``; the other one, spaces and apostrophes separate
        thousands.
    units : tuple of (str, float)
        Each unit that may stand beside a number, and by what it is multiplied; a bare number is
        multiplied by 1 or by the factor of the unit ``""``.
    """

    decimal: str = "."
    units: tuple[tuple[str, float], ...] = ()

    def numbers(self, cells: Sequence[Any]) -> Floats:
        """Return cells as float64; NaN for what is no number of this form."""
        factors = {"": 1.0, **dict(self.units)}
        values = plain_numbers(cells)
        rest = np.isnan(values) if self.decimal == "." else np.ones(len(values), bool)
        for k in np.flatnonzero(rest).tolist():
            cell = cells[k]
            if isinstance(cell, str):
                parts = split_number(cell)
                values[k] = np.nan if parts is None else parts.value(self.decimal, factors)
        return values

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"decimal": self.decimal, "units": [list(unit) for unit in self.units]}


@dataclass(frozen=True)
class NumberParts:
    """One number, taken apart.

    Attributes
    ----------
    body : str
        Digits with their separators.
    power : str
        ``"e3"``, or nothing.
    negative : bool
    unit : str
        What stands before or behind it; a currency by its code.
    """

    body: str
    power: str
    negative: bool
    unit: str

    def value(self, decimal: str, factors: dict[str, float]) -> float:
        """The number; NaN if it is not of this form."""
        factor = factors.get(self.unit)
        if factor is None or not BODIES[decimal].fullmatch(self.body):
            return np.nan
        whole, _, rest = self.body.partition(decimal)
        value = float(f"{whole.translate(REMOVED) or '0'}.{rest}{self.power}") * factor
        return -value if self.negative else value


def split_number(text: str) -> NumberParts | None:
    """Take a number apart; None if the text is none.

    Examples
    --------
    >>> split_number("$1,200.50")
    NumberParts(body='1,200.50', power='', negative=False, unit='$')
    >>> split_number("(12 kg)").negative, split_number("12.5-").negative, split_number("a1")
    (True, True, None)
    """
    match = NUMBER.fullmatch(text.translate(PLAIN_FORMS))
    if match is None:
        return None
    opened, sign, before, sign2, body, power, sign3, after, sign4, closed = match.groups()
    signs = [one for one in (sign, sign2, sign3, sign4) if one]
    if bool(opened) != bool(closed) or len(signs) + bool(opened) > 1:
        return None
    currency, unit = CURRENCIES.get(before, ""), CURRENCIES.get(after, after)
    if currency and unit in CURRENCIES.values():
        unit = "" if unit == currency else unit
    negative = bool(opened) or signs == ["-"]
    return NumberParts(body.rstrip(), power or "", negative, f"{currency} {unit}".strip())


def plain_numbers(cells: Sequence[Any]) -> Floats:
    """Return cells as float64: numbers, and texts such as 12, -1.5 and 1e3; NaN for others.

    Examples
    --------
    >>> plain_numbers(["12", "-1.5", "1e3", "1,5", "inf", True, 3]).tolist()
    [12.0, -1.5, 1000.0, nan, nan, 1.0, 3.0]
    """
    known = [
        cell if isinstance(cell, str) else _float(cell) if isinstance(cell, NUMERIC) else None
        for cell in cells
    ]
    values = pd.to_numeric(pd.Series(known, dtype=object), errors="coerce")
    values = np.array(values, np.float64)
    values[np.isinf(values)] = np.nan
    return values


NUMERIC = (Real, Decimal, np.bool_)


def _float(cell: Any) -> float:
    """One number as a float; NaN where it is too large, or a span of time, an integer to NumPy."""
    if isinstance(cell, np.timedelta64):
        return np.nan
    try:
        return float(cell)
    except OverflowError:
        return np.nan


@dataclass(frozen=True, eq=False)
class NumberFit:
    """A form that fits the cells of a column best.

    Attributes
    ----------
    form : NumberForm
    numbers : array of float64
        The cells in this form; NaN for others.
    ambiguous : bool
        Whether the other decimal mark fits as well, and gives other numbers.
    well_known : bool
        Whether each unit is one of the list, and no accident of a code such as 12B.
    plain : bool
        Whether all numbers are bare ones with a decimal point or none.
    """

    form: NumberForm
    numbers: Floats
    ambiguous: bool
    well_known: bool
    plain: bool


def fit_numbers(cells: Sequence[Any], counts: NDArray[Any], decimal: str = "") -> NumberFit:
    """Find the form of the numbers among cells, each of which stands in so many rows.

    `decimal` decides where both marks fit; without it a point is a decimal mark, and a comma one of
    thousands.
    """
    values = plain_numbers(cells)
    rest = [k for k in np.flatnonzero(np.isnan(values)).tolist() if isinstance(cells[k], str)]
    parts = {k: number for k in rest if (number := split_number(cells[k])) is not None}
    if not parts and not decimal:
        return _plain_fit(values, cells)
    bodies = {k: _body(cells[k]) for k in np.flatnonzero(~np.isnan(values)).tolist()}
    bodies |= {k: number.body for k, number in parts.items()}
    scores, agreeing = {}, True
    for mark in BODIES:
        scores[mark] = sum(
            int(counts[k]) for k, body in bodies.items() if not body or BODIES[mark].fullmatch(body)
        )
    ambiguous = [body for body in bodies.values() if AMBIGUOUS.fullmatch(body)]
    agreeing = not ambiguous
    tied = scores["."] == scores[","]
    best = max(scores, key=lambda mark: scores[mark])
    if tied:
        best = decimal or ("." if agreeing or any("," in body for body in ambiguous) else ".")
    units = _units(parts, counts, best, bare=int(counts[~np.isnan(values)].sum()))
    form = NumberForm(best, tuple(sorted(units.items())))
    numbers = form.numbers(cells)
    named = {unit.rpartition(" ")[2] for unit, _ in form.units if unit}
    return NumberFit(
        form, numbers, tied and not agreeing, named <= KNOWN,
        not form.units and best == "." and not any(np.isfinite(numbers[list(parts)])),
    )  # fmt: skip


def _plain_fit(values: Floats, cells: Sequence[Any]) -> NumberFit:
    """Bare numbers with a decimal point; 1.234 may be a thousand if all look like it."""
    known = np.flatnonzero(~np.isnan(values)).tolist()
    texts = [cells[k] for k in known if isinstance(cells[k], str)]
    pointed = 0
    for text in texts:
        bare = text.lstrip("+-")
        if "." not in bare and not MANY_DIGITS.fullmatch(bare) and bare.isdigit():
            continue
        if not AMBIGUOUS.fullmatch(bare):
            return NumberFit(NumberForm(), values, False, True, True)
        pointed += 1
    return NumberFit(NumberForm(), values, pointed > 0, True, True)


def _body(cell: Any) -> str:
    """The digits and separators of a plain number, without sign and power; of no text nothing."""
    if not isinstance(cell, str):
        return ""
    return re.split("[eE]", cell.strip().lstrip("+-"), maxsplit=1)[0]


def _units(
    parts: dict[int, NumberParts], counts: NDArray[Any], decimal: str, bare: int
) -> dict[str, float]:
    """Return the units with their factors; of units that do not convert the commonest alone."""
    rows: dict[str, int] = {"": bare} if bare else {}
    for k, number in parts.items():
        if BODIES[decimal].fullmatch(number.body):
            rows[number.unit] = rows.get(number.unit, 0) + int(counts[k])
    if set(rows) <= {""}:
        return {}
    together = in_one_unit(rows)
    if together is not None:
        return together
    most = max(rows, key=lambda unit: rows[unit])
    return {most: 1.0} if most else {}
