"""Convolution: one primitive for the forward pass and both of its derivatives.

With x of shape (..., N, H, W, C) and w of shape (..., KH, KW, C, O)::

    y[n, i, j, o] = sum over k, l, c of x[n, s i + d k, s j + d l, c] w[k, l, c, o]

for strides s and dilation d of each axis. It is linear in both. By x it is a convolution of the
cotangent, spread out by s, with the kernel turned by 180 degrees; by w one of x with the cotangent
as the kernel, the rows being summed over and strides and dilation exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.types import Type, broadcast_shapes
from .declare import declared, fit
from .structure import place, slice_, transpose

Pair = tuple[int, int]


def _conv_type(x: Type, w: Type, *, strides: Pair, dilation: Pair) -> Type:
    if len(x.shape) < 4 or len(w.shape) < 4 or x.shape[-1] != w.shape[-2]:
        raise ShapeError(
            at_user_line(
                f"conv: shapes {x.shape} and {w.shape} do not fit: x is (..., N, H, W, C) and w is "
                "(..., KH, KW, C, O) with the same C"
            )
        )
    sizes = []
    for size, kernel, s, d in zip(x.shape[-3:-1], w.shape[-4:-2], strides, dilation, strict=True):
        reach = (kernel - 1) * d + 1
        if not 0 < reach <= size:
            raise ShapeError(
                at_user_line(
                    f"conv: a kernel of {kernel} with dilation {d} reaches over {reach} places, "
                    f"and x has {size} (shapes {x.shape} and {w.shape}): pad x, or take a smaller "
                    "kernel"
                )
            )
        sizes.append((size - reach) // s + 1)
    lead = broadcast_shapes("conv", x.shape[:-4], w.shape[:-4])
    return Type((*lead, x.shape[-4], *sizes, w.shape[-1]), np.result_type(x.dtype, w.dtype))


def _evaluate(xp: Any, x: Any, w: Any, *, strides: Pair, dilation: Pair) -> Any:
    """As one product of windows, copied out of x, with the kernel."""
    *_, height, width, columns = x.shape
    *_, kernel_h, kernel_w, _, outputs = w.shape
    rows = _windows(height, kernel_h, strides[0], dilation[0])
    cells = _windows(width, kernel_w, strides[1], dilation[1])
    windows = x[..., rows[:, None, :, None], cells[None, :, None, :], :]
    depth = kernel_h * kernel_w * columns
    flat = windows.reshape((*x.shape[:-3], len(rows) * len(cells), depth))
    y = xp.matmul(flat, w.reshape((*w.shape[:-4], 1, depth, outputs)))
    return y.reshape((*y.shape[:-2], len(rows), len(cells), outputs))


def _windows(size: int, kernel: int, stride: int, dilation: int) -> Any:
    """Which places each window holds, shape (windows, kernel)."""
    starts = np.arange(0, size - (kernel - 1) * dilation, stride)
    return starts[:, None] + dilation * np.arange(kernel)


def _vjp(
    g: Any, _y: Any, x: Any, w: Any, *, strides: Pair, dilation: Pair, needs: Sequence[bool]
) -> list[Any]:
    return [
        fit(by_input(g, x.shape[-3:-1], w, strides, dilation), x) if needs[0] else None,
        fit(_by_kernel(g, x, w.shape[-4:-2], strides, dilation), w) if needs[1] else None,
    ]


def by_input(g: Any, sizes: tuple[int, ...], w: Any, strides: Sequence[int], dilation: Pair) -> Any:
    """What a convolution's cotangent gives its input of (H, W) = `sizes`."""
    shape, index = [], []
    for axis, size in enumerate(sizes):
        start = (w.shape[axis - 4] - 1) * dilation[axis]
        end = start + (g.shape[axis - 3] - 1) * strides[axis] + 1
        shape.append(size + start)
        index.append(slice(start, end, strides[axis]))
    whole = [slice(None)] * (len(g.shape) - 3)
    spread = place(
        g, shape=(*g.shape[:-3], *shape, g.shape[-1]), index=(*whole, *index, slice(None))
    )
    rank = len(w.shape)
    turned = slice_(w, index=(*whole[1:][: rank - 4], *_BACK, slice(None), slice(None)))
    turned = transpose(turned, axes=(*range(rank - 2), rank - 1, rank - 2))
    return conv(spread, turned, strides=(1, 1), dilation=dilation)


_BACK = (slice(None, None, -1), slice(None, None, -1))


def _by_kernel(g: Any, x: Any, kernel: tuple[int, ...], strides: Pair, dilation: Pair) -> Any:
    used = [
        slice(0, (g.shape[axis - 3] - 1) * strides[axis] + 1 + (kernel[axis] - 1) * dilation[axis])
        for axis in range(2)
    ]
    whole = [slice(None)] * (len(x.shape) - 3)
    x = slice_(x, index=(*whole, *used, slice(None)))
    rank = len(x.shape)
    x = transpose(x, axes=(*range(rank - 4), rank - 1, rank - 3, rank - 2, rank - 4))
    rank = len(g.shape)
    g = transpose(g, axes=(*range(rank - 4), rank - 3, rank - 2, rank - 4, rank - 1))
    made = conv(x, g, strides=dilation, dilation=strides)  # (..., C, KH, KW, O)
    rank = len(made.shape)
    return transpose(made, axes=(*range(rank - 4), rank - 3, rank - 2, rank - 4, rank - 1))


def _jvp(tangents: Sequence[Any], _y: Any, x: Any, w: Any, *, strides: Pair, dilation: Pair) -> Any:
    tx, tw = tangents
    left = None if tx is None else conv(tx, w, strides=strides, dilation=dilation)
    right = None if tw is None else conv(x, tw, strides=strides, dilation=dilation)
    if left is None or right is None:
        return right if left is None else left
    return left + right


conv = declared(
    "conv",
    _evaluate,
    _conv_type,
    _vjp,
    _jvp,
    selective=True,
    family="bilinear",
    doc="Convolution without padding over two axes of rows with their features last.",
)
