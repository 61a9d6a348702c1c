"""What the user says that columns hold: ``when=date,zip=text``, or a file of JSON or TOML."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import DataError
from .kinds import KINDS

LARGEST_FILE = 2**24  # bytes


def parse_overrides(words: str | Sequence[str]) -> dict[str, str]:
    """Return the kinds of columns that words such as ``"when=date,zip=text"`` say.

    A name may hold "=" and ",": the kind stands behind the last "=", and what has none belongs to
    the name that follows.

    Parameters
    ----------
    words : str or sequence of str
        Each one or several of COLUMN=KIND, with commas between; later ones overrule earlier ones.

    Returns
    -------
    dict of str to str
        The kind of each column, one of `KINDS`.

    Raises
    ------
    DataError
        If a word has no kind, or one that does not exist.

    Examples
    --------
    >>> parse_overrides(["when=date,zip=text", "id=ignore"])
    {'when': 'date', 'zip': 'text', 'id': 'ignore'}
    >>> parse_overrides("name, first=text,a=b=number")
    {'name, first': 'text', 'a=b': 'number'}
    """
    kinds: dict[str, str] = {}
    for word in [words] if isinstance(words, str) else words:
        pending = ""
        for part in word.split(","):
            pending = f"{pending},{part}" if pending else part
            name, equals, kind = pending.rpartition("=")
            if equals and kind.strip() in KINDS:
                kinds[_name(name, word)] = kind.strip()
                pending = ""
        if pending or not word:
            name, equals, kind = pending.rpartition("=")
            fault = f"{kind.strip()!r:.40} is no kind of column" if equals else "it has no kind"
            raise DataError(
                f"cannot read {pending or word!r:.60} as COLUMN=KIND: {fault}; give one of "
                f"{', '.join(KINDS)}, such as zip=text"
            )
    return kinds


def read_overrides(path: str | Path) -> dict[str, str]:
    """Return the kinds of columns that a file says: a JSON object, or a table of TOML.

    Parameters
    ----------
    path : str or Path
        ``{"zip": "text"}`` in a file that ends in .json, or ``zip = "text"`` in one of .toml.

    Raises
    ------
    DataError
        If the file cannot be read, or says anything but kinds of columns.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in (".json", ".toml"):
        raise DataError(f"{path}: give a file that ends in .json or .toml")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise DataError(f"{path} is too large for a file that says what columns hold")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"cannot read {path}: {reason}; check the file") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no text in UTF-8: save it as such") from None
    return _checked(_parsed(path, text, kind), path)


def _parsed(path: Path, text: str, kind: str) -> Any:
    """What a file says."""
    try:
        return json.loads(text) if kind == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split()) or "it is nested too deeply"
        raise DataError(f"{path} is no {kind[1:].upper()}: {reason:.200}") from None


def _checked(value: Any, path: Path) -> dict[str, str]:
    """A dict of kinds; what is anything else is refused."""
    if not isinstance(value, dict):
        raise DataError(f'{path}: give an object of columns and kinds, such as {{"zip": "text"}}')
    for name, kind in value.items():
        if not isinstance(kind, str) or kind not in KINDS:
            raise DataError(
                f"{path}: {kind!r:.40} is no kind of column {name!r}: give one of "
                f"{', '.join(KINDS)}"
            )
    return value


def _name(name: str, word: str) -> str:
    """The name of a column."""
    if not name.strip():
        raise DataError(f"{word!r:.60} names no column: give COLUMN=KIND, such as zip=text")
    return name.strip()
