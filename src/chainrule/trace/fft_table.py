"""`np.fft` on tracers: transforms along one axis or several, and the order of frequencies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DtypeError, UnsupportedError, at_user_line, warn_user
from ..graph.node import Node, Primitive
from ..graph.types import is_complex
from ..primitives import fourier
from ..primitives.complex_numbers import conjugate
from ..primitives.structure import pad, slice_
from .complex_readiness import takes_complex
from .function_rules import Rule, as_int, implements, normalize_axis
from .operands import node_of
from .out import write_out
from .tracer import SEES_OUT, ArrayTracer

Transform = Callable[[Node, Any, int, str], Node]
"""Of an array, for a length or None, along an axis, with a norm."""


def checked_norm(norm: Any) -> str:
    """Return the norm, which is "backward" by default."""
    if norm is None:
        return "backward"
    if not isinstance(norm, str) or norm not in fourier.SWAPPED:
        raise ValueError(
            at_user_line(f'norm={norm!r} is none of "backward", "ortho" and "forward"')
        )
    return norm


def cut_or_padded(x: Node, n: int, axis: int) -> Node:
    """Return the first n entries along an axis, zeros where there are fewer."""
    size = x.shape[axis]
    if n == size:
        return x
    index = [slice(None)] * len(x.shape)
    index[axis] = slice(0, min(n, size))
    if n < size:
        return slice_(x, index=tuple(index))  # type: ignore[no-any-return]
    shape = (*x.shape[:axis], n, *x.shape[axis + 1 :])
    return pad(x, shape=shape, index=tuple(index))  # type: ignore[no-any-return]


def _checked_length(n: Any, default: int) -> int:
    count = default if n is None else as_int(n, "n")
    if count < 1:
        raise ValueError(at_user_line(f"Invalid number of FFT data points ({count}) specified."))
    return count


def _of_length(primitive: Primitive) -> Transform:
    def transform(x: Node, n: Any, axis: int, norm: str) -> Node:
        x = cut_or_padded(x, _checked_length(n, x.shape[axis]), axis)
        return primitive(x, axis=axis, norm=norm)  # type: ignore[no-any-return]

    return transform


def _rfft(x: Node, n: Any, axis: int, norm: str) -> Node:
    if is_complex(x.dtype):
        raise DtypeError(at_user_line(f"rfft of {x.dtype}, where real numbers are needed: use fft"))
    return _of_length(fourier.rfft)(x, n, axis, norm)


def _irfft(x: Node, n: Any, axis: int, norm: str) -> Node:
    count = _checked_length(n, 2 * (x.shape[axis] - 1))
    x = cut_or_padded(x, count // 2 + 1, axis)
    return fourier.irfft(x, axis=axis, norm=norm, n=count)  # type: ignore[no-any-return]


def _hfft(x: Node, n: Any, axis: int, norm: str) -> Node:
    return _irfft(conjugate(x), n, axis, fourier.SWAPPED[norm])


def _ihfft(x: Node, n: Any, axis: int, norm: str) -> Node:
    return conjugate(_rfft(x, n, axis, fourier.SWAPPED[norm]))  # type: ignore[no-any-return]


TRANSFORMS: dict[str, Transform] = {
    "fft": _of_length(fourier.fft), "ifft": _of_length(fourier.ifft), "rfft": _rfft,
    "irfft": _irfft, "hfft": _hfft, "ihfft": _ihfft,
}  # fmt: skip


def _into_out(result: ArrayTracer, out: Any, *, by_numpy: bool) -> Any:
    """Write a result into out=, where NumPy does so, and not only its documentation."""
    if out is None:
        return result
    if not by_numpy:
        raise UnsupportedError(
            at_user_line("out= of this transform is not written by NumPy: use what it returns")
        )
    return write_out((out,), (None,), result, 0)


def _along_one(name: str) -> Rule:
    transform = TRANSFORMS[name]

    def rule(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
        x = node_of(a)
        if not x.shape:
            raise np.exceptions.AxisError(at_user_line(f"np.fft.{name} of a number"))
        k = normalize_axis(axis, len(x.shape))
        result = ArrayTracer(transform(x, n, k, checked_norm(norm)))
        return _into_out(result, out, by_numpy=name != "hfft")

    return rule


# Several axes


def over_axes(name: str, x: Node, sizes: Sequence[Any], axes: Sequence[int], norm: str) -> Node:
    """Apply a transform over axes; real signals and half spectra have theirs along the last one."""
    pairs = [(x.shape[k] if size == -1 else size, k) for size, k in zip(sizes, axes, strict=True)]
    if name in ("fft", "ifft"):
        for size, k in reversed(pairs):
            x = TRANSFORMS[name](x, size, k, norm)
        return x
    *others, (size, k) = pairs
    if name == "rfft":
        x = _rfft(x, size, k, norm)
        for other, j in reversed(others):
            x = TRANSFORMS["fft"](x, other, j, norm)
        return x
    for other, j in others:
        x = TRANSFORMS["ifft"](x, other, j, norm)
    return _irfft(x, size, k, norm)


_DEPRECATED = "np.fft with s= and without axes=, or with None in s=, is deprecated"


def _along_several(name: str, default_axes: Any) -> Rule:
    def rule(a: Any, s: Any = None, axes: Any = default_axes, norm: Any = None,
             out: Any = None) -> Any:  # fmt: skip
        x = node_of(a)
        if s is not None and (axes is None or None in s):
            warn_user(_DEPRECATED, DeprecationWarning)
        if axes is None:
            axes = range(-len(s if s is not None else x.shape), 0)
        chosen = [normalize_axis(k, len(x.shape)) for k in axes]
        sizes = [None] * len(chosen) if s is None else list(s)
        if len(sizes) != len(chosen):
            raise ValueError(at_user_line("Shape and axes have different lengths."))
        if not chosen and name != "fft" and name != "ifft":
            raise IndexError(at_user_line(f"np.fft.{name}n over no axis"))
        result = ArrayTracer(over_axes(name, x, sizes, chosen, checked_norm(norm)))
        is_written = bool(chosen) and not (default_axes and name in ("ifft", "irfft"))
        return _into_out(result, out, by_numpy=is_written)

    return rule


# Order of frequencies


def shifted(x: Any, axes: Any, sign: int) -> Any:
    """Move the zero frequency to the middle of axes, or back if `sign` is -1."""
    n = np.ndim(x)
    chosen = range(n) if axes is None else axes if isinstance(axes, (tuple, list)) else (axes,)
    shifts = [sign * (np.shape(x)[normalize_axis(k, n)] // 2) for k in chosen]
    if not shifts:
        raise ValueError(at_user_line("a shift of the frequencies along no axis"))
    return np.roll(x, tuple(shifts), tuple(chosen))


for _name in TRANSFORMS:
    implements(getattr(np.fft, _name))(_along_one(_name))
    SEES_OUT.add(getattr(np.fft, _name))
    takes_complex(getattr(np.fft, _name))
for _name in ("fft", "ifft", "rfft", "irfft"):
    for _several, _axes in ((f"{_name}2", (-2, -1)), (f"{_name}n", None)):
        implements(getattr(np.fft, _several))(_along_several(_name, _axes))
        SEES_OUT.add(getattr(np.fft, _several))
        takes_complex(getattr(np.fft, _several))
implements(np.fft.fftshift)(lambda x, axes=None: shifted(x, axes, 1))
implements(np.fft.ifftshift)(lambda x, axes=None: shifted(x, axes, -1))
takes_complex(np.fft.fftshift, np.fft.ifftshift)
