"""Pooling: the maximum or the mean of each window of positions, for each feature.

Images are (rows, height, width, features), sequences (rows, steps, features).
"""

from __future__ import annotations

from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from ..errors import ShapeError, at_user_line
from ..typing import Array
from .module import Module
from .validation import check_int, check_pair

Pair: TypeAlias = tuple[int, int]


class MaxPool2d(Module):
    """The largest entry of each window of an image, for each feature.

    Parameters
    ----------
    kernel_size : int or (int, int)
        Size of the window along height and width.
    stride : int or (int, int), optional
        Positions from one window to the next. Default `kernel_size`: windows do not overlap.
    padding : int or (int, int)
        Padding on both sides, never the maximum; at most half the window. Default 0.

    Raises
    ------
    ShapeError
        If the input is not of shape (rows, height, width, features), or if the window is larger
        than the padded image. A rest of the image that holds no whole window is left out.

    Notes
    -----
    If several entries of a window are equal to the maximum, they share the gradient equally.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> nn.MaxPool2d(2)(x)[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    >>> nn.MaxPool2d(3, stride=2, padding=1)(x)[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]
    """

    kernel_size: Pair
    stride: Pair
    padding: Pair

    def __init__(
        self, kernel_size: int | Pair, stride: int | Pair | None = None, padding: int | Pair = 0
    ) -> None:
        self.kernel_size, self.stride, self.padding = _window(kernel_size, stride, padding)

    def __call__(self, x: Any) -> Array:
        check_axes("MaxPool2d", x, ("height", "width"))
        return _largest("MaxPool2d", x, self.kernel_size, self.stride, self.padding)


class MaxPool1d(Module):
    """The largest entry of each window of a sequence, for each feature.

    Parameters
    ----------
    kernel_size : int
        Steps in the window.
    stride : int, optional
        Steps from one window to the next. Default `kernel_size`.
    padding : int
        Padding on both sides, never the maximum; at most half the window. Default 0.

    Raises
    ------
    ShapeError
        If the input is not of shape (rows, steps, features), or if the window is larger than the
        padded sequence.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.MaxPool1d(2)(np.array([3.0, 1.0, 4.0, 1.0, 5.0]).reshape(1, 5, 1)).ravel().tolist()
    [3.0, 4.0]
    """

    kernel_size: int
    stride: int
    padding: int

    def __init__(self, kernel_size: int, stride: int | None = None, padding: int = 0) -> None:
        self.kernel_size, self.stride, self.padding = _window_1d(kernel_size, stride, padding)

    def __call__(self, x: Any) -> Array:
        check_axes("MaxPool1d", x, ("steps",))
        window = _as_images(self.kernel_size, self.stride, self.padding)
        return _largest("MaxPool1d", x[:, None], *window)[:, 0]


