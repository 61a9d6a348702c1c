"""Interpolation on grids: `RegularGridInterpolator`, `interpn`, `RectBivariateSpline`."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import scipy.interpolate

from ...errors import at_user_line
from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ..arrays import as_array_kind, as_float, asarray, increasing, known, makes_new, refuse, take
from . import basis
from .intervals import searchsorted
from .piecewise import MODULE

_DEGREES = {"slinear": 1, "cubic": 3, "quintic": 5,
            "slinear_legacy": 1, "cubic_legacy": 3, "quintic_legacy": 5}  # fmt: skip
_REGULAR: Any = scipy.interpolate.RegularGridInterpolator
_BIVARIATE: Any = scipy.interpolate.BivariateSpline
_METHODS = ("linear", "nearest", *_DEGREES)


@intercepts(MODULE, "RegularGridInterpolator.__init__")
def _init(self: Any, points: Any, values: Any, method: str = "linear", bounds_error: bool = True,
          fill_value: Any = np.nan, *, solver: Any = None,
          solver_args: Any = None) -> None:  # fmt: skip
    _check_method(method)
    values = as_float(values)
    grid = [asarray(p, np.float64) for p in points]
    if len(grid) > values.ndim:
        raise ValueError(
            at_user_line(f"There are {len(grid)} point arrays, but values has {values.ndim} axes")
        )
    descending = []
    for i, p in enumerate(grid):
        numbers = known(p)
        if p.ndim != 1 or p.shape[0] != values.shape[i]:
            raise ValueError(at_user_line(f"points of dimension {i} do not fit to the values"))
        if numbers is not None and len(numbers) > 1 and numbers[0] > numbers[-1]:
            descending.append(i)
            grid[i], numbers = p[::-1], numbers[::-1]
        grid[i] = increasing(grid[i], f"The points in dimension {i} must be strictly ascending")
        if p.shape[0] <= _DEGREES.get(method, 0):
            raise ValueError(at_user_line(f"There are too few points in dimension {i}"))
    self._asarray, self.method, self._spline = asarray, method, None
    self.bounds_error, self.fill_value = bounds_error, fill_value
    self._grid, self._descending_dimensions = tuple(grid), tuple(descending)
    self._values = np.flip(values, axis=tuple(descending)) if descending else values


def _check_method(method: str) -> None:
    if method == "pchip":
        refuse("RegularGridInterpolator(method='pchip')", "use method='cubic' or 'linear'")
    if method not in _METHODS:
        raise ValueError(at_user_line(f"Method '{method}' is not defined"))


@intercepts(MODULE, "RegularGridInterpolator.__call__")
def _call(self: Any, xi: Any, method: Any = None, *, nu: Any = None) -> Any:
    method = self.method if method is None else method
    _check_method(method)
    if nu is not None and method not in ("slinear", "cubic", "quintic"):
        raise ValueError(at_user_line(f"Can only compute derivatives for splines, not {method}"))
    d = len(self._grid)
    points = coordinates(xi, d)
    flat = points.reshape(-1, d)
    columns = [flat[:, i] for i in range(d)]
    if method in ("linear", "nearest"):
        result = _multilinear(self._grid, self._values, columns, method == "nearest")
    else:
        result = _tensor_spline(*_spline_of(self, method), columns, nu)
    trailing = (slice(None),) + (None,) * (result.ndim - 1)
    outside = np.zeros(flat.shape[0], np.bool_)
    for p, x in zip(self._grid, columns, strict=True):
        outside = outside | (x < p[0]) | (x > p[-1])
    numbers = known(outside)
    if self.bounds_error:
        if numbers is not None and numbers.any():
            raise ValueError(at_user_line("One of the requested xi is out of bounds"))
        result = np.where(outside[trailing], np.nan, result)  # under jit nothing is raised
    elif self.fill_value is not None:
        result = np.where(outside[trailing], self.fill_value, result)
    missing = np.any(flat != flat, axis=-1)
    result = np.where(missing[trailing], np.nan, result)
    return as_array_kind(result.reshape(points.shape[:-1] + self._values.shape[d:]))


def coordinates(xi: Any, d: int) -> Any:
    """Return points as an array with their d coordinates in the last axis."""
    if isinstance(xi, tuple) and len(xi) > 1:
        arrays = (
            np.broadcast_arrays(*[asarray(x, np.float64) for x in xi])
            if not is_traced(xi)
            else [asarray(x, np.float64) for x in xi]
        )
        shape = np.broadcast_shapes(*[x.shape for x in arrays])
        points = np.stack([np.broadcast_to(x, shape) for x in arrays], axis=-1)
    else:
        points = asarray(xi[0] if isinstance(xi, tuple) else xi, np.float64)
        if points.ndim == 1:
            points = points.reshape(-1, 1) if d == 1 else points.reshape(1, -1)
        elif not points.ndim:
            points = points.reshape(1, 1)
    if points.shape[-1] != d:
        raise ValueError(
            at_user_line(
                f"The requested sample points xi have dimension {points.shape[-1]}, but this "
                f"RegularGridInterpolator has dimension {d}"
            )
        )
    return points


def _multilinear(grid: Any, values: Any, columns: list[Any], nearest: bool) -> Any:
    d = len(grid)
    lows, shares = [], []
    for p, x in zip(grid, columns, strict=True):
        n = p.shape[0]
        low = np.clip(searchsorted(p, x, "right") - 1, 0, max(n - 2, 0))
        lows.append(low)
        if n == 1:
            shares.append(x * 0.0)
            continue
        start = take(p, low)
        shares.append((x - start) / (take(p, low + 1) - start))
    if nearest:
        index = [low + (share > 0.5) for low, share in zip(lows, shares, strict=True)]
        return _gathered(values, index, d)
    total: Any = None
    for corner in product((0, 1), repeat=d):
        if any(k and p.shape[0] == 1 for k, p in zip(corner, grid, strict=True)):
            continue
        weight: Any = None
        for k, share in zip(corner, shares, strict=True):
            factor = share if k else 1 - share
            weight = factor if weight is None else weight * factor
        value = _gathered(values, [low + k for low, k in zip(lows, corner, strict=True)], d)
        term = value * weight[(slice(None),) + (None,) * (value.ndim - 1)]
        total = term if total is None else total + term
    return total


def _gathered(values: Any, index: list[Any], d: int) -> Any:
    """Return ``values[tuple(index)]`` by one flat index."""
    flat = 0
    for i, size in zip(index, values.shape[:d], strict=True):
        flat = flat * size + i
    return take(values.reshape(-1, *values.shape[d:]), flat)


def _spline_of(self: Any, method: str) -> tuple[Any, Any, int]:
    """Return knots, coefficients and degree; SciPy's own where they are known."""
    k = _DEGREES[method]
    if self._spline is not None and method == self.method:
        return [asarray(t) for t in self._spline.t], self._spline.c, k
    return tensor_spline(self._grid, self._values, k)


