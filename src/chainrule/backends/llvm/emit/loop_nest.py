"""Loop nests: the variables of a domain, what is known at which depth, vectors of the last axis.

Whatever does not vary with a loop is computed before it. The last axis is cut into vectors, with a
narrower or masked vector for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ....graph.types import Shape
from ..expressions.expression import Apply, Expression, Load, Lookup, Number, Truth, children, parts
from ..ir.builder import FunctionBuilder
from ..ir.types import BOOL, I64, Index
from ..ir.value import Value
from ..kernels.math.polynomial import any_lane
from ..layout.view import Buffer, View
from ..target.host import host
from .compute import compute


@dataclass(frozen=True)
class Axis:
    """Axes of a domain that all arrays walk through alike, as one.

    Attributes
    ----------
    size : int
    last : int
        The domain's axis whose stride an array takes.
    members : frozenset of int
    """

    size: int
    last: int
    members: frozenset[int]


def merge(domain: Shape, strides: Iterable[Sequence[int]], apart: frozenset[int]) -> list[Axis]:
    """The domain's axes without those of size 1, neighbours joined where all strides allow.

    Axes in `apart` are not joined with others.
    """
    every = list(strides)
    axes: list[Axis] = []
    for k, size in enumerate(domain):
        if size == 1:
            continue
        before = axes[-1] if axes else None
        if (
            before is not None
            and (before.last in apart) == (k in apart)
            and all(s[before.last] == s[k] * size for s in every)
        ):
            axes[-1] = Axis(before.size * size, k, before.members | {k})
        else:
            axes.append(Axis(size, k, frozenset([k])))
    return axes


def strides_in(expressions: Iterable[Expression], views: Iterable[View]) -> list[Sequence[int]]:
    """How every array of a nest moves along the domain's axes."""
    found: list[Sequence[int]] = [view.strides for view in views]
    for expression in parts(expressions):
        if isinstance(expression, (Load, Lookup)):
            found.append(expression.strides)
    return found


class Pointers:
    """Addresses of buffers within one function, from its frame."""

    def __init__(self, f: FunctionBuilder) -> None:
        self.f = f
        self.arena = self.slot(0)
        f.forwarding.set_root(self.arena)

    def slot(self, number: int) -> str:
        """The address that stands in a slot now."""
        f = self.f
        return f.name(f"load ptr, ptr {f.offset('%frame', number, 8)}, align 8")

    def of(self, buffer: Buffer) -> str:
        """Where a buffer begins."""
        if buffer.slot is not None:
            return self.slot(buffer.slot)
        return self.f.offset(self.arena, buffer.offset, 1)


