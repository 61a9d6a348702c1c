"""How LLVM writes NumPy's dtypes and numbers."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

ELEMENTS = {
    np.dtype(name): element
    for name, element in {
        "float64": "double", "float32": "float", "float16": "half", "int64": "i64",
        "uint64": "i64", "int32": "i32", "uint32": "i32", "int16": "i16", "uint16": "i16",
        "int8": "i8", "uint8": "i8", "bool": "i1",
    }.items()
}  # fmt: skip
I64 = np.dtype(np.int64)
I32 = np.dtype(np.int32)
BOOL = np.dtype(np.bool_)
F32 = np.dtype(np.float32)
F64 = np.dtype(np.float64)

Index = int | str
"""An integer known while compiling, or the name of an i64 that is computed while running."""


def llvm_type(dtype: np.dtype[Any], lanes: int) -> str:
    """Return `<16 x float>` for float32 and 16 lanes, `float` for one lane."""
    element = ELEMENTS[dtype]
    return element if lanes == 1 else f"<{lanes} x {element}>"


def literal(value: Any, dtype: np.dtype[Any]) -> str:
    """Return a number as LLVM writes it. Floats are written as bits, so nothing is rounded."""
    if dtype.kind == "b":
        return "true" if value else "false"
    if dtype.itemsize == 2 and dtype.kind == "f":
        return f"0xH{int(dtype.type(value).view(np.uint16)):04X}"
    if dtype.kind == "f":
        wide = float(dtype.type(value))
        return f"0x{struct.unpack('<Q', struct.pack('<d', wide))[0]:016X}"
    return str(int(dtype.type(value)))


def overload_suffix(dtype: np.dtype[Any]) -> str:
    """Return how the name of an overloaded intrinsic ends for this dtype."""
    element = ELEMENTS[dtype]
    return {"double": "f64", "float": "f32", "half": "f16"}.get(element, element)


def conversion(source: np.dtype[Any], target: np.dtype[Any]) -> str:
    """Return the instruction that converts between two dtypes, neither of them an integer made
    from a float: see `casting`.
    """
    if source.kind == "f" and target.kind == "f":
        return "fpext" if target.itemsize > source.itemsize else "fptrunc"
    if target.kind == "f":
        return "sitofp" if source.kind == "i" else "uitofp"
    if source.kind != "b" and target.itemsize < source.itemsize:
        return "trunc"
    return "sext" if source.kind == "i" else "zext"
