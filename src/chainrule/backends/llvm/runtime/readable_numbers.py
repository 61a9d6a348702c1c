"""Numbers of Python and NumPy that are read where they lie."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

NUMBER = 16  # bytes before the number of a float, a complex, and most scalars of NumPy


@lru_cache
def readable_numbers() -> Mapping[type, np.dtype[Any]]:
    """Return the types of numbers that can be read where they lie, which is tried out."""
    readable: dict[type, np.dtype[Any]] = {}
    kinds: list[Any] = [float, complex, *{np.dtype(code).type for code in "?bhilqBHILQfdFD"}]
    for kind in kinds:
        number, dtype = kind(1.5), np.dtype(kind)
        if kind.__basicsize__ < NUMBER + dtype.itemsize:
            continue
        memory = (ctypes.c_char * dtype.itemsize).from_address(id(number) + NUMBER)
        if bytes(memory) == np.asarray(number, dtype).tobytes():
            readable[kind] = dtype
    return readable
