"""Buffers, and strided views of them: reshaped, sliced and transposed without a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from ....graph.types import Shape


@dataclass(frozen=True, eq=False)
class Buffer:
    """Memory for `size` numbers, in the arena or at an address that stands in the frame.

    Attributes
    ----------
    size : int
    dtype : dtype
    word : int or None
        Which word of the frame holds its address; None for a buffer in the arena.
    """

    size: int
    dtype: np.dtype[Any]
    word: int | None = None

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return self.size * self.dtype.itemsize


@dataclass(frozen=True)
class Arena:
    """Where buffers lie in the memory that a call sets aside.

    Attributes
    ----------
    offsets : mapping of Buffer to int
        In bytes. Buffers with disjoint lifetimes share memory.
    nbytes : int
    """

    offsets: Mapping[Buffer, int]
    nbytes: int


def contiguous_strides(shape: Shape) -> tuple[int, ...]:
    """Return the strides of a C-contiguous array, counted in numbers."""
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
        """Dtype of the buffer."""
        return self.buffer.dtype

    @property
    def is_contiguous(self) -> bool:
        """Whether the view is C-contiguous."""
        expected = contiguous_strides(self.shape)
        pairs = zip(self.shape, self.strides, expected, strict=True)
        return 0 in self.shape or all(size == 1 or a == b for size, a, b in pairs)

    @property
    def axes_by_stride(self) -> tuple[int, ...]:
        """The axes, sorted by decreasing stride."""
        if any(stride == 0 and size > 1 for stride, size in zip(self.strides, self.shape,
                                                                strict=True)):  # fmt: skip
            return tuple(range(len(self.shape)))  # broadcast: no order in memory
        return tuple(sorted(range(len(self.shape)), key=lambda k: -abs(self.strides[k])))

    @classmethod
    def whole(cls, buffer: Buffer, shape: Shape, order: Sequence[int] | None = None) -> View:
        """View a whole buffer; `order` lists the axes by decreasing stride."""
        if order is None:
            return cls(buffer, 0, shape, contiguous_strides(shape))
        permuted = cls(buffer, 0, tuple(shape[k] for k in order), ())
        permuted = replace(permuted, strides=contiguous_strides(permuted.shape))
        return permuted.transposed([list(order).index(k) for k in range(len(shape))])

    def transposed(self, axes: Sequence[int]) -> View:
        """Permute the axes."""
        return replace(
            self,
            shape=tuple(self.shape[k] for k in axes),
            strides=tuple(self.strides[k] for k in axes),
        )

    def sliced(self, index: Sequence[slice]) -> View:
        """Take a basic slice."""
        offset, shape, strides = self.offset, [], []
        for part, size, stride in zip(index, self.shape, self.strides, strict=True):
            taken = range(*part.indices(size))
            offset += taken.start * stride if len(taken) else 0
            shape.append(len(taken))
            strides.append(stride * taken.step)
        return View(self.buffer, offset, tuple(shape), tuple(strides))

    def broadcast(self, shape: Shape) -> View:
        """Broadcast to a larger shape."""
        extra = len(shape) - len(self.shape)
        strides = [0] * extra + [
            0 if old == 1 else stride for old, stride in zip(self.shape, self.strides, strict=True)
        ]
        return View(self.buffer, self.offset, shape, tuple(strides))

    def reshaped(self, shape: Shape) -> View | None:
        """Reshape; None if that needs a copy."""
        if self.is_contiguous:
            return View(self.buffer, self.offset, shape, contiguous_strides(shape))
        strides = _reshaped_strides(self.shape, self.strides, shape)
        return None if strides is None else View(self.buffer, self.offset, shape, strides)


def _reshaped_strides(shape: Shape, strides: Sequence[int], new: Shape) -> tuple[int, ...] | None:
    """Return strides of the new shape over the same numbers, or None.

    Old and new axes are grouped into runs of equal size; an old run must be contiguous in itself.
    """
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
