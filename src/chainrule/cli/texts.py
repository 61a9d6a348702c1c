"""`chainrule predict` for texts: one on the command line, or a column of a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from rich.text import Text

from .. import escape
from ..data import Table
from ..data.tables import SUFFIXES
from ..data.texts import read_texts
from ..errors import DataError
from . import keeping, models
from .console import console

MOST = 20  # texts that are explained at a time
STRONG, WEAK = 0.5, 0.15  # of the largest score
FILES = (*SUFFIXES, ".jsonl", ".ndjson", ".json")  # data files' endings
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
SEPARATORS = (os.sep, *([os.altsep] if os.altsep else []))
FOR, AGAINST = "blue", "red"


def given(loaded: Any, data: str, as_text: bool = False) -> list[str]:
    """The texts of a file, or the text itself if it is none.

    Raises
    ------
    DataError
        If there is no such file, and the text looks like the name of one.
    """
    if as_text:
        return [data]
    if _exists(data):
        return of_table(loaded, read_texts(data))
    if _like_a_file(data):
        raise DataError(
            f"there is no file {data}: check its name, or add --as-text if these are the words of "
            "a text"
        )
    return [data]


def of_table(loaded: Any, table: Table) -> list[str]:
    """The texts of a table: the column of the training, or the only one; missing ones as empty."""
    column = models.card(loaded).get("text")
    if column not in table.frame.columns:
        if table.frame.shape[1] != 1:
            told = "one of texts alone" if column is None else f"column {column!r}"
            raise DataError(f"{table.name} has no {told}, which the model reads")
        column = table.frame.columns[0]
    return cells(table.name, table.frame, str(column))


def cells(name: str, frame: Any, column: str) -> list[str]:
    """The texts of a column of a file, missing ones as empty; what is no text is named."""
    found = frame[column]
    made: list[str] = found.astype(object).where(found.notna(), "").tolist()
    for row, cell in zip(found.index, made, strict=True):
        if not isinstance(cell, str):
            raise DataError(
                f"{name}: column {column!r} of row {row + 1} is {cell!r:.40}, a "
                f'{type(cell).__name__}: give text ("" for an empty one), or leave that row out'
            )
    return made


def explain(loaded: Any, texts: list[str], page: Path | None = None) -> None:
    """Print each text with its words coloured, and write them as a page."""
    if len(texts) > MOST:
        raise DataError(f"--explain is for {MOST} texts at most, and there are {len(texts)}")
    told = [loaded.attribute(text) for text in texts]
    out = console()
    for one in told:
        out.print(coloured(one))
        out.print(numbers(one), style="dim")
    if page is not None:
        head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Words</title>'
        body = "\n".join(one.to_html() for one in told)
        made = keeping.write(page, f"{head}<body>{body}</body></html>\n".encode())
        keeping.leave(False, (page, made))


def coloured(told: Any) -> Text:
    """The class, and the words: blue for it, red against it, bold if they matter much."""
    line = Text(f"{escape.terminal(told.label)} {told.probability:.3f}: ")
    for word, shade in zip(told.words, told.shades, strict=True):
        colour = FOR if shade > 0 else AGAINST
        style = f"bold {colour}" if abs(shade) > STRONG else colour if abs(shade) > WEAK else ""
        line.append(f"{escape.terminal(word)} ", style)
    return line


def numbers(told: Any) -> str:
    """The words that matter most, with what they add to the log-odds."""
    order = np.argsort(-np.abs(told.scores), kind="stable")[:8]
    parts = [f"{told.words[k]} {told.scores[k]:+.2f}" for k in order if told.scores[k]]
    total = told.base + float(np.sum(told.scores))
    return f"  log-odds {total:.2f} = {told.base:.2f} of nothing; {', '.join(parts) or 'no word'}"


def _like_a_file(data: str) -> bool:
    """Whether a text is more likely the name of a file that is not there."""
    name = data.strip().lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    if name.endswith(FILES):
        return True
    if not any(separator in name for separator in SEPARATORS):
        return False
    return not any(map(str.isspace, name)) or _exists(str(Path(data).parent))


def _exists(data: str) -> bool:
    try:
        return bool(data) and Path(data).exists()  # Path("") is the folder where one is
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False
