"""What may stand in a description: checks that are put together, and values that JSON lacks.

A check is a function of a value and of where it stands; it returns the value, or raises a
`ModelFileError` that says what was allowed.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from math import inf, isfinite
from typing import Any, TypeAlias

import numpy as np

from ...container import damaged
from ...errors import ModelFileError

Check: TypeAlias = Callable[[Any, str], Any]

SPECIAL = {"inf": inf, "-inf": -inf, "nan": float("nan")}
DEEPEST = 16  # of a card
DEEPEST_SETTING = 5  # one level of Python may be three of JSON
LARGEST = 2**63 - 1


# Checks


def text(value: Any, where: str) -> Any:
    """A string."""
    if not isinstance(value, str):
        raise _wrong(where, "text")
    return value


def flag(value: Any, where: str) -> Any:
    """True or false."""
    if not isinstance(value, bool):
        raise _wrong(where, "true or false")
    return value


def whole(least: int, most: int = LARGEST) -> Check:
    """A whole number between two others."""

    def check(value: Any, where: str) -> Any:
        if type(value) is not int or not least <= value <= most:
            raise _wrong(where, f"a whole number from {least}")
        return value

    return check


def number(value: Any, where: str) -> Any:
    """A number, finite or not."""
    if type(value) not in (int, float):
        raise _wrong(where, "a number")
    return float(value)


def finite(value: Any, where: str) -> Any:
    """A finite number."""
    if not isfinite(number(value, where)):
        raise _wrong(where, "a finite number")
    return float(value)


def positive(value: Any, where: str) -> Any:
    """A finite number above 0."""
    if not finite(value, where) > 0:
        raise _wrong(where, "a positive number")
    return float(value)


def one_of(*allowed: Any) -> Check:
    """One of some strings."""

    def check(value: Any, where: str) -> Any:
        if not isinstance(value, str) or value not in allowed:
            raise _wrong(where, f"one of {', '.join(allowed)}")
        return value

    return check


def maybe(inner: Check) -> Check:
    """Null, or what another check allows."""
    return lambda value, where: None if value is None else inner(value, where)


def each(inner: Check, least: int = 0, most: int = LARGEST) -> Check:
    """A list of what another check allows."""

    def check(value: Any, where: str) -> Any:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise _wrong(where, f"a list of {least} or more" if least else "a list")
        return [inner(one, f"{where}[{k}]") for k, one in enumerate(value)]

    return check


def by_name(inner: Check) -> Check:
    """An object of any keys, whose values another check allows."""

    def check(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong(where, "an object")
        return {key: inner(one, f"{where}.{key:.40}") for key, one in value.items()}

    return check


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with just these keys; of the optional ones some may be absent."""
    known = {**required, **(optional or {})}

    def check(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong(where, "an object")
        for key in required:
            if key not in value:
                raise damaged(f"{where} has no {key!r}")
        for key in value:
            if key not in known:
                raise damaged(f"{where} has {key!r:.40}, which this version does not know")
        return {key: known[key](one, f"{where}.{key}") for key, one in value.items()}

    return check


def anything(value: Any, _where: str) -> Any:
    """Any JSON value, to be checked later."""
    return value


def _wrong(where: str, wanted: str) -> ModelFileError:
    return damaged(f"{where} is not {wanted}")


# Values of Python as JSON and back


def to_json(value: Any, where: str, depth: int = 0) -> Any:
    """A setting as JSON; tuples, dicts and infinite numbers are marked as such."""
    if depth > DEEPEST_SETTING:
        raise ModelFileError(f"{where} is nested deeper than {DEEPEST_SETTING} levels")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and abs(value) <= LARGEST:
        return int(value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else {"float": str(float(value))}
    if isinstance(value, (list, tuple)):
        values = [to_json(one, f"{where}[{k}]", depth + 1) for k, one in enumerate(value)]
        return {"tuple": values} if isinstance(value, tuple) else values
    if isinstance(value, (set, frozenset)) and all(isinstance(one, str) for one in value):
        return sorted(value)
    if isinstance(value, Mapping):
        pairs = [[to_json(one, where, depth + 1) for one in item] for item in value.items()]
        return {"dict": sorted(pairs, key=lambda pair: (type(pair[0]).__name__, repr(pair[0])))}
    raise ModelFileError(
        f"{where} is {value!r:.60}: a model file holds text, numbers, lists and dicts"
    )


def from_json(value: Any, where: str) -> Any:
    """What `to_json` was given."""
    if isinstance(value, list):
        return [from_json(one, where) for one in value]
    if not isinstance(value, dict):
        return value
    [(kind, inner)] = value.items() if len(value) == 1 else [("", None)]
    if kind == "float" and isinstance(inner, str) and inner in SPECIAL:
        return SPECIAL[inner]
    if kind == "tuple" and isinstance(inner, list):
        return tuple(from_json(inner, where))
    if kind == "dict" and isinstance(inner, list):
        pairs = [from_json(pair, where) for pair in inner]
        if all(isinstance(p, list) and len(p) == 2 and _is_key(p[0]) for p in pairs):
            return dict(pairs)
    raise damaged(f"{where} is no value that `save` writes")


def _is_key(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool))


def to_plain_json(value: Any, where: str, depth: int = 0) -> Any:
    """A card's value as JSON has it: what `json.dumps` takes, and no infinite number."""
    if isinstance(value, np.generic):
        value = value.item()
    if depth <= DEEPEST:
        if value is None or isinstance(value, (bool, str)):
            return value
        if isinstance(value, int) and abs(value) <= LARGEST:
            return int(value)
        if isinstance(value, float) and isfinite(value):
            return float(value)
        if isinstance(value, (list, tuple)):
            return [to_plain_json(one, f"{where}[{k}]", depth + 1) for k, one in enumerate(value)]
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return {
                key: to_plain_json(one, f"{where}[{key!r:.40}]", depth + 1)
                for key, one in value.items()
            }
    raise ModelFileError(
        f"{where} is {reprlib.repr(value):.60}: give what JSON holds (text, finite numbers, true, "
        f"false, null, lists, objects with text as keys), nested {DEEPEST} deep at most"
    )
