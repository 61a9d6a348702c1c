"""Instructions that run together, a tile of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ..codegen.emitter import Emitter
from ..codegen.vector_loops import RowRange
from ..ir.types import Index
from ..layout.view import Buffer
from .base import Instruction, Instructions, Liveness, tiles_text, total_nanoseconds


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
        liveness.use(self.buffers())

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
            inner.run_rows(self.steps, rows)

        emitter.parallel(self, write)
