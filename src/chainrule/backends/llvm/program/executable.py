"""What running a compiled graph must know beside its code; the disk cache stores it, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....graph.node import Node
from ....graph.types import Shape
from ...base import TimedInstruction
from ..layout.view import Arena, View


@dataclass(frozen=True)
class ArrayLocation:
    """An array in the arena, or at an address that stands in the frame.

    Attributes
    ----------
    word : int or None
        The word of the frame; None for the arena.
    start : int
        First byte of its buffer, from that address.
    nbytes : int
        Bytes of its buffer.
    dtype : dtype
    offset : int
        First byte of the array, from the buffer's.
    shape, strides : tuple of int
        Strides count bytes.
    """

    word: int | None
    start: int
    nbytes: int
    dtype: np.dtype[Any]
    offset: int
    shape: Shape
    strides: tuple[int, ...]

    @classmethod
    def of(cls, view: View, arena: Arena) -> ArrayLocation:
        """Return where a view lies."""
        buffer, size = view.buffer, view.dtype.itemsize
        start = 0 if buffer.word is not None else arena.offsets[buffer]
        strides = tuple(stride * size for stride in view.strides)
        return cls(
            buffer.word, start, buffer.nbytes, view.dtype, view.offset * size, view.shape, strides
        )


@dataclass(frozen=True)
class NumpyCall:
    """A node that NumPy computes in the middle of a program; if `rare`, where native code fails."""

    node: Node
    inputs: tuple[ArrayLocation, ...]
    outputs: tuple[ArrayLocation, ...]
    rare: bool = False


@dataclass(frozen=True)
class Executable:
    """How to run the code of a graph.

    Attributes
    ----------
    n_words, iteration_words, timed
        As in the module.
    arena_bytes : int
    constants : tuple of (Node, int)
        Constant arrays, and the words that hold their addresses.
    numpy_calls : tuple of NumpyCall
        By number.
    bounds_checks : tuple of Node
        An error names one by its number, from 1.
    symbols : tuple of str
        What the code calls of the library.
    parallel, long, threads
        As in the schedule.
    guarded : tuple of (int, int)
        Start and end of the bytes of the arena after each buffer, which nobody may write.
    """

    n_words: int
    arena_bytes: int
    constants: tuple[tuple[Node, int], ...]
    numpy_calls: tuple[NumpyCall, ...]
    bounds_checks: tuple[Node, ...]
    symbols: tuple[str, ...]
    parallel: bool
    long: bool
    threads: int
    iteration_words: tuple[int, ...] = ()
    timed: tuple[TimedInstruction, ...] = ()
    guarded: tuple[tuple[int, int], ...] = ()