def tensor_spline(grid: Any, values: Any, k: int) -> tuple[Any, Any, int]:
    """Return knots and coefficients of the spline through all values of a grid."""
    knots, c = [], values
    for i, p in enumerate(grid):
        t = basis.not_a_knot(p, k)
        c = basis.interpolating(p, np.moveaxis(c, i, 0), k, t, [], [], basis.not_a_knot)
        c = np.moveaxis(c, 0, i)
        knots.append(t)
    return knots, c, k


def _tensor_spline(knots: Any, c: Any, k: int, columns: list[Any], nu: Any) -> Any:
    orders = [0] * len(knots) if nu is None else list(nu)
    degrees = [k] * len(knots)
    return evaluate_tensor(knots, c, degrees, columns, orders)


def evaluate_tensor(knots: Any, c: Any, degrees: Any, columns: list[Any], orders: list[int]) -> Any:
    """Return the values of a tensor product of splines at points."""
    index = [basis.interval(t, k, x) for t, k, x in zip(knots, degrees, columns, strict=True)]
    weights = [
        basis.basis(t, k, x, i, nu)
        for t, k, x, i, nu in zip(knots, degrees, columns, index, orders, strict=True)
    ]
    total: Any = None
    for corner in product(*[range(k + 1) for k in degrees]):
        weight: Any = None
        for j, w in zip(corner, weights, strict=True):
            weight = w[:, j] if weight is None else weight * w[:, j]
        at = [i - k + j for i, k, j in zip(index, degrees, corner, strict=True)]
        value = _gathered(c, at, len(knots))
        term = value * weight[(slice(None),) + (None,) * (value.ndim - 1)]
        total = term if total is None else total + term
    return total


@intercepts(MODULE, "interpn")
def _interpn(points: Any, values: Any, xi: Any, method: str = "linear", bounds_error: bool = True,
             fill_value: Any = np.nan) -> Any:  # fmt: skip
    if method == "splinef2d":
        refuse("interpn(method='splinef2d')", "use RectBivariateSpline, or method='cubic'")
    interpolator = _REGULAR(
        points, values, method=method, bounds_error=bounds_error, fill_value=fill_value
    )
    return interpolator(xi)


# FITPACK's splines of two variables


