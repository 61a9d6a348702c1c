"""Several tables as one: rows one after the other, columns by their names, types without loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DataError
from ...lazy import LazyModule
from .mixtures import as_texts

pd = LazyModule("pandas")

EXACT = 2**53  # whole numbers up to here are floats, too
MOST_LISTED = 4


@dataclass(frozen=True)
class Part:
    """One of several tables.

    Attributes
    ----------
    name : str
    frame : pandas.DataFrame
    reread : callable
        Reads it again, with some columns as the texts that the file holds.
    keys : dict of str to str
        Columns that the folders' names give: ``year=2020``.
    """

    name: str
    frame: Any
    reread: Callable[[frozenset[str]], Any]
    keys: dict[str, str]


def joined(parts: Sequence[Part]) -> tuple[Any, tuple[str, ...]]:
    """Return the rows of all parts, and what had to be widened or is absent.

    Columns of whole numbers and of others become numbers; a column that is one of texts in some
    part is one of texts in all, as the files hold them.

    Raises
    ------
    DataError
        If a part has no column in common with the first.
    """
    first = {str(name) for name in parts[0].frame.columns}
    for part in parts[1:]:
        if not first & {str(name) for name in part.frame.columns}:
            these, those = _listed(part.frame.columns), _listed(parts[0].frame.columns)
            raise DataError(
                f"{part.name} has no column in common with {parts[0].name}: {these} against "
                f"{those}; give tables of one kind"
            )
    names = list(dict.fromkeys(str(name) for part in parts for name in part.frame.columns))
    kinds = {name: [_kind(part.frame, name) for part in parts] for name in names}
    common = {name: _common(kinds[name], [part.frame for part in parts], name) for name in names}
    texts = frozenset(name for name in names if common[name] == "text")
    notes: list[str] = []
    frames = []
    for k, part in enumerate(parts):
        other = frozenset(
            name for name in texts if kinds[name][k] not in ("text", "absent", "nothing")
        )
        frame = part.frame
        if other:
            written = part.reread(other)
            frame = frame.assign(**{name: as_texts(written[name]) for name in other})
        frames.append(_keyed(frame, part.keys, names))
    for name in names:
        notes += _note(name, kinds[name], common[name], parts)
    columns = {name: _column(frames, name, common[name]) for name in names}
    keys = list(dict.fromkeys(key for part in parts for key in part.keys if key not in names))
    for key in keys:
        columns[key] = _key_column(parts, key)
    if keys:
        notes.append(f"the folders' names give {_listed(keys)}")
    return pd.DataFrame(columns), tuple(notes)


def _kind(frame: Any, name: str) -> str:
    """Return what kind of cells a column has."""
    if name not in frame.columns:
        return "absent"
    column = frame[name]
    if not column.notna().any():
        return "nothing"
    if pd.api.types.is_bool_dtype(column.dtype):
        return "truth"
    if pd.api.types.is_integer_dtype(column.dtype):
        return "whole"
    if pd.api.types.is_float_dtype(column.dtype):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "date" if column.dt.tz is None else "zoned date"
    inferred = str(pd.api.types.infer_dtype(column, skipna=True))
    if isinstance(column.dtype, pd.CategoricalDtype):
        inferred = str(pd.api.types.infer_dtype(column.dtype.categories))
    return {"boolean": "truth", "string": "text", "integer": "whole", "floating": "number",
            "decimal": "decimal", "date": "day"}.get(inferred, "other")  # fmt: skip


def _common(kinds: Sequence[str], frames: Sequence[Any], name: str) -> str:
    """Return the narrowest kind that holds the cells of all parts."""
    present = set(kinds) - {"absent", "nothing"}
    if len(present) < 2:
        return next(iter(present), "nothing")
    if present == {"whole", "number"}:
        whole = [frame[name] for frame, kind in zip(frames, kinds, strict=True) if kind == "whole"]
        exact = all(column.dropna().abs().max() <= EXACT for column in whole)
        return "number" if exact else "text"
    return "text"


def _keyed(frame: Any, keys: dict[str, str], names: Sequence[str]) -> Any:
    """Refuse a key of the folders that contradicts the column in the file."""
    for key, value in keys.items():
        if key in frame.columns:
            different = as_texts(frame[key]) != value
            if different.any():
                raise DataError(
                    f"column {key!r} holds {as_texts(frame[key])[different].iloc[0]!r} in the "
                    f"folder {key}={value}; rename the folder or the column"
                )
    return frame


def _column(frames: Sequence[Any], name: str, kind: str) -> Any:
    """Return a column of all parts."""
    pieces = []
    for frame in frames:
        if name not in frame.columns or not frame[name].notna().any():
            pieces.append(pd.Series([None] * len(frame), dtype=object))
        elif kind in ("text", "other", "truth", "decimal", "day"):
            pieces.append(frame[name].astype(object))
        else:
            pieces.append(frame[name])
    typed = [piece for piece in pieces if piece.dtype != object]
    if kind in ("whole", "number") and typed:
        missing = any(piece.dtype == object or piece.isna().any() for piece in pieces)
        dtype = "float64"
        if kind == "whole":
            large = any(piece.dropna().abs().max() > EXACT for piece in typed)
            dtype = ("Int64" if large else "float64") if missing else "int64"
            if any(piece.dropna().max() >= 2**63 for piece in typed):
                dtype = "UInt64" if missing else "uint64"
        pieces = [piece.astype(dtype) for piece in pieces]
    elif kind in ("date", "zoned date") and typed:
        pieces = [pd.to_datetime(piece) if piece.dtype == object else piece for piece in pieces]
        return pd.concat([piece.astype(typed[0].dtype) for piece in pieces], ignore_index=True)
    column = pd.concat(pieces, ignore_index=True)
    return column.infer_objects() if kind in ("text", "truth") else column


def _key_column(parts: Sequence[Part], key: str) -> Any:
    """Return a column of the folders' names: whole numbers if all are written so."""
    values = [part.keys.get(key) for part in parts]
    known = [value for value in values if value is not None]
    plain = all(value == str(int(value)) for value in known if value.lstrip("-").isdigit())
    if plain and all(value.lstrip("-").isdigit() for value in known) and None not in values:
        numbers = np.array([int(str(value)) for value in values], np.int64)
        return pd.Series(np.repeat(numbers, [len(part.frame) for part in parts]))
    cells = [
        value for value, part in zip(values, parts, strict=True) for _ in range(len(part.frame))
    ]
    return pd.Series(cells, dtype=object).infer_objects()


