"""What the rules of linear algebra are written with: triangles, diagonals, gaps, batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from operator import eq
from typing import Any

import numpy as np

from ...errors import DtypeError, at_user_line
from ...graph.node import Node, items
from ...graph.types import Type, broadcast_shapes
from ...lazy import LazyModule
from ..complex_numbers import conjugate
from ..declare import aligned, spread
from ..elementwise import absolute, bitwise_and, bitwise_or, less_equal, not_equal, where
from ..indexing import gather
from ..operators import swap_last
from ..products import matmul
from ..structure import broadcast_to, pad, reshape, slice_, sum_, transpose

lapack = LazyModule("scipy.linalg.lapack")
host_linalg = LazyModule("scipy.linalg")
Kernel = Callable[..., Any]
PREFIXES = {"f": "s", "d": "d", "F": "c", "D": "z"}  # of LAPACK's functions, by dtype


def check_square(x: Type, name: str) -> None:
    """Raise NumPy's error unless the last two axes are a square matrix."""
    check_matrix(x, name)
    if x.shape[-1] != x.shape[-2]:
        raise np.linalg.LinAlgError(
            at_user_line(
                f"{name}: Last 2 dimensions of the array must be square, not {x.shape[-2:]}"
            )
        )


def check_matrix(x: Type, name: str) -> None:
    """Raise NumPy's error unless there are two axes, of a dtype that LAPACK computes with."""
    if len(x.shape) < 2:
        raise np.linalg.LinAlgError(
            at_user_line(
                f"{name}: {len(x.shape)}-dimensional array given. Array must be at least "
                "two-dimensional"
            )
        )
    if x.dtype.char not in PREFIXES:
        raise DtypeError(at_user_line(f"{name}: array type {x.dtype} is unsupported in linalg"))


def batched(kernel: Kernel, infer: Callable[..., Any], cores: Sequence[int]) -> Kernel:
    """Return a primitive's evaluation: a function of single matrices, for each of a batch.

    `cores` says how many axes of each input belong to one matrix or vector. Where all results are
    empty the kernel is not called: LAPACK takes no matrices without rows.
    """

    def evaluate(_xp: Any, *inputs: Any, **params: Any) -> Any:
        inferred = infer(*[Type(x.shape, x.dtype) for x in inputs], **params)
        multiple = type(inferred) is not Type
        types: tuple[Type, ...] = inferred if multiple else (inferred,)
        if all(map(eq, map(np.ndim, inputs), cores)) and all(map(np.size, inputs)):
            return kernel(*inputs, **params)
        pairs = list(zip(inputs, cores, strict=True))
        batch = np.broadcast_shapes(*[x.shape[: x.ndim - k] for x, k in pairs])
        results = [np.empty(t.shape, t.dtype) for t in types]
        if any(y.size for y in results):
            count, first = prod(batch), len(batch)
            stacks = [
                np.broadcast_to(x, (*batch, *x.shape[x.ndim - k :])).reshape(
                    count, *x.shape[x.ndim - k :]
                )
                for x, k in pairs
            ]
            flat = [y.reshape(count, *y.shape[first:]) for y in results]
            for n, matrices in enumerate(zip(*stacks, strict=True)):
                values = kernel(*matrices, **params)
                for y, value in zip(flat, values if multiple else (values,), strict=True):
                    y[n] = value
        numbers = tuple([y if y.ndim else y[()] for y in results])
        return numbers if multiple else numbers[0]

    return evaluate


def solved_batch(
    size: int, batched: Sequence[bool], inputs: Sequence[Any], solve: Kernel, cores: Sequence[int]
) -> Any:
    """Return the batch of what ``solve(*matrices, right_side)`` gives.

    Where there is one matrix for all examples, the columns of their right sides are solved at once.
    """
    *matrices, b = inputs
    if any(batched[:-1]):  # a matrix and its factors have the same leading axes
        matrices = spread(size, batched[:-1], matrices)
        flags = [*[True] * len(matrices), batched[-1]]
        return solve(*aligned(flags, [*matrices, b], cores))
    if len(b.shape) != 3 or any(len(a.shape) > 2 for a in matrices):
        return solve(*aligned(batched, inputs, cores))
    n, k = b.shape[1:]
    wide = reshape(transpose(b, axes=(1, 0, 2)), shape=(n, size * k))
    x = reshape(solve(*matrices, wide), shape=(n, size, k))
    return transpose(x, axes=(1, 0, 2))


def for_dtype(name: str, x: Any) -> Any:
    """Return LAPACK's function for the dtype of x."""
    return getattr(lapack, PREFIXES[x.dtype.char] + name)


def results_of(y: Any) -> tuple[Any, ...]:
    """Return the results of a primitive that has several, be they nodes or arrays."""
    return items(y) if type(y) is Node else y


