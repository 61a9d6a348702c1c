"""Sparse fills: a buffer that each iteration fills with one number, to change a few entries.

The gradient of an embedding is 0 but for the rows that a batch looked up. It is filled once, before
the loop; at the end of an iteration only the changed entries are reset::

    each iteration:                  once:
        G[:] = 0                         G[:] = 0
        G[codes] += d                each iteration:
        table, m, v = adam(G)            G[codes] += d
                                         table, m, v = adam(G)
                                         G[codes] = 0
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import prod

from ..expressions.expression import Number
from ..instructions.base import Instruction
from ..instructions.elementwise import Elementwise
from ..instructions.scatter import Scatter
from ..layout.view import Buffer

_SPARSE = 4  # one of so many entries is changed, or fewer: resets look up positions and are slow


def hoist_fills(
    body: Sequence[Instruction], live_out: Collection[Buffer]
) -> tuple[list[Instruction], list[Instruction]]:
    """Return what is to run before a loop, and the loop's new body.

    `live_out` are the buffers in the arena that are read after the loop, or in its next iteration.
    """
    before: list[Instruction] = []
    after: list[Instruction] = []
    for k, fill in enumerate(body):
        if not isinstance(fill, Elementwise):
            continue
        if scatter := _only_change(fill, body[:k], body[k + 1 :], live_out):
            before.append(fill)
            after.append(replace(scatter, adds=False, value=fill.stores[0][0]))
    return before, [step for step in body if step not in before] + after


def _only_change(
    fill: Elementwise, before: Sequence[Instruction], after: Sequence[Instruction],
    live_out: Collection[Buffer],
) -> Scatter | None:  # fmt: skip
    """Return the scatter that alone changes what was filled, if it can be reset; else None."""
    (number, view), *others = fill.stores
    buffer = view.buffer
    if others or not isinstance(number, Number) or buffer.word is not None or buffer in live_out:
        return None
    if any(buffer in step.buffers() for step in before):
        return None
    written = {step: {a.buffer for a in step.accesses() if a.writes} for step in after}
    writers = [step for step in after if buffer in written[step]]
    if len(writers) != 1 or not isinstance(writers[0], Scatter):
        return None
    scatter = writers[0]
    whole = prod(fill.domain) == buffer.size
    if not whole or _SPARSE * prod(scatter.domain) > buffer.size:
        return None
    later = after[after.index(scatter) + 1 :]
    if any(scatter.index_buffers() & written[step] for step in later):
        return None  # the positions are not known any more at the end
    return scatter
