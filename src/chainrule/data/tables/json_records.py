"""JSON as tables: lists of objects, objects of columns, pandas' forms, and an object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from ...errors import DataError
from ...lazy import LazyModule
from ..column_values import to_text
from ..decoding import to_utf8

pd = LazyModule("pandas")

HALF = "\\ud"  # so JSON writes the halves of a character
ROWS_KEYS = ("data", "records", "rows", "items", "results", "values")
MOST_LISTED = 5
LARGEST = 2**63
FORMS = '[{"x": 1}, ...], {"data": [{"x": 1}, ...]} or {"x": [1, ...], ...}'


def read_json(
    name: str, content: bytes, encoding: str | None = None
) -> tuple[Any, tuple[str, ...]]:
    """Return the table in the bytes of a JSON file, and what was decided in reading it.

    Raises
    ------
    DataError
        If it is no JSON, or none of the forms in which tables are written.

    Examples
    --------
    >>> read_json("t.json", b'{"data": [{"x": 1, "y": "a"}, {"x": 2}]}')[1]
    ("the rows are those of 'data'", "'y' is absent in 1 of 2 objects")
    """
    text, notes = _text(name, content, encoding)
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        hint = ""
        if error.msg == "Extra data" and text[: error.pos].count("\n") <= 1:
            hint = "; an object on each line is called .jsonl"
        raise DataError(
            f"{name}, line {error.lineno}: no JSON ({error.msg}, column {error.colno}){hint}; mend "
            "that line"
        ) from error
    except ValueError as error:
        raise DataError(f"{name}: {error}; mend it") from error
    except RecursionError:
        raise DataError(f"{name}: its JSON is nested too deeply; give plain values") from None
    if HALF in text.lower():
        _check_whole(value, name)
    return _table(name, value, notes)


def read_json_lines(
    name: str, content: bytes, encoding: str | None = None
) -> tuple[Any, tuple[str, ...]]:
    """Return the table in the bytes of a file that holds a JSON object on each line.

    Examples
    --------
    >>> read_json_lines("t.jsonl", b'{"x": 1}\\n{"x": 2}\\n')[0]["x"].tolist()
    [1, 2]
    """
    text, notes = _text(name, content, encoding)
    rows = []
    for number, line in enumerate(text.split("\n"), 1):  # U+2028 ends no line of JSON
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            row = json.loads(line, object_pairs_hook=_unique)
        except ValueError as error:
            raise DataError(f"{where}: no JSON ({error}); mend that line") from error
        except RecursionError:
            raise DataError(f"{where}: its JSON is nested too deeply; give plain values") from None
        if not isinstance(row, dict):
            raise DataError(f'{where}: give an object, such as {{"text": "..."}}')
        if HALF in line.lower():
            _check_whole(row, where)
        rows.append(row)
    if not rows:
        raise DataError(f"{name} is empty: give a JSON object on each line")
    return _of_records(name, rows, notes)


def _text(name: str, content: bytes, encoding: str | None) -> tuple[str, tuple[str, ...]]:
    utf8, notes = to_utf8(name, content, encoding)
    text = utf8.decode()
    if not text.strip():
        raise DataError(f"{name} is empty; give rows as {FORMS}")
    return text, notes


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which each key is there once: of two values one would be lost."""
    unique = dict(pairs)
    if len(unique) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise ValueError(f"an object has the key {twice!r:.40} twice")
    return unique


def _check_whole(value: Any, where: str) -> None:
    """Refuse halves of characters, which JSON can write and no file or terminal can hold."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = str(error.object)[error.start].encode("unicode-escape").decode()
        raise DataError(
            f"{where}: {half} is half of a character, and the other half is missing; mend that line"
        ) from None


def _table(name: str, value: Any, notes: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """Return the table that a JSON value is."""
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return _of_records(name, value, notes)
    if isinstance(value, list) and value and all(isinstance(row, list) for row in value):
        return _of_lists(name, value, notes)
    if (
        isinstance(value, dict)
        and isinstance(value.get("columns"), list)
        and isinstance(value.get("data"), list)
    ):  # pandas' "split"
        header = [value["columns"], *value["data"]]
        if all(isinstance(row, list) for row in header):
            return _of_lists(name, header, notes, named=True)
    if isinstance(value, dict):
        for key in [key for key in ROWS_KEYS if key in value] or list(value)[: len(value) == 1]:
            if isinstance(value[key], list) and all(isinstance(row, dict) for row in value[key]):
                if value[key]:
                    schema = value.get("schema")
                    if isinstance(schema, dict) and schema.get("primaryKey") == ["index"]:
                        for row in value[key]:
                            row.pop("index", None)
                    return _of_records(name, value[key], (*notes, f"the rows are those of {key!r}"))
                raise DataError(f"{name} has no rows in {key!r}; add some")
        if value and all(isinstance(column, list) for column in value.values()):
            return _of_columns(name, value, notes)
        if value and all(isinstance(column, dict) for column in value.values()):
            return _of_indexed(name, value, notes)
    raise DataError(f"{name} holds no table that is recognised; give rows as {FORMS}")


def _of_records(
    name: str, rows: list[dict[str, Any]], notes: tuple[str, ...]
) -> tuple[Any, tuple[str, ...]]:
    """Return the table of a list of objects; inner objects become columns such as ``a.b``."""
    nested = {key for row in rows for key, value in row.items() if isinstance(value, dict)}
    # Beside numbers or texts an object is a mistake, which is named where cells are checked
    nested -= {key for row in rows for key in nested & row.keys()
               if row[key] is not None and not isinstance(row[key], dict)}  # fmt: skip
    if nested:
        rows = [_flat(row, nested) for row in rows]
        notes += (f"inner objects are columns of their own, such as {_inner(rows, nested)!r}",)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    if not keys:
        raise DataError(f"{name}: its objects are empty; give rows as {FORMS}")
    columns = {key: [row.get(key) for row in rows] for key in keys}
    absent = {key: sum(key not in row for row in rows) for key in keys}
    absent = {key: count for key, count in absent.items() if count}
    for key, count in list(absent.items())[:MOST_LISTED]:
        notes += (f"{key!r} is absent in {count:,} of {len(rows):,} objects",)
    if len(absent) > MOST_LISTED:
        notes += (f"so are {len(absent) - MOST_LISTED} more keys in some objects",)
    return _frame(columns, notes)


def _flat(row: Mapping[str, Any], keys: Collection[str], prefix: str = "") -> dict[str, Any]:
    """Return a row with the objects under some keys, and all in them, as cells of their own."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict) and (prefix or key in keys):
            flat |= _flat(value, keys, f"{prefix}{key}.")
        elif prefix or key not in keys:  # null where others have an object is nothing
            flat[f"{prefix}{key}"] = value
    return flat


