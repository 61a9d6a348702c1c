"""Stable sorts along the last axis: keys whose bits sort as the numbers do, then their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from ..codegen.emitter import Emitter
from ..kernels.sort import scratch_words, to_key
from ..layout.view import Buffer, View
from .access import Access
from .base import Instruction
from .elementwise import Elementwise, emit_stores


@dataclass(frozen=True, eq=False)
class SortKeys(Elementwise):
    """Stores for each number 64 bits that sort, read without sign, as the numbers do."""

    def independent_rows(self) -> int:
        return 0

    def shared(self, smallest: float) -> Instruction:
        return self

    def summary(self) -> str:
        return f"sort keys {list(self.domain)}"

    def emit(self, emitter: Emitter) -> None:
        emit_stores(emitter, self, transform=to_key)


@dataclass(frozen=True, eq=False)
class Sort(Instruction):
    """The stable order of each row of keys."""

    keys: View
    view: View
    scratch: Buffer

    @classmethod
    def of(cls, keys: View, view: View) -> Sort:
        """Return the instruction with memory to sort a row in."""
        return cls(keys, view, Buffer(scratch_words(keys.shape[-1]), keys.dtype))

    def buffers(self) -> Iterator[Buffer]:
        yield from (self.keys.buffer, self.view.buffer, self.scratch)

    def accesses(self) -> list[Access]:
        """Sorting moves the keys, too."""
        return [Access(self.keys.buffer, True), Access(self.view.buffer, True)]

    def results(self) -> Sequence[View]:
        return [self.view]

    def nanoseconds(self) -> float:
        return 20.0 * prod(self.keys.shape)

    def summary(self) -> str:
        return f"sort {list(self.keys.shape)}"

    def emit(self, emitter: Emitter) -> None:
        """Call the library's `order` for each row."""
        f, addresses, shape = emitter.f, emitter.addresses, self.keys.shape
        if 0 in shape:
            return
        f.declare("order", "declare void @order(ptr, i64, ptr, ptr)")
        keys, positions = addresses.of_view(self.keys), addresses.of_view(self.view)
        scratch, n = addresses.of_buffer(self.scratch), shape[-1]
        with f.loop(0, prod(shape[:-1])) as loop:
            row = f.times(loop.index, n)
            a, b = f.offset(keys, row, 8), f.offset(positions, row, 8)
            f.emit(f"call void @order(ptr {a}, i64 {n}, ptr {b}, ptr {scratch})")
