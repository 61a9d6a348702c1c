"""`BSpline`, `make_interp_spline`, and the functions of FITPACK that evaluate splines."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.interpolate import BSpline

from ...errors import at_user_line
from ...trace.interception import intercepts
from ..arrays import as_array_kind, asarray, increasing, known, refuse
from . import basis
from .piecewise import MODULE, any_traced, with_axis

EXTRAPOLATION = {0: 0, "extrapolate": 0, 1: 1, "zeros": 1, 2: 2, "raise": 2, 3: 3, "const": 3}


def _fill(self: Any, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> Any:
    self._t, self._c, self.k, self.axis = t, c, k, axis
    self.extrapolate = extrapolate if extrapolate == "periodic" else bool(extrapolate)
    self._asarray = asarray
    return self


@intercepts(MODULE, "BSpline.__init__")
def _init(self: Any, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> None:
    t, c = asarray(t, np.float64), asarray(c, np.float64)
    if k < 0 or t.ndim != 1 or not c.ndim or t.shape[0] < 2 * k + 2:
        raise ValueError(at_user_line("BSpline: k < 0, or too few knots or coefficients"))
    if axis := axis % c.ndim:
        c = np.moveaxis(c, axis, 0)
    if c.shape[0] < t.shape[0] - k - 1:
        raise ValueError(at_user_line("Knots, coefficients and degree are inconsistent."))
    knots = known(t)
    if knots is not None and (np.diff(knots) < 0).any():
        raise ValueError(at_user_line("Knots must be in a non-decreasing order."))
    _fill(self, t, c, k, extrapolate, axis)


@intercepts(MODULE, "BSpline.construct_fast")
def _construct_fast(cls: Any, t: Any, c: Any, k: int, extrapolate: Any = True,
                    axis: int = 0) -> Any:  # fmt: skip
    return _fill(cls.__new__(cls), asarray(t), asarray(c), k, extrapolate, axis)


def _ends(t: Any, k: int) -> tuple[Any, Any]:
    return t[k], t[t.shape[0] - k - 1]


@intercepts(MODULE, "BSpline.__call__")
def _call(self: Any, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
    extrapolate = self.extrapolate if extrapolate is None else extrapolate
    x, t, k = asarray(x, np.float64), self._t, self.k
    low, high = _ends(t, k)
    if extrapolate == "periodic":
        x, extrapolate = low + (x - low) % (high - low), False
    y = basis.evaluate(t, self._c, k, x, nu)
    if not extrapolate:
        outside = (x < low) | (x > high)
        y = np.where(outside[(...,) + (None,) * (y.ndim - x.ndim)], np.nan, y)
    return as_array_kind(with_axis(y, x.ndim, self.axis))


def derived(t: Any, c: Any, k: int, nu: int) -> tuple[Any, Any, int]:
    """Return knots, coefficients and degree of a derivative."""
    c = c[: t.shape[0] - k - 1]
    for _ in range(nu):
        width = t[k + 1 : -1] - t[1 : -k - 1]
        widths = known(width)
        if widths is not None and not widths.all():
            raise ValueError(at_user_line("The spline has internal repeated knots and is not "
                                          "differentiable"))  # fmt: skip
        c = np.diff(c, axis=0) * k / width.reshape(-1, *[1] * (c.ndim - 1))
        t, k = t[1:-1], k - 1
    return t, _padded(t, c, k), k


def integrated(t: Any, c: Any, k: int, nu: int = 1) -> tuple[Any, Any, int]:
    """Return knots, coefficients and degree of the antiderivative that is 0 on the left."""
    c = c[: t.shape[0] - k - 1]
    for _ in range(nu):
        width = (t[k + 1 :] - t[: -k - 1]).reshape(-1, *[1] * (c.ndim - 1))
        c = np.cumsum(c * width, axis=0) / (k + 1)
        c = np.concatenate([np.zeros((1, *c.shape[1:])), c])
        t, k = np.concatenate([t[:1], t, t[-1:]]), k + 1
    return t, _padded(t, c, k, last=True), k


def _padded(t: Any, c: Any, k: int, last: bool = False) -> Any:
    """Return as many coefficients as knots, as FITPACK does; the last ones are never read."""
    more = np.zeros((k + 1, *c.shape[1:]))
    return np.concatenate([c, more + c[-1:] if last else more])


@intercepts(MODULE, "BSpline.derivative")
def _derivative(self: Any, nu: int = 1) -> Any:
    if nu < 0:
        return self.antiderivative(-nu)
    t, c, k = derived(self._t, self._c, self.k, nu)
    return _fill(BSpline.__new__(type(self)), t, c, k, self.extrapolate, self.axis)


@intercepts(MODULE, "BSpline.antiderivative")
def _antiderivative(self: Any, nu: int = 1) -> Any:
    if nu < 0:
        return self.derivative(-nu)
    t, c, k = integrated(self._t, self._c, self.k, nu)
    extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
    return _fill(BSpline.__new__(type(self)), t, c, k, extrapolate, self.axis)


@intercepts(MODULE, "BSpline.integrate")
def _integrate(self: Any, a: Any, b: Any, extrapolate: Any = None) -> Any:
    extrapolate = self.extrapolate if extrapolate is None else extrapolate
    a, b = asarray(a, np.float64), asarray(b, np.float64)
    low, high = _ends(self._t, self.k)
    t, c, k = integrated(self._t, self._c, self.k)
    until = partial(basis.evaluate, t, c, k)
    if extrapolate == "periodic":
        laps_a, laps_b = (np.floor((x - low) / (high - low)) for x in (a, b))
        whole = until(high) - until(low)
        rest = until(b - laps_b * (high - low)) - until(a - laps_a * (high - low))
        return as_array_kind((laps_b - laps_a) * whole + rest)
    if not extrapolate:
        a, b = (np.minimum(np.maximum(x, low), high) for x in (a, b))
    return as_array_kind(until(b) - until(a))


for _name in ("from_power_basis", "insert_knot", "design_matrix"):

    @intercepts(MODULE, f"BSpline.{_name}")
    def _refused(*args: Any, _name: str = _name, **kwargs: Any) -> Any:
        refuse(f"scipy.interpolate.BSpline.{_name}", "it has no rule")


# Interpolation


@intercepts(MODULE, "make_interp_spline")
def _make_interp_spline(x: Any, y: Any, k: int = 3, t: Any = None, bc_type: Any = None,
                        axis: int = 0, check_finite: bool = True) -> Any:  # fmt: skip
    x, y = asarray(x, np.float64), asarray(y, np.float64)
    axis %= y.ndim
    y = np.moveaxis(y, axis, 0) if axis else y
    if x.ndim != 1 or x.shape[0] != y.shape[0]:
        raise ValueError(at_user_line(f"Shapes of x {x.shape} and y {y.shape} are incompatible"))
    x = increasing(x, "Expect x to be a 1D strictly increasing sequence.")
    if isinstance(bc_type, str) and bc_type == "periodic":
        refuse("make_interp_spline(bc_type='periodic')", "use CubicSpline")
    start, end = _boundary(bc_type, y)
    if (k == 0 or (k == 1 and t is None)) and not (start or end):
        if t is not None:
            raise ValueError(at_user_line("Too much info for k=0: t can only be None."))
        t = np.concatenate([x[:1]] * k + [x, x[-1:]])
        return _fill(BSpline.__new__(BSpline), t, y, k, True, axis)
    knots_of = None
    if t is None:
        knots_of = basis.augmented if start or end else basis.not_a_knot
        t = knots_of(x, k)
    t = asarray(t, np.float64)
    _check_count(t, x, k, len(start) + len(end))
    c = basis.interpolating(x, y, k, t, start, end, knots_of)
    return _fill(BSpline.__new__(BSpline), t, c, k, True, axis)


def _check_count(t: Any, x: Any, k: int, conditions: int) -> None:
    if t.shape[0] - k - 1 - x.shape[0] != conditions:
        raise ValueError(
            at_user_line(
                "The number of derivatives at boundaries does not match: expected "
                f"{t.shape[0] - k - 1 - x.shape[0]}, got {conditions}"
            )
        )


def _boundary(bc_type: Any, y: Any) -> tuple[list[Any], list[Any]]:
    """Return the conditions at both ends, as pairs of an order and a value."""
    if bc_type is None or (isinstance(bc_type, str) and bc_type == "not-a-knot"):
        return [], []
    pair = (bc_type, bc_type) if isinstance(bc_type, str) else bc_type
    orders = {"clamped": 1, "natural": 2}
    result = []
    for condition in pair:
        if isinstance(condition, str):
            if condition not in orders:
                raise ValueError(at_user_line(f"Unknown boundary condition : {condition}"))
            condition = [(orders[condition], np.zeros(y.shape[1:]))]
        result.append([(int(nu), asarray(value)) for nu, value in condition or ()])
    return result[0], result[1]


# FITPACK


def fitpack_value(t: Any, c: Any, k: int, x: Any, nu: int, ext: Any) -> Any:
    """Return a spline's derivative as `splev` does, which knows four ways to extrapolate."""
    if ext not in EXTRAPOLATION:
        raise ValueError(at_user_line(f"ext = {ext} not in (0, 1, 2, 3)"))
    ext = EXTRAPOLATION[ext]
    low, high = _ends(t, k)
    outside = (x < low) | (x > high)
    numbers = known(outside)
    if ext == 2 and numbers is not None and numbers.any():
        raise ValueError(at_user_line("Found x value not in the domain"))
    if ext == 3 and not nu:  # FITPACK extrapolates derivatives
        x = np.minimum(np.maximum(x, low), high)
    y = basis.evaluate(t, c, k, x, nu)
    if ext in (1, 2):  # under jit nothing is raised: nan says it
        y = np.where(outside, 0.0 if ext == 1 else np.nan, y)
    return as_array_kind(y)