class Nest:
    """The values of expressions inside a loop nest."""

    def __init__(
        self, pointers: Pointers, axes: Sequence[Axis], expressions: Sequence[Expression],
        views: Sequence[View], site: Callable[[Lookup], int],
    ) -> None:  # fmt: skip
        self.f, self.axes, self.site = pointers.f, list(axes), site
        self.expressions = list(expressions)
        self.parts = parts(expressions)
        buffers = [e.buffer for e in self.parts if isinstance(e, (Load, Lookup))]
        buffers += [view.buffer for view in views]
        self.bases = {buffer: pointers.of(buffer) for buffer in dict.fromkeys(buffers)}
        self.error = f"%{self.f.fresh('error')}"
        self.f.emit(f"{self.error} = getelementptr i8, ptr %frame, i64 16")
        self.variables: dict[Axis, Index] = {}
        self.vector: Axis | None = None
        self.lanes = 1
        self.mask: Value | None = None
        self.known: dict[object, Value] = {}
        self.rows: dict[object, str] = {}
        self.prepare()

    # Depth

    @contextmanager
    def at(self, axis: Axis, index: Index) -> Iterator[None]:
        """Inside a loop over an axis."""
        known, rows = dict(self.known), dict(self.rows)
        self.variables[axis] = index
        self.prepare()
        yield
        del self.variables[axis]
        self.known, self.rows = known, rows

    @contextmanager
    def vectors(self, axis: Axis, index: Index, lanes: int, count: int | None) -> Iterator[None]:
        """At one vector of the last axis; `count` lanes of it if that is not all."""
        known, rows = dict(self.known), dict(self.rows)
        self.variables[axis] = index
        self.vector, self.lanes = axis, lanes
        self.mask = None if count is None or count == lanes else self.f.first_lanes(count, lanes)
        yield
        del self.variables[axis]
        self.vector, self.lanes, self.mask = None, 1, None
        self.known, self.rows = known, rows

    def varies(self, expression: Expression, axis: Axis | None) -> bool:
        """Whether an expression changes along an axis."""
        return axis is not None and bool(expression.axes & axis.members)

    def missing(self, expression: Expression) -> list[Axis]:
        """The axes not known yet that an expression varies with; that of vectors never is known."""
        known = self.variables.keys() - {self.vector}
        return [a for a in self.axes if a not in known and expression.axes & a.members]

    def prepare(self) -> None:
        """Compute what is known at this depth, before the loops inside begin."""
        lanes, mask = self.lanes, self.mask
        self.lanes, self.mask = 1, None
        for expression in self.expressions:
            self._prepare(expression)
        self.lanes, self.mask = lanes, mask

    def _prepare(self, expression: Expression) -> None:
        if isinstance(expression, Number) or expression in self.known:
            return
        if not self.missing(expression):
            self.value(expression)
            return
        for child in children(expression):
            self._prepare(child)

    def spread(self, axis: Axis, lanes: int) -> None:
        """Before a loop over vectors: what stays the same in it, in all lanes."""
        for expression in self.parts:
            if not self.varies(expression, axis):
                continue
            if isinstance(expression, Load) and self.missing(expression) == [axis]:
                self._row(expression, expression.offset, expression.strides, axis)
            elif isinstance(expression, (Apply, Truth)):
                for child in expression.inputs:
                    if child in self.known and not self.varies(child, axis):
                        key = (child, lanes)
                        if key not in self.known:
                            self.known[key] = self.f.splat(self.known[child], lanes)

    # Values

    def value(self, expression: Expression) -> Value:
        """The value at this place: a scalar, or a vector inside `vectors`."""
        f, lanes = self.f, self.lanes
        if isinstance(expression, Number):
            return f.constant(expression.value, expression.dtype, lanes)
        if lanes > 1 and not self.varies(expression, self.vector):
            key = (expression, lanes)
            if key not in self.known:
                self.known[key] = f.splat(self._scalar(expression), lanes)
            return self.known[key]
        found = self.known.get(expression)
        if found is None:
            found = self.known[expression] = self._compute(expression)
        return found

    def _scalar(self, expression: Expression) -> Value:
        found = self.known.get(expression)
        if found is None:
            lanes, mask, vector = self.lanes, self.mask, self.vector
            self.lanes, self.mask, self.vector = 1, None, None
            found = self.value(expression)
            self.lanes, self.mask, self.vector = lanes, mask, vector
        return found

    def _compute(self, expression: Expression) -> Value:
        if isinstance(expression, Load):
            return self._load(expression)
        if isinstance(expression, Lookup):
            pointer, step = self.address(expression)
            return self.read(pointer, expression.dtype, step)
        if isinstance(expression, Truth):
            return self.f.convert(self.value(expression.inputs[0]), BOOL)
        assert isinstance(expression, Apply)
        return compute(self.f, expression.node, [self.value(x) for x in expression.inputs])

    def _load(self, load: Load) -> Value:
        pointer, step = self.pointer(load, load.buffer, load.offset, load.strides)
        return self.read(pointer, load.dtype, step)

    def read(self, pointer: str, dtype: np.dtype[np.generic], step: int | Value) -> Value:
        """Numbers from an address on, `step` numbers apart, or at a vector of offsets."""
        f = self.f
        if self.lanes == 1 or _is_next(step):
            return f.load(pointer, dtype, self.lanes, self.mask)
        return f.gather(pointer, dtype, self._offsets(step), self._whole_mask())

    def write(self, x: Value, pointer: str, step: int | Value) -> None:
        """Numbers to an address, `step` numbers apart, or to a vector of offsets."""
        f = self.f
        if self.lanes == 1 or _is_next(step):
            f.store(x, pointer, self.mask)
        else:
            f.scatter(x, pointer, self._offsets(step), self._whole_mask())

    def _offsets(self, step: int | Value) -> Value:
        if isinstance(step, Value):
            return step
        return self.f.vector([k * step for k in range(self.lanes)], I64)

    def _whole_mask(self) -> Value:
        return self.mask or self.f.constant(True, BOOL, self.lanes)

    # Addresses

    def store(self, x: Value, view: View) -> None:
        """Write a value at the nest's place in a view of the domain."""
        pointer, step = self.pointer(view, view.buffer, view.offset, view.strides)
        self.write(x, pointer, step)

    def pointer(
        self, key: object, buffer: Buffer, offset: int, strides: Sequence[int]
    ) -> tuple[str, int]:
        """The address of this place's first number, and the step from lane to lane."""
        size = buffer.dtype.itemsize
        if self.vector is None:
            return self._at(buffer, offset, strides, None), 0
        row = self._row(key, offset, strides, self.vector, buffer)
        step = strides[self.vector.last]
        place = self.f.times(self.variables[self.vector], step)
        return self.f.offset(row, place, size), step

    def _row(
        self, key: object, offset: int, strides: Sequence[int], axis: Axis,
        buffer: Buffer | None = None,
    ) -> str:  # fmt: skip
        if key not in self.rows:
            found = buffer if buffer is not None else key.buffer  # type: ignore[attr-defined]
            self.rows[key] = self._at(found, offset, strides, axis)
        return self.rows[key]

    def _at(self, buffer: Buffer, offset: int, strides: Sequence[int], without: Axis | None) -> str:
        place: Index = offset
        for axis, variable in self.variables.items():
            if axis is not without and strides[axis.last]:
                place = self.f.plus(place, self.f.times(variable, strides[axis.last]))
        return self.f.offset(self.bases[buffer], place, buffer.dtype.itemsize)

    def address(self, lookup: Lookup) -> tuple[str, int | Value]:
        """The address that a lookup names, its indices checked."""
        f, size = self.f, lookup.buffer.dtype.itemsize
        pointer, step = self.pointer(lookup, lookup.buffer, lookup.offset, lookup.strides)
        together = any(self.varies(index, self.vector) for index, _, _ in lookup.indices)
        lanes = self.lanes if together else 1
        total: Value | None = None
        for index, length, stride in lookup.indices:
            x = self.value(index) if together else self._scalar(index)
            place = self._inside(f.convert(x, I64), length, lookup, lanes) * stride
            total = place if total is None else total + place
        if total is None:  # slices alone
            return pointer, step
        if lanes == 1:
            return f.offset(pointer, total.name, size), step
        if step:
            total = total + f.vector([k * step for k in range(lanes)], I64)
        return pointer, total

    def _inside(self, x: Value, length: int, lookup: Lookup, lanes: int) -> Value:
        """An index counted from the front; one outside is noted, and read as 0."""
        f = self.f
        x = f.select(x < 0, x + length, x)
        unsigned = f.bitcast(x, np.dtype(np.uint64))
        fine = unsigned < length
        bad = fine ^ True
        if self.mask is not None and lanes > 1:
            bad = bad & self.mask
        with f.when(any_lane(f, bad)):
            f.emit(f"store i64 {self.site(lookup)}, ptr {self.error}, align 8")
        return f.select(fine, x, 0)


def _is_next(step: int | Value) -> bool:
    """Whether the lanes lie side by side."""
    return isinstance(step, int) and step == 1


def lanes_for(dtypes: Iterable[np.dtype[np.generic]], size: int) -> int:
    """How many numbers at once: as many as the widest dtype allows, and as there are."""
    widest = max((d.itemsize for d in dtypes if d.kind != "b"), default=1)
    lanes = max(1, host().vector_bytes // max(widest, 4))
    while lanes // 2 >= size:
        lanes //= 2
    return lanes
