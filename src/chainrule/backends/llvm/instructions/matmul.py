"""Matrix products as calls to the library, whole or in parts, or written out if they are tiny."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from ..emit.loop_nest import Pointers
from ..emit.loops import Span
from ..ir.builder import FunctionBuilder
from ..ir.types import Index
from ..layout.view import View
from .base import Product
from .unrolled_matmul import emit_tiny


def flattened(step: Product) -> Product | None:
    """The leading axes as rows of one product, if they have the right matrix in common."""
    lead = len(step.view.shape) - 2
    rows = prod(step.view.shape[:-1])
    if not lead or not rows or any(step.right.strides[:lead]):
        return None
    for v in (step.left, step.view):
        following = v.strides[-2] * v.shape[-2]
        for size, stride in zip(v.shape[lead - 1 :: -1], v.strides[lead - 1 :: -1], strict=True):
            if size != 1 and stride != following:
                return None
            following *= size
    left, view = (
        View(v.buffer, v.offset, (rows, v.shape[-1]), v.strides[-2:])
        for v in (step.left, step.view)
    )
    right = replace(step.right, shape=step.right.shape[-2:], strides=step.right.strides[-2:])
    return Product(left, right, view, each=rows // step.view.shape[0])


class ProductEmitter:
    """Writes products into a function."""

    f: FunctionBuilder
    pointers: Pointers

    def tiny(self, step: Product) -> None:
        """A product that is written out."""
        views = {"left": step.left, "right": step.right, "result": step.view}
        bases = {name: self.pointers.of(view.buffer) for name, view in views.items()}

        def address(name: str, row: int, column: int) -> str:
            view = views[name]
            place = view.offset + row * view.strides[-2] + column * view.strides[-1]
            return self.f.offset(bases[name], place, view.dtype.itemsize)

        emit_tiny(self.f, step, address)

    def product_chunk(self, step: Product, chunk: str, size: Index) -> None:
        """Some rows, columns or leading places of a product."""
        f, axis = self.f, step.axis
        start = f.name(f"mul i64 {chunk}, {size}")
        count = f.smaller(f.name(f"sub i64 {step.extent}, {start}"), size)
        if axis < len(step.view.shape) - 2:
            with f.loop(0, count) as loop:
                place = f.plus(start, loop.index)
                self.product(step, (place,), chunk=chunk)
            return
        self.product(step, part=(start, count), chunk=chunk)

    def product_rows(self, step: Product, start: str, count: str, chunk: str) -> None:
        """Some places of the first axis, as the graph has it."""
        if len(step.view.shape) == 2:
            part = self.f.times(start, step.each), self.f.times(count, step.each)
            self.product(step, part=part, chunk=chunk)
            return
        with self.f.loop(0, count) as loop:
            self.product(step, (self.f.plus(start, loop.index),), chunk=chunk)

    def address(self, view: View, *places: tuple[Index, int]) -> str:
        """A view's first number, moved by (index, stride) along some axes."""
        f = self.f
        place: Index = view.offset
        for index, stride in places:
            place = f.plus(place, f.times(index, stride))
        return f.offset(self.pointers.of(view.buffer), place, view.dtype.itemsize)

    def product(
        self, step: Product, places: tuple[Index, ...] = (), part: Span | None = None,
        chunk: Index = 0,
    ) -> None:  # fmt: skip
        """Matrix products, a loop for each leading axis; `part` of the rows or columns."""
        f, view, axis = self.f, step.view, len(places)
        if 0 in view.shape:
            return
        if axis < len(view.shape) - 2:
            with f.loop(0, view.shape[axis]) as loop:
                self.product(step, (*places, loop.index), part, chunk)
            return
        moved: list[list[tuple[Index, int]]] = [
            list(zip(places, v.strides[:axis], strict=True)) for v in (step.left, step.right, view)
        ]
        sizes: list[Index] = list(view.shape[-2:])
        if part is not None:
            cut = step.axis - axis  # 0 for rows, 1 for columns
            moved[cut].append((part[0], (step.left.strides[-2], step.right.strides[-1])[cut]))
            moved[2].append((part[0], view.strides[step.axis]))
            sizes[cut] = part[1]
        left, right, result = (
            self.address(v, *steps)
            for v, steps in zip((step.left, step.right, view), moved, strict=True)
        )
        scratch = "null"
        if step.scratch is not None:
            share = step.scratch.nbytes // step.chunks
            scratch = f.offset(self.pointers.of(step.scratch), f.times(chunk, share), 1)
        a = (left, step.left.strides[-2], step.left.strides[-1])
        b = (right, step.right.strides[-2], step.right.strides[-1])
        c_row = view.strides[-2]
        routine = step.routine
        if routine.turned:  # C.T = B.T @ A.T
            a, b = (b[0], b[2], b[1]), (a[0], a[2], a[1])
            sizes.reverse()
            c_row = 1
        name = f"{routine.name}_f{view.dtype.itemsize * 8}"
        kinds = "i64, i64, i64, ptr, i64, i64, ptr, i64, i64, ptr, i64, i64, ptr"
        f.declare(name, f"declare void @{name}({kinds})")
        f.emit(
            f"call void @{name}(i64 {sizes[0]}, i64 {sizes[1]}, i64 {step.left.shape[-1]}, "
            f"ptr {a[0]}, i64 {a[1]}, i64 {a[2]}, ptr {b[0]}, i64 {b[1]}, i64 {b[2]}, "
            f"ptr {result}, i64 {c_row}, i64 0, ptr {scratch})"
        )
