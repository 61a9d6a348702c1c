"""Products so small that a call of a kernel would take longer: fully unrolled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..codegen.emitter import Emitter
from ..codegen.vector_loops import powers_of_two
from ..ir.builder import FunctionBuilder
from ..ir.value import Value
from ..layout.view import View
from ..target.host import host

_MAX_MULTIPLICATIONS = 48  # of vectors, or of numbers


@dataclass(frozen=True)
class Operands:
    """The matrices of a product."""

    left: View
    right: View
    result: View


def is_unrolled(operands: Operands) -> bool:
    """Whether a product is unrolled."""
    rows, columns = operands.result.shape[-2:]
    depth = operands.left.shape[-1]
    if len(operands.result.shape) != 2 or not depth:
        return False
    if columns == 1 or operands.right.strides[-1] != 1:
        return rows * columns * depth <= _MAX_MULTIPLICATIONS
    vectors = len(_vectors_of(columns, host().lanes(operands.result.dtype.itemsize)))
    return rows * vectors * depth <= _MAX_MULTIPLICATIONS


def emit_unrolled(emitter: Emitter, operands: Operands) -> None:
    """Write a product without loops."""
    _Unrolled(emitter, operands).write()


def _vectors_of(n: int, lanes: int) -> list[tuple[int, int]]:
    """Split n numbers into vectors of powers of two, none of them masked: (start, lanes) each."""
    whole = n // lanes * lanes
    rest = [(whole + start, width) for start, width in powers_of_two(n - whole)]
    return [*((start, lanes) for start in range(0, whole, lanes)), *rest]


class _Unrolled:
    """Writes a product by vectors of B's rows, of A's columns, or by numbers."""

    def __init__(self, emitter: Emitter, operands: Operands) -> None:
        self.f, self.result = emitter.f, operands.result
        self.views = {"left": operands.left, "right": operands.right, "result": operands.result}
        self.bases = {k: emitter.addresses.of_buffer(v.buffer) for k, v in self.views.items()}
        self.dtype = operands.result.dtype
        self.lanes = host().lanes(self.dtype.itemsize)
        self.rows, self.columns = operands.result.shape[-2:]
        self.depth = range(operands.left.shape[-1])

    def write(self) -> None:
        if self.columns == 1:
            self._matrix_vector()
        elif self.views["right"].strides[-1] != 1:
            self._by_numbers()
        else:
            self._by_rows_of_right()

    def address(self, name: str, row: int, column: int) -> str:
        """Return the address of an entry of an operand or of the result."""
        view = self.views[name]
        position = view.offset + row * view.strides[-2] + column * view.strides[-1]
        return self.f.offset(self.bases[name], position, view.dtype.itemsize)

    def load(self, name: str, row: int, column: int, lanes: int = 1) -> Value:
        return self.f.load(self.address(name, row, column), self.dtype, lanes)

    def _by_rows_of_right(self) -> None:
        """Sum rows of B, each multiplied by a number of A."""
        f = self.f
        for start, width in _vectors_of(self.columns, self.lanes):
            right = [self.load("right", k, start, width) for k in self.depth]
            for i in range(self.rows):
                total: Value | None = None
                for k in self.depth:
                    a = f.splat(self.load("left", i, k), width)
                    total = a * right[k] if total is None else f.fma(a, right[k], total)
                assert total is not None
                f.store(total, self.address("result", i, start))

    def _matrix_vector(self) -> None:
        """Sum columns of A, each multiplied by a number of B."""
        f = self.f
        right = [self.load("right", k, 0) for k in self.depth]
        for start, width in _vectors_of(self.rows, self.lanes):
            columns = [self._column(start, width, k) for k in self.depth]
            pairs = [(a, f.splat(b, width)) for a, b in zip(columns, right, strict=True)]
            total = _sum_of_products(f, pairs)
            if self.result.strides[-2] == 1 or width == 1:
                f.store(total, self.address("result", start, 0))
                continue
            for lane in range(width):
                f.store(f.extract(total, lane), self.address("result", start + lane, 0))

    def _column(self, start: int, width: int, k: int) -> Value:
        """Return some rows of a column of A."""
        if self.views["left"].strides[-2] == 1 or width == 1:
            return self.load("left", start, k, width)
        return _packed(self.f, [self.load("left", start + lane, k) for lane in range(width)])

    def _by_numbers(self) -> None:
        """Compute entries one by one, and pack them into vectors, which their reader loads."""
        f = self.f
        entries = [(i, j) for i in range(self.rows) for j in range(self.columns)]
        left = {(i, k): self.load("left", i, k) for i in range(self.rows) for k in self.depth}
        right = {(k, j): self.load("right", k, j) for k in self.depth for j in range(self.columns)}
        sums = [
            _sum_of_products(f, [(left[i, k], right[k, j]) for k in self.depth]) for i, j in entries
        ]
        if not self.result.is_contiguous:
            for (i, j), total in zip(entries, sums, strict=True):
                f.store(total, self.address("result", i, j))
            return
        for start, width in _vectors_of(len(sums), self.lanes):
            x = _packed(f, sums[start : start + width])
            f.store(x, self.address("result", *entries[start]))


def _packed(f: FunctionBuilder, numbers: Sequence[Value]) -> Value:
    """Return numbers as the lanes of a vector."""
    if len(numbers) == 1:
        return numbers[0]
    vector: Value | None = None
    for lane, number in enumerate(numbers):
        vector = f.insert(vector, number, lane, len(numbers))
    assert vector is not None
    return vector


def _sum_of_products(f: FunctionBuilder, pairs: Sequence[tuple[Value, Value]]) -> Value:
    """Add products in pairs, then in halves: the length of the dependency chain is what counts."""
    terms: list[Value] = []
    for k in range(0, len(pairs), 2):
        (a, b), *rest = pairs[k : k + 2]
        terms.append(f.fma(*rest[0], a * b) if rest else a * b)
    while len(terms) > 1:
        halves = [x + y for x, y in zip(terms[::2], terms[1::2], strict=False)]
        terms = [*halves, *terms[2 * len(halves) :]]
    return terms[0]
