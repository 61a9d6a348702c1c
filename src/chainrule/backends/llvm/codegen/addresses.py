"""Addresses of frame words, buffers and views within one function."""

from __future__ import annotations

from collections.abc import Sequence

from ..ir.builder import FunctionBuilder
from ..ir.types import Index
from ..layout.frame import ARENA
from ..layout.view import Arena, Buffer, View


class Addresses:
    """Writes the address computations of a function whose argument is ``%frame``."""

    def __init__(self, f: FunctionBuilder, arena: Arena) -> None:
        self.f, self.arena = f, arena
        self.arena_start = self.load_word(ARENA)
        f.forwarding.set_root(self.arena_start)

    def word(self, number: int) -> str:
        """Return the address of a word of the frame."""
        return self.f.offset("%frame", number, 8)

    def load_word(self, number: int, kind: str = "ptr") -> str:
        """Return what a word of the frame holds now."""
        return self.f.name(f"load {kind}, ptr {self.word(number)}, align 8")

    def store_word(self, number: int, value: str | int, kind: str = "i64") -> None:
        """Write a word of the frame."""
        self.f.emit(f"store {kind} {value}, ptr {self.word(number)}, align 8")

    def of_buffer(self, buffer: Buffer) -> str:
        """Return where a buffer begins."""
        if buffer.word is not None:
            return self.load_word(buffer.word)
        return self.in_arena(self.arena.offsets[buffer])

    def in_arena(self, offset: int) -> str:
        """Return the address so many bytes into the arena."""
        return self.f.offset(self.arena_start, offset, 1)

    def of_view(self, view: View, *moves: tuple[Index, int]) -> str:
        """Return the address of a view's first number, moved by (index, stride) along some axes."""
        f = self.f
        position: Index = view.offset
        for index, stride in moves:
            position = f.plus(position, f.times(index, stride))
        return f.offset(self.of_buffer(view.buffer), position, view.dtype.itemsize)


class OperandAddresses(Addresses):
    """Addresses of an outlined function: its buffers begin where its argument ``%operands`` says.

    Of each buffer it has two words: which byte of the frame holds an address, and how many bytes
    after that the buffer begins.
    """

    def __init__(self, f: FunctionBuilder, buffers: Sequence[Buffer]) -> None:
        self.f, self.arena = f, Arena({}, 0)
        self.starts = {buffer: self._start(k) for k, buffer in enumerate(buffers)}

    def _start(self, number: int) -> str:
        f = self.f
        byte, start = (
            f.name(f"load i64, ptr {f.offset('%operands', 2 * number + k, 8)}, align 8")
            for k in (0, 1)
        )
        address = f.name(f"load ptr, ptr {f.offset('%frame', byte, 1)}, align 8")
        return f.offset(address, start, 1)

    def of_buffer(self, buffer: Buffer) -> str:
        return self.starts[buffer]
