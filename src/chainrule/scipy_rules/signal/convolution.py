"""Convolution and correlation of signals and images."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal
from scipy.fft import next_fast_len

from ...errors import at_user_line
from ..arrays import asarray, makes_new, refuse, take
from ..correlation import correlate_valid

MODULE = scipy.signal.__name__
DIRECT = 1 << 20  # multiplications below which nothing is gained by Fourier transforms
_EXTENSIONS = {"wrap": "wrap", "circular": "wrap", "symm": "symmetric", "symmetric": "symmetric"}


def _pair(in1: Any, in2: Any, name: str) -> tuple[Any, Any]:
    in1, in2 = asarray(in1), asarray(in2)
    if in1.ndim != in2.ndim:
        raise ValueError(at_user_line("in1 and in2 should have the same dimensionality"))
    dtype = np.result_type(in1.dtype, in2.dtype)
    if dtype.kind == "c":
        refuse(f"scipy.signal.{name}", "complex arrays have no rule: convolve both parts")
    if dtype == np.bool_:
        dtype = np.dtype(int)
    return asarray(in1, dtype), asarray(in2, dtype)


def reversed_axes(x: Any) -> Any:
    """Return x backwards along all axes."""
    return x[(slice(None, None, -1),) * x.ndim]


def convolved(x: Any, kernel: Any, mode: str, direct: bool = False) -> Any:
    """Return the convolution with zeros around, in one of SciPy's modes."""
    axes = range(x.ndim)
    if mode not in ("full", "same", "valid"):
        raise ValueError(at_user_line("acceptable mode flags are 'valid', 'same', or 'full'"))
    if mode == "valid":
        sizes = [(x.shape[k], kernel.shape[k]) for k in axes]
        if all(a <= b for a, b in sizes) and not all(a >= b for a, b in sizes):
            x, kernel = kernel, x
        elif not all(a >= b for a, b in sizes):
            raise ValueError(
                at_user_line(
                    "For 'valid' mode, one must be at least as large as the other in every "
                    "dimension"
                )
            )
        if by_fft(x, kernel, direct):
            ends = [(k - 1, n) for k, n in zip(kernel.shape, x.shape, strict=True)]
            return _fourier(x, kernel)[tuple(slice(*end) for end in ends)]
        return correlate_valid(x, reversed_axes(kernel))
    if not x.size or not kernel.size:
        return np.zeros((0,))
    if by_fft(x, kernel, direct):
        starts = [0 if mode == "full" else (k - 1) // 2 for k in kernel.shape]
        y = _fourier(x, kernel)
        sizes = y.shape if mode == "full" else x.shape
        return y[tuple(slice(i, i + n) for i, n in zip(starts, sizes, strict=True))]
    if mode == "full":
        margins = [(k - 1, k - 1) for k in kernel.shape]
    else:
        margins = [(k - 1 - (k - 1) // 2, (k - 1) // 2) for k in kernel.shape]
    return correlate_valid(np.pad(x, margins), reversed_axes(kernel))


def by_fft(x: Any, kernel: Any, direct: bool) -> bool:
    """Return whether a convolution is so large that Fourier transforms cost much less."""
    return not direct and x.dtype.kind == "f" and x.size * kernel.size > DIRECT


def _fourier(x: Any, kernel: Any) -> Any:
    shape = [a + b - 1 for a, b in zip(x.shape, kernel.shape, strict=True)]
    padded = [next_fast_len(n, real=True) for n in shape]
    axes = tuple(range(x.ndim))
    spectrum = np.fft.rfftn(x, padded, axes) * np.fft.rfftn(kernel, padded, axes)
    y = np.fft.irfftn(spectrum, padded, axes)
    return asarray(y[tuple(slice(0, n) for n in shape)], x.dtype)


def _general(in1: Any, in2: Any, mode: str, method: str, name: str) -> Any:
    if method not in ("auto", "direct", "fft"):
        raise ValueError(at_user_line("Acceptable method flags are 'auto', 'direct', or 'fft'."))
    in1, in2 = _pair(in1, in2, name)
    return in1 * in2 if not in1.ndim else convolved(in1, in2, mode, method == "direct")


@makes_new(MODULE, "convolve")
def _convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    return _general(in1, in2, mode, method, "convolve")


@makes_new(MODULE, "correlate")
def _correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    return _general(in1, reversed_axes(asarray(in2)), mode, method, "correlate")


@makes_new(MODULE, "fftconvolve")
def _fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    return _along_axes(in1, in2, mode, axes, "fftconvolve")


@makes_new(MODULE, "oaconvolve")
def _oaconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    return _along_axes(in1, in2, mode, axes, "oaconvolve")


def _along_axes(in1: Any, in2: Any, mode: str, axes: Any, name: str) -> Any:
    in1, in2 = _pair(in1, in2, name)
    if in1.dtype.kind in "iu":  # by FFT, whole numbers become fractions
        in1, in2 = in1.astype(np.float64), in2.astype(np.float64)
    if not in1.ndim:
        return in1 * in2
    if axes is None:
        return convolved(in1, in2, mode)
    chosen = {k % in1.ndim for k in (axes if isinstance(axes, (tuple, list)) else (axes,))}
    others = [k for k in range(in1.ndim) if k not in chosen]
    if any(in2.shape[k] != 1 for k in others):
        refuse(f"scipy.signal.{name}(axes=...)", "in2 must have size 1 along the other axes")
    return convolved(in1, in2, mode)


@makes_new(MODULE, "convolve2d")
def _convolve2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill",
                fillvalue: Any = 0) -> Any:  # fmt: skip
    return _planar(in1, in2, mode, boundary, fillvalue, True)


@makes_new(MODULE, "correlate2d")
def _correlate2d(in1: Any, in2: Any, mode: str = "full", boundary: str = "fill",
                 fillvalue: Any = 0) -> Any:  # fmt: skip
    return _planar(in1, in2, mode, boundary, fillvalue, False)


def _planar(in1: Any, in2: Any, mode: str, boundary: str, fillvalue: Any, flip: bool) -> Any:
    in1, in2 = _pair(in1, in2, "convolve2d")
    if in1.ndim != 2:
        raise ValueError(at_user_line("convolve2d inputs must both be 2-D arrays"))
    kernel = reversed_axes(in2) if flip else in2
    if mode == "valid":
        return convolved(in1, in2 if flip else reversed_axes(in2), mode, direct=True)
    margins = []
    for k in kernel.shape:
        before, after = k - 1, k - 1
        if mode == "same":
            short = (k - 1) // 2
            before, after = (k - 1 - short, short) if flip else (short, k - 1 - short)
        margins.append((before, after))
    if boundary == "fill":
        extended = np.pad(in1, margins, constant_values=fillvalue)
    elif boundary in _EXTENSIONS:
        extended = in1
        for axis, margin in enumerate(margins):
            order = np.pad(np.arange(in1.shape[axis]), margin, mode=_EXTENSIONS[boundary])  # type: ignore[call-overload]
            extended = take(extended, order, axis)
    else:
        raise ValueError(
            at_user_line("Acceptable boundary flags are 'fill', 'circular' (or 'wrap'), and "
                         "'symmetric' (or 'symm').")
        )  # fmt: skip
    return correlate_valid(extended, kernel)
