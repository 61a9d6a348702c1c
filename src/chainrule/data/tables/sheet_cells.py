"""What the XML of an .xlsx sheet says beyond its values: merged cells, formats, what is hidden.

A number that is shown as 25 % is stored as 0.25, one that is shown as 01067 as 1067: they are read
as they are shown, as they would stand in a CSV file of the same table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ...errors import DataError
from ...lazy import LazyModule

pd = LazyModule("pandas")

Cells: TypeAlias = Any  # a DataFrame: rows and columns of a sheet, counted from 0

MERGED = re.compile(rb'<mergeCell ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')
FORMATS = re.compile(rb'<numFmt\b[^>]*?\bnumFmtId="(\d+)"[^>]*?\bformatCode="([^"]*)"')
CELL_FORMATS = re.compile(rb"<cellXfs\b.*?</cellXfs>", re.DOTALL)
FORMAT_ID = re.compile(rb'<xf\b[^>]*?\bnumFmtId="(\d+)"')
STYLED = re.compile(rb'<c r="([A-Z]+)(\d+)" s="(\d+)"')
HIDDEN_ROW, HIDDEN_COLUMN = (
    re.compile(rb'<row\b[^>]*\bhidden="(?:1|true)"'),
    re.compile(rb'<col\b[^>]*\bhidden="(?:1|true)"'),
)
ZEROS = re.compile(rb"0{2,}")
PERCENT_IDS = (b"9", b"10")


@dataclass(frozen=True)
class SheetCells:
    """Where cells of a sheet are more than their values; rows and columns counted from 0.

    Attributes
    ----------
    merged : tuple of (int, int, int, int)
        First row, first column, last row and last column of each merged cell.
    percent : frozenset of (int, int)
        Cells that are shown in percent.
    padded : dict of (int, int) to int
        Cells that are shown with zeros in front, and how many digits they have.
    notes : tuple of str
    """

    merged: tuple[tuple[int, int, int, int], ...] = ()
    percent: frozenset[tuple[int, int]] = frozenset()
    padded: dict[tuple[int, int], int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def column_number(name: bytes) -> int:
    """Return 1 for A, 27 for AA."""
    number = 0
    for letter in name:
        number = 26 * number + letter - ord("A") + 1
    return number


def sheet_cells(content: bytes, styles: bytes) -> SheetCells:
    """Return what the XML of a sheet and of a workbook's styles says of its cells.

    Examples
    --------
    >>> sheet_cells(b'<mergeCell ref="A2:A4"/>', b"").merged
    ((1, 0, 3, 0),)
    """
    merged = tuple(
        (int(top) - 1, column_number(left) - 1, int(bottom) - 1, column_number(right) - 1)
        for left, top, right, bottom in MERGED.findall(content)
    )
    notes = []
    for pattern, noun in ((HIDDEN_ROW, "row"), (HIDDEN_COLUMN, "column")):
        count = len(pattern.findall(content))
        if count:
            notes.append(f"{count} hidden {noun}s of the sheet are read, too" if count > 1 else
                         f"a hidden {noun} of the sheet is read, too")  # fmt: skip
    codes = dict(FORMATS.findall(styles))
    block = CELL_FORMATS.search(styles)
    ids = FORMAT_ID.findall(block.group()) if block else []
    percent = {
        k for k, each in enumerate(ids) if each in PERCENT_IDS or b"%" in codes.get(each, b"")
    }  # fmt: skip
    padded = {
        k: len(codes[each]) for k, each in enumerate(ids) if ZEROS.fullmatch(codes.get(each, b""))
    }
    percents: set[tuple[int, int]] = set()
    zeros: dict[tuple[int, int], int] = {}
    if percent or padded:
        for letters, row, style in STYLED.findall(content):
            position = (int(row) - 1, column_number(letters) - 1)
            if int(style) in percent:
                percents.add(position)
            elif int(style) in padded:
                zeros[position] = padded[int(style)]
    return SheetCells(merged, frozenset(percents), zeros, tuple(notes))


def as_displayed(name: str, body: Cells, cells: SheetCells) -> tuple[Cells, tuple[str, ...]]:
    """Return the rows of a table with merged cells filled, and numbers as they are shown.

    Parameters
    ----------
    name : str
        The sheet, for errors.
    body : pandas.DataFrame
        Without the names; its labels say where each cell stands.
    cells : SheetCells

    Raises
    ------
    DataError
        If some numbers of a column are shown in percent, and others are not.
    """
    notes = list(cells.notes)
    body = body.copy()
    rows, columns = {int(k) for k in body.index}, {int(k) for k in body.columns}
    tall = wide = 0
    for top, left, bottom, right in cells.merged:
        if top not in rows or left not in columns:
            continue
        wide += right > left
        if bottom > top:
            tall += 1
            inside = [k for k in range(top + 1, bottom + 1) if k in rows]
            body.loc[inside, left] = body.loc[top, left]
    if tall:
        notes.append(
            f"{tall} merged cells span several rows: each of these has the value"
            if tall > 1
            else "a merged cell spans several rows: each has its value"
        )
    if wide:
        notes.append(
            f"{wide} merged cells span several columns: only the first has the value"
            if wide > 1
            else "a merged cell spans several columns: only the first has it"
        )
    for column in sorted(columns if cells.percent or cells.padded else ()):
        known = [(row, cell) for row, cell in body[column].items() if _is_number(cell)]
        percents = [row for row, _ in known if (row, column) in cells.percent]
        if percents:
            other = next((row for row, cell in known
                          if (row, column) not in cells.percent and cell != 0), None)  # fmt: skip
            if other is not None:
                raise DataError(
                    f"{name}, column {column + 1}: row {percents[0] + 1} is shown in percent, "
                    f"row {other + 1} is not ({body.loc[other, column]}): give all one format"
                )
            body[column] = body[column].map(_in_percent, na_action="ignore")
            notes.append(f"the numbers of column {column + 1} are read in percent, as shown")
        padded = [(row, cells.padded[row, column]) for row, _ in known
                  if (row, column) in cells.padded]  # fmt: skip
        for row, length in padded:
            cell = body.loc[row, column]
            if float(cell).is_integer() and cell >= 0:
                body.loc[row, column] = f"{int(cell):0{length}d}"
    return body, tuple(notes)


def _is_number(cell: Any) -> bool:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool) and cell == cell


def _in_percent(cell: Any) -> Any:
    return float(f"{cell * 100:.12g}") if _is_number(cell) else cell
