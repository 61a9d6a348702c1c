"""Random changes of the images of a training batch (data augmentation).

Each function takes images (rows, height, width, channels), of uint8 or floats, and a key, and draws
a change for each image. They are plain NumPy, and compile into the epoch when they are used in
`train.fit(..., augment=...)`.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..random import bernoulli, randint, split, uniform
from ..trace.operands import is_plain_array
from ..typing import Array
from .validation import check_int


def random_shift(images: Any, max_shift: int, key: Any, fill: float = 0) -> Array:
    """Shift each image by a random whole number of pixels vertically and horizontally.

    Parameters
    ----------
    images : array of shape (rows, height, width, channels)
    max_shift : int
        The largest shift along each axis in pixels; all shifts from ``-max_shift`` to `max_shift`
        are equally likely.
    key : uint32[2]
        From `chainrule.random`.
    fill : number
        The value of pixels that are shifted in at the edge. Default 0.

    Returns
    -------
    array of the same shape and dtype

    Raises
    ------
    ShapeError
        If the images have no four axes.
    ValueError
        If `max_shift` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> image = np.arange(1, 10).reshape(1, 3, 3, 1)
    >>> random_shift(image, 1, random.key(1))[0, :, :, 0].tolist()
    [[0, 1, 2], [0, 4, 5], [0, 7, 8]]
    """
    _, height, width, _ = _check_images("random_shift", images)
    max_shift = check_int("max_shift", max_shift, 0)
    return (
        random_crop(_padded(images, max_shift, fill), (height, width), key) if max_shift else images
    )


def random_crop(images: Any, size: tuple[int, int], key: Any) -> Array:
    """Crop a window out of each image, at a random position.

    Parameters
    ----------
    images : array of shape (rows, height, width, channels)
    size : (int, int)
        Height and width of the window, at most those of the images.
    key : uint32[2]
        From `chainrule.random`.

    Returns
    -------
    array of shape (rows, *size, channels)
        Of the same dtype.

    Raises
    ------
    ShapeError
        If the images have no four axes, or are smaller than the window.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> image = np.arange(9).reshape(1, 3, 3, 1)
    >>> random_crop(image, (2, 2), random.key(0))[0, :, :, 0].tolist()
    [[1, 2], [4, 5]]
    """
    rows, height, width, _ = _check_images("random_crop", images)
    tall, wide = check_int("size", size[0]), check_int("size", size[1])
    if tall > height or wide > width:
        raise ShapeError(
            at_user_line(f"random_crop: a window of {size} in images of {height} x {width}")
        )
    top_key, left_key = split(key)
    top = randint(top_key, rows, 0, height - tall + 1)
    left = randint(left_key, rows, 0, width - wide + 1)
    return _crop_each(images, top[:, None] + np.arange(tall), left[:, None] + np.arange(wide))


def random_horizontal_flip(images: Any, key: Any) -> Array:
    """Flip each image left to right with probability 1/2.

    This is not useful for digits and letters, whose mirror images mean something else.

    Parameters
    ----------
    images : array of shape (rows, height, width, channels)
    key : uint32[2]
        From `chainrule.random`.

    Returns
    -------
    array of the same shape and dtype

    Raises
    ------
    ShapeError
        If the images have no four axes.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> images = np.arange(6).reshape(3, 1, 2, 1)
    >>> random_horizontal_flip(images, random.key(0)).reshape(3, 2).tolist()
    [[1, 0], [2, 3], [4, 5]]
    """
    rows, *_ = _check_images("random_horizontal_flip", images)
    is_flipped = bernoulli(key, 0.5, rows).reshape(rows, 1, 1, 1)
    return np.where(is_flipped, images[:, :, ::-1], images)


def random_rotation(images: Any, degrees: float, key: Any, zoom: float = 0.0) -> Array:
    """Rotate and zoom each image about its center, with bilinear interpolation.

    Parameters
    ----------
    images : array of shape (rows, height, width, channels)
    degrees : float
        The largest angle to each side; all angles are equally likely.
    key : uint32[2]
        From `chainrule.random`.
    zoom : float
        Each image is enlarged by a factor from ``1 - zoom`` to ``1 + zoom``. At least 0 and below
        1. Default 0.

    Returns
    -------
    array of the same shape
        Floats keep their dtype, uint8 becomes float32. Pixels from outside the image are 0.

    Raises
    ------
    ShapeError
        If the images have no four axes.
    ValueError
        If `degrees` is not from 0 to 180, or `zoom` out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> bar = np.zeros((1, 5, 5, 1))
    >>> bar[0, :, 2] = 1.0
    >>> random_rotation(bar, 45.0, random.key(3))[0, :, :, 0].round(1).tolist()[0]
    [0.0, 0.0, 0.8, 0.2, 0.0]
    """
    rows, height, width, _ = _check_images("random_rotation", images)
    if not 0 <= degrees <= 180:
        raise ValueError(at_user_line(f"degrees={degrees}: give a number from 0 to 180"))
    if not 0 <= zoom < 1:
        raise ValueError(at_user_line(f"zoom={zoom}: give a number of 0 or more and below 1"))
    dtype = images.dtype if images.dtype.kind == "f" else np.dtype(np.float32)
    angle_key, size_key = split(key)
    angle = uniform(angle_key, (rows, 1, 1), dtype, -degrees * pi / 180, degrees * pi / 180)
    inverse_zoom = 1.0 / uniform(size_key, (rows, 1, 1), dtype, 1.0 - zoom, 1.0 + zoom)
    cosine, sine = np.cos(angle) * inverse_zoom, np.sin(angle) * inverse_zoom
    down = (np.arange(height) - (height - 1) / 2).astype(dtype)[:, None]
    right = (np.arange(width) - (width - 1) / 2).astype(dtype)[None, :]
    y = cosine * down + sine * right + dtype.type((height - 1) / 2)
    x = cosine * right - sine * down + dtype.type((width - 1) / 2)
    return _interpolated(_padded(images, 1, 0).astype(dtype), y + 1.0, x + 1.0)


def _interpolated(images: Any, y: Any, x: Any) -> Any:
    """Interpolate images, which have an edge of zeros, at positions y, x (rows, height, width)."""
    images = _as_traced(images, y)
    rows, height, width, _ = images.shape
    y, x = np.clip(y, 0.0, height - 1.0), np.clip(x, 0.0, width - 1.0)
    top = np.minimum(y.astype(np.int64), height - 2)
    left = np.minimum(x.astype(np.int64), width - 2)
    below, beside = (y - top.astype(y.dtype))[..., None], (x - left.astype(x.dtype))[..., None]
    row = np.arange(rows)[:, None, None]
    upper = images[row, top, left] * (1.0 - beside) + images[row, top, left + 1] * beside
    lower = images[row, top + 1, left] * (1.0 - beside) + images[row, top + 1, left + 1] * beside
    return upper * (1.0 - below) + lower * below


def cutout(images: Any, size: int, key: Any, fill: float = 0) -> Array:
    """Fill a square of each image, centered at a random pixel; part of it may lie outside.

    Parameters
    ----------
    images : array of shape (rows, height, width, channels)
    size : int
        The side length of the square in pixels; 0 returns the images.
    key : uint32[2]
        From `chainrule.random`.
    fill : number
        The value of the square. Default 0.

    Returns
    -------
    array of the same shape and dtype

    Raises
    ------
    ShapeError
        If the images have no four axes.
    ValueError
        If `size` is negative.

    References
    ----------
    T. DeVries, G. W. Taylor: "Improved regularization of convolutional neural networks with
    cutout", arXiv:1708.04552 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> cutout(np.ones((1, 3, 4, 1), int), 2, random.key(0))[0, :, :, 0].tolist()
    [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]]
    """
    rows, height, width, _ = _check_images("cutout", images)
    if not check_int("size", size, 0):
        return images
    top_key, left_key = split(key)
    down = _in_span(randint(top_key, rows, 0, height), height, size)
    across = _in_span(randint(left_key, rows, 0, width), width, size)
    hole = down[:, :, None, None] & across[:, None, :, None]
    return np.where(hole, np.asarray(fill, images.dtype), images)


def _in_span(center: Any, count: int, size: int) -> Any:
    """Return which of `count` positions along an axis are in a span around each center."""
    first = (center - size // 2)[:, None]
    positions = np.arange(count)
    return (positions >= first) & (positions < first + size)


def _padded(images: Any, width: int, fill: float) -> Any:
    edges = ((0, 0), (width, width), (width, width), (0, 0))
    return np.pad(images, edges, constant_values=np.asarray(fill, images.dtype)[()])


def _crop_each(images: Any, down: Any, across: Any) -> Any:
    """Index each image with its own rows (rows, height) and columns (rows, width)."""
    images = _as_traced(images, down)
    row = np.arange(images.shape[0])[:, None, None]
    return images[row, down[:, :, None], across[:, None, :]]


def _as_traced(images: Any, positions: Any) -> Any:
    """Return images that can be indexed by `positions`: tracers do not index plain arrays."""
    return np.asarray(images, like=positions) if is_plain_array(images) else images


def _check_images(function: str, images: Any) -> tuple[int, int, int, int]:
    if np.ndim(images) != 4:
        raise ShapeError(
            at_user_line(
                f"{function} takes images of shape (rows, height, width, channels), and was given "
                f"{np.shape(images)}"
            )
        )
    rows, height, width, channels = images.shape
    return rows, height, width, channels
