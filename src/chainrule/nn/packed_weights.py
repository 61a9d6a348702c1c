"""Weights in the order in which compiled products read them: see `kernels.packed_products`."""

from __future__ import annotations

from typing import Any

import numpy as np

COLUMNS = 16  # outputs that are kept together


def packed(weight: Any, group: int) -> Any:
    """Return weights with the rows of a group, and 16 outputs, together.

    Parameters
    ----------
    weight : array of shape (inputs, outputs), or (height, width, inputs, outputs)
        Of a dense layer or of a convolution.
    group : int
        Numbers that are summed along a row and kept together: 4 bytes, or 2 of bfloat16.

    Returns
    -------
    array of shape (blocks, height, groups, 16 * group)
        With zeros at the end of the rows and of the outputs. A dense layer has height 1.
    """
    shape = _summed(weight.shape)
    whole = _whole(shape, group)
    padding = [(0, size - n) for n, size in zip(shape, whole, strict=True)]
    height, rows, outputs = whole
    blocks = np.pad(weight.reshape(shape), padding).reshape(
        height, rows // group, group, outputs // COLUMNS, COLUMNS
    )
    ordered = np.ascontiguousarray(blocks.transpose(3, 0, 1, 4, 2))
    return ordered.reshape(packed_shape(weight.shape, group))


def unpacked(weight: Any, shape: tuple[int, ...], group: int) -> Any:
    """Return the weights of this shape that `packed` was given: see `fuse.packed_operands`."""
    height, rows, outputs = _summed(shape)
    ordered = weight.reshape(*weight.shape[:3], COLUMNS, group)
    matrix = ordered.transpose(1, 2, 4, 0, 3).reshape(_whole((height, rows, outputs), group))
    return matrix[:, :rows, :outputs].reshape(shape)


def packed_shape(shape: tuple[int, ...], group: int) -> tuple[int, ...]:
    """Return the shape of `packed` weights."""
    height, rows, outputs = _whole(_summed(shape), group)
    return (outputs // COLUMNS, height, rows // group, COLUMNS * group)


def _summed(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Return the rows of a kernel, the numbers that follow each other in one, and the outputs."""
    if len(shape) == 2:
        return 1, shape[0], shape[1]
    height, width, channels, outputs = shape
    return height, width * channels, outputs


def _whole(shape: tuple[int, int, int], group: int) -> tuple[int, int, int]:
    height, rows, outputs = shape
    return height, -(-rows // group) * group, -(-outputs // COLUMNS) * COLUMNS
