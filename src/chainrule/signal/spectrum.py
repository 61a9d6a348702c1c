"""From samples to spectra: frames, windows, and the Fourier transform as a matrix product.

Graphs hold no complex numbers, so a spectrum is two real arrays. For frames of some hundred samples
a product with cosines and sines takes about as long as a fast transform, and it needs no rule of
its own: its derivative is that of `matmul`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DtypeError, ShapeError, at_user_line

Floats = NDArray[np.float64]


def hann(size: int) -> Floats:
    """The periodic Hann window ``sin(pi n / size) ** 2``.

    Parameters
    ----------
    size : int
        Samples of a frame, 1 or more.

    Returns
    -------
    float64[size]
        Shifted by half their length, such windows add up to 1.

    References
    ----------
    R. B. Blackman, J. W. Tukey: "The measurement of power spectra" (1958).

    Examples
    --------
    >>> hann(4).round(3).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    count = counted("size", size)
    return np.asarray(np.sin(np.pi * np.arange(count) / count) ** 2)


def frames(x: Any, size: int, hop: int) -> Any:
    """Cut signals into frames that overlap: frame t starts at sample ``t * hop``.

    Parameters
    ----------
    x : array of shape (..., samples)
        At least `size` samples.
    size : int
        Samples of a frame.
    hop : int
        Samples from one frame to the next.

    Returns
    -------
    array of shape (..., 1 + (samples - size) // hop, size)
        Samples after the last whole frame are left out.

    Raises
    ------
    ShapeError
        If x is shorter than a frame.

    Examples
    --------
    >>> import numpy as np
    >>> frames(np.arange(8.0), 4, 2).tolist()
    [[0.0, 1.0, 2.0, 3.0], [2.0, 3.0, 4.0, 5.0], [4.0, 5.0, 6.0, 7.0]]
    """
    size, hop = counted("size", size), counted("hop", hop)
    samples = np.shape(x)[-1] if np.ndim(x) else 0
    if samples < size:
        raise ShapeError(
            at_user_line(
                f"signals of shape {np.shape(x)} have {samples} samples, and a frame takes {size}: "
                "pad them with zeros, or take shorter frames"
            )
        )
    count, leading = 1 + (samples - size) // hop, np.shape(x)[:-1]
    pieces = -(-size // hop)  # steps of one hop that a frame reaches over
    steps = count - 1 + pieces
    short = steps * hop - samples
    if short > 0:
        x = np.concatenate([x, np.zeros((*leading, short), x.dtype)], axis=-1)
    blocks = x[..., : steps * hop].reshape(*leading, steps, hop)
    parts = [blocks[..., k : k + count, : min(hop, size - k * hop)] for k in range(pieces)]
    return parts[0] if pieces == 1 else np.concatenate(parts, axis=-1)


def fourier_matrices(size: int, bins: int, length: int) -> tuple[Floats, Floats]:
    """The discrete Fourier transform of real frames as two matrices.

    ``frame @ real + 1j * (frame @ imaginary)`` is ``numpy.fft.rfft(frame, length)[:bins]``.

    Parameters
    ----------
    size : int
        Samples of a frame.
    bins : int
        Frequencies; all that a real signal has are ``length // 2 + 1``.
    length : int
        Of the transform: frames are followed by zeros up to it, so bin k is the frequency
        ``k / length`` times the sampling rate.

    Returns
    -------
    real, imaginary : float64[size, bins]

    Examples
    --------
    >>> import numpy as np
    >>> real, imaginary = fourier_matrices(4, 3, 4)
    >>> frame = np.array([1.0, 2.0, 0.0, 0.0])
    >>> (frame @ real).round(6).tolist(), (frame @ imaginary).round(6).tolist()
    ([3.0, 1.0, -1.0], [0.0, -2.0, -0.0])
    """
    # n k modulo the length first: angles stay small, and keep their digits
    turns = np.outer(np.arange(size), np.arange(bins)) % length / length
    return np.cos(2.0 * np.pi * turns), -np.sin(2.0 * np.pi * turns)


def stft(x: Any, size: int, hop: int, *, length: int | None = None) -> tuple[Any, Any]:
    """The short-time Fourier transform: the spectrum of each frame, under a Hann window.

    ``sum over n of hann[n] * x[t * hop + n] * exp(-2j pi n k / length)``, for frame t and bin k.

    Parameters
    ----------
    x : floating array of shape (..., samples)
    size : int
        Samples of a frame.
    hop : int
        Samples from one frame to the next.
    length : int, optional
        Of the transform, `size` or more: frames are followed by zeros. Default `size`.

    Returns
    -------
    real, imaginary : arrays of shape (..., frames, length // 2 + 1)
        Of x's dtype. There is no padding: the first frame starts with the first sample, and none
        reaches beyond the last.

    Raises
    ------
    ShapeError
        If x is shorter than a frame.
    DtypeError
        If x is not floating.
    ValueError
        If a setting is out of range.

    References
    ----------
    J. B. Allen, L. R. Rabiner: "A unified approach to short-time Fourier analysis and synthesis",
    Proceedings of the IEEE 65 (1977).

    Examples
    --------
    A tone of 250 Hz at 1,000 samples a second turns twice in a frame of 8:

    >>> import numpy as np
    >>> tone = np.cos(2 * np.pi * 250 * np.arange(16) / 1000)
    >>> real, imaginary = stft(tone, 8, 4)
    >>> np.hypot(real, imaginary).round(3).tolist()[0]
    [0.0, 1.0, 2.0, 1.0, 0.0]
    """
    check_signal("stft", x)
    bins, matrix = _windowed(counted("size", size), _length(size, length))
    spectrum = frames(x, size, hop) @ matrix.astype(x.dtype)
    return spectrum[..., :bins], spectrum[..., bins:]


def power_spectrum(x: Any, size: int, hop: int, *, length: int | None = None) -> Any:
    """Squared magnitudes of the short-time Fourier transform.

    Parameters
    ----------
    x, size, hop, length
        As for `stft`.

    Returns
    -------
    array of shape (..., frames, length // 2 + 1)

    Raises
    ------
    ShapeError, DtypeError, ValueError
        As `stft`.

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.cos(2 * np.pi * 250 * np.arange(8) / 1000)
    >>> power_spectrum(tone, 8, 4).round(3).tolist()
    [[0.0, 1.0, 4.0, 1.0, 0.0]]
    """
    real, imaginary = stft(x, size, hop, length=length)
    return real * real + imaginary * imaginary


def dct(size: int, count: int) -> Floats:
    """The first rows of the orthonormal discrete cosine transform (type II), as columns.

    ``sqrt(2 / size) * cos(pi * k * (n + 1/2) / size)``, and ``sqrt(1 / size)`` for k = 0.

    Parameters
    ----------
    size : int
        Entries of what is transformed.
    count : int
        Coefficients, from 1 to `size`.

    Returns
    -------
    float64[size, count]
        ``x @ dct(size, count)`` are the first coefficients of x.

    References
    ----------
    N. Ahmed, T. Natarajan, K. R. Rao: "Discrete cosine transform", IEEE Transactions on Computers
    C-23 (1974).

    Examples
    --------
    >>> dct(2, 2).round(4).tolist()
    [[0.7071, 0.7071], [0.7071, -0.7071]]
    """
    size, count = counted("size", size), counted("count", count)
    if count > size:
        raise ValueError(at_user_line(f"count={count}: {size} entries have no more than {size}"))
    matrix = np.cos(np.pi / size * np.outer(np.arange(size) + 0.5, np.arange(count)))
    return np.asarray(matrix * np.where(np.arange(count) == 0, size**-0.5, (2.0 / size) ** 0.5))


def counted(name: str, value: int) -> int:
    """A whole number of 1 or more."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(at_user_line(f"{name}={value!r:.40}: give a whole number of 1 or more"))
    return int(value)


def check_signal(function: str, x: Any) -> None:
    """Raise unless x is an array of floats with an axis of samples."""
    dtype = getattr(x, "dtype", None)
    if dtype is None or dtype.kind != "f":
        what = type(x).__name__ if dtype is None else dtype
        raise DtypeError(
            at_user_line(
                f"{function} takes arrays of floats, not {what}: divide 16-bit samples by 32768.0"
            )
        )
    if np.ndim(x) < 1:
        raise ShapeError(at_user_line(f"{function} takes arrays of shape (..., samples)"))


@cache
def _windowed(size: int, length: int) -> tuple[int, Floats]:
    """How many bins there are, and both matrices side by side, their rows times the window."""
    bins = length // 2 + 1
    return bins, hann(size)[:, None] * np.concatenate(fourier_matrices(size, bins, length), axis=1)


def _length(size: int, length: int | None) -> int:
    if length is None:
        return size
    if counted("length", length) < size:
        raise ValueError(at_user_line(f"length={length}: give {size} or more, a frame's samples"))
    return length
