"""From samples to spectra: frames, windows, and the Fourier transform as a matrix product.

A spectrum is two real arrays, since networks and ONNX take no complex numbers. For frames of some
hundred samples a product with cosines and sines takes about as long as a fast Fourier transform,
and it needs no derivative rule beside that of `matmul`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DtypeError, ShapeError, at_user_line
from ..typing import Array

Floats = NDArray[np.float64]


def hann_window(win_length: int) -> Floats:
    """The periodic Hann window ``sin(pi n / win_length) ** 2``.

    Parameters
    ----------
    win_length : int
        Samples of a window, 1 or more.

    Returns
    -------
    float64[win_length]
        Windows that are half their length apart add up to 1.

    References
    ----------
    R. B. Blackman, J. W. Tukey: "The measurement of power spectra" (1958).

    Examples
    --------
    >>> hann_window(4).round(3).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    size = check_count("win_length", win_length)
    return np.asarray(np.sin(np.pi * np.arange(size) / size) ** 2)


def frame(x: Any, frame_length: int, hop_length: int) -> Array:
    """Cut signals into overlapping frames: frame t starts at sample ``t * hop_length``.

    Parameters
    ----------
    x : array of shape (..., samples)
        At least `frame_length` samples.
    frame_length : int
        Samples of a frame.
    hop_length : int
        Samples from the start of one frame to the start of the next.

    Returns
    -------
    array of shape (..., 1 + (samples - frame_length) // hop_length, frame_length)
        Samples after the last whole frame are left out.

    Raises
    ------
    ShapeError
        If x is shorter than a frame.

    Examples
    --------
    >>> import numpy as np
    >>> frame(np.arange(8.0), 4, 2).tolist()
    [[0.0, 1.0, 2.0, 3.0], [2.0, 3.0, 4.0, 5.0], [4.0, 5.0, 6.0, 7.0]]
    """
    size, hop = check_count("frame_length", frame_length), check_count("hop_length", hop_length)
    samples = np.shape(x)[-1] if np.ndim(x) else 0
    if samples < size:
        raise ShapeError(
            at_user_line(
                f"signals of shape {np.shape(x)} have {samples} samples, and a frame takes {size}: "
                "pad them with zeros, or take shorter frames"
            )
        )
    count, leading = 1 + (samples - size) // hop, np.shape(x)[:-1]
    hops_per_frame = -(-size // hop)
    hops = count - 1 + hops_per_frame
    missing = hops * hop - samples
    if missing > 0:
        x = np.concatenate([x, np.zeros((*leading, missing), x.dtype)], axis=-1)
    blocks = x[..., : hops * hop].reshape(*leading, hops, hop)
    parts = [blocks[..., k : k + count, : min(hop, size - k * hop)] for k in range(hops_per_frame)]
    return parts[0] if hops_per_frame == 1 else np.concatenate(parts, axis=-1)


def dft_matrices(win_length: int, n_freqs: int, n_fft: int) -> tuple[Floats, Floats]:
    """The discrete Fourier transform of real frames as two matrices.

    ``frame @ real + 1j * (frame @ imaginary)`` is ``numpy.fft.rfft(frame, n_fft)[:n_freqs]``.

    Parameters
    ----------
    win_length : int
        Samples of a frame.
    n_freqs : int
        Number of frequencies; a real signal has ``n_fft // 2 + 1``.
    n_fft : int
        Length of the transform. Frames are padded with zeros at their end up to it, so bin k is the
        frequency ``k / n_fft`` times the sampling rate.

    Returns
    -------
    real, imaginary : float64[win_length, n_freqs]

    Examples
    --------
    >>> import numpy as np
    >>> real, imaginary = dft_matrices(4, 3, 4)
    >>> frame = np.array([1.0, 2.0, 0.0, 0.0])
    >>> (frame @ real).round(6).tolist(), (frame @ imaginary).round(6).tolist()
    ([3.0, 1.0, -1.0], [0.0, -2.0, -0.0])
    """
    # n k modulo n_fft first: angles stay small, and keep their digits
    cycles = np.outer(np.arange(win_length), np.arange(n_freqs)) % n_fft / n_fft
    return np.cos(2.0 * np.pi * cycles), -np.sin(2.0 * np.pi * cycles)


def stft(x: Any, win_length: int, hop_length: int, *, n_fft: int | None = None) -> tuple[Any, Any]:
    """The short-time Fourier transform: the spectrum of each frame, under a Hann window.

    ``sum over n of hann[n] * x[t * hop_length + n] * exp(-2j pi n k / n_fft)``, for frame t and
    bin k.

    Parameters
    ----------
    x : floating array of shape (..., samples)
    win_length : int
        Samples of a frame.
    hop_length : int
        Samples from the start of one frame to the start of the next.
    n_fft : int, optional
        Length of the transform, `win_length` or more; frames are padded with zeros at their end.
        Default `win_length`.

    Returns
    -------
    real, imaginary : arrays of shape (..., frames, n_fft // 2 + 1)
        Of x's dtype. The signal is not padded: the first frame starts with the first sample, and
        no frame reaches beyond the last one (librosa's ``center=False``).

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
    A tone of 250 Hz at 1,000 samples a second has two periods in a frame of 8:

    >>> import numpy as np
    >>> tone = np.cos(2 * np.pi * 250 * np.arange(16) / 1000)
    >>> real, imaginary = stft(tone, 8, 4)
    >>> np.hypot(real, imaginary).round(3).tolist()[0]
    [0.0, 1.0, 2.0, 1.0, 0.0]
    """
    check_signal("stft", x)
    size = check_count("win_length", win_length)
    n_freqs, matrix = _windowed_dft(size, _transform_length(win_length, n_fft))
    spectrum = frame(x, win_length, hop_length) @ matrix.astype(x.dtype)
    return spectrum[..., :n_freqs], spectrum[..., n_freqs:]


def power_spectrum(x: Any, win_length: int, hop_length: int, *, n_fft: int | None = None) -> Array:
    """Squared magnitudes of the short-time Fourier transform.

    Parameters
    ----------
    x, win_length, hop_length, n_fft
        As for `stft`.

    Returns
    -------
    array of shape (..., frames, n_fft // 2 + 1)

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
    real, imaginary = stft(x, win_length, hop_length, n_fft=n_fft)
    return real * real + imaginary * imaginary


def dct_matrix(size: int, n_coefficients: int) -> Floats:
    """The first rows of the orthonormal discrete cosine transform (type II), as columns.

    ``sqrt(2 / size) * cos(pi * k * (n + 1/2) / size)``, and ``sqrt(1 / size)`` for k = 0.

    Parameters
    ----------
    size : int
        Length of the vectors to transform.
    n_coefficients : int
        Number of coefficients, from 1 to `size`.

    Returns
    -------
    float64[size, n_coefficients]
        ``x @ dct_matrix(size, n)`` are the first n coefficients of x.

    References
    ----------
    N. Ahmed, T. Natarajan, K. R. Rao: "Discrete cosine transform", IEEE Transactions on Computers
    C-23 (1974).

    Examples
    --------
    >>> dct_matrix(2, 2).round(4).tolist()
    [[0.7071, 0.7071], [0.7071, -0.7071]]
    """
    size, count = check_count("size", size), check_count("n_coefficients", n_coefficients)
    if count > size:
        raise ValueError(
            at_user_line(f"n_coefficients={count}: vectors of {size} have no more than {size}")
        )
    matrix = np.cos(np.pi / size * np.outer(np.arange(size) + 0.5, np.arange(count)))
    return np.asarray(matrix * np.where(np.arange(count) == 0, size**-0.5, (2.0 / size) ** 0.5))


def check_count(name: str, value: int) -> int:
    """Return a whole number of 1 or more; raise if it is anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(at_user_line(f"{name}={value!r:.40}: give a whole number of 1 or more"))
    return int(value)


def check_signal(function: str, x: Any) -> None:
    """Raise unless x is an array of floats with an axis of samples."""
    dtype = getattr(x, "dtype", None)
    if dtype is None or dtype.kind != "f":
        actual = type(x).__name__ if dtype is None else dtype
        raise DtypeError(
            at_user_line(
                f"{function} takes arrays of floats, not {actual}: divide 16-bit samples by 32768.0"
            )
        )
    if np.ndim(x) < 1:
        raise ShapeError(at_user_line(f"{function} takes arrays of shape (..., samples)"))


@cache
def _windowed_dft(win_length: int, n_fft: int) -> tuple[int, Floats]:
    """Return the number of frequencies, and `dft_matrices` side by side under a Hann window."""
    n_freqs = n_fft // 2 + 1
    matrices = np.concatenate(dft_matrices(win_length, n_freqs, n_fft), axis=1)
    return n_freqs, hann_window(win_length)[:, None] * matrices


def _transform_length(win_length: int, n_fft: int | None) -> int:
    if n_fft is None:
        return win_length
    if check_count("n_fft", n_fft) < win_length:
        raise ValueError(
            at_user_line(f"n_fft={n_fft}: give {win_length} or more, the samples of a frame")
        )
    return n_fft
