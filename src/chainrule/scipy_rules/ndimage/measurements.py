"""Sums, means and other numbers of the regions that labels name. Labels are plain whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ..arrays import asarray, refuse
from .boundaries import MODULE, image

Measure = Callable[[Any, Any], Any]


def _regions(name: str, labels: Any, index: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Return a mask a region, in an axis of their own, and the shape of the results."""
    if is_traced(labels) or is_traced(index):
        refuse(f"scipy.ndimage.{name} with traced labels", "labels are plain whole numbers")
    if labels is None:
        return np.ones((1, *shape), np.bool_), ()
    labels = np.broadcast_to(np.asarray(labels), shape)
    if index is None:
        return (labels > 0)[None], ()
    index = np.asarray(index)
    flat = index.reshape(-1, *[1] * len(shape))
    return labels == flat, index.shape


def _enter(names: tuple[str, ...], measure: Measure, keeps_dtype: bool = False) -> None:
    @intercepts(MODULE, *names)
    def rule(input: Any, labels: Any = None, index: Any = None) -> Any:
        x = image(input, names[0])
        masks, shape = _regions(names[0], labels, index, x.shape)
        count = len(masks)
        values = measure(x.reshape(1, -1), masks.reshape(count, -1))
        # SciPy sums a single region by NumPy, in the image's dtype
        return asarray(values, x.dtype if keeps_dtype and not shape else None).reshape(shape)


def _sum(x: Any, masks: Any) -> Any:
    return np.sum(np.where(masks, asarray(x, np.float64), 0.0), axis=1)


def _mean(x: Any, masks: Any) -> Any:
    return _sum(x, masks) / np.sum(masks, axis=1)


def _variance(x: Any, masks: Any) -> Any:
    deviation = np.where(masks, x - _mean(x, masks)[:, None], 0.0)
    return np.sum(deviation * deviation, axis=1) / np.sum(masks, axis=1)


def _standard_deviation(x: Any, masks: Any) -> Any:
    deviation = np.where(masks, x - _mean(x, masks)[:, None], 0.0)
    return np.sqrt(np.sum(deviation * deviation, axis=1)) / np.sqrt(np.sum(masks, axis=1))


def _largest(x: Any, masks: Any) -> Any:
    low = np.max(np.where(masks, x, x.dtype.type(-np.inf)), axis=1)
    return np.where(np.any(masks, axis=1), low, x.dtype.type(0))


def _smallest(x: Any, masks: Any) -> Any:
    return -_largest(-x, masks)


_enter(("sum", "sum_labels"), _sum, keeps_dtype=True)
_enter(("mean",), _mean)
_enter(("variance",), _variance)
_enter(("standard_deviation",), _standard_deviation)
_enter(("maximum",), _largest)
_enter(("minimum",), _smallest)


@intercepts(MODULE, "center_of_mass")
def _center_of_mass(input: Any, labels: Any = None, index: Any = None) -> Any:
    x = asarray(image(input, "center_of_mass"), np.float64)
    masks, shape = _regions("center_of_mass", labels, index, x.shape)
    if len(shape) > 1:
        refuse("scipy.ndimage.center_of_mass(index=...)", "index must have at most one axis")
    masks = masks.reshape(len(masks), -1)
    total = _sum(x.reshape(1, -1), masks)
    grids = np.indices(x.shape, np.float64)
    centers = [_sum((x * grid).reshape(1, -1), masks) / total for grid in grids]
    if not shape:
        return tuple(c[0] for c in centers)
    return [tuple(c[k] for c in centers) for k in range(len(masks))]


for _name in ("median", "extrema", "maximum_position", "minimum_position", "histogram",
              "labeled_comprehension", "value_indices", "label", "find_objects",
              "watershed_ift"):  # fmt: skip

    @intercepts(MODULE, _name)
    def _refused(*args: Any, _name: str = _name, **kwargs: Any) -> Any:
        refuse(f"scipy.ndimage.{_name}", "it has no rule: choose entries by a plain mask")


_OF_SHAPES = ("binary_erosion", "binary_dilation", "binary_opening", "binary_closing",
              "binary_hit_or_miss", "binary_propagation", "binary_fill_holes",
              "distance_transform_edt", "distance_transform_cdt",
              "distance_transform_bf", "fourier_gaussian", "fourier_uniform", "fourier_ellipsoid",
              "fourier_shift")  # fmt: skip
for _name in _OF_SHAPES:

    @intercepts(MODULE, _name)
    def _flat(*args: Any, _name: str = _name, **kwargs: Any) -> Any:
        refuse(f"scipy.ndimage.{_name}", "call it with cr.pure_callback and stop_gradient(x)")
