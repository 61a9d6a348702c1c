"""Convolutions and pools by loops over every window, in float64: slow, and independent of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.transforms import grad, jit

Numbers = NDArray[np.float64]
TOLERANCE: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-9}


def convolution(
    x: Numbers, w: Numbers, stride: Any, padding: Any, dilation: Any, groups: int
) -> Numbers:
    """x (N, H, W, C), w (KH, KW, C / groups, O), `padding` zeros before and after each axis."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    kernel_h, kernel_w, each, outputs = w.shape
    high = (x.shape[1] - (kernel_h - 1) * dilation[0] - 1) // stride[0] + 1
    wide = (x.shape[2] - (kernel_w - 1) * dilation[1] - 1) // stride[1] + 1
    y = np.zeros((len(x), high, wide, outputs))
    for n, i, j, o in np.ndindex(*y.shape):
        first = o // (outputs // groups) * each
        for k, m, c in np.ndindex(kernel_h, kernel_w, each):
            place = x[n, i * stride[0] + k * dilation[0], j * stride[1] + m * dilation[1]]
            y[n, i, j, o] += place[first + c] * w[k, m, c, o]
    return y


def transposed(
    x: Numbers, w: Numbers, stride: Any, padding: Any, extra: Any, dilation: Any, groups: int
) -> Numbers:
    """Each entry of x (N, H, W, C) adds the window w (KH, KW, C / groups, O) to the result."""
    kernel_h, kernel_w, each, outputs = w.shape
    high = (x.shape[1] - 1) * stride[0] + (kernel_h - 1) * dilation[0] + 1 + extra[0]
    wide = (x.shape[2] - 1) * stride[1] + (kernel_w - 1) * dilation[1] + 1 + extra[1]
    y = np.zeros((len(x), high, wide, outputs))
    for n, i, j, c in np.ndindex(*x.shape):
        group = c // each
        own = slice(group * (outputs // groups), (group + 1) * (outputs // groups))
        for k, m in np.ndindex(kernel_h, kernel_w):
            place = (n, i * stride[0] + k * dilation[0], j * stride[1] + m * dilation[1], own)
            y[place] += x[n, i, j, c] * w[k, m, c % each, own]
    return y[:, padding[0] : high - padding[0], padding[1] : wide - padding[1]]


def pooled(
    x: Numbers, size: Any, stride: Any, padding: Any, of_window: Callable[[Numbers], Any]
) -> Numbers:
    """`of_window` of each window (places, C) of x (N, H, W, C), nan where it is beyond x."""
    around = ((0, 0), *[(p, p) for p in padding], (0, 0))
    x = np.pad(x, around, constant_values=np.nan)
    high = (x.shape[1] - size[0]) // stride[0] + 1
    wide = (x.shape[2] - size[1]) // stride[1] + 1
    y = np.zeros((len(x), high, wide, x.shape[3]))
    for n, i, j in np.ndindex(*y.shape[:3]):
        top, left = i * stride[0], j * stride[1]
        window = x[n, top : top + size[0], left : left + size[1]]
        y[n, i, j] = of_window(window.reshape(-1, x.shape[3]))
    return y


def check_slopes(
    function: Callable[..., Any], reference: Callable[..., Any], *arrays: Numbers
) -> None:
    """Gradients, compiled, of a function that is linear in each array near by.

    In a random direction v of one array, what reverse mode says of ``sum(function * d)`` must be
    ``sum(reference(.., v, ..) * d)``.
    """
    rng = np.random.default_rng(1)
    along = rng.normal(size=np.shape(reference(*arrays)))

    def loss(*arrays: Any) -> Any:
        return np.sum(function(*arrays) * along)

    slopes = jit(grad(loss, argnums=tuple(range(len(arrays)))))(*arrays)
    for k, got in enumerate(slopes):
        v = rng.normal(size=arrays[k].shape)
        wanted = np.sum(reference(*arrays[:k], v, *arrays[k + 1 :]) * along)
        np.testing.assert_allclose(np.sum(got * v), wanted, rtol=1e-9, atol=1e-9)
