"""SSA values that know their dtype and combine as NumPy's numbers do."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .builder import Function

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
"""A whole number that is known, or the name of an i64."""


def llvm_type(dtype: np.dtype[Any], lanes: int) -> str:
    """`<16 x float>` for float32 and 16 lanes; lanes of 1 are a scalar."""
    element = ELEMENTS[dtype]
    return element if lanes == 1 else f"<{lanes} x {element}>"


def literal(value: Any, dtype: np.dtype[Any]) -> str:
    """A number as LLVM writes it; floats by their bits, so that nothing is rounded."""
    if dtype.kind == "b":
        return "true" if value else "false"
    if dtype.itemsize == 2 and dtype.kind == "f":
        return f"0xH{int(dtype.type(value).view(np.uint16)):04X}"
    if dtype.kind == "f":
        wide = float(dtype.type(value))
        return f"0x{struct.unpack('<Q', struct.pack('<d', wide))[0]:016X}"
    return str(int(dtype.type(value)))


class Value:
    """One SSA value: a scalar, or a vector of `lanes` numbers.

    Arithmetic follows NumPy's on equal dtypes; Python numbers become constants. `origin` is how
    the value came about, for rewriting as it is written: (operation, operands).
    """

    __slots__ = ("builder", "dtype", "lanes", "name", "origin")

    def __init__(
        self, builder: Function, name: str, dtype: np.dtype[Any], lanes: int, origin: Any = None
    ) -> None:
        self.builder = builder
        self.name = name
        self.dtype = dtype
        self.lanes = lanes
        self.origin = origin

    @property
    def type(self) -> str:
        """As LLVM writes it."""
        return llvm_type(self.dtype, self.lanes)

    def __str__(self) -> str:
        return f"{self.type} {self.name}"

    def like(self, number: Any) -> Value:
        """A number as a value of the same type."""
        return self.builder.constant(number, self.dtype, self.lanes)

    def _other(self, other: Any) -> Value:
        return other if isinstance(other, Value) else self.like(other)

    def _binary(self, floating: str, signed: str, other: Any, swap: bool = False) -> Value:
        x, y = self, self._other(other)
        if swap:
            x, y = y, x
        operation = floating if self.dtype.kind == "f" else signed
        return self.builder.binary(operation, x, y)

    def __add__(self, other: Any) -> Value:
        return self._binary("fadd", "add", other)

    def __radd__(self, other: Any) -> Value:
        return self._binary("fadd", "add", other, swap=True)

    def __sub__(self, other: Any) -> Value:
        return self._binary("fsub", "sub", other)

    def __rsub__(self, other: Any) -> Value:
        return self._binary("fsub", "sub", other, swap=True)

    def __mul__(self, other: Any) -> Value:
        return self._binary("fmul", "mul", other)

    def __rmul__(self, other: Any) -> Value:
        return self._binary("fmul", "mul", other, swap=True)

    def __truediv__(self, other: Any) -> Value:
        return self._binary("fdiv", "sdiv", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self._binary("fdiv", "sdiv", other, swap=True)

    def __and__(self, other: Any) -> Value:
        return self.builder.binary("and", self, self._other(other))

    def __or__(self, other: Any) -> Value:
        return self.builder.binary("or", self, self._other(other))

    def __xor__(self, other: Any) -> Value:
        return self.builder.binary("xor", self, self._other(other))

    def __lshift__(self, other: Any) -> Value:
        return self.builder.binary("shl", self, self._other(other))

    def __rshift__(self, other: Any) -> Value:
        """Arithmetic for signed integers, logical for unsigned ones."""
        operation = "lshr" if self.dtype.kind == "u" else "ashr"
        return self.builder.binary(operation, self, self._other(other))

    def __neg__(self) -> Value:
        if self.dtype.kind == "f":
            return self.builder.unary("fneg", self)
        return self.like(0) - self

    def __lt__(self, other: Any) -> Value:
        return self.builder.compare("lt", self, self._other(other))

    def __le__(self, other: Any) -> Value:
        return self.builder.compare("le", self, self._other(other))

    def __gt__(self, other: Any) -> Value:
        return self.builder.compare("gt", self, self._other(other))

    def __ge__(self, other: Any) -> Value:
        return self.builder.compare("ge", self, self._other(other))

    def equals(self, other: Any) -> Value:
        """Whether both are equal: false for nan."""
        return self.builder.compare("eq", self, self._other(other))

    def is_nan(self) -> Value:
        """Whether the number is nan."""
        return self.builder.compare("uno", self, self)
