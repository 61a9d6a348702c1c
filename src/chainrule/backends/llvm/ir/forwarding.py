"""Store-to-load forwarding within straight-line code: what was just stored is not loaded again.

Small arrays are written by one instruction and read by the next. As long as nothing else can have
changed them, the next instruction takes the stored values from registers: for a tiny training step
loads and stores dominate.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from .value import Value


class StoreForwarding:
    """The values that memory is known to hold, by byte offsets into the arena.

    Nothing is known at the beginning of a block.
    """

    def __init__(self) -> None:
        self.root: str | None = None
        self._offsets: dict[str, int] = {}
        self._values: dict[int, Value] = {}
        self._loads: list[tuple[int, int]] = []

    def set_root(self, arena: str) -> None:
        """Name the address from which offsets count."""
        self.root = arena
        self._offsets[arena] = 0

    def advance(self, pointer: str, result: str, count: int) -> None:
        """Note that `result` is the address `count` bytes after `pointer`."""
        if pointer in self._offsets:
            self._offsets[result] = self._offsets[pointer] + count

    def clear(self) -> None:
        """Forget all values: any of them may have changed, or another block may jump here."""
        self._values.clear()

    @contextmanager
    def dry_run(self) -> Iterator[dict[int, Value]]:
        """Find loop-carried values while a loop's body is emitted once, to be thrown away.

        The dictionary is filled at the end, with the values that are then in registers and whose
        memory was read before: the next iteration would load them.
        """
        self.clear()
        before, self._loads = self._loads, []
        live: dict[int, Value] = {}
        yield live
        for offset, size in self._loads:
            live.update(self._overlapping(offset, size))
        self._loads = before
        self.clear()

    def assume(self, values: dict[int, Value]) -> None:
        """Take for granted that memory holds these values, by offset."""
        self._values.update(values)

    def record_store(self, x: Value, pointer: str) -> None:
        """Note that a value was stored, without a mask."""
        offset = self._offsets.get(pointer)
        if offset is None:
            self.clear()  # a row that a loop advances may lie in the arena, too
            return
        size = x.lanes * x.dtype.itemsize
        for other in [k for k, _ in self._overlapping(offset, size)]:
            del self._values[other]
        self._values[offset] = x

    def known_value(
        self, pointer: str, dtype: np.dtype[np.generic], lanes: int
    ) -> tuple[Value, int | None] | None:
        """Return what a load would give: a stored value with None, or with the one lane of it.

        None if that is not known.
        """
        offset = self._offsets.get(pointer)
        if offset is None:
            return None
        value = self._values.get(offset)
        if value is not None and value.dtype == dtype and value.lanes == lanes:
            return value, None
        if lanes == 1:
            for start, value in self._overlapping(offset, dtype.itemsize):
                if value.dtype == dtype and (offset - start) % dtype.itemsize == 0:
                    return value, (offset - start) // dtype.itemsize
        self._loads.append((offset, lanes * dtype.itemsize))
        return None

    def _overlapping(self, offset: int, size: int) -> Iterator[tuple[int, Value]]:
        for start, value in self._values.items():
            if start < offset + size and offset < start + value.lanes * value.dtype.itemsize:
                yield start, value
