"""One loop as a scan: its body, what it carries, what it reads and stacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ...control.scan import scan
from ...graph.evaluate import replace_inputs
from ...graph.graph import Graph
from ...graph.node import CONSTANT, ITEM, Node, apply, constant, input_node
from ...graph.types import Array, Type
from ...primitives.indexing import gather, scatter
from ...primitives.structure import broadcast_to, cast, pad, slice_, zeros_like
from .emission import Emission
from .segments import CARRY, FIXED, INNER, Segment, sizes_of, varying_axes
from .stacks import (
    are_distinct,
    cut,
    is_writable,
    slice_at,
    stacked_slices,
    write_at,
    written,
)

Reroll = Callable[[Sequence[Node], Sequence[Node]], list[Node]]


class _Register(NamedTuple):
    """A carry: its leaf in the body, its first value, and what it is in the next iteration."""

    leaf: Node
    initial: Node
    following: Callable[[], Node]


class _Chain(NamedTuple):
    """Writes of one iteration into an array that no iteration reads: into a cell of its own."""

    offsets: list[int]
    starts: Array
    sizes: tuple[int, ...]


def build_loop(emission: Emission, number: int, reroll: Reroll) -> None:
    """Make the scan of a loop, and enter its results."""
    _LoopBuilder(emission, number).build(reroll)


class _LoopBuilder:
    def __init__(self, emission: Emission, number: int) -> None:
        self.emission, self.number = emission, number
        self.segment: Segment = emission.segments[number]
        segment = self.segment
        middle = segment.start + segment.length // 2 * segment.period
        self.nodes = emission.sequence.nodes[middle : middle + segment.period]
        self.registers: dict[Any, _Register] = {}
        self.xs: dict[Any, tuple[Node, Node]] = {}  # leaf and stack
        self.fixed: dict[int, tuple[Node, Node]] = {}  # leaf and node
        self.body: list[Node] = []
        self.readers: dict[int, list[int]] = {}  # slots by the offset that they read
        for slot, kind in enumerate(segment.kinds):
            if kind in (INNER, CARRY):
                self.readers.setdefault(segment.offsets[slot], []).append(slot)
        self.chains = self._chains()
        self.chain_of = {k: chain for chain in self.chains for k in chain.offsets}
        self.rows = self._shared_rows()

    def build(self, reroll: Reroll) -> None:
        """Make the scan, and enter its results."""
        segment, emission = self.segment, self.emission
        for offset, node in enumerate(self.nodes):
            self.body.append(self._built(offset, node))
        last, stacks = emission.last[self.number], emission.stacks[self.number]
        cells = [chain.offsets[-1] for chain in self.chains]
        registers = list(self.registers.items())
        positions = {key: k for k, (key, _) in enumerate(registers)}
        finals = {}
        for offset in sorted(last - set(cells)):
            keys = [key for key in positions if key[:2] == (offset, 1)]
            if keys:
                finals[offset] = positions[keys[0]]
            elif offset not in stacks:
                finals[offset] = len(registers)
                registers.append((None, self._without_initial(offset)))
        carries = [register for _, register in registers]
        ys = [*sorted(stacks), *cells]
        leaves = [
            *[register.leaf for register in carries], *[leaf for leaf, _ in self.xs.values()],
            *[leaf for leaf, _ in self.fixed.values()],
        ]  # fmt: skip
        outputs = [register.following() for register in carries]
        outputs += [self.body[offset] for offset in ys]
        body = Graph(tuple(leaves), tuple(reroll(outputs, leaves)))
        operands = [
            *[register.initial for register in carries], *[stack for _, stack in self.xs.values()],
            *[node for _, node in self.fixed.values()],
        ]  # fmt: skip
        params = {"body": body, "n_carry": len(carries), "n_xs": len(self.xs),
                  "length": segment.length, "reverse": False}  # fmt: skip
        loop = apply(scan, tuple(operands), params, self.nodes[0].source_location)

        def result(index: int) -> Node:
            return apply(ITEM, (loop,), {"index": index}, loop.source_location)

        for offset, index in finals.items():
            emission.finals[self.number][offset] = result(index)
        for k, offset in enumerate(sorted(stacks), len(carries)):
            emission.stacked[self.number][offset] = result(k)
        for k, chain in enumerate(self.chains, len(carries) + len(stacks)):
            array = emission.get(self._initial_of(chain))
            final = written(array, result(k), chain.starts)
            emission.finals[self.number][chain.offsets[-1]] = final

    def _without_initial(self, offset: int) -> _Register:
        """Return a carry that no iteration reads, for what the last one computed."""
        node = self.body[offset]
        zeros = constant(np.zeros(node.shape, node.dtype))
        return _Register(input_node(node.type), zeros, lambda: node)

    # The body

    def _built(self, offset: int, node: Node) -> Node:
        """Return the node of the body that stands for one of an iteration."""
        if offset in self.chain_of:
            return self._cell_write(offset, node, self.chain_of[offset])
        if offset in self.segment.starts:
            return self._moving(offset, node)
        slots = self.segment.slots(offset)
        return replace_inputs(node, tuple([self._operand(slot) for slot in slots]))

    def _operand(self, slot: int) -> Node:
        segment = self.segment
        kind = segment.kinds[slot]
        if kind == INNER:
            return self.body[segment.offsets[slot]]
        if kind == CARRY:
            lag = segment.lags[slot]
            initial = tuple(segment.ids[:lag, slot].tolist())
            return self._register(segment.offsets[slot], lag, initial)
        if kind == FIXED:
            return self._fixed(int(segment.ids[0, slot]))
        key = segment.ids[:, slot].tobytes()
        return self._row_of(key, lambda: self.emission.table(self.number, slot))

    def _fixed(self, number: int) -> Node:
        node = self.emission.get(number)
        if node.primitive is CONSTANT:
            return node
        if number not in self.fixed:
            self.fixed[number] = input_node(node.type), node
        return self.fixed[number][0]

    def _row_of(self, key: Any, stack: Callable[[], Node]) -> Node:
        """Return what an iteration reads of an array that is stacked before the loop."""
        if key not in self.xs:
            array = stack()
            self.xs[key] = input_node(Type(array.shape[1:], array.dtype)), array
        return self.xs[key][0]

    def _register(self, offset: int, lag: int, initial: tuple[int, ...]) -> Node:
        """Return what was computed some iterations before, and at first is given."""
        key = (offset, lag, initial)
        if key not in self.registers:
            first = whole(self.emission.get(initial[0]))
            leaf = input_node(first.type)
            self.registers[key] = _Register(leaf, first, lambda: self.body[offset])
            if lag > 1:
                shorter = self._register(offset, lag - 1, initial[1:])
                self.registers[key] = _Register(leaf, first, lambda: shorter)
        return self.registers[key].leaf

    # Slices that start elsewhere in each iteration

    def _moving(self, offset: int, node: Node) -> Node:
        segment = self.segment
        starts, slots = segment.starts[offset], segment.slots(offset)
        if node.primitive in (slice_, gather) and segment.kinds[slots[0]] == FIXED:
            return self._slice_of_fixed(offset, node)
        operands = [self._operand(slot) for slot in slots]
        sizes = sizes_of(node)
        rows = [self._index_row(starts[:, axis], sizes[axis], len(varying_axes(starts)) > 1)
                for axis in varying_axes(starts)]  # fmt: skip
        if node.primitive in (slice_, gather):
            return slice_at(operands[0], starts, sizes, rows)
        if node.primitive is pad:
            zeros = constant(zeros_like(node))
            return write_at(zeros, operands[0], starts, rows)
        return write_at(operands[0], _broadcast(operands[1], sizes), starts, rows)

    def _index_row(self, numbers: Array, size: int, is_one_of_several: bool) -> Node:
        size = 1 if is_one_of_several else size
        table = numbers[:, None] + np.arange(size)
        return self._row_of(("index", table.tobytes(), size), lambda: constant(table))

    def _shared_rows(self) -> set[Any]:
        """Return of which arrays several slices of one iteration lie in one row."""
        parts: dict[Any, set[Any]] = {}
        for offset in self.segment.starts:
            key = self._row_key(offset)
            if key is not None:
                part = self.segment.starts[offset][0].tolist(), sizes_of(self.nodes[offset])
                parts.setdefault(key, set()).add(str(part))
        return {key for key, different in parts.items() if len(different) > 1}

    def _row_key(self, offset: int) -> Any:
        """Return the array, the axis, and where on it the slices of an offset lie."""
        segment, node = self.segment, self.nodes[offset]
        slot = segment.slots(offset)[0]
        axes = varying_axes(segment.starts[offset])
        if node.primitive not in (slice_, gather) or segment.kinds[slot] != FIXED or len(axes) != 1:
            return None
        (axis,) = axes
        numbers = segment.starts[offset][:, axis].tobytes()
        return int(segment.ids[0, slot]), axis, node.shape[axis], numbers

    def _slice_of_fixed(self, offset: int, node: Node) -> Node:
        segment = self.segment
        starts, slot = segment.starts[offset], segment.slots(offset)[0]
        number = int(segment.ids[0, slot])
        key = self._row_key(offset)
        if key not in self.rows:
            key = (number, starts.tobytes(), node.shape)
            return self._row_of(
                key, lambda: stacked_slices(self.emission.get(number), starts, node.shape)
            )
        axis = key[1]
        source = self.emission.get(number)
        sizes = list(source.shape)
        sizes[axis] = node.shape[axis]
        along = np.zeros_like(starts)
        along[:, axis] = starts[:, axis]
        row = self._row_of(key, lambda: stacked_slices(source, along, tuple(sizes)))
        first = starts[0].copy()
        first[axis] = 0
        index = [slice(s, s + n, 1) for s, n in zip(first.tolist(), node.shape, strict=True)]
        return cut(row, tuple(index))

    # Arrays that are only written

    def _chains(self) -> list[_Chain]:
        """Return the arrays into which each iteration writes elsewhere, and that none reads."""
        chains = []
        for offset in sorted(self.segment.starts):
            chain = self._chain_to(offset)
            if chain is not None:
                chains.append(chain)
        return chains

    def _chain_to(self, offset: int) -> _Chain | None:
        """Return the writes that end with the one at `offset`, as a chain if they are one."""
        segment, emission = self.segment, self.emission
        if self.nodes[offset].primitive is not scatter or offset in emission.stacks[self.number]:
            return None
        offsets = [offset]
        reads_carry = False
        while not reads_carry:
            now = offsets[-1]
            if self.nodes[now].primitive is not scatter or now not in segment.starts:
                return None
            slot = segment.slots(now)[0]
            before = segment.offsets[slot]
            reads_carry = (segment.kinds[slot], segment.lags[slot]) == (CARRY, 1)
            if not reads_carry and segment.kinds[slot] != INNER:
                return None
            if self.readers.get(before) != [slot]:
                return None
            if reads_carry:
                if before != offset:
                    return None
                break
            if before in emission.last[self.number] or before in emission.stacks[self.number]:
                return None
            offsets.append(before)
        return self._same_cell(offsets[::-1])

    def _same_cell(self, offsets: list[int]) -> _Chain | None:
        """Return the chain if its writes of one iteration lie in one cell, apart from others'."""
        starts = self.segment.starts[offsets[0]]
        axes = varying_axes(starts)
        array = self.nodes[offsets[0]]
        extents = sizes_of(array)
        for k in offsets[1:]:
            others = self.segment.starts[k]
            if varying_axes(others) != axes or (others[:, axes] != starts[:, axes]).any():
                return None
            if any(sizes_of(self.nodes[k])[axis] != extents[axis] for axis in axes):
                return None
        sizes = tuple([
            extents[axis] if axis in axes else size for axis, size in enumerate(array.shape)
        ])  # fmt: skip
        cell_starts = np.zeros_like(starts)
        cell_starts[:, axes] = starts[:, axes]
        if not are_distinct(cell_starts, sizes) or not is_writable(cell_starts, sizes):
            return None
        return _Chain(offsets, cell_starts, sizes)

    def _initial_of(self, chain: _Chain) -> int:
        return int(self.segment.ids[0, self.segment.slots(chain.offsets[0])[0]])

    def _cell_write(self, offset: int, node: Node, chain: _Chain) -> Node:
        slots = self.segment.slots(offset)
        v = _broadcast(self._operand(slots[1]), sizes_of(node))
        if v.shape == chain.sizes:
            return v if v.dtype == node.dtype else cast(v, dtype=node.dtype)
        if offset == chain.offsets[0]:
            number = self._initial_of(chain)
            key = (number, chain.starts.tobytes(), chain.sizes)
            cell = self._row_of(
                key, lambda: stacked_slices(self.emission.get(number), chain.starts, chain.sizes)
            )
        else:
            cell = self.body[self.segment.offsets[slots[0]]]
        axes = varying_axes(chain.starts)
        first = self.segment.starts[offset][0].copy()
        first[axes] = 0
        pattern = [slice(s, s + n, 1) for s, n in zip(first.tolist(), v.shape, strict=True)]
        return scatter(cell, v, pattern=tuple(pattern))  # type: ignore[no-any-return]


def _broadcast(v: Node, shape: tuple[int, ...]) -> Node:
    return v if v.shape == shape else broadcast_to(v, shape=shape)


def whole(node: Node) -> Node:
    """Return a first carry, which a loop writes over, as an array of all its entries."""
    if node.primitive is CONSTANT and prod(node.shape) > 1 and not any(node.value.strides):
        return constant(np.array(node.value))
    return node
