"""What one running call owns: the words of its frame, and its arena."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....errors import CheckError
from ..layout.frame import ARENA, HOST_CALLBACK
from .executable import ArrayLocation, Executable

_CANARY = 0xA5  # fills a guarded arena before anything is written
_ALIGN = 64


class Frame:
    """The argument of `main`, with the memory that it points at."""

    def __init__(
        self, executable: Executable, constants: Sequence[tuple[int, Any]], callback: Any
    ) -> None:
        self.memory = np.empty(executable.arena_bytes + _ALIGN, np.uint8)
        if executable.guarded:
            self.memory[:] = _CANARY
        self.words = np.zeros(executable.n_words + 2 * len(executable.timed), np.int64)
        start = self.memory.ctypes.data
        self.words[ARENA] = start + -start % _ALIGN
        for word, array in constants:
            self.words[word] = array.ctypes.data
        if callback is not None:
            self.words[HOST_CALLBACK] = ctypes.cast(callback, ctypes.c_void_p).value or 0
        self.address = self.words.ctypes.data
        self.pointer = ctypes.c_void_p(self.address)
        self.error: BaseException | None = None

    def array(self, location: ArrayLocation) -> Any:
        """Return an array over the frame's memory."""
        if not location.nbytes:
            return np.empty(location.shape, location.dtype)
        base = int(self.words[ARENA if location.word is None else location.word])
        raw: Any = (ctypes.c_uint8 * location.nbytes).from_address(base + location.start)
        return np.ndarray(location.shape, location.dtype, raw, location.offset, location.strides)

    def check_guards(self, executable: Executable) -> None:
        """Raise if code wrote beyond a buffer of the arena."""
        arena = int(self.words[ARENA]) - self.memory.ctypes.data
        for k, (start, end) in enumerate(executable.guarded):
            if (self.memory[arena + start : arena + end] != _CANARY).any():
                raise CheckError(f"compiled code wrote beyond buffer {k} of the arena")
