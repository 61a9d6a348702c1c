"""The kinds of columns, and the custom of a table that decides where a column alone does not."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import DataError

KINDS = ("number", "date", "time", "duration", "text", "ignore")


@dataclass(frozen=True)
class Customs:
    """How a table writes what is ambiguous in a single column.

    Attributes
    ----------
    decimal : str
        The decimal mark, ``"."`` or ``","``; empty if nothing tells.
    day_first : bool or None
        Whether 05/06/2026 is a day in June.
    """

    decimal: str = ""
    day_first: bool | None = None


def check_kinds(kinds: Mapping[str, str], columns: list[str]) -> None:
    """Refuse kinds that do not exist, and those of columns that do not.

    Examples
    --------
    >>> check_kinds({"size": "number"}, ["size", "colour"])
    >>> check_kinds({"siz": "number"}, ["size"])
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: there is no column 'siz' to read as number: the columns are 'size'
    """
    known = frozenset(columns)
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise DataError(
                f"{str(kind)!r:.40} is no kind of column {name!r}: give one of {', '.join(KINDS)}"
            )
        if str(name) not in known:
            listed = ", ".join(map(repr, columns[:8])) + ", ..." * (len(columns) > 8)
            use = "leave out" if kind == "ignore" else f"read as {kind}"
            raise DataError(f"there is no column {name!r} to {use}: the columns are {listed}")


def as_option(name: str, kind: str) -> str:
    """The option of the command that says what a column holds, quoted as a shell needs it.

    Examples
    --------
    >>> as_option("zip", "text"), as_option("Zip Code", "text")
    ('--as zip=text', "--as 'Zip Code=text'")
    """
    return f"--as {shlex.quote(f'{name}={kind}')}"


def drop_option(name: str) -> str:
    """The option of the command that leaves a column out, likewise.

    Examples
    --------
    >>> drop_option("Zip Code")
    "--drop 'Zip Code'"
    """
    return f"--drop {shlex.quote(name)}"
