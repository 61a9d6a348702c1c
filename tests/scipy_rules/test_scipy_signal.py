"""`scipy.signal` on traced arrays: filters, convolutions, smoothing, waveforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from same_as_scipy import Case, case, check_compiled, check_derivatives, check_values
from scipy import signal

import chainrule as cr
from chainrule.errors import UnsupportedError

RNG = np.random.default_rng(0)
X, XS, IMAGE = RNG.normal(size=30), RNG.normal(size=(2, 24, 3)), RNG.normal(size=(7, 6))
SOS = signal.butter(5, 0.3, output="sos")
EDGES: Any = ("odd", "even", "constant", None)

CONVOLUTIONS: dict[str, Case] = {}
for _shapes in (((9,), (4,)), ((3,), (5,)), ((1,), (4,)), ((6, 7), (2, 3)), ((6, 7), (3, 4)),
                ((2, 2), (3, 3)), ((3, 4, 5), (2, 2, 3))):  # fmt: skip
    _a, _b = (RNG.normal(size=shape) for shape in _shapes)
    for _mode in ("full", "same", "valid"):
        for _f in (signal.convolve, signal.correlate, signal.fftconvolve, signal.oaconvolve):
            CONVOLUTIONS[f"{_f.__name__} {_shapes} {_mode}"] = case(
                lambda a, b, f=_f, m=_mode: f(a, b, m), _a, _b
            )
        for _f in (signal.convolve2d, signal.correlate2d):
            for _edge in ("fill", "wrap", "symm") if len(_shapes[0]) == 2 else ():
                CONVOLUTIONS[f"{_f.__name__} {_shapes} {_mode} {_edge}"] = case(
                    lambda a, b, f=_f, m=_mode, e=_edge: f(a, b, m, e, fillvalue=0.3), _a, _b
                )
_long, _wide = RNG.normal(size=3000), RNG.normal(size=601)
CONVOLUTIONS |= {
    "long": case(
        lambda a, b: [signal.fftconvolve(a, b, m) for m in ("full", "same", "valid")],
        _long, _wide, order=1, rtol=1e-9,
    ),
    "float32": case(
        lambda a: signal.convolve(a, a), X.astype(np.float32), order=0, rtol=1e-4
    ),
    "integers": case(
        lambda a: signal.convolve(np.round(a).astype(int), np.arange(3)), X, order=0
    ),
    "axes": case(lambda a, b: signal.fftconvolve(a, b[None], axes=1), IMAGE, X[:3]),
}  # fmt: skip

FILTERS: dict[str, Case] = {}
for _k, (_b, _a) in enumerate((
    (RNG.normal(size=3), np.array([1.5, 0.3, -0.2])), (np.array([0.5]), np.array([2.0, 0.3])),
    (RNG.normal(size=4), np.array([1.0, 0.3])), (RNG.normal(size=3), np.array([2.0])),
    (np.array([0.3]), np.array([2.0])),
)):  # fmt: skip
    _n = max(len(_a), len(_b)) - 1
    FILTERS |= {
        f"lfilter {_k}": case(lambda b, a, x: signal.lfilter(b, a, x), _b, _a, X),
        f"lfilter axis {_k}": case(lambda x, b=_b, a=_a: signal.lfilter(b, a, x, axis=1), XS),
        f"lfilter state {_k}": case(
            lambda b, a, x, z: signal.lfilter(b, a, x, zi=z), _b, _a, X, RNG.normal(size=_n)
        ),
        f"lfilter states {_k}": case(
            lambda x, z, b=_b, a=_a: signal.lfilter(b, a, x, axis=1, zi=z), XS,
            RNG.normal(size=(2, _n, 3)),
        ),
    }  # fmt: skip
    if _n:
        FILTERS[f"lfilter_zi {_k}"] = case(lambda b, a: signal.lfilter_zi(b, a), _b, _a)
        FILTERS[f"filtfilt {_k}"] = case(
            lambda b, a, x: signal.filtfilt(b, a, x, axis=1, padlen=5), _b, _a, XS, rtol=1e-9
        )
for _edge in EDGES:
    FILTERS |= {
        f"filtfilt {_edge}": case(
            lambda x, e=_edge: signal.filtfilt(*signal.butter(3, 0.3), x, padtype=e), X, rtol=1e-9
        ),
        f"sosfiltfilt {_edge}": case(
            lambda x, e=_edge: signal.sosfiltfilt(SOS, x, axis=1, padtype=e), XS, rtol=1e-9
        ),
    }
FILTERS |= {
    "whole padding": case(lambda x: signal.filtfilt([1.0, 0.4], [1.0, 0.2], x, padlen=29), X),
    "float32": case(
        lambda x: signal.lfilter(np.float32([1.0, 0.5]), np.float32([1.0, 0.3]), x),
        X.astype(np.float32), order=0, rtol=1e-5,
    ),
    "sosfilt": case(lambda x: signal.sosfilt(SOS, x), X),
    "sosfilt states": case(
        lambda x, z: signal.sosfilt(SOS, x, axis=1, zi=z), XS, RNG.normal(size=(3, 2, 2, 3))
    ),
    "sosfilt of sections": case(
        lambda q: signal.sosfilt(np.concatenate([q, SOS[:, 3:]], axis=1), X), SOS[:, :3]
    ),
    "sosfilt_zi": case(
        lambda q: signal.sosfilt_zi(np.concatenate([q, SOS[:, 3:]], axis=1)), SOS[:, :3], rtol=1e-9
    ),
    "sosfiltfilt of sections": case(
        lambda q: signal.sosfiltfilt(np.concatenate([q, SOS[:, 3:]], axis=1), X, padlen=9),
        SOS[:, :3], rtol=1e-8,
    ),
}  # fmt: skip

TIMES = np.linspace(-3, 14, 9) + 0.01
SMOOTHING: dict[str, Case] = {
    "detrend": case(lambda x: signal.detrend(x, axis=1, bp=[10, 11, 20]), XS, rtol=1e-9),
    "detrend constant": case(lambda x: signal.detrend(x, type="constant"), X),
    "medfilt": case(lambda x: signal.medfilt(x, 5), X),
    "medfilt2d": case(lambda a: signal.medfilt2d(a, (3, 5)), IMAGE),
    "wiener": case(lambda a: signal.wiener(a, 3), IMAGE, rtol=1e-9),
    "wiener of noise": case(lambda x, n: signal.wiener(x, 5, n), X, 0.5, rtol=1e-9),
    "sawtooth": case(lambda t, w: signal.sawtooth(t, w), TIMES, 0.3),
    "square": case(lambda t: signal.square(t, 0.3), TIMES, order=0),
    "gausspulse": case(
        lambda t, f: signal.gausspulse(t, f, retquad=True, retenv=True), TIMES * 0.1, 5.0
    ),
    "cutoff": case(lambda f: signal.gausspulse("cutoff", f), 5.0),
    "peaks": case(lambda x: x[signal.find_peaks(x)[0]], X, abstract=False),
    "heights": case(
        lambda x: signal.find_peaks(x, height=0.5)[1]["peak_heights"], X, abstract=False
    ),
    "freqz": case(
        lambda b, a: [f(signal.freqz(b, a, 5)[1]) for f in (np.real, np.imag, np.abs)],
        X[:3], np.array([1.5, 0.3, -0.2]),
    ),
    "freqz_sos": case(
        lambda q: np.abs(signal.freqz_sos(np.concatenate([q, SOS[:, 3:]], axis=1), [0.1, 1.2])[1]),
        SOS[:, :3],
    ),
}  # fmt: skip
for _mode in ("mirror", "constant", "nearest", "interp", "wrap"):
    for _d in (0, 1, 4):
        SMOOTHING[f"savgol {_mode} {_d}"] = case(
            lambda x, m=_mode, d=_d: signal.savgol_filter(x, 7, 3, d, 0.5, 1, m, 0.3), XS, rtol=1e-8
        )
for _up, _down in ((1, 1), (2, 1), (1, 3), (3, 2), (5, 7)):
    SMOOTHING |= {
        f"upfirdn {_up} {_down}": case(
            lambda h, x, u=_up, d=_down: signal.upfirdn(h, x, u, d, axis=1), X[:5], XS
        ),
        f"resample_poly {_up} {_down}": case(
            lambda x, u=_up, d=_down: signal.resample_poly(x, u, d, axis=1), XS, rtol=1e-9
        ),
        f"resample {_up} {_down}": case(
            lambda x, n=7 * _up + _down: signal.resample(x, n, axis=1), XS, rtol=1e-9
        ),
    }
for _kind in ("iir", "fir"):
    for _zero in (True, False):
        SMOOTHING[f"decimate {_kind} {_zero}"] = case(
            lambda x, k=_kind, z=_zero: signal.decimate(x, 3, 4, k, 1, z), XS, rtol=1e-8
        )
for _method in ("linear", "quadratic", "log", "hyp"):
    SMOOTHING[f"chirp {_method}"] = case(
        lambda t, f0, f1, m=_method: signal.chirp(t, f0, 4.0, f1, m, 20, False),
        np.abs(TIMES) * 0.1, 1.3, 2.4,
    )  # fmt: skip
TABLES = {"convolution": CONVOLUTIONS, "filters": FILTERS, "smoothing": SMOOTHING}
ALL = {f"{table} {name}": c for table, cases in TABLES.items() for name, c in cases.items()}
OFTEN = [name for k, name in enumerate(ALL) if k % 5 == 0]


@pytest.mark.parametrize("name", ALL)
def test_values(name: str) -> None:
    """SciPy's numbers, dtypes and shapes."""
    check_values(ALL[name])


