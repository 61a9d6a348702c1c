"""Numbers as offices write them: separators of both customs, currencies, units, signs anywhere.

A column is read in one form. Whether a comma is a decimal mark or one of thousands is decided by
all of its cells: "1,234.5" and "1,234,567" tell, and so does "0,5"; "1,234" alone does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...lazy import LazyModule
from .units import CURRENCIES, KNOWN, in_one_unit

pd = LazyModule("pandas")

Floats: TypeAlias = NDArray[np.float64]

LETTER_SHARE = 0.1  # of the numbers: a letter behind fewer, beside bare numbers, is a mistake
SAMPLE = 500  # cells that suggest a form
MANY_CELLS = 1000  # of more, most are read at once
LONGEST_TEXT = 100  # characters of a number with all that stands beside it
LONGEST_NUMBER = 15  # digits: of longer ones float64 cannot tell all apart; they are identifiers
PLAIN_FORMS = str.maketrans({
    "\u2212": "-", "\u2012": "-", "\u2013": "-", "\ufe63": "-", "\uff0d": "-", "\u00a0": " ",
    "\u202f": " ", "\u2009": " ", "\u2007": " ", "\u2019": "'", "\u02bc": "'",
    "\u200b": "", "\ufeff": "", "\u2060": "", "\u200e": "", "\u200f": "", "\u202a": "",
    "\u202c": "", "\u066b": ".", "\u066c": ",", "\uff0e": ".", "\uff0c": ",", "\uff05": "%",
    "\uff0b": "+", "\u3000": " ",
    **{chr(zero + digit): str(digit) for digit in range(10)
       for zero in (0x660, 0x6F0, 0x966, 0xFF10)},  # of Arabic, Persian, Hindi; wide ones
})  # fmt: skip
_CURRENCY = "|".join(re.escape(name) for name in sorted(CURRENCIES, key=len, reverse=True))
NUMBER = re.compile(
    rf"(?P<open>\()?[ ]?(?P<sign>[+-])?[ ]?(?P<before>{_CURRENCY})?[ ]?(?P<sign2>[+-])?[ ]?"
    r"(?P<body>[0-9][0-9.,' ]*|[.,][0-9]+)(?P<power>[eE][+-]?[0-9]{1,3}|[dD][+-][0-9]{2,3})?"
    r"[ ]?(?P<after>[%‰$€£¥₹₽₩₺₫₴₪฿元°Ω]?[^\W\d_]{0,12}[.]?(?:(?<=[mnt])[²³23])?"
    r"(?:/[0-9]{0,3}[^\W\d_]{1,8}[²³23]?)?)[ ]?(?P<sign3>-)?[ ]?(?P<close>\))?"
)
# What may stand between the signs of a number, by its decimal mark
BODIES = {
    ".": re.compile(
        r"(?:[0-9]+|[1-9][0-9]{0,2}([, '])[0-9]{3}(?:\1[0-9]{3})*"
        r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})(?:\.[0-9]*)?|\.[0-9]+"
    ),
    ",": re.compile(
        r"(?:[0-9]+|[1-9][0-9]{0,2}([. '])[0-9]{3}(?:\1[0-9]{3})*)(?:,[0-9]*)?|,[0-9]+"
    ),
}
AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")  # 1,234 or 1.234
LEADING_ZERO = re.compile(r"0[0-9]+")
POWER_CODE = re.compile(r"[0-9]+E[0-9]+")  # no program writes a number so: 1E+05, 1e5
MANY_DIGITS = re.compile(rf"[+-]?[0-9]{{{LONGEST_NUMBER + 1},}}")
ACCOUNTED = re.compile(rf"(?:({_CURRENCY})[ ]?-{{1,2}}|-{{1,2}}[ ]?({_CURRENCY}))")  # $ - is 0
ENCLOSED = re.compile(rf"({_CURRENCY})[ ]?\((.*)\)")
NO_CENTS = re.compile(r"(?<=[0-9])([,.])-{1,2}(?=[ ]|$)")  # 12,- and 1.200,-- are whole amounts
TRUTHS = {"true": 1.0, "false": 0.0}
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
    flags : tuple of str
        Marks of footnotes that may stand behind a number.
    truths : bool
        Whether ``true`` and ``false`` are 1 and 0, in any case.
    """

    decimal: str = "."
    units: tuple[tuple[str, float], ...] = ()
    flags: tuple[str, ...] = ()
    truths: bool = False

    def numbers(self, cells: Sequence[Any]) -> Floats:
        """Return cells as float64; NaN for what is no number of this form."""
        if self.truths:
            cells = [TRUTHS.get(cell.casefold(), cell) if isinstance(cell, str) else cell
                     for cell in cells]  # fmt: skip
        if self.flags:
            cells = [without_flag(cell, self.flags) for cell in cells]
        factors = {"": 1.0, **dict(self.units)}
        texts = np.fromiter((isinstance(cell, str) for cell in cells), bool, len(cells))
        values = np.full(len(cells), np.nan)
        if not texts.all():
            others = np.flatnonzero(~texts).tolist()
            values[others] = plain_numbers([cells[k] for k in others])
        todo = np.flatnonzero(texts).tolist()
        if len(todo) > MANY_CELLS and (self.units or self.decimal == ","):
            todo = self._read_at_once(cells, todo, values)
        if self.decimal == ".":
            values[todo] = plain_numbers([cells[k] for k in todo])
            todo = [k for k in todo if np.isnan(values[k])]
            if len(todo) > MANY_CELLS:
                todo = self._read_at_once(cells, todo, values)
        for k in todo:
            parts = split_number(cells[k])
            values[k] = np.nan if parts is None else parts.value(self.decimal, factors)
        return values

    def _read_at_once(self, cells: Sequence[Any], todo: list[int], values: Floats) -> list[int]:
        """Read all at once what is plain but for its separators and unit; return the others."""
        pattern, other = self._plain_pattern()
        fits = [k for k in todo if pattern.fullmatch(cells[k])]
        text = "\n".join([cells[k] for k in fits]).replace(other, "").replace(" ", "")
        text = text.replace(self.decimal, ".")
        for unit, factor in self.units:
            text = text.replace(unit, "") if factor == 1.0 else text
        read = text.split("\n") if fits else []
        if len(read) == len(fits):
            values[fits] = np.array(read, object).astype(np.float64)
        rest = np.array(todo, np.intp)
        return [int(k) for k in rest[np.isnan(values[rest])]]

    def _plain_pattern(self) -> tuple[re.Pattern[str], str]:
        """The commonest way to write a number of this form, and its mark of thousands."""
        other = "," if self.decimal == "." else "."
        units = "|".join(re.escape(unit) for unit, factor in self.units if unit and factor == 1.0)
        unit = f"(?:{units})?" if units else ""
        pattern = (
            rf"[+-]?{unit}(?:[1-9][0-9]{{0,2}}(?:{re.escape(other)}[0-9]{{3}})+|[0-9]+)"
            rf"(?:{re.escape(self.decimal)}[0-9]*)?[ ]?{unit}"
        )
        return re.compile(pattern), other

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "decimal": self.decimal, "units": [list(unit) for unit in self.units],
            "flags": list(self.flags), "truths": self.truths,
        }  # fmt: skip


