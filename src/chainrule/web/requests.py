"""What a request asks: its rows, as JSON, and the options of its address."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, Never

from ..errors import DataError
from ..estimators.tabular.row_predictions import Asked
from .served import Served

OPTIONS = ("proba", "interval", "explain", "threshold", "positive")
MOST_EFFECTS = 100
FLAGS = {"true": True, "1": True, "": True, "false": False, "0": False}


def parse_rows(body: bytes, served: Served, most: int) -> list[dict[str, Any]]:
    """The rows of a body: a list of objects, or an object with them as "rows".

    Raises
    ------
    DataError
        If it is no such JSON, or a row lacks a column.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from chainrule.estimators.tabular.input_columns import InputColumn
    >>> model = SimpleNamespace(columns=(InputColumn("size", "number"),))
    >>> parse_rows(b'[{"size": 3, "id": 1}]', model, 10)
    [{'size': 3}]
    """
    value = _json(body)
    if isinstance(value, dict) and set(value) == {"rows"}:
        value = value["rows"]
    if not isinstance(value, list):
        raise DataError('the body is no list of rows: send [{"column": value, ...}, ...]')
    if not value:
        raise DataError("there are no rows in the body: send one at least")
    if len(value) > most:
        raise DataError(f"there are {len(value)} rows in the body, and {most} are taken at a time")
    names = [column.name for column in served.columns]
    return [_row(row, k + 1, names) for k, row in enumerate(value)]


def _json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_no_number, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the body is no JSON: {error!s:.200}") from None


def _no_number(text: str) -> Never:
    raise ValueError(f"{text} is no number of JSON: send null for an empty cell")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("an object has the same name twice")
    return value


def _row(row: Any, number: int, names: list[str]) -> dict[str, Any]:
    """The columns that the model reads, checked; others are left out."""
    if not isinstance(row, dict):
        raise DataError(f"row {number} is no object: send a value for each column, by its name")
    absent = [name for name in names if name not in row]
    if absent:
        more = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
        raise DataError(
            f"row {number} lacks column {absent[0]!r}{more}: send null for an empty cell"
        )
    for name in names:
        _check_cell(row[name], name, number)
    return {name: row[name] for name in names}


def _check_cell(cell: Any, name: str, number: int) -> None:
    if isinstance(cell, (dict, list)):
        raise DataError(
            f"row {number}, column {name!r}: an {'object' if isinstance(cell, dict) else 'array'} "
            "is no value of a cell: send a text, a number, true, false or null"
        )
    if isinstance(cell, float) and not isfinite(cell):
        raise DataError(f"row {number}, column {name!r}: the number is too large")
    if isinstance(cell, str) and any("\ud800" <= character <= "\udfff" for character in cell):
        raise DataError(f"row {number}, column {name!r}: the text holds half a character")


def parse_options(query: Mapping[str, str]) -> Asked:
    """What the address of a request asks for beside the prediction.

    Examples
    --------
    >>> parse_options({"interval": "0.9", "explain": "true"})
    Asked(proba=False, coverage=0.9, effects=3, threshold=None, positive=None)
    """
    unknown = next((name for name in query if name not in OPTIONS), None)
    if unknown is not None:
        raise DataError(f"there is no option {unknown!r:.60}: the options are {', '.join(OPTIONS)}")
    explain = query.get("explain", "0")
    effects = 3 * FLAGS[explain] if explain in ("true", "", "false") else _whole(explain)
    proba = query.get("proba", "false")
    if proba not in FLAGS:
        raise DataError(f"proba={proba!r:.40}: give true or false")
    if "positive" in query and "threshold" not in query:
        raise DataError("positive says for which class a threshold is: give threshold as well")
    return Asked(
        FLAGS[proba], _number(query, "interval"), effects, _number(query, "threshold"),
        query.get("positive"),
    )  # fmt: skip


def _number(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise DataError(f"{name}={text!r:.40}: give a number, such as 0.9")
    return value


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= MOST_EFFECTS):
        raise DataError(f"explain={text!r:.40}: give true, or a number of columns up to 100")
    return int(text)
