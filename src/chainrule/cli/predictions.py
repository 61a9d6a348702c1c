"""Predictions as CSV, JSON or JSON lines: in a file, or on standard output."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from .. import escape
from ..errors import DataError
from ..lazy import LazyModule
from . import keeping
from .anomaly_delivery import json_line
from .console import complain

pd = LazyModule("pandas")
LINE_END = "\r\n\udfff"  # for the writer: no text can hold half a character
FORMATS = ("csv", "json", "jsonl")
BY_ENDING = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def chosen_format(form: str | None, output: Path | None) -> str:
    """The format of the output: the one asked for, or by the ending of the file's name."""
    if form is not None and form not in FORMATS:
        raise DataError(f"--format {form}: give {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    suffix = "" if output is None else output.suffix.lower()
    return form or BY_ENDING.get(suffix, "csv")


def write(
    frame: Any, output: Path | None, target: str, raw: bool = False, form: str = "csv"
) -> None:
    """Write a table of predictions, and say where, and which of its cells were changed.

    Parameters
    ----------
    frame : pandas.DataFrame
        A cell may have a form of its own in JSON, by its method `to_json`.
    output : Path or None
        None: standard output.
    target : str
        What is predicted.
    raw : bool
        Whether cells that a spreadsheet would run stay as they are.
    form : str
        One of `FORMATS`.
    """
    note = ""
    if form == "csv":
        frame = _with_texts(frame)
        if not raw:
            frame, count = harmless(frame)
            if count:
                cells = "cell that a spreadsheet would run begins" if count == 1 else (
                    "cells that a spreadsheet would run begin")  # fmt: skip
                note = f"{count} {cells} with ' (--raw-csv leaves it out)"
    if output is None:
        _print(frame, form)
        if note:
            complain(f"chainrule: {note}")
        return
    written = keeping.write(output, _text(frame, form).encode())
    more = f"; {note}" if note else ""
    complain(f"wrote {len(frame)} predictions of {target!r} to {written}{more}")
    keeping.leave(False, (output, written))


def check_names(names: Sequence[str]) -> None:
    """Raise a `DataError` if two columns of the output would have the same name."""
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(
            f"two columns of the output would be named {twice!r}: leave out the --keep or --proba "
            "that adds one, or rename the column"
        )


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


# Formats


def records(frame: Any) -> list[dict[str, Any]]:
    """The rows as JSON holds them: numbers as numbers, null for what is missing."""
    names = [str(name) for name in frame.columns]
    columns = [[_json_value(cell) for cell in frame.iloc[:, k].tolist()] for k in range(len(names))]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _json_value(cell: Any) -> Any:
    if hasattr(cell, "to_json"):
        return cell.to_json()
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, float):
        return cell if isfinite(cell) else None
    if cell is None or isinstance(cell, (str, bool, int)):
        return cell
    return None if pd.isna(cell) else str(cell)


def _with_texts(frame: Any) -> Any:
    """The table with texts in place of cells that JSON holds otherwise."""
    return frame.map(lambda cell: str(cell) if hasattr(cell, "to_json") else cell)


def _text(frame: Any, form: str) -> str:
    if form == "csv":
        return as_csv(frame)
    lines = [json_line(record) for record in records(frame)]
    if form == "jsonl":
        return "".join(f"{line}\n" for line in lines)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def as_csv(frame: Any) -> str:
    """A table as CSV, whose cells may hold line breaks of any kind.

    Python before 3.13 quotes only those characters that end its own lines.
    """
    return str(frame.to_csv(index=False, lineterminator=LINE_END)).replace(LINE_END, "\n")


def _print(frame: Any, form: str) -> None:
    """On a terminal, what would steer it is shown; into a pipe goes the table as it is."""
    out = sys.stdout
    if out is None:
        return
    if out.isatty() and form == "csv":  # JSON is in ASCII, and escapes it
        frame = _texts(frame, escape.terminal)
    text = _text(frame, form)
    try:
        text.encode(out.encoding or "utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"standard output is {out.encoding}, which lacks {text[error.start]!a}: set "
            "PYTHONIOENCODING=utf-8, or write to a file with --output"
        ) from None
    out.write(text)
