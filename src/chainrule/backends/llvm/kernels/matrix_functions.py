"""Functions of stacks of matrices as whole functions of IR: factorize, solve, determinants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ....primitives.linear_algebra.determinants import WELL_CONDITIONED
from ..ir.builder import FunctionBuilder
from ..ir.types import I32, Index
from ..ir.value import Value
from .lapack_calls import Calls, exchange_rows, fail_at_zero, solve_triangle, transpose_square
from .math import FUNCTIONS
from .small_matrices import (
    UNROLLED,
    Lanes,
    Local,
    Stack,
    cholesky,
    factorize,
    permute,
    substitute,
)

WORK = 64  # columns of a block in LAPACK's inverse


@dataclass(frozen=True)
class SmallTask:
    """So many matrices of n rows, some of them at once."""

    dtype: np.dtype[Any]
    count: int
    lanes: int
    n: int

    def begin(self, f: FunctionBuilder, *columns: int, pivots: bool = False) -> Lanes:
        """Begin a function with local matrices of so many columns, then pivots."""
        integer = np.dtype(f"i{self.dtype.itemsize}")
        locals_ = [(self.n, k, self.dtype) for k in columns]
        if pivots:
            locals_.append((self.n, 1, integer))
        unrolled = self.n <= UNROLLED and max(columns, default=1) <= UNROLLED
        return Lanes(f, self.dtype, self.count, self.lanes, unrolled, locals_)


@dataclass(frozen=True)
class Triangle:
    """One of the systems that solving comes to."""

    low: bool
    trans: bool
    unit: bool


@dataclass(frozen=True)
class Solving:
    """A system by factors: rows are exchanged, triangles solved, rows exchanged back.

    Attributes
    ----------
    triangles : tuple of Triangle
    pivots : bool
        Whether rows were exchanged.
    undo : bool
        Whether they are exchanged back after the triangles, rather than before.
    check : bool
        Whether a 0 on the diagonal fails.
    """

    triangles: tuple[Triangle, ...]
    pivots: bool = False
    undo: bool = False
    check: bool = True


def by_lu(trans: bool) -> Solving:
    """Return how a x = b, or a^T x = b, is solved by L and U."""
    lower, upper = Triangle(True, trans, True), Triangle(False, trans, False)
    return Solving((upper, lower) if trans else (lower, upper), pivots=True, undo=trans)


def by_cholesky() -> Solving:
    """Return how a x = b is solved by Cholesky's factor."""
    return Solving((Triangle(True, False, False), Triangle(True, True, False)))


def by_triangle(low: bool, trans: bool, unit: bool) -> Solving:
    """Return how t x = b is solved."""
    return Solving((Triangle(low, trans, unit),), check=not unit)


def write_small_lu(
    f: FunctionBuilder, stacks: Sequence[Stack], task: SmallTask, check: bool
) -> None:
    """Factorize a into factors and pivots."""
    a, factors, rows = stacks
    n = task.n
    m = task.begin(f, n, pivots=True)
    matrix, pivots = m.locals
    with m.groups():
        m.copy_in(a, matrix, n, n)
        factorize(m, matrix, pivots, n, check)
        m.copy_out(matrix, factors, n, n)
        m.copy_out(pivots, rows, n, 1)
    m.end()


def write_small_cholesky(f: FunctionBuilder, stacks: Sequence[Stack], task: SmallTask) -> None:
    """Factorize a into its lower factor, with zeros above."""
    a, factor = stacks
    n = task.n
    m = task.begin(f, n)
    (matrix,) = m.locals
    with m.groups():
        m.each(0, n, lambda i: m.each(
            0, f.plus(i, 1), lambda j: m.put(m.read(a, i, j), matrix, i, j)))  # fmt: skip
        zero = m.number(0.0)
        m.each(0, n, lambda i: m.each(
            f.plus(i, 1), n, lambda j: m.put(zero, matrix, i, j)))  # fmt: skip
        cholesky(m, matrix, n)
        m.copy_out(matrix, factor, n, n)
    m.end()


def write_small_solve(
    f: FunctionBuilder, stacks: Sequence[Stack], task: SmallTask, how: Solving, columns: int
) -> None:
    """Solve by factors; stacks are the factors, their pivots if there are some, b and x."""
    factors, b, x = stacks[0], stacks[-2], stacks[-1]
    n = task.n
    m = task.begin(f, columns, pivots=how.pivots)
    right, *pivots = m.locals

    def entry(triangle: Triangle) -> Callable[[Index, Index], Value]:
        if triangle.trans:
            return lambda i, j: m.read(factors, j, i)
        return lambda i, j: m.read(factors, i, j)

    with m.groups():
        m.copy_in(b, right, n, columns)
        if how.check:
            m.each(0, n, lambda i: m.fail_where(m.read(factors, i, i).equals(0.0)))
        if how.pivots:
            m.copy_in(stacks[1], pivots[0], n, 1)
            if not how.undo:
                permute(m, pivots[0], right, n, columns, undo=False)
        for t in how.triangles:
            forward = t.low != t.trans
            substitute(m, entry(t), right, n, columns, forward=forward, unit=t.unit)
        if how.undo:
            permute(m, pivots[0], right, n, columns, undo=True)
        m.copy_out(right, x, n, columns)
    m.end()


