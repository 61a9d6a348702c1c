"""Spectra as ears hear them: bands of equal width in mel, their logarithms, their cosines."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import at_user_line
from .spectrum import Floats, counted, dct, power_spectrum

FLOOR = 1e-10  # what log_mel adds to powers: 100 dB below 1


def hertz_to_mel(frequency: Any) -> Any:
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
    >>> round(float(hertz_to_mel(1000.0)), 3)
    999.986
    """
    return 2595.0 * np.log10(1.0 + np.asarray(frequency, np.float64) / 700.0)


def mel_to_hertz(mel: Any) -> Any:
    """``700 (10 ** (m / 2595) - 1)``, the inverse of `hertz_to_mel`.

    Parameters
    ----------
    mel : float or array

    Examples
    --------
    >>> round(float(mel_to_hertz(hertz_to_mel(440.0))), 6)
    440.0
    """
    return 700.0 * (10.0 ** (np.asarray(mel, np.float64) / 2595.0) - 1.0)


def mel_filterbank(
    bins: int, mels: int, rate: float, *, low: float = 0.0, high: float | None = None
) -> Floats:
    """Triangles over the bins of a spectrum, equally wide in mel.

    Filter m rises from 0 to 1 between the edges m and m + 1 of ``mels + 2`` edges that are equally
    far apart in mel, and falls to 0 at edge m + 2. (Triangles of height 1 by HTK's formula, as
    torchaudio's default; librosa's default is Slaney's formula and triangles of area 1.)

    Parameters
    ----------
    bins : int
        Frequencies of the spectrum, from 0 to half the sampling rate.
    mels : int
        Filters.
    rate : float
        Samples a second.
    low, high : float
        Where the first filter begins and the last one ends, in Hz. Default 0 and ``rate / 2``.

    Returns
    -------
    float64[bins, mels]
        ``power_spectrum(...) @ mel_filterbank(...)`` are the bands' powers.

    Raises
    ------
    ValueError
        If the frequencies are out of order or beyond half the rate, or a filter lies between two
        bins and would be empty.

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
    bins, mels = counted("bins", bins), counted("mels", mels)
    high = rate / 2.0 if high is None else high
    if not 0 <= low < high <= rate / 2.0:
        raise ValueError(
            at_user_line(
                f"low={low:g}, high={high:g}: give 0 <= low < high <= {rate / 2:g}, half the rate"
            )
        )
    frequencies = np.linspace(0.0, rate / 2.0, bins)
    edges = mel_to_hertz(np.linspace(hertz_to_mel(low), hertz_to_mel(high), mels + 2))
    rising = (frequencies[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - frequencies[:, None]) / np.diff(edges)[1:]
    bank: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    empty = np.flatnonzero(~bank.any(axis=0))
    if len(empty):
        raise ValueError(
            at_user_line(
                f"mels={mels}: filter {empty[0]} lies between two of {bins} bins; take fewer "
                "filters, or longer transforms"
            )
        )
    return bank


def log_mel(
    x: Any,
    rate: float,
    *,
    size: int,
    hop: int,
    mels: int = 40,
    length: int | None = None,
    low: float = 0.0,
    high: float | None = None,
    floor: float = FLOOR,
) -> Any:
    """The logarithm of the power in each band of mel, frame by frame.

    ``log(power_spectrum(x) @ mel_filterbank(...) + floor)``

    Parameters
    ----------
    x : floating array of shape (..., samples)
        About -1 to 1.
    rate : float
        Samples a second.
    size, hop, length
        Of frames and transform, in samples; see `stft`. 25 and 10 ms are usual for speech.
    mels, low, high
        See `mel_filterbank`. Default 40 bands from 0 to ``rate / 2``.
    floor : float
        Added before the logarithm, above 0: what is weaker counts as silence. Default 1e-10.

    Returns
    -------
    array of shape (..., frames, mels)

    Raises
    ------
    ShapeError, DtypeError, ValueError
        As `stft` and `mel_filterbank`.

    Examples
    --------
    A tone of 1 kHz is in the band about it, here the fourth:

    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(400) / 8000)
    >>> features = log_mel(tone, 8000, size=200, hop=80, mels=8)
    >>> features.shape, features[0].argmax().item()
    ((3, 8), 3)
    """
    if not floor > 0:
        raise ValueError(at_user_line(f"floor={floor}: give a positive number"))
    power = power_spectrum(x, size, hop, length=length)
    bank = _bank(power.shape[-1], mels, rate, low, high).astype(power.dtype)
    return np.log(power @ bank + floor)


def mfcc(
    x: Any, rate: float, *, size: int, hop: int, coefficients: int = 13, **settings: Any
) -> Any:
    """Mel-frequency cepstral coefficients: `log_mel` along the cosines of `dct`.

    Parameters
    ----------
    x, rate, size, hop
        As for `log_mel`.
    coefficients : int
        How many, from 1 to the number of bands. Default 13.
    **settings
        The others of `log_mel`.

    Returns
    -------
    array of shape (..., frames, coefficients)

    Raises
    ------
    ShapeError, DtypeError, ValueError
        As `log_mel` and `dct`.

    References
    ----------
    S. B. Davis, P. Mermelstein, 1980: see `mel_filterbank`.

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(400) / 8000)
    >>> mfcc(tone, 8000, size=200, hop=80, mels=8, coefficients=4).shape
    (3, 4)
    """
    features = log_mel(x, rate, size=size, hop=hop, **settings)
    return features @ dct(features.shape[-1], coefficients).astype(features.dtype)


@cache
def _bank(bins: int, mels: int, rate: float, low: float, high: float | None) -> Floats:
    return mel_filterbank(bins, mels, rate, low=low, high=high)
