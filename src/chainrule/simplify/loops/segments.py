"""Loops that are verified: stretches of one period whose operands follow one rule throughout.

Each operand of an iteration is, in all iterations alike,

* what the same iteration computed, at the same offset (``INNER``),
* what an earlier one computed, a fixed number of iterations before (``CARRY``),
* the same node from outside (``FIXED``), or
* a node from outside that differs (``TABLE``): a row of a table, an earlier loop's result.

Where the rule changes the stretch is cut, and its parts are tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

import numpy as np

from ...graph.node import Node
from ...graph.types import Array
from ...primitives.declare import ELEMENTWISE_FAMILIES
from ...primitives.indexing import gather, scatter, scatter_add
from ...primitives.structure import broadcast_to, cast, identity, pad, reshape, slice_
from .periods import FEWEST_SAVED, SHORTEST_LOOP, Stretch, is_long_enough, stretches
from .sequence import NodeSequence, movable
from .stores import extents_of, starts_of

INNER, CARRY, FIXED, TABLE = range(4)
MOST_CUTS = 12  # of a stretch one after the other
MOST_ALTERNATING = 4  # arrays of which slices are read in turns
MOST_LAG = 64  # iterations back that a carry may reach
MOST_FUSED_ENTRIES = 2**10
MOST_FUSED_NODES = 2**8
# Where a node's slices are, and how many operands it has if none is an index array
_INDEXED = {slice_: ("index", 1), pad: ("index", 1), gather: ("pattern", 1),
            scatter: ("pattern", 2), scatter_add: ("pattern", -1)}  # fmt: skip
_VIEWS = (broadcast_to, cast, identity, reshape, slice_)


@dataclass(eq=False)
class Segment:
    """One loop.

    Attributes
    ----------
    start, period, length : int
        The position of its first node, nodes an iteration, and iterations.
    ids : array of shape (length, operands an iteration)
    kinds : list of int
        INNER, CARRY, FIXED or TABLE, for each operand.
    offsets : list of int
        For INNER and CARRY the node's offset in its iteration.
    lags : list of int
        For CARRY the number of iterations back.
    starts : dict of int to array of shape (length, axes)
        For each offset of a node with slices that start elsewhere each time: where.
    """

    start: int
    period: int
    length: int
    ids: Array
    kinds: list[int]
    offsets: list[int]
    lags: list[int]
    first_slot: list[int]
    starts: dict[int, Array] = field(default_factory=dict)
    is_view: bool = False

    @property
    def stop(self) -> int:
        """The position after its last node."""
        return self.start + self.period * self.length

    @property
    def is_worth_it(self) -> bool:
        """Whether it saves enough nodes on its own."""
        return self.is_view or (self.length - 1) * self.period >= FEWEST_SAVED

    def slots(self, offset: int) -> range:
        """Return the operands of a node of the iteration."""
        return range(self.first_slot[offset], self.first_slot[offset + 1])


def find_segments(sequence: NodeSequence) -> list[Segment]:
    """Return loops that do not overlap, in order."""
    taken = np.zeros(len(sequence), bool)
    segments: list[Segment] = []
    for stretch in stretches(sequence.codes):
        pending = [(part, 0) for part in _free_parts(stretch, taken)]
        while pending:
            (start, stop, period), cuts = pending.pop()
            if taken[start:stop].any():
                continue
            start, length = _aligned_start(sequence, start, stop, period)
            if not is_long_enough(length, period):
                continue
            segment, rest = _verified_segment(sequence, start, period, length)
            if segment is not None and _alternates(sequence, segment):
                whole = Stretch(segment.start, segment.stop, period)
                pending += [(whole._replace(period=period * k), MOST_CUTS) for k in (4, 3, 2)]
            elif segment is not None and _is_allowed(sequence, segment):
                taken[segment.start : segment.stop] = True
                segments.append(segment)
            if cuts < MOST_CUTS:
                pending += [(Stretch(a, b, period), cuts + 1) for a, b in rest]
    return sorted(segments, key=lambda segment: segment.start)


def _free_parts(stretch: Stretch, taken: Array) -> list[Stretch]:
    start, stop, period = stretch
    inside = taken[start:stop]
    if not inside.any():
        return [stretch]
    free = np.zeros(len(inside) + 2, bool)
    free[1:-1] = ~inside
    edges = np.flatnonzero(free[1:] != free[:-1]).reshape(-1, 2).tolist()
    return [Stretch(start + a, start + b, period) for a, b in edges]


def _aligned_start(sequence: NodeSequence, start: int, stop: int, period: int) -> tuple[int, int]:
    """Return where the first iteration begins, and how many there are: where the fewest values
    go from one iteration to the next.
    """
    length = (stop - start) // period
    if length < 3:
        return start, length
    first = start + (length - 1) * period
    a, b = sequence.firsts[first], sequence.firsts[first + period]
    counts = np.diff(sequence.firsts[first : first + period + 1])
    consumers = np.repeat(np.arange(first, first + period), counts)
    producers = sequence.operands[a:b]
    inside = (producers >= start) & (producers < stop)
    spans = np.zeros(period, np.int64)
    np.maximum.at(spans, (producers - start)[inside] % period, (consumers - producers)[inside])
    # A boundary before any of the `span` positions after a value's own is crossed by it
    crossings = np.zeros(2 * period + 1, np.int64)
    offsets = np.arange(period)
    np.add.at(crossings, offsets + 1, 1)
    np.add.at(crossings, offsets + 1 + spans % period, -1)
    total = np.cumsum(crossings)
    crossed = total[:period].copy() + int((spans // period).sum())
    crossed += total[period : 2 * period]
    leftover = (stop - start) - length * period
    # Rather to the end of the stretch: first iterations miss what was computed from constants
    best = int(np.lexsort((offsets, offsets != leftover, offsets > leftover, crossed))[0])
    return start + best, length - (best > leftover)


def _verified_segment(
    sequence: NodeSequence, start: int, period: int, length: int
) -> tuple[Segment | None, list[tuple[int, int]]]:
    """Return the loop in the middle of the stretch whose operands follow one rule, and the rest."""
    firsts = sequence.firsts
    stop = start + period * length
    ids = sequence.operands[firsts[start] : firsts[stop]].reshape(length, -1)
    bases = start + period * np.arange(length)[:, None]
    relative = ids - bases
    inside = (ids >= start) & (ids < len(sequence))
    middle = length // 2
    is_same = ids[middle] == ids[middle + 1]
    is_inside = inside[middle] & ~is_same
    steady = relative[middle]
    lags = np.where(is_inside & (steady < 0), -(steady // period), 0)
    good = np.where(is_inside, inside & (relative == steady), ~inside)
    types = sequence.types[ids]
    fitting = types == types[middle]
    begin, end = 0, length
    for column in np.flatnonzero(inside[middle] & is_same).tolist():
        good[:, column] = ids[:, column] == ids[middle, column]  # computed in an iteration before
        begin = max(begin, (int(ids[middle, column]) - start) // period + 1)
    bad = ~(good & fitting)
    if bad.any():
        rows, columns = np.nonzero(bad)
        late = rows > middle
        if late.any():
            end = int(rows[late].min())
        for row, column in zip(rows[~late].tolist(), columns[~late].tolist(), strict=True):
            # A carry is read from outside in the first iterations
            lag = int(lags[column])
            initial = lag and fitting[row, column] and not inside[row, column]
            begin = max(begin, row + 1 - lag if initial else row + 1)
    rest = [(start, start + begin * period)] if begin else []
    if end < length:
        rest.append((start + end * period, stop))
    rest = [(a, b) for a, b in rest if is_long_enough((b - a) // period, period)]
    is_inside &= lags < end - begin  # what came before the first iteration is outside
    lags = np.where(is_inside, lags, 0)
    if not is_long_enough(end - begin, period) or int(lags.max(initial=0)) > MOST_LAG:
        return None, rest
    offsets = np.where(is_inside, steady + lags * period, 0)
    kinds = np.where(is_inside, np.where(lags > 0, CARRY, INNER), FIXED)
    ids = ids[begin:end]
    varies = ~is_inside & (ids != ids[0]).any(axis=0)
    kinds = np.where(varies, TABLE, kinds)
    first_slot = (firsts[start : start + period + 1] - firsts[start]).tolist()
    segment = Segment(
        start + begin * period, period, end - begin, ids, kinds.tolist(), offsets.tolist(),
        lags.tolist(), first_slot,
    )  # fmt: skip
    return segment, rest


def _alternates(sequence: NodeSequence, segment: Segment) -> bool:
    """Return whether slices are read of a few arrays in turns: then a multiple of the period is
    more regular.
    """
    if segment.length < 2 * SHORTEST_LOOP:
        return False
    for offset in range(segment.period):
        if sequence.nodes[segment.start + offset].primitive is slice_:
            slot = segment.slots(offset)[0]
            ids = segment.ids[:, slot]
            if segment.kinds[slot] == TABLE and len(set(ids[:64].tolist())) <= MOST_ALTERNATING:
                return True
    return False


def _is_allowed(sequence: NodeSequence, segment: Segment) -> bool:
    """Return whether the loop can be built, and learn where its slices start."""
    period, length = segment.period, segment.length
    nodes = sequence.nodes[segment.start : segment.stop]
    for kind, number in zip(segment.kinds, segment.ids[0].tolist(), strict=True):
        if kind != INNER and sequence.node(number).dtype is None:
            return False  # several results at once are no carry, and no table
    for offset in range(period):
        primitive = nodes[offset].primitive
        if primitive not in _INDEXED:
            continue
        name, operands = _INDEXED[primitive]
        index = nodes[offset].params[name]
        if all(n.params[name] == index for n in nodes[offset::period]):
            continue
        starts = np.array([starts_of(n.params[name]) for n in nodes[offset::period]])
        starts = starts.reshape(length, -1)
        if (starts != starts[0]).any():
            segment.starts[offset] = starts
            is_basic = len(segment.slots(offset)) == operands and movable(index)
            if not is_basic or not _is_movable(sequence, segment, offset, starts):
                return False
    segment.is_view = _is_view(segment, nodes[:period])
    if segment.is_view:
        return True
    return not _is_better_fused(segment, nodes[:period])


def varying_axes(starts: Array) -> list[int]:
    """Return the axes along which a slice moves."""
    return np.flatnonzero((starts != starts[0]).any(axis=0)).tolist()


def _is_movable(sequence: NodeSequence, segment: Segment, offset: int, starts: Array) -> bool:
    """Return whether slices that move so can be read, or written, by index arrays."""
    axes = varying_axes(starts)
    if len(axes) == 1:
        return True
    sizes = sizes_of(sequence.nodes[segment.start + offset])
    return all(sizes[axis] == 1 for axis in axes)


def sizes_of(node: Node) -> tuple[int, ...]:
    """Return how many entries on each axis a node of a movable slice reads or writes."""
    if node.primitive is scatter:
        return extents_of(node.params["pattern"], node.shape)
    return node.inputs[0].shape if node.primitive is pad else node.shape  # type: ignore[no-any-return]


def _is_view(segment: Segment, nodes: list[Node]) -> bool:
    """Return whether iterations only take entries from outside: then no loop is needed."""
    for offset, node in enumerate(nodes):
        kinds = {segment.kinds[slot] for slot in segment.slots(offset)}
        if node.primitive is slice_:
            if kinds != {FIXED} or offset not in segment.starts:
                return False
        elif node.primitive not in (cast, reshape, identity) or CARRY in kinds:
            return False
    return True


def _is_better_fused(segment: Segment, nodes: list[Node]) -> bool:
    """Return whether unrolled code is one pass over large arrays, of not too many operations."""
    if segment.length * segment.period > MOST_FUSED_NODES:
        return False
    sizes = {prod(n.shape) for n in nodes if n.dtype is not None}
    large = max(sizes, default=0) >= MOST_FUSED_ENTRIES
    return large and all(
        n.primitive.spec.get("family") in ELEMENTWISE_FAMILIES or n.primitive in _VIEWS
        for n in nodes
    )
