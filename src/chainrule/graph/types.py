"""Shapes and dtypes: NumPy's own rules (NEP 50, broadcasting), asked rather than repeated."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, UnsupportedDtypeError, at_user_line

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]

SHORT = {"float64": "f64", "float32": "f32", "float16": "f16", "int64": "i64", "int32": "i32",
         "int16": "i16", "int8": "i8", "uint64": "u64", "uint32": "u32", "uint16": "u16",
         "uint8": "u8", "bool": "bool", "complex64": "c64", "complex128": "c128"}  # fmt: skip


class Type(NamedTuple):
    """Shape and dtype of one array; prints as ``f64[4,3]``."""

    shape: Shape
    dtype: np.dtype[Any]

    def __str__(self) -> str:
        sizes = ",".join(map(str, self.shape))
        return f"{_short(self.dtype)}[{sizes}]"


@lru_cache(maxsize=256)
def _short(dtype: np.dtype[Any]) -> str:
    return SHORT.get(dtype.name, dtype.name)


def is_float(dtype: Any) -> bool:
    """Return whether the dtype is a real floating one."""
    return bool(dtype.kind == "f")


def is_complex(dtype: Any) -> bool:
    """Return whether the dtype is of complex numbers."""
    return bool(dtype.kind == "c")


def is_inexact(dtype: Any) -> bool:
    """Return whether the dtype is a floating one, real or complex: only those have derivatives."""
    return dtype.kind in "fc"


def check_dtype(dtype: np.dtype[Any]) -> None:
    """Raise unless a graph can hold the dtype: bool, integer, floating of at most 64 bits, complex
    of two such.
    """
    if dtype.kind not in "biufc" or dtype.itemsize > (16 if dtype.kind == "c" else 8):
        hint = _HINTS.get(dtype.kind, "encode it first")
        name = {"f": "longdouble", "c": "clongdouble"}.get(dtype.kind, dtype)
        raise UnsupportedDtypeError(
            at_user_line(
                f"dtype {name} is not supported (bool, integer, float and complex are): {hint}"
            )
        )


_HINTS = {
    "c": "x.astype(complex)",
    "f": "x.astype(float)",
    "V": "take its fields apart",
}


def weak_constant(value: Any, dtype: np.dtype[Any]) -> Array:
    """Convert `value` to an array; Python numbers take `dtype`, that beside them (NEP 50)."""
    if isinstance(value, (bool, int, float, complex)):
        return np.result_type(dtype, value).type(value)  # type: ignore[no-any-return]
    if isinstance(value, np.generic):
        check_dtype(value.dtype)
        return value  # type: ignore[return-value]
    array = np.asarray(value)
    check_dtype(array.dtype)
    if array.size > 1 and not any(array.strides):  # one number everywhere: stays one number
        return np.broadcast_to(array.ravel()[0], array.shape)
    return np.array(array)


@lru_cache(maxsize=1024)
def _broadcast(shapes: tuple[Shape, ...]) -> Shape:
    return np.broadcast_shapes(*shapes)


def broadcast_shapes(name: str, *shapes: Shape) -> Shape:
    """Return the common shape, or raise an error that names the operation and the user's line."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    try:
        return _broadcast(shapes)
    except ValueError:
        listed = " and ".join(map(str, shapes))
        raise ShapeError(
            at_user_line(f"{name}: shapes {listed} cannot be broadcast together")
        ) from None
