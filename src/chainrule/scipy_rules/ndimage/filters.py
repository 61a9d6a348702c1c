"""Linear filters of `scipy.ndimage`: as in SciPy, sums are in float64, whatever the image is."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import at_user_line
from ...trace.nested import is_traced
from ...transforms import stop_gradient
from ..arrays import asarray, refuse
from ..correlation import correlate_along, correlate_valid
from .boundaries import (
    check_origin,
    checked_axes,
    extended,
    image,
    into_output,
    result_dtype,
    sequence,
)


@into_output("correlate1d")
def correlate1d(input: Any, weights: Any, axis: int = -1, output: Any = None,
                mode: str = "reflect", cval: Any = 0.0, origin: int = 0) -> Any:  # fmt: skip
    """Return sums of neighbours along an axis, with weights."""
    x, weights = image(input, "correlate1d"), asarray(weights, np.float64)
    dtype = result_dtype(x, output, "correlate1d")
    if weights.ndim != 1 or not weights.shape[0]:
        raise RuntimeError(at_user_line("no filter weights given"))
    axis = checked_axes(axis, x.ndim)[0]
    size = weights.shape[0]
    check_origin(origin, size)
    before = size // 2 + origin
    wide = extended(asarray(x, np.float64), axis, before, size - 1 - before, mode, cval)
    return asarray(correlate_along(wide, weights, axis), dtype)


@into_output("convolve1d")
def convolve1d(input: Any, weights: Any, axis: int = -1, output: Any = None,
               mode: str = "reflect", cval: Any = 0.0, origin: int = 0) -> Any:  # fmt: skip
    """Return sums of neighbours along an axis, with weights backwards."""
    weights = asarray(weights, np.float64)
    origin = -origin - (weights.shape[0] % 2 == 0)
    return correlate1d(input, weights[::-1], axis, output, mode, cval, origin)


@into_output("correlate")
def _correlate(input: Any, weights: Any, output: Any = None, mode: str = "reflect",
               cval: Any = 0.0, origin: Any = 0, *, axes: Any = None) -> Any:  # fmt: skip
    return _with_kernel(input, weights, output, mode, cval, origin, axes, False)


@into_output("convolve")
def _convolve(input: Any, weights: Any, output: Any = None, mode: str = "reflect",
              cval: Any = 0.0, origin: Any = 0, *, axes: Any = None) -> Any:  # fmt: skip
    return _with_kernel(input, weights, output, mode, cval, origin, axes, True)


def _with_kernel(input: Any, weights: Any, output: Any, mode: str, cval: Any, origin: Any,
                 axes: Any, flip: bool) -> Any:  # fmt: skip
    x, weights = image(input, "correlate"), asarray(weights, np.float64)
    dtype = result_dtype(x, output, "correlate")
    chosen = checked_axes(axes, x.ndim)
    if weights.ndim != len(chosen):
        raise RuntimeError(
            at_user_line(f"weights.ndim ({weights.ndim}) must match len(axes) ({len(chosen)})")
        )
    sizes = dict(zip(sorted(chosen), weights.shape, strict=True))  # in this order, as in SciPy
    origins = dict(zip(chosen, sequence(origin, len(chosen)), strict=True))
    wide = asarray(x, np.float64)
    if flip:
        weights = weights[(slice(None, None, -1),) * weights.ndim]
    for axis, size in sizes.items():
        k = -origins[axis] - (size % 2 == 0) if flip else origins[axis]
        check_origin(k, size)
        before = size // 2 + k
        wide = extended(wide, axis, before, size - 1 - before, mode, cval)
    kernel = weights.reshape([sizes.get(k, 1) for k in range(x.ndim)])
    return asarray(correlate_valid(wide, kernel), dtype)


# Gaussians


def _gaussian(sigma: Any, order: int, radius: int) -> Any:
    """Return the weights of a Gaussian or of its derivative."""
    if order < 0:
        raise ValueError(at_user_line("order must be non-negative"))
    x = np.arange(-radius, radius + 1)
    sigma2 = sigma * sigma
    phi = np.exp(-0.5 / sigma2 * x**2)
    phi = phi / np.sum(phi)
    # the derivative is a polynomial times phi, whose coefficients follow from q' - q x / sigma^2
    q: list[Any] = [1.0]
    for _ in range(order):
        derivative = [k * c for k, c in enumerate(q)][1:]
        product = [0.0] + [c / -sigma2 for c in q]
        q = [a + (derivative[k] if k < len(derivative) else 0.0) for k, a in enumerate(product)]
    polynomial = sum(c * x.astype(np.float64) ** k for k, c in enumerate(q))
    return polynomial * phi if order else phi


@into_output("gaussian_filter1d")
def gaussian_filter1d(input: Any, sigma: Any, axis: int = -1, order: int = 0, output: Any = None,
                      mode: str = "reflect", cval: Any = 0.0, truncate: float = 4.0, *,
                      radius: Any = None) -> Any:  # fmt: skip
    """Return a smoothed image; the radius counts as fixed where sigma is traced."""
    if radius is None:
        radius = int(truncate * float(stop_gradient(asarray(sigma, np.float64))) + 0.5)
    if int(radius) != radius or radius < 0:
        raise ValueError(at_user_line("Radius must be a nonnegative integer."))
    weights = _gaussian(sigma, order, int(radius))[::-1]
    return correlate1d(input, weights, axis, output, mode, cval, 0)


@into_output("gaussian_filter")
def gaussian_filter(input: Any, sigma: Any, order: Any = 0, output: Any = None,
                    mode: Any = "reflect", cval: Any = 0.0, truncate: float = 4.0, *,
                    radius: Any = None, axes: Any = None) -> Any:  # fmt: skip
    """Return an image that is smoothed along several axes."""
    x = image(input, "gaussian_filter")
    dtype = result_dtype(x, output, "gaussian_filter")
    chosen = checked_axes(axes, x.ndim)
    options = [sequence(value, len(chosen)) for value in (sigma, order, mode, radius)]
    y, changed = x, False
    for axis, s, k, m, r in zip(chosen, *options, strict=True):
        if is_traced(s) or s > 1e-15:
            y, changed = gaussian_filter1d(y, s, axis, k, dtype, m, cval, truncate, radius=r), True
    return y if changed else asarray(x, dtype).copy()


# Derivatives


def _edges(input: Any, smooth: list[float], axis: int, output: Any, mode: Any, cval: Any) -> Any:
    x = image(input, "sobel")
    axis = checked_axes(axis, x.ndim)[0]
    modes = sequence(mode, x.ndim)
    y = correlate1d(x, [-1.0, 0.0, 1.0], axis, output, modes[axis], cval)
    for k in range(x.ndim):
        if k != axis:
            y = correlate1d(y, smooth, k, None, modes[k], cval)
    return y


@into_output("sobel")
def _sobel(input: Any, axis: int = -1, output: Any = None, mode: Any = "reflect",
           cval: Any = 0.0) -> Any:  # fmt: skip
    return _edges(input, [1.0, 2.0, 1.0], axis, output, mode, cval)


@into_output("prewitt")
def _prewitt(input: Any, axis: int = -1, output: Any = None, mode: Any = "reflect",
             cval: Any = 0.0) -> Any:  # fmt: skip
    return _edges(input, [1.0, 1.0, 1.0], axis, output, mode, cval)


@into_output("laplace")
def _laplace(input: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *,
             axes: Any = None) -> Any:  # fmt: skip
    x = image(input, "laplace")
    chosen = checked_axes(axes, x.ndim)
    modes = sequence(mode, len(chosen))
    parts = [correlate1d(x, [1.0, -2.0, 1.0], k, output, m, cval)
             for k, m in zip(chosen, modes, strict=True)]  # fmt: skip
    return sum(parts[1:], parts[0]) if parts else x.copy()


def _along_each(input: Any, sigma: Any, order: int, output: Any, mode: Any, cval: Any, axes: Any,
                options: dict[str, Any]) -> list[Any]:  # fmt: skip
    x = image(input, "gaussian_filter")
    chosen = checked_axes(axes, x.ndim)
    if len(chosen) < x.ndim:
        refuse("a Gaussian derivative with axes=", "filter a slice of the image")
    modes = sequence(mode, len(chosen))
    orders = [[order if i == k else 0 for i in range(x.ndim)] for k in chosen]
    return [gaussian_filter(x, sigma, o, output, m, cval, **options)
            for o, m in zip(orders, modes, strict=True)]  # fmt: skip


@into_output("gaussian_laplace")
def _gaussian_laplace(input: Any, sigma: Any, output: Any = None, mode: Any = "reflect",
                      cval: Any = 0.0, *, axes: Any = None, **kwargs: Any) -> Any:  # fmt: skip
    parts = _along_each(input, sigma, 2, output, mode, cval, axes, kwargs)
    return sum(parts[1:], parts[0])


@into_output("gaussian_gradient_magnitude")
def _gaussian_gradient_magnitude(input: Any, sigma: Any, output: Any = None, mode: Any = "reflect",
                                 cval: Any = 0.0, *, axes: Any = None,
                                 **kwargs: Any) -> Any:  # fmt: skip
    parts = np.stack(_along_each(input, sigma, 1, output, mode, cval, axes, kwargs))
    return np.sqrt(np.sum(parts * parts, axis=0))


# Means


@into_output("uniform_filter1d")
def uniform_filter1d(input: Any, size: int, axis: int = -1, output: Any = None,
                     mode: str = "reflect", cval: Any = 0.0, origin: int = 0) -> Any:  # fmt: skip
    """Return the means of neighbours along an axis."""
    if size < 1:
        raise RuntimeError(at_user_line("incorrect filter size"))
    return correlate1d(input, np.full(size, 1.0 / size), axis, output, mode, cval, origin)


@into_output("uniform_filter")
def _uniform_filter(input: Any, size: Any = 3, output: Any = None, mode: Any = "reflect",
                    cval: Any = 0.0, origin: Any = 0, *, axes: Any = None) -> Any:  # fmt: skip
    x = image(input, "uniform_filter")
    dtype = result_dtype(x, output, "uniform_filter")
    chosen = checked_axes(axes, x.ndim)
    options = [sequence(value, len(chosen)) for value in (size, mode, origin)]
    y, changed = x, False
    for axis, n, m, k in zip(chosen, *options, strict=True):
        if n > 1:
            y, changed = uniform_filter1d(y, int(n), axis, dtype, m, cval, k), True
    return y if changed else asarray(x, dtype).copy()
