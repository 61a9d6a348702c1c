"""`scipy.fft` of traced arrays: Fourier, cosine and sine transforms."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
import scipy.fft

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node
from ..graph.types import is_inexact
from ..primitives import fourier
from ..primitives.structure import cast
from ..trace.complex_readiness import takes_complex
from ..trace.fft_table import TRANSFORMS, checked_norm, cut_or_padded, over_axes, shifted
from ..trace.function_rules import as_int, normalize_axis
from ..trace.interception import intercepts
from ..trace.tracer import ArrayTracer
from .arrays import asarray

MODULE = scipy.fft.__name__


def as_float(x: Any) -> Node:
    """Return what SciPy transforms: float16 becomes float32, whole numbers float64."""
    node: Node = asarray(x).node
    if node.dtype.char == "e":
        return cast(node, dtype=np.dtype(np.float32))  # type: ignore[no-any-return]
    return node if is_inexact(node.dtype) else cast(node, dtype=np.dtype(float))


def _axes_and_sizes(x: Node, s: Any, axes: Any, name: str) -> tuple[list[int], list[Any]]:
    """Return the axes, and along each the length or None."""
    s = s if s is None or np.iterable(s) else (s,)
    axes = axes if axes is None or np.iterable(axes) else (axes,)
    n = len(x.shape)
    if axes is None:
        axes = range(n if s is None else len(s))
        if len(axes) > n:
            raise ValueError(at_user_line("shape requires more axes than are present"))
        axes = [k + n - len(axes) for k in axes]
    chosen = [normalize_axis(k, n) for k in axes]
    if s is not None and len(s) != len(chosen):
        raise ValueError(
            at_user_line("when given, axes and shape arguments have to be of the same length")
        )
    if len(set(chosen)) != len(chosen):
        raise ValueError(at_user_line("all axes must be unique"))
    if not chosen:
        raise UnsupportedError(at_user_line(f"scipy.fft.{name} over no axis is not supported"))
    return chosen, [None] * len(chosen) if s is None else list(s)


def _check_plan(plan: Any) -> None:
    if plan is not None:
        raise NotImplementedError(
            at_user_line("Passing a precomputed plan is not yet supported by scipy.fft functions")
        )


# Fourier transforms


def _enter_along_one(name: str) -> None:
    @intercepts("scipy.fft", name)
    def rule(x: Any, n: Any = None, axis: int = -1, norm: Any = None, overwrite_x: bool = False,
             workers: Any = None, *, plan: Any = None) -> Any:  # fmt: skip
        _check_plan(plan)
        node = as_float(x)
        k = normalize_axis(axis, len(node.shape))
        return ArrayTracer(TRANSFORMS[name](node, n, k, checked_norm(norm)))


def _enter_along_several(name: str, suffix: str, default_axes: Any) -> None:
    @intercepts("scipy.fft", name + suffix)
    def rule(x: Any, s: Any = None, axes: Any = default_axes, norm: Any = None,
             overwrite_x: bool = False, workers: Any = None, *,
             plan: Any = None) -> Any:  # fmt: skip
        _check_plan(plan)
        node = as_float(x)
        chosen, sizes = _axes_and_sizes(node, s, axes, name + suffix)
        return ArrayTracer(over_axes(name, node, sizes, chosen, checked_norm(norm)))


for _name in TRANSFORMS:
    _enter_along_one(_name)
for _name in ("fft", "ifft", "rfft", "irfft"):
    _enter_along_several(_name, "2", (-2, -1))
    _enter_along_several(_name, "n", None)


@intercepts("scipy.fft", "fftshift")
def _fftshift(x: Any, axes: Any = None) -> Any:
    return shifted(asarray(x), axes, 1)


@intercepts("scipy.fft", "ifftshift")
def _ifftshift(x: Any, axes: Any = None) -> Any:
    return shifted(asarray(x), axes, -1)


# Cosine and sine transforms

_INVERSE_KIND = {1: 1, 2: 3, 3: 2, 4: 4}
# Entries that `orthogonalize` multiplies by the root of 2 before, and divides by it afterwards
_ENDS: dict[tuple[str, int], tuple[Sequence[int], Sequence[int]]] = {
    ("dct", 1): ((0, -1), (0, -1)), ("dct", 2): ((), (0,)), ("dct", 3): ((0,), ()),
    ("dst", 2): ((), (-1,)), ("dst", 3): ((-1,), ()),
}  # fmt: skip


def _along(x: Node, axis: int, positions: Sequence[int], factor: float, scale: float) -> Any:
    """Return `scale` along an axis, at some positions times a factor."""
    factors = np.full(x.shape[axis], scale, np.empty(0, x.dtype).real.dtype)
    factors[list(positions)] *= factor
    return factors.reshape([-1 if k == axis else 1 for k in range(len(x.shape))])


def _real_transform(
    name: str, x: Node, kind: int, n: Any, axis: int, norm: str, orthogonalize: bool
) -> Node:
    """Apply `dct` or `dst`, scaled by factors before and after."""
    count = x.shape[axis] if n is None else as_int(n, "n")
    if count == 1 and name == "dct" and kind == 1:
        raise RuntimeError(at_user_line("zero-length FFT requested"))
    if count < 1:
        raise ValueError(at_user_line(f"invalid number of data points ({count}) specified"))
    x = cut_or_padded(x, count, axis)
    before, after = _ENDS.get((name, kind), ((), ())) if orthogonalize else ((), ())
    if before:
        x = x * _along(x, axis, before, sqrt(2.0), 1.0)
    primitive = fourier.dct if name == "dct" else fourier.dst
    y: Node = primitive(x, kind=kind, axis=axis)
    whole = 2 * (count + ((-1 if name == "dct" else 1) if kind == 1 else 0))
    scale = {"backward": 1.0, "ortho": 1.0 / sqrt(whole), "forward": 1.0 / whole}[norm]
    if after or scale != 1.0:
        y = y * _along(y, axis, after, 1.0 / sqrt(2.0), scale)
    return y


def _kind_and_norm(type: int, norm: Any, inverse: bool) -> tuple[int, str]:
    kind = as_int(type, "type")
    if kind not in _INVERSE_KIND:
        raise ValueError(at_user_line("invalid transform type: 1, 2, 3 and 4 are"))
    norm = checked_norm(norm)
    return (_INVERSE_KIND[kind], fourier.SWAPPED[norm]) if inverse else (kind, norm)


def _enter_real(name: str, inverse: bool) -> None:
    full_name = "i" * inverse + name

    @intercepts("scipy.fft", full_name)
    def along_one(x: Any, type: int = 2, n: Any = None, axis: int = -1, norm: Any = None,
                  overwrite_x: bool = False, workers: Any = None,
                  orthogonalize: Any = None) -> Any:  # fmt: skip
        node = as_float(x)
        k = normalize_axis(axis, len(node.shape))
        kind, scaling = _kind_and_norm(type, norm, inverse)
        scaled = norm == "ortho" if orthogonalize is None else bool(orthogonalize)
        return ArrayTracer(_real_transform(name, node, kind, n, k, scaling, scaled))

    @intercepts("scipy.fft", full_name + "n")
    def along_several(x: Any, type: int = 2, s: Any = None, axes: Any = None, norm: Any = None,
                      overwrite_x: bool = False, workers: Any = None, *,
                      orthogonalize: Any = None) -> Any:  # fmt: skip
        node = as_float(x)
        kind, scaling = _kind_and_norm(type, norm, inverse)
        scaled = norm == "ortho" if orthogonalize is None else bool(orthogonalize)
        chosen, sizes = _axes_and_sizes(node, s, axes, full_name + "n")
        for size, k in zip(sizes, chosen, strict=True):
            size = node.shape[k] if size == -1 else size
            node = _real_transform(name, node, kind, size, k, scaling, scaled)
        return ArrayTracer(node)


for _name in ("dct", "dst"):
    _enter_real(_name, inverse=False)
    _enter_real(_name, inverse=True)
takes_complex(*[f"scipy.fft.{name}" for name in vars(scipy.fft)])
