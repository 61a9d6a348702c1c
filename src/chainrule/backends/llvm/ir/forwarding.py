"""What straight-line code has just stored, so that it need not be loaded again.

Small arrays are written by one step and read by the next. While nothing else may have changed
them, the next step takes the values as they are: that saves the way through memory, which is most
of the time of a tiny training step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from .types import Value

if TYPE_CHECKING:
    from .builder import Function


class Held:
    """Values by their bytes from the arena's start; empty again at each new block."""

    def __init__(self, f: Function) -> None:
        self.f = f
        self.root: str | None = None
        self._places: dict[str, int] = {}
        self._values: dict[int, Value] = {}
        self._read: list[tuple[int, int]] = []

    def begin(self, arena: str) -> None:
        """The address from which on bytes are counted."""
        self.root = arena
        self._places[arena] = 0

    def moved(self, pointer: str, made: str, count: int) -> None:
        """An address so many known bytes after another."""
        if pointer in self._places:
            self._places[made] = self._places[pointer] + count

    def clear(self) -> None:
        """Anything may have changed, or code may come here from elsewhere."""
        self._values.clear()

    @contextmanager
    def trial(self) -> Iterator[dict[int, Value]]:
        """Code is written on trial: what is held at its end, of what it read at its beginning."""
        self.clear()
        before, self._read = self._read, []
        found: dict[int, Value] = {}
        yield found
        for place, size in self._read:
            found.update(self._overlapping(place, size))
        self._read = before
        self.clear()

    def hold(self, known: dict[int, Value]) -> None:
        """These lie in memory, too."""
        self._values.update(known)

    def stored(self, x: Value, pointer: str) -> None:
        """A whole vector, or a number, was written."""
        place = self._places.get(pointer)
        if place is None:
            self.clear()  # a row that a loop moves along may lie in the arena, too
            return
        size = x.lanes * x.dtype.itemsize
        for other in [k for k, _ in self._overlapping(place, size)]:
            del self._values[other]
        self._values[place] = x

    def found(self, pointer: str, dtype: np.dtype[np.generic], lanes: int) -> Value | None:
        """What a load would give, if it is held: all of a value, or one lane of it."""
        place = self._places.get(pointer)
        if place is None:
            return None
        known = self._values.get(place)
        if known is not None and known.dtype == dtype and known.lanes == lanes:
            return known
        if lanes == 1:
            for start, value in self._overlapping(place, dtype.itemsize):
                if value.dtype == dtype and (place - start) % dtype.itemsize == 0:
                    return self.f.extract(value, (place - start) // dtype.itemsize)
        self._read.append((place, lanes * dtype.itemsize))
        return None

    def _overlapping(self, place: int, size: int) -> Iterator[tuple[int, Value]]:
        for start, value in self._values.items():
            if start < place + size and place < start + value.lanes * value.dtype.itemsize:
                yield start, value
