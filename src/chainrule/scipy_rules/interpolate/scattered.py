"""Interpolation of scattered points: `RBFInterpolator` and `griddata`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from scipy.spatial import Delaunay, KDTree

from ...errors import at_user_line
from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ...transforms import stop_gradient
from ..arrays import as_float, asarray, refuse, take
from ..flat import call_flat
from .grids import coordinates
from .piecewise import MODULE

# Radial basis functions, of the squared distance


def _root(square: Any) -> Any:
    zero = square == 0
    return np.where(zero, 0.0, np.sqrt(np.where(zero, 1.0, square)))


def _thin_plate(square: Any) -> Any:
    zero = square == 0
    return np.where(zero, 0.0, 0.5 * square * np.log(np.where(zero, 1.0, square)))


_KERNELS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "linear": (lambda s: -_root(s), 0),
    "thin_plate_spline": (_thin_plate, 1),
    "cubic": (lambda s: s * _root(s), 1),
    "quintic": (lambda s: -(s * s) * _root(s), 2),
    "multiquadric": (lambda s: -np.sqrt(s + 1), 0),
    "inverse_multiquadric": (lambda s: 1 / np.sqrt(s + 1), -1),
    "inverse_quadratic": (lambda s: 1 / (s + 1), -1),
    "gaussian": (lambda s: np.exp(-s), -1),
}  # kernel, and the least degree of the polynomial beside it
_WITHOUT_SCALE = ("linear", "thin_plate_spline", "cubic", "quintic")


def _kernel_matrix(x: Any, y: Any, kernel: str, epsilon: Any) -> Any:
    delta = (x[:, None, :] - y[None, :, :]) * epsilon
    return _KERNELS[kernel][0](np.sum(delta * delta, axis=-1))


def _monomials(x: Any, powers: Any) -> Any:
    columns = []
    for row in np.asarray(powers):
        term = np.ones(x.shape[0])
        for k, power in enumerate(row):
            for _ in range(int(power)):
                term = term * x[:, k]
        columns.append(term)
    return np.stack(columns, axis=-1) if columns else np.zeros((x.shape[0], 0))


def _powers(ndim: int, degree: int) -> Any:
    """Return the exponents of all monomials up to a degree."""
    rows = []
    for total in range(degree + 1):
        for chosen in combinations_with_replacement(range(ndim), total):
            rows.append(np.bincount(chosen, minlength=ndim) if chosen else np.zeros(ndim, int))
    return np.array(rows, int).reshape(len(rows), ndim)


@intercepts(MODULE, "RBFInterpolator.__init__")
def _rbf(self: Any, y: Any, d: Any, neighbors: Any = None, smoothing: Any = 0.0,
         kernel: str = "thin_plate_spline", epsilon: Any = None,
         degree: Any = None) -> None:  # fmt: skip
    if neighbors is not None:
        refuse("scipy.interpolate.RBFInterpolator(neighbors=...)", "use all points")
    y, d, kernel = asarray(y, np.float64), asarray(d, np.float64), kernel.lower()
    if y.ndim != 2 or d.shape[0] != y.shape[0]:
        raise ValueError(at_user_line("`y` must be 2-dimensional, with as many rows as `d`."))
    if kernel not in _KERNELS:
        raise ValueError(at_user_line(f"`kernel` must be one of {tuple(_KERNELS)}."))
    if epsilon is None:
        if kernel not in _WITHOUT_SCALE:
            raise ValueError(at_user_line(f"`epsilon` must be specified for kernel={kernel!r}."))
        epsilon = 1.0
    degree = max(_KERNELS[kernel][1], 0) if degree is None else int(degree)
    powers, n = _powers(y.shape[1], degree), y.shape[0]
    if len(powers) > n:
        raise ValueError(at_user_line(f"At least {len(powers)} data points are required."))
    low, high = np.min(y, axis=0), np.max(y, axis=0)
    self._shift, scale = stop_gradient((low + high) / 2), stop_gradient((high - low) / 2)
    self._scale = np.where(scale == 0, 1.0, scale)
    ridge = np.eye(n) * np.broadcast_to(asarray(smoothing, np.float64), (n,))[:, None]
    polynomials = _monomials((y - self._shift) / self._scale, powers)
    m = len(powers)
    top = np.concatenate([_kernel_matrix(y, y, kernel, epsilon) + ridge, polynomials], axis=1)
    bottom = np.concatenate([polynomials.T, np.zeros((m, m))], axis=1)
    right = np.concatenate([d.reshape(n, -1), np.zeros((m, int(np.prod(d.shape[1:]))))])
    self._coeffs = np.linalg.solve(np.concatenate([top, bottom]), right)
    self.y, self.d, self.d_shape, self.d_dtype = y, d, d.shape[1:], np.float64
    self.neighbors, self.smoothing, self.kernel = None, smoothing, kernel
    self.epsilon, self.powers, self._xp = epsilon, powers, np


@intercepts(MODULE, "RBFInterpolator.__call__")
def _rbf_call(self: Any, x: Any) -> Any:
    if self.neighbors is not None:
        refuse("scipy.interpolate.RBFInterpolator(neighbors=...)", "use all points")
    x = asarray(x, np.float64)
    if x.ndim != 2 or x.shape[1] != self.y.shape[1]:
        raise ValueError(at_user_line(f"`x` must have shape (n, {self.y.shape[1]})."))
    parts = [_kernel_matrix(x, asarray(self.y), self.kernel, self.epsilon),
             _monomials((x - self._shift) / self._scale, self.powers)]  # fmt: skip
    return (np.concatenate(parts, axis=1) @ self._coeffs).reshape(x.shape[0], *self.d_shape)


@intercepts(MODULE, "Rbf.__init__", "Rbf.__call__")
def _old_rbf(*args: Any, **kwargs: Any) -> Any:
    refuse("scipy.interpolate.Rbf", "use RBFInterpolator")


# Triangles


@intercepts(MODULE, "griddata")
def _griddata(points: Any, values: Any, xi: Any, method: str = "linear", fill_value: Any = np.nan,
              rescale: bool = False) -> Any:  # fmt: skip
    if is_traced(points):
        refuse("scipy.interpolate.griddata with traced points", "only values and xi may be traced")
    data = coordinates(
        points, np.shape(points)[-1] if not isinstance(points, tuple) else len(points)
    )
    if np.ndim(points) == 1 and not isinstance(points, tuple):
        refuse("scipy.interpolate.griddata in one dimension", "use interp1d or np.interp")
    d = data.shape[-1]
    values, x = as_float(values), coordinates(xi, d)
    if rescale or method not in ("linear", "nearest"):
        refuse(f"scipy.interpolate.griddata(method={method!r}, rescale={rescale})",
               "use method='linear' or 'nearest' without rescale, or RBFInterpolator")  # fmt: skip
    flat = x.reshape(-1, d)
    result = (_nearest if method == "nearest" else _in_triangles)(data, values, flat, fill_value)
    return result.reshape(*x.shape[:-1], *values.shape[1:])


def _nearest(data: Any, values: Any, x: Any, _fill: Any) -> Any:
    tree = KDTree(data)
    index = call_flat(lambda p: tree.query(p)[1], x.shape[:1], np.intp, x)
    return take(values, index)


def _in_triangles(data: Any, values: Any, x: Any, fill: Any) -> Any:
    triangles, d = Delaunay(data), data.shape[-1]
    simplex = call_flat(triangles.find_simplex, x.shape[:1], np.int32, x)
    inside = simplex >= 0
    chosen = np.where(inside, simplex, 0)
    transform = take(triangles.transform, chosen)
    first = np.sum(transform[:, :d] * (x - transform[:, d])[:, None, :], axis=-1)
    weights = np.concatenate([first, 1 - np.sum(first, axis=-1, keepdims=True)], axis=-1)
    corners = take(values, take(triangles.simplices, chosen))
    trailing = (slice(None),) * 2 + (None,) * (values.ndim - 1)
    result = np.sum(corners * weights[trailing], axis=1)
    return np.where(inside[(slice(None),) + (None,) * (values.ndim - 1)], result, fill)
