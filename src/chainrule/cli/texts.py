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
from ..markup import Markup, tag
from . import keeping, models
from .console import console

MOST = 20  # texts that are explained at a time
STRONG, WEAK = 0.5, 0.15  # of the largest score
FILES = (*SUFFIXES, ".jsonl", ".ndjson", ".json")  # data files' endings
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
SEPARATORS = (os.sep, *([os.altsep] if os.altsep else []))
FOR, AGAINST = "blue", "red"


def texts_of(
    loaded: Any, data: str, as_text: bool = False, encoding: str | None = None
) -> list[str]:
    """The texts of a file, or the text itself if it is none.

    Raises
    ------
    DataError
        If there is no such file, and the text looks like the name of one.
    """
    if not as_text and _exists(data):
        return of_table(loaded, read_texts(data, encoding))
    if encoding is not None:
        raise DataError(f"--encoding {encoding} is for a file, and DATA is a text: leave it out")
    if not as_text and _like_a_file(data):
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
            wanted = "one of texts alone" if column is None else f"column {column!r}"
            raise DataError(f"{table.name} has no {wanted}, which the model reads")
        column = table.frame.columns[0]
    return cells(table.name, table.frame, str(column))


def cells(name: str, frame: Any, column: str) -> list[str]:
    """The texts of a column of a file, missing ones as empty; what is no text is named."""
    values = frame[column]
    texts: list[str] = values.astype(object).where(values.notna(), "").tolist()
    for row, cell in zip(values.index, texts, strict=True):
        if not isinstance(cell, str):
            raise DataError(
                f"{name}: column {column!r} of row {row + 1} is {cell!r:.40}, a "
                f'{type(cell).__name__}: give text ("" for an empty one), or leave that row out'
            )
    return texts


def explain(loaded: Any, texts: list[str], page: Path | None = None) -> None:
    """Print each text with its words coloured, and write them as a page."""
    if len(texts) > MOST:
        raise DataError(f"--explain is for {MOST} texts at most, and there are {len(texts)}")
    attributions = [loaded.attribute(text) for text in texts]
    out = console()
    for attribution in attributions:
        out.print(coloured(attribution))
        out.print(numbers(attribution), style="dim")
    if page is not None:
        head = tag("head", tag("meta", charset="utf-8"), tag("title", "Words"))
        body = tag("body", [Markup(each.to_html()) for each in attributions])
        document = tag("html", head, body, lang="en")
        written = keeping.write(page, f"<!doctype html>\n{document}\n".encode())
        keeping.leave(False, (page, written))


def coloured(attribution: Any) -> Text:
    """The class, and the words: blue for it, red against it, bold if they matter much."""
    line = Text(f"{escape.terminal(attribution.label)} {attribution.probability:.3f}: ")
    for word, shade in zip(attribution.words, attribution.shades, strict=True):
        colour = FOR if shade > 0 else AGAINST
        style = f"bold {colour}" if abs(shade) > STRONG else colour if abs(shade) > WEAK else ""
        line.append(f"{escape.terminal(word)} ", style)
    return line


def numbers(attribution: Any) -> str:
    """The words that matter most, with what they add to the log-odds."""
    order = np.argsort(-np.abs(attribution.scores), kind="stable")[:8]
    words = [
        f"{attribution.words[k]} {attribution.scores[k]:+.2f}"
        for k in order
        if attribution.scores[k]
    ]
    total = attribution.base + float(np.sum(attribution.scores))
    named = ", ".join(words) or "no word"
    return f"  log-odds {total:.2f} = {attribution.base:.2f} of nothing; {named}"


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
