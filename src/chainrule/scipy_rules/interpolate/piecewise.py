"""`scipy.interpolate.PPoly`: piecewise polynomials, evaluated at traced points or made of traced
coefficients and breakpoints.
"""

from __future__ import annotations

from math import perm
from typing import Any

import numpy as np
import scipy.interpolate
from scipy.interpolate import BPoly, PPoly

from ...errors import at_user_line
from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ..arrays import as_array_kind, asarray, increasing, known, refuse, take
from .intervals import searchsorted

MODULE = scipy.interpolate.__name__


def fill(self: Any, c: Any, x: Any, extrapolate: Any = True, axis: int = 0) -> Any:
    """Give a piecewise polynomial its coefficients, breakpoints and options."""
    self._c, self._x, self.extrapolate, self.axis = c, x, extrapolate, axis
    self._asarray = asarray
    self.traced = (c, x)  # what the interception sees; the others are slots
    return self


def evaluate(c: Any, breaks: Any, x: Any, nu: int, extrapolate: bool) -> Any:
    """Return the derivative of order nu, of shape ``x.shape + c.shape[2:]``.

    Terms are summed in SciPy's order, from the constant one on.
    """
    inner = breaks[1:-1]
    ends = known(breaks[:: len(breaks) - 1])
    descending = ends is not None and ends[0] > ends[1]
    index = searchsorted(-inner, -x, "right") if descending else searchsorted(inner, x, "right")
    local = x - take(breaks, index)
    k = c.shape[0]
    trailing = (...,) + (None,) * (c.ndim - 2)
    total, power = None, None
    for n in range(nu, k):
        term = take(c[k - 1 - n], index)
        if power is not None:
            term = term * power[trailing]
        term = term * float(perm(n, nu)) if nu else term
        total = term if total is None else total + term
        power = local if power is None else power * local
    if total is None:
        total = take(c[0], index) * 0.0
    low, high = (breaks[-1], breaks[0]) if descending else (breaks[0], breaks[-1])
    outside = x != x
    if not extrapolate:
        outside = outside | (x < low) | (x > high)
    return np.where(outside[trailing], np.nan, total)


