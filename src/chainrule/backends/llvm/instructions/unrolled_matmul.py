"""Products so small that calling a kernel would take longer: written out, number by number."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..emit.loops import powers
from ..ir.builder import FunctionBuilder
from ..ir.value import Value
from ..target.host import host
from .base import Product

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


def emit_tiny(f: FunctionBuilder, step: Product, address: Address) -> None:
    """The product, without loops."""
    rows, columns = step.view.shape[-2:]
    dtype = step.view.dtype
    lanes = host().lanes(dtype.itemsize)
    if columns == 1:
        _by_rows(f, step, address)
        return
    if step.right.strides[-1] != 1:
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


def _by_rows(f: FunctionBuilder, step: Product, address: Address) -> None:
    """A matrix times a vector: whole columns of the matrix, each by one number."""
    dtype, depth = step.view.dtype, range(step.left.shape[-1])
    right = [f.load(address("right", k, 0), dtype) for k in depth]
    for start, width in vectors_of(step.view.shape[-2], host().lanes(dtype.itemsize)):
        columns = [_column(f, step, address, start, width, k) for k in depth]
        total = summed(f, [(a, f.splat(b, width)) for a, b in zip(columns, right, strict=True)])
        if step.view.strides[-2] == 1 or width == 1:
            f.store(total, address("result", start, 0))
            continue
        for lane in range(width):
            f.store(f.extract(total, lane), address("result", start + lane, 0))


def _column(
    f: FunctionBuilder, step: Product, address: Address, start: int, width: int, k: int
) -> Value:
    """Some rows of a column of the left matrix."""
    dtype = step.view.dtype
    if step.left.strides[-2] == 1 or width == 1:
        return f.load(address("left", start, k), dtype, width)
    numbers = [f.load(address("left", start + lane, k), dtype) for lane in range(width)]
    return packed(f, numbers)


def packed(f: FunctionBuilder, numbers: Sequence[Value]) -> Value:
    """Numbers as the lanes of a vector."""
    if len(numbers) == 1:
        return numbers[0]
    made: Value | None = None
    for lane, number in enumerate(numbers):
        made = f.insert(made, number, lane, len(numbers))
    assert made is not None
    return made


def summed(f: FunctionBuilder, pairs: Sequence[tuple[Value, Value]]) -> Value:
    """The sum of products, by twos and then in halves: what counts is how long the chain is."""
    terms: list[Value] = []
    for k in range(0, len(pairs), 2):
        (a, b), *rest = pairs[k : k + 2]
        terms.append(f.fma(*rest[0], a * b) if rest else a * b)
    while len(terms) > 1:
        halves = [x + y for x, y in zip(terms[::2], terms[1::2], strict=False)]
        terms = [*halves, *terms[2 * len(halves) :]]
    return terms[0]


def _by_numbers(f: FunctionBuilder, step: Product, address: Address) -> None:
    """Numbers, gathered into vectors before they are stored: whoever reads them reads so."""
    rows, columns = step.view.shape[-2:]
    dtype, depth = step.view.dtype, range(step.left.shape[-1])
    places = [(i, j) for i in range(rows) for j in range(columns)]
    left = {(i, k): f.load(address("left", i, k), dtype) for i in range(rows) for k in depth}
    right = {(k, j): f.load(address("right", k, j), dtype) for k in depth for j in range(columns)}
    sums = [summed(f, [(left[i, k], right[k, j]) for k in depth]) for i, j in places]
    if not step.view.is_dense:
        for (i, j), total in zip(places, sums, strict=True):
            f.store(total, address("result", i, j))
        return
    for start, width in vectors_of(len(sums), host().lanes(dtype.itemsize)):
        f.store(packed(f, sums[start : start + width]), address("result", *places[start]))
