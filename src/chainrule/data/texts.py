"""Texts as they are given: lists, arrays and columns; CSV, JSONL and Parquet files; folders."""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..lazy import LazyModule
from .decoding import decode_text
from .folders import files_in, folders_in
from .tables import Table, read_cells
from .tables.json_records import read_json_lines

pd = LazyModule("pandas")

COLUMN, CLASS = "text", "class"  # of a folder's rows
LINES = (".jsonl", ".ndjson")
MOST_NOTED = 3


def check_texts(X: Any) -> list[str]:
    """Return texts as a list of str, after refusing what is no text.

    Parameters
    ----------
    X : str, or sequence of str
        One text; or a list, an array or a Series of them, or a DataFrame with one column.

    Raises
    ------
    DataError
        If something among them is no text, with its row.

    Examples
    --------
    >>> check_texts("one"), check_texts(("one", "two"))
    (['one'], ['one', 'two'])
    """
    if isinstance(X, str):
        return [X]
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) == 2:
        if shape[1] != 1:
            raise DataError(
                f"X has {shape[1]} columns: give one column of text, such as frame['review']"
            )
        X = X.iloc[:, 0] if hasattr(X, "iloc") else np.asarray(X)[:, 0]
    if shape is not None and len(shape) not in (1, 2):
        raise DataError(f"X has shape {shape}: give a list of texts, or one column of them")
    try:
        if isinstance(X, (bytes, Mapping, Set)):  # of numbers, of names, in no order
            raise TypeError
        texts = list(X)
    except TypeError:
        raise DataError(f"X is a {type(X).__name__}: give a list of texts") from None
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            missing = text is None or text is pd.NA or text is pd.NaT or text != text
            fault = "is missing" if missing else f"is {text!r:.40}, a {type(text).__name__}"
            raise DataError(
                f'row {row} of X {fault}: give text ("" for an empty one), or drop that row'
            )
    return [str(text) for text in texts]


def read_texts(source: str | Path, encoding: str | None = None) -> Table:
    """Read a table of texts: CSV, TSV, Parquet, JSONL, or a folder of folders of ``.txt`` files.

    Parameters
    ----------
    source : str or Path
        In a JSONL file each line is an object with the same fields. Of a folder, each folder in it
        is a class, and each ``.txt`` file in that is a row: columns "text" and "class".
    encoding : str, optional
        How the texts are encoded, as Python names it. By default the bytes tell.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If it is missing, unreadable, or holds no rows; with the file and the line.
    """
    path = Path(source)
    if path.is_dir():
        return _folder(path, encoding)
    if path.suffix.lower() not in LINES or not path.is_file():
        return read_cells(source, encoding=encoding)
    # Here a number among texts is a mistake, and stays one
    frame, notes = read_json_lines(str(path), _content(path), encoding)
    return Table(path.name, frame, None, None, notes)


def _folder(path: Path, encoding: str | None) -> Table:
    rows, notes = [], []
    for folder in folders_in(path):
        for file in files_in(folder, (".txt",)):
            text, more = decode_text(file, _content(file), encoding)
            rows.append((text, folder.name))
            notes += [f"{file.relative_to(path)}: {note}" for note in more]
    if not rows:
        raise DataError(f"{path} has no .txt files in folders: give CLASS/NAME.txt, one a text")
    if len(notes) > MOST_NOTED:
        notes = [*notes[:MOST_NOTED], f"and so are {len(notes) - MOST_NOTED} more files"]
    frame = pd.DataFrame(rows, columns=[COLUMN, CLASS])
    return Table(path.name, frame, CLASS, "classification", tuple(notes))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}; check the file") from error
