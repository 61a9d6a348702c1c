"""What each column of a table was taken for, on the terminal: before a training, and by inspect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.text import Text

from .. import escape
from .console import PlainConsole, table

if TYPE_CHECKING:
    from ..data.columns import Reading

MANY = 24  # columns from which on those that hold no surprise are listed in groups
PLURAL = {
    "number": "numbers", "text": "texts", "date": "dates", "time": "clock times",
    "duration": "durations", "ignore": "nothing that is read",
}  # fmt: skip
EXPECTED = ("number", "text")  # kinds that are grouped
EVIDENT = re.compile(r"(?<=cells) are (numbers|texts)$|^its cells are \w+ (?=\()")
ALL_TEXTS = re.compile(r"^([\d,]+) of \1 cells$")
LONG_NUMBER = re.compile(r"-?\d{1,4}\.\d{6,}(e[+-]?\d+)?")
MOST_NAMES = 4  # of a group
MOST_NOTES = 12
LONGEST_EXAMPLE = 18  # characters


def show_readings(
    out: PlainConsole,
    readings: Sequence[Reading],
    target: str | None = None,
    all_of_them: bool = False,
) -> None:
    """Print what the columns were taken for, and notes where something was guessed or cut.

    Parameters
    ----------
    out : PlainConsole
    readings : sequence of Reading
    target : str, optional
        The column that is predicted.
    all_of_them : bool
        Whether each column has a line and each note is printed; else columns of numbers and of
        texts without a note are grouped where there are many.
    """
    alone, groups = (list(readings), {}) if all_of_them else grouped(readings, target)
    for kind, members in groups.items():
        out.say(group_line(kind, members))
    if alone:
        out.print(readings_table(alone, target))
    notes = [(one.name, note) for one in readings for note in one.notes]
    listed = notes if all_of_them else notes[:MOST_NOTES]
    for name, note in listed:
        out.tell(f"column {name!r}: {note}", "note: ")
    if len(notes) > len(listed):
        out.say(f"note: {len(notes) - len(listed)} more notes: --columns-report shows them all")
    elif groups:
        out.say("all columns: --columns-report")


def grouped(
    readings: Sequence[Reading], target: str | None = None
) -> tuple[list[Reading], dict[str, list[Reading]]]:
    """Columns that have a line of their own, and the others by kind; few columns all have one."""
    if len(readings) <= MANY:
        return list(readings), {}
    alone: list[Reading] = []
    groups: dict[str, list[Reading]] = {}
    for one in readings:
        if one.name == target or one.notes or one.kind not in EXPECTED:
            alone.append(one)
        else:
            groups.setdefault(one.kind, []).append(one)
    return alone, groups


def group_line(kind: str, members: Sequence[Reading]) -> str:
    """A line about columns of one kind.

    Examples
    --------
    >>> from chainrule.data.columns import Reading
    >>> group_line("number", [Reading(f"x{k}", "number", missing=k / 50) for k in range(9)])
    '9 columns of numbers: x0, x1, x2, ..., x8; up to 16 % missing'
    """
    names = [one.name for one in members]
    if len(names) > MOST_NAMES:
        names = [*names[: MOST_NAMES - 1], "...", names[-1]]
    most = max(one.missing for one in members)
    count = f"{len(members)} column{'s' * (len(members) != 1)}"
    missing = f"up to {percent(most)} missing" if most else "nothing missing"
    return f"{count} of {PLURAL[kind]}: {', '.join(names)}; {missing}"


def readings_table(readings: Sequence[Reading], target: str | None = None) -> Any:
    """A table with a line for each column."""
    grid = table(
        "column", "read as", "missing", "examples", right=(2,), box=SIMPLE_HEAD, show_edge=False,
        pad_edge=False,
    )  # fmt: skip
    grid.columns[0].style = "cyan"
    for one in readings:
        kind = Text(escape.terminal(kind_text(one)), "yellow" if one.notes else "")
        if one.why:
            kind.append(escape.terminal(f": {short(one.why)}"), "dim")
        name = f"{one.name} (target)" if one.name == target else one.name
        grid.add_row(name, kind, percent(one.missing) if one.missing else "", examples_text(one))
    return grid


def kind_text(reading: Reading) -> str:
    """The kind of a column; of one that is not read that it is left out."""
    return "left out" if reading.kind == "ignore" else reading.kind


def short(why: str) -> str:
    """A reason without what the kind beside it says already.

    Examples
    --------
    >>> short("all 891 cells are numbers"), short("all 20 cells are numbers written with kg")
    ('all 891 cells', 'all 20 cells are numbers written with kg')
    >>> short("its cells are numbers (float64)")
    'float64'
    >>> short("12,000 of 12,000 cells are texts"), short("19 of 20 cells are texts")
    ('12,000 cells', '19 of 20 cells')
    """
    return ALL_TEXTS.sub(r"\1 cells", EVIDENT.sub("", why).removeprefix("(").removesuffix(")"))


def examples_text(reading: Reading) -> str:
    """The examples of a column in one line, each cut to a few characters.

    Examples
    --------
    >>> from chainrule.data.columns import Reading
    >>> examples_text(Reading("name", "text", examples=("Braund, Mr. Owen Harris", "Heikkinen")))
    'Braund, Mr. Owe..., Heikkinen'
    >>> examples_text(Reading("x", "number", examples=("0.0049123146617178", "1200")))
    '0.004912, 1200'
    """
    cells = map(_rounded, reading.examples) if reading.kind == "number" else reading.examples
    return ", ".join(map(cut_cell, cells))


def _rounded(cell: str) -> str:
    """A number of many digits with four of them; all else as it is written."""
    return f"{float(cell):.4g}" if LONG_NUMBER.fullmatch(cell) else cell


def cut_cell(cell: str) -> str:
    """The beginning of a cell that is long."""
    return cell if len(cell) <= LONGEST_EXAMPLE else f"{cell[: LONGEST_EXAMPLE - 3]}..."


def percent(share: float) -> str:
    """A share as whole per cents, which is 0 or 100 only if it is.

    Examples
    --------
    >>> [percent(share) for share in (0.0, 0.001, 0.2, 0.999, 1.0)]
    ['0 %', '<1 %', '20 %', '>99 %', '100 %']
    """
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 < share < 1:
        return ">99 %"
    return f"{share:.0%}".replace("%", " %")
