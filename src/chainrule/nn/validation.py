"""Checks of the arguments of layers: sizes, dtypes, and the shapes of inputs."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import DtypeError, ShapeError, at_user_line


def check_int(name: str, value: int, minimum: int = 1) -> int:
    """Return a whole number of at least `minimum`; raise if `value` is anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(
            at_user_line(f"{name} is {type(value).__name__} {value!r:.40}: give a whole number")
        ) from None
    if number < minimum:
        raise ValueError(at_user_line(f"{name}={number}: give {minimum} or more"))
    return number


def check_pair(name: str, value: int | tuple[int, int], minimum: int = 1) -> tuple[int, int]:
    """Return two whole numbers, along height and width; one number is used for both."""
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(
                at_user_line(f"{name}={value!r:.40}: give one whole number or a pair of them")
            )
        return check_int(name, value[0], minimum), check_int(name, value[1], minimum)
    return check_int(name, value, minimum), check_int(name, value, minimum)


def check_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return the dtype of parameters; raise unless it is floating."""
    parameter_dtype = np.dtype(dtype)
    if parameter_dtype.kind != "f":
        raise DtypeError(
            at_user_line(f"dtype={parameter_dtype}: parameters are floats, such as np.float32")
        )
    return parameter_dtype


def check_positive(name: str, value: float) -> float:
    """Return a known number above 0; raise if `value` is not."""
    if not 0 < value < np.inf:
        raise ValueError(at_user_line(f"{name}={value}: give a positive number"))
    return value


def check_fraction(name: str, value: float) -> float:
    """Return a known number of at least 0 and below 1; raise if `value` is not."""
    if not 0 <= value < 1:
        raise ValueError(at_user_line(f"{name}={value}: give a number of 0 or more and below 1"))
    return value


def check_last_axis(layer: str, x: Any, size: int) -> None:
    """Raise unless the last axis of x has `size` entries."""
    if np.ndim(x) == 0 or np.shape(x)[-1] != size:
        raise ShapeError(
            at_user_line(
                f"{layer} takes arrays of shape (..., {size}), and was given {np.shape(x)}"
            )
        )
