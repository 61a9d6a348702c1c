"""Factorizations of many small matrices at once: one in each lane of a vector.

Rows and columns are loops; up to `UNROLLED` rows they are written out, and numbers stay in
registers. What fails in some lane is only noted: who calls decides what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..ir.builder import FunctionBuilder
from ..ir.types import BOOL, I32, I64, Index
from ..ir.value import Value
from .math.polynomial import any_lane

UNROLLED = 4
Entry = Callable[[Index, Index], Value]


@dataclass(frozen=True)
class Stack:
    """Matrices in memory. Strides count numbers: from matrix to matrix, row to row, in a row."""

    pointer: str
    dtype: np.dtype[Any]
    strides: tuple[int, int, int]


@dataclass(frozen=True)
class Local:
    """A matrix of vectors, in memory that the function sets aside."""

    start: int
    columns: int
    dtype: np.dtype[Any]


class Lanes:
    """What functions of small matrices are written with.

    Parameters
    ----------
    f : FunctionBuilder
        A function at its first line.
    dtype : dtype
    count : int
        The number of matrices.
    lanes : int
        How many are computed at once.
    unrolled : bool
        Whether loops over rows and columns are written out.
    locals_ : sequence of (rows, columns, dtype)
        The matrices of vectors that are needed.
    """

    def __init__(
        self, f: FunctionBuilder, dtype: np.dtype[Any], count: int, lanes: int, unrolled: bool,
        locals_: Sequence[tuple[int, int, np.dtype[Any]]] = (),
    ) -> None:  # fmt: skip
        self.f, self.dtype, self.count, self.lanes = f, dtype, count, lanes
        self.unrolled = unrolled
        self.integer = I64 if dtype.itemsize == 8 else I32  # as wide, so that masks fit
        self.first: Index = 0
        self.mask: Value | None = None
        self.locals: list[Local] = []
        size = 0
        for rows, columns, kind in locals_:
            self.locals.append(Local(size, columns, kind))
            size += rows * columns * lanes * kind.itemsize
        self.memory = f.name(f"alloca [{max(size, 1)} x i8], align 64")
        self.status = f.name("alloca i32, align 4")
        f.emit(f"store i32 0, ptr {self.status}, align 4")
        f.forwarding.set_root(self.memory)

    # Loops

    @contextmanager
    def groups(self) -> Iterator[None]:
        """Write what is done for the matrices in the lanes."""
        f, lanes = self.f, self.lanes
        with f.loop(0, self.count, lanes) as loop:
            self.first = loop.index
            if self.count % lanes:
                left = f.name(f"sub i64 {self.count}, {loop.index}")
                self.mask = f.first_lanes(left, lanes)
            yield

    def each(self, start: Index, stop: Index, body: Callable[[Index], None]) -> None:
        """Write a body for each number of a range."""
        if self.unrolled and isinstance(start, int) and isinstance(stop, int):
            for k in range(start, stop):
                body(k)
            return
        with self.f.loop(start, stop) as loop:
            body(loop.index)

    def fold(
        self, start: Index, stop: Index, initial: Sequence[Value],
        body: Callable[[Index, Sequence[Value]], Sequence[Value]],
    ) -> Sequence[Value]:  # fmt: skip
        """Write a body that carries values from one number of a range to the next."""
        if self.unrolled and isinstance(start, int) and isinstance(stop, int):
            for k in range(start, stop):
                initial = body(k, initial)
            return initial
        with self.f.loop(start, stop, carried=initial) as loop:
            loop.carry(*body(loop.index, loop.values))
        return loop.values

    def back(self, n: int, k: Index) -> Index:
        """Return `n - 1 - k`."""
        return n - 1 - k if isinstance(k, int) else self.f.name(f"sub i64 {n - 1}, {k}")

    def spread(self, k: Index) -> Value:
        """Return an index in all lanes."""
        f = self.f
        if isinstance(k, int):
            return f.constant(k, self.integer, self.lanes)
        return f.splat(f.convert(Value(f, k, I64, 1), self.integer), self.lanes)

    def number(self, x: float) -> Value:
        """Return a number in all lanes."""
        return self.f.constant(x, self.dtype, self.lanes)

    # Memory

    def read(self, stack: Stack, i: Index, j: Index) -> Value:
        """Return entry (i, j) of the matrices in the lanes; 0 where there is no matrix."""
        f, (step, _, _) = self.f, stack.strides
        pointer = self._address(stack, i, j)
        if self.lanes == 1 or step == 1:
            return f.load(pointer, stack.dtype, self.lanes, self.mask)
        if step == 0:
            return f.splat(f.load(pointer, stack.dtype), self.lanes)
        return f.gather(pointer, stack.dtype, self._steps(step), self._mask())

    def write(self, x: Value, stack: Stack, i: Index, j: Index) -> None:
        """Store entry (i, j) of the matrices in the lanes."""
        f, (step, _, _) = self.f, stack.strides
        pointer, x = self._address(stack, i, j), f.convert(x, stack.dtype)
        if self.lanes == 1 or step == 1:
            f.store(x, pointer, self.mask)
        else:
            f.scatter(x, pointer, self._steps(step), self._mask())

    def _address(self, stack: Stack, i: Index, j: Index) -> str:
        f = self.f
        position: Index = 0
        for index, stride in zip((self.first, i, j), stack.strides, strict=True):
            position = f.plus(position, f.times(index, stride))
        return f.offset(stack.pointer, position, stack.dtype.itemsize)

    def _steps(self, step: int) -> Value:
        return self.f.vector([k * step for k in range(self.lanes)], I64)

    def _mask(self) -> Value:
        return self.mask or self.f.constant(True, BOOL, self.lanes)

    def _local(self, local: Local, i: Index, j: Index) -> str:
        f, size = self.f, self.lanes * local.dtype.itemsize
        position = f.plus(f.times(i, local.columns), j)
        return f.offset(f.offset(self.memory, local.start, 1), position, size)

    def get(self, local: Local, i: Index, j: Index = 0) -> Value:
        """Return an entry of a local matrix."""
        return self.f.load(self._local(local, i, j), local.dtype, self.lanes)

    def put(self, x: Value, local: Local, i: Index, j: Index = 0) -> None:
        """Set an entry of a local matrix."""
        self.f.store(x, self._local(local, i, j))

    def copy_in(self, stack: Stack, local: Local, rows: int, columns: int) -> None:
        """Load matrices."""

        def entry(i: Index, j: Index) -> None:
            x = self.f.convert(self.read(stack, i, j), local.dtype)
            self.put(x, local, i, j)

        self.each(0, rows, lambda i: self.each(0, columns, lambda j: entry(i, j)))

    def copy_out(self, local: Local, stack: Stack, rows: int, columns: int) -> None:
        """Store matrices, all numbers before the first: they may be in registers."""
        if self.unrolled:
            entries = [(i, j) for i in range(rows) for j in range(columns)]
            for (i, j), x in [(at, self.get(local, *at)) for at in entries]:
                self.write(x, stack, i, j)
            return
        self.each(0, rows, lambda i: self.each(
            0, columns, lambda j: self.write(self.get(local, i, j), stack, i, j)))  # fmt: skip

    def fail_where(self, condition: Value) -> None:
        """Note that something failed, if it did in a lane with a matrix."""
        if self.mask is not None:
            condition = condition & self.mask
        f = self.f
        one = f.name(f"zext i1 {any_lane(f, condition)} to i32")
        before = f.name(f"load i32, ptr {self.status}, align 4")
        f.lines.append(f"store i32 {f.name(f'or i32 {before}, {one}')}, ptr {self.status}, align 4")

    def end(self) -> None:
        """Return whether something failed."""
        self.f.emit(f"ret i32 {self.f.name(f'load i32, ptr {self.status}, align 4')}")


def factorize(m: Lanes, a: Local, pivots: Local, n: int, check: bool) -> None:
    """Replace matrices by L and U, with the largest pivots; nan and, with `check`, 0 fail."""
    f = m.f

    def larger(i: Index, best: Sequence[Value], k: Index) -> Sequence[Value]:
        x = f.intrinsic("fabs", m.get(a, i, k))
        more = x > best[0]
        return f.select(more, x, best[0]), f.select(more, m.spread(i), best[1])

    def step(k: Index) -> None:
        start = f.intrinsic("fabs", m.get(a, k, k))
        after = f.plus(k, 1)
        size, row = m.fold(after, n, [start, m.spread(k)], lambda i, best: larger(i, best, k))
        m.put(row, pivots, k)
        exchange(m, a, n, k, row, n)
        zero = size.equals(0.0)
        m.fail_where(size.is_nan() | zero if check else size.is_nan())
        pivot = f.select(zero, 1.0, m.get(a, k, k))  # below it, there are zeros alone

        def eliminate(i: Index) -> None:
            factor = m.get(a, i, k) / pivot
            m.put(factor, a, i, k)
            minus = -factor
            m.each(after, n, lambda j: m.put(
                f.fma(minus, m.get(a, k, j), m.get(a, i, j)), a, i, j))  # fmt: skip

        m.each(after, n, eliminate)

    m.each(0, n, step)


def exchange(m: Lanes, x: Local, columns: int, k: Index, row: Value, n: int) -> None:
    """Exchange row k with one that is not before it, another one in each lane."""
    f = m.f
    if m.lanes == 1:
        other = f.convert(row, I64).name

        def swap(j: Index) -> None:
            here, there = m.get(x, k, j), m.get(x, other, j)
            m.put(there, x, k, j)
            m.put(here, x, other, j)

        m.each(0, columns, swap)
        return

    def choose(i: Index) -> None:
        mask = row.equals(m.spread(i))

        def select(j: Index) -> None:
            here, there = m.get(x, k, j), m.get(x, i, j)
            m.put(f.select(mask, there, here), x, k, j)
            m.put(f.select(mask, here, there), x, i, j)

        m.each(0, columns, select)

    m.each(f.plus(k, 1), n, choose)


def substitute(
    m: Lanes, entry: Entry, x: Local, n: int, columns: int, *, forward: bool, unit: bool
) -> None:
    """Replace x by the solution of a triangular system, from the first or the last row on."""
    f = m.f

    def solve(k: Index) -> None:
        i = k if forward else m.back(n, k)

        def subtract(before: Index) -> None:
            j = before if forward else m.back(n, before)
            minus = -entry(i, j)
            m.each(0, columns, lambda c: m.put(
                f.fma(minus, m.get(x, j, c), m.get(x, i, c)), x, i, c))  # fmt: skip

        m.each(0, k, subtract)
        if not unit:
            diagonal = entry(i, i)
            m.each(0, columns, lambda c: m.put(m.get(x, i, c) / diagonal, x, i, c))

    m.each(0, n, solve)


def permute(m: Lanes, pivots: Local, x: Local, n: int, columns: int, *, undo: bool) -> None:
    """Exchange rows as a factorization did, or back."""

    def step(k: Index) -> None:
        i = m.back(n, k) if undo else k
        exchange(m, x, columns, i, m.get(pivots, i), n)

    m.each(0, n, step)


def cholesky(m: Lanes, a: Local, n: int) -> None:
    """Replace the lower triangles by Cholesky's factors; a pivot that is not positive fails."""
    f = m.f

    def reduced(i: Index, j: Index) -> Value:
        def less(p: Index, total: Sequence[Value]) -> Sequence[Value]:
            return [f.fma(-m.get(a, i, p), m.get(a, j, p), total[0])]

        return m.fold(0, j, [m.get(a, i, j)], less)[0]

    def column(j: Index) -> None:
        pivot = reduced(j, j)
        m.fail_where((pivot > 0.0) ^ True)
        root = f.intrinsic("sqrt", pivot)
        m.put(root, a, j, j)
        m.each(f.plus(j, 1), n, lambda i: m.put(reduced(i, j) / root, a, i, j))

    m.each(0, n, column)
