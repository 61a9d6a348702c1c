"""The nodes of a graph whose loops were found: a scan for each, and what is around them.

First from the last node to the first: what is read of each loop, and how. Then from the first to
the last: new nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ...graph.evaluate import replace_inputs
from ...graph.node import CONSTANT, Node, constant
from ...graph.types import Array
from ...primitives.indexing import gather
from ...primitives.structure import broadcast_to, cast, concatenate, slice_
from .segments import CARRY, FIXED, INNER, TABLE, Segment
from .sequence import NodeSequence
from .stacks import move_axis, reshaped, stacked_slices

FEWEST_JOINED = 8  # operands of a concatenation that is looked at
MOST_JOINED_COLUMNS = 8
MOST_STACK_BYTES = 2**28
MOST_COPIED_ENTRIES = 2**16  # of nodes that are stacked for a loop to read them


class Rows(NamedTuple):
    """Results of a loop, one after the other: several offsets of each iteration."""

    segment: int
    offsets: tuple[int, ...]
    iterations: Any


Piece: TypeAlias = Rows | int | list[int]
"""Rows of a loop's results; a node's id; ids of constants."""


class RejectedLoop(Exception):
    """A loop that cannot be built, or is not worth it, is left unrolled."""

    def __init__(self, segment: Segment) -> None:
        super().__init__()
        self.segment = segment


class Emission:
    """What becomes of a sequence with loops.

    Attributes
    ----------
    last, stacks : list of set of int
        For each loop, the offsets of which the last iteration's result is read, and of which
        others are.
    is_worth_it : bool
        Whether there are loops, or concatenations that a few stacks replace.
    """

    def __init__(self, sequence: NodeSequence, segments: list[Segment]) -> None:
        self.sequence, self.segments = sequence, segments
        self.segment_of = np.full(len(sequence) + 1, -1)
        for k, segment in enumerate(segments):
            self.segment_of[segment.start : segment.stop] = k
        self._owner: list[int] = self.segment_of.tolist()
        self.last: list[set[int]] = [set() for _ in segments]
        self.stacks: list[set[int]] = [set() for _ in segments]
        self.tables: list[dict[bytes, list[Piece]]] = [{} for _ in segments]
        self._joins: dict[int, list[Piece]] = {}
        self._live = bytearray(len(sequence))
        self._new: dict[int, Node] = {}
        self.finals: list[dict[int, Node]] = [{} for _ in segments]
        self.stacked: list[dict[int, Node]] = [{} for _ in segments]

    # What is read

    def plan(self) -> None:
        """Learn what is read of each loop.

        Raises
        ------
        RejectedLoop
        """
        for number in self.sequence.outputs:
            self._need(number)
        self.is_worth_it = False
        k = len(self.sequence) - 1
        while k >= 0:
            number = self._owner[k]
            if number >= 0:
                segment = self.segments[number]
                if self.last[number] or self.stacks[number]:
                    self._plan_loop(number, segment)
                    self.is_worth_it |= not segment.is_view
                k = segment.start
            elif self._live[k]:
                self._plan_node(k)
            k -= 1

    def _need(self, number: int) -> None:
        if number >= len(self.sequence):
            return
        owner = self._owner[number]
        if owner < 0:
            self._live[number] = 1
            return
        segment = self.segments[owner]
        iteration, offset = divmod(number - segment.start, segment.period)
        if iteration == segment.length - 1 and not segment.is_view:
            self.last[owner].add(offset)
            if self.sequence.node(number).dtype is None:
                raise RejectedLoop(segment)
        else:
            self._need_stack(owner, offset)

    def _need_stack(self, owner: int, offset: int) -> None:
        if offset in self.stacks[owner]:
            return
        segment = self.segments[owner]
        node = self.sequence.nodes[segment.start + offset]
        if node.dtype is None:
            raise RejectedLoop(segment)
        if segment.length * prod(node.shape) * node.dtype.itemsize > MOST_STACK_BYTES:
            raise RejectedLoop(segment)
        self.stacks[owner].add(offset)

    def _plan_node(self, position: int) -> None:
        operands = self.sequence.operand_ids(position)
        node = self.sequence.nodes[position]
        if node.primitive is concatenate and len(operands) >= FEWEST_JOINED:
            self._joins[position] = self._pieces(np.array(operands))
            self._need_pieces(self._joins[position])
            self.is_worth_it |= len(self._joins[position]) <= len(operands) // FEWEST_JOINED
            return
        for number in operands:
            self._need(number)

    def _plan_loop(self, number: int, segment: Segment) -> None:
        reads_rows = False
        for slot, kind in enumerate(segment.kinds):
            if kind == TABLE:
                column = segment.ids[:, slot]
                key = column.tobytes()
                if key in self.tables[number]:
                    continue
                pieces = self.tables[number][key] = self._pieces(column)
                self._check_copied(segment, pieces)
                self._need_pieces(pieces)
                reads_rows |= any(isinstance(piece, Rows) for piece in pieces)
            elif kind == FIXED:
                self._need(int(segment.ids[0, slot]))
            elif kind == CARRY:
                for initial in segment.ids[: segment.lags[slot], slot].tolist():
                    self._need(initial)
        if not (segment.is_worth_it or reads_rows):
            raise RejectedLoop(segment)

    def _check_copied(self, segment: Segment, pieces: list[Piece]) -> None:
        copied = [self.sequence.node(piece).shape for piece in pieces if isinstance(piece, int)]
        if len(copied) > 4 and sum(map(prod, copied)) > MOST_COPIED_ENTRIES:
            raise RejectedLoop(segment)

    def _need_pieces(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Rows):
                for offset in piece.offsets:
                    self._need_stack(piece.segment, offset)
            elif isinstance(piece, int):
                self._need(piece)

    def _pieces(self, ids: Array) -> list[Piece]:
        """Divide nodes in a row into results of loops, constants, and others."""
        size = len(self.sequence)
        numbers = ids.tolist()
        owners = self.segment_of[np.minimum(ids, size)].tolist()
        if owners[0] >= 0 and owners == [owners[0]] * len(owners):
            segment = self.segments[owners[0]]
            iterations, offsets = np.divmod(ids - segment.start, segment.period)
            if (offsets == offsets[0]).all():
                return [Rows(owners[0], (int(offsets[0]),), iterations)]
        pieces: list[Piece] = []
        k = 0
        while k < len(numbers):
            number, owner = numbers[k], owners[k]
            if owner >= 0:
                rows = self._rows(numbers, owners, k)
                count = len(rows.offsets) * len(rows.iterations)
                pieces.append(rows if count > 1 else number)
                k += count
                continue
            k += 1
            if number >= size and self.sequence.node(number).primitive is CONSTANT:
                if pieces and isinstance(pieces[-1], list):
                    pieces[-1].append(number)
                else:
                    pieces.append([number])
            else:
                pieces.append(number)
        return pieces

    def _rows(self, numbers: list[int], owners: list[int], k: int) -> Rows:
        """Return the longest run of a loop's results, from the k-th node on."""
        owner = owners[k]
        segment = self.segments[owner]
        first, offset = divmod(numbers[k] - segment.start, segment.period)
        best = Rows(owner, (offset,), np.array([first]))
        for columns in range(1, MOST_JOINED_COLUMNS + 1):
            if any(x != owner for x in owners[k : k + columns]):
                break
            stop = k + columns
            if stop >= len(numbers) or abs(numbers[stop] - numbers[k]) != segment.period:
                continue
            stride = numbers[stop] - numbers[k]
            while (
                stop < len(numbers)
                and owners[stop] == owner
                and numbers[stop] - numbers[stop - columns] == stride
            ):
                stop += 1
            count = (stop - k) // columns
            step = stride // segment.period
            row = [divmod(x - segment.start, segment.period) for x in numbers[k : k + columns]]
            if count < 2 or any(iteration != first for iteration, _ in row):
                continue
            offsets = tuple([column for _, column in row])
            return Rows(owner, offsets, first + step * np.arange(count))
        return best

    # What is made of it

    def emit(self, build: Callable[[Emission, int], None]) -> list[Node]:
        """Return the outputs as new nodes; `build` makes those of a loop."""
        k = 0
        while k < len(self.sequence):
            number = self._owner[k]
            if number >= 0:
                segment = self.segments[number]
                if not segment.is_view and (self.last[number] or self.stacks[number]):
                    build(self, number)
                k = segment.stop
                continue
            if self._live[k]:
                self._new[k] = self._emitted(k)
            k += 1
        return [self.get(number) for number in self.sequence.outputs]

    def _emitted(self, position: int) -> Node:
        node = self.sequence.nodes[position]
        if position not in self._joins:
            operands = self.sequence.operand_ids(position)
            return replace_inputs(node, tuple([self.get(number) for number in operands]))
        axis = node.params["axis"]
        parts = []
        for piece in self._joins[position]:
            if isinstance(piece, Rows):
                stack = move_axis(self.piece_stack(piece), 0, axis)
                shape = list(stack.shape[:axis]) + list(stack.shape[axis + 1 :])
                shape[axis] *= stack.shape[axis]
                parts.append(reshaped(stack, tuple(shape)))
            elif isinstance(piece, list):
                parts += [self.get(number) for number in piece]
            else:
                parts.append(self.get(piece))
        return parts[0] if len(parts) == 1 else concatenate(*parts, axis=axis)

    def get(self, number: int) -> Node:
        """Return the node that stands for an id now."""
        if number >= len(self.sequence):
            return self.sequence.node(number)
        if number not in self._new:
            owner = self._owner[number]
            assert owner >= 0, "a node is read before it is made"
            segment = self.segments[owner]
            iteration, offset = divmod(number - segment.start, segment.period)
            final = self.finals[owner].get(offset)
            if final is None or iteration < segment.length - 1:
                row = _rows_of(self.stack(owner, offset), np.array([iteration]))
                final = reshaped(row, row.shape[1:])
            self._new[number] = final
        return self._new[number]

    def stack(self, owner: int, offset: int) -> Node:
        """Return a loop's results at an offset, of all iterations."""
        stacked = self.stacked[owner]
        if offset not in stacked:  # of a view, which is computed when it is read
            stacked[offset] = self._view(owner, self.segments[owner], offset)
        return stacked[offset]

    def _view(self, owner: int, segment: Segment, offset: int) -> Node:
        node = self.sequence.nodes[segment.start + offset]
        slot = segment.slots(offset)[0]
        kind, shape = segment.kinds[slot], (segment.length, *node.shape)
        if kind in (INNER, TABLE):
            inner = kind == INNER
            stack = self.stack(owner, segment.offsets[slot]) if inner else self.table(owner, slot)
            if node.primitive is cast:
                return cast(stack, dtype=node.dtype)  # type: ignore[no-any-return]
            return reshaped(stack, shape)
        source = self.get(int(segment.ids[0, slot]))
        if offset in segment.starts:
            return stacked_slices(source, segment.starts[offset], node.shape)
        same: Node = broadcast_to(
            reshaped(source, (1, *source.shape)), shape=(segment.length, *source.shape)
        )
        return cast(same, dtype=node.dtype) if node.primitive is cast else reshaped(same, shape)

    def table(self, owner: int, slot: int) -> Node:
        """Return what an operand is in all iterations of a loop."""
        pieces = self.tables[owner][self.segments[owner].ids[:, slot].tobytes()]
        parts = [self.piece_stack(piece) for piece in pieces]
        return parts[0] if len(parts) == 1 else concatenate(*parts, axis=0)

    def piece_stack(self, piece: Piece) -> Node:
        """Return a piece along a new first axis."""
        if isinstance(piece, Rows):
            stacks = [_rows_of(self.stack(piece.segment, k), piece.iterations)
                      for k in piece.offsets]  # fmt: skip
            if len(stacks) == 1:
                return stacks[0]
            length, *shape = stacks[0].shape
            columns = [reshaped(stack, (length, 1, *shape)) for stack in stacks]
            joined = concatenate(*columns, axis=1)
            return reshaped(joined, (length * len(stacks), *shape))
        if isinstance(piece, list):
            return constant(np.stack([np.asarray(self.get(number).value) for number in piece]))
        node = self.get(piece)
        return reshaped(node, (1, *node.shape))


def _rows_of(stack: Node, iterations: Array) -> Node:
    """Take rows of a stack."""
    length = stack.shape[0]
    index = [slice(0, size, 1) for size in stack.shape]
    first, last = int(iterations[0]), int(iterations[-1])
    steps = np.diff(iterations)
    if len(iterations) == 1 or (steps == 1).all():
        if len(iterations) == length:
            return stack
        index[0] = slice(first, last + 1, 1)
    elif (steps == -1).all():
        index[0] = slice(first, last - 1 if last else None, -1)
    else:
        pattern = (0, *index[1:])
        return gather(stack, constant(iterations.astype(np.int64)), pattern=pattern)  # type: ignore[no-any-return]
    return slice_(stack, index=tuple(index))  # type: ignore[no-any-return]
