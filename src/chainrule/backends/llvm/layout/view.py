"""Where numbers lie: buffers, and views of them that reshape, cut and turn without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from ....graph.types import Shape


@dataclass(eq=False)
class Buffer:
    """Room for `size` numbers: a place in the arena, or what a slot of the frame points to.

    Attributes
    ----------
    size : int
    dtype : dtype
    slot : int or None
        Which slot of the frame holds its address; None in the arena.
    offset : int
        Its first byte in the arena, once the plan has placed it.
    """

    size: int
    dtype: np.dtype[Any]
    slot: int | None = None
    offset: int = -1

    @property
    def nbytes(self) -> int:
        """Bytes that it needs."""
        return self.size * self.dtype.itemsize


def dense(shape: Shape) -> tuple[int, ...]:
    """Strides, in numbers, of an array whose last axis varies fastest."""
    return tuple(prod(shape[k + 1 :]) for k in range(len(shape)))


@dataclass(frozen=True)
class View:
    """An array in a buffer; offset and strides count numbers, not bytes."""

    buffer: Buffer
    offset: int
    shape: Shape
    strides: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""
        return self.buffer.dtype

    @property
    def is_dense(self) -> bool:
        """Whether the numbers follow each other without gaps, the last axis fastest."""
        expected = dense(self.shape)
        pairs = zip(self.shape, self.strides, expected, strict=True)
        return 0 in self.shape or all(size == 1 or a == b for size, a, b in pairs)

    @property
    def order(self) -> tuple[int, ...]:
        """The axes, those first along which numbers lie farthest apart."""
        if any(stride == 0 and size > 1 for stride, size in zip(self.strides, self.shape,
                                                                strict=True)):  # fmt: skip
            return tuple(range(len(self.shape)))  # repeated: no memory to follow
        return tuple(sorted(range(len(self.shape)), key=lambda k: -abs(self.strides[k])))

    @classmethod
    def whole(cls, buffer: Buffer, shape: Shape, order: Sequence[int] | None = None) -> View:
        """All of a buffer as a dense array; its axes may lie in another order."""
        if order is None:
            return cls(buffer, 0, shape, dense(shape))
        turned = cls(buffer, 0, tuple(shape[k] for k in order), ())
        turned = replace(turned, strides=dense(turned.shape))
        return turned.transposed([list(order).index(k) for k in range(len(shape))])

    def transposed(self, axes: Sequence[int]) -> View:
        """With axes in another order."""
        return replace(
            self,
            shape=tuple(self.shape[k] for k in axes),
            strides=tuple(self.strides[k] for k in axes),
        )

    def cut(self, index: Sequence[slice]) -> View:
        """A basic slice."""
        offset, shape, strides = self.offset, [], []
        for part, size, stride in zip(index, self.shape, self.strides, strict=True):
            taken = range(*part.indices(size))
            offset += taken.start * stride if len(taken) else 0
            shape.append(len(taken))
            strides.append(stride * taken.step)
        return View(self.buffer, offset, tuple(shape), tuple(strides))

    def broadcast(self, shape: Shape) -> View:
        """Repeated along new axes and axes of size 1."""
        extra = len(shape) - len(self.shape)
        strides = [0] * extra + [
            0 if old == 1 else stride for old, stride in zip(self.shape, self.strides, strict=True)
        ]
        return View(self.buffer, self.offset, shape, tuple(strides))

    def reshaped(self, shape: Shape) -> View | None:
        """In another shape, if that needs no copy."""
        if self.is_dense:
            return View(self.buffer, self.offset, shape, dense(shape))
        strides = _reshaped_strides(self.shape, self.strides, shape)
        return None if strides is None else View(self.buffer, self.offset, shape, strides)


def _reshaped_strides(shape: Shape, strides: Sequence[int], new: Shape) -> tuple[int, ...] | None:
    """Strides of the new shape over the same numbers: runs of axes are cut at common borders."""
    old = [(size, stride) for size, stride in zip(shape, strides, strict=True) if size != 1]
    result = [0] * len(new)
    targets = [k for k, size in enumerate(new) if size != 1]
    a = b = 0
    while a < len(old):
        first_a, first_b = a, b
        size_a, size_b = old[a][0], new[targets[b]]
        while size_a != size_b:
            if size_a < size_b:
                a += 1
                size_a *= old[a][0]
            else:
                b += 1
                size_b *= new[targets[b]]
        for k in range(first_a, a):  # the old axes of a run must follow each other
            if old[k][1] != old[k + 1][1] * old[k + 1][0]:
                return None
        stride = old[a][1]
        for k in range(b, first_b - 1, -1):
            result[targets[k]] = stride
            stride *= new[targets[k]]
        a, b = a + 1, b + 1
    return tuple(result)
