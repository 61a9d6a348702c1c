"""Discrete Fourier transforms along the last axis: one call of NumPy's loop for all rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log2, prod, sqrt

import numpy as np

from ....graph.node import Node
from ..codegen.emitter import Emitter
from ..ir.types import literal
from ..kernels.fourier import FOURIER, is_forward, symbol
from ..layout.view import Buffer, View
from .access import Access
from .base import Instruction
from .planning import Planning, Rule

_I64 = np.dtype(np.int64)
# Words of the memory that the arguments of a loop stand in: three addresses, three sizes, five
# strides, the scale, a flag
_SIZES, _STRIDES, _SCALE, _DIRECTION, _WORDS = 3, 6, 11, 12, 13


@dataclass(frozen=True, eq=False)
class Fourier(Instruction):
    """Rows of so many numbers to rows of so many others, by a loop of NumPy's.

    Attributes
    ----------
    name : str
        The symbol of the loop.
    source, target : View
        Contiguous; complex numbers are pairs along the last axis.
    rows, taken, produced : int
        How many rows, and numbers in each of both.
    scale : float
    arguments : Buffer
    """

    name: str
    source: View
    target: View
    rows: int
    taken: int
    produced: int
    scale: float
    arguments: Buffer

    def buffers(self) -> Iterator[Buffer]:
        yield from (self.source.buffer, self.target.buffer, self.arguments)

    def accesses(self) -> list[Access]:
        return [
            Access(self.source.buffer, False), Access(self.target.buffer, True),
            Access(self.arguments, True),
        ]  # fmt: skip

    def results(self) -> Sequence[View]:
        return [self.target]

    def nanoseconds(self) -> float:
        n = max(self.taken, self.produced)
        return 1000.0 + 1.5 * self.rows * n * log2(2 * n)

    def summary(self) -> str:
        return f"{self.name} {list(self.source.shape)}"

    def emit(self, emitter: Emitter) -> None:
        """Write the arguments to memory, and call the loop."""
        if not self.rows:
            return
        f, addresses = emitter.f, emitter.addresses
        words = addresses.of_buffer(self.arguments)
        cells = [f.offset(words, k, 8) for k in range(_WORDS)]
        dtype = self.target.dtype
        in_size = prod(self.source.shape) * dtype.itemsize // (self.rows * self.taken)
        out_size = prod(self.target.shape) * dtype.itemsize // (self.rows * self.produced)
        f.emit(f"store {'double' if dtype.itemsize == 8 else 'float'} "
               f"{literal(self.scale, dtype)}, ptr {cells[_SCALE]}, align 8")  # fmt: skip
        pointers = (addresses.of_view(self.source), cells[_SCALE], addresses.of_view(self.target))
        for pointer, cell in zip(pointers, cells, strict=False):
            f.emit(f"store ptr {pointer}, ptr {cell}, align 8")
        numbers = (
            self.rows, self.taken, self.produced,
            self.taken * in_size, 0, self.produced * out_size, in_size, out_size,
        )  # fmt: skip
        for number, cell in zip(numbers, cells[_SIZES:], strict=False):
            f.emit(f"store i64 {number}, ptr {cell}, align 8")
        f.emit(f"store i64 {int(is_forward(self.name))}, ptr {cells[_DIRECTION]}, align 8")
        f.declare(self.name, f"declare void @{self.name}(ptr, ptr, ptr, ptr)")
        f.emit(
            f"call void @{self.name}(ptr {cells[0]}, ptr {cells[_SIZES]}, "
            f"ptr {cells[_STRIDES]}, ptr {cells[_DIRECTION]})"
        )


def plan_fourier(planner: Planning, node: Node) -> None:
    """Plan the transform of a contiguous array."""
    (x,) = node.inputs
    name = node.primitive.name
    source = planner.materialize_contiguous(x)
    target = planner.target(node)
    written = target if target.is_contiguous else planner.allocate(node.shape, node.dtype)
    taken = x.shape[-2] if node.params["pairs"][0] else x.shape[-1]
    produced = node.shape[-1] if name == "irfft_of_pairs" else node.shape[-2]
    n = taken if name != "irfft_of_pairs" else produced
    shape = node.shape[:-1] if name == "irfft_of_pairs" else node.shape[:-2]
    planner.append(Fourier(
        symbol(name, n % 2 == 1, node.dtype), source, written, prod(shape), taken, produced,
        _scale(name, node.params["norm"], n), Buffer(_WORDS, _I64),
    ))  # fmt: skip
    if written is not target:
        planner.move(written, target)


def _scale(name: str, norm: str, n: int) -> float:
    """Return what NumPy multiplies the sums by: inverses have the norm of the other direction."""
    if norm == "ortho":
        return 1.0 / sqrt(n)
    inverse = name in ("ifft_of_pairs", "irfft_of_pairs")
    return 1.0 / n if (norm == "backward") == inverse else 1.0


RULES: Mapping[str, Rule] = dict.fromkeys(FOURIER, plan_fourier)
