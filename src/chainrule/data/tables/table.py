"""`Table`: rows in memory, with where they came from and what was decided while reading them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Frame: TypeAlias = Any  # a pandas DataFrame; pandas loads at first use


@dataclass(frozen=True)
class Table:
    """A table in memory.

    Attributes
    ----------
    name : str
        The built-in set's name, or the name of the file, folder or address.
    frame : pandas.DataFrame
        The rows; column names are distinct text.
    target : str or None
        The column to predict where the source says so (built-in sets do).
    task : str or None
        ``"classification"`` or ``"regression"`` where the source says so.
    notes : tuple of str
        What was decided, cut, dropped or guessed while reading, for the user to see.
    readings : tuple of chainrule.data.columns.Reading
        How the cells of each column were read; empty for `read_cells`, which leaves them as they
        are in the file.
    lines : array of int, shape (rows,), or None
        Of a text file amid whose rows some are left out: where each of the others begins.
    """

    name: str
    frame: Frame
    target: str | None = None
    task: str | None = None
    notes: tuple[str, ...] = ()
    readings: tuple[Any, ...] = ()
    lines: Any = None
