"""Waveforms of traced times, and what of `scipy.signal` has no rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import at_user_line
from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ..arrays import as_float, asarray, makes_new, refuse
from .convolution import MODULE


def _duty(t: Any, width: Any) -> tuple[Any, Any, Any]:
    """Return the phase, the share of the first half, and where that is none."""
    t, width = as_float(t), as_float(width)
    w = width + t * 0.0
    return (t + width * 0.0) % (2 * np.pi), w, (w > 1) | (w < 0)


@makes_new(MODULE, "sawtooth")
def _sawtooth(t: Any, width: Any = 1) -> Any:
    phase, w, wrong = _duty(t, width)
    phase, w = asarray(phase, np.float64), asarray(w, np.float64)
    rising = phase < w * 2 * np.pi
    up = phase / (np.pi * np.where(rising, w, 1.0)) - 1
    down = (np.pi * (w + 1) - phase) / (np.pi * (1 - np.where(rising, 0.0, w)))
    return np.where(wrong, np.nan, np.where(rising, up, down))


@makes_new(MODULE, "square")
def _square(t: Any, duty: Any = 0.5) -> Any:
    phase, w, wrong = _duty(t, duty)
    return np.where(wrong, np.nan, np.where(phase < w * 2 * np.pi, 1.0, -1.0))


@makes_new(MODULE, "gausspulse")
def _gausspulse(t: Any, fc: Any = 1000, bw: Any = 0.5, bwr: Any = -6, tpr: Any = -60,
                retquad: bool = False, retenv: bool = False) -> Any:  # fmt: skip
    a = -((np.pi * fc * bw) ** 2) / (4.0 * np.log(10.0 ** (bwr / 20.0)))
    if isinstance(t, str):
        if t != "cutoff":
            raise ValueError(at_user_line("If `t` is a string, it must be 'cutoff'"))
        return np.sqrt(-np.log(10.0 ** (tpr / 20.0)) / a)
    t = asarray(t)
    envelope = np.exp(-a * t * t)
    results = [envelope * np.cos(2 * np.pi * fc * t)]
    if retquad:
        results.append(envelope * np.sin(2 * np.pi * fc * t))
    if retenv:
        results.append(envelope)
    return results[0] if len(results) == 1 else tuple(results)


@makes_new(MODULE, "chirp")
def _chirp(t: Any, f0: Any, t1: Any, f1: Any, method: str = "linear", phi: Any = 0,
           vertex_zero: bool = True, *, complex: bool = False) -> Any:  # fmt: skip
    if complex:
        refuse("scipy.signal.chirp(complex=True)", "call it twice, with phi and phi - 90")
    names = {"linear": ("lin", "li"), "quadratic": ("quad", "q"), "logarithmic": ("log", "lo"),
             "hyperbolic": ("hyp",)}  # fmt: skip
    kind = next((k for k, others in names.items() if method in (k, *others)), None)
    if kind is None:
        raise ValueError(at_user_line(f"unknown method {method!r} of a chirp"))
    phase = _PHASES[kind](as_float(t), f0, t1, f1, vertex_zero)
    return np.cos(phase + np.deg2rad(phi))


def _linear(t: Any, f0: Any, t1: Any, f1: Any, _vertex_zero: bool) -> Any:
    return 2 * np.pi * (f0 * t + 0.5 * ((f1 - f0) / t1) * t * t)


def _quadratic(t: Any, f0: Any, t1: Any, f1: Any, vertex_zero: bool) -> Any:
    beta = (f1 - f0) / t1**2
    if vertex_zero:
        return 2 * np.pi * (f0 * t + beta * t**3 / 3)
    return 2 * np.pi * (f1 * t + beta * ((t1 - t) ** 3 - t1**3) / 3)


def _logarithmic(t: Any, f0: Any, t1: Any, f1: Any, _vertex_zero: bool) -> Any:
    _distinct(f0, f1)
    beta = t1 / np.log(f1 / f0)
    return 2 * np.pi * beta * f0 * ((f1 / f0) ** (t / t1) - 1.0)


def _hyperbolic(t: Any, f0: Any, t1: Any, f1: Any, _vertex_zero: bool) -> Any:
    _distinct(f0, f1)
    pole = -f1 * t1 / (f0 - f1)
    return 2 * np.pi * (-pole * f0) * np.log(abs(1 - t / pole))


def _distinct(f0: Any, f1: Any) -> None:
    if is_traced(f0) or is_traced(f1):
        return
    if f0 == f1:
        refuse("scipy.signal.chirp with f0 == f1", "write np.cos(2 * np.pi * f0 * t)")
    if f0 * f1 <= 0:
        raise ValueError(at_user_line("f0 and f1 must be nonzero and have the same sign."))


_PHASES = {"linear": _linear, "quadratic": _quadratic, "logarithmic": _logarithmic,
           "hyperbolic": _hyperbolic}  # fmt: skip

_REASONS = {
    "of spectra": ("welch", "csd", "periodogram", "spectrogram", "stft", "istft", "coherence",
                   "lombscargle", "check_COLA", "czt", "zoom_fft"),
    "of filter design": ("freqs", "group_delay", "firwin", "firwin2",
                         "firls", "remez", "butter", "cheby1", "cheby2", "ellip", "bessel",
                         "iirfilter", "iirnotch", "iirpeak", "bilinear", "tf2zpk", "tf2sos",
                         "tf2ss", "zpk2tf", "zpk2sos", "sos2tf", "ss2tf"),
    "of systems": ("lsim", "impulse", "step", "dlsim", "dimpulse", "dstep", "lti", "dlti",
                   "place_poles"),
    "of peaks": ("find_peaks_cwt", "argrelextrema", "argrelmax", "argrelmin", "peak_prominences",
                 "peak_widths"),
    "of other filters": ("order_filter", "hilbert2", "deconvolve", "lfiltic", "symiirorder1",
                         "symiirorder2", "qspline1d", "cspline1d", "sepfir2d", "vectorstrength",
                         "sweep_poly"),
}  # fmt: skip
for _kind, _names in _REASONS.items():
    for _name in _names:

        @intercepts(MODULE, _name)
        def _refused(*args: Any, _name: str = _name, _kind: str = _kind, **kwargs: Any) -> Any:
            refuse(f"scipy.signal.{_name}", f"functions {_kind} have no rule")
