"""SSA values that know their dtype and combine as NumPy's numbers do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from .types import llvm_type


class Builder(Protocol):
    """What values, loops and conversions use of a `FunctionBuilder`, which they must not import."""

    lines: list[str]
    block: str

    def emit(self, line: str) -> None:
        """Write an instruction without a result."""
        ...

    def name(self, right: str) -> str:
        """Write an instruction and return the name of its result."""
        ...

    def fresh(self, stem: str = "v") -> str:
        """Return a name that is not used yet."""
        ...

    def declare(self, name: str, line: str) -> None:
        """Add a declaration to the module, once."""
        ...

    def label(self, name: str) -> None:
        """Begin a block."""
        ...

    def jump(self, name: str) -> None:
        """End the block with a jump."""
        ...

    def branch(self, condition: str, yes: str, no: str) -> None:
        """End the block with a branch."""
        ...

    def value(self, right: str, dtype: np.dtype[Any], lanes: int, origin: Any = None) -> Value:
        """Write an instruction and return its result."""
        ...

    def constant(self, number: Any, dtype: Any, lanes: int = 1) -> Value:
        """Return a number in all lanes."""
        ...

    def unary(self, operation: str, x: Value) -> Value:
        """Write an instruction of one operand."""
        ...

    def binary(self, operation: str, x: Value, y: Value) -> Value:
        """Write an instruction of two operands."""
        ...

    def compare(self, relation: str, x: Value, y: Value) -> Value:
        """Compare lane by lane."""
        ...

    def select(self, condition: Value, x: Any, y: Any) -> Value:
        """Choose lane by lane."""
        ...

    def bitcast(self, x: Value, dtype: Any) -> Value:
        """Read the same bits as another dtype."""
        ...

    def convert(self, x: Value, dtype: Any) -> Value:
        """Convert as NumPy's astype does."""
        ...

    def intrinsic(self, name: str, *inputs: Value, returns: np.dtype[Any] | None = None) -> Value:
        """Call an intrinsic of LLVM."""
        ...

    def shuffle(self, x: Value, y: Value | None, order: Sequence[int | str]) -> Value:
        """Permute lanes."""
        ...


class Value:
    """One SSA value: a scalar, or a vector of `lanes` numbers.

    Arithmetic follows NumPy's on equal dtypes; Python numbers become constants. `origin` is the
    operation with its operands, which peephole rewrites look at.
    """

    __slots__ = ("builder", "dtype", "lanes", "name", "origin")

    def __init__(
        self, builder: Builder, name: str, dtype: np.dtype[Any], lanes: int, origin: Any = None
    ) -> None:
        self.builder = builder
        self.name = name
        self.dtype = dtype
        self.lanes = lanes
        self.origin = origin

    @property
    def type(self) -> str:
        """The type as LLVM writes it."""
        return llvm_type(self.dtype, self.lanes)

    def __str__(self) -> str:
        return f"{self.type} {self.name}"

    def like(self, number: Any) -> Value:
        """Return a number as a constant of the same type."""
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
        """Shift, arithmetically for signed integers and logically for unsigned ones."""
        operation = "lshr" if self.dtype.kind == "u" else "ashr"
        return self.builder.binary(operation, self, self._other(other))

    def __pos__(self) -> Value:
        return self

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
        """Compare for equality, which is false for nan."""
        return self.builder.compare("eq", self, self._other(other))

    def is_nan(self) -> Value:
        """Test for nan."""
        return self.builder.compare("uno", self, self)
