"""Eigenvalues and eigenvectors of small symmetric matrices.

The steps are LAPACK's (`sytd2`, then `steqr`), so that vectors have its signs, up to rounding: a
matrix is reflected to a tridiagonal one, whose entries beside the diagonal are rotated away by the
implicit QL or QR algorithm, and eigenvalues are sorted. A column of a matrix is one vector. Where
entries are so large or small that squares could overflow, or nothing converges, it fails.

References
----------
E. Anderson et al., *LAPACK Users' Guide*, 3rd edition, SIAM 1999.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.builder import FunctionBuilder
from ..ir.types import I64, Index
from ..ir.value import Value
from .eigen_memory import Eigen
from .eigen_rotations import diagonalize
from .small_matrices import Stack

_RANGES = {8: (1e-100, 1e100), 4: (1e-12, 1e12)}  # of sums of sizes, by bytes of a number


def write_small_eigh(f: FunctionBuilder, stacks: Sequence[Stack], count: int, n: int) -> None:
    """Write eigenvalues and eigenvectors of matrices whose lower triangles are read."""
    a, values, vectors = stacks
    q = Eigen(f, a.dtype, n)
    with f.loop(0, count) as loop:
        k = loop.index
        _read(q, a, k)
        _tridiagonalize(q)
        diagonalize(q)
        _sort(q)
        with f.loop(0, n) as columns:
            j = columns.index
            x = q.get(q.diagonal, j)
            q.fail_if(x.is_nan().name)
            f.store(x, _address(q, values, k, j, 0))
            start = f.offset(q.vectors, j, q.lanes * q.size)
            with f.loop(0, n) as rows:
                f.store(q.get(start, rows.index), _address(q, vectors, k, rows.index, j))
    f.emit(f"ret i32 {f.name(f'load i32, ptr {q.status}, align 4')}")


def _address(q: Eigen, stack: Stack, *index: Index) -> str:
    f = q.f
    position: Index = 0
    for k, stride in zip(index, stack.strides, strict=True):
        position = f.plus(position, f.times(k, stride))
    return f.offset(stack.pointer, position, stack.dtype.itemsize)


def _read(q: Eigen, a: Stack, k: str) -> None:
    """Take the lower triangle for both, the identity for the vectors, and check the sizes."""
    f, n = q.f, q.n
    zero = f.constant(0.0, q.dtype, q.lanes)
    with f.loop(0, n) as loop:
        q.put_column(zero, q.matrix, loop.index)
        q.put_column(zero, q.vectors, loop.index)
        corner = f.plus(f.times(loop.index, q.lanes), loop.index)
        q.put(q.number(1.0), q.vectors, corner)
    with f.loop(0, n, carried=[q.number(0.0)]) as outer:
        j = outer.index
        with f.loop(j, n, carried=outer.values, at_least_once=True) as inner:
            i = inner.index
            x = f.load(_address(q, a, k, i, j), q.dtype)
            q.put(x, q.matrix, f.plus(f.times(j, q.lanes), i))
            q.put(x, q.matrix, f.plus(f.times(i, q.lanes), j))
            inner.carry(inner.values[0] + q.absolute(x))
        outer.carry(*inner.values)
    (size,) = outer.values
    low, high = _RANGES[q.size]
    fine = ((size > low) & (size < high)) | size.equals(0.0)
    q.fail_if((fine ^ True).name)


def _tridiagonalize(q: Eigen) -> None:
    """Reflect one column after the other to what stands beside the diagonal."""
    f, n = q.f, q.n
    with f.loop(0, n - 1, at_least_once=True) as loop:
        i, after = loop.index, f.plus(loop.index, 1)
        q.put(q.get(q.matrix, f.plus(f.times(i, q.lanes), i)), q.diagonal, i)
        alpha = q.get(q.matrix, f.plus(f.times(i, q.lanes), after))
        zero = f.constant(0.0, q.dtype, q.lanes)
        rest = f.select(q.rows_after(after), q.column(q.matrix, i), zero)
        square = q.total(rest * rest)
        nothing = square.equals(0.0)
        length = q.root(f.fma(alpha, alpha, square))
        beta = f.select(nothing, alpha, -q.signed(length, alpha))
        q.put(beta, q.beside, i)
        with f.when((nothing ^ True).name):
            tau = (beta - alpha) / beta
            q.put_column(rest * q.splat(1.0 / (alpha - beta)), q.reflector, 0)
            q.put(q.number(1.0), q.reflector, after)
            _reflect(q, i, after, tau)
    last = (n - 1) * (q.lanes + 1)
    q.put(q.get(q.matrix, last), q.diagonal, n - 1)


def _reflect(q: Eigen, i: str, after: Index, tau: Value) -> None:
    """Apply a reflection 1 - tau v v^T from both sides, and to the vectors from the right."""
    f, n = q.f, q.n
    zero = f.constant(0.0, q.dtype, q.lanes)
    with f.loop(after, n, carried=[zero, zero], at_least_once=True) as loop:
        factor = q.splat(q.get(q.reflector, loop.index))
        loop.carry(
            f.fma(q.column(q.matrix, loop.index), factor, loop.values[0]),
            f.fma(q.column(q.vectors, loop.index), factor, loop.values[1]),
        )
    product, image = loop.values
    v = q.column(q.reflector, 0)
    p = f.select(q.rows_after(i), product * q.splat(tau), zero)
    half = tau * q.total(p * v) * -0.5
    w = f.fma(q.splat(half), v, p)
    q.put_column(w, q.update, 0)
    image = image * q.splat(tau)
    with f.loop(after, n, at_least_once=True) as loop:
        j = loop.index
        v_j, w_j = (q.splat(q.get(x, j)) for x in (q.reflector, q.update))
        column = f.fma(-v, w_j, q.column(q.matrix, j))
        q.put_column(f.fma(-w, v_j, column), q.matrix, j)
        q.put_column(f.fma(-image, v_j, q.column(q.vectors, j)), q.vectors, j)


def _sort(q: Eigen) -> None:
    """Put eigenvalues in rising order by selection, and vectors with them."""
    f, n = q.f, q.n
    with f.loop(0, n - 1, at_least_once=True) as loop:
        i = loop.index
        here = q.get(q.diagonal, i)
        start = [Value(f, i, I64, 1), here]
        with f.loop(f.plus(i, 1), n, carried=start, at_least_once=True) as rest:
            x = q.get(q.diagonal, rest.index)
            less = x < rest.values[1]
            rest.carry(
                f.select(less, Value(f, rest.index, I64, 1), rest.values[0]),
                f.select(less, x, rest.values[1]),
            )
        k, smallest = rest.values
        x, y = q.column(q.vectors, i), q.column(q.vectors, k.name)
        q.put(here, q.diagonal, k.name)
        q.put(smallest, q.diagonal, i)
        q.put_column(x, q.vectors, k.name)
        q.put_column(y, q.vectors, i)
