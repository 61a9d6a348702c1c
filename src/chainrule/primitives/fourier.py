"""Discrete Fourier, cosine and sine transforms along one axis.

All are linear, and transposes of each other. With the cotangents of `complex_numbers`, which are
not conjugated, the matrices of `fft` and `ifft` are their own transposes; half spectra of real
signals stand for their conjugates as well, which counts the entries between both ends twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError, at_user_line
from ..graph.node import Primitive
from ..graph.types import Type, is_inexact
from ..lazy import LazyModule
from .complex_numbers import conj
from .declare import register, unbroadcast
from .structure import with_ones

_scipy_fft = LazyModule("scipy.fft")
# What undoes the scaling of one direction, named as that of the other one
SWAPPED = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _linear(
    name: str,
    eval: Callable[..., Any],
    infer: Callable[..., Type],
    transpose: Callable[..., Any],
    doc: str,
    into: Callable[..., None] | None = None,
) -> Primitive:
    """Declare a transform; ``transpose(g, x, **params)`` gives the cotangent of x.

    ``into(xp, targets, x, **params)`` writes the value to an array, the only one of a list.
    """

    def vjp(g: Any, _y: Any, x: Any, **params: Any) -> list[Any]:
        return [unbroadcast(transpose(g, x, **params), x) if is_inexact(x.dtype) else None]

    def jvp(tangents: Sequence[Any], _y: Any, _x: Any, **params: Any) -> Any:
        return None if tangents[0] is None else primitive(tangents[0], **params)

    def batch(_size: int, _batched: Any, x: Any, *, axis: int, **params: Any) -> Any:
        return primitive(x, axis=axis + 1, **params)

    spec = {"family": "fft", "doc": doc, "into": into}
    primitive = register(Primitive(name, eval, infer, vjp, jvp, spec=spec, batch=batch))
    return primitive


@lru_cache(maxsize=256)
def _dtype(name: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of NumPy's result."""
    probe = np.zeros(2, dtype)
    try:
        return getattr(np.fft, name)(probe).dtype  # type: ignore[no-any-return]
    except TypeError:
        raise DtypeError(at_user_line(f"np.fft.{name} is not defined for {dtype}")) from None


def _with_size(shape: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    return (*shape[:axis], size, *shape[axis + 1 :])


def _type_of(name: str) -> Callable[..., Type]:
    """Return the rule for the type of a transform's result."""

    def infer(x: Type, *, axis: int, norm: str, n: int | None = None) -> Type:
        if 0 == x.shape[axis]:
            raise ShapeError(at_user_line("Invalid number of FFT data points (0) specified."))
        size = x.shape[axis]
        if name == "rfft":
            size = size // 2 + 1
        elif n is not None:
            if size != n // 2 + 1:
                raise ShapeError(at_user_line(f"irfft: {size} numbers for a signal of {n}"))
            size = n
        return Type(_with_size(x.shape, axis, size), _dtype(name, x.dtype))

    return infer


def _evaluated(name: str) -> Callable[..., Any]:
    def evaluate(xp: Any, x: Any, *, axis: int, norm: str, n: int | None = None) -> Any:
        return getattr(xp.fft, name)(x, n, axis, norm)

    return evaluate


def _into(name: str) -> Callable[..., None]:
    def into(
        xp: Any, targets: list[Any], x: Any, *, axis: int, norm: str, n: int | None = None
    ) -> None:
        getattr(xp.fft, name)(x, n, axis, norm, out=targets[0])

    return into


def _weights(shape: tuple[int, ...], axis: int, n: int, inside: float, dtype: Any) -> Any:
    """Return 1 for entries of a half spectrum that are their own conjugates, else `inside`."""
    weights = np.full(n // 2 + 1, inside, np.empty(0, dtype).real.dtype)
    weights[0] = 1.0
    if n % 2 == 0:
        weights[-1] = 1.0
    others = tuple(k for k in range(len(shape)) if k != axis)
    return weights.reshape(with_ones(_with_size(shape, axis, n // 2 + 1), others))


def _rfft_transpose(g: Any, x: Any, *, axis: int, norm: str) -> Any:
    n = x.shape[axis]
    halved = conj(g) * _weights(x.shape, axis, n, 0.5, g.dtype)
    return irfft(halved, axis=axis, norm=SWAPPED[norm], n=n)


def _irfft_transpose(g: Any, x: Any, *, axis: int, norm: str, n: int) -> Any:
    spectrum = conj(rfft(g, axis=axis, norm=SWAPPED[norm]))
    return spectrum * _weights(x.shape, axis, n, 2.0, spectrum.dtype)


fft: Primitive = _linear(
    "fft",
    _evaluated("fft"),
    _type_of("fft"),
    lambda g, x, *, axis, norm: fft(g, axis=axis, norm=norm),
    "Sums of x[j] exp(-2 pi i j k / n) along an axis, scaled as `norm` says in NumPy.",
    _into("fft"),
)
ifft: Primitive = _linear(
    "ifft",
    _evaluated("ifft"),
    _type_of("ifft"),
    lambda g, x, *, axis, norm: ifft(g, axis=axis, norm=norm),
    "The inverse of fft.",
    _into("ifft"),
)
rfft: Primitive = _linear(
    "rfft",
    _evaluated("rfft"),
    _type_of("rfft"),
    _rfft_transpose,
    "The first n // 2 + 1 numbers of the fft of a real signal.",
    _into("rfft"),
)
irfft: Primitive = _linear(
    "irfft",
    _evaluated("irfft"),
    _type_of("irfft"),
    _irfft_transpose,
    "The real signal of length n whose rfft has these n // 2 + 1 numbers.",
    _into("irfft"),
)


# Cosine and sine transforms, as SciPy defines them without a norm


def _real_transform_type(x: Type, *, kind: int, axis: int) -> Type:
    return Type(x.shape, x.dtype)


def _real_transform(name: str, end: int) -> Primitive:
    """Declare `dct` or `dst` of all four kinds.

    Those of the second and third kind are each other's transposes but for the entry `end`, which
    the third kind takes once and the others twice; so does the first kind of `dct` at both ends.
    """

    def transpose(g: Any, x: Any, *, kind: int, axis: int) -> Any:
        n = x.shape[axis]
        if kind == 1 and name == "dct":
            once = _scaled(x, axis, [0, n - 1], 0.5)
            return primitive(g * (1.0 / once), kind=1, axis=axis) * once
        if kind == 2:
            return primitive(g * _scaled(x, axis, [end], 2.0), kind=3, axis=axis)
        if kind == 3:
            return primitive(g, kind=2, axis=axis) * _scaled(x, axis, [end], 0.5)
        return primitive(g, kind=kind, axis=axis)

    primitive = _linear(
        name,
        lambda xp, x, *, kind, axis: getattr(_scipy_fft, name)(x, kind, axis=axis),
        _real_transform_type,
        transpose,
        f"SciPy's {name} of the first to fourth kind, without a norm.",
    )
    return primitive


def _scaled(x: Any, axis: int, positions: list[int], factor: float) -> Any:
    """Return 1 everywhere along an axis but at some positions."""
    factors = np.ones(x.shape[axis], np.empty(0, x.dtype).real.dtype)
    factors[positions] = factor
    return factors.reshape(with_ones(x.shape, tuple(k for k in range(len(x.shape)) if k != axis)))


dct = _real_transform("dct", 0)
dst = _real_transform("dst", -1)
