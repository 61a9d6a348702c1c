"""Smoothing, trends, medians and other sampling rates."""

from __future__ import annotations

from itertools import pairwise
from math import gcd
from typing import Any

import numpy as np
import scipy.ndimage
import scipy.signal

from ...errors import at_user_line
from ...trace.nested import is_traced
from ..arrays import as_float, asarray, known, makes_new, refuse
from ..correlation import correlate_along
from .convolution import MODULE

_convolve1d: Any = scipy.ndimage.convolve1d

# Savitzky and Golay


@makes_new(MODULE, "savgol_filter")
def _savgol_filter(x: Any, window_length: int, polyorder: int, deriv: int = 0, delta: float = 1.0,
                   axis: int = -1, mode: str = "interp", cval: Any = 0.0) -> Any:  # fmt: skip
    if mode not in ("mirror", "constant", "nearest", "interp", "wrap"):
        raise ValueError(
            at_user_line("mode must be 'mirror', 'constant', 'nearest' 'wrap' or 'interp'.")
        )
    if is_traced(delta):
        refuse("savgol_filter with a traced delta", "divide by delta**deriv yourself")
    x = asarray(x)
    x = x if x.dtype in (np.float64, np.float32) else x.astype(np.float64)
    weights = scipy.signal.savgol_coeffs(window_length, polyorder, deriv=deriv, delta=delta)
    if mode != "interp":
        return _convolve1d(x, weights, axis=axis, mode=mode, cval=cval)
    if window_length > x.shape[axis]:
        raise ValueError(
            at_user_line(
                "If mode is 'interp', window_length must be less than or equal to the size of x."
            )
        )
    y = np.moveaxis(_convolve1d(x, weights, axis=axis, mode="constant"), axis, 0)
    rows, n, half = np.moveaxis(x, axis, 0), x.shape[axis], window_length // 2
    first, last = (
        _polynomials(window_length, part, polyorder, deriv, delta).astype(x.dtype)
        for part in (slice(0, half), slice(window_length - half, window_length))
    )
    start = np.tensordot(first, rows[:window_length], (1, 0))
    end = np.tensordot(last, rows[n - window_length :], (1, 0))
    return np.moveaxis(np.concatenate([start, y[half : n - half], end]), 0, axis)


def _polynomials(size: int, points: slice, order: int, deriv: int, delta: float) -> Any:
    """Return the matrix from a window to derivatives, at some points, of the polynomial in it."""
    t = np.arange(float(size))
    coefficients = np.polyfit(t, np.eye(size), order)
    if deriv > order:
        return np.zeros((len(t[points]), size))
    powers = np.arange(order, -1, -1)
    factors = np.array([float(np.prod(np.arange(p, p - deriv, -1.0))) for p in powers])
    chosen = powers >= deriv
    basis = t[points, None] ** (powers[chosen] - deriv) * factors[chosen]
    return basis @ coefficients[chosen] / delta**deriv


# Trends


@makes_new(MODULE, "detrend")
def _detrend(data: Any, axis: int = -1, type: str = "linear", bp: Any = 0,
             overwrite_data: bool = False) -> Any:  # fmt: skip
    if type not in ("linear", "l", "constant", "c"):
        raise ValueError(at_user_line("Trend type must be 'linear' or 'constant'."))
    if overwrite_data:
        refuse("scipy.signal.detrend(overwrite_data=True)", "use the array that it returns")
    x = as_float(data)
    if type in ("constant", "c"):
        return x - np.mean(x, axis=axis, keepdims=True)
    rows = np.moveaxis(x, axis, 0)
    n = rows.shape[0]
    breaks = np.unique(np.concatenate([[0], np.atleast_1d(bp), [n]]))
    if np.any(breaks > n):
        raise ValueError(
            at_user_line("Breakpoints must be less than length of data along given axis.")
        )
    parts = []
    for start, stop in pairwise(breaks):
        line = np.ones((stop - start, 2))
        line[:, 0] = np.arange(1, stop - start + 1) / (stop - start)
        basis = np.linalg.qr(line)[0] if stop - start > 1 else np.ones((1, 1))
        basis = basis.astype(x.dtype)
        part = rows[start:stop]
        parts.append(part - np.tensordot(basis, np.tensordot(basis.T, part, (1, 0)), (1, 0)))
    return np.moveaxis(np.concatenate(parts), 0, axis)


# Medians and Wiener's filter


