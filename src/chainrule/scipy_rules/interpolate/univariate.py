"""`interp1d`, `UnivariateSpline` and its relatives, and polynomials through points."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.interpolate
from scipy.interpolate import make_interp_spline

from ...errors import at_user_line
from ...trace.interception import intercepts
from ..arrays import as_array_kind, as_float, asarray, known, refuse, take
from .bsplines import EXTRAPOLATION, fitpack_integral, fitpack_value, interpolating_tck
from .intervals import searchsorted
from .piecewise import MODULE, with_axis

_INTERP1D: Any = scipy.interpolate.interp1d
_ORDERS = {"zero": 0, "slinear": 1, "quadratic": 2, "cubic": 3}
_KINDS = ("linear", "nearest", "nearest-up", "previous", "next")


@intercepts(MODULE, "interp1d.__init__")
def _init(self: Any, x: Any, y: Any, kind: Any = "linear", axis: int = -1, copy: bool = True,
          bounds_error: Any = None, fill_value: Any = np.nan,
          assume_sorted: bool = False) -> None:  # fmt: skip
    x, y = asarray(x), as_float(y)
    if x.ndim != 1 or not y.ndim or y.shape[axis] != x.shape[0]:
        raise ValueError(
            at_user_line("x and y arrays must be equal in length along interpolation axis.")
        )
    axis %= y.ndim
    if not assume_sorted:
        order = (
            np.argsort(x, kind="stable")
            if known(x) is None
            else np.argsort(known(x), kind="stable")
        )
        x, y = take(x, order), take(y, order, axis)
    self.bounds_error, self.copy, self.axis, self.x, self.y = bounds_error, copy, axis, x, y
    self._y_axis, self._y_extra_shape = axis, y.shape[:axis] + y.shape[axis + 1 :]
    self.dtype = np.float64
    degree = _ORDERS.get(kind, kind) if not isinstance(kind, int) else kind
    self._y = np.moveaxis(y, axis, 0).reshape(x.shape[0], -1)
    if isinstance(degree, str) and degree not in _KINDS:
        raise NotImplementedError(at_user_line(f"{kind} is unsupported."))
    self._kind = degree if isinstance(degree, str) else "spline"
    if self._kind == "spline":
        if x.shape[0] <= degree:
            raise ValueError(
                at_user_line(f"x and y arrays must have at least {degree + 1} entries")
            )
        self._spline = make_interp_spline(x, self._y, k=degree, check_finite=False)
    _fill_outside(self, fill_value)


def _fill_outside(self: Any, fill_value: Any) -> None:
    """Say what the values outside of the data are, as SciPy's setter of `fill_value` does."""
    self._fill_value_orig = fill_value
    self._extrapolate = isinstance(fill_value, str) and fill_value == "extrapolate"
    if self._extrapolate:
        if self.bounds_error:
            raise ValueError(at_user_line("Cannot extrapolate and raise at the same time."))
        self.bounds_error = False
        if self._kind in ("previous", "next"):
            ends = np.nan, self._y[-1]
            if self._kind == "next":
                ends = self._y[0], np.nan
            self._extrapolate = False
            self._fill_value_below, self._fill_value_above = ends
        return
    pair = (
        fill_value if isinstance(fill_value, tuple) and len(fill_value) == 2 else (fill_value,) * 2
    )
    shape = self._y_extra_shape or (1,)
    below, above = (np.broadcast_to(asarray(value), shape).reshape(-1) for value in pair)
    self._fill_value_below, self._fill_value_above = below, above
    if self.bounds_error is None:
        self.bounds_error = True


@intercepts(MODULE, "interp1d.__call__")
def _call(self: Any, x: Any) -> Any:
    if not isinstance(self, _INTERP1D):
        refuse(f"scipy.interpolate.{type(self).__name__}", "use CubicSpline or PchipInterpolator")
    points = as_float(x)
    flat = points.reshape(-1)
    y = _interpolated(self, flat)
    if not self._extrapolate:
        below, above = flat < self.x[0], flat > self.x[-1]
        numbers = known(below | above)
        if self.bounds_error and numbers is not None and numbers.any():
            raise ValueError(at_user_line("A value in x_new is outside the interpolation range."))
        low, high = self._fill_value_below, self._fill_value_above
        if self.bounds_error:  # under jit nothing is raised: nan says it
            low = high = np.nan
        y = np.where(below[:, None], low, np.where(above[:, None], high, y)).astype(y.dtype)
    y = y.reshape(points.shape + self._y_extra_shape)
    return as_array_kind(with_axis(y, points.ndim, self._y_axis))


