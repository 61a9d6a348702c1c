"""Arrays that each turn of a loop fills with one number, to change few of their entries.

The gradient of a table of vectors is 0 but for the rows that a batch looked up. It stays as it is
from turn to turn, and what a turn has changed is set back at its end::

    each turn:                       once:
        G[:] = 0                         G[:] = 0
        G[codes] += d                each turn:
        table, m, v = adam(G)            G[codes] += d
                                         table, m, v = adam(G)
                                         G[codes] = 0
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from math import prod

from ..expressions.expression import Number
from ..instructions.access import accesses
from ..instructions.base import Instruction, Map, Scatter, loaded
from ..layout.view import Buffer

_FEW = 4  # of so many entries one is changed: setting back reads where, and writes apart


def fill_once(
    body: Sequence[Instruction], outside: Collection[Buffer]
) -> tuple[list[Instruction], list[Instruction]]:
    """What is to run before a loop, and the loop's new body.

    `outside` are the buffers in the arena that are read after the loop, or in its next turn.
    """
    before: list[Instruction] = []
    after: list[Instruction] = []
    for k, fill in enumerate(body):
        if isinstance(fill, Map) and (scatter := _changes(fill, body[:k], body[k + 1 :], outside)):
            before.append(fill)
            after.append(replace(scatter, adds=False, value=fill.stores[0][0]))
    return before, [step for step in body if step not in before] + after


def _changes(
    fill: Map, before: Sequence[Instruction], after: Sequence[Instruction],
    outside: Collection[Buffer],
) -> Scatter | None:  # fmt: skip
    """The one step that changes what was filled, if it can be set back at the end of the turn."""
    (number, view), *others = fill.stores
    buffer = view.buffer
    if others or not isinstance(number, Number) or buffer.slot is not None or buffer in outside:
        return None
    if any(buffer in step.buffers() for step in before):
        return None
    written = {step: {a.buffer for a in accesses(step) if a.writes} for step in after}
    writers = [step for step in after if buffer in written[step]]
    if len(writers) != 1 or not isinstance(writers[0], Scatter):
        return None
    scatter = writers[0]
    whole = prod(fill.domain) == buffer.size
    if not whole or _FEW * prod(scatter.domain) > buffer.size:
        return None
    places = {b for index, _, _ in scatter.target.indices for b in loaded(index)}
    later = after[after.index(scatter) + 1 :]
    if any(places & written[step] for step in later):
        return None
    return scatter
