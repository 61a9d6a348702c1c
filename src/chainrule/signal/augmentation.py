"""Changes of recordings that leave what was said: training sees each clip a little otherwise.

All draw from keys and are part of the graph, so a compiled epoch makes its own variants.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import at_user_line
from ..random import normal, split, uniform
from .spectrum import check_signal, counted


def at_speed(x: Any, lengths: Any, factor: Any, start: Any = 0.0) -> tuple[Any, Any]:
    """Play clips faster or slower, and from another place on.

    Values between samples are interpolated linearly; where a clip is not, there are zeros.

    Parameters
    ----------
    x : floating array of shape (clips, samples)
    lengths : integer array of shape (clips,)
        Samples of each clip: what follows counts as zeros.
    factor : float, or array of shape (clips, 1)
        How much faster, above 0.
    start : float, or array of shape (clips, 1)
        The sample that becomes the first; below 0, silence comes before the clip. Default 0.

    Returns
    -------
    x, lengths : arrays of the same shapes and dtypes
        What no longer has room is lost.

    Examples
    --------
    >>> import numpy as np
    >>> x, lengths = at_speed(np.arange(1.0, 7.0)[None], np.array([6]), 1.5)
    >>> x.tolist(), lengths.tolist()
    ([[1.0, 2.5, 4.0, 5.5, 0.0, 0.0]], [4])
    """
    check_signal("at_speed", x)
    samples = x.shape[1]
    whole = lengths.astype(x.dtype)[:, None]
    place = start + np.arange(samples, dtype=x.dtype) * factor
    inside = (place >= 0) & (place <= whole - 1)
    below = np.clip(np.floor(place), 0, samples - 1)
    left = below.astype(np.int64)
    right = np.minimum(left + 1, samples - 1)
    if left.ndim == 1:  # the same places of all clips
        low, high = x[:, left], x[:, right]
    else:
        low, high = np.take_along_axis(x, left, axis=1), np.take_along_axis(x, right, axis=1)
    moved = np.where(inside, low + (place - below) * (high - low), 0)
    ends = np.clip(np.ceil((whole - start) / factor), 1, samples)[:, 0]
    return moved.astype(x.dtype), ends.astype(lengths.dtype)


def moved_clips(
    x: Any, lengths: Any, key: Any, *, shift: float = 0.0, speed: float = 0.0
) -> tuple[Any, Any]:
    """Start each clip earlier or later, and play it faster or slower.

    Played at another speed, a voice is higher or lower as well as faster or slower, like that of a
    smaller or larger speaker. Values between samples are interpolated linearly.

    Parameters
    ----------
    x : floating array of shape (clips, samples)
        What follows a clip's end counts as zeros.
    lengths : integer array of shape (clips,)
        Samples of each clip.
    key : uint32[2]
        From `chainrule.random`.
    shift : float
        The largest shift to either side, as part of a clip's length, below 1: what is moved out is
        lost. Default 0.
    speed : float
        The largest change of speed, below 1: 0.1 draws factors from 0.9 to 1.1. Default 0.

    Returns
    -------
    x, lengths : arrays of the same shapes and dtypes

    Raises
    ------
    ValueError
        If a share is out of range.

    References
    ----------
    T. Ko, V. Peddinti, D. Povey, S. Khudanpur: "Audio augmentation for speech recognition",
    Interspeech (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> x, lengths = moved_clips(np.arange(8.0)[None], np.array([8]), random.key(1), speed=0.5)
    >>> x.round(2).tolist(), lengths.tolist()
    ([[0.0, 1.11, 2.22, 3.33, 4.44, 5.55, 6.66, 0.0]], [8])
    """
    check_signal("moved_clips", x)
    _share("shift", shift)
    _share("speed", speed)
    shape, kind = (x.shape[0], 1), x.dtype
    of_shift, of_speed = split(key)
    factor = uniform(of_speed, shape, kind, 1.0 - speed, 1.0 + speed)
    start = uniform(of_shift, shape, kind, -shift, shift) * lengths.astype(kind)[:, None]
    return at_speed(x, lengths, factor, start)


def added_noise(x: Any, key: Any, *, quietest: float = -60.0, loudest: float = -20.0) -> Any:
    """Add white noise, so many decibels from the clip's own power.

    Parameters
    ----------
    x : floating array of shape (clips, samples)
    key : uint32[2]
        From `chainrule.random`.
    quietest, loudest : float
        Decibels between which each clip's level is drawn. Default -60 and -20.

    Returns
    -------
    array of the same shape and dtype

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> x = added_noise(np.ones((1, 4)), random.key(0), quietest=-20, loudest=-20)
    >>> x.round(2).tolist()
    [[1.11, 1.01, 1.2, 0.97]]
    """
    check_signal("added_noise", x)
    of_level, of_noise = split(key)
    levels = uniform(of_level, (x.shape[0], 1), x.dtype, quietest, loudest)
    power = np.mean(x * x, axis=-1, keepdims=True)
    return x + normal(of_noise, x.shape, x.dtype) * np.sqrt(power * 10.0 ** (levels / 10.0))


def hidden_bands(x: Any, key: Any, *, widest: int, count: int = 1) -> Any:
    """Set some neighbouring features to 0, in all frames: the bands of SpecAugment.

    Parameters
    ----------
    x : floating array of shape (clips, frames, features)
    key : uint32[2]
        From `chainrule.random`.
    widest : int
        The largest width; each one from 0 to this is equally likely.
    count : int
        Bands a clip. Default 1.

    Returns
    -------
    array of the same shape and dtype

    References
    ----------
    D. S. Park et al.: "SpecAugment: a simple data augmentation method for automatic speech
    recognition", arXiv:1904.08779 (2019).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> hidden_bands(np.ones((1, 2, 6)), random.key(1), widest=4).tolist()
    [[[1.0, 0.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 1.0, 1.0, 1.0]]]
    """
    kept = _kept(key, (x.shape[0], x.shape[2]), x.shape[2], widest, count, x.dtype)
    return x * kept[:, None, :]


def hidden_times(x: Any, lengths: Any, key: Any, *, widest: int, count: int = 1) -> Any:
    """Set some neighbouring frames of each clip to 0: the times of SpecAugment.

    Parameters
    ----------
    x : floating array of shape (clips, frames, features)
    lengths : array of shape (clips,)
        Frames of each clip: only these are hidden.
    key, widest, count
        As for `hidden_bands`, in frames. No more than a fifth of a clip is hidden at once.

    Returns
    -------
    array of the same shape and dtype

    References
    ----------
    D. S. Park et al., 2019: see `hidden_bands`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> hidden_times(np.ones((1, 6, 1)), np.array([6]), random.key(2), widest=8)[0, :, 0].tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0, 1.0]
    """
    whole = np.asarray(lengths, like=x).astype(x.dtype)[:, None]
    kept = _kept(key, x.shape[:2], whole, np.minimum(widest, 0.2 * whole), count, x.dtype)
    return x * kept[:, :, None]


def _kept(key: Any, shape: Any, room: Any, widest: Any, count: int, dtype: Any) -> Any:
    """1 where nothing is hidden: spans of random width and place in a room of each row."""
    rows, places = shape
    at = np.arange(places, dtype=dtype)
    kept = np.ones((rows, places), dtype)
    for own in split(key, counted("count", count)):
        of_width, of_start = split(own)
        width = np.floor(uniform(of_width, (rows, 1), dtype) * (widest + 1))
        start = np.floor(uniform(of_start, (rows, 1), dtype) * (room - width + 1))
        kept = np.where((at >= start) & (at < start + width), 0, kept)
    return kept


def _share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(at_user_line(f"{name}={value}: give 0 or more and less than 1"))
