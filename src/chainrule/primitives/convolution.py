"""Convolution: one primitive for the forward pass and both of its derivatives.

With x of shape (..., N, H, W, C) and w of shape (..., KH, KW, C, O)::

    y[n, i, j, o] = sum over k, l, c of x[n, s i + d k, s j + d l, c] w[k, l, c, o]

for strides s and dilation d of each axis. It is linear in both. By x it is a convolution of the
cotangent, spread out by s, with the kernel rotated by 180 degrees; by w one of x with the cotangent
as the kernel, the rows being summed over and strides and dilation exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.types import Type, broadcast_shapes
from .declare import aligned, declared, unbroadcast
from .operators import swap_last
from .structure import pad, reshape, slice_, transpose

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
                    f"conv: a kernel of {kernel} with dilation {d} reaches over {reach} pixels, "
                    f"and x has {size} (shapes {x.shape} and {w.shape}): pad x, or take a smaller "
                    "kernel"
                )
            )
        sizes.append((size - reach) // s + 1)
    lead = broadcast_shapes("conv", x.shape[:-4], w.shape[:-4])
    return Type((*lead, x.shape[-4], *sizes, w.shape[-1]), np.result_type(x.dtype, w.dtype))


def _evaluate(xp: Any, x: Any, w: Any, *, strides: Pair, dilation: Pair) -> Any:
    """Compute the convolution as one product of windows, copied out of x, with the kernel."""
    if strides == dilation == (1, 1) and x.size == x.shape[-2] and w.size == w.shape[-3]:
        y = xp.correlate(x.ravel(), w.ravel(), "valid")  # one sequence: no windows are copied
        return y.reshape((*np.broadcast_shapes(x.shape[:-4], w.shape[:-4]), 1, 1, -1, 1))
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
    """Return the positions along an axis that each window reads, shape (windows, kernel)."""
    starts = np.arange(0, size - (kernel - 1) * dilation, stride)
    return starts[:, None] + dilation * np.arange(kernel)


def _vjp(
    g: Any,
    _y: Any,
    x: Any,
    w: Any,
    *,
    strides: Pair,
    dilation: Pair,
    needs_input_grad: Sequence[bool],
) -> list[Any]:
    return [
        unbroadcast(conv_input_grad(g, x.shape[-3:-1], w, strides, dilation), x)
        if needs_input_grad[0]
        else None,
        unbroadcast(_conv_kernel_grad(g, x, w.shape[-4:-2], strides, dilation), w)
        if needs_input_grad[1]
        else None,
    ]


def conv_input_grad(
    g: Any, sizes: tuple[int, ...], w: Any, strides: Sequence[int], dilation: Pair
) -> Any:
    """Return the cotangent of a convolution's input of (H, W) = `sizes`.

    Of shape (..., N, H, W, C) for g of (..., N, OH, OW, O) and w of (..., KH, KW, C, O). Without
    dilation, the s * t results at pixels that differ by less than the strides (s, t) are channels
    of one convolution; else g is spread out by the strides, and the zeros between are multiplied.
    """
    if max(strides) > 1 and max(dilation) == 1:
        return _input_grad_by_phases(g, sizes, w, strides)
    starts = [(w.shape[axis - 4] - 1) * dilation[axis] for axis in range(2)]
    ends = [start + size for start, size in zip(starts, sizes, strict=True)]
    spread = _zero_padded(g, starts, ends, strides)
    return conv(spread, swap_last(_rotated(w)), strides=(1, 1), dilation=dilation)


def _input_grad_by_phases(g: Any, sizes: tuple[int, ...], w: Any, strides: Sequence[int]) -> Any:
    """Compute y[s q + r] = sum over m of g[q - m] w[s m + r], r < s, along both axes."""
    (s, t), (*lead, kernel_h, kernel_w, columns, outputs) = strides, w.shape
    m, n = -(-kernel_h // s), -(-kernel_w // t)
    high, wide = -(-sizes[0] // s), -(-sizes[1] // t)
    rank = len(lead)
    w = pad(
        w, shape=(*lead, s * m, t * n, columns, outputs),
        index=tuple(slice(0, size) for size in w.shape),
    )  # fmt: skip
    w = reshape(w, shape=(*lead, m, s, n, t, columns, outputs))
    order = (rank, rank + 2, rank + 5, rank + 1, rank + 3, rank + 4)
    w = transpose(w, axes=(*range(rank), *order))
    w = _rotated(reshape(w, shape=(*lead, m, n, outputs, s * t * columns)))
    y = conv(_zero_padded(g, (m - 1, n - 1), (high + m - 1, wide + n - 1)), w,
             strides=(1, 1), dilation=(1, 1))  # fmt: skip
    *lead, rows = y.shape[:-3]
    rank = len(lead) + 1
    y = reshape(y, shape=(*lead, rows, high, wide, s, t, columns))
    y = transpose(y, axes=(*range(rank), rank, rank + 2, rank + 1, rank + 3, rank + 4))
    y = reshape(y, shape=(*lead, rows, high * s, wide * t, columns))
    cropped = [slice(None)] * rank + [slice(0, size) for size in sizes] + [slice(None)]
    return slice_(y, index=tuple(cropped))


def _zero_padded(
    g: Any, starts: Sequence[int], ends: Sequence[int], strides: Sequence[int] = (1, 1)
) -> Any:
    """Spread g by `strides` over images of zeros of the sizes `ends`, from `starts` on."""
    index = [
        slice(start, start + (size - 1) * stride + 1, stride)
        for start, size, stride in zip(starts, g.shape[-3:-1], strides, strict=True)
    ]
    whole = [slice(None)] * (len(g.shape) - 3)
    shape = (*g.shape[:-3], *ends, g.shape[-1])
    return pad(g, shape=shape, index=(*whole, *index, slice(None)))


def _rotated(w: Any) -> Any:
    """Return a kernel rotated by 180 degrees."""
    back = slice(None, None, -1)
    whole = [slice(None)] * (len(w.shape) - 4)
    return slice_(w, index=(*whole, back, back, slice(None), slice(None)))


def _conv_kernel_grad(
    g: Any, x: Any, kernel: tuple[int, ...], strides: Pair, dilation: Pair
) -> Any:
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
    result = conv(x, g, strides=dilation, dilation=strides)  # (..., C, KH, KW, O)
    rank = len(result.shape)
    return transpose(result, axes=(*range(rank - 4), rank - 3, rank - 2, rank - 4, rank - 1))


def _jvp(tangents: Sequence[Any], _y: Any, x: Any, w: Any, *, strides: Pair, dilation: Pair) -> Any:
    tx, tw = tangents
    left = None if tx is None else conv(tx, w, strides=strides, dilation=dilation)
    right = None if tw is None else conv(x, tw, strides=strides, dilation=dilation)
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _batch(
    size: int, batched: Sequence[bool], x: Any, w: Any, *, strides: Pair, dilation: Pair
) -> Any:
    """Convolve all at once: with one kernel the rows of all examples are the rows of one batch."""
    if len(x.shape) == 5 and len(w.shape) == 4 and not batched[1]:
        rows = x.shape[1]
        x = reshape(x, shape=(size * rows, *x.shape[2:]))
        y = conv(x, w, strides=strides, dilation=dilation)
        return reshape(y, shape=(size, rows, *y.shape[1:]))
    return conv(*aligned(batched, (x, w), (4, 4)), strides=strides, dilation=dilation)


conv = declared(
    "conv",
    _evaluate,
    _conv_type,
    _vjp,
    _jvp,
    selective_vjp=True,
    family="bilinear",
    batch=_batch,
    doc="Convolution without padding over two axes of rows with their features last.",
)
