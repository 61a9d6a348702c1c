"""A right matrix packed once for many products with it, as their kernels read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from ..codegen.emitter import Emitter
from ..kernels.matmul import packed_size
from ..layout.view import Buffer, View
from .access import Access
from .base import Instruction
from .planning import Rule


@dataclass(frozen=True, eq=False)
class Pack(Instruction):
    """Copies a matrix into panels of the columns that a tile has.

    Attributes
    ----------
    source : View
        A matrix, of any strides.
    target : Buffer
    """

    source: View
    target: Buffer

    def buffers(self) -> Iterator[Buffer]:
        yield from (self.source.buffer, self.target)

    def accesses(self) -> list[Access]:
        return [Access(self.source.buffer, False), Access(self.target, True)]

    def nanoseconds(self) -> float:
        return 10.0 + prod(self.source.shape) / 2.0

    def summary(self) -> str:
        return f"pack {' x '.join(map(str, self.source.shape))}"

    def emit(self, emitter: Emitter) -> None:
        f, source = emitter.f, self.source
        (depth, columns), (row, column) = source.shape, source.strides
        matrix, panels = emitter.addresses.of_view(source), emitter.addresses.of_buffer(self.target)
        name = f"pack_f{source.dtype.itemsize * 8}"
        f.declare(name, f"declare void @{name}(i64, i64, ptr, i64, i64, ptr)")
        f.emit(
            f"call void @{name}(i64 {columns}, i64 {depth}, ptr {matrix}, i64 {row}, i64 {column}, "
            f"ptr {panels})"
        )


def packed(source: View) -> tuple[Pack, View]:
    """Return what packs a matrix, and the matrix as products take it that are told so."""
    depth, columns = source.shape
    target = Buffer(packed_size(columns, depth, source.dtype), source.dtype)
    return Pack(source, target), View.whole(target, source.shape)


RULES: Mapping[str, Rule] = {}
