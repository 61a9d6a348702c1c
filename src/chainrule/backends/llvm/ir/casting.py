"""Floats to integers as NumPy on the same kind of CPU: also nan and what is out of range.

C leaves those open, so NumPy has what its compiler and the CPU made of them. On x86 a number that
does not fit becomes the smallest integer; small integers are the low bits of 32-bit ones; unsigned
ones are converted as signed ones, less half of their range where they are larger than that. LLVM
leaves the same cases open: here each conversion is one whose result the CPU defines.
"""

from __future__ import annotations

import numpy as np

from ..target.host import host
from .types import ELEMENTS, llvm_type
from .value import Builder, Value

_WORD = np.dtype(np.int32)


def float_to_int(f: Builder, x: Value, dtype: np.dtype[np.generic]) -> Value:
    """Truncate a float to an integer dtype."""
    if dtype.itemsize < _WORD.itemsize:
        word = _WORD if dtype.kind == "i" or _is_x86() else np.dtype(np.uint32)
        return f.convert(float_to_int(f, x, word), dtype)
    if not _is_x86():
        return _saturated(f, x, dtype)
    signed = np.dtype(f"i{dtype.itemsize}")
    plain = _truncated(f, x, signed)
    if dtype.kind == "i":
        return plain
    half = x.like(2.0 ** (8 * dtype.itemsize - 1))
    upper = _truncated(f, x - half, signed) ^ int(np.iinfo(signed).min)
    return f.bitcast(f.select(x >= half, upper, plain), dtype)  # nan is not larger: it stays


def _truncated(f: Builder, x: Value, dtype: np.dtype[np.generic]) -> Value:
    return f.value(f"fptosi {x} to {llvm_type(dtype, x.lanes)}", dtype, x.lanes)


def _saturated(f: Builder, x: Value, dtype: np.dtype[np.generic]) -> Value:
    """Saturate to the integer range, and nan to 0, as instructions of other CPUs do."""
    name = "fptosi" if dtype.kind == "i" else "fptoui"
    lanes = "" if x.lanes == 1 else f"v{x.lanes}"
    return f.intrinsic(f"{name}.sat.{lanes}{ELEMENTS[dtype]}", x, returns=dtype)


def _is_x86() -> bool:
    return host().triple.split("-")[0] in ("x86_64", "AMD64")
