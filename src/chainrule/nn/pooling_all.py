"""Pooling over all positions, or into a number of windows that does not depend on the input."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..typing import Array
from .module import Module
from .pooling import Pair, check_axes
from .validation import check_int, check_pair


class GlobalAvgPool(Module):
    """The mean over all positions: (rows, ..., features) becomes (rows, features).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.GlobalAvgPool()(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[3.0, 4.0]]
    """

    def __call__(self, x: Any) -> Array:
        return np.mean(x, axis=_position_axes("GlobalAvgPool", x))


class GlobalMaxPool(Module):
    """The maximum over all positions: (rows, ..., features) becomes (rows, features).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.GlobalMaxPool()(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[6.0, 7.0]]
    """

    def __call__(self, x: Any) -> Array:
        return np.max(x, axis=_position_axes("GlobalMaxPool", x))


class AdaptiveAvgPool2d(Module):
    """Means over `output_size` windows, whatever the size of the image.

    Window i of n along an axis of size s holds ``floor(i s / n) ... ceil((i + 1) s / n) - 1``.

    Parameters
    ----------
    output_size : int or (int, int)
        Size of the result.

    Raises
    ------
    ShapeError
        If the input is not of shape (rows, height, width, features).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.AdaptiveAvgPool2d((1, 2))(np.arange(9.0).reshape(1, 3, 3, 1)).ravel().tolist()
    [3.5, 4.5]
    """

    output_size: Pair

    def __init__(self, output_size: int | Pair) -> None:
        self.output_size = check_pair("output_size", output_size)

    def __call__(self, x: Any) -> Array:
        check_axes("AdaptiveAvgPool2d", x, ("height", "width"))
        return _adaptive_mean(_adaptive_mean(x, 1, self.output_size[0]), 2, self.output_size[1])


class AdaptiveAvgPool1d(Module):
    """Means over `output_size` windows, whatever the length of the sequence.

    Parameters
    ----------
    output_size : int
        Steps of the result. See `AdaptiveAvgPool2d` for the windows.

    Raises
    ------
    ShapeError
        If the input is not of shape (rows, steps, features).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn
    >>> nn.AdaptiveAvgPool1d(2)(np.array([3.0, 1.0, 4.0]).reshape(1, 3, 1)).ravel().tolist()
    [2.0, 2.5]
    """

    output_size: int

    def __init__(self, output_size: int) -> None:
        self.output_size = check_int("output_size", output_size)

    def __call__(self, x: Any) -> Array:
        check_axes("AdaptiveAvgPool1d", x, ("steps",))
        return _adaptive_mean(x, 1, self.output_size)


def _adaptive_mean(x: Any, axis: int, count: int) -> Any:
    """Return the means of `count` windows along axis 1 or 2."""
    before = (slice(None),) * axis
    size = x.shape[axis]
    windows = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
    return np.stack(
        [np.mean(x[(*before, slice(start, stop))], axis=axis) for start, stop in windows], axis
    )


def _position_axes(layer: str, x: Any) -> tuple[int, ...]:
    shape = np.shape(x)
    if len(shape) < 3 or 0 in shape[1:-1]:
        raise ShapeError(
            at_user_line(f"{layer} takes arrays of shape (rows, ..., features), not {shape}")
        )
    return tuple(range(1, len(shape) - 1))
