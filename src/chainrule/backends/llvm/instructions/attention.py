"""Attention, a head at a time, and its derivative: no matrix of weights lies in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from ....graph.node import Node
from ..codegen.emitter import Emitter
from ..codegen.vector_loops import RowRange
from ..ir.types import Index
from ..kernels.attention import EXTRAS, MATRICES, Head, arguments, write_head
from ..layout.view import Buffer, View
from .access import Access, rows_of_view
from .base import Instruction, tiles_text
from .planning import Planning, Rule
from .sharing import count_tiles, is_small

_EXPONENTIAL = 20.0  # multiplications for which one takes the time


@dataclass(frozen=True, eq=False)
class Attention(Instruction):
    """Attention of all heads, or its derivative.

    Attributes
    ----------
    head : Head
    backward : bool
    names : tuple of str
        What `views` are, as in the code of a head.
    views : tuple of View
        With equal leading axes.
    outputs : int
        How many of the first of them are written.
    scratch : Buffer or None
        Memory for the scores of a block of queries, for each of the tiles.
    tile_size : int
        How many heads, or rows of the leading axis, threads claim at a time; 0 for all.
    per_row : int
        How many heads belong to one of what tiles count.
    adaptive : bool
        Whether an enclosing loop finds out if sharing pays.
    """

    divisible: ClassVar[bool] = True

    head: Head
    backward: bool
    names: tuple[str, ...]
    views: tuple[View, ...]
    outputs: int
    scratch: Buffer | None = None
    tile_size: int = 0
    per_row: int = 1
    adaptive: bool = False

    @property
    def lead(self) -> tuple[int, ...]:
        """The leading axes."""
        return self.views[0].shape[:-2]

    @property
    def extent(self) -> int:
        """What is cut into tiles: heads, or rows of the leading axis."""
        return prod(self.lead) // self.per_row

    @property
    def n_tiles(self) -> int:
        """The number of tiles."""
        return -(-self.extent // self.tile_size) if self.tile_size else 1

    def buffers(self) -> Iterator[Buffer]:
        for view in self.views:
            yield view.buffer
        if self.scratch is not None:
            yield self.scratch

    def accesses(self) -> list[Access]:
        return [
            Access(view.buffer, k < self.outputs, rows_of_view(view) if self.lead else None)
            for k, view in enumerate(self.views)
        ]

    def results(self) -> Sequence[View]:
        return self.views[: self.outputs]

    def nanoseconds(self) -> float:
        head = self.head
        depth = (3 * head.width + 2 * head.depth) if self.backward else head.width + head.depth
        entries = prod(self.lead) * head.steps * head.others / (2 if head.is_causal else 1)
        return 100.0 + entries * (depth + _EXPONENTIAL) / 50.0

    def independent_rows(self) -> int:
        return self.lead[0] if self.lead and 0 not in self.lead and self.head.steps else 0

    def shared(self, smallest: float) -> Instruction:
        work = self.nanoseconds()
        count = min(count_tiles(work, smallest), self.extent)
        size = -(-self.extent // count) if count > 1 else 0
        return replace(self, tile_size=size, adaptive=is_small(work))._with_scratch()

    def in_row_tiles(self, tile_size: int) -> Instruction:
        inner = prod(self.lead[1:])
        return replace(self, tile_size=tile_size, per_row=inner)._with_scratch()

    def _with_scratch(self) -> Attention:
        _, needed = self.head.scratch(self.backward)
        dtype = self.head.dtype
        return replace(self, scratch=Buffer(needed // dtype.itemsize * self.n_tiles, dtype))

    def summary(self) -> str:
        head = self.head
        sizes = f"{list(self.lead)} {head.steps} x {head.others}, {head.width} and {head.depth}"
        kind = "attention backward" if self.backward else "attention"
        return f"{kind} {sizes}{', causal' if head.is_causal else ''}, {tiles_text(self)}"

    # Code

    def emit(self, emitter: Emitter) -> None:
        if not self.extent:
            return
        if self.n_tiles == 1:
            self._emit_heads(emitter, 0, self.extent, 0)
            return

        def write(inner: Emitter, tile: str, tile_size: Index) -> None:
            f = inner.f
            start = f.times(tile, tile_size)
            self._emit_heads(inner, start, f.smaller(f.plus(start, tile_size), self.extent), tile)

        emitter.parallel(self, write)

    def emit_rows(self, emitter: Emitter, rows: RowRange) -> None:
        f = emitter.f
        start, stop = (f.times(part, self.per_row) for part in (rows.start, rows.stop))
        self._emit_heads(emitter, start, stop, rows.tile)

    def _emit_heads(self, emitter: Emitter, start: Index, stop: Index, tile: Index) -> None:
        """Write a loop over heads that calls the function of one."""
        f, head = emitter.f, self.head
        function = write_head(f.module, head, self.backward)
        assert self.scratch is not None
        base = emitter.addresses.of_buffer(self.scratch)
        per_tile = self.scratch.nbytes // self.n_tiles
        known = {"scratch": f"ptr {f.offset(base, f.times(tile, per_tile), 1)}"}
        with f.loop(start, stop) as loop:
            position = self._position(emitter, loop.index)
            for name, view in zip(self.names, self.views, strict=True):
                moves = list(zip(position, view.strides[: len(position)], strict=True))
                known[name] = f"ptr {emitter.addresses.of_view(view, *moves)}"
                known[f"{name}_row"], known[f"{name}_column"] = (
                    f"i64 {stride}" for stride in view.strides[-2:]
                )
            listed = ", ".join(known[name] for name in arguments(head, self.backward))
            f.emit(f"call void @{function}({listed})")

    def _position(self, emitter: Emitter, number: Index) -> list[Index]:
        """Return the position of a head on the leading axes."""
        f = emitter.f
        position: list[Index] = []
        for size in self.lead[:0:-1]:
            position.insert(0, f.name(f"urem i64 {number}, {size}"))
            number = f.name(f"udiv i64 {number}, {size}")
        return [number, *position] if self.lead else []


# The rules


def _plan(planner: Planning, node: Node, backward: bool) -> None:
    count = 6 if backward else 3
    params, q, v = node.params, node.inputs[0], node.inputs[2]
    inputs = [planner.materialize(x) for x in node.inputs[:count]]
    extras = dict(zip(params["extras"], node.inputs[count:], strict=True))
    bias, stays = extras.get("bias"), extras.get("dropout")
    head = Head(
        q.dtype, q.shape[-3], v.shape[-3], q.shape[-1], v.shape[-1],
        params["scale"], params["is_causal"], None if bias is None else bias.dtype,
        None if stays is None else params["boost"],
    )  # fmt: skip
    scores = (*q.shape[:-3], q.shape[-2], head.steps, head.others)
    further = [
        (name, _along_queries(planner, x, scores))
        for name, x in zip(EXTRAS, (bias, stays), strict=True)
        if x is not None
    ]
    targets = planner.result_views(node)
    written = [_contiguous_rows(planner, view) for view in targets]
    as_column = [_as_column(planner, view) for view in (inputs[4:] if backward else written[1:])]
    matrices = [*inputs[: 4 if backward else 3], *(written if backward else written[:1])]
    named = dict(zip(MATRICES[backward], map(_by_head, matrices), strict=True))
    named |= dict(zip(("most", "total"), as_column, strict=True))
    named |= dict(further)
    outputs = ("dq", "dk", "dv") if backward else ("out", "most", "total")
    names = (*outputs, *[name for name in named if name not in outputs])
    planner.append(
        Attention(head, backward, names, tuple(named[name] for name in names), len(outputs))
    )
    for view, target in zip(written, targets, strict=True):
        if view is not target:
            planner.move(view, target)


def _by_head(x: View) -> View:
    """Return (..., steps, heads, features) with heads before steps."""
    n = len(x.shape)
    return x.transposed((*range(n - 3), n - 2, n - 3, n - 1))


def _contiguous_rows(planner: Planning, target: View) -> View:
    """Return where a result is written: the rows of a matrix must be contiguous."""
    if target.strides[-1] == 1:
        return target
    return planner.allocate(target.shape, target.dtype)


def _as_column(planner: Planning, x: View) -> View:
    """Return numbers of rows, which must be contiguous, with two axes behind the leading ones."""
    if x.strides[-1] != 1:
        copy = planner.allocate(x.shape, x.dtype)
        planner.move(x, copy)
        x = copy
    return replace(x, shape=(*x.shape, 1), strides=(*x.strides, 0))


def _along_queries(planner: Planning, node: Node, scores: tuple[int, ...]) -> View:
    """Return a bias or mask, contiguous along queries or the same for all of them."""
    view = planner.materialize(node)
    if node.shape[-2] != 1 and view.strides[-2] != 1:
        axes = tuple(range(len(node.shape)))
        copy = planner.allocate(node.shape, node.dtype, (*axes[:-2], axes[-1], axes[-2]))
        planner.move(view, copy)
        view = copy
    return view.broadcast(scores)


def plan_attention(planner: Planning, node: Node) -> None:
    """Plan attention."""
    _plan(planner, node, backward=False)


def plan_attention_vjp(planner: Planning, node: Node) -> None:
    """Plan the cotangents of queries, keys and values."""
    _plan(planner, node, backward=True)


RULES: Mapping[str, Rule] = {"attention": plan_attention, "attention_vjp": plan_attention_vjp}
