"""Maps and scatters as loop nests, and the loops that all nests are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..expressions.expression import Expression, Lookup
from ..instructions.base import Map, Scatter
from ..ir.builder import FunctionBuilder
from ..ir.types import Index
from ..ir.value import Value
from ..layout.view import View
from .loop_nest import Axis, Nest, Pointers, lanes_for, merge, strides_in

_FAR_APART = 1024  # bytes of a row that is worth asking for before it is needed
_LINE = 64  # bytes of a cache line

Site = Callable[[Lookup], int]
Turn = Callable[[FunctionBuilder, Value], Value]


Span = tuple[Index, Index]
"""From where to where an axis is walked: part of it, for one of several threads."""


@dataclass(frozen=True)
class Rows:
    """Some of a domain's rows, from a multiple of 16 on."""

    start: str
    stop: str
    all: int

    def of(self, f: FunctionBuilder, axis: Axis) -> Span:
        """The same of an axis that joins the rows with what follows them."""
        each = axis.size // self.all
        return f.times(self.start, each), f.times(self.stop, each)


def over(
    nest: Nest, axes: Sequence[Axis], write: Callable[[], None], span: Span | None = None
) -> None:
    """Loops over axes, the first outermost, around what `write` writes."""
    if not axes:
        write()
        return
    start, stop = span or (0, axes[0].size)
    with nest.f.loop(start, stop) as loop, nest.at(axes[0], loop.index):
        over(nest, axes[1:], write)


def over_vectors(
    nest: Nest, axis: Axis, lanes: int, write: Callable[[], None], span: Span | None = None
) -> None:
    """Vectors of an axis: whole ones in a loop, then what remains."""
    f = nest.f
    whole = axis.size // lanes * lanes
    rest = axis.size - whole
    known, rows = dict(nest.known), dict(nest.rows)
    nest.spread(axis, lanes)
    if span is not None:  # it begins at a multiple of the lanes
        start, stop = span
        last = f.name(f"icmp sgt i64 {stop}, {whole}")
        end = f.name(f"select i1 {last}, i64 {whole}, i64 {stop}")
        with f.loop(start, end, lanes) as loop, nest.vectors(axis, loop.index, lanes, None):
            write()
        if rest:
            with f.when(last), nest.vectors(axis, whole, power_of_two(rest), rest):
                write()
        nest.known, nest.rows = known, rows
        return
    if not whole and len(nest.axes) == 1 and axis.size.bit_count() == 2:
        for start, width in powers(axis.size):  # a masked store could not be read back at once
            with nest.vectors(axis, start, width, None):
                write()
        rest = 0
    if whole == lanes:
        with nest.vectors(axis, 0, lanes, None):
            write()
    elif whole:
        with nest.f.loop(0, whole, lanes) as loop, nest.vectors(axis, loop.index, lanes, None):
            write()
    if rest:
        narrow = power_of_two(rest)
        with nest.vectors(axis, whole, narrow, rest):
            write()
    nest.known, nest.rows = known, rows


def powers(n: int) -> list[tuple[int, int]]:
    """A number as powers of two, the largest first: (where each begins, how large it is)."""
    found, start = [], 0
    while start < n:
        width = 1 << ((n - start).bit_length() - 1)
        found.append((start, width))
        start += width
    return found


def power_of_two(n: int) -> int:
    """The smallest power of two that is not less."""
    return 1 << (n - 1).bit_length()