@makes_new(MODULE, "medfilt")
def medfilt(volume: Any, kernel_size: Any = None) -> Any:
    """Return the medians of windows, with zeros around."""
    x = asarray(volume)
    x = x.reshape(1) if not x.ndim else x
    if x.dtype not in (np.float32, np.float64):
        refuse(f"scipy.signal.medfilt of {x.dtype}", "give floats")
    sizes = _sizes(kernel_size, x.ndim)
    if any(k % 2 != 1 for k in sizes):
        raise ValueError(at_user_line("Each element of kernel_size should be odd."))
    return scipy.ndimage.rank_filter(x, int(np.prod(sizes)) // 2, size=sizes, mode="constant")


def _sizes(size: Any, n: int) -> tuple[int, ...]:
    size = 3 if size is None else size
    return tuple(int(k) for k in (size if np.ndim(size) else [size] * n))


@makes_new(MODULE, "medfilt2d")
def _medfilt2d(input: Any, kernel_size: Any = 3) -> Any:
    if asarray(input).ndim != 2:
        raise ValueError(at_user_line("object too deep or too flat for an image"))
    return medfilt(input, kernel_size)


@makes_new(MODULE, "wiener")
def _wiener(im: Any, mysize: Any = None, noise: Any = None) -> Any:
    x = as_float(im)
    sizes = _sizes(mysize, x.ndim)
    ones, count = np.ones(sizes), float(np.prod(sizes))
    mean = scipy.signal.correlate(x, ones, "same") / count
    variance = scipy.signal.correlate(x**2, ones, "same") / count - mean**2
    if noise is None:
        noise = np.mean(variance)
    low = variance < noise
    filtered = (x - mean) * (1 - noise / np.where(low, 1.0, variance)) + mean
    return np.where(low, mean, filtered)


# Other sampling rates


@makes_new(MODULE, "upfirdn")
def upfirdn(h: Any, x: Any, up: int = 1, down: int = 1, axis: int = -1, mode: str = "constant",
            cval: Any = 0) -> Any:  # fmt: skip
    """Return a signal with zeros put between, filtered, of which every so many samples stay."""
    if mode != "constant" or is_traced(cval) or cval != 0:
        refuse("scipy.signal.upfirdn(mode=..., cval=...)", "pad the signal yourself")
    h, x = asarray(h), asarray(x)
    if h.ndim != 1 or not h.shape[0]:
        raise ValueError(at_user_line("h must be 1-D with non-zero length"))
    dtype = np.result_type(h.dtype, x.dtype, np.float32)
    rows = np.moveaxis(asarray(x, dtype), axis, 0)
    n = rows.shape[0]
    if up > 1:
        gaps = np.pad(rows[:, None], [(0, 0), (0, up - 1), *[(0, 0)] * (rows.ndim - 1)])
        rows = gaps.reshape(n * up, *rows.shape[1:])[: (n - 1) * up + 1]
    reach = h.shape[0] - 1
    wide = np.pad(rows, [(reach, reach), *[(0, 0)] * (rows.ndim - 1)])
    y = correlate_along(wide, asarray(h, dtype)[::-1], 0)[::down]
    return np.moveaxis(y, 0, axis)


@makes_new(MODULE, "resample_poly")
def _resample_poly(x: Any, up: int, down: int, axis: int = 0, window: Any = ("kaiser", 5.0),
                   padtype: str = "constant", cval: Any = None) -> Any:  # fmt: skip
    x = as_float(x)
    if up != int(up) or down != int(down) or min(up, down) < 1:
        raise ValueError(at_user_line("up and down must be integers >= 1"))
    if padtype not in ("constant", "mean") or cval is not None:
        refuse("scipy.signal.resample_poly(padtype=..., cval=...)",
               "use padtype='constant' or 'mean'")  # fmt: skip
    divisor = gcd(int(up), int(down))
    up, down = int(up) // divisor, int(down) // divisor
    if up == down == 1:
        return x.copy()
    if isinstance(window, (list, np.ndarray)):
        h = asarray(window)
    else:
        reach = 10 * max(up, down)
        h = scipy.signal.firwin(2 * reach + 1, 1.0 / max(up, down), window=window)
        h = h.astype(x.dtype)
    half, n_in = (h.shape[0] - 1) // 2, x.shape[axis]
    n_out = -(-n_in * up // down)
    before = down - half % down
    start = (half + before) // down
    after = max(0, (n_out + start - 1) * down + 1 - (n_in - 1) * up - h.shape[0] - before)
    background = np.mean(x, axis=axis, keepdims=True) if padtype == "mean" else None
    signal = x if background is None else x - background
    y = upfirdn(np.pad(h * up, (before, after)), signal, up, down, axis)
    y = np.moveaxis(np.moveaxis(y, axis, 0)[start : start + n_out], 0, axis)
    return y if background is None else y + background


@makes_new(MODULE, "decimate")
def _decimate(x: Any, q: int, n: Any = None, ftype: Any = "iir", axis: int = -1,
              zero_phase: bool = True) -> Any:  # fmt: skip
    x = as_float(x)
    if ftype not in ("iir", "fir"):
        refuse("scipy.signal.decimate with a system", "use ftype='iir' or 'fir'")
    if ftype == "fir":
        b = scipy.signal.firwin((20 * q if n is None else n) + 1, 1.0 / q, window="hamming")
        b = b.astype(x.dtype)
        if zero_phase:
            return _resample_poly(x, 1, q, axis, b)
        y = np.moveaxis(upfirdn(b, x, 1, q, axis), axis, 0)
        return np.moveaxis(y[: -(-x.shape[axis] // q)], 0, axis)
    sos = scipy.signal.cheby1(8 if n is None else n, 0.05, 0.8 / q, output="sos").astype(x.dtype)
    filtered = scipy.signal.sosfiltfilt if zero_phase else scipy.signal.sosfilt
    y = np.moveaxis(filtered(sos, x, axis=axis), axis, 0)[::q]
    return np.moveaxis(y, 0, axis)


# What depends on numbers


@makes_new(MODULE, "find_peaks")
def _find_peaks(x: Any, *args: Any, **kwargs: Any) -> Any:
    numbers = known(asarray(x))
    if numbers is None:
        refuse("scipy.signal.find_peaks under jit", "the number of peaks depends on numbers")
    peaks, properties = scipy.signal.find_peaks(numbers, *args, **kwargs)
    if set(properties) - {"peak_heights"}:
        refuse("scipy.signal.find_peaks with properties", "compute them of x[peaks]")
    return peaks, {key: asarray(x)[peaks] for key in properties}
