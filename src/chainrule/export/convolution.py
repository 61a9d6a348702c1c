"""Convolution as products, one for each place of the window: in dtypes that runtimes lack."""

from __future__ import annotations

from typing import Any

from ..graph.node import Node
from ..primitives.products import matmul
from ..primitives.structure import slice_


def as_products(node: Node) -> Any:
    """Sum, over the entries of the kernel, the windows' pixels times that entry's matrix."""
    x, w = node.inputs
    (down, across), (apart, aside) = node.params["strides"], node.params["dilation"]
    high, wide = node.shape[-3:-1]
    kernel_h, kernel_w = w.shape[-4:-2]
    total: Any = None
    for i in range(kernel_h):
        rows = _span(i * apart, high, down)
        for j in range(kernel_w):
            cells = _span(j * aside, wide, across)
            whole = [slice(0, size, 1) for size in x.shape]
            seen = slice_(x, index=(*whole[:-3], rows, cells, whole[-1]))
            entries = [slice(0, size, 1) for size in w.shape]
            entries[-4:-2] = [slice(i, i + 1, 1), slice(j, j + 1, 1)]
            term = matmul(seen, slice_(w, index=tuple(entries)))  # (..., 1, 1, C, O)
            total = term if total is None else total + term
    return total


def _span(start: int, count: int, step: int) -> slice:
    return slice(start, start + (count - 1) * step + 1, step)
