"""`--columns`, `--as` and `--write-columns`: what columns hold, said by the user."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import escape
from ..lazy import LazyModule
from . import keeping
from .command_options import COLUMNS

if TYPE_CHECKING:
    from ..data.columns import Reading

overrides = LazyModule("chainrule.data.columns.overrides")

JSON = (".json",)
WRITE = "--write-columns"

ColumnsFile = Annotated[
    Path | None,
    typer.Option(
        "--columns", metavar="FILE.toml|json", rich_help_panel=COLUMNS,
        help="A file that says what columns hold, such as zip = \"text\"; see --write-columns.",
    ),
]  # fmt: skip
AsKind = Annotated[
    list[str] | None,
    typer.Option(
        "--as", metavar="COLUMN=KIND,...", rich_help_panel=COLUMNS,
        help="What a column holds: number, date, time, duration, text, or ignore to leave it out; "
        "may be repeated.",
    ),
]  # fmt: skip
WriteColumns = Annotated[
    Path | None,
    typer.Option(
        WRITE, metavar="FILE.toml|json", rich_help_panel=COLUMNS,
        help="Write what each column was taken for, and end: edit it, and use it with --columns.",
    ),
]  # fmt: skip
ColumnsReport = Annotated[
    bool,
    typer.Option(
        "--columns-report", "-v", rich_help_panel=COLUMNS,
        help="Show all columns before the training, also of a wide table.",
    ),
]  # fmt: skip


def column_kinds(file: Path | None, words: Sequence[str] | None) -> dict[str, str]:
    """The kinds of columns that a file and `--as` say; the latter overrules the former.

    Raises
    ------
    DataError
        If the file cannot be read, or a word is not of the form ``column=kind``.
    """
    kinds: dict[str, str] = {}
    if file is not None:
        kinds |= overrides.read_overrides(file)
    for text in words or ():
        kinds |= overrides.parse_overrides(text)
    return kinds


def write_kinds(kinds: Mapping[str, str]) -> tuple[str, ...]:
    """The values of ``--as`` that say the same.

    Examples
    --------
    >>> write_kinds({"zip": "text", "when": "date"})
    ('zip=text', 'when=date')
    """
    return tuple(f"{name}={kind}" for name, kind in kinds.items())


def write_columns(path: Path, readings: Sequence[Reading]) -> Path:
    """Write what columns were taken for, as JSON or TOML by the file's name; where it lies."""
    text = as_json(readings) if path.suffix.lower() in JSON else as_toml(readings)
    return keeping.write(path, text.encode(), WRITE)


def as_json(readings: Sequence[Reading]) -> str:
    """The kinds of columns as JSON."""
    kinds = {one.name: one.kind for one in readings}
    return json.dumps(kinds, indent=2, ensure_ascii=False) + "\n"


def as_toml(readings: Sequence[Reading]) -> str:
    """The kinds of columns as TOML, with what speaks for each, and examples, as comments.

    Examples
    --------
    >>> from chainrule.data.columns import Reading
    >>> print(as_toml([Reading("zip", "text", "codes", 0.0, ("00123", "04567"))]), end="")
    # What the columns hold: number, date, time, duration, text, or ignore to leave one out
    "zip" = "text"  # codes: 00123, 04567
    """
    kinds = "number, date, time, duration, text, or ignore to leave one out"
    lines = [f"# What the columns hold: {kinds}"]
    for one in readings:
        comment = ": ".join(filter(None, (one.why, ", ".join(one.examples))))
        lines += [f"# {_comment(note)}" for note in one.notes]
        lines.append(f"{_key(one.name)} = {_key(one.kind)}  # {_comment(comment)}".rstrip(" #"))
    return "\n".join(lines) + "\n"


def _key(text: str) -> str:
    """A text as a basic string of TOML, whose escapes are JSON's; DEL is not allowed, either."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """A text in one line without control characters."""
    return escape.terminal(" ".join(text.split()))
