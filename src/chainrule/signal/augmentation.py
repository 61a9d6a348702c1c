"""Random changes of audio clips that keep their meaning: each training step sees other variants.

All functions draw from keys and are plain NumPy, so they compile with the rest of an epoch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import at_user_line
from ..random import normal, split, uniform
from ..typing import Array
from .spectrum import check_count, check_signal


def change_speed(x: Any, lengths: Any, factor: Any, start: Any = 0.0) -> tuple[Any, Any]:
    """Resample clips as if played at another speed, from sample `start` on.

    Values between samples are interpolated linearly; before and after a clip there are zeros.

    Parameters
    ----------
    x : floating array of shape (clips, samples)
    lengths : integer array of shape (clips,)
        Number of samples of each clip; entries of x after a clip's end count as zeros.
    factor : float, or array of shape (clips, 1)
        The new speed over the old one, above 0.
    start : float, or array of shape (clips, 1)
        The sample that becomes the first one; below 0, silence precedes the clip. Default 0.

    Returns
    -------
    x, lengths : arrays of the same shapes and dtypes
        Clips that become longer than x are cut off.

    Examples
    --------
    >>> import numpy as np
    >>> x, lengths = change_speed(np.arange(1.0, 7.0)[None], np.array([6]), 1.5)
    >>> x.tolist(), lengths.tolist()
    ([[1.0, 2.5, 4.0, 5.5, 0.0, 0.0]], [4])
    """
    check_signal("change_speed", x)
    samples = x.shape[1]
    old_lengths = lengths.astype(x.dtype)[:, None]
    position = start + np.arange(samples, dtype=x.dtype) * factor
    inside = (position >= 0) & (position <= old_lengths - 1)
    floor = np.clip(np.floor(position), 0, samples - 1)
    left = floor.astype(np.int64)
    right = np.minimum(left + 1, samples - 1)
    if left.ndim == 1:  # the same positions in all clips
        low, high = x[:, left], x[:, right]
    else:
        low, high = np.take_along_axis(x, left, axis=1), np.take_along_axis(x, right, axis=1)
    resampled = np.where(inside, low + (position - floor) * (high - low), 0)
    new_lengths = np.clip(np.ceil((old_lengths - start) / factor), 1, samples)[:, 0]
    return resampled.astype(x.dtype), new_lengths.astype(lengths.dtype)


def random_shift_and_speed(
    x: Any, lengths: Any, key: Any, *, max_shift: float = 0.0, max_speed_change: float = 0.0
) -> tuple[Any, Any]:
    """Start each clip earlier or later, and play it faster or slower.

    Played at another speed, a voice is higher or lower as well as faster or slower, like that of a
    smaller or larger speaker. Values between samples are interpolated linearly.

    Parameters
    ----------
    x : floating array of shape (clips, samples)
        Entries after a clip's end count as zeros.
    lengths : integer array of shape (clips,)
        Number of samples of each clip.
    key : uint32[2]
        From `chainrule.random`.
    max_shift : float
        The largest shift to either side as a fraction of a clip's length, below 1. Samples that
        are shifted out are lost. Default 0.
    max_speed_change : float
        The largest change of speed, below 1: 0.1 draws factors from 0.9 to 1.1. Default 0.

    Returns
    -------
    x, lengths : arrays of the same shapes and dtypes

    Raises
    ------
    ValueError
        If a fraction is out of range.

    References
    ----------
    T. Ko, V. Peddinti, D. Povey, S. Khudanpur: "Audio augmentation for speech recognition",
    Interspeech (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> x, lengths = random_shift_and_speed(
    ...     np.arange(8.0)[None], np.array([8]), random.key(1), max_speed_change=0.5
    ... )
    >>> x.round(2).tolist(), lengths.tolist()
    ([[0.0, 1.11, 2.22, 3.33, 4.44, 5.55, 6.66, 0.0]], [8])
    """
    check_signal("random_shift_and_speed", x)
    _check_fraction("max_shift", max_shift)
    _check_fraction("max_speed_change", max_speed_change)
    shape, dtype = (x.shape[0], 1), x.dtype
    shift_key, speed_key = split(key)
    factor = uniform(speed_key, shape, dtype, 1.0 - max_speed_change, 1.0 + max_speed_change)
    start = uniform(shift_key, shape, dtype, -max_shift, max_shift) * lengths.astype(dtype)[:, None]
    return change_speed(x, lengths, factor, start)


def random_noise(x: Any, key: Any, *, min_db: float = -60.0, max_db: float = -20.0) -> Array:
    """Add white noise at a random level relative to the power of each clip.

    Parameters
    ----------
    x : floating array of shape (clips, samples)
    key : uint32[2]
        From `chainrule.random`.
    min_db, max_db : float
        The range of the noise levels in decibels: -20 is a signal-to-noise ratio of 20 dB.
        Default -60 and -20.

    Returns
    -------
    array of the same shape and dtype

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> random_noise(np.ones((1, 4)), random.key(0), min_db=-20, max_db=-20).round(2).tolist()
    [[1.11, 1.01, 1.2, 0.97]]
    """
    check_signal("random_noise", x)
    level_key, noise_key = split(key)
    levels = uniform(level_key, (x.shape[0], 1), x.dtype, min_db, max_db)
    power = np.mean(x * x, axis=-1, keepdims=True)
    return x + normal(noise_key, x.shape, x.dtype) * np.sqrt(power * 10.0 ** (levels / 10.0))


def frequency_masking(x: Any, key: Any, *, max_width: int, num_masks: int = 1) -> Array:
    """Set random bands of neighbouring features to 0, in all frames of a clip (SpecAugment).

    Parameters
    ----------
    x : floating array of shape (clips, frames, features)
    key : uint32[2]
        From `chainrule.random`.
    max_width : int
        The largest width of a band; widths from 0 to this are equally likely.
    num_masks : int
        Number of bands in each clip. Default 1.

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
    >>> frequency_masking(np.ones((1, 2, 6)), random.key(1), max_width=4).tolist()
    [[[1.0, 0.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 1.0, 1.0, 1.0]]]
    """
    clips, _, features = x.shape
    mask = _span_mask(key, (clips, features), features, max_width, num_masks, x.dtype)
    return x * mask[:, None, :]


def time_masking(x: Any, lengths: Any, key: Any, *, max_width: int, num_masks: int = 1) -> Array:
    """Set random spans of neighbouring frames of each clip to 0 (SpecAugment).

    Parameters
    ----------
    x : floating array of shape (clips, frames, features)
    lengths : array of shape (clips,)
        Number of frames of each clip: only these are masked.
    key, max_width, num_masks
        As for `frequency_masking`, in frames. One span is at most a fifth of a clip.

    Returns
    -------
    array of the same shape and dtype

    References
    ----------
    D. S. Park et al., 2019: see `frequency_masking`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> x = np.ones((1, 6, 1))
    >>> time_masking(x, np.array([6]), random.key(2), max_width=8)[0, :, 0].tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0, 1.0]
    """
    frames = np.asarray(lengths, like=x).astype(x.dtype)[:, None]
    widest = np.minimum(max_width, 0.2 * frames)
    mask = _span_mask(key, x.shape[:2], frames, widest, num_masks, x.dtype)
    return x * mask[:, :, None]


def _span_mask(
    key: Any, shape: tuple[int, int], size: Any, max_width: Any, num_masks: int, dtype: Any
) -> Any:
    """Return an array of ones with random spans of zeros along the last axis.

    `shape` is (clips, positions); spans of clip i lie within its first `size` positions, a number
    or an array of shape (clips, 1).
    """
    clips, positions = shape
    position = np.arange(positions, dtype=dtype)
    mask = np.ones((clips, positions), dtype)
    for span_key in split(key, check_count("num_masks", num_masks)):
        width_key, start_key = split(span_key)
        width = np.floor(uniform(width_key, (clips, 1), dtype) * (max_width + 1))
        start = np.floor(uniform(start_key, (clips, 1), dtype) * (size - width + 1))
        mask = np.where((position >= start) & (position < start + width), 0, mask)
    return mask


def _check_fraction(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(at_user_line(f"{name}={value}: give 0 or more and less than 1"))
