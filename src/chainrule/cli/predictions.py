"""Predictions as CSV: in a file, or on standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import escape
from ..errors import DataError
from ..lazy import LazyModule
from . import keeping
from .console import complain

pd = LazyModule("pandas")
LINE_END = "\r\n\udfff"  # for the writer: no text can hold half a character


def write(frame: Any, output: Path | None, target: str, raw: bool = False) -> None:
    """Write a table of predictions, and say where, and which of its cells were changed.

    Parameters
    ----------
    frame : pandas.DataFrame
    output : Path or None
        None: standard output.
    target : str
        What is predicted.
    raw : bool
        Whether cells that a spreadsheet would run stay as they are.
    """
    note = ""
    if not raw:
        frame, count = harmless(frame)
        if count:
            cells = "cell that a spreadsheet would run begins" if count == 1 else (
                "cells that a spreadsheet would run begin")  # fmt: skip
            note = f"{count} {cells} with ' (--raw-csv leaves it out)"
    if output is None:
        _print(frame)
        if note:
            complain(f"chainrule: {note}")
        return
    written = keeping.write(output, as_csv(frame).encode())
    more = f"; {note}" if note else ""
    complain(f"wrote {len(frame)} predictions of {target!r} to {written}{more}")
    keeping.leave(False, (output, written))


def harmless(frame: Any) -> tuple[Any, int]:
    """The table without cells that a spreadsheet would run, and how many there were.

    Names of columns count as cells.
    """
    changed = _texts(frame, escape.spreadsheet)
    count = sum(new != old for new, old in zip(changed.columns, frame.columns, strict=True))
    for k in range(frame.shape[1]):
        new, old = changed.iloc[:, k], frame.iloc[:, k]
        count += int((new.notna() & (new != old)).sum())
    return changed, count


def _texts(frame: Any, changed: Callable[[str], str]) -> Any:
    """The table with another text for each text, also of its columns' names."""
    columns = [frame.iloc[:, k] for k in range(frame.shape[1])]
    columns = [
        column if column.dtype.kind in "biufcM"
        else column.map(lambda cell: changed(cell) if isinstance(cell, str) else cell)
        for column in columns
    ]  # fmt: skip
    return named([changed(str(name)) for name in frame.columns], columns)


def named(names: Sequence[str], columns: Sequence[Any]) -> Any:
    """A table of columns, of which two may have the same name."""
    frame = pd.DataFrame(dict(enumerate(columns)))
    frame.columns = list(names)
    return frame


def as_csv(frame: Any) -> str:
    """A table as CSV, whose cells may hold line breaks of any kind.

    Python before 3.13 quotes only those characters that end its own lines.
    """
    return str(frame.to_csv(index=False, lineterminator=LINE_END)).replace(LINE_END, "\n")


def _print(frame: Any) -> None:
    """On a terminal, what would steer it is shown; into a pipe goes the table as it is."""
    out = sys.stdout
    if out is None:
        return
    if out.isatty():
        frame = _texts(frame, escape.terminal)
    text = as_csv(frame)
    try:
        text.encode(out.encoding or "utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"standard output is {out.encoding}, which lacks {text[error.start]!a}: set "
            "PYTHONIOENCODING=utf-8, or write to a file with --output"
        ) from None
    out.write(text)