@pytest.mark.parametrize("name", OFTEN)
def test_slopes(name: str) -> None:
    """Derivatives by signals, coefficients and states."""
    check_derivatives(ALL[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(ALL) - set(OFTEN))[::2])
def test_more_slopes(name: str) -> None:
    """The same for half of the rest of the tables."""
    check_derivatives(ALL[name])


@pytest.mark.parametrize(
    "name", ["filters lfilter 0", "filters sosfiltfilt odd", "smoothing savgol interp 1"]
)
def test_compiled(name: str) -> None:
    """Compiled functions and gradients are the eager ones."""
    check_compiled(ALL[name])


def test_wrong_and_refused() -> None:
    """SciPy's errors, and refusals by name."""
    for wrong in (
        lambda x: signal.lfilter(x[:2, None], x, X),
        lambda x: signal.lfilter(x, [0.0, 1.0], X),
        lambda x: signal.filtfilt([1.0, 0.4], [1.0, 0.2], x, padlen=30),
        lambda x: signal.filtfilt([1.0, 0.4], [1.0, 0.2], x, padtype="far"),
        lambda x: signal.sosfilt(SOS, x, zi=np.zeros(2)),
        lambda x: signal.convolve(x, IMAGE),
        lambda x: signal.convolve(x, x, "most"),
        lambda x: signal.savgol_filter(x, 31, 3),
        lambda x: signal.medfilt(x, 4),
    ):
        with pytest.raises(ValueError):
            cr.vjp(wrong, X)
    for refused in (
        lambda x: signal.filtfilt([1.0, 0.4], [1.0, 0.2], x, method="gust"),
        lambda x: signal.welch(x)[1],
        lambda x: signal.butter(2, x[0] ** 2),
        lambda x: signal.find_peaks(x, prominence=0.1)[0],
        lambda x: signal.chirp(x, 1.0, 2.0, 3.0, complex=True),
        lambda x: signal.detrend(x, overwrite_data=True),
        lambda x: signal.resample(x, 7, window="hann"),
    ):
        with pytest.raises(UnsupportedError):
            cr.vjp(refused, X)
