"""A delimited text as a table: its dialect, its header, its rows, and then its cells."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ...errors import DataError
from ...lazy import LazyModule
from ..columns.cell_bytes import cell_bytes, is_of_arrow
from ..decoding import to_utf8
from .dialect import sniff
from .drawings import undrawn
from .header import Header, find_header
from .layout import holds, layout_of
from .naming import ROW_NAMES, distinct_names, without_idle_columns
from .parsing import parsed
from .records import HEAD_ROWS, Body, Records, body_of
from .sums import LABELS, without_sums

pd = LazyModule("pandas")

LINE = "line"
SUM_STEMS = (b"otal", b"OTAL", b"umme", b"UMME", b"rgebnis", "тог".encode(), "計".encode())
DIGITS = re.compile(r"\d+|")
UNNAMED = re.compile(r"Unnamed: \d+(\.\d+)?")  # as pandas calls an index that was written along


def read_delimited(
    name: str,
    content: bytes,
    header: bool | None = None,
    delimiter: str | None = None,
    as_text: Collection[str] = (),
    encoding: str | None = None,
) -> tuple[Any, tuple[str, ...]]:
    """Return the table in the bytes of a text file, and what was decided in reading it.

    Rows amid which others are left out have their lines as labels, in an index of the name `LINE`.

    Parameters
    ----------
    name : str
        The file, for errors.
    content : bytes
    header : bool, optional
        Whether a line names the columns; decided if left out.
    delimiter : str, optional
        What the file's name promises.
    as_text : collection of str
        Columns whose cells stay texts.
    encoding : str, optional
        Decided if left out.

    Raises
    ------
    DataError
        If a row does not fit, with its line; or there are no rows.

    Examples
    --------
    >>> frame, notes = read_delimited("a.csv", b"code;x\\n007;1.5\\n008;2\\n")
    >>> frame.to_dict("list"), notes
    ({'code': ['007', '008'], 'x': [1.5, 2.0]}, ('semicolons divide the cells',))
    """
    text, notes = to_utf8(name, content, encoding)
    if not text or text.isspace():
        raise DataError(f"{name} is empty; give a file with a header line and rows")
    source, said = _records(name, undrawn(text), delimiter)
    head, labels = source.rows(0, HEAD_ROWS)
    top = find_header(name, head, labels, source.width, header)
    body, more = body_of(source, top, source.width)
    notes += (*said, *top.notes, *more)
    names, columns, more = _names(source, top, body)
    frame, marks = parsed(source, body, columns, as_text)
    if top.short and names[-1] == "":
        _check_trailing(source, frame, names)
    frame, idle = without_idle_columns(frame, ["" if UNNAMED.match(n) else n for n in names])
    frame, sums = without_sums(frame, _may_have_sums(frame, text))
    if frame.shape[0] == 0:
        raise DataError(f"{name} has a header but no rows; add rows of data")
    frame = _numbered(frame, source, body)
    return frame, (*notes, *more, *marks, *idle, *sums)


def _numbered(frame: Any, source: Records, body: Body) -> Any:
    """Return a table with its lines as labels, if a row amid it that is not blank is left out."""
    amid = any(source.layout.fields[k] for k in body.dropped)
    count = len(frame)
    if not count or (not amid and int(frame.index[-1]) == count - 1):
        return frame.reset_index(drop=True)
    records = np.setdiff1d(np.arange(body.first, body.end), body.dropped)[frame.index.to_numpy()]
    lines = source.layout.lines[records] + source.sniffed.skipped
    return frame.set_axis(pd.Index(lines, name=LINE), axis=0)


def _records(name: str, text: bytes, delimiter: str | None) -> tuple[Records, tuple[str, ...]]:
    """Return the records of a text, and what its dialect is if it is not the usual one."""
    sniffed = sniff(text, delimiter)
    start = 0
    for _ in range(sniffed.skipped):
        start = text.index(b"\n", start) + 1
    text = text[start:] if start else text
    if sniffed.spacing is not None:
        text = sniffed.spacing.tabbed(name, text)
    layout = layout_of(name, text, sniffed.dialect)
    return Records(name, text, sniffed, layout), sniffed.notes


def _names(
    source: Records, top: Header, body: Body
) -> tuple[list[str], list[str], tuple[str, ...]]:
    """Return the names in the file, distinct names of all columns, and what was changed."""
    names = list(top.names)
    if not top.short:
        columns, notes = distinct_names(names)
        return names, columns, notes if top.named else ()
    rows, _ = source.rows(body.first, min(body.end, body.first + HEAD_ROWS))
    if all(not row[-1].strip() for row in rows):
        names = [*names, ""]
        return names, *distinct_names(names)
    _check_row_names(source, body, rows)
    columns, notes = distinct_names(names)
    first = ROW_NAMES if ROW_NAMES not in columns else f"{ROW_NAMES}_"
    note = f"the header is one name short, so the first column names the rows: {first}"
    return ["", *names], [first, *columns], (*notes, note)


def _check_row_names(source: Records, body: Body, rows: Sequence[Sequence[str]]) -> None:
    """Refuse rows with one cell more than names, if their first cells are no names of rows."""
    width = source.width
    fitting = [row for row in rows if len(row) == width]
    first = [row[0].strip() for row in fitting]
    split = [
        k for k in range(1, width)
        if k in source.layout.coded
        and all(DIGITS.fullmatch(row[k - 1]) and DIGITS.fullmatch(row[k]) for row in fitting)
    ]  # fmt: skip
    if len(set(first)) == len(first) and not split:
        return
    raise DataError(
        f"{source.name}: {width - 1} columns are named and line {source.line(body.first)} has "
        f"{width} cells, divided by {source.dialect.delimiter!r}: {' | '.join(rows[0])!r:.60}; "
        "name each column, or quote cells with such a mark in them, as a decimal comma is"
    )


def _check_trailing(source: Records, frame: Any, names: Sequence[str]) -> None:
    """Refuse rows with one cell more than names, unless that one is empty in all of them."""
    extra = frame.iloc[:, -1].notna().to_numpy()
    if extra.any():
        row = int(np.argmax(extra)) + 1
        raise DataError(
            f"{source.name}: {len(names) - 1} columns are named and row {row} has {len(names)} "
            "cells; name each column, or remove the last cell"
        )


def _may_have_sums(frame: Any, text: bytes) -> bool:
    """Whether a cell in which a row may be called a sum holds a part of such a name."""
    names = [name for name, dtype in frame.dtypes.items() if dtype.kind not in "iufbM"]
    texts = [frame[name] for name in names[:LABELS]]
    parts = [text]
    if all(is_of_arrow(column) for column in texts):  # whose bytes are there already
        parts = [text if cells is None else cells.text for cells in map(cell_bytes, texts)]
    return bool(texts) and any(holds(part, stem) for part in parts for stem in SUM_STEMS)
