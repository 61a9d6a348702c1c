"""The loop nest emitter: values and addresses at each depth of a nest, with hoisted invariants.

Whatever does not vary along a loop is computed before it. The last axis is cut into vectors, with
a narrower or masked vector for the remainder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ....graph.types import Shape
from ..expressions.expression import (
    Apply,
    Expression,
    Load,
    Lookup,
    Number,
    Truth,
    children,
    subexpressions,
)
from ..ir.types import BOOL, I64, Index
from ..ir.value import Value
from ..kernels.math.polynomial import any_lane
from ..layout.frame import STATUS
from ..layout.view import Buffer, View
from ..target.host import host
from .addresses import Addresses
from .compute import compute
from .lane_access import Offsets, read_lanes, write_lanes

CheckNumber = Callable[[Lookup], int]
"""The number by which an error names a lookup."""


@dataclass(frozen=True)
class LoopAxis:
    """One loop: an axis of the domain, or adjacent ones over which all arrays have joint strides.

    Attributes
    ----------
    size : int
    last : int
        The last axis of the domain among them, whose stride is that of the loop.
    members : frozenset of int
    inner : LoopAxis or None
        A short axis that vectors run along as well, point after point.
    """

    size: int
    last: int
    members: frozenset[int]
    inner: LoopAxis | None = None


def merge_axes(
    domain: Shape, strides: Iterable[Sequence[int]], apart: frozenset[int]
) -> list[LoopAxis]:
    """Return the loops over a domain: axes of size 1 are dropped, adjacent ones joined.

    Two axes are joined where the strides of all arrays allow it, and both or none are in `apart`.
    """
    arrays = list(strides)
    axes: list[LoopAxis] = []
    for k, size in enumerate(domain):
        if size == 1:
            continue
        before = axes[-1] if axes else None
        if (
            before is not None
            and (before.last in apart) == (k in apart)
            and all(s[before.last] == s[k] * size for s in arrays)
        ):
            axes[-1] = LoopAxis(before.size * size, k, before.members | {k})
        else:
            axes.append(LoopAxis(size, k, frozenset([k])))
    return axes


def access_strides(expressions: Iterable[Expression], views: Iterable[View]) -> list[Sequence[int]]:
    """Return the strides of every array of a nest by the domain's axes."""
    strides: list[Sequence[int]] = [view.strides for view in views]
    for expression in subexpressions(expressions):
        if isinstance(expression, (Load, Lookup)):
            strides.append(expression.strides)
    return strides


@dataclass(frozen=True)
class Relocated:
    """Where a load finds its numbers at the moment: an address, and strides from the point 0 on."""

    base: str
    strides: Sequence[int]


