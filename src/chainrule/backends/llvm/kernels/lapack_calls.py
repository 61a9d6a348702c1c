"""Calls of LAPACK and BLAS, one matrix after the other.

LAPACK takes matrices by columns. One that lies by rows is its own transpose there, so triangular
systems are solved where everything lies, and Cholesky's factor is written where it belongs; only
the matrix whose pivots are sought is copied by columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ir.builder import FunctionBuilder
from ..ir.types import I32, Index, literal, llvm_type
from ..ir.value import Value
from .lapack import symbol
from .small_matrices import Stack

_BLOCK = 8  # columns that are copied together: as many as numbers in a cache line


class Calls:
    """What functions that call LAPACK are written with.

    Parameters
    ----------
    f : FunctionBuilder
        A function at its first line, which returns an i32: whether something failed.
    count : int
        The number of matrices.
    """

    def __init__(self, f: FunctionBuilder, dtype: np.dtype[Any], count: int) -> None:
        self.f, self.dtype, self.count = f, dtype, count
        self.size = dtype.itemsize
        self.info = f.name("alloca i32, align 4")
        self.status = f.name("alloca i32, align 4")
        f.emit(f"store i32 0, ptr {self.status}, align 4")

    def letter(self, letter: str) -> str:
        """Return the address of a letter."""
        self.f.declare(f"letter_{letter}", f"@letter_{letter} = private constant i8 {ord(letter)}")
        return f"@letter_{letter}"

    def integer(self, k: int) -> str:
        """Return the address of an int."""
        name = f"integer_{k}".replace("-", "minus_")
        self.f.declare(name, f"@{name} = private constant i32 {k}")
        return f"@{name}"

    def one(self) -> str:
        """Return the address of 1."""
        name, kind = f"one_f{8 * self.size}", llvm_type(self.dtype, 1)
        self.f.declare(name, f"@{name} = private constant {kind} {literal(1.0, self.dtype)}")
        return f"@{name}"

    def call(self, name: str, *arguments: str) -> None:
        """Call a function with addresses."""
        full = symbol(name, self.dtype)
        kinds = ", ".join(["ptr"] * len(arguments))
        self.f.declare(full, f"declare void @{full}({kinds})")
        self.f.emit(f"call void @{full}({', '.join(f'ptr {a}' for a in arguments)})")

    def at(self, stack: Stack, *index: Index) -> str:
        """Return the address of a matrix, or of an entry."""
        f = self.f
        position: Index = 0
        for k, stride in zip(index, stack.strides, strict=False):
            position = f.plus(position, f.times(k, stride))
        return f.offset(stack.pointer, position, stack.dtype.itemsize)

    def load(self, pointer: str) -> Value:
        """Load a number."""
        return self.f.load(pointer, self.dtype)

    def fail_if(self, condition: str) -> None:
        """Note that something failed if an i1 holds."""
        f = self.f
        before = f.name(f"load i32, ptr {self.status}, align 4")
        one = f.name(f"zext i1 {condition} to i32")
        f.emit(f"store i32 {f.name(f'or i32 {before}, {one}')}, ptr {self.status}, align 4")

    def fail_by_info(self) -> None:
        """Note that LAPACK said that it failed."""
        f = self.f
        info = f.name(f"load i32, ptr {self.info}, align 4")
        self.fail_if(f.name(f"icmp ne i32 {info}, 0"))

    def end(self) -> None:
        """Return whether something failed."""
        self.f.emit(f"ret i32 {self.f.name(f'load i32, ptr {self.status}, align 4')}")

    def copy_by_columns(self, source: Stack, k: str, target: str, rows: int, columns: int) -> None:
        """Write a matrix by columns, some of them at a time, whichever way it lies."""
        f = self.f
        matrix, (_, down, across) = self.at(source, k), source.strides

        def some(first: Index, width: int) -> None:
            start = f.offset(matrix, f.times(first, across), self.size)
            to = f.offset(target, f.times(first, rows), self.size)
            with f.loop(0, rows) as loop:
                line = f.offset(start, f.times(loop.index, down), self.size)
                beside = f.offset(to, loop.index, self.size)
                numbers = [self.load(f.offset(line, c * across, self.size)) for c in range(width)]
                for c, x in enumerate(numbers):
                    f.store(x, f.offset(beside, c * rows, self.size))

        whole = columns // _BLOCK * _BLOCK
        if whole:
            with f.loop(0, whole, _BLOCK) as loop:
                some(loop.index, _BLOCK)
        if columns - whole:
            some(whole, columns - whole)


def write_lu(f: FunctionBuilder, stacks: Sequence[Stack], count: int, n: int, check: bool) -> None:
    """Factorize a into factors, which lie by columns, and pivots; with `check`, a zero fails."""
    a, factors, pivots = stacks
    c = Calls(f, a.dtype, count)
    with f.loop(0, count) as loop:
        k = loop.index
        target, rows = c.at(factors, k), c.at(pivots, k)
        c.copy_by_columns(a, k, target, n, n)
        c.call("getrf", c.integer(n), c.integer(n), target, c.integer(n), rows, c.info)
        if check:
            c.fail_by_info()
        with f.loop(0, n) as entries:  # LAPACK counts from 1
            pointer = f.offset(rows, entries.index, 4)
            f.store(f.load(pointer, I32) - 1, pointer)
    c.end()


def write_cholesky(f: FunctionBuilder, stacks: Sequence[Stack], count: int, n: int) -> None:
    """Factorize a into its lower factor, which lies by rows."""
    a, factor = stacks
    c = Calls(f, a.dtype, count)
    with f.loop(0, count) as loop:
        k = loop.index
        target = c.at(factor, k)
        with f.loop(0, n) as rows:
            line, to = c.at(a, k, rows.index), f.offset(target, f.times(rows.index, n), c.size)
            after = f.plus(rows.index, 1)
            with f.loop(0, after) as entries:
                x = c.load(f.offset(line, f.times(entries.index, a.strides[2]), c.size))
                f.store(x, f.offset(to, entries.index, c.size))
            with f.loop(after, n) as entries:
                f.store(f.constant(0.0, c.dtype), f.offset(to, entries.index, c.size))
        c.call("potrf", c.letter("U"), c.integer(n), target, c.integer(n), c.info)
        c.fail_by_info()
    c.end()


def solve_triangle(
    c: Calls, a: Stack, x: Stack, k: str, n: int, columns: int, *, low: bool, trans: bool,
    unit: bool,
) -> None:  # fmt: skip
    """Replace x by the solution of t x = b, where t is a triangle of a, or its transpose."""
    by_rows = a.strides[2] == 1
    upper = low == by_rows  # of what LAPACK sees
    flipped = trans != by_rows  # whether that is the transpose of t
    step = a.strides[1] if by_rows else a.strides[2]
    shape = [c.letter("U" if upper else "L"), c.letter("U" if unit else "N")]
    matrix, to, leading = c.at(a, k), c.at(x, k), c.integer(step)
    if columns == 1:
        c.call("trsv", shape[0], c.letter("T" if flipped else "N"), shape[1], c.integer(n),
               matrix, leading, to, c.integer(x.strides[1]))  # fmt: skip
        return
    x_by_rows = x.strides[2] == 1
    flipped = flipped != x_by_rows  # x^T t^T = b^T
    rows, width = (columns, n) if x_by_rows else (n, columns)
    c.call("trsm", c.letter("R" if x_by_rows else "L"), shape[0],
           c.letter("T" if flipped else "N"), shape[1], c.integer(rows), c.integer(width),
           c.one(), matrix, leading, to, c.integer(rows))  # fmt: skip


def fail_at_zero(c: Calls, a: Stack, k: str, n: int) -> None:
    """Fail if a number on the diagonal is 0."""
    f = c.f
    with f.loop(0, n) as loop:
        x = c.load(c.at(a, k, loop.index, loop.index))
        c.fail_if(x.equals(0.0).name)


def exchange_rows(
    c: Calls, pivots: Stack, x: Stack, k: str, n: int, columns: int, *, undo: bool
) -> None:
    """Exchange rows of x as a factorization did, or back."""
    f, (_, down, across) = c.f, x.strides
    matrix = c.at(x, k)
    with f.loop(0, n) as loop:
        i = f.name(f"sub i64 {n - 1}, {loop.index}") if undo else loop.index
        row = f.load(f.offset(c.at(pivots, k), f.times(i, pivots.strides[1]), 4), I32)
        other = f.name(f"sext {row} to i64")
        with f.when(f.name(f"icmp ne i64 {i}, {other}")):
            here = f.offset(matrix, f.times(i, down), c.size)
            there = f.offset(matrix, f.times(other, down), c.size)
            if columns > 1:
                step = c.integer(across)
                c.call("swap", c.integer(columns), here, step, there, step)
            else:
                one, two = c.load(here), c.load(there)
                f.store(two, here)
                f.store(one, there)


def write_eigh(f: FunctionBuilder, stacks: Sequence[Stack], count: int, n: int, low: bool) -> None:
    """Write eigenvalues and eigenvectors, the latter by rows; `work` and `integers` are spare."""
    a, values, vectors, work, integers = stacks
    c = Calls(f, a.dtype, count)
    with f.loop(0, count) as loop:
        k = loop.index
        target, numbers = c.at(vectors, k), c.at(values, k)
        c.copy_by_columns(a, k, target, n, n)
        sizes = [c.integer(1 + 6 * n + 2 * n * n), integers.pointer, c.integer(3 + 5 * n)]
        c.call("syevd", c.letter("V"), c.letter("L" if low else "U"), c.integer(n), target,
               c.integer(n), numbers, work.pointer, *sizes, c.info)  # fmt: skip
        c.fail_by_info()
        c.fail_if(c.load(numbers).is_nan().name)
        transpose_square(c, target, n)
    c.end()


def transpose_square(c: Calls, matrix: str, n: int) -> None:
    """Exchange rows and columns of a matrix without gaps, some rows at a time."""
    f, size = c.f, c.size

    def exchange(pairs: Sequence[tuple[Index, Index]]) -> None:
        cells = [
            f.offset(matrix, f.plus(f.times(row, n), column), size)
            for i, j in pairs for row, column in ((i, j), (j, i))
        ]  # fmt: skip
        numbers = [c.load(cell) for cell in cells]
        for k, x in enumerate(numbers):
            f.store(x, cells[k ^ 1])

    def exchange_inside(first: Index, rows: int) -> None:
        exchange([
            (f.plus(first, i), f.plus(first, j)) for i in range(rows) for j in range(i + 1, rows)
        ])  # fmt: skip

    whole = n // _BLOCK * _BLOCK
    if whole:
        with f.loop(0, whole, _BLOCK) as loop:
            rows = [f.plus(loop.index, i) for i in range(_BLOCK)]
            exchange_inside(loop.index, _BLOCK)
            with f.loop(f.plus(loop.index, _BLOCK), n) as columns:
                exchange([(i, columns.index) for i in rows])
    exchange_inside(whole, n - whole)
