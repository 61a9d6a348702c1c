"""Weights that a loop reads in products, and nobody writes there, are packed before the loop."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..instructions.base import Instruction
from ..instructions.pack import Pack, packed_once
from ..layout.view import Buffer

_MANY = 4  # iterations that repay it


def hoist_packing(
    body: Sequence[Instruction], length: int, moving: Collection[Buffer]
) -> tuple[list[Instruction], list[Instruction]]:
    """Return what is to run before a loop of some iterations, and its new body.

    `moving` are the buffers whose addresses change from one iteration to the next.
    """
    if length < _MANY:
        return [], list(body)
    written = {a.buffer for step in body for a in step.accesses() if a.writes} | set(moving)
    inner = [s for s in body if isinstance(s, Pack) and s.source.buffer not in written]
    packs, code = packed_once([step for step in body if step not in inner], moving)
    return [*inner, *packs], code