def without_flag(cell: Any, flags: Sequence[str]) -> Any:
    """Return a number without the longest of some marks behind it."""
    if not isinstance(cell, str):
        return cell
    return next((cell.removesuffix(flag) for flag in flags[::-1] if cell.endswith(flag)), cell)


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
        power = self.power.replace("d", "e").replace("D", "e")  # as Fortran writes it
        value = float(f"{whole.translate(REMOVED) or '0'}.{rest}{power}") * factor
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
    if len(text) > LONGEST_TEXT:
        return None
    plain = text if text.isascii() else text.translate(PLAIN_FORMS)
    if "-" in plain:
        plain = NO_CENTS.sub(r"\g<1>00", plain).removesuffix("/-")  # Rs. 1,200/-
    if plain.endswith(")"):
        plain = ENCLOSED.sub(r"(\1\2)", plain)  # $(12) is ($12)
    match = NUMBER.fullmatch(plain)
    if match is None:
        zero = ACCOUNTED.fullmatch(plain.strip()) if "-" in plain else None
        return None if zero is None else NumberParts(
            "0", "", False, CURRENCIES[zero.group(1) or zero.group(2)]
        )  # fmt: skip
    opened, sign, before, sign2, body, power, after, sign3, closed = match.groups()
    signs = [one for one in (sign, sign2, sign3) if one]
    if bool(opened) != bool(closed) or len(signs) + bool(opened) > 1:
        return None
    currency, unit = CURRENCIES.get(before, ""), CURRENCIES.get(after, after)
    if currency and unit in CURRENCIES.values():
        unit = "" if unit == currency else unit
    negative, body = bool(opened) or signs == ["-"], body.rstrip()
    if not any(pattern.fullmatch(body) for pattern in BODIES.values()):
        return None
    return NumberParts(body, power or "", negative, f"{currency} {unit}".strip())


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
    clashing : tuple of str
        Units that do not convert into one, the commonest first, which is the form's; else empty.
    """

    form: NumberForm
    numbers: Floats
    ambiguous: bool
    well_known: bool
    plain: bool
    clashing: tuple[str, ...] = ()


def fit_numbers(cells: Sequence[Any], counts: NDArray[Any], decimal: str = "") -> NumberFit:
    """Find the form of the numbers among cells, each of which stands in so many rows.

    `decimal` decides where both marks fit; without it a point is a decimal mark, and a comma one of
    thousands.
    """
    if len(cells) > MANY_CELLS:
        quick = _fit_sample(cells, counts, decimal)
        if quick is not None:
            return quick
    values = plain_numbers(cells)
    rest = [k for k in np.flatnonzero(np.isnan(values)).tolist() if isinstance(cells[k], str)]
    parts = {k: number for k in rest if (number := split_number(cells[k])) is not None}
    if not parts and not decimal:
        return _plain_fit(values, cells)
    bodies = {k: _body(cells[k]) for k in np.flatnonzero(~np.isnan(values)).tolist()}
    bodies |= {k: number.body for k, number in parts.items()}
    scores = {
        mark: sum(int(counts[k]) for k, body in bodies.items() if not body or fits(body))
        for mark, fits in ((mark, pattern.fullmatch) for mark, pattern in BODIES.items())
    }
    tied = scores["."] == scores[","]
    best = (decimal or ".") if tied else max(scores, key=lambda mark: scores[mark])
    rows = _unit_rows(parts, counts, best, int(counts[~np.isnan(values)].sum()))
    factors = in_one_unit(rows)
    clashing = () if factors is not None else tuple(sorted(rows, key=lambda unit: -rows[unit]))
    form = NumberForm(best, _named(factors if factors is not None else {clashing[0]: 1.0}))
    numbers = form.numbers(cells)
    named = {unit.rpartition(" ")[2] for unit in rows if unit}
    bare = not form.units and best == "." and not np.isfinite(numbers[list(parts)]).any()
    ambiguous = tied and any(AMBIGUOUS.fullmatch(body) for body in bodies.values())
    return NumberFit(form, numbers, ambiguous, named <= KNOWN, bare, clashing)


def _fit_sample(cells: Sequence[Any], counts: NDArray[Any], decimal: str) -> NumberFit | None:
    """The form of some of many cells, if it fits all and is not ambiguous; else None."""
    step = -(-len(cells) // SAMPLE)
    fit = fit_numbers(cells[::step], counts[::step], decimal)
    if fit.ambiguous or fit.clashing or fit.plain or np.isnan(fit.numbers).any():
        return None
    numbers = fit.form.numbers(cells)
    return None if np.isnan(numbers).any() else replace(fit, numbers=numbers)


def _named(factors: dict[str, float]) -> tuple[tuple[str, float], ...]:
    """Factors as a form has them: bare numbers alone need none."""
    return tuple(sorted(factors.items())) if set(factors) - {""} else ()


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


def _unit_rows(
    parts: dict[int, NumberParts], counts: NDArray[Any], decimal: str, bare: int
) -> dict[str, int]:
    """Return how many rows have each unit."""
    rows: dict[str, int] = {"": bare} if bare else {}
    for k, number in parts.items():
        if BODIES[decimal].fullmatch(number.body):
            rows[number.unit] = rows.get(number.unit, 0) + int(counts[k])
    if bare:  # "4o" among numbers is a mistake, and no number of o
        least = LETTER_SHARE * sum(rows.values())
        rows = {
            unit: count for unit, count in rows.items()
            if not unit or (unit.rpartition(" ")[2] in KNOWN and (len(unit) > 1 or count >= least))
        }  # fmt: skip
    return rows or {"": 0}