def batch_shape(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the common leading axes of matrices."""
    return broadcast_shapes(name, *[shape[:-2] for shape in shapes])


def product(*factors: Any) -> Any:
    """Multiply matrices from the left to the right."""
    result = factors[0]
    for factor in factors[1:]:
        result = matmul(result, factor)
    return result


def _masked(x: Any, mask: Any) -> Any:
    return where(mask, x, x.dtype.type(0))


def _triangle(x: Any, k: int) -> Any:
    m, n = x.shape[-2:]
    return np.tri(m, n, k, bool)


def lower(x: Any, k: int = 0) -> Any:
    """Return the lower triangle, zeros elsewhere."""
    return _masked(x, _triangle(x, k))


def upper(x: Any, k: int = 0) -> Any:
    """Return the upper triangle, zeros elsewhere."""
    return _masked(x, ~_triangle(x, k - 1))


def half_lower(x: Any) -> Any:
    """Return the lower triangle, of the diagonal the half: L of a symmetric L + L^T."""
    n = x.shape[-1]
    return x * (np.tri(n, n, -1, x.dtype) + np.eye(n, dtype=x.dtype) * 0.5).astype(x.dtype)


def adjoint(x: Any) -> Any:
    """Return the conjugate transpose."""
    return conjugate(swap_last(x))


def from_lower(x: Any) -> Any:
    """Return the Hermitian matrix of which x has the lower triangle."""
    half = half_lower(x)
    return half + adjoint(half)


def to_lower(s: Any) -> Any:
    """Return the transpose of `from_lower`: what belongs to either triangle, in the lower one."""
    return half_lower(s + adjoint(s))


def identity_like(x: Any) -> Any:
    """Return the identity matrix of x's rows."""
    n = x.shape[-2]
    return np.eye(n, dtype=x.dtype)


def diagonal(x: Any) -> Any:
    """Return the diagonals of square matrices."""
    n = x.shape[-1]
    flat = reshape(x, shape=(*x.shape[:-2], n * n))
    return slice_(flat, index=(*_all(x)[:-2], slice(None, None, n + 1)))


def diagonal_matrix(v: Any) -> Any:
    """Return matrices with these diagonals."""
    n = v.shape[-1]
    index = (*_all(v)[:-1], slice(None, None, n + 1))
    flat = pad(v, shape=(*v.shape[:-1], n * n), index=index)
    return reshape(flat, shape=(*v.shape, n))


def _all(x: Any) -> list[slice]:
    return [slice(None)] * len(x.shape)


def columns(x: Any, start: int | None, stop: int | None) -> Any:
    """Return `x[..., start:stop]`."""
    return slice_(x, index=(*_all(x)[:-1], slice(start, stop)))


def rows(x: Any, start: int | None, stop: int | None) -> Any:
    """Return `x[..., start:stop, :]`."""
    return slice_(x, index=(*_all(x)[:-2], slice(start, stop), slice(None)))


def as_row(v: Any) -> Any:
    """Return `v[..., None, :]`, which stands beside each row of a matrix."""
    return reshape(v, shape=(*v.shape[:-1], 1, v.shape[-1]))


def as_column(v: Any) -> Any:
    """Return `v[..., :, None]`, which stands beside each column of a matrix."""
    return reshape(v, shape=(*v.shape, 1))


def as_matrix(v: Any) -> Any:
    """Return `v[..., None, None]`: a number for each matrix."""
    return reshape(v, shape=(*v.shape, 1, 1))


def trace(x: Any) -> Any:
    """Return the sums of the diagonals."""
    return sum_(diagonal(x), axes=(len(x.shape) - 2,))


def inner(x: Any, y: Any) -> Any:
    """Return the sums of products of entries, one for each matrix."""
    z = x * y
    n = len(z.shape)
    return sum_(z, axes=(n - 2, n - 1))


def antisymmetric(x: Any) -> Any:
    """Return the antisymmetric part, of complex matrices the skew-Hermitian one."""
    return 0.5 * (x - adjoint(x))


def differences(w: Any) -> Any:
    """Return `w[j] - w[i]` at row i and column j."""
    return as_row(w) - as_column(w)


def nonzero(v: Any) -> Any:
    """Return where numbers are not 0."""
    return not_equal(v, v.dtype.type(0))


def either(v: Any) -> Any:
    """Return, at row i and another column j, whether i or j is marked."""
    other = ~np.eye(v.shape[-1], dtype=bool)
    return bitwise_and(bitwise_or(as_row(v), as_column(v)), other)


def off_diagonal(x: Any) -> Any:
    """Return square matrices with zeros on the diagonal."""
    return _masked(x, ~np.eye(x.shape[-1], dtype=bool))


def negligible(x: Any, beside: Any) -> Any:
    """Return which entries of matrices are 0 up to the rounding of what they were made of."""
    n = len(beside.shape)
    size = sum_(absolute(beside), axes=(n - 2, n - 1))
    return less_equal(absolute(x), as_matrix(size * float(100 * np.finfo(x.dtype).eps)))


def quotients(numerators: Any, gaps: Any, closed: Any, beside: Any, ambiguous: Any = None) -> Any:
    """Divide by gaps; where a gap is closed, 0 / 0 is 0, and anything else is nan.

    Parameters
    ----------
    closed : mask
        Where the gap is 0 up to rounding.
    beside : array
        What the numerators were made of, which says how far they are rounded.
    ambiguous : mask, optional
        Where 0 / 0 has no value that could be told from the numerators.
    """
    dtype = numerators.dtype
    undefined = not_equal(negligible(numerators, beside), True)
    if ambiguous is not None:
        undefined = bitwise_or(undefined, ambiguous)
    at_closed = where(undefined, dtype.type(np.nan), dtype.type(0))
    return where(closed, at_closed, numerators / where(closed, dtype.type(1), gaps))


def permute_rows(x: Any, order: Any) -> Any:
    """Return `x[..., order, :]`, where each matrix has an order of its own."""
    batch = x.shape[:-2]
    indices = [
        np.arange(size).reshape((-1,) + (1,) * (len(batch) - k)) for k, size in enumerate(batch)
    ]
    pattern = (*range(len(batch) + 1), slice(None))
    return gather(x, *indices, order, pattern=pattern)


def spread_batch(x: Any, batch: tuple[int, ...], core: int = 2) -> Any:
    """Repeat x over leading axes."""
    shape = (*batch, *x.shape[len(x.shape) - core :])
    return x if x.shape == shape else broadcast_to(x, shape=shape)
