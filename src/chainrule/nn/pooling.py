"""Pooling: what a window of places, or all of them, have in common; features stay apart.

Images are (rows, height, width, features), sequences (rows, steps, features).
"""

from __future__ import annotations

from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from ..errors import ShapeError, at_user_line
from .arguments import pair, whole
from .module import Module

Pair: TypeAlias = tuple[int, int]


class MaxPool2d(Module):
    """The largest entry of each window of an image, for each feature.

    Parameters
    ----------
    size : int or (int, int)
        Of the window, along height and width.
    stride : int or (int, int), optional
        Places from one window to the next. Default the window's size: windows that do not overlap.
    padding : int or (int, int)
        Places added on both sides, which never are the largest; at most half the window. Default 0.

    Raises
    ------
    ShapeError
        If what comes is not of shape (rows, height, width, features), or if the window is larger
        than the padded image. A rest of the image that holds no whole window is left out.

    Notes
    -----
    Where several entries are the largest, they share the derivative.

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

    size: Pair
    stride: Pair
    padding: Pair

    def __init__(
        self, size: int | Pair, stride: int | Pair | None = None, padding: int | Pair = 0
    ) -> None:
        self.size, self.stride, self.padding = _window(size, stride, padding)

    def __call__(self, x: Any) -> Any:
        _check("MaxPool2d", x, ("height", "width"))
        return _largest("MaxPool2d", x, self.size, self.stride, self.padding)


class MaxPool1d(Module):
    """The largest entry of each window of a sequence, for each feature.

    Parameters
    ----------
    size : int
        Steps in the window.
    stride : int, optional
        Steps from one window to the next. Default the window's size.
    padding : int
        Steps added on both sides, which never are the largest; at most half the window. Default 0.

    Raises
    ------
    ShapeError
        If what comes is not of shape (rows, steps, features), or if the window is larger than the
        padded sequence.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.MaxPool1d(2)(np.array([3.0, 1.0, 4.0, 1.0, 5.0]).reshape(1, 5, 1)).ravel().tolist()
    [3.0, 4.0]
    """

    size: int
    stride: int
    padding: int

    def __init__(self, size: int, stride: int | None = None, padding: int = 0) -> None:
        self.size, self.stride, self.padding = _window_1d(size, stride, padding)

    def __call__(self, x: Any) -> Any:
        _check("MaxPool1d", x, ("steps",))
        around = _as_images(self.size, self.stride, self.padding)
        return _largest("MaxPool1d", x[:, None], *around)[:, 0]


class AvgPool2d(Module):
    """The mean of each window of an image, for each feature.

    Parameters
    ----------
    size : int or (int, int)
        Of the window, along height and width.
    stride : int or (int, int), optional
        Places from one window to the next. Default the window's size.
    padding : int or (int, int)
        Zeros added on both sides; at most half the window. Default 0.
    count_include_pad : bool
        Whether the added zeros count: if not, the sum is divided by the number of places of the
        window that are within the image. Default True, as in PyTorch.

    Raises
    ------
    ShapeError
        If what comes is not of shape (rows, height, width, features), or if the window is larger
        than the padded image.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
    >>> nn.AvgPool2d(2)(x)[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]
    """

    size: Pair
    stride: Pair
    padding: Pair
    count_include_pad: bool

    def __init__(
        self,
        size: int | Pair,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        *,
        count_include_pad: bool = True,
    ) -> None:
        self.size, self.stride, self.padding = _window(size, stride, padding)
        self.count_include_pad = bool(count_include_pad)

    def __call__(self, x: Any) -> Any:
        _check("AvgPool2d", x, ("height", "width"))
        around = self.size, self.stride, self.padding
        return _means("AvgPool2d", x, *around, self.count_include_pad)


class AvgPool1d(Module):
    """The mean of each window of a sequence, for each feature.

    Parameters
    ----------
    size : int
        Steps in the window.
    stride : int, optional
        Steps from one window to the next. Default the window's size.
    padding : int
        Zeros added on both sides; at most half the window. Default 0.
    count_include_pad : bool
        Whether the added zeros count. Default True.

    Raises
    ------
    ShapeError
        If what comes is not of shape (rows, steps, features), or if the window is larger than the
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

    size: int
    stride: int
    padding: int
    count_include_pad: bool

    def __init__(
        self,
        size: int,
        stride: int | None = None,
        padding: int = 0,
        *,
        count_include_pad: bool = True,
    ) -> None:
        self.size, self.stride, self.padding = _window_1d(size, stride, padding)
        self.count_include_pad = bool(count_include_pad)

    def __call__(self, x: Any) -> Any:
        _check("AvgPool1d", x, ("steps",))
        around = _as_images(self.size, self.stride, self.padding)
        return _means("AvgPool1d", x[:, None], *around, self.count_include_pad)[:, 0]


class GlobalAvgPool(Module):
    """The mean over all places: (rows, ..., features) becomes (rows, features).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.GlobalAvgPool()(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[3.0, 4.0]]
    """

    def __call__(self, x: Any) -> Any:
        return np.mean(x, axis=_places("GlobalAvgPool", x))


