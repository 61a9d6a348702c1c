"""Floats to integers as NumPy on the same kind of CPU: also nan and what is out of range.

C leaves those open, so NumPy has what its compiler and the CPU made of them. On x86 a number that
does not fit becomes the smallest integer; small integers are the low bits of 32-bit ones; unsigned
ones are converted as signed ones, less half of their range where they are larger than that. LLVM
leaves the same cases open: here each conversion is one whose result the CPU defines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..target.host import host
from .types import ELEMENTS, llvm_type

if TYPE_CHECKING:
    from .builder import Function, Value

_WORD = np.dtype(np.int32)


def to_whole(f: Function, x: Value, dtype: np.dtype[np.generic]) -> Value:
    """A floating number without its fraction, in an integer dtype."""
    if dtype.itemsize < _WORD.itemsize:
        word = _WORD if dtype.kind == "i" or _is_x86() else np.dtype(np.uint32)
        return f.convert(to_whole(f, x, word), dtype)
    if not _is_x86():
        return _nearest(f, x, dtype)
    signed = np.dtype(f"i{dtype.itemsize}")
    plain = _truncated(f, x, signed)
    if dtype.kind == "i":
        return plain
    half = x.like(2.0 ** (8 * dtype.itemsize - 1))
    upper = _truncated(f, x - half, signed) ^ int(np.iinfo(signed).min)
    return f.bitcast(f.select(x >= half, upper, plain), dtype)  # nan is not larger: it stays


def _truncated(f: Function, x: Value, dtype: np.dtype[np.generic]) -> Value:
    return f.value(f"fptosi {x} to {llvm_type(dtype, x.lanes)}", dtype, x.lanes)


def _nearest(f: Function, x: Value, dtype: np.dtype[np.generic]) -> Value:
    """The nearest integer that fits, 0 for nan: what other CPUs do by themselves."""
    name = "fptosi" if dtype.kind == "i" else "fptoui"
    lanes = "" if x.lanes == 1 else f"v{x.lanes}"
    return f.intrinsic(f"{name}.sat.{lanes}{ELEMENTS[dtype]}", x, returns=dtype)


def _is_x86() -> bool:
    return host().triple.split("-")[0] in ("x86_64", "AMD64")
