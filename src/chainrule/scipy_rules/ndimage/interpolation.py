"""Images at other points: `map_coordinates`, `shift`, `zoom`, `rotate`, `affine_transform`."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import numpy as np

from ...errors import at_user_line
from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ...transforms import stop_gradient
from ..arrays import asarray, known, refuse
from .boundaries import MODULE, image, into_output, result_dtype, sequence
from .splines import Samples, at_points, on_grid


@into_output("map_coordinates")
def _map_coordinates(input: Any, coordinates: Any, output: Any = None, order: int = 3,
                     mode: str = "constant", cval: Any = 0.0,
                     prefilter: bool = True) -> Any:  # fmt: skip
    x, points = image(input, "map_coordinates"), asarray(coordinates, np.float64)
    dtype = result_dtype(x, output, "map_coordinates")
    if x.ndim < 1 or points.ndim < 2:
        raise RuntimeError(at_user_line("input and output rank must be > 0"))
    if points.shape[0] != x.ndim:
        raise RuntimeError(at_user_line("invalid shape for coordinate array"))
    samples = Samples(x, order, mode, cval, prefilter)
    return asarray(at_points(samples, [points[k] for k in range(x.ndim)]), dtype)


@into_output("shift")
def _shift(input: Any, shift: Any, output: Any = None, order: int = 3, mode: str = "constant",
           cval: Any = 0.0, prefilter: bool = True) -> Any:  # fmt: skip
    x = image(input, "shift")
    dtype = result_dtype(x, output, "shift")
    samples = Samples(x, order, mode, cval, prefilter)
    rows = [np.arange(float(n)) - s for n, s in zip(x.shape, _numbers(shift, x.ndim), strict=True)]
    return asarray(on_grid(samples, rows), dtype)


def _numbers(value: Any, n: int) -> list[Any]:
    """Return one number an axis."""
    if isinstance(value, (list, tuple)) or np.ndim(value):
        value = asarray(value, np.float64)
        if value.shape != (n,):
            raise RuntimeError(
                at_user_line("sequence argument must have length equal to input rank")
            )
        return [value[k] for k in range(n)]
    return [value] * n


@into_output("zoom")
def _zoom(input: Any, zoom: Any, output: Any = None, order: int = 3, mode: str = "constant",
          cval: Any = 0.0, prefilter: bool = True, *, grid_mode: bool = False) -> Any:  # fmt: skip
    if is_traced(zoom):
        refuse("scipy.ndimage.zoom with a traced zoom", "the shape of the result depends on it")
    x = image(input, "zoom")
    dtype = result_dtype(x, output, "zoom")
    factors = sequence(zoom, x.ndim)
    shape = [round(n * z) for n, z in zip(x.shape, factors, strict=True)]
    if all(z == 1 for z in factors) and prefilter:
        return asarray(x, dtype).copy()
    better = {"constant": "grid-constant", "wrap": "grid-wrap"}.get(mode)
    if grid_mode and better:
        warnings.warn(
            f"It is recommended to use mode = {better} instead of {mode} when grid_mode is True.",
            stacklevel=3,
        )
    rows = []
    for n, size in zip(x.shape, shape, strict=True):
        k = np.arange(float(size))
        if grid_mode:
            rows.append((k + 0.5) * (n / size if size else 1.0) - 0.5)
        else:
            rows.append(k * ((n - 1) / (size - 1) if size != 1 else 1.0))
    samples = Samples(x, order, mode, cval, prefilter)
    return asarray(on_grid(samples, rows), dtype)


@into_output("affine_transform")
def affine_transform(input: Any, matrix: Any, offset: Any = 0.0, output_shape: Any = None,
                     output: Any = None, order: int = 3, mode: str = "constant", cval: Any = 0.0,
                     prefilter: bool = True) -> Any:  # fmt: skip
    """Return the image at the points matrix @ index + offset."""
    x, matrix = image(input, "affine_transform"), asarray(matrix, np.float64)
    dtype = result_dtype(x, output, "affine_transform")
    shape = x.shape if output_shape is None else tuple(map(int, output_shape))
    n = x.ndim
    if matrix.ndim not in (1, 2) or not matrix.shape[0]:
        raise RuntimeError(at_user_line("no proper affine matrix provided"))
    if (
        matrix.ndim == 2
        and matrix.shape in ((n, n + 1), (n + 1, n + 1))
        and matrix.shape[1] == n + 1
    ):
        bottom = known(matrix[n:])
        if bottom is not None and len(bottom) and not np.array_equal(bottom[0], np.eye(n + 1)[n]):
            raise ValueError(at_user_line("Expected a homogeneous transformation matrix"))
        matrix, offset = matrix[:n, :n], matrix[:n, n]
    if matrix.shape[0] != n or (matrix.ndim == 2 and matrix.shape[1] != len(shape)):
        raise RuntimeError(at_user_line("affine matrix has wrong number of rows or columns"))
    samples = Samples(x, order, mode, cval, prefilter)
    offsets = _numbers(offset, n)
    if matrix.ndim == 1:
        rows = [
            (np.arange(float(size)) + offsets[k] / matrix[k]) * matrix[k]
            for k, size in enumerate(shape)
        ]
        return asarray(on_grid(samples, rows), dtype)
    index = np.indices(shape, np.float64)
    points = []
    for k in range(n):
        point: Any = 0.0
        for j in range(len(shape)):
            point = point + index[j] * matrix[k, j]
        points.append(point + offsets[k])
    return asarray(at_points(samples, points), dtype)


@into_output("rotate")
def _rotate(input: Any, angle: Any, axes: Any = (1, 0), reshape: bool = True, output: Any = None,
            order: int = 3, mode: str = "constant", cval: Any = 0.0,
            prefilter: bool = True) -> Any:  # fmt: skip
    x = image(input, "rotate")
    dtype = result_dtype(x, output, "rotate")
    if x.ndim < 2:
        raise ValueError(at_user_line("input array should be at least 2D"))
    plane = sorted(int(k) + x.ndim if k < 0 else int(k) for k in axes)
    if len(plane) != 2 or plane[0] == plane[1] or not 0 <= plane[0] <= plane[1] < x.ndim:
        raise ValueError(at_user_line("invalid rotation plane specified"))
    cosine, sine = _cosine_sine(angle)
    sizes = np.array([x.shape[k] for k in plane])
    shape = sizes
    if reshape:
        shape = _bounds(stop_gradient(cosine), stop_gradient(sine), sizes)
    matrix = np.stack([np.stack([cosine, sine]), np.stack([-sine, cosine])])
    offset = (sizes - 1) / 2 - matrix @ ((shape - 1) / 2)
    options = (tuple(shape), dtype, order, mode, cval, prefilter)
    if x.ndim == 2:
        return affine_transform(x, matrix, offset, *options)
    rows = np.moveaxis(x, plane, (-2, -1))
    planes = [affine_transform(rows[k], matrix, offset, *options)
              for k in product(*map(range, rows.shape[:-2]))]  # fmt: skip
    result = np.stack(planes).reshape(*rows.shape[:-2], *shape)
    return np.moveaxis(result, (-2, -1), plane)


def _cosine_sine(angle: Any) -> tuple[Any, Any]:
    """Return the cosine and sine of degrees, exact at multiples of 90."""
    angle = asarray(angle, np.float64)
    quarter = np.round(stop_gradient(angle) / 90.0)
    rest = (angle - 90.0 * quarter) * (np.pi / 180.0)
    c, s = np.cos(rest), np.sin(rest)
    k = quarter % 4
    cosine = np.where(k == 0, c, np.where(k == 1, -s, np.where(k == 2, -c, s)))
    sine = np.where(k == 0, s, np.where(k == 1, c, np.where(k == 2, -s, -c)))
    return cosine, sine


def _bounds(cosine: Any, sine: Any, sizes: Any) -> Any:
    """Return the shape in which the whole rotated image fits, for which numbers are needed."""
    c, s = float(cosine), float(sine)
    (height, width) = sizes
    corners = np.array([[c, s], [-s, c]]) @ [[0, 0, height, height], [0, width, 0, width]]
    return (np.ptp(corners, axis=1) + 0.5).astype(int)


@intercepts(MODULE, "geometric_transform")
def _geometric_transform(*args: Any, **kwargs: Any) -> Any:
    refuse("scipy.ndimage.geometric_transform",
           "use map_coordinates with the coordinates as an array")  # fmt: skip