class LoopNestEmitter:
    """Writes the values of expressions, and addresses, inside the loops of one nest."""

    def __init__(
        self, addresses: Addresses, axes: Sequence[LoopAxis], expressions: Sequence[Expression],
        views: Sequence[View], check_number: CheckNumber,
    ) -> None:  # fmt: skip
        self.f, self.axes, self.check_number = addresses.f, list(axes), check_number
        self.expressions = list(expressions)
        self.subexpressions = subexpressions(expressions)
        buffers = [e.buffer for e in self.subexpressions if isinstance(e, (Load, Lookup))]
        buffers += [view.buffer for view in views]
        self.bases = {buffer: addresses.of_buffer(buffer) for buffer in dict.fromkeys(buffers)}
        self.error = f"%{self.f.fresh('error')}"
        self.f.emit(f"{self.error} = getelementptr i8, ptr %frame, i64 {8 * STATUS}")
        self.variables: dict[LoopAxis, Index] = {}
        self.vector: LoopAxis | None = None
        self.lanes = 1
        self.mask: Value | None = None
        self.points: list[tuple[int, int]] = []  # each lane along the axis, and the one inside
        self.relocated: dict[Expression, Relocated] = {}
        self.hoisted: dict[object, Value] = {}
        self.row_addresses: dict[object, str] = {}
        self.hoist_invariants()

    # Depth

    @contextmanager
    def enter_axis(self, axis: LoopAxis, index: Index) -> Iterator[None]:
        """Enter a loop over an axis."""
        hoisted, rows = dict(self.hoisted), dict(self.row_addresses)
        self.variables[axis] = index
        self.hoist_invariants()
        yield
        del self.variables[axis]
        self.hoisted, self.row_addresses = hoisted, rows

    @contextmanager
    def vector_scope(
        self, axis: LoopAxis, index: Index, lanes: int, count: int | None, first: int = 0
    ) -> Iterator[None]:
        """Compute one vector of an axis; only `count` lanes of it if that is given.

        Of an axis that has an inner one, the vector begins `first` points after the index.
        """
        hoisted, rows = dict(self.hoisted), dict(self.row_addresses)
        self.variables[axis] = index
        self.vector, self.lanes = axis, lanes
        count = lanes if count is None else count
        self.mask = None if count == lanes else self.f.first_lanes(count, lanes)
        width = 1 if axis.inner is None else axis.inner.size
        self.points = [divmod(first + lane, width) for lane in range(count)]
        yield
        del self.variables[axis]
        self.vector, self.lanes, self.mask, self.points = None, 1, None, []
        self.hoisted, self.row_addresses = hoisted, rows

    def varies(self, expression: Expression, axis: LoopAxis | None) -> bool:
        """Whether an expression varies along an axis."""
        return axis is not None and bool(expression.axes & axis.members)

    def open_axes(self, expression: Expression) -> list[LoopAxis]:
        """Return the axes that an expression varies along and whose loops are not entered yet.

        The axis of vectors always counts as not entered.
        """
        entered = self.variables.keys() - {self.vector}
        return [a for a in self.axes if a not in entered and expression.axes & a.members]

    def hoist_invariants(self) -> None:
        """Compute what is invariant in the loops that are not entered yet."""
        lanes, mask = self.lanes, self.mask
        self.lanes, self.mask = 1, None
        visited: set[Expression] = set()
        for expression in self.expressions:
            self._hoist(expression, visited)
        self.lanes, self.mask = lanes, mask

    def _hoist(self, expression: Expression, visited: set[Expression]) -> None:
        if isinstance(expression, Number) or expression in self.hoisted or expression in visited:
            return
        visited.add(expression)
        if not self.open_axes(expression):
            self.value(expression)
            return
        for child in children(expression):
            self._hoist(child, visited)

    def broadcast_invariants(self, axis: LoopAxis, lanes: int) -> None:
        """Broadcast to all lanes what is invariant in a loop over vectors, before that begins."""
        for expression in self.subexpressions:
            if not self.varies(expression, axis):
                continue
            if isinstance(expression, Load) and self.open_axes(expression) == [axis]:
                self._row(expression, *self._location(expression), axis, expression.dtype.itemsize)
            elif isinstance(expression, (Apply, Truth)):
                for child in expression.inputs:
                    if child in self.hoisted and not self.varies(child, axis):
                        key = (child, lanes)
                        if key not in self.hoisted:
                            self.hoisted[key] = self.f.splat(self.hoisted[child], lanes)

    # Values

    def value(self, expression: Expression) -> Value:
        """Return the value at this point: a scalar, or a vector inside `vector_scope`."""
        f, lanes = self.f, self.lanes
        if isinstance(expression, Number):
            return f.constant(expression.value, expression.dtype, lanes)
        if lanes > 1 and not self.varies(expression, self.vector):
            key = (expression, lanes)
            if key not in self.hoisted:
                self.hoisted[key] = f.splat(self._scalar(expression), lanes)
            return self.hoisted[key]
        value = self.hoisted.get(expression)
        if value is None:
            value = self.hoisted[expression] = self._compute(expression)
        return value

    def _scalar(self, expression: Expression) -> Value:
        value = self.hoisted.get(expression)
        if value is None:
            lanes, mask, vector = self.lanes, self.mask, self.vector
            self.lanes, self.mask, self.vector = 1, None, None
            value = self.value(expression)
            self.lanes, self.mask, self.vector = lanes, mask, vector
        return value

    def _compute(self, expression: Expression) -> Value:
        if isinstance(expression, Load):
            return self._load(expression)
        if isinstance(expression, Lookup):
            pointer, lanes = self.address(expression)
            return self.read(pointer, expression.dtype, lanes)
        if isinstance(expression, Truth):
            return self.f.convert(self.value(expression.inputs[0]), BOOL)
        assert isinstance(expression, Apply)
        return compute(self.f, expression.node, [self.value(x) for x in expression.inputs])

    def _load(self, load: Load) -> Value:
        pointer, lanes = self._pointer(load, *self._location(load), load.dtype.itemsize)
        return self.read(pointer, load.dtype, lanes)

    def _location(self, load: Load) -> tuple[str, int, Sequence[int]]:
        """Return where an array begins, and the offset and strides of a load from it."""
        elsewhere = self.relocated.get(load)
        if elsewhere is not None:
            return elsewhere.base, 0, elsewhere.strides
        return self.bases[load.buffer], load.offset, load.strides

    def read(self, pointer: str, dtype: np.dtype[np.generic], lanes: Offsets | Value) -> Value:
        """Load the lanes at offsets from an address."""
        if isinstance(lanes, Value):
            return self.f.gather(pointer, dtype, lanes, self._whole_mask())
        return read_lanes(self.f, pointer, dtype, lanes, self.lanes)

    def write(self, x: Value, pointer: str, lanes: Offsets | Value) -> None:
        """Store the lanes at offsets from an address."""
        if isinstance(lanes, Value):
            self.f.scatter(x, pointer, lanes, self._whole_mask())
        else:
            write_lanes(self.f, x, pointer, lanes)

    def _whole_mask(self) -> Value:
        return self.mask or self.f.constant(True, BOOL, self.lanes)

    # Addresses

    def store(self, x: Value, view: View) -> None:
        """Store a value at this point of a view of the domain."""
        pointer, lanes = self.pointer(view, view.buffer, view.offset, view.strides)
        self.write(x, pointer, lanes)

    def pointer(
        self, key: object, buffer: Buffer, offset: int, strides: Sequence[int]
    ) -> tuple[str, Offsets]:
        """Return an address, and where from there the lanes lie, in numbers."""
        return self._pointer(key, self.bases[buffer], offset, strides, buffer.dtype.itemsize)

    def _pointer(
        self, key: object, base: str, offset: int, strides: Sequence[int], size: int
    ) -> tuple[str, Offsets]:
        vector = self.vector
        if vector is None:
            return self.start(base, offset, strides, size), (0,)
        row = self._row(key, base, offset, strides, vector, size)
        step = strides[vector.last]
        position = self.f.times(self.variables[vector], step)
        inner = 0 if vector.inner is None else strides[vector.inner.last]
        lanes = [n * step + k * inner for n, k in self.points]
        return self.f.offset(row, position, size), lanes

    def _row(
        self, key: object, base: str, offset: int, strides: Sequence[int], axis: LoopAxis, size: int
    ) -> str:
        if key not in self.row_addresses:
            self.row_addresses[key] = self.start(base, offset, strides, size, axis)
        return self.row_addresses[key]

    def start(
        self, base: str, offset: int, strides: Sequence[int], size: int,
        without: LoopAxis | None = None,
    ) -> str:  # fmt: skip
        """Return the address at this point of the loops that are entered, except for one."""
        position: Index = offset
        for axis, variable in self.variables.items():
            if axis is not without and strides[axis.last]:
                position = self.f.plus(position, self.f.times(variable, strides[axis.last]))
        return self.f.offset(base, position, size)

    def address(self, lookup: Lookup) -> tuple[str, Offsets | Value]:
        """Return the address of a lookup, as `pointer` does, with its indices checked."""
        f, size = self.f, lookup.buffer.dtype.itemsize
        pointer, offsets = self.pointer(lookup, lookup.buffer, lookup.offset, lookup.strides)
        by_lane = any(self.varies(index, self.vector) for index, _, _ in lookup.indices)
        lanes = self.lanes if by_lane else 1
        total: Value | None = None
        for index, length, stride in lookup.indices:
            x = self.value(index) if by_lane else self._scalar(index)
            position = self._in_bounds(f.convert(x, I64), length, lookup, lanes) * stride
            total = position if total is None else total + position
        if total is None:  # slices alone
            return pointer, offsets
        if lanes == 1:
            return f.offset(pointer, total.name, size), offsets
        if any(offsets):
            unused = [0] * (lanes - len(offsets))
            total = total + f.vector([*offsets, *unused], I64)
        return pointer, total

    def _in_bounds(self, x: Value, length: int, lookup: Lookup, lanes: int) -> Value:
        """Return an index counted from the front. One out of bounds is reported, and read as 0."""
        f = self.f
        x = f.select(x < 0, x + length, x)
        unsigned = f.bitcast(x, np.dtype(np.uint64))
        fine = unsigned < length
        bad = fine ^ True
        if self.mask is not None and lanes > 1:
            bad = bad & self.mask
        with f.when(any_lane(f, bad)):
            f.emit(f"store i64 {self.check_number(lookup)}, ptr {self.error}, align 8")
        return f.select(fine, x, 0)


def lanes_for(dtypes: Iterable[np.dtype[np.generic]], size: int) -> int:
    """Return the number of lanes: what fits the widest dtype, and not more than the axis has."""
    widest = max((d.itemsize for d in dtypes if d.kind != "b"), default=1)
    lanes = max(1, host().vector_bytes // max(widest, 4))
    while lanes // 2 >= size:
        lanes //= 2
    return lanes
