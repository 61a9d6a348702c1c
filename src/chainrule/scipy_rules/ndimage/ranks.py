"""Filters that choose one of the neighbours: the largest, the smallest, the median."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ...errors import at_user_line
from ...trace.interception import intercepts
from ..arrays import asarray, refuse
from .boundaries import (
    MODULE,
    check_origin,
    checked_axes,
    extended,
    image,
    into_output,
    result_dtype,
    sequence,
)


def _extreme(x: Any, size: int, axis: int, choose: Any) -> Any:
    """Return the extremes of all windows along an axis, doubling their size step by step."""
    n, width = x.shape[axis] - size + 1, 1

    def part(y: Any, start: int, length: int) -> Any:
        return y[(slice(None),) * axis + (slice(start, start + length),)]

    while width < size:
        step = min(width, size - width)
        length = x.shape[axis] - step
        x, width = choose(part(x, 0, length), part(x, step, length)), width + step
    return part(x, 0, n)


def _filter1d(input: Any, size: int, axis: int, output: Any, mode: str, cval: Any, origin: int,
              choose: Any, name: str) -> Any:  # fmt: skip
    x = image(input, name)
    dtype = result_dtype(x, output, name)
    if size < 1:
        raise RuntimeError(at_user_line("incorrect filter size"))
    check_origin(origin, size)
    axis = checked_axes(axis, x.ndim)[0]
    before = size // 2 + origin
    wide = extended(x, axis, before, size - 1 - before, mode, cval)
    return asarray(_extreme(wide, size, axis, choose), dtype)


def _enter(name: str, choose: Any) -> None:
    @into_output(f"{name}_filter1d")
    def along_axis(input: Any, size: int, axis: int = -1, output: Any = None,
                   mode: str = "reflect", cval: Any = 0.0, origin: int = 0) -> Any:  # fmt: skip
        return _filter1d(input, size, axis, output, mode, cval, origin, choose, f"{name}_filter1d")

    @into_output(f"{name}_filter")
    def over_axes(input: Any, size: Any = None, footprint: Any = None, output: Any = None,
                  mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0, *,
                  axes: Any = None) -> Any:  # fmt: skip
        x = image(input, f"{name}_filter")
        if footprint is not None and not np.all(footprint):
            rank = 0 if name == "minimum" else -1
            return ranked(x, rank, None, footprint, output, mode, cval, origin, axes)
        if footprint is None and size is None:
            raise RuntimeError(at_user_line("no footprint provided"))
        chosen = checked_axes(axes, x.ndim)
        sizes = sequence(size, len(chosen)) if footprint is None else list(np.shape(footprint))
        dtype = result_dtype(x, output, f"{name}_filter")
        options = [sequence(value, len(chosen)) for value in (mode, origin)]
        y = asarray(x, dtype)
        for axis, n, m, k in zip(chosen, sizes, *options, strict=True):
            if n > 1:
                y = _filter1d(y, int(n), axis, dtype, m, cval, k, choose, f"{name}_filter")
        return y


_enter("maximum", np.maximum)
_enter("minimum", np.minimum)


def ranked(x: Any, rank: Any, size: Any, footprint: Any, output: Any, mode: Any, cval: Any,
           origin: Any, axes: Any) -> Any:  # fmt: skip
    """Return the neighbour of a rank; `rank` may be a function of how many there are."""
    dtype = result_dtype(x, output, "rank_filter")
    chosen = checked_axes(axes, x.ndim)
    if footprint is None:
        if size is None:
            raise RuntimeError(at_user_line("no footprint or filter size provided"))
        footprint = np.ones(sequence(size, len(chosen)), np.bool_)
    footprint = np.asarray(footprint, np.bool_)
    if footprint.ndim != len(chosen) or not footprint.any():
        raise RuntimeError(at_user_line("footprint must have an entry for each axis"))
    sizes = dict(zip(sorted(chosen), footprint.shape, strict=True))  # in this order, as in SciPy
    footprint = footprint.reshape([sizes.get(k, 1) for k in range(x.ndim)])
    origins = dict(zip(chosen, sequence(origin, len(chosen)), strict=True))
    if not isinstance(mode, str):
        raise RuntimeError(
            at_user_line("A sequence of modes is not supported by non-separable rank filters")
        )
    wide = x
    for axis in chosen:
        n, k = sizes[axis], origins[axis]
        check_origin(k, n)
        before = n // 2 + k
        wide = extended(wide, axis, before, n - 1 - before, mode, cval)
    count = int(footprint.sum())
    rank = rank(count) if callable(rank) else rank
    rank = rank + count if rank < 0 else rank
    if not 0 <= rank < count:
        raise RuntimeError(at_user_line("rank not within filter footprint size"))
    taps = [
        wide[tuple(slice(k, k + n) for k, n in zip(offset, x.shape, strict=True))]
        for offset in product(*map(range, footprint.shape))
        if footprint[offset]
    ]
    return asarray(np.sort(np.stack(taps, axis=-1), axis=-1)[..., rank], dtype)


@into_output("rank_filter")
def _rank_filter(input: Any, rank: int, size: Any = None, footprint: Any = None,
                 output: Any = None, mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0, *,
                 axes: Any = None) -> Any:  # fmt: skip
    x = image(input, "rank_filter")
    return ranked(x, rank, size, footprint, output, mode, cval, origin, axes)


@into_output("median_filter")
def _median_filter(input: Any, size: Any = None, footprint: Any = None, output: Any = None,
                   mode: Any = "reflect", cval: Any = 0.0, origin: Any = 0, *,
                   axes: Any = None) -> Any:  # fmt: skip
    x = image(input, "median_filter")
    return ranked(x, lambda n: n // 2, size, footprint, output, mode, cval, origin, axes)


@into_output("percentile_filter")
def _percentile_filter(input: Any, percentile: float, size: Any = None, footprint: Any = None,
                       output: Any = None, mode: Any = "reflect", cval: Any = 0.0,
                       origin: Any = 0, *, axes: Any = None) -> Any:  # fmt: skip
    share = percentile + 100.0 if percentile < 0 else percentile
    if not 0 <= share <= 100:
        raise RuntimeError(at_user_line("invalid percentile"))

    def rank(n: int) -> int:
        return n - 1 if share == 100.0 else int(float(n) * share / 100.0)

    x = image(input, "percentile_filter")
    return ranked(x, rank, size, footprint, output, mode, cval, origin, axes)


_MORPHOLOGY = ("grey_erosion", "grey_dilation", "grey_opening", "grey_closing", "white_tophat",
               "black_tophat", "morphological_gradient", "morphological_laplace",
               "generic_filter", "generic_filter1d", "generic_laplace",
               "generic_gradient_magnitude", "vectorized_filter")  # fmt: skip
for _name in _MORPHOLOGY:

    @intercepts(MODULE, _name)
    def _refused(*args: Any, _name: str = _name, **kwargs: Any) -> Any:
        refuse(f"scipy.ndimage.{_name}", "use maximum_filter and minimum_filter, or correlate")
