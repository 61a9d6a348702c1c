"""Which instructions row tiling fuses: those of which a row never meets another one's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from chainrule.backends.llvm.expressions.expression import Load
from chainrule.backends.llvm.instructions.elementwise import Elementwise
from chainrule.backends.llvm.instructions.row_tiles import RowTiles
from chainrule.backends.llvm.layout.view import Buffer, View
from chainrule.backends.llvm.schedule.row_tiling import tile_rows
from chainrule.config import configured

ROWS, WIDTH = 4096, 512


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    with configured(num_threads=2, cache=0):
        yield


@pytest.mark.parametrize(
    ("offset", "stride", "fused"),
    [(0, WIDTH, True), (1, WIDTH, False), (-1, WIDTH, False), (0, WIDTH + 1, False)],
)
def test_a_row_that_reads_one_number_of_the_next_waits(
    offset: int, stride: int, fused: bool
) -> None:
    """Its own 512 numbers are written before; the next row's first one may be another thread's."""
    source, middle, target = (Buffer((ROWS + 2) * (WIDTH + 1), np.dtype(float)) for _ in range(3))

    def copied(x: Buffer, start: int, step: int, y: Buffer, first: int) -> Elementwise:
        view = View(y, first, (ROWS, WIDTH), (WIDTH, 1))
        return Elementwise((ROWS, WIDTH), [(Load(np.dtype(float), x, start, (step, 1)), view)])

    steps = [copied(source, 0, WIDTH, middle, 1), copied(middle, 1 + offset, stride, target, 0)]
    tiled = tile_rows(steps, 1000.0)
    assert fused == (len(tiled) == 1)
    assert all(isinstance(step, RowTiles) for step in tiled)
