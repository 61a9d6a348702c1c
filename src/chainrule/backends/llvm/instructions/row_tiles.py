"""Instructions that run together, a tile of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import ClassVar

from ..codegen.emitter import Emitter
from ..codegen.vector_loops import RowRange
from ..ir.types import Index
from ..layout.view import Buffer
from .base import Instruction, Instructions, Liveness, tiles_text, total_nanoseconds

_LONG_ROW = 256  # numbers, for which a loop over rows around all steps costs little


@dataclass(frozen=True, eq=False)
class RowTiles(Instruction):
    """Runs a tile of rows through all its instructions: row r of each needs only row r of others.

    Attributes
    ----------
    rows : int
    steps : tuple of Instruction
        Each has so many independent rows.
    tile_size : int
        How many rows threads claim at a time, a multiple of 16.
    adaptive : bool
        Whether an enclosing loop finds out if sharing pays.
    """

    divisible: ClassVar[bool] = True

    rows: int
    steps: Instructions
    tile_size: int = 0
    adaptive: bool = False

    @property
    def extent(self) -> int:
        """What is cut into tiles."""
        return self.rows

    @property
    def n_tiles(self) -> int:
        """The number of tiles."""
        return -(-self.rows // self.tile_size)

    def buffers(self) -> Iterator[Buffer]:
        for step in self.steps:
            yield from step.buffers()

    def bodies(self) -> tuple[Instructions, ...]:
        return (self.steps,)

    def with_bodies(self, bodies: Sequence[Instructions]) -> Instruction:
        (steps,) = bodies
        return replace(self, steps=steps)

    def record_liveness(self, liveness: Liveness) -> None:
        """Use all buffers at once: at one time, tiles are in different instructions."""
        liveness.use_rows(self.rows, self.steps)

    def nanoseconds(self) -> float:
        return total_nanoseconds(self.steps)

    def summary(self) -> str:
        return f"{tiles_text(self)} of rows: " + "; ".join(step.summary() for step in self.steps)

    def headings(self) -> Sequence[str]:
        return [f"{tiles_text(self)} of {self.tile_size} of {self.rows} rows:"]

    def emit(self, emitter: Emitter) -> None:
        def write(inner: Emitter, tile: str, tile_size: Index) -> None:
            f = inner.f
            start = f.name(f"mul i64 {tile}, {tile_size}")
            stop = f.smaller(f.name(f"add i64 {start}, {tile_size}"), self.rows)
            count = f.name(f"sub i64 {stop}, {start}")
            rows = RowRange(start, stop, count, tile, self.rows)
            for steps in _parts(self.steps):
                if not _runs_row_by_row(steps):
                    inner.run_rows(steps, rows)
                    continue
                with f.loop(start, stop) as loop:
                    following = f.name(f"add nsw i64 {loop.index}, 1")
                    row = RowRange(loop.index, following, "1", tile, self.rows, single=True)
                    inner.run_rows(steps, row)

        emitter.parallel(self, write)


def _parts(steps: Instructions) -> Iterator[Instructions]:
    """Cut steps into those whose code may be written for a single row, and others."""
    for _, part in groupby(steps, key=lambda step: step.numbers_per_row() > 0):
        yield tuple(part)


def _runs_row_by_row(steps: Instructions) -> bool:
    """Whether steps run one row after the other, so that it is in the first cache between them."""
    largest = max(step.numbers_per_row() for step in steps)
    return len(steps) > 1 and largest >= _LONG_ROW