def _note(name: str, kinds: Sequence[str], common: str, parts: Sequence[Part]) -> list[str]:
    """Return what is to be said of one column."""
    notes = []
    present = [kind for kind in kinds if kind not in ("absent", "nothing")]
    if len(set(present)) > 1:
        odd = next(k for k, kind in enumerate(kinds) if kind in present and kind != present[0])
        called = {"whole": "whole numbers", "number": "numbers", "text": "texts",
                  "truth": "truth values"}  # fmt: skip
        before, after = (called.get(kind, f"{kind}s") for kind in (present[0], kinds[odd]))
        result = "numbers" if common == "number" else "texts"
        notes.append(
            f"column {name!r} holds {before} in {_first(kinds, present[0], parts)} and {after} in "
            f"{parts[odd].name}: it is read as {result}"
        )
    absent = [part.name for kind, part in zip(kinds, parts, strict=True) if kind == "absent"]
    if absent:
        notes.append(f"column {name!r} is absent in {len(absent)} of {len(parts)} files, such as "
                     f"{absent[0]}: missing there")  # fmt: skip
    return notes


def _first(kinds: Sequence[str], kind: str, parts: Sequence[Part]) -> str:
    return parts[list(kinds).index(kind)].name


def _listed(columns: Iterable[Any]) -> str:
    names = list(columns)
    listed = ", ".join(repr(str(name)) for name in names[:MOST_LISTED])
    return f"{listed} and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else listed