@intercepts(MODULE, "PPoly.__init__")
def _init(self: Any, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> None:
    _no_bernstein_basis(self)
    c, x = asarray(c, np.float64), asarray(x, np.float64)
    if c.ndim < 2 or x.ndim != 1 or x.shape[0] < 2 or not c.shape[0]:
        raise ValueError(at_user_line("PPoly: c needs at least 2 axes, and x 2 breakpoints"))
    if not 0 <= axis < c.ndim - 1:
        raise ValueError(at_user_line(f"axis={axis} must be between 0 and {c.ndim - 1}"))
    if axis:
        c = np.moveaxis(c, (axis, axis + 1), (0, 1))
    if c.shape[1] != x.shape[0] - 1:
        raise ValueError(at_user_line("number of coefficients != len(x)-1"))
    numbers = known(x)
    if numbers is not None and not (np.all(np.diff(numbers) >= 0) or np.all(np.diff(numbers) <= 0)):
        raise ValueError(at_user_line("`x` must be strictly increasing or decreasing."))
    fill(self, c, x, _extrapolation(extrapolate), axis)


def _no_bernstein_basis(self: Any) -> None:
    if isinstance(self, BPoly):  # which shares these methods
        refuse("scipy.interpolate.BPoly", "use PPoly")


def _extrapolation(option: Any) -> Any:
    if option is None:
        return True
    return option if option == "periodic" else bool(option)


@intercepts(MODULE, "PPoly.construct_fast")
def _construct_fast(cls: Any, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> Any:
    return fill(cls.__new__(cls), asarray(c), asarray(x), _extrapolation(extrapolate), axis)


@intercepts(MODULE, "PPoly.__call__")
def _call(self: Any, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
    _no_bernstein_basis(self)
    if nu < 0:
        raise ValueError(at_user_line("Order of derivative cannot be negative"))
    if extrapolate is None:
        extrapolate = self.extrapolate
    c, breaks, x = self._c, self._x, asarray(x, np.float64)
    if extrapolate == "periodic":
        x = breaks[0] + (x - breaks[0]) % (breaks[-1] - breaks[0])
        extrapolate = False
    y = evaluate(c, breaks, x, nu, bool(extrapolate))
    return as_array_kind(with_axis(y, x.ndim, self.axis))


def with_axis(y: Any, points: int, axis: int) -> Any:
    """Put the axes of the points where the axis of the data was."""
    if not axis or not points:
        return y
    return np.moveaxis(y, range(points), range(axis, axis + points))


@intercepts(MODULE, "PPoly.derivative")
def _derivative(self: Any, nu: int = 1) -> Any:
    if nu < 0:
        return self.antiderivative(-nu)
    c = self._c
    k = c.shape[0]
    factors = np.array([float(perm(n, nu)) for n in range(k - 1, nu - 1, -1)])
    c = c[: k - nu] * factors.reshape(-1, *[1] * (c.ndim - 1)) if k > nu else c[:1] * 0.0
    return fill(PPoly.__new__(type(self)), c, self._x, self.extrapolate, self.axis)


@intercepts(MODULE, "PPoly.antiderivative")
def _antiderivative(self: Any, nu: int = 1) -> Any:
    if nu <= 0:
        return self.derivative(-nu)
    c, breaks = self._c, self._x
    for _ in range(nu):
        c = _integrated(c, breaks)
    extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
    return fill(PPoly.__new__(type(self)), c, breaks, extrapolate, self.axis)


def _integrated(c: Any, breaks: Any) -> Any:
    """Return the coefficients of the continuous antiderivative that begins with 0."""
    k = c.shape[0]
    trailing = [1] * (c.ndim - 2)
    c = c / np.arange(k, 0, -1.0).reshape(-1, 1, *trailing)
    width = np.diff(breaks).reshape(-1, *trailing)
    pieces, power = 0.0, width
    for n in range(k - 1, -1, -1):
        pieces, power = pieces + c[n] * power, power * width
    first = np.zeros((1, *c.shape[2:]))
    starts = np.concatenate([first, np.cumsum(pieces, axis=0)[:-1]])
    return np.concatenate([c, starts[None]])


@intercepts(MODULE, "PPoly.integrate")
def _integrate(self: Any, a: Any, b: Any, extrapolate: Any = None) -> Any:
    if extrapolate is None:
        extrapolate = self.extrapolate
    a, b = asarray(a, np.float64), asarray(b, np.float64)
    integral, breaks = _integrated(self._c, self._x), self._x
    if extrapolate != "periodic":
        ends = np.stack([a, b])
        values = evaluate(integral, breaks, ends, 0, bool(extrapolate))
        return as_array_kind(values[1] - values[0])
    start, period = breaks[0], breaks[-1] - breaks[0]
    whole = evaluate(integral, breaks, breaks[-1:], 0, True)[0]

    def until(x: Any) -> Any:
        laps = np.floor((x - start) / period)
        rest = evaluate(integral, breaks, (x - laps * period)[None], 0, True)[0]
        return laps * whole + rest

    return as_array_kind(until(b) - until(a))


def _enter_refusal(name: str, reason: str) -> None:
    @intercepts(MODULE, name)
    def refusal(*args: Any, **kwargs: Any) -> Any:
        refuse(f"scipy.interpolate.{name}", reason)


for _name in ("solve", "roots", "extend", "from_spline", "from_bernstein_basis"):
    _enter_refusal(f"PPoly.{_name}", "it has no rule")
for _name in ("NdPPoly.__init__", "NdPPoly.__call__"):
    _enter_refusal(_name, "use PPoly")
for _name in ("BPoly.derivative", "BPoly.antiderivative", "BPoly.integrate"):
    _enter_refusal(_name, "use PPoly")


def checked_data(x: Any, y: Any, axis: int, name: str) -> tuple[Any, Any, int]:
    """Return breakpoints and data with the data's axis first, or raise SciPy's errors."""
    x, y = asarray(x, np.float64), asarray(y, np.float64)
    if not -y.ndim <= axis < y.ndim:
        raise np.exceptions.AxisError(at_user_line(f"{name}: axis {axis} is out of bounds"))
    axis %= y.ndim
    if x.ndim != 1 or x.shape[0] < 2:
        raise ValueError(at_user_line("`x` must be 1-dimensional with at least 2 elements."))
    if x.shape[0] != y.shape[axis]:
        raise ValueError(
            at_user_line(f"The length of `y` along `axis`={axis} doesn't match the length of `x`")
        )
    x = increasing(x, "`x` must be strictly increasing sequence of finite values.")
    values = known(y)
    if values is not None and not np.isfinite(values).all():
        raise ValueError(at_user_line("`y` must contain only finite values."))
    return x, np.moveaxis(y, axis, 0) if axis else y, axis


def column(x: Any, y: Any) -> Any:
    """Return x with as many axes as y, so that it goes along the first."""
    return x.reshape(-1, *[1] * (y.ndim - 1))


def any_traced(*xs: Any) -> bool:
    """Return whether any of these is traced."""
    return any(map(is_traced, xs))
