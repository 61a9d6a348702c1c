"""What finding eigenvalues of a small symmetric matrix is written with: memory and control flow.

A column of a matrix is one vector, so that rotations and reflections are a few instructions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..ir.builder import FunctionBuilder
from ..ir.types import I64, Index
from ..ir.value import Value


class Eigen:
    """One matrix after the other, in memory that the function sets aside.

    Parameters
    ----------
    f : FunctionBuilder
        A function at its first line, which returns an i32: whether something failed.
    dtype : dtype
    n : int
        Rows of a matrix.
    """

    def __init__(self, f: FunctionBuilder, dtype: np.dtype[Any], n: int) -> None:
        self.f, self.dtype, self.n, self.size = f, dtype, n, dtype.itemsize
        self.lanes = 1 << (n - 1).bit_length()
        width = self.lanes * self.size
        self.matrix, self.vectors = self._set_aside(n * width), self._set_aside(n * width)
        self.reflector, self.update = self._set_aside(width), self._set_aside(width)
        self.diagonal = self._set_aside(n * self.size)
        # one more at either end: what is written there is not read
        self.beside = f.offset(self._set_aside((n + 2) * self.size), 1, self.size)
        self.status = f.name("alloca i32, align 4")
        f.emit(f"store i32 0, ptr {self.status}, align 4")
        self.cells = {name: f.name("alloca i64, align 8") for name in ("l", "m", "last", "next",
                                                                       "steps")}  # fmt: skip
        finfo = np.finfo(dtype)
        self.epsilon, self.tiny = float(finfo.eps) / 2, float(finfo.tiny)

    def _set_aside(self, nbytes: int) -> str:
        return self.f.name(f"alloca [{nbytes} x i8], align 64")

    # Numbers and vectors

    def number(self, x: float) -> Value:
        """Return a constant."""
        return self.f.constant(x, self.dtype)

    def get(self, array: str, k: Index) -> Value:
        """Return the k-th number of an array."""
        return self.f.load(self.f.offset(array, k, self.size), self.dtype)

    def put(self, x: Value, array: str, k: Index) -> None:
        """Set the k-th number of an array."""
        self.f.store(x, self.f.offset(array, k, self.size))

    def column(self, array: str, k: Index) -> Value:
        """Return a column of a matrix as a vector."""
        f = self.f
        return f.load(f.offset(array, k, self.lanes * self.size), self.dtype, self.lanes)

    def put_column(self, x: Value, array: str, k: Index) -> None:
        """Set a column of a matrix."""
        f = self.f
        f.store(x, f.offset(array, k, self.lanes * self.size))

    def splat(self, x: Value) -> Value:
        """Return a number in all lanes."""
        return self.f.splat(x, self.lanes)

    def rows_after(self, k: Index) -> Value:
        """Return which rows come after the k-th."""
        f = self.f
        rows = f.vector(range(self.lanes), I64)
        if isinstance(k, int):
            return rows > k
        return rows > f.splat(Value(f, k, I64, 1), self.lanes)

    def total(self, x: Value) -> Value:
        """Return the sum of all lanes, by halves."""
        f, lanes = self.f, x.lanes
        while lanes > 2:
            half = lanes // 2
            low, high = f.shuffle(x, None, range(half)), f.shuffle(x, None, range(half, lanes))
            x, lanes = low + high, half
        return f.extract(x, 0) + f.extract(x, 1)

    def absolute(self, x: Value) -> Value:
        """Return the size of a number."""
        return self.f.intrinsic("fabs", x)

    def signed(self, size: Value, sign: Value) -> Value:
        """Return a size with the sign of another number, be that -0."""
        return self.f.intrinsic("copysign", size, sign)

    def root(self, x: Value) -> Value:
        """Return the square root."""
        return self.f.intrinsic("sqrt", x)

    # Control flow

    def load(self, cell: str) -> Value:
        """Return what a cell holds."""
        return Value(self.f, self.f.name(f"load i64, ptr {self.cells[cell]}, align 8"), I64, 1)

    def store(self, x: Value | int, cell: str) -> None:
        """Set a cell."""
        name = x.name if isinstance(x, Value) else x
        self.f.emit(f"store i64 {name}, ptr {self.cells[cell]}, align 8")

    def leave_if(self, condition: str, label: str) -> None:
        """Jump to a label if an i1 holds."""
        go_on = self.f.fresh("on")
        self.f.branch(condition, label, go_on)
        self.f.label(go_on)

    def repeat(self, body: Callable[[str, str], None]) -> None:
        """Write a body again and again: ``body(head, end)`` may jump to either label."""
        f = self.f
        head, end = f.fresh("again"), f.fresh("end")
        f.jump(head)
        f.label(head)
        body(head, end)
        f.jump(head)
        f.label(end)

    def fail_if(self, condition: str) -> None:
        """Note that something failed if an i1 holds."""
        f = self.f
        before = f.name(f"load i32, ptr {self.status}, align 4")
        one = f.name(f"zext i1 {condition} to i32")
        f.emit(f"store i32 {f.name(f'or i32 {before}, {one}')}, ptr {self.status}, align 4")