class GlobalMaxPool(Module):
    """The largest over all places: (rows, ..., features) becomes (rows, features).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.GlobalMaxPool()(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[6.0, 7.0]]
    """

    def __call__(self, x: Any) -> Any:
        return np.max(x, axis=_places("GlobalMaxPool", x))


class AdaptiveAvgPool2d(Module):
    """Means over as many windows as asked for, whatever the size of the image.

    Window i of n along an axis of size s holds ``floor(i s / n) ... ceil((i + 1) s / n) - 1``.

    Parameters
    ----------
    size : int or (int, int)
        Of the result.

    Raises
    ------
    ShapeError
        If what comes is not of shape (rows, height, width, features).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.AdaptiveAvgPool2d((1, 2))(np.arange(9.0).reshape(1, 3, 3, 1)).ravel().tolist()
    [3.5, 4.5]
    """

    size: Pair

    def __init__(self, size: int | Pair) -> None:
        self.size = pair("size", size)

    def __call__(self, x: Any) -> Any:
        _check("AdaptiveAvgPool2d", x, ("height", "width"))
        return _adapted(_adapted(x, 1, self.size[0]), 2, self.size[1])


class AdaptiveAvgPool1d(Module):
    """Means over as many windows as asked for, whatever the length of the sequence.

    Parameters
    ----------
    size : int
        Steps of the result. See `AdaptiveAvgPool2d` for the windows.

    Raises
    ------
    ShapeError
        If what comes is not of shape (rows, steps, features).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.AdaptiveAvgPool1d(2)(np.array([3.0, 1.0, 4.0]).reshape(1, 3, 1)).ravel().tolist()
    [2.0, 2.5]
    """

    size: int

    def __init__(self, size: int) -> None:
        self.size = whole("size", size)

    def __call__(self, x: Any) -> Any:
        _check("AdaptiveAvgPool1d", x, ("steps",))
        return _adapted(x, 1, self.size)


def _largest(layer: str, x: Any, size: Pair, stride: Pair, padding: Pair) -> Any:
    if any(padding):
        inside = np.pad(np.ones(x.shape[1:3], bool), [(p, p) for p in padding])
        lowest = x.dtype.type(-np.inf)
        x = np.where(inside[:, :, None], _padded(x, padding), lowest)
    parts = _parts(layer, x, size, stride)
    if size != stride:
        return reduce(np.maximum, parts)
    # windows side by side: one reduction, whose derivative touches each entry once
    rows, high, wide, features = parts[0].shape
    x = x[:, : high * size[0], : wide * size[1]]
    return np.max(x.reshape(rows, high, size[0], wide, size[1], features), axis=(2, 4))


def _means(layer: str, x: Any, size: Pair, stride: Pair, padding: Pair, all_count: bool) -> Any:
    total = sum(_parts(layer, _padded(x, padding), size, stride))
    if all_count or not any(padding):
        return total * (1.0 / (size[0] * size[1]))
    ones = np.pad(
        np.ones((1, *x.shape[1:3], 1), x.dtype), ((0, 0), *[(p, p) for p in padding], (0, 0))
    )
    return total / sum(_parts(layer, ones, size, stride))


def _parts(layer: str, x: Any, size: Pair, stride: Pair) -> list[Any]:
    """For each place of the window what it shows there, as arrays of the result's shape."""
    height, width = x.shape[1:3]
    if size[0] > height or size[1] > width:
        raise ShapeError(
            at_user_line(
                f"{layer}: a window of {size[0]} x {size[1]} places is larger than the (padded) "
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


def _adapted(x: Any, axis: int, count: int) -> Any:
    """Means of `count` windows along one axis, which is 1 or 2."""
    before = (slice(None),) * axis
    size = x.shape[axis]
    windows = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
    return np.stack(
        [np.mean(x[(*before, slice(start, stop))], axis=axis) for start, stop in windows], axis
    )


def _window(size: Any, stride: Any, padding: Any) -> tuple[Pair, Pair, Pair]:
    sizes = pair("size", size)
    pads = pair("padding", padding, least=0)
    if 2 * pads[0] > sizes[0] or 2 * pads[1] > sizes[1]:
        raise ValueError(
            at_user_line(f"padding={padding} is more than half of the window, size={size}")
        )
    return sizes, sizes if stride is None else pair("stride", stride), pads


def _window_1d(size: int, stride: int | None, padding: int) -> tuple[int, int, int]:
    sizes, strides, pads = _window(
        whole("size", size), None if stride is None else whole("stride", stride), padding
    )
    return sizes[0], strides[0], pads[0]


def _as_images(size: int, stride: int, padding: int) -> tuple[Pair, Pair, Pair]:
    return (1, size), (1, stride), (0, padding)


def _check(layer: str, x: Any, axes: tuple[str, ...]) -> None:
    if np.ndim(x) != len(axes) + 2:
        raise ShapeError(
            at_user_line(
                f"{layer} takes arrays of shape (rows, {', '.join(axes)}, features), and was given "
                f"{np.shape(x)}"
            )
        )


def _places(layer: str, x: Any) -> tuple[int, ...]:
    shape = np.shape(x)
    if len(shape) < 3 or 0 in shape[1:-1]:
        raise ShapeError(
            at_user_line(f"{layer} takes arrays of shape (rows, ..., features), not {shape}")
        )
    return tuple(range(1, len(shape) - 1))
