"""First iterations that lack nodes because they began with constants.

``y = np.array([1.0, 0.0])`` before a loop is no tracer, so ``y[0]`` of the first iteration is a
number that NumPy computed, and its node is missing::

    first       %1 = mul k, 1.0                          %1 = slice [1.0, 0.0] (0:1)
    second      %5 = slice y (0:1);  %6 = mul k, %5  ->  %2 = mul k, %1, as in the second

The iteration before a loop is compared with the loop's, from the carries backwards; a constant in
place of a node is allowed if the node, computed from the first carries, has just these bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...graph.node import CONSTANT, Node, apply
from ...graph.types import Array
from .segments import CARRY, FIXED, INNER, Segment
from .sequence import NodeSequence, is_exact

SHORTEST_PERIOD = 12  # nodes that are worth it
MOST_COMPLETED = 8  # loops; each takes time in proportion to the whole sequence


class _MismatchError(Exception):
    """The nodes before a loop are no iteration of it."""


def with_first_iterations(sequence: NodeSequence, segments: Sequence[Segment]) -> NodeSequence:
    """Return the sequence with complete first iterations, for loops where that is possible."""
    completed = 0
    for k in reversed(range(len(segments))):  # positions before a loop stay what they are
        segment = segments[k]
        if completed == MOST_COMPLETED:
            break
        if segment.is_view or segment.period < SHORTEST_PERIOD:
            continue
        lowest = segments[k - 1].stop if k else 0
        try:
            sequence = _FirstIteration(sequence, segment, lowest).completed()
            completed += 1
        except _MismatchError:
            continue
    return sequence


class _FirstIteration:
    """What the nodes before a loop are in it.

    Attributes
    ----------
    matched : dict of int to int
        By offset the position of the node.
    known : dict of int to int
        By offset the id of a constant that is there instead.
    initial : dict of (int, int) to int
        By offset and lag the id of what is carried into the iteration.
    virtual : dict of int to Node
        The nodes that are missing.
    """

    def __init__(self, sequence: NodeSequence, segment: Segment, lowest: int) -> None:
        self.sequence, self.segment, self.lowest = sequence, segment, lowest
        self.matched: dict[int, int] = {}
        self.known: dict[int, int] = {}
        self.initial: dict[tuple[int, int], int] = {}
        self.virtual: dict[int, Node] = {}

    def completed(self) -> NodeSequence:
        """Return the sequence in which the iteration is complete.

        Raises
        ------
        _MismatchError
        """
        segment = self.segment
        self._bind([
            (segment.offsets[slot], int(segment.ids[segment.lags[slot] - 1, slot]))
            for slot, kind in enumerate(segment.kinds) if kind == CARRY
        ])  # fmt: skip
        if not self.matched:
            raise _MismatchError
        self._match_rest()
        for offset in range(segment.period):
            if offset not in self.matched:
                self.virtual[offset] = self._computed(offset)
        if not self.virtual or len(set(self.matched.values())) < len(self.matched):
            raise _MismatchError
        return self._spliced()

    def _code(self, offset: int) -> int:
        return int(self.sequence.codes[self.segment.start + offset])

    def _bind(self, pending: list[tuple[int, int]]) -> None:
        """Say which ids some offsets are, and so which ids their operands are."""
        sequence = self.sequence
        while pending:
            offset, number = pending.pop()
            before = self.matched.get(offset, self.known.get(offset))
            if before is not None:
                if before != number:
                    raise _MismatchError
                continue
            is_before = self.lowest <= number < self.segment.start
            if is_before and sequence.codes[number] == self._code(offset):
                self.matched[offset] = number
                self._read(offset, sequence.operand_ids(number), pending)
            elif sequence.node(number).primitive is CONSTANT:
                self.known[offset] = number
            else:
                raise _MismatchError

    def _read(self, offset: int, operands: list[int], pending: list[tuple[int, int]]) -> None:
        """Compare the operands of a node with those that the loop's has."""
        segment = self.segment
        for slot, operand in zip(segment.slots(offset), operands, strict=True):
            kind = segment.kinds[slot]
            if kind == INNER:
                pending.append((segment.offsets[slot], operand))
            elif kind == FIXED and operand != segment.ids[0, slot]:
                raise _MismatchError
            elif kind == CARRY:
                key = segment.offsets[slot], segment.lags[slot]
                if self.initial.setdefault(key, operand) != operand:
                    raise _MismatchError

    def _match_rest(self) -> None:
        """Look for the nodes on which no carry depends among those before the loop."""
        rest = [k for k in range(self.segment.period) if k not in self.matched | self.known]
        if not rest:
            return
        lowest = max(self.lowest, self.segment.start - 2 * self.segment.period)
        by_code: dict[int, list[int]] = {}
        for position in range(lowest, self.segment.start):
            by_code.setdefault(int(self.sequence.codes[position]), []).append(position)
        used = set(self.matched.values())
        for offset in rest:
            expected = self._expected(offset)
            for position in reversed(by_code.get(self._code(offset), [])):
                operands = self.sequence.operand_ids(position)
                if position not in used and all(
                    b is None or a == b for a, b in zip(operands, expected, strict=True)
                ):
                    used.add(position)
                    self._bind([(offset, position)])
                    break

    def _expected(self, offset: int) -> list[int | None]:
        """Return what an offset's operands are, as far as that is known."""
        segment = self.segment
        expected: list[int | None] = []
        for slot in segment.slots(offset):
            kind, source = segment.kinds[slot], segment.offsets[slot]
            if kind == INNER:
                expected.append(self.matched.get(source, self.known.get(source)))
            elif kind == CARRY:
                expected.append(self.initial.get((source, segment.lags[slot])))
            else:
                expected.append(int(segment.ids[0, slot]) if kind == FIXED else None)
        return expected

    def _computed(self, offset: int) -> Node:
        """Return a missing node, of the constant's value if there is one in its place."""
        segment, sequence = self.segment, self.sequence
        node = sequence.nodes[segment.start + offset]
        if offset in segment.starts or not is_exact(node):
            raise _MismatchError
        inputs = []
        for slot, number in zip(segment.slots(offset), self._expected(offset), strict=True):
            source = segment.offsets[slot]
            if segment.kinds[slot] == INNER and source in self.virtual:
                inputs.append(self.virtual[source])
            elif number is None or sequence.node(number).value is None:
                raise _MismatchError
            else:
                inputs.append(sequence.node(number))
        new = apply(node.primitive, tuple(inputs), node.params, node.source_location)
        if offset in self.known and not _same_bits(
            new.value, sequence.node(self.known[offset]).value
        ):
            raise _MismatchError
        return new

    def _spliced(self) -> NodeSequence:
        """Return the sequence with the iteration's nodes side by side, the missing ones too."""
        segment, old = self.segment, self.sequence
        start, period, count = segment.start, segment.period, len(old)
        region = min(self.matched.values())
        matched = set(self.matched.values())
        before = [k for k in range(count) if k < start and k not in matched]
        if any(matched.intersection(old.operand_ids(k)) for k in before if k >= region):
            raise _MismatchError
        # Positions of the new order: what was where, or -1 for what was missing
        iteration = [self.matched.get(offset, -1) for offset in range(period)]
        order = np.array([*before, *iteration, *range(start, count)], np.int64)
        new_ids = np.arange(count + len(old.externals)) + len(self.virtual)
        new_ids[order[order >= 0]] = np.flatnonzero(order >= 0)
        first = len(before)
        lists: list[list[int]] = []
        for offset in range(period):
            numbers = [
                first + segment.offsets[slot] if segment.kinds[slot] == INNER
                else int(new_ids[number])
                for slot, number in zip(
                    segment.slots(offset), self._operands(offset), strict=True
                )
            ]  # fmt: skip
            lists.append(numbers)
        prefix = [new_ids[old.operand_ids(k)].tolist() for k in before]
        tail = new_ids[old.operands[old.firsts[start] :]]
        width = segment.first_slot[-1]
        for slot, kind in enumerate(segment.kinds):
            if kind == CARRY:  # what is carried from the iteration, constant or not
                tail[(segment.lags[slot] - 1) * width + slot] = first + segment.offsets[slot]
        heads = [x for numbers in (*prefix, *lists) for x in numbers]
        sizes = [*map(len, prefix), *map(len, lists), *np.diff(old.firsts[start:]).tolist()]
        nodes = [*[old.nodes[k] for k in before],
                 *[old.nodes[k] if k >= 0 else self.virtual[offset]
                   for offset, k in enumerate(iteration)],
                 *old.nodes[start:]]  # fmt: skip
        like = np.where(order >= 0, order, 0)
        like[first : first + period] = np.arange(start, start + period)
        return NodeSequence(
            nodes, old.externals, old.codes[like],
            np.concatenate([old.types[like], old.types[count:]]),
            np.concatenate([np.array(heads, np.int64), tail]),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            [int(new_ids[number]) for number in old.outputs],
        )  # fmt: skip

    def _operands(self, offset: int) -> list[int]:
        """Return the ids of an offset's operands; of one that is missing, those of its inputs."""
        if offset in self.matched:
            return self.sequence.operand_ids(self.matched[offset])
        return [0 if number is None else number for number in self._expected(offset)]


def _same_bits(a: Array, b: Array) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
