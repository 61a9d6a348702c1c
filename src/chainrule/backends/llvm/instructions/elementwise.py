"""Elementwise loop nests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from ....graph.node import Node
from ....graph.types import Shape
from ....lazy import computed
from ...threads import get_num_threads
from ..codegen.emitter import Emitter
from ..codegen.loop_nest import (
    LoopAxis,
    LoopNestEmitter,
    access_strides,
    merge_axes,
)
from ..codegen.short_axes import emit_joined_loop, join_short_axis, lanes_along
from ..codegen.transposed_reads import (
    emit_transposed_reads,
    emit_transposing_copy,
    find_transposed_reads,
)
from ..codegen.vector_loops import RowRange, Span, emit_loops, emit_vector_loop, row_axes
from ..expressions.expression import (
    Apply,
    Expression,
    Load,
    Lookup,
    buffers_read,
    primitive_names,
    subexpressions,
)
from ..fuse.op_traits import cost
from ..ir.builder import FunctionBuilder
from ..ir.value import Value
from ..layout.view import Buffer, View
from ..target.host import host
from .access import Access, reads, row_span
from .base import Instruction
from .expression_store import lines_of
from .planning import Planning, Rule
from .row_tiles import RowTiles
from .sharing import UNIT, count_tiles, is_small, rows_per_tile

_PREFETCHED = 1024  # bytes of a gathered row that is worth prefetching
_CACHE_LINE = 64  # bytes
_BYTE = np.dtype(np.uint8)
_LARGE = 1024  # numbers, from which on only the borders of a padded array are filled

Transform = Callable[[FunctionBuilder, Value], Value]


@dataclass(frozen=True, eq=False)
class Elementwise(Instruction):
    """Expressions stored at every point of a domain; all are computed before one is stored."""

    divisible: ClassVar[bool] = True

    domain: Shape
    stores: Sequence[tuple[Expression, View]]

    @property
    def expressions(self) -> list[Expression]:
        """The expressions that are stored."""
        return [expression for expression, _ in self.stores]

    @computed
    def parts(self) -> list[Expression]:
        """The expressions that are stored, and all those inside them."""
        return subexpressions(self.expressions)

    @computed
    def touched(self) -> list[Buffer]:
        """The buffers of each store, first the one that is written."""
        result = []
        for expression, view in self.stores:
            result.append(view.buffer)
            result += buffers_read([expression])
        return result

    def buffers(self) -> Iterator[Buffer]:
        return iter(self.touched)

    def accesses(self) -> list[Access]:
        writes = [
            Access(view.buffer, True, row_span(view.offset, view.strides, self.domain))
            for view in self.results()
        ]
        return [*writes, *reads(self.parts, self.domain)]

    def results(self) -> Sequence[View]:
        return [view for _, view in self.stores]

    def overwritable(self) -> Sequence[tuple[Buffer, Buffer]]:
        """All that is stored at a point is computed before."""
        apart = {part.buffer for part in self.parts if isinstance(part, Lookup)}
        apart.update(view.buffer for view in self.results())
        loads: dict[Buffer, set[tuple[int, tuple[int, ...]]]] = {}
        for part in self.parts:
            if isinstance(part, Load):
                loads.setdefault(part.buffer, set()).add((part.offset, part.strides))
        return [
            (buffer, view.buffer)
            for buffer, positions in loads.items()
            for view in self.results()
            if positions == {(view.offset, view.strides)} and buffer not in apart
            and buffer.dtype.itemsize == view.dtype.itemsize
        ]  # fmt: skip

    def bounds_checks(self) -> Iterable[Node]:
        return [part.node for part in self.parts if isinstance(part, Lookup)]

    def nanoseconds(self) -> float:
        return self.estimated_nanoseconds

    @computed
    def estimated_nanoseconds(self) -> float:
        """Operations counted by vectors, loads and stores by bandwidth."""
        per_entry = 0.1 * len(self.stores)
        vector_bytes = host().vector_bytes
        for expression in self.parts:
            if isinstance(expression, Apply):
                per_entry += 1.6 * cost(expression.node) / vector_bytes
            elif isinstance(expression, (Load, Lookup)):
                per_entry += 0.1
        return 3.0 + prod(self.domain) * per_entry

    @property
    def outlinable(self) -> bool:
        return True

    def code_lines(self) -> int:
        return lines_of(self.parts, self.domain)

    def independent_rows(self) -> int:
        return self.domain[0] if self.domain and 0 not in self.domain else 0

    def numbers_per_row(self) -> int:
        return prod(self.domain[1:])

    def shared(self, smallest: float) -> Instruction:
        """Cut the outermost loop, which may join several axes."""
        if 0 in self.domain:
            return self
        work = self.nanoseconds()
        count = count_tiles(work, smallest)
        if count == 1:
            return self
        strides = access_strides(self.expressions, self.results())
        axes = merge_axes(self.domain, strides, frozenset())
        if not axes or axes[0].size < 2 * UNIT:
            return self
        tile_size = rows_per_tile(axes[0].size, count // get_num_threads())
        return RowTiles(axes[0].size, (self,), tile_size, adaptive=is_small(work))

    def summary(self) -> str:
        names = " ".join(primitive_names(self.expressions)[:8])
        return f"elementwise {list(self.domain)} {names}".rstrip()

    def emit(self, emitter: Emitter) -> None:
        emit_stores(emitter, self)

    def emit_rows(self, emitter: Emitter, rows: RowRange) -> None:
        emit_stores(emitter, self, rows)


def emit_stores(
    emitter: Emitter, step: Elementwise, rows: RowRange | None = None,
    transform: Transform | None = None,
) -> None:  # fmt: skip
    """Write the nest over the domain, or over some rows. `transform` changes what is stored."""
    if 0 in step.domain:
        return
    expressions, views = step.expressions, step.results()
    copies = transform is None and _is_copy(step)
    if copies:
        expressions = [_as_bytes(expressions[0])]
    strides = access_strides(expressions, views)
    single = rows is not None and rows.single
    loops = row_axes if single else merge_axes
    axes = loops(step.domain, strides, frozenset())
    parts = subexpressions(expressions)
    axes = [*axes[:single], *join_short_axis(axes[single:], views, parts)]
    nest = LoopNestEmitter(emitter.addresses, axes, expressions, views, emitter.check_number)

    def write() -> None:
        values = [nest.value(expression) for expression in expressions]
        for x, view in zip(values, views, strict=True):
            if not copies:
                x = transform(nest.f, x) if transform else nest.f.convert(x, view.dtype)
            nest.store(x, view)

    if single:
        assert rows is not None
        with nest.enter_axis(axes[0], rows.start):
            _emit_nest(nest, axes[1:], views, write, copies)
        return
    span = None if rows is None or not axes else rows.span(nest.f, axes[0])
    _emit_nest(nest, axes, views, write, copies, span)


def _is_copy(step: Elementwise) -> bool:
    """Whether one array is stored as it is."""
    if len(step.stores) > 1:
        return False
    ((expression, view),) = step.stores
    return isinstance(expression, Load) and expression.dtype == view.dtype


def _as_bytes(expression: Expression) -> Expression:
    """Return a load of truth values as one of bytes, which are stored as they are."""
    return replace(expression, dtype=_BYTE) if expression.dtype.kind == "b" else expression


def _emit_nest(
    nest: LoopNestEmitter, axes: Sequence[LoopAxis], views: Sequence[View],
    write: Callable[[], None], copies: bool, span: Span | None = None,
) -> None:  # fmt: skip
    """Write loops over axes, vectors along the last one, around what is stored."""
    if not axes:
        write()
        return
    last = axes[-1]
    lanes = lanes_along(last, nest.subexpressions, views)
    loads = [part for part in nest.subexpressions if isinstance(part, Load)]
    transposed = find_transposed_reads(axes, loads, views)
    if transposed is not None and copies:
        emit_transposing_copy(nest, transposed, views[0], span)
        return
    if transposed is not None:
        emit_transposed_reads(nest, transposed, lanes, write, span)
        return
    emit_last = emit_vector_loop if last.inner is None else emit_joined_loop
    if len(axes) == 1:
        emit_last(nest, last, lanes, write, span)
        return
    gathered = _gathered_rows(nest, nest.expressions)

    def write_row() -> None:
        if gathered is not None:
            _prefetch_next(nest, gathered, span)
        emit_last(nest, last, lanes, write)

    emit_loops(nest, axes[:-1], write_row, span)


def _gathered_rows(nest: LoopNestEmitter, expressions: Sequence[Expression]) -> Lookup | None:
    """Return the lookup of a nest that only copies long rows from computed positions."""
    if len(expressions) != 1 or len(nest.axes) != 2 or not isinstance(expressions[0], Lookup):
        return None
    lookup, inner = expressions[0], nest.axes[1]
    long = inner.size * lookup.dtype.itemsize >= _PREFETCHED
    fixed = not any(nest.varies(index, inner) for index, _, _ in lookup.indices)
    return lookup if long and fixed and lookup.strides[inner.last] == 1 else None


def _prefetch_next(nest: LoopNestEmitter, lookup: Lookup, span: Span | None) -> None:
    """Prefetch the next row while this one is copied: the CPU cannot guess where it lies."""
    f, (axis, inner) = nest.f, nest.axes
    current, hoisted, row_addresses = nest.variables[axis], nest.hoisted, nest.row_addresses
    following = f.plus(current, 1)
    last = f.name(f"icmp sge i64 {following}, {axis.size if span is None else span[1]}")
    nest.hoisted, nest.row_addresses = {}, {}
    with nest.enter_axis(axis, f.name(f"select i1 {last}, i64 {current}, i64 {following}")):
        pointer, _ = nest.address(lookup)
    nest.variables[axis] = current
    nest.hoisted, nest.row_addresses = hoisted, row_addresses
    f.declare("prefetch", "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
    with f.loop(0, inner.size * lookup.dtype.itemsize, _CACHE_LINE) as loop:
        line = f.offset(pointer, loop.index, 1)
        f.emit(f"call void @llvm.prefetch.p0(ptr {line}, i32 0, i32 3, i32 1)")


def plan_pad(planner: Planning, node: Node) -> None:
    """Plan zeros with an array at a slice."""
    target = planner.target(node)
    (x,) = node.inputs
    index = node.params["index"]
    part = target.sliced(index)
    for border in _borders(target, index):
        planner.fill(border, 0)
    planner.copy(x, part)


def _borders(target: View, index: Sequence[slice]) -> list[View]:
    """Return what is filled around a part: its borders if they are narrow, else all."""
    positions = [range(*cut.indices(size)) for cut, size in zip(index, target.shape, strict=True)]
    if all(len(r) == size for r, size in zip(positions, target.shape, strict=True)):
        return []
    inner = prod(map(len, positions))
    if any(r.step != 1 for r in positions) or 2 * inner < max(_LARGE, prod(target.shape)):
        return [target]
    borders, around = [], [slice(0, size) for size in target.shape]
    for k, (r, size) in enumerate(zip(positions, target.shape, strict=True)):
        for ends in (slice(0, r.start), slice(r.stop, size)):
            if ends.start < ends.stop:
                borders.append(target.sliced([*around[:k], ends, *around[k + 1 :]]))
        around[k] = slice(r.start, r.stop)
    return borders


def plan_concatenate(planner: Planning, node: Node) -> None:
    """Plan arrays written one after the other."""
    target, axis, start = planner.target(node), node.params["axis"], 0
    for x in node.inputs:
        index = [slice(None)] * len(node.shape)
        index[axis] = slice(start, start + x.shape[axis])
        planner.copy(x, target.sliced(index))
        start += x.shape[axis]


RULES: Mapping[str, Rule] = {"pad": plan_pad, "concatenate": plan_concatenate}