def write_small_cofactors(f: FunctionBuilder, stacks: Sequence[Stack], task: SmallTask) -> None:
    """Write det(a) a^-T of well conditioned matrices, as the reference does; others fail."""
    a, result = stacks
    n = task.n
    m = task.begin(f, n, n, pivots=True)
    matrix, inverse, pivots = m.locals
    zero, one = m.number(0.0), m.number(1.0)

    def squares(local: Local) -> Value:
        def row(i: Index, before: Sequence[Value]) -> Sequence[Value]:
            def entry(j: Index, total: Sequence[Value]) -> Sequence[Value]:
                x = m.get(local, i, j)
                return [f.fma(x, x, total[0])]

            return m.fold(0, n, before, entry)

        return m.fold(0, n, [zero], row)[0]

    def pivot(i: Index, before: Sequence[Value]) -> Sequence[Value]:
        x = m.get(matrix, i, i)
        stays = m.get(pivots, i).equals(m.spread(i))
        return [before[0] * f.select(stays, x, -x)]

    with m.groups():
        m.copy_in(a, matrix, n, n)
        size = squares(matrix)
        m.each(0, n, lambda i: m.each(0, n, lambda j: m.put(zero, inverse, i, j)))
        m.each(0, n, lambda i: m.put(one, inverse, i, i))
        factorize(m, matrix, pivots, n, check=True)
        permute(m, pivots, inverse, n, n, undo=False)
        for low in (True, False):
            entry = partial(m.get, matrix)
            substitute(m, entry, inverse, n, n, forward=low, unit=low)
        fine = size * squares(inverse) < WELL_CONDITIONED**2
        m.fail_where(fine ^ True)
        (determinant,) = m.fold(0, n, [one], pivot)
        m.each(0, n, lambda i: m.each(0, n, lambda j: m.write(
            determinant * m.get(inverse, j, i), result, i, j)))  # fmt: skip
    m.end()


def write_solve(
    f: FunctionBuilder, stacks: Sequence[Stack], count: int, n: int, how: Solving, columns: int
) -> None:
    """Solve by factors with LAPACK, where x holds b; stacks are the factors, pivots if any, x."""
    factors, x = stacks[0], stacks[-1]
    c = Calls(f, x.dtype, count)
    with f.loop(0, count) as loop:
        k = loop.index
        if how.check:
            fail_at_zero(c, factors, k, n)
        if how.pivots and not how.undo:
            exchange_rows(c, stacks[1], x, k, n, columns, undo=False)
        for t in how.triangles:
            solve_triangle(c, factors, x, k, n, columns, low=t.low, trans=t.trans, unit=t.unit)
        if how.undo:
            exchange_rows(c, stacks[1], x, k, n, columns, undo=True)
    c.end()


def write_inverse(
    f: FunctionBuilder, stacks: Sequence[Stack], count: int, n: int, trans: bool
) -> None:
    """Write the inverse, or its transpose, by rows; `counted` and `work` are spare."""
    factors, pivots, x, counted, work = stacks
    c = Calls(f, x.dtype, count)
    with f.loop(0, count) as loop:
        k = loop.index
        fail_at_zero(c, factors, k, n)
        target, rows = c.at(x, k), c.at(pivots, k)
        c.copy_by_columns(factors, k, target, n, n)
        with f.loop(0, n) as entries:  # LAPACK counts from 1
            row = f.load(f.offset(rows, f.times(entries.index, pivots.strides[1]), 4), I32)
            f.store(row + 1, f.offset(counted.pointer, entries.index, 4))
        c.call("getri", c.integer(n), target, c.integer(n), counted.pointer, work.pointer,
               c.integer(WORK * n), c.info)  # fmt: skip
        c.fail_by_info()
        if not trans:
            transpose_square(c, target, n)
    c.end()


def write_determinant(
    f: FunctionBuilder, stacks: Sequence[Stack], task: SmallTask, logarithm: bool
) -> None:
    """Write determinants, or their signs and the logarithms of their sizes, by factors."""
    factors, pivots, *results = stacks
    m = task.begin(f)
    one, zero = m.number(1.0), m.number(0.0)

    def sign_of(i: Index, sign: Value) -> Value:
        row = f.convert(m.read(pivots, i, 0), m.integer)
        return f.select(row.equals(m.spread(i)), sign, -sign)

    def multiply(i: Index, before: Sequence[Value]) -> Sequence[Value]:
        x = m.read(factors, i, i)
        if not logarithm:
            return [sign_of(i, before[0]) * x]
        sign = sign_of(i, f.select(x < 0.0, -before[0], before[0]))
        sign = f.select(x.equals(0.0), 0.0, sign)
        return [sign, before[1] + FUNCTIONS["log"](f, f.intrinsic("fabs", x))]

    with m.groups():
        for x, y in zip(m.fold(0, task.n, [one, zero] if logarithm else [one], multiply),
                        results, strict=True):  # fmt: skip
            m.write(x, y, 0, 0)
    m.end()
