"""What layers check of their arguments: sizes, dtypes, and the shapes that come in."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import DtypeError, ShapeError, at_user_line


def whole(name: str, value: int, least: int = 1) -> int:
    """A whole number of at least so much."""
    try:
        found = operator.index(value)
    except TypeError:
        raise TypeError(
            at_user_line(f"{name} is {type(value).__name__} {value!r:.40}: give a whole number")
        ) from None
    if found < least:
        raise ValueError(at_user_line(f"{name}={found}: give {least} or more"))
    return found


def pair(name: str, value: int | tuple[int, int], least: int = 1) -> tuple[int, int]:
    """Two whole numbers, along height and width; one number is meant for both."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(
                at_user_line(f"{name}={value!r:.40}: give one whole number or a pair of them")
            )
        return whole(name, value[0], least), whole(name, value[1], least)
    return whole(name, value, least), whole(name, value, least)


def floating(dtype: DTypeLike) -> np.dtype[Any]:
    """The dtype of parameters."""
    found = np.dtype(dtype)
    if found.kind != "f":
        raise DtypeError(at_user_line(f"dtype={found}: parameters are floats, such as np.float32"))
    return found


def positive(name: str, value: float) -> float:
    """A known number above 0."""
    if not 0 < value < np.inf:
        raise ValueError(at_user_line(f"{name}={value}: give a positive number"))
    return value


def fraction(name: str, value: float) -> float:
    """A known number from 0 on and below 1."""
    if not 0 <= value < 1:
        raise ValueError(at_user_line(f"{name}={value}: give a number of 0 or more and below 1"))
    return value


def check_columns(layer: str, x: Any, columns: int) -> None:
    """Raise unless the last axis has so many entries."""
    if np.ndim(x) == 0 or np.shape(x)[-1] != columns:
        raise ShapeError(
            at_user_line(
                f"{layer} takes arrays of shape (..., {columns}), and was given {np.shape(x)}"
            )
        )