@intercepts(MODULE, "splev")
def _splev(x: Any, tck: Any, der: int = 0, ext: int = 0) -> Any:
    if isinstance(tck, BSpline):
        if tck.c.ndim > 1 or ext != 0:
            raise ValueError(at_user_line("splev of a BSpline needs c.ndim == 1 and ext=0"))
        return tck(x, der, extrapolate=True)
    t, c, k = tck
    if isinstance(c, (list, tuple)) and np.ndim(c[0]):
        return [_splev(x, (t, part, k), der, ext) for part in c]
    if not 0 <= der <= k:
        raise ValueError(at_user_line(f"0<=der={der}<=k={k} must hold"))
    t, c, x = (asarray(part, np.float64) for part in (t, c, x))
    if c.ndim > 1:
        return [_splev(x, (t, part, k), der, ext) for part in c]
    return fitpack_value(t, c, int(k), x, der, ext)


@intercepts(MODULE, "splint")
def _splint(a: Any, b: Any, tck: Any, full_output: int = 0) -> Any:
    if full_output:
        refuse("scipy.interpolate.splint(full_output=1)", "it gives the integral alone")
    if isinstance(tck, BSpline):
        return tck.integrate(a, b, extrapolate=False)
    t, c, k = tck
    return fitpack_integral(asarray(t), asarray(c), int(k), a, b)


