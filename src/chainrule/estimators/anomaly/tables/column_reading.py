"""The plan of a table's columns from a model file, each value checked."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np

from ....container import damaged
from .columns import DATE_PARTS, MAX_LEVELS, DetectorColumn, DetectorColumns

MOST_SURPRISE = 100.0  # -2 log of the probability of a row in 5e21


def columns_from_json(value: Any) -> DetectorColumns:
    """The plan of `DetectorColumns.to_json`; a `ModelFileError` for anything else."""
    if not isinstance(value, list):
        raise damaged("the columns of the detector are not a list")
    columns = tuple(_column_from_json(entry) for entry in value)
    if any(a.is_category and not b.is_category for a, b in pairwise(columns)):
        raise damaged("the columns of the detector are not in order")
    kinds: dict[str, list[str]] = {}
    for column in columns:
        kinds.setdefault(column.name, []).append(column.kind)
    for name, its in kinds.items():
        if its != [*DATE_PARTS] and (len(its) > 1 or its[0] in DATE_PARTS):
            raise damaged(f"column {name!r:.60} is read in more or fewer ways than one")
    return DetectorColumns(columns)


def _column_from_json(entry: Any) -> DetectorColumn:
    """Return the column that a model file describes, or raise a `ModelFileError`."""
    example = {**asdict(DetectorColumn("", "")), "levels": [], "others": []}
    if not isinstance(entry, dict) or entry.keys() != example.keys():
        raise damaged("a column of the detector lacks a field or has a strange one")
    for key, value in example.items():
        if type(entry[key]) is not type(value):
            raise damaged(f"a column's {key!r} is no {type(value).__name__}")
    if entry["kind"] not in ("number", "category", "constant", *DATE_PARTS):
        raise damaged(f"column {entry['name']!r:.60} is of no kind that this version knows")
    if not all(isinstance(text, str) for text in (*entry["levels"], *entry["others"])):
        raise damaged(f"the categories of column {entry['name']!r:.60} are not all text")
    numbers = [value for value in entry.values() if type(value) is float]
    if not (np.isfinite(numbers).all() and entry["scale"] > 0 and entry["unit"] >= 0):
        raise damaged(f"the scale of column {entry['name']!r:.60} is no positive number")
    texts = [*entry["levels"], *entry["others"]]
    if len(set(texts)) < len(texts) or len(entry["levels"]) > MAX_LEVELS:
        raise damaged(f"column {entry['name']!r:.60} has a category twice, or too many")
    is_number = entry["kind"] in ("number", "constant")
    if bool(texts) if is_number else not (entry["levels"] or (entry["missing"] and not texts)):
        raise damaged(f"column {entry['name']!r:.60} has categories that are not of its kind")
    if not all(0 <= entry[key] <= MOST_SURPRISE for key in ("surprise", "surprise_missing")):
        raise damaged(f"a surprise of column {entry['name']!r:.60} is out of range")
    return DetectorColumn(
        **{**entry, "levels": tuple(entry["levels"]), "others": tuple(entry["others"])}
    )
