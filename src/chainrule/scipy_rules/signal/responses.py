"""Frequency responses of filters with traced coefficients, and resampling by Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import at_user_line
from ...trace.nested import is_traced
from ..arrays import as_float, asarray, makes_new, refuse
from .convolution import MODULE


def _frequencies(worN: Any, whole: bool, fs: Any, include_nyquist: bool) -> Any:
    """Return angles per sample."""
    if is_traced(worN) or is_traced(fs):
        refuse("scipy.signal.freqz with traced frequencies", "only coefficients may be traced")
    worN = 512 if worN is None else worN
    if isinstance(worN, (int, np.integer)):
        if worN < 0:
            raise ValueError(at_user_line(f"worN must be nonnegative, got {worN}"))
        last = 2 * np.pi if whole else np.pi
        return np.linspace(0, last, worN, endpoint=include_nyquist and not whole)
    return 2 * np.pi * np.atleast_1d(np.asarray(worN, np.float64)) / fs


def _polynomial(c: Any, points: Any) -> Any:
    """Return sum over k of c[k] z**k at all points z of the unit circle."""
    return points[:, None] ** np.arange(c.shape[0]) @ c


def _response(b: Any, a: Any, w: Any) -> Any:
    points = np.exp(-1j * w)
    return _polynomial(b, points) / _polynomial(a, points)


def _coefficients(c: Any) -> Any:
    c = as_float(c)
    c = c.reshape(1) if not c.ndim else c
    if c.ndim != 1 or c.dtype != np.float64:
        refuse("scipy.signal.freqz", "coefficients must be a list of float64 numbers")
    return c


@makes_new(MODULE, "freqz")
def _freqz(b: Any, a: Any = 1, worN: Any = 512, whole: bool = False, plot: Any = None,
           fs: Any = 2 * np.pi, include_nyquist: bool = False) -> Any:  # fmt: skip
    if plot is not None:
        refuse("scipy.signal.freqz(plot=...)", "plot what it repoints, outside of the function")
    w = _frequencies(worN, whole, fs, include_nyquist)
    return w * (fs / (2 * np.pi)), _response(_coefficients(b), _coefficients(a), w)


@makes_new(MODULE, "freqz_sos", "sosfreqz")
def _freqz_sos(sos: Any, worN: Any = 512, whole: bool = False, fs: Any = 2 * np.pi) -> Any:
    sos = asarray(sos, np.float64)
    if sos.ndim != 2 or sos.shape[1] != 6 or not sos.shape[0]:
        raise ValueError(at_user_line("sos array must be shape (n_sections, 6)"))
    w = _frequencies(worN, whole, fs, False)
    h: Any = 1.0
    for k in range(sos.shape[0]):
        h = h * _response(sos[k, :3], sos[k, 3:], w)
    return w * (fs / (2 * np.pi)), h


@makes_new(MODULE, "resample")
def _resample(x: Any, num: int, t: Any = None, axis: int = 0, window: Any = None,
              domain: str = "time") -> Any:  # fmt: skip
    x = as_float(x)
    if window is not None or domain != "time" or x.dtype.kind == "c":
        refuse("scipy.signal.resample(window=..., domain=...) or of complex signals",
               "resample real signals in time, without a window")  # fmt: skip
    rows = np.moveaxis(x, axis, -1)
    n = rows.shape[-1]
    m = min(num, n)
    spectrum = np.fft.rfft(rows)[..., : m // 2 + 1]
    if m % 2 == 0 and num != n:  # the bin of half the rate is one for both signs
        factors = np.ones(m // 2 + 1, x.dtype)
        factors[-1] = 2.0 if num < n else 0.5
        spectrum = spectrum * factors
    y = np.moveaxis(asarray(np.fft.irfft(spectrum, num) * (num / n), x.dtype), -1, axis)
    if t is None:
        return y
    t = asarray(t)
    return y, np.arange(num) * (t[1] - t[0]) * n / float(num) + t[0]