def _interpolated(self: Any, x: Any) -> Any:
    knots, y, n = self.x, self._y, self.x.shape[0]
    if self._kind == "spline":
        return self._spline(x)
    if self._kind == "linear":
        if n == 1:
            return y + x[:, None] * 0.0
        high = np.clip(searchsorted(knots, x), 1, n - 1)
        start, first = take(knots, high - 1), take(y, high - 1)
        slope = (take(y, high) - first) / (take(knots, high) - start)[:, None]
        return slope * (x - start)[:, None] + first
    if self._kind.startswith("nearest"):
        middles = knots[1:] / 2.0 + knots[:-1] / 2.0
        index = searchsorted(middles, x, "left" if self._kind == "nearest" else "right")
    else:
        index = (
            searchsorted(knots, x, "right") - 1
            if self._kind == "previous"
            else searchsorted(knots, x)
        )
    return take(y, np.clip(index, 0, n - 1))


# Splines of FITPACK


@intercepts(MODULE, "InterpolatedUnivariateSpline.__init__")
def _interpolated_spline(self: Any, x: Any, y: Any, w: Any = None, bbox: Any = (None, None),
                         k: int = 3, ext: Any = 0, check_finite: bool = False) -> None:  # fmt: skip
    _fill_univariate(self, x, y, bbox, k, ext)


@intercepts(MODULE, "UnivariateSpline.__init__")
def _smoothing_spline(self: Any, x: Any, y: Any, w: Any = None, bbox: Any = (None, None),
                      k: int = 3, s: Any = None, ext: Any = 0,
                      check_finite: bool = False) -> None:  # fmt: skip
    if s is None or s != 0:
        refuse("scipy.interpolate.UnivariateSpline", "only interpolation (s=0) has a derivative")
    _fill_univariate(self, x, y, bbox, k, ext)


@intercepts(MODULE, "LSQUnivariateSpline.__init__")
def _least_squares_spline(self: Any, *args: Any, **kwargs: Any) -> None:
    refuse("scipy.interpolate.LSQUnivariateSpline", "use make_interp_spline")


def _fill_univariate(self: Any, x: Any, y: Any, bbox: Any, k: int, ext: Any) -> None:
    if tuple(bbox) != (None, None):
        refuse("UnivariateSpline(bbox=...)", "leave bbox at its default")
    if ext not in EXTRAPOLATION:
        raise ValueError(at_user_line(f"Unknown extrapolation mode {ext}."))
    t, c, k = interpolating_tck(x, y, k)
    self.ext, self._eval_args = EXTRAPOLATION[ext], (t, c, k)
    self._data = (None,) * 5 + (k, None, t.shape[0], t, c, None, None, None, None)


@intercepts(MODULE, "UnivariateSpline.__call__")
def _univariate_call(self: Any, x: Any, nu: int = 0, ext: Any = None) -> Any:
    t, c, k = self._eval_args
    if not 0 <= nu <= k:
        raise ValueError(at_user_line(f"0<=der={nu}<=k={k} must hold"))
    return fitpack_value(asarray(t), asarray(c), k, asarray(x, np.float64), nu,
                         self.ext if ext is None else ext)  # fmt: skip


@intercepts(MODULE, "UnivariateSpline.integral")
def _univariate_integral(self: Any, a: Any, b: Any) -> Any:
    t, c, k = self._eval_args
    return fitpack_integral(asarray(t), asarray(c), k, a, b)


for _name in ("derivatives", "roots", "derivative", "antiderivative", "get_residual"):

    @intercepts(MODULE, f"UnivariateSpline.{_name}")
    def _refused(*args: Any, _name: str = _name, **kwargs: Any) -> Any:
        refuse(f"scipy.interpolate.UnivariateSpline.{_name}", "call the spline with nu=")


for _name in ("BarycentricInterpolator", "KroghInterpolator", "FloaterHormannInterpolator"):

    @intercepts(MODULE, f"{_name}.__init__", f"{_name}.derivatives")
    def _polynomial(*args: Any, _name: str = _name, **kwargs: Any) -> Any:
        refuse(f"scipy.interpolate.{_name}", "use CubicSpline or PchipInterpolator")


@intercepts(MODULE, "pchip_interpolate")
def _pchip_interpolate(xi: Any, yi: Any, x: Any, der: Any = 0, axis: int = 0) -> Any:
    spline = scipy.interpolate.PchipInterpolator(xi, yi, axis=axis)
    if isinstance(der, int):
        return spline(x, der)
    return [spline(x, nu) for nu in der]