def fitpack_integral(t: Any, c: Any, k: int, a: Any, b: Any) -> Any:
    """Return the integral of a spline that is 0 outside of its knots."""
    low, high = _ends(t, k)
    a, b = (np.minimum(np.maximum(asarray(x, np.float64), low), high) for x in (a, b))
    t, c, k = integrated(t, c, k)
    return basis.evaluate(t, c, k, b) - basis.evaluate(t, c, k, a)


@intercepts(MODULE, "splrep")
def _splrep(x: Any, y: Any, w: Any = None, xb: Any = None, xe: Any = None, k: int = 3,
            task: int = 0, s: Any = None, t: Any = None, full_output: int = 0, per: int = 0,
            quiet: int = 1) -> Any:  # fmt: skip
    smoothing = s if s is not None else (w is not None)
    if (
        any_traced(s)
        or smoothing
        or task
        or t is not None
        or full_output
        or per
        or (xb is not None or xe is not None)
    ):
        refuse("scipy.interpolate.splrep with smoothing or options",
               "only interpolation (s=0) has a derivative here")  # fmt: skip
    return interpolating_tck(x, y, k)


def interpolating_tck(x: Any, y: Any, k: int) -> tuple[Any, Any, int]:
    """Return FITPACK's spline through all points."""
    x, y = asarray(x, np.float64), asarray(y, np.float64)
    if x.ndim != 1 or x.shape != y.shape or not 1 <= k <= 5 or x.shape[0] <= k:
        raise TypeError(at_user_line(f"1 <= k = {k} <= 5 and more than k points must hold"))
    x = increasing(x, "x must be strictly increasing")
    t = basis.not_a_knot(x, k)
    c = basis.interpolating(x, y, k, t, [], [], basis.not_a_knot)
    return t, np.concatenate([c, np.zeros(k + 1)]), k


for _name in ("splprep", "splder", "splantider", "spalde", "sproot", "insert", "make_lsq_spline",
              "make_smoothing_spline", "bisplrep", "make_splrep",
              "make_splprep"):  # fmt: skip

    @intercepts(MODULE, _name)
    def _without_rule(*args: Any, _name: str = _name, **kwargs: Any) -> Any:
        refuse(f"scipy.interpolate.{_name}", "it has no rule; make_interp_spline has one")
