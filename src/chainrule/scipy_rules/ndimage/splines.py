"""Splines on regular grids: the coefficients whose spline goes through an image, and its values.

The coefficients are a convolution of the image with a kernel that falls off by a power of each pole
of the spline. So far that nothing more is seen in float64 it is a kernel like any other, and an
image's edge is what the mode says, as for all filters.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import scipy.ndimage

from ...errors import at_user_line
from ...transforms import stop_gradient
from ..arrays import asarray, take
from ..correlation import correlate_along
from .boundaries import checked_axes, extended, image, into_output, result_dtype, source_index

# Poles of the B-splines at whole numbers: Unser, "Splines: a perfect fit", 1999
_POLES = {
    2: (np.sqrt(8.0) - 3.0,),
    3: (np.sqrt(3.0) - 2.0,),
    4: (
        np.sqrt(664.0 - np.sqrt(438976.0)) + np.sqrt(304.0) - 19.0,
        np.sqrt(664.0 + np.sqrt(438976.0)) - np.sqrt(304.0) - 19.0,
    ),
    5: (
        np.sqrt(67.5 - np.sqrt(4436.25)) + np.sqrt(26.25) - 6.5,
        np.sqrt(67.5 + np.sqrt(4436.25)) - np.sqrt(26.25) - 6.5,
    ),
}
# What the prefilter takes an image to be beyond its edge
_EDGES = {"reflect": "reflect", "nearest": "reflect", "grid-mirror": "reflect",
          "grid-wrap": "grid-wrap", "mirror": "mirror", "constant": "mirror", "wrap": "mirror",
          "grid-constant": "mirror"}  # fmt: skip
MODES = tuple(_EDGES)
SHORT = 64  # SciPy's own start at the edge is inexact for short rows: these are done as it does
PADDING = 12  # samples that SciPy adds before it filters, in two of the modes


_PREFILTER: Any = scipy.ndimage.spline_filter1d


def _check_order(order: int, least: int = 0) -> None:
    if not least <= order <= 5:
        raise RuntimeError(at_user_line("spline order not supported"))


def _check_mode(mode: str) -> None:
    if mode not in MODES:
        raise RuntimeError(at_user_line(f"boundary mode not supported: {mode!r}"))


def _filtered(x: Any, order: int, axis: int, mode: str) -> Any:
    """Return the coefficients along one axis."""
    n = x.shape[axis]
    if order < 2 or n <= 1:
        return x
    if n <= SHORT:
        matrix = _PREFILTER(np.eye(n), order, 0, np.float64, mode)
        return np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)
    for pole in _POLES[order]:
        reach = int(np.ceil(np.log(1e-18) / np.log(abs(pole))))
        kernel = pole ** np.abs(np.arange(-reach, reach + 1)) * ((1 - pole) / (1 + pole))
        wide = extended(x, axis, reach, reach, _EDGES[mode], 0.0)
        x = correlate_along(wide, kernel, axis)
    return x


@into_output("spline_filter1d")
def _spline_filter1d(input: Any, order: int = 3, axis: int = -1, output: Any = np.float64,
                     mode: str = "mirror") -> Any:  # fmt: skip
    _check_order(order)
    _check_mode(mode)
    x = image(input, "spline_filter1d")
    dtype = result_dtype(x, output, "spline_filter1d")
    axis = checked_axes(axis, x.ndim)[0]
    return asarray(_filtered(asarray(x, np.float64), order, axis, mode), dtype)


@into_output("spline_filter")
def _spline_filter(input: Any, order: int = 3, output: Any = np.float64,
                   mode: str = "mirror") -> Any:  # fmt: skip
    _check_order(order, 2)
    _check_mode(mode)
    x = image(input, "spline_filter")
    dtype = result_dtype(x, output, "spline_filter")
    return asarray(_coefficients(asarray(x, np.float64), order, mode), dtype)


def _coefficients(x: Any, order: int, mode: str) -> Any:
    for axis in range(x.ndim):
        x = _filtered(x, order, axis, mode)
    return x


class Samples:
    """An image with what a spline on it is computed of.

    Attributes
    ----------
    coefficients : array
        Of B-splines at whole numbers, with more of them around in two of the modes.
    margin : int
        How many these are.
    """

    def __init__(self, x: Any, order: int, mode: str, cval: Any, prefilter: bool) -> None:
        _check_order(order)
        _check_mode(mode)
        x = asarray(x, np.float64)
        self.order, self.mode, self.cval, self.margin = order, mode, cval, 0
        if prefilter and order > 1:
            if mode in ("nearest", "grid-constant"):
                self.margin = PADDING
                for axis in range(x.ndim):
                    edge = "nearest" if mode == "nearest" else "constant"
                    x = extended(x, axis, PADDING, PADDING, edge, cval)
            x = _coefficients(x, order, mode)
        self.sizes = x.shape
        self.coefficients = x
        self.around = 0
        if mode == "grid-constant":  # so that all indices beyond have an entry
            self.around = order + 1
            for axis in range(x.ndim):
                x = extended(x, axis, self.around, self.around, "constant", cval)
            self.coefficients = x

    def neighbours(self, x: Any, axis: int) -> tuple[list[Any], list[Any], Any]:
        """Return indices and weights of the coefficients that count at x, and where none do."""
        n, order = self.sizes[axis], self.order
        x = x + self.margin
        outside = (x < 0) | (x > n - 1) if self.mode == "constant" else None
        x = _inside(x, n, self.mode)
        first = np.floor(stop_gradient(x) + (0.0 if order % 2 else 0.5))
        weights = _weights(x - first, order)
        start = first.astype(np.intp) - order // 2
        index = [self._index(start + k, n) for k in range(order + 1)]
        return index, weights, outside

    def _index(self, index: Any, n: int) -> Any:
        if self.mode == "grid-constant":
            return np.clip(index + self.around, 0, n + 2 * self.around - 1)
        mode = {"constant": "mirror", "wrap": "mirror", "grid-wrap": "wrap",
                "grid-mirror": "reflect"}.get(self.mode, self.mode)  # fmt: skip
        return source_index(index, n, mode)

    def with_constant(self, values: Any, outside: Any) -> Any:
        """Return the values, but the constant where a point is outside."""
        cval = asarray(self.cval, np.float64)
        return values if outside is None else np.where(outside, cval, values)


def _inside(x: Any, n: int, mode: str) -> Any:
    """Return where in the image a point outside is taken from."""
    if mode == "constant":
        return np.minimum(np.maximum(x, 0.0), n - 1.0)
    if mode in ("nearest", "grid-constant"):  # far away is as good as just outside
        return np.minimum(np.maximum(x, -10.0), n + 9.0)
    if n == 1:
        return x * 0.0
    if mode == "mirror":
        period = 2.0 * n - 2
        folded = abs(x) - period * np.floor(abs(x) / period)
        return np.where(folded >= n, period - folded, folded)
    if mode in ("reflect", "grid-mirror"):
        above = np.where(x < -0.5, -1.0 - x, x)
        folded = above - 2.0 * n * np.floor((above + 0.5) / (2.0 * n))
        return np.where(folded >= n, 2.0 * n - 1 - folded, folded)
    if mode == "grid-wrap":
        return np.where((x < 0) | (x > n - 1), x - n * np.floor(x / n), x)
    period = n - 1.0
    laps = np.where(x < 0, -np.floor(-x / period) - 1, np.floor(x / period))
    return np.where((x < 0) | (x > n - 1), x - period * laps, x)


def _weights(t: Any, order: int) -> list[Any]:
    """Return the values of the B-splines around, t after the sample (or the nearest one)."""
    if order == 0:
        return [t * 0.0 + 1.0]
    if order == 1:
        return [1.0 - t, t]
    if order == 2:
        first, middle = 0.5 * (0.5 - t) ** 2, [0.75 - t * t]
    elif order == 3:
        z = 1.0 - t
        first = z * z * z / 6.0
        middle = [(y * y * (y - 2.0) * 3.0 + 4.0) / 6.0 for y in (t, z)]
    elif order == 4:
        square = t * t
        first = (0.5 - t) ** 4 / 24.0
        side = [y * (y * (y * (5.0 - y) / 6.0 - 1.25) + 5.0 / 24.0) + 55.0 / 96.0
                for y in (1.0 + t, 1.0 - t)]  # fmt: skip
        middle = [side[0], square * (square * 0.25 - 0.625) + 115.0 / 192.0, side[1]]
    else:
        near = [y * y * (y * y * (0.25 - y / 12.0) - 0.5) + 0.55 for y in (t, 1.0 - t)]
        far = [
            y * (y * (y * (y * (y / 24.0 - 0.375) + 1.25) - 1.75) + 0.625) + 0.425
            for y in (t + 1.0, 2.0 - t)
        ]
        first, middle = (1.0 - t) ** 5 / 120.0, [far[0], *near, far[1]]
    last = 1.0 - first
    for weight in middle:
        last = last - weight
    return [first, *middle, last]


def at_points(samples: Samples, points: list[Any]) -> Any:
    """Return the spline's values at points, of which each axis has an array."""
    c = samples.coefficients
    parts = [samples.neighbours(x, axis) for axis, x in enumerate(points)]
    total: Any = None
    for choice in product(range(samples.order + 1), repeat=c.ndim):
        flat: Any = 0
        weight = None
        for size, k, (index, weights, _) in zip(c.shape, choice, parts, strict=True):
            flat = flat * size + index[k]
            weight = weights[k] if weight is None else weight * weights[k]
        term = take(c.reshape(-1), flat) * weight
        total = term if total is None else total + term
    outside = None
    for _, _, beyond in parts:
        outside = beyond if outside is None else outside | beyond
    return samples.with_constant(total, outside)


def on_grid(samples: Samples, rows: list[Any]) -> Any:
    """Return the spline's values on a grid, of which each axis has its own points."""
    y, beyond = samples.coefficients, None
    for axis, x in enumerate(rows):
        index, weights, outside = samples.neighbours(x, axis)
        shape = [-1 if k == axis else 1 for k in range(y.ndim)]
        parts = [take(y, i, axis) * w.reshape(shape) for i, w in zip(index, weights, strict=True)]
        y = sum(parts[1:], parts[0])
        if outside is not None:
            outside = outside.reshape(shape)
            beyond = outside if beyond is None else beyond | outside
    return samples.with_constant(y, beyond)
