"""Names of columns, all distinct; and the columns that are no data: indices, empty ends, copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...lazy import LazyModule

pd = LazyModule("pandas")

ROW_NAMES = "row_names"
MOST_LISTED = 5


def distinct_names(names: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return a name for each column, no two alike, and what was changed.

    Examples
    --------
    >>> distinct_names(["x", "", "x", "y"])
    (['x', 'column_2', 'x.2', 'y'], ("several columns are named 'x': the later ones are called \
'x.2'", 'column 2 has no name and is called column_2'))
    """
    taken = {name for name in names if name}
    result: list[str] = []
    seen: dict[str, int] = {}
    renamed: dict[str, list[str]] = {}
    nameless: list[int] = []
    for k, name in enumerate(names, 1):
        if not name:
            nameless.append(k)
            result.append(_free(f"column_{k}", taken))
        elif name in seen:
            fresh, number = name, seen[name]
            while fresh in taken:
                number += 1
                fresh = f"{name}.{number}"
            seen[name] = number
            renamed.setdefault(name, []).append(fresh)
            result.append(fresh)
        else:
            seen[name] = 1
            result.append(name)
        taken.add(result[-1])
    notes = [
        f"several columns are named {name!r}: the later ones are called {_listed(fresh)}"
        for name, fresh in list(renamed.items())[:MOST_LISTED]
    ]
    if len(renamed) > MOST_LISTED:
        notes.append(f"so are {len(renamed) - MOST_LISTED} more names of several columns")
    if nameless and len(nameless) < len(names):
        called = _listed([f"column_{k}" for k in nameless]).replace("'", "")
        start = f"column {nameless[0]} has" if len(nameless) == 1 else "columns without a name have"
        notes.append(f"{start} no name and is called {called}" if len(nameless) == 1 else
                     f"{len(nameless)} columns have no name and are called {called}")  # fmt: skip
    return result, tuple(notes)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _listed(names: Sequence[str]) -> str:
    listed = ", ".join(map(repr, names[:MOST_LISTED]))
    return f"{listed} and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else listed


def without_idle_columns(frame: Any, names: Sequence[str]) -> tuple[Any, tuple[str, ...]]:
    """Return a table without columns that hold no data, and which these are.

    They are nameless first columns that number the rows, nameless columns without a single cell,
    and copies of a column of the same name.

    Parameters
    ----------
    frame : pandas.DataFrame
        With distinct names.
    names : sequence of str
        Those of the file.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"column_1": [0, 1], "x": [5, 6], "x.2": [5, 6]})
    >>> without_idle_columns(frame, ["", "x", "x"])[1]
    ('the nameless first column numbers the rows and is left out', "'x.2' is a copy of 'x' and is \
left out")
    """
    columns = [str(column) for column in frame.columns]
    dropped: list[int] = []
    notes: list[str] = []
    if not any(names):
        return frame, ()
    if len(columns) > 1 and not names[0] and _is_index(frame.iloc[:, 0]):
        dropped.append(0)
        notes.append("the nameless first column numbers the rows and is left out")
        if len(columns) > 2 and not names[1] and _is_index(frame.iloc[:, 1]):  # written twice
            dropped.append(1)
            notes.append("so does the nameless second column, which is left out, too")
    empty = [
        k for k, name in enumerate(names)
        if not name and k not in dropped and not frame.iloc[:, k].notna().any()
    ]  # fmt: skip
    if empty and len(empty) + len(dropped) < len(columns):
        dropped += empty
        ends = empty == list(range(len(columns) - len(empty), len(columns)))
        which = "last column" if ends and len(empty) == 1 else (
            f"{len(empty)} columns" if len(empty) > 1 else f"column {empty[0] + 1}"
        )  # fmt: skip
        verb = "have neither a name nor a cell and are" if len(empty) > 1 else (
            "has neither a name nor a cell and is"
        )  # fmt: skip
        notes.append(f"the {which} {verb} left out")
    first: dict[str, int] = {}
    for k, name in enumerate(names):
        if name and name in first and frame.iloc[:, k].equals(frame.iloc[:, first[name]]):
            dropped.append(k)
            notes.append(f"{columns[k]!r} is a copy of {name!r} and is left out")
        elif name:
            first.setdefault(name, k)
    left = [k for k in range(len(columns)) if k not in set(dropped)]
    return (frame.iloc[:, left] if dropped else frame), tuple(notes)


def _is_index(column: Any) -> bool:
    """Whether a column holds distinct whole numbers, as an index does that was written along."""
    if column.dtype.kind not in "iu" or not column.is_unique:
        return False
    return bool(column.min() >= 0)
