"""Products so small that calling a kernel would take longer: written out, number by number."""

from __future__ import annotations

from collections.abc import Callable

from .host import host
from .instructions import Product
from .ir import Function, Value
from .loops import powers

LARGEST = 48  # multiplications of vectors, or of numbers, that are written out

Address = Callable[[str, int, int], str]
"""``address("left", row, column)`` of an operand or of the result."""


def vectors_of(columns: int, lanes: int) -> list[tuple[int, int]]:
    """A row's columns as (start, lanes): vectors of powers of two, none of them masked."""
    whole = columns // lanes * lanes
    rest = [(whole + start, width) for start, width in powers(columns - whole)]
    return [*((start, lanes) for start in range(0, whole, lanes)), *rest]


def is_tiny(step: Product) -> bool:
    """Whether a product is written out."""
    rows, columns = step.view.shape[-2:]
    depth = step.left.shape[-1]
    if len(step.view.shape) != 2 or not depth:
        return False
    if columns == 1 or step.right.strides[-1] != 1:
        return rows * columns * depth <= LARGEST
    pieces = len(vectors_of(columns, host().lanes(step.view.dtype.itemsize)))
    return rows * pieces * depth <= LARGEST


def emit_tiny(f: Function, step: Product, address: Address) -> None:
    """The product, without loops; each sum over K in order, as the kernels have it."""
    rows, columns = step.view.shape[-2:]
    dtype = step.view.dtype
    lanes = host().lanes(dtype.itemsize)
    if columns == 1 or step.right.strides[-1] != 1:
        _by_numbers(f, step, address)
        return
    depth = range(step.left.shape[-1])
    for start, width in vectors_of(columns, lanes):
        right = [f.load(address("right", k, start), dtype, width) for k in depth]
        for i in range(rows):
            total: Value | None = None
            for k in depth:
                a = f.splat(f.load(address("left", i, k), dtype), width)
                total = a * right[k] if total is None else f.fma(a, right[k], total)
            assert total is not None
            f.store(total, address("result", i, start))


def _by_numbers(f: Function, step: Product, address: Address) -> None:
    """Scalar sums, gathered into vectors before they are stored: whoever reads them reads so."""
    rows, columns = step.view.shape[-2:]
    dtype, depth = step.view.dtype, range(step.left.shape[-1])
    places = [(i, j) for i in range(rows) for j in range(columns)]
    right = {(k, j): f.load(address("right", k, j), dtype) for k in depth for j in range(columns)}
    sums = []
    for i, j in places:
        total: Value | None = None
        for k in depth:
            a = f.load(address("left", i, k), dtype)
            total = a * right[k, j] if total is None else f.fma(a, right[k, j], total)
        assert total is not None
        sums.append(total)
    if not step.view.is_dense:
        for (i, j), total in zip(places, sums, strict=True):
            f.store(total, address("result", i, j))
        return
    for start, width in vectors_of(len(sums), host().lanes(dtype.itemsize)):
        packed = sums[start]
        for lane in range(width if width > 1 else 0):
            packed = f.insert(packed if lane else None, sums[start + lane], lane, width)
        f.store(packed, address("result", *places[start]))
