"""Mel spectrograms and cepstral coefficients: spectra in bands as wide as hearing resolves them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import at_user_line
from ..typing import Array
from .spectrum import Floats, check_count, dct_matrix, power_spectrum

EPS = 1e-10  # added to the powers before the logarithm: 100 dB below 1


def hz_to_mel(frequency: Any) -> Array:
    """``2595 log10(1 + f / 700)``, the formula of HTK.

    Parameters
    ----------
    frequency : float or array
        In Hz.

    References
    ----------
    D. O'Shaughnessy: "Speech communication: human and machine" (1987).

    Examples
    --------
    >>> round(float(hz_to_mel(1000.0)), 3)
    999.986
    """
    return 2595.0 * np.log10(1.0 + np.asarray(frequency, np.float64) / 700.0)


def mel_to_hz(mel: Any) -> Array:
    """``700 (10 ** (m / 2595) - 1)``, the inverse of `hz_to_mel`.

    Parameters
    ----------
    mel : float or array

    Examples
    --------
    >>> round(float(mel_to_hz(hz_to_mel(440.0))), 6)
    440.0
    """
    return 700.0 * (10.0 ** (np.asarray(mel, np.float64) / 2595.0) - 1.0)


def mel_filterbank(
    n_freqs: int,
    n_mels: int,
    sample_rate: float,
    *,
    f_min: float = 0.0,
    f_max: float | None = None,
) -> Floats:
    """Triangular filters over the frequencies of a spectrum, equally wide in mel.

    Of ``n_mels + 2`` edges that are equally far apart in mel, filter m rises from 0 at edge m to 1
    at edge m + 1, and falls to 0 at edge m + 2. (Triangles of height 1 by HTK's formula, as
    torchaudio's default; librosa's default is Slaney's formula and triangles of area 1.)

    Parameters
    ----------
    n_freqs : int
        Number of frequencies of the spectrum, from 0 to ``sample_rate / 2``.
    n_mels : int
        Number of filters.
    sample_rate : float
        Samples per second.
    f_min, f_max : float
        Where the first filter begins and the last one ends, in Hz. Default 0 and
        ``sample_rate / 2``.

    Returns
    -------
    float64[n_freqs, n_mels]
        ``power_spectrum(...) @ mel_filterbank(...)`` is the power in each band.

    Raises
    ------
    ValueError
        If f_min and f_max are out of order or beyond ``sample_rate / 2``, or a filter lies between
        two frequencies and would be empty.

    References
    ----------
    S. B. Davis, P. Mermelstein: "Comparison of parametric representations for monosyllabic word
    recognition in continuously spoken sentences", IEEE Transactions ASSP-28 (1980).

    Examples
    --------
    >>> for triangle in mel_filterbank(9, 3, 8000).T:
    ...     print(triangle.round(2).tolist())
    [0.0, 0.89, 0.17, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    [0.0, 0.11, 0.83, 0.65, 0.2, 0.0, 0.0, 0.0, 0.0]
    [0.0, 0.0, 0.0, 0.35, 0.8, 0.84, 0.56, 0.28, 0.0]
    """
    n_freqs, n_mels = check_count("n_freqs", n_freqs), check_count("n_mels", n_mels)
    f_max = sample_rate / 2.0 if f_max is None else f_max
    if not 0 <= f_min < f_max <= sample_rate / 2.0:
        raise ValueError(
            at_user_line(
                f"f_min={f_min:g}, f_max={f_max:g}: give 0 <= f_min < f_max <= "
                f"{sample_rate / 2:g}, half the sampling rate"
            )
        )
    frequencies = np.linspace(0.0, sample_rate / 2.0, n_freqs)
    edges = mel_to_hz(np.linspace(hz_to_mel(f_min), hz_to_mel(f_max), n_mels + 2))
    rising = (frequencies[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - frequencies[:, None]) / np.diff(edges)[1:]
    bank: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    empty = np.flatnonzero(~bank.any(axis=0))
    if len(empty):
        raise ValueError(
            at_user_line(
                f"n_mels={n_mels}: filter {empty[0]} lies between two of {n_freqs} frequencies; "
                "take fewer filters, or longer transforms"
            )
        )
    return bank


def log_mel_spectrogram(
    x: Any,
    sample_rate: float,
    *,
    win_length: int,
    hop_length: int,
    n_mels: int = 40,
    n_fft: int | None = None,
    f_min: float = 0.0,
    f_max: float | None = None,
    eps: float = EPS,
) -> Array:
    """The logarithm of the power in each mel band, frame by frame.

    ``log(power_spectrum(x) @ mel_filterbank(...) + eps)``

    Parameters
    ----------
    x : floating array of shape (..., samples)
        Samples, usually from -1 to 1.
    sample_rate : float
        Samples per second.
    win_length, hop_length, n_fft
        Lengths of frames, hops and transforms in samples; see `stft`. For speech, frames of 25 ms
        and hops of 10 ms are usual.
    n_mels, f_min, f_max
        See `mel_filterbank`. Default 40, 0 and ``sample_rate / 2``.
    eps : float
        A positive number, added before the logarithm so that silence is finite. Default 1e-10.

    Returns
    -------
    array of shape (..., frames, n_mels)

    Raises
    ------
    ShapeError, DtypeError, ValueError
        As `stft` and `mel_filterbank`.

    Examples
    --------
    A tone of 1 kHz is in the fourth of 8 bands:

    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(400) / 8000)
    >>> features = log_mel_spectrogram(tone, 8000, win_length=200, hop_length=80, n_mels=8)
    >>> features.shape, features[0].argmax().item()
    ((3, 8), 3)
    """
    if not eps > 0:
        raise ValueError(at_user_line(f"eps={eps}: give a positive number"))
    power = power_spectrum(x, win_length, hop_length, n_fft=n_fft)
    bank = _cached_filterbank(power.shape[-1], n_mels, sample_rate, f_min, f_max).astype(
        power.dtype
    )
    return np.log(power @ bank + eps)


def mfcc(
    x: Any,
    sample_rate: float,
    *,
    win_length: int,
    hop_length: int,
    n_mfcc: int = 13,
    **settings: Any,
) -> Array:
    """Mel-frequency cepstral coefficients: the DCT of `log_mel_spectrogram`.

    Parameters
    ----------
    x, sample_rate, win_length, hop_length
        As for `log_mel_spectrogram`.
    n_mfcc : int
        Number of coefficients, from 1 to the number of bands. Default 13.
    **settings
        The other parameters of `log_mel_spectrogram`.

    Returns
    -------
    array of shape (..., frames, n_mfcc)

    Raises
    ------
    ShapeError, DtypeError, ValueError
        As `log_mel_spectrogram` and `dct_matrix`.

    References
    ----------
    S. B. Davis, P. Mermelstein, 1980: see `mel_filterbank`.

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(400) / 8000)
    >>> mfcc(tone, 8000, win_length=200, hop_length=80, n_mels=8, n_mfcc=4).shape
    (3, 4)
    """
    features = log_mel_spectrogram(
        x, sample_rate, win_length=win_length, hop_length=hop_length, **settings
    )
    return features @ dct_matrix(features.shape[-1], n_mfcc).astype(features.dtype)


@cache
def _cached_filterbank(
    n_freqs: int, n_mels: int, sample_rate: float, f_min: float, f_max: float | None
) -> Floats:
    return mel_filterbank(n_freqs, n_mels, sample_rate, f_min=f_min, f_max=f_max)
