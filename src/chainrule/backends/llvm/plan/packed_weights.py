"""Weights that a loop reads in products, and nobody writes there, are packed before the loop."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ..instructions.base import Instruction
from ..instructions.matmul import Matmul
from ..instructions.pack import Pack, packed
from ..layout.view import Buffer, View

_MANY = 4  # iterations that repay it


def hoist_packing(
    body: Sequence[Instruction], length: int, moving: Collection[Buffer]
) -> tuple[list[Instruction], list[Instruction]]:
    """Return what is to run before a loop of some iterations, and its new body.

    `moving` are the buffers whose addresses change from one iteration to the next.
    """
    if length < _MANY:
        return [], list(body)
    changing = {a.buffer for step in body for a in step.accesses() if a.writes} | set(moving)
    packs: dict[tuple[Buffer, int, tuple[int, ...], tuple[int, ...]], tuple[Pack, View]] = {}
    before: list[Instruction] = []
    after: list[Instruction] = []
    for step in body:
        if isinstance(step, Pack) and step.source.buffer not in changing:
            before.append(step)  # of an inner loop
        elif isinstance(step, Matmul) and step.packs_often and step.right.buffer not in changing:
            right = step.right
            key = (right.buffer, right.offset, right.shape, right.strides)
            if key not in packs:
                packs[key] = packed(right)
            after.append(replace(step, right=packs[key][1], packed=True))
        else:
            after.append(step)
    return [*before, *(pack for pack, _ in packs.values())], after
