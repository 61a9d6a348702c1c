"""Store-to-load forwarding for arrays that are written entry by entry: ``y[k] = v``.

``y[k - 1]`` is then what was written there, and no longer hangs on the whole array::

    y = scatter(y, v, k - 1);  slice(y, k - 1)   ->   v

So a recurrence through an array becomes one through numbers, and the array is only written.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from ...graph.evaluate import replace_inputs
from ...graph.node import Node, apply
from ...primitives.indexing import scatter
from ...primitives.structure import concatenate, reshape, slice_
from .sequence import movable

MOST_CELLS = 64  # written cells that one slice joins
Starts = tuple[int, ...]


class _Board:
    """What was written into an array so far: cells of one shape that do not overlap."""

    __slots__ = ("base", "cells", "first", "shape")

    def __init__(self, base: Node, first: Starts, shape: Starts) -> None:
        self.base, self.first, self.shape = base, first, shape
        self.cells: dict[Starts, Node] = {}

    def is_aligned(self, starts: Starts, shape: Sequence[int]) -> bool:
        """Return whether a slice consists of whole cells."""
        return all(
            size and extent % size == 0 and (start - first) % size == 0
            for start, extent, first, size in zip(
                starts, shape, self.first, self.shape, strict=True
            )
        )


def forward_stores(nodes: list[Node]) -> tuple[list[Node], dict[Node, Node]]:
    """Return the nodes without slices of what was written just so, and what stands for these."""
    if not any(node.primitive is scatter for node in nodes):
        return nodes, {}
    boards: dict[Node, _Board] = {}  # by the latest state of the array
    alias: dict[Node, Node] = {}
    result: list[Node] = []
    added: set[Node] = set()
    for node in nodes:
        primitive = node.primitive
        if primitive is scatter and len(node.inputs) == 2:
            _write(boards, node, alias.get(node.inputs[1], node.inputs[1]))
        elif primitive is slice_ and node.inputs[0] in boards:
            new = _load(boards[node.inputs[0]], node)
            if new is not None:
                alias[node] = new
                if new.serial > node.serial and new not in added:  # made for it
                    added.add(new)
                    result.append(new)
                continue
        elif primitive is reshape and node.inputs[0] in alias:
            written = alias[node.inputs[0]]
            if written.primitive is reshape and written.inputs[0].shape == node.shape:
                inner = written.inputs[0]
                alias[node] = alias.get(inner, inner)
                continue
        result.append(node)
    return result, alias


def starts_of(index: Sequence[Any]) -> Starts:
    """Return where a slice begins on each axis; 0 where there is an index array."""
    return tuple([0 if type(s) is int else s.start or 0 for s in index])


def extents_of(pattern: Sequence[Any], shape: Sequence[int]) -> Starts:
    """Return how many entries a movable slice of an array takes on each axis."""
    return tuple([
        (size if s.stop is None else s.stop) - (s.start or 0)
        for s, size in zip(pattern, shape, strict=True)
    ])  # fmt: skip


def _write(boards: dict[Node, _Board], node: Node, v: Node) -> None:
    base, pattern = node.inputs[0], node.params["pattern"]
    board = boards.pop(base, None)
    if not all(type(s) is slice for s in pattern) or not movable(pattern) or not v.shape:
        return
    starts, shape = starts_of(pattern), v.shape
    if extents_of(pattern, node.shape) != shape or v.dtype != node.dtype:
        return  # the value is broadcast, or cast
    if board is None:
        board = _Board(base, starts, shape)
    if board.shape != shape or not board.is_aligned(starts, shape):
        return
    board.cells[starts] = v
    boards[node] = board


def _load(board: _Board, node: Node) -> Node | None:
    """Return what a slice of the array reads: what was written, or the array before."""
    index = node.params["index"]
    if not movable(index):
        return None
    starts, shape = starts_of(index), node.shape
    if not board.is_aligned(starts, shape):
        return None
    counts = [extent // size for extent, size in zip(shape, board.shape, strict=True)]
    wide = [axis for axis, n in enumerate(counts) if n != 1]
    if not wide:
        cell = board.cells.get(starts)
        return replace_inputs(node, (board.base,)) if cell is None else cell
    if len(wide) > 1 or counts[wide[0]] > MOST_CELLS:
        return None
    (axis,) = wide
    steps = range(0, shape[axis], board.shape[axis])
    ranges = [[s + step for step in steps] if k == axis else [s] for k, s in enumerate(starts)]
    cells = [board.cells.get(key) for key in product(*ranges)]
    written = [cell for cell in cells if cell is not None]
    if not written:
        return replace_inputs(node, (board.base,))
    if len(written) < len(cells):
        return None
    if all(cell.value is not None for cell in written):
        return apply(concatenate, tuple(written), {"axis": axis}, node.source_location)
    params = {"axis": axis}
    type_ = node.shape, node.dtype
    return Node(concatenate, tuple(written), params, *type_, None, node.source_location)
