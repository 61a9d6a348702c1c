"""Correlation of arrays with kernels, over all axes or along one: what filters are made of."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ..primitives.convolution import conv
from ..trace.operands import record

WINDOWS = 1 << 24  # entries of all windows together, which the reference copies


def correlate_valid(x: Any, kernel: Any) -> Any:
    """Return y[i] = sum over k of x[i + k] kernel[k], where the kernel lies wholly inside."""
    if x.ndim == 1:
        return correlate_along(x, kernel, 0)
    lead = x.ndim - 2
    total = None
    for offset in product(*[range(size) for size in kernel.shape[:lead]]):
        index = tuple(
            slice(k, k + size - extent + 1)
            for k, size, extent in zip(offset, x.shape, kernel.shape, strict=False)
        )
        term = _images(x[index], kernel[offset])
        total = term if total is None else total + term
    return total


def _images(x: Any, kernel: Any) -> Any:
    """Correlate all last two axes of x with one kernel."""
    (*lead, height, width), (kernel_h, kernel_w) = x.shape, kernel.shape
    rows = height - kernel_h + 1
    copied = int(np.prod(x.shape)) * kernel_h * kernel_w
    if copied > WINDOWS and rows > 1:
        half = rows // 2
        top = _images(x[..., : half + kernel_h - 1, :], kernel)
        return np.concatenate([top, _images(x[..., half:, :], kernel)], axis=-2)
    if copied > WINDOWS and width - kernel_w > 0 and not lead:
        half = (width - kernel_w + 1) // 2
        left = _images(x[..., : half + kernel_w - 1], kernel)
        return np.concatenate([left, _images(x[..., half:], kernel)], axis=-1)
    y = record(
        conv,
        x.reshape(-1, height, width, 1),
        kernel.reshape(kernel_h, kernel_w, 1, 1),
        strides=(1, 1),
        dilation=(1, 1),
    )
    return y.reshape(*lead, rows, width - kernel_w + 1)


def correlate_along(x: Any, kernel: Any, axis: int) -> Any:
    """Return the same along one axis, for a kernel with one axis."""
    rows = np.moveaxis(x, axis, -1)
    lead = rows.shape[:-1]
    y = _images(rows.reshape(-1, 1, rows.shape[-1]), kernel.reshape(1, -1)) if rows.size else rows
    if not rows.size:
        y = np.zeros((*lead, rows.shape[-1] - kernel.shape[0] + 1), x.dtype)
    return np.moveaxis(y.reshape(*lead, y.shape[-1]), -1, axis)
