"""`Draft`: a reading while it is learned; and the words in which readings are explained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...errors import DataError
from ..cells import row_number
from .distinct_cells import DistinctCells
from .kinds import as_option
from .reading import Reading

Series: TypeAlias = Any

LONGEST_EXAMPLE = 40  # characters of a cell in a message


@dataclass(frozen=True, eq=False)
class Draft:
    """A reading, and what other columns may still change.

    Attributes
    ----------
    reading : Reading
    fault : DataError or None
        Why the column cannot be read so.
    ambiguous : bool
        Whether its cells alone leave open how they are read.
    decimal : str
        The decimal mark that its cells prove; empty if they prove none.
    day_first : bool or None
        The order of day and month that its cells prove.
    is_sure : bool
        Whether all of its cells have been read so already.
    values : Series or None
        The column as it is read, where all cells have been read already.
    cells : DistinctCells or None
        The different cells of a column of texts.
    """

    reading: Reading
    fault: DataError | None = None
    ambiguous: bool = False
    decimal: str = ""
    day_first: bool | None = None
    is_sure: bool = False
    values: Series | None = None
    cells: DistinctCells | None = None


def cut(text: str) -> str:
    """Return a cell as it is shown: one line, not too long.

    Examples
    --------
    >>> cut("a\\nb"), len(cut("x" * 99))
    ('a b', 40)
    """
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_EXAMPLE else f"{line[: LONGEST_EXAMPLE - 3]}..."


def examples_of(cells: DistinctCells, codes: Sequence[int]) -> tuple[str, ...]:
    """Return the first three cells as they are shown."""
    return tuple(cut(cells.texts[code]) for code in codes[:3])


def cell_in_row(column: Series, cells: DistinctCells, code: int) -> str:
    """Return an example with its row: ``'n/a' in row 3``."""
    row = row_number(column, cells.first_row(code))
    return f"{cut(cells.texts[code])!r} in row {row}"


def how_many(count: int, noun: str = "cell") -> str:
    """Return a count with its noun.

    Examples
    --------
    >>> how_many(1), how_many(1200)
    ('1 cell', '1,200 cells')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def counted(count: int, rows: int, pair: str) -> str:
    """Return how many of the cells are so: ``"58 of 60 cells are numbers"``."""
    return f"{count:,} of {rows:,} cells {pair}"


def marker_note(name: str, count: int, words: Sequence[str], where: str) -> str:
    """Say which words count as missing."""
    listed = ", ".join(repr(cut(word)) for word in words[:4])
    cells = (
        f"1 cell counts as missing, {where}" if count == 1
        else f"{count:,} cells with {listed} count as missing, first {where}"
    )  # fmt: skip
    return f"{cells}; {as_option(name, 'text')} makes the column one of texts"


def mend(name: str, kind: str) -> str:
    """Return how to overrule a guess.

    Examples
    --------
    >>> mend("zip", "text")
    '--as zip=text overrules it'
    """
    return f"{as_option(name, kind)} overrules it"
