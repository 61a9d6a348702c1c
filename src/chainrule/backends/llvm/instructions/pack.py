"""A right matrix packed once for many products with it, as their kernels read it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from ..codegen.emitter import Emitter
from ..kernels.matmul import packed_size
from ..layout.view import Buffer, View
from .access import Access
from .base import Instruction
from .matmul import Matmul
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


def packed_once(
    code: Sequence[Instruction], changing: Collection[Buffer] = ()
) -> tuple[list[Instruction], list[Instruction]]:
    """Return what packs right matrices, and the instructions with products that read these.

    Left alone are matrices in the buffers that are `changing`, or written by the instructions.
    """
    written = {a.buffer for step in code for a in step.accesses() if a.writes} | set(changing)
    packs: dict[tuple[object, ...], Pack] = {}
    others: list[Instruction] = []
    for step in code:
        if not isinstance(step, Matmul) or not step.packs_often or step.right.buffer in written:
            others.append(step)
            continue
        right = step.right
        depth, columns = right.shape
        key = (right.buffer, right.offset, right.shape, right.strides)
        if key not in packs:
            size = packed_size(columns, depth, right.dtype)
            packs[key] = Pack(right, Buffer(size, right.dtype))
        panels = View.whole(packs[key].target, right.shape)
        others.append(replace(step, right=panels, packed=True))
    return list(packs.values()), others


RULES: Mapping[str, Rule] = {}