def emit_map(
    pointers: Pointers, step: Map, site: Site, rows: Rows | None = None, turn: Turn | None = None
) -> None:
    """Every place of the domain, or of some rows: all values first, then the stores.

    `turn` makes another number of each before it is stored.
    """
    if 0 in step.domain:
        return
    expressions = [expression for expression, _ in step.stores]
    views = [view for _, view in step.stores]
    axes = merge(step.domain, strides_in(expressions, views), frozenset())
    nest = Nest(pointers, axes, expressions, views, site)

    def write() -> None:
        values = [nest.value(expression) for expression in expressions]
        for x, view in zip(values, views, strict=True):
            nest.store(turn(nest.f, x) if turn else nest.f.convert(x, view.dtype), view)

    if not axes:
        write()
        return
    dtypes = [e.dtype for e in nest.parts if nest.varies(e, axes[-1])]
    lanes = lanes_for([*dtypes, *[view.dtype for view in views]], axes[-1].size)
    span = None if rows is None else rows.of(nest.f, axes[0])
    if len(axes) == 1:
        over_vectors(nest, axes[0], lanes, write, span)
        return
    gathered = _gathered_rows(nest, expressions)

    def row() -> None:
        if gathered is not None:
            _fetch_next(nest, gathered, span)
        over_vectors(nest, axes[-1], lanes, write)

    over(nest, axes[:-1], row, span)


def _gathered_rows(nest: Nest, expressions: Sequence[Expression]) -> Lookup | None:
    """The lookup of a nest that copies long rows from computed places, and does nothing else."""
    if len(expressions) != 1 or len(nest.axes) != 2 or not isinstance(expressions[0], Lookup):
        return None
    lookup, inner = expressions[0], nest.axes[1]
    long = inner.size * lookup.dtype.itemsize >= _FAR_APART
    fixed = not any(nest.varies(index, inner) for index, _, _ in lookup.indices)
    return lookup if long and fixed and lookup.strides[inner.last] == 1 else None


def _fetch_next(nest: Nest, lookup: Lookup, span: Span | None) -> None:
    """Ask for the next row while this one is copied: no prefetcher knows where it lies."""
    f, (axis, inner) = nest.f, nest.axes
    here, known, rows = nest.variables[axis], nest.known, nest.rows
    following = f.plus(here, 1)
    last = f.name(f"icmp sge i64 {following}, {axis.size if span is None else span[1]}")
    nest.known, nest.rows = {}, {}
    with nest.at(axis, f.name(f"select i1 {last}, i64 {here}, i64 {following}")):
        pointer, _ = nest.address(lookup)
    nest.variables[axis], nest.known, nest.rows = here, known, rows
    f.declare("prefetch", "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
    with f.loop(0, inner.size * lookup.dtype.itemsize, _LINE) as loop:
        line = f.offset(pointer, loop.index, 1)
        f.emit(f"call void @llvm.prefetch.p0(ptr {line}, i32 0, i32 3, i32 1)")


def emit_scatter(pointers: Pointers, step: Scatter, site: Site) -> None:
    """Values written or added one after the other; whole rows at once if no index varies."""
    if 0 in step.domain:
        return
    expressions = [step.value, *[index for index, _, _ in step.target.indices]]
    every = [*strides_in(expressions, []), step.target.strides]
    moved = frozenset(range(len(step.domain))) - frozenset(
        axis for index, _, _ in step.target.indices for axis in index.axes
    )
    axes = merge(step.domain, every, moved)
    f, target = pointers.f, step.target
    whole = View(target.buffer, target.offset, step.domain, target.strides)
    nest = Nest(pointers, axes, expressions, [whole], site)

    def write() -> None:
        x = f.convert(nest.value(step.value), target.dtype)
        pointer, apart = nest.address(target)
        if step.adds:
            before = nest.read(pointer, target.dtype, apart)
            x = before | x if x.dtype.kind == "b" else before + x
        nest.write(x, pointer, apart)

    last = axes[-1] if axes else None
    if last is not None and last.last in moved and target.strides[last.last] == 1:
        dtypes = [e.dtype for e in nest.parts if nest.varies(e, last)]
        lanes = lanes_for([*dtypes, target.dtype], last.size)
        over(nest, axes[:-1], lambda: over_vectors(nest, last, lanes, write))
    else:
        over(nest, axes, write)
