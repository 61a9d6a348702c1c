"""What a loop reads at each iteration, as one array before it; what it wrote, as one after it."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...graph.node import CONSTANT, Node, constant
from ...graph.types import Array
from ...primitives.indexing import gather, scatter
from ...primitives.structure import reshape, slice_, transpose
from .segments import varying_axes

Sizes = tuple[int, ...]


def cut(source: Node, index: tuple[slice, ...]) -> Node:
    """Slice, unless all is taken."""
    whole = all(
        s.start == 0 and s.stop == size and s.step == 1
        for s, size in zip(index, source.shape, strict=True)
    )
    return source if whole else slice_(source, index=index)


def reshaped(source: Node, shape: Sizes) -> Node:
    return source if source.shape == shape else reshape(source, shape=shape)


def move_axis(source: Node, origin: int, target: int) -> Node:
    """Return the array with one axis somewhere else."""
    if origin == target:
        return source
    axes = [axis for axis in range(len(source.shape)) if axis != origin]
    axes.insert(target, origin)
    return transpose(source, axes=tuple(axes))  # type: ignore[no-any-return]


def _whole(shape: Sizes) -> list[Any]:
    return [slice(0, size, 1) for size in shape]


def progression(numbers: Array) -> int | None:
    """Return the step of an arithmetic progression; None if it is none."""
    steps = np.diff(numbers)
    return int(steps[0]) if (steps == steps[0]).all() else None


def stepping_slice(numbers: Array, step: int) -> slice:
    """Return the slice that takes the numbers of a progression."""
    first, last = int(numbers[0]), int(numbers[-1])
    if step > 0:
        return slice(first, last + 1, step)
    return slice(first, last - 1 if last else None, step)


def stacked_slices(source: Node, starts: Array, sizes: Sizes) -> Node:
    """Return slices of one array, each of `sizes`, stacked along a new first axis.

    Parameters
    ----------
    starts : array of shape (slices, axes)
        Where each begins.
    """
    length = len(starts)
    if source.primitive is CONSTANT and not any(np.asarray(source.value).strides):
        value = np.asarray(source.value)
        return constant(np.broadcast_to(value.ravel()[0], (length, *sizes)))
    axes = varying_axes(starts)
    if len(axes) > 1:
        source, starts, inner = _with_one_axis(source, starts, sizes, axes)
        return reshaped(stacked_slices(source, starts, inner), (length, *sizes))
    (axis,) = axes
    numbers, size = starts[:, axis], sizes[axis]
    step = progression(numbers)
    index = [slice(s, s + n, 1) for s, n in zip(starts[0].tolist(), sizes, strict=True)]
    if step is not None and size == 1:
        index[axis] = stepping_slice(numbers, step)
        stack = cut(source, tuple(index))
    elif step == size:
        index[axis] = slice(int(numbers[0]), int(numbers[-1]) + size, 1)
        stack = cut(source, tuple(index))
        stack = reshaped(stack, (*stack.shape[:axis], length, size, *stack.shape[axis + 1 :]))
    else:
        index[axis] = slice(0, source.shape[axis], 1)
        stack = cut(source, tuple(index))
        pattern = _whole(stack.shape)
        pattern[axis] = 0
        rows = numbers[:, None] + np.arange(size)
        stack = gather(stack, constant(rows), pattern=tuple(pattern))
    return reshaped(move_axis(stack, axis, 0), (length, *sizes))


def _with_one_axis(
    source: Node, starts: Array, sizes: Sizes, axes: list[int]
) -> tuple[Node, Array, Sizes]:
    """Return an array whose first axis is those of `axes`, along which single entries are taken."""
    rest = [axis for axis in range(len(sizes)) if axis not in axes]
    index = _whole(source.shape)
    for axis in rest:
        index[axis] = slice(int(starts[0, axis]), int(starts[0, axis]) + sizes[axis], 1)
    source = cut(source, tuple(index))
    if axes + rest != list(range(len(sizes))):
        source = transpose(source, axes=(*axes, *rest))
    lengths = source.shape[: len(axes)]
    source = reshaped(source, (prod(lengths), *source.shape[len(axes) :]))
    flat = np.ravel_multi_index(tuple(starts[:, axis] for axis in axes), lengths)
    flat_starts = np.zeros((len(starts), 1 + len(rest)), np.int64)
    flat_starts[:, 0] = flat
    return source, flat_starts, (1, *[sizes[axis] for axis in rest])


def are_distinct(starts: Array, sizes: Sizes) -> bool:
    """Return whether slices at these starts do not overlap."""
    axes = varying_axes(starts)
    if len(axes) > 1:
        return len(np.unique(starts[:, axes], axis=0)) == len(starts)
    numbers = np.sort(starts[:, axes[0]])
    return bool((np.diff(numbers) >= sizes[axes[0]]).all())


def is_writable(starts: Array, sizes: Sizes) -> bool:
    """Return whether `written` can write slices at these starts."""
    axes = varying_axes(starts)
    if len(axes) > 1 or sizes[axes[0]] == 1:
        return True
    return progression(starts[:, axes[0]]) == sizes[axes[0]]


def written(array: Node, stack: Node, starts: Array) -> Node:
    """Return the array with stacked slices of it written at `starts`; see `is_writable`."""
    sizes = stack.shape[1:]
    axes = varying_axes(starts)
    if len(axes) == 1 and (step := progression(starts[:, axes[0]])) is not None:
        return _written_in_steps(array, stack, starts[:, axes[0]], axes[0], step)
    lengths = tuple(array.shape[axis] for axis in axes)
    flat = np.ravel_multi_index(tuple(starts[:, axis] for axis in axes), lengths)
    rest = tuple(size for axis, size in enumerate(sizes) if axis not in axes)
    stack = reshaped(stack, (len(starts), *rest))
    leading = axes == list(range(len(axes)))
    if leading and stack.dtype == array.dtype and np.array_equal(flat, np.arange(prod(lengths))):
        return reshaped(stack, array.shape)
    pattern = _whole(array.shape)
    for number, axis in enumerate(axes):
        pattern[axis] = number
    arrays = [constant(np.ascontiguousarray(starts[:, axis])) for axis in axes]
    if axes == list(range(axes[0], axes[0] + len(axes))):  # side by side: NumPy's new axis is there
        stack = move_axis(stack, 0, axes[0])
    return scatter(array, stack, *arrays, pattern=tuple(pattern))  # type: ignore[no-any-return]


def _written_in_steps(array: Node, stack: Node, numbers: Array, axis: int, step: int) -> Node:
    size = stack.shape[1 + axis]
    if step < 0:
        index = _whole(stack.shape)
        index[0] = slice(len(numbers) - 1, None, -1)
        stack, numbers, step = slice_(stack, index=tuple(index)), numbers[::-1], -step
    shape = list(stack.shape[1:])
    shape[axis] = size * len(numbers)
    stack = reshaped(move_axis(stack, 0, axis), tuple(shape))
    if stack.shape == array.shape and stack.dtype == array.dtype:
        return stack
    pattern = _whole(array.shape)
    first, last = int(numbers[0]), int(numbers[-1])
    pattern[axis] = slice(first, last + size, 1 if size > 1 else step)
    return scatter(array, stack, pattern=tuple(pattern))  # type: ignore[no-any-return]


# Inside of a loop: slices that start where an index says


def slice_at(source: Node, starts: Array, sizes: Sizes, rows: list[Node]) -> Node:
    """Slice at index arrays, `rows`, along each axis that varies."""
    axes = varying_axes(starts)
    index = _whole(source.shape)
    for axis, size in enumerate(sizes):
        if axis not in axes:
            index[axis] = slice(int(starts[0, axis]), int(starts[0, axis]) + size, 1)
    source = cut(source, tuple(index))
    for axis, row in zip(axes, rows, strict=True):
        pattern = _whole(source.shape)
        pattern[axis] = 0
        source = gather(source, row, pattern=tuple(pattern))
    return source


def write_at(array: Node, v: Node, starts: Array, rows: list[Node]) -> Node:
    """Write one slice at index arrays; along several axes it has one entry each."""
    axes = varying_axes(starts)
    pattern: list[Any] = [
        slice(s, s + size, 1) for s, size in zip(starts[0].tolist(), v.shape, strict=True)
    ]
    for number, axis in enumerate(axes):
        pattern[axis] = number
    if len(axes) > 1:
        rest = [size for axis, size in enumerate(v.shape) if axis not in axes]
        adjacent = axes == list(range(axes[0], axes[0] + len(axes)))
        rest.insert(axes[0] if adjacent else 0, 1)
        v = reshaped(v, tuple(rest))
    return scatter(array, v, *rows, pattern=tuple(pattern))  # type: ignore[no-any-return]
