"""Tables of `anomaly` and `forecast`: `--as`, and faults that matter only in columns of use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..data import Table, read_cells
from ..data.tables import typed_table
from ..lazy import LazyModule

learning = LazyModule("chainrule.data.columns.learning")

KINDS = "column_kinds"  # in a model's card


def read_for_use(
    source: str, kinds: Mapping[str, str] | None = None, encoding: str | None = None
) -> Table:
    """A table whose columns may hold faults: who uses one checks it by `check_used`.

    Parameters
    ----------
    source : str
    kinds : mapping of str to str, optional
        What `--as` says of columns; those that are to be ignored are left out.
    encoding : str, optional

    Raises
    ------
    DataError
        If the table cannot be read, or a column of `kinds` is not there.
    """
    return typed_table(read_cells(source, encoding=encoding), kinds, refuse=False)


def read_again(source: str, card: Mapping[str, Any], encoding: str | None = None) -> Table:
    """Further rows for a model, with the kinds of columns that its training was told."""
    table = read_cells(source, encoding=encoding)
    saved = card.get(KINDS)
    kinds = saved.items() if isinstance(saved, dict) else ()
    present = {name: kind for name, kind in kinds if name in table.frame.columns}
    return typed_table(table, present, refuse=False)


def check_used(table: Table, names: Collection[str] | None = None) -> None:
    """Raise the fault of the first column that cannot be read, among some or all of them."""
    learning.check_readable(table.readings, names)
