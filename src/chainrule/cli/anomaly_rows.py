"""Rows of a stream as they come: lines of CSV or JSON, whatever is in them."""

from __future__ import annotations

import csv
import json
import os
import re
import select
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..data.column_values import to_text
from ..errors import DataError
from .anomaly_interrupts import StopRequests

CHUNK = 2**16  # bytes of one reading
LONGEST_LINE = 2**20  # bytes: more is no row
FORMATS = ("csv", "jsonl")
SEPARATORS = (",", ";", "\t", "|")
QUOTED = re.compile(r'"[^"]*"')
NUMBERED = re.compile(r"column_\d+")  # names of a table whose first line holds numbers
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
TRUTH = {"true": True, "false": False}
# What pandas reads as an empty cell, as `train` did
EMPTY = {
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A row of the input.

    Attributes
    ----------
    line : int
        Its line, from 1.
    cells : dict of str to object
        All of its cells, by the column's name.
    """

    line: int
    cells: dict[str, Any]


@dataclass(frozen=True)
class WrongRow:
    """A line that is no row, and why."""

    line: int
    fault: str


class Pause:
    """All that has come so far has been given: the next row has to be waited for."""


PAUSE = Pause()
Line = tuple[int, bytes | None]


def lines(
    descriptor: int, requests: StopRequests, idle: Callable[[], None], seconds: float
) -> Iterator[Line | Pause]:
    """The lines of an open file with their numbers, each as soon as it has ended.

    Parameters
    ----------
    descriptor : int
    requests : StopRequests
        While it waits for a line, a signal raises `KeyboardInterrupt`.
    idle : callable
        Called whenever nothing has come for so many `seconds`.

    Yields
    ------
    number : int
    line : bytes or None
        None for one of more than 1 MiB, which is passed over. After the lines of one reading
        comes a `Pause`.
    """
    number, rest, too_long = 0, b"", False
    while chunk := _next_chunk(descriptor, requests, idle, seconds):
        *ended, rest = (rest + chunk).split(b"\n")
        for line in ended:
            number += 1
            yield number, None if too_long or len(line) > LONGEST_LINE else line
            too_long = False
        if len(rest) > LONGEST_LINE:
            rest, too_long = b"", True
        yield PAUSE
    if rest or too_long:
        yield number + 1, None if too_long else rest


def _next_chunk(
    descriptor: int, requests: StopRequests, idle: Callable[[], None], seconds: float
) -> bytes:
    while True:
        with requests.waiting():
            if os.name == "nt" or select.select([descriptor], [], [], seconds)[0]:
                return os.read(descriptor, CHUNK)
        idle()


def rows(
    numbered: Iterable[Line | Pause], needed: Sequence[str], form: str | None
) -> Iterator[Row | WrongRow | Pause]:
    """The rows of lines.

    Parameters
    ----------
    numbered : iterable of (int, bytes or None), or Pause
        See `lines`; a `Pause` is given on.
    needed : sequence of str
        The columns that a row must have.
    form : str or None
        One of `FORMATS`; None: JSON if the first character is a brace, else CSV with a header.

    Raises
    ------
    DataError
        If the header of CSV cannot be read or lacks a column.
    """
    header: _Header | None = None
    for numbered_line in numbered:
        if isinstance(numbered_line, Pause):
            yield numbered_line
            continue
        number, line = numbered_line
        text, fault = _decoded(line, first=header is None and form is None)
        if not fault and not text.strip():
            continue
        if form is None:
            form = "jsonl" if text.lstrip().startswith("{") else "csv"
        if form == "csv" and header is None:
            if fault:
                raise DataError(
                    f"line {number}: {fault}: give rows as CSV with a header, or as JSON lines"
                )
            header = _Header.read(text, needed, number)
            if header.is_in_input:
                continue
        if fault:
            yield WrongRow(number, fault)
            continue
        try:
            cells = _json_cells(text, needed) if header is None else header.cells(text)
        except DataError as error:
            yield WrongRow(number, str(error))
        else:
            yield Row(number, cells)


def _decoded(line: bytes | None, first: bool) -> tuple[str, str]:
    """A line as text, and why it is none."""
    if line is None:
        return "", f"it is longer than {LONGEST_LINE // 2**20} MiB"
    try:
        text = line.decode("utf-8-sig" if first else "utf-8").rstrip("\r")
    except UnicodeDecodeError:
        return "", "it is no text in UTF-8"
    return (text, "it holds a NUL, so it is no text") if "\0" in text else (text, "")


@dataclass(frozen=True)
class _Header:
    """The columns of CSV.

    `is_in_input` is False where the first line holds numbers, and the model was trained on a table
    without names.
    """

    names: tuple[str, ...]
    separator: str
    is_in_input: bool = True

    @classmethod
    def read(cls, text: str, needed: Sequence[str], number: int) -> _Header:
        bare = QUOTED.sub("", text)
        separator = max(SEPARATORS, key=bare.count)
        names = [name.strip() for name in _split(text, separator)]
        if all(NUMBERED.fullmatch(name) for name in needed) and not {*needed} & {*names}:
            return cls(tuple(f"column_{k + 1}" for k in range(len(names))), separator, False)
        twice = [name for name, count in Counter(names).items() if count > 1 and name]
        if twice:
            raise DataError(f"line {number}: two columns are named {twice[0]!r}; rename one")
        absent = [name for name in needed if name not in names]
        if absent:
            some = ", ".join(map(repr, names[:8])) + ", ..." * (len(names) > 8)
            raise DataError(
                f"line {number} names the columns {some:.400}, and {absent[0]!r} of the training "
                "is not among them: give CSV with a header, or JSON lines"
            )
        return cls(tuple(names), separator)

    def cells(self, text: str) -> dict[str, Any]:
        parts = [cell.strip() for cell in _split(text, self.separator)]
        if len(parts) != len(self.names):
            raise DataError(f"it has {len(parts)} cells, and there are {len(self.names)} columns")
        if self.separator == ";":
            parts = [c.replace(",", ".") if DECIMAL_COMMA.fullmatch(c) else c for c in parts]
        return {
            name: None if cell in EMPTY else cell
            for name, cell in zip(self.names, parts, strict=True)
        }


def _split(text: str, separator: str) -> list[str]:
    """The cells of one line; a quoted cell ends in its line."""
    try:
        return next(csv.reader([text], delimiter=separator, strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise DataError(f"it is no line of CSV ({error})") from None


def _json_cells(text: str, needed: Sequence[str]) -> dict[str, Any]:
    try:
        cells = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "it is nested too deep")
        raise DataError(f"it is no JSON ({reason})") from None
    if not isinstance(cells, dict):
        raise DataError(f"it is a JSON {type(cells).__name__}: give an object by column")
    absent = [name for name in needed if name not in cells]
    if absent:
        raise DataError(f"there is no column {absent[0]!r}; an empty cell is null")
    return cells


class CellReader:
    """Cells as `train` would have read them from a table.

    Parameters
    ----------
    numbers : collection of str
        Columns of numbers.
    levels : dict of str to collection of str
        Columns of categories and their values.
    """

    def __init__(self, numbers: Iterable[str], levels: dict[str, Iterable[str]]) -> None:
        self._numbers = frozenset(numbers)
        self._levels = {name: frozenset(known) for name, known in levels.items()}

    def __call__(self, name: str, cell: Any) -> Any:
        """A cell of CSV as a number where the column has numbers, else as the text it is."""
        if not isinstance(cell, str):
            return cell
        if name in self._numbers:
            return _number(cell)
        known = self._levels.get(name)
        if known is None or cell in known:
            return cell
        number = _number(cell)  # 01 and 1.0 are the category 1 of a column of numbers
        text = cell if isinstance(number, str) else to_text(TRUTH.get(cell.lower(), number))
        return text if text in known else cell


def _number(cell: str) -> float | str:
    """The number of a cell, or its text if it is none."""
    try:
        if "_" not in cell:  # which Python takes for a part of a number
            return float(cell)
    except ValueError:
        if cell in ("True", "true", "TRUE", "False", "false", "FALSE"):
            return float(TRUTH[cell.lower()])
    return cell
