"""`scipy.fftpack` of traced arrays: the older names of `scipy.fft`, with packed real transforms."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fftpack

from ..errors import at_user_line
from ..trace.complex_readiness import takes_complex
from ..trace.function_rules import as_int
from ..trace.interception import intercepts, twin
from . import fft
from .arrays import asarray

MODULE = scipy.fftpack.__name__
_TRANSFORMS: Any = twin(fft.MODULE)  # those of scipy.fft, which know traced arrays
_INVERSE_KIND = {1: 1, 2: 3, 3: 2, 4: 4}


def _enter_complex(name: str) -> None:
    @intercepts(MODULE, name)
    def along_one(x: Any, n: Any = None, axis: int = -1, overwrite_x: bool = False) -> Any:
        return getattr(_TRANSFORMS, name)(x, n, axis)

    for suffix, default_axes in (("2", (-2, -1)), ("n", None)):
        _enter_along_several(name + suffix, default_axes)


def _enter_along_several(name: str, default_axes: Any) -> None:
    @intercepts(MODULE, name)
    def rule(x: Any, shape: Any = None, axes: Any = default_axes,
             overwrite_x: bool = False) -> Any:  # fmt: skip
        return getattr(_TRANSFORMS, name)(x, shape, axes)

    takes_complex(f"{MODULE}.{name}")


for _name in ("fft", "ifft"):
    _enter_complex(_name)
    takes_complex(f"{MODULE}.{_name}")


# Real numbers: the real and imaginary parts lie side by side, without those that are 0


def _as_last(x: Any, n: Any, axis: int) -> tuple[Any, int]:
    """Return x with the axis last, with n entries there: cut, or with zeros behind."""
    x = asarray(x)
    x = np.moveaxis(x if x.dtype.kind == "f" else x.astype(float), axis, -1)
    count = x.shape[-1] if n is None else as_int(n, "n")
    if count < 1:
        raise ValueError(at_user_line(f"invalid number of data points ({count}) specified"))
    short = count - x.shape[-1]
    if short > 0:
        return np.concatenate([x, np.zeros((*x.shape[:-1], short), x.dtype)], axis=-1), count
    return x[..., :count], count


@intercepts(MODULE, "rfft")
def _rfft(x: Any, n: Any = None, axis: int = -1, overwrite_x: bool = False) -> Any:
    x, count = _as_last(x, n, axis)
    z = _TRANSFORMS.rfft(x)
    parts = np.stack([z.real, z.imag], axis=-1).reshape(*z.shape[:-1], -1)
    packed = np.concatenate([parts[..., :1], parts[..., 2 : count + 1]], axis=-1)
    return np.moveaxis(packed, -1, axis)


@intercepts(MODULE, "irfft")
def _irfft(x: Any, n: Any = None, axis: int = -1, overwrite_x: bool = False) -> Any:
    x, count = _as_last(x, n, axis)
    real = np.concatenate([x[..., :1], x[..., 1::2]], axis=-1)
    zero = np.zeros_like(x[..., :1])
    imag = np.concatenate([zero, x[..., 2::2], *[zero] * (count % 2 == 0)], axis=-1)
    return np.moveaxis(_TRANSFORMS.irfft(real + 1j * imag, count), -1, axis)


# Cosines and sines, whose inverse transforms are not scaled


def _enter_real(name: str, inverse: bool) -> None:
    def kind_of(kind: int) -> int:
        if kind not in _INVERSE_KIND:
            raise ValueError(at_user_line("invalid transform type: 1, 2, 3 and 4 are"))
        return _INVERSE_KIND[kind] if inverse else kind

    @intercepts(MODULE, "i" * inverse + name)
    def along_one(x: Any, type: int = 2, n: Any = None, axis: int = -1, norm: Any = None,
                  overwrite_x: bool = False) -> Any:  # fmt: skip
        return getattr(_TRANSFORMS, name)(x, kind_of(type), n, axis, norm)

    @intercepts(MODULE, "i" * inverse + name + "n")
    def along_several(x: Any, type: int = 2, shape: Any = None, axes: Any = None, norm: Any = None,
                      overwrite_x: bool = False) -> Any:  # fmt: skip
        return getattr(_TRANSFORMS, name + "n")(x, kind_of(type), shape, axes, norm)


for _name in ("dct", "dst"):
    _enter_real(_name, inverse=False)
    _enter_real(_name, inverse=True)
