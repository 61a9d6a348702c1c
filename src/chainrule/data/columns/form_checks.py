"""What a model file may hold of a reading: plain values, each checked before it is used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from ...errors import ModelFileError
from .clock_forms import SpanForm
from .date_forms import DIGIT_UNITS, FAMILIES, UNITS, DateForm
from .number_forms import NumberForm

Form: TypeAlias = NumberForm | DateForm | SpanForm

DATE_FIELDS: dict[str, tuple[type, ...]] = {
    "families": (list,), "pivot": (int,), "unit": (str,), "marks": (str,),
}  # fmt: skip
NUMBER_FIELDS: dict[str, tuple[type, ...]] = {
    "decimal": (str,), "units": (list,), "flags": (list,), "truths": (bool,),
}  # fmt: skip
MOST_ENTRIES = 1000  # of a list in a reading


def fields_of(value: Any, names: Mapping[str, tuple[type, ...]], where: str) -> dict[str, Any]:
    """Return a dict that has exactly these fields, of these types."""
    if not isinstance(value, dict) or value.keys() != names.keys():
        raise ModelFileError(f"{where} lacks a field or has a strange one")
    for name, kinds in names.items():
        if type(value[name]) not in kinds:
            raise ModelFileError(f"{name!r} of {where} is no {kinds[0].__name__}")
    return value


def texts_of(values: Any, where: str) -> tuple[str, ...]:
    """Return a list of texts as a tuple."""
    if len(values) > MOST_ENTRIES or not all(type(value) is str for value in values):
        raise ModelFileError(f"{where} are not all text")
    return tuple(values)


def numbers_of(values: Any, where: str) -> tuple[float, ...]:
    """Return a list of finite floats as a tuple."""
    fits = all(type(value) is float and math.isfinite(value) for value in values)
    if len(values) > MOST_ENTRIES or not fits:
        raise ModelFileError(f"{where} are not all numbers")
    return tuple(values)


def form_from_json(value: Any, kind: str, where: str) -> Form | None:
    """Return the form of a reading of a kind; None for null."""
    if value is None:
        return None
    if kind == "number":
        value = {"flags": [], "truths": False, **value}  # which older models do not have
        return _number_form(fields_of(value, NUMBER_FIELDS, where), where)
    if kind == "date":
        return _date_form(fields_of({"marks": "", **value}, DATE_FIELDS, where), where)
    if kind == "duration":
        parts = fields_of(value, {"two_parts": (float,)}, where)["two_parts"]
        if parts not in (1.0, 60.0):
            raise ModelFileError(f"'two_parts' of {where} is neither 1.0 nor 60.0")
        return SpanForm(parts)
    raise ModelFileError(f"{where} has a form, which its kind does not need")


def _number_form(checked: dict[str, Any], where: str) -> NumberForm:
    units = []
    for unit in checked["units"]:
        if not (isinstance(unit, list) and len(unit) == 2 and type(unit[0]) is str):
            raise ModelFileError(f"a unit of {where} is no pair of a text and a number")
        (factor,) = numbers_of(unit[1:], f"the factors of {where}")
        units.append((unit[0], factor))
    if checked["decimal"] not in (".", ",") or not all(factor > 0 for _, factor in units):
        raise ModelFileError(f"{where} has a strange decimal mark or unit")
    flags = texts_of(checked["flags"], f"the marks of {where}")
    return NumberForm(checked["decimal"], tuple(units), flags, checked["truths"])


def _date_form(checked: dict[str, Any], where: str) -> DateForm:
    families = texts_of(checked["families"], f"the families of {where}")
    units = ("", "excel", *DIGIT_UNITS, *UNITS)
    fits = set(families) <= FAMILIES.keys() and len(set(families)) == len(families)
    if not fits or checked["unit"] not in units or not 0 <= checked["pivot"] <= 100:
        raise ModelFileError(f"{where} is written in no known way")
    if not set(checked["marks"]) <= set("-/."):
        raise ModelFileError(f"{where} has strange marks between day and month")
    return DateForm(families, checked["pivot"], checked["unit"], checked["marks"])