class AvgPool2d(Module):
    """The mean of each window of an image, for each feature.

    Parameters
    ----------
    kernel_size : int or (int, int)
        Size of the window along height and width.
    stride : int or (int, int), optional
        Positions from one window to the next. Default `kernel_size`.
    padding : int or (int, int)
        Zeros added on both sides; at most half the window. Default 0.
    count_include_pad : bool
        Whether the added zeros count: if not, the sum is divided by the number of positions of the
        window that are within the image. Default True, as in PyTorch.

    Raises
    ------
    ShapeError
        If the input is not of shape (rows, height, width, features), or if the window is larger
        than the padded image.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> nn.AvgPool2d(2)(x)[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """

    kernel_size: Pair
    stride: Pair
    padding: Pair
    count_include_pad: bool

    def __init__(
        self,
        kernel_size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        *,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size, self.stride, self.padding = _window(kernel_size, stride, padding)
        self.count_include_pad = bool(count_include_pad)

    def __call__(self, x: Any) -> Array:
        check_axes("AvgPool2d", x, ("height", "width"))
        window = self.kernel_size, self.stride, self.padding
        return _means("AvgPool2d", x, *window, self.count_include_pad)


class AvgPool1d(Module):
    """The mean of each window of a sequence, for each feature.

    Parameters
    ----------
    kernel_size : int
        Steps in the window.
    stride : int, optional
        Steps from one window to the next. Default `kernel_size`.
    padding : int
        Zeros added on both sides; at most half the window. Default 0.
    count_include_pad : bool
        Whether the added zeros count. Default True.

    Raises
    ------
    ShapeError
        If the input is not of shape (rows, steps, features), or if the window is larger than the
        padded sequence.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> x = np.array([3.0, 1.0, 4.0]).reshape(1, 3, 1)
    >>> nn.AvgPool1d(2, padding=1)(x).ravel().tolist()
    [1.5, 2.5]
    >>> nn.AvgPool1d(2, padding=1, count_include_pad=False)(x).ravel().tolist()
    [3.0, 2.5]
    """

    kernel_size: int
    stride: int
    padding: int
    count_include_pad: bool

    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: int = 0,
        *,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size, self.stride, self.padding = _window_1d(kernel_size, stride, padding)
        self.count_include_pad = bool(count_include_pad)

    def __call__(self, x: Any) -> Array:
        check_axes("AvgPool1d", x, ("steps",))
        window = _as_images(self.kernel_size, self.stride, self.padding)
        return _means("AvgPool1d", x[:, None], *window, self.count_include_pad)[:, 0]


def _largest(layer: str, x: Any, size: Pair, stride: Pair, padding: Pair) -> Any:
    if any(padding):
        inside = np.pad(np.ones(x.shape[1:3], bool), [(p, p) for p in padding])
        lowest = x.dtype.type(-np.inf)
        x = np.where(inside[:, :, None], _padded(x, padding), lowest)
    parts = _shifted(layer, x, size, stride)
    if size != stride:
        return reduce(np.maximum, parts)
    return np.max(_window_axes(x, size), axis=(2, 4))


def _window_axes(x: Any, size: Pair) -> Any:
    """Return windows that do not overlap as two axes, so that each entry is reduced once.

    The result has shape (rows, windows, window height, windows, window width, features).
    """
    rows, height, width, features = x.shape
    high, wide = height // size[0], width // size[1]
    x = x[:, : high * size[0], : wide * size[1]]
    return x.reshape(rows, high, size[0], wide, size[1], features)


def _means(layer: str, x: Any, size: Pair, stride: Pair, padding: Pair, all_count: bool) -> Any:
    parts = _shifted(layer, _padded(x, padding), size, stride)
    if size == stride and not any(padding):
        return np.mean(_window_axes(x, size), axis=(2, 4))
    total = sum(parts)
    if all_count or not any(padding):
        return total * (1.0 / (size[0] * size[1]))
    ones = np.pad(
        np.ones((1, *x.shape[1:3], 1), x.dtype), ((0, 0), *[(p, p) for p in padding], (0, 0))
    )
    return total / sum(_shifted(layer, ones, size, stride))


def _shifted(layer: str, x: Any, size: Pair, stride: Pair) -> list[Any]:
    """Return x shifted to each position of the window, as arrays of the result's shape."""
    height, width = x.shape[1:3]
    if size[0] > height or size[1] > width:
        raise ShapeError(
            at_user_line(
                f"{layer}: a window of {size[0]} x {size[1]} positions is larger than the (padded) "
                f"input, which has {height} x {width}: take a smaller one"
            )
        )
    below, right = height - size[0] + 1, width - size[1] + 1
    return [
        x[:, i : i + below : stride[0], j : j + right : stride[1]]
        for i in range(size[0])
        for j in range(size[1])
    ]


def _padded(x: Any, padding: Pair) -> Any:
    if not any(padding):
        return x
    return np.pad(x, ((0, 0), *[(p, p) for p in padding], (0, 0)))


def _window(kernel_size: Any, stride: Any, padding: Any) -> tuple[Pair, Pair, Pair]:
    sizes = check_pair("kernel_size", kernel_size)
    pads = check_pair("padding", padding, minimum=0)
    if 2 * pads[0] > sizes[0] or 2 * pads[1] > sizes[1]:
        raise ValueError(
            at_user_line(
                f"padding={padding} is more than half of the window, kernel_size={kernel_size}"
            )
        )
    return sizes, sizes if stride is None else check_pair("stride", stride), pads


def _window_1d(kernel_size: int, stride: int | None, padding: int) -> tuple[int, int, int]:
    sizes, strides, pads = _window(
        check_int("kernel_size", kernel_size),
        None if stride is None else check_int("stride", stride),
        padding,
    )
    return sizes[0], strides[0], pads[0]


def _as_images(size: int, stride: int, padding: int) -> tuple[Pair, Pair, Pair]:
    return (1, size), (1, stride), (0, padding)


def check_axes(layer: str, x: Any, axes: tuple[str, ...]) -> None:
    """Raise unless x is (rows, *axes, features)."""
    if np.ndim(x) != len(axes) + 2:
        raise ShapeError(
            at_user_line(
                f"{layer} takes arrays of shape (rows, {', '.join(axes)}, features), and was given "
                f"{np.shape(x)}"
            )
        )