@intercepts(MODULE, "RectBivariateSpline.__init__")
def _rectangle(self: Any, x: Any, y: Any, z: Any, bbox: Any = (None,) * 4, kx: int = 3,
               ky: int = 3, s: Any = 0, maxit: int = 20) -> None:  # fmt: skip
    if s != 0 or any(b is not None for b in np.ravel(bbox)):
        refuse("RectBivariateSpline(s=..., bbox=...)", "only interpolation has a derivative")
    z, knots = asarray(z, np.float64), []
    if z.shape != (np.size(x), np.size(y)):
        raise ValueError(at_user_line("x and y must have as many elements as the axes of z"))
    for i, (p, k) in enumerate(((x, kx), (y, ky))):
        p = increasing(asarray(p, np.float64), "x and y must be strictly increasing")
        knots.append(basis.not_a_knot(p, k))
        z = basis.interpolating(p, np.moveaxis(z, i, 0), k, knots[-1], [], [], basis.not_a_knot)
        z = np.moveaxis(z, 0, i)
    self.fp, self.tck, self.degrees = 0.0, (*knots, z.reshape(-1)), (kx, ky)


@makes_new(MODULE, "RectBivariateSpline.__call__")
def _bivariate_call(self: Any, x: Any, y: Any, dx: int = 0, dy: int = 0, grid: bool = True) -> Any:
    if not isinstance(self, _BIVARIATE):
        refuse(f"scipy.interpolate.{type(self).__name__}", "use RectBivariateSpline")
    tx, ty, c = (asarray(part) for part in self.tck)
    kx, ky = self.degrees
    c = c.reshape(tx.shape[0] - kx - 1, ty.shape[0] - ky - 1)
    x, y = (_inside(t, k, asarray(p, np.float64)) for t, k, p in ((tx, kx, x), (ty, ky, y)))
    if grid:
        return _on_grid((tx, ty), c, (kx, ky), x.reshape(-1), y.reshape(-1), (dx, dy))
    shape = np.broadcast_shapes(x.shape, y.shape)
    columns = [np.broadcast_to(p, shape).reshape(-1) for p in (x, y)]
    z = evaluate_tensor((tx, ty), c, (kx, ky), columns, [dx, dy])
    return as_array_kind(z.reshape(shape))


def _on_grid(knots: Any, c: Any, degrees: Any, x: Any, y: Any, orders: Any) -> Any:
    by_x = basis.evaluate(knots[0], c, degrees[0], x, orders[0])
    by_y = basis.evaluate(knots[1], np.swapaxes(by_x, 0, 1), degrees[1], y, orders[1])
    return np.swapaxes(by_y, 0, 1)


@makes_new(MODULE, "bisplev")
def _bisplev(x: Any, y: Any, tck: Any, dx: int = 0, dy: int = 0) -> Any:
    tx, ty, c = (asarray(part, np.float64) for part in tck[:3])
    kx, ky = tck[3:]
    if not (0 <= dx < kx and 0 <= dy < ky):
        raise ValueError(at_user_line(f"0 <= dx = {dx} < kx = {kx}, and dy likewise"))
    x, y = (np.atleast_1d(asarray(p, np.float64)) for p in (x, y))
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(at_user_line("First two entries should be rank-1 arrays."))
    for p in map(known, (x, y)):
        if p is not None and np.any(np.diff(p) < 0):
            raise ValueError(at_user_line("Invalid input data: x and y are to rise"))
    c = c.reshape(tx.shape[0] - kx - 1, ty.shape[0] - ky - 1)
    x, y = _inside(tx, kx, x), _inside(ty, ky, y)
    z = _on_grid((tx, ty), c, (kx, ky), x, y, (dx, dy))
    if z.shape[0] > 1:
        return z
    return z[0] if z.shape[1] > 1 else z[0, 0]


def _inside(t: Any, k: int, x: Any) -> Any:
    """Return x, or the nearest point of the domain, as FITPACK does for two variables."""
    return np.minimum(np.maximum(x, t[k]), t[t.shape[0] - k - 1])


@intercepts(MODULE, "RectBivariateSpline.ev")
def _ev(self: Any, xi: Any, yi: Any, dx: int = 0, dy: int = 0) -> Any:
    return self(xi, yi, dx=dx, dy=dy, grid=False)


for _name in ("BivariateSpline.integral", "SmoothBivariateSpline.__init__",
              "LSQBivariateSpline.__init__", "RectBivariateSpline.partial_derivative",
              "NdBSpline.__init__", "NdBSpline.__call__"):  # fmt: skip

    @intercepts(MODULE, _name)
    def _refused(*args: Any, _name: str = _name, **kwargs: Any) -> Any:
        refuse(f"scipy.interpolate.{_name}", "it has no rule")