def _inner(rows: list[dict[str, Any]], nested: set[str]) -> str:
    """Return the name of a column that an inner object became."""
    names = (key for row in rows for key in row if key.split(".")[0] in nested)
    return next(names, f"{min(nested)}.")


def _of_lists(
    name: str, rows: list[list[Any]], notes: tuple[str, ...], named: bool = False
) -> tuple[Any, tuple[str, ...]]:
    """Return the table of a list of lists: the first holds the names if it holds texts alone."""
    width = len(rows[0])
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise DataError(
                f"{name}, row {number}: it has {len(row)} cells and the first row {width}: "
                f"{json.dumps(row)[:60]}; mend that row"
            )
    texts = all(isinstance(cell, str) for cell in rows[0]) and len(set(rows[0])) == width
    if named or (texts and not all(isinstance(cell, str) for row in rows[1:] for cell in row)):
        names, rows = [str(cell) for cell in rows[0]], rows[1:]
    else:
        names = [f"column_{k + 1}" for k in range(width)]
        notes += ("no row names the columns, so they are named column_1, ...",)
    if len(set(names)) < width:
        raise DataError(f"{name}: two columns have one name; rename one of them")
    return _frame({key: [row[k] for row in rows] for k, key in enumerate(names)}, notes)


def _of_columns(
    name: str, value: dict[str, list[Any]], notes: tuple[str, ...]
) -> tuple[Any, tuple[str, ...]]:
    lengths = {key: len(column) for key, column in value.items()}
    if len(set(lengths.values())) > 1:
        short, long = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise DataError(
            f"{name}: column {short!r} has {lengths[short]} cells and {long!r} {lengths[long]}; "
            "give as many to each"
        )
    return _frame(value, notes)


def _of_indexed(
    name: str, value: dict[str, dict[str, Any]], notes: tuple[str, ...]
) -> tuple[Any, tuple[str, ...]]:
    """Return the table of an object of objects: pandas' "columns" and "index"."""
    first, *others = value.values()
    if not all(list(column) == list(first) for column in others):
        raise DataError(f"{name}: its objects have different keys; give rows as {FORMS}")
    if not all(map(str.isdigit, first)):
        if not all(map(str.isdigit, value)):
            raise DataError(
                f"{name}: it cannot be told whether its objects are rows or columns; give rows as "
                f"{FORMS}"
            )
        return _of_records(name, list(value.values()), notes)
    columns = {key: list(column.values()) for key, column in value.items()}
    return _frame(columns, notes)


def _frame(columns: Mapping[str, list[Any]], notes: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
    """Return columns as a frame; numbers that no type holds become texts."""
    typed = {}
    for key, cells in columns.items():
        if any(type(cell) is int and abs(cell) >= LARGEST for cell in cells):
            cells = [to_text(cell) if type(cell) in (int, float) else cell for cell in cells]
            notes += (f"column {key!r} holds numbers beyond 64 bits: it is read as texts",)
        cells = [None if type(cell) is float and math.isnan(cell) else cell for cell in cells]
        typed[key] = pd.Series(_stripped(cells)) if cells else pd.Series(cells, dtype=object)
    return pd.DataFrame(typed), notes


def _stripped(cells: list[Any]) -> list[Any]:
    """Return cells with texts as `read_cells` has them: no spaces around, missing if empty."""
    return [(cell.strip() or None) if isinstance(cell, str) else cell for cell in cells]
