"""Piecewise cubic interpolation: `CubicSpline`, `PchipInterpolator`, `Akima1DInterpolator`."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from ...errors import at_user_line
from ...primitives.banded import solve_banded
from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ...trace.operands import record
from ..arrays import asarray, known, nan_unless
from .piecewise import MODULE, checked_data, column, fill


def _fill_hermite(self: Any, x: Any, y: Any, dydx: Any, extrapolate: Any, axis: int) -> None:
    """Give the cubic pieces with these values and slopes at the breakpoints."""
    width = column(np.diff(x), y)
    slope = np.diff(y, axis=0) / width
    t = (dydx[:-1] + dydx[1:] - 2 * slope) / width
    c = np.stack([t / width, (slope - dydx[:-1]) / width - t, dydx[:-1], y[:-1]])
    extrapolate = extrapolate if extrapolate == "periodic" else bool(extrapolate)
    fill(self, c, x, extrapolate, axis)


@intercepts(MODULE, "CubicHermiteSpline.__init__")
def _hermite(self: Any, x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Any = None) -> None:
    y, dydx = asarray(y), asarray(dydx, np.float64)
    if y.shape != dydx.shape:
        raise ValueError(at_user_line("The shapes of `y` and `dydx` must be identical."))
    x, y, axis = checked_data(x, y, axis, "CubicHermiteSpline")
    dydx = np.moveaxis(dydx, axis, 0)
    _fill_hermite(self, x, y, dydx, True if extrapolate is None else extrapolate, axis)


@intercepts(MODULE, "PchipInterpolator.__init__")
def _pchip(self: Any, x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> None:
    x, y, axis = checked_data(x, y, axis, "PchipInterpolator")
    width = column(np.diff(x), y)
    slope = np.diff(y, axis=0) / width
    if x.shape[0] == 2:
        dydx = np.concatenate([slope, slope])
    else:
        ends = [_pchip_end(*pair) for pair in (
            (width[0], width[1], slope[0], slope[1]), (width[-1], width[-2], slope[-1], slope[-2])
        )]  # fmt: skip
        dydx = np.concatenate([ends[0][None], _harmonic_mean(width, slope), ends[1][None]])
    _fill_hermite(self, x, y, dydx, True if extrapolate is None else extrapolate, axis)


def _harmonic_mean(width: Any, slope: Any) -> Any:
    """Return the weighted harmonic mean of slopes side by side, 0 where their signs differ."""
    before, after = slope[:-1], slope[1:]
    flat = (np.sign(before) != np.sign(after)) | (before == 0) | (after == 0)
    w1, w2 = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    before, after = (np.where(flat, 1.0, m) for m in (before, after))
    return np.where(flat, 0.0, 1.0 / ((w1 / before + w2 / after) / (w1 + w2)))


def _pchip_end(h0: Any, h1: Any, m0: Any, m1: Any) -> Any:
    d = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    other_sign = np.sign(d) != np.sign(m0)
    too_steep = (np.sign(m0) != np.sign(m1)) & (abs(d) > 3.0 * abs(m0))
    return np.where(other_sign, 0.0, np.where(too_steep, 3.0 * m0, d))


@intercepts(MODULE, "Akima1DInterpolator.__init__")
def _akima(self: Any, x: Any, y: Any, axis: int = 0, *, method: str = "akima",
           extrapolate: Any = None) -> None:  # fmt: skip
    if method not in ("akima", "makima"):
        raise NotImplementedError(at_user_line(f"`method`={method} is unsupported."))
    x, y, axis = checked_data(x, y, axis, "Akima1DInterpolator")
    slope = np.diff(y, axis=0) / column(np.diff(x), y)
    two = x.shape[0] == 2
    dydx = np.concatenate([slope, slope]) if two else _akima_slopes(slope, method)
    _fill_hermite(self, x, y, dydx, False if extrapolate is None else extrapolate, axis)


def _akima_slopes(slope: Any, method: str) -> Any:
    first = 2.0 * slope[:1] - slope[1:2]
    last = 2.0 * slope[-1:] - slope[-2:-1]
    m = np.concatenate([2.0 * first - slope[:1], first, slope, last, 2.0 * last - slope[-1:]])
    change = abs(np.diff(m, axis=0))
    f1, f2 = change[2:], change[:-2]
    if method == "makima":
        size = abs(m[1:] + m[:-1])
        f1, f2 = f1 + 0.5 * size[2:], f2 + 0.5 * size[:-2]
    total = f1 + f2
    ordinary = total > 1e-9 * np.max(total) if total.size else total > 0
    share = np.where(ordinary, f2, 0.5) / np.where(ordinary, total, 1.0)
    weighted = m[1:-2] + share * (m[2:-1] - m[1:-2])
    return np.where(ordinary, weighted, 0.5 * (m[3:] + m[:-3]))


# Splines: the slopes solve equations with three diagonals


@intercepts(MODULE, "CubicSpline.__init__")
def _spline(self: Any, x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot",
            extrapolate: Any = None) -> None:  # fmt: skip
    x, y, axis = checked_data(x, y, axis, "CubicSpline")
    conditions = _conditions(bc_type, y)
    if isinstance(bc_type, str) and bc_type == "periodic" and known(y) is None:
        y = nan_unless(np.all(abs(y[0] - y[-1]) <= 1e-15 * (1 + abs(y[-1]))), y)
    periodic = conditions[0] == "periodic" if isinstance(conditions[0], str) else False
    if extrapolate is None:
        extrapolate = "periodic" if periodic else True
    slopes = _slopes(x, y, conditions, periodic) if y.size else y
    _fill_hermite(self, x, y, slopes, extrapolate, axis)


def _conditions(bc_type: Any, y: Any) -> list[Any]:
    if isinstance(bc_type, str):
        values = known(y)
        if (
            bc_type == "periodic"
            and values is not None
            and not np.allclose(values[0], values[-1], rtol=1e-15, atol=1e-15)
        ):
            raise ValueError(
                at_user_line(
                    "The first and last `y` point must be identical (within machine precision) "
                    "when bc_type='periodic'."
                )
            )
        return [_condition(bc_type, y), _condition(bc_type, y)]
    if len(bc_type) != 2 or any(isinstance(bc, str) and bc == "periodic" for bc in bc_type):
        raise ValueError(
            at_user_line("`bc_type` must be a name, or a start and an end condition, not periodic")
        )
    return [_condition(bc, y) for bc in bc_type]


def _condition(bc: Any, y: Any) -> Any:
    """Return a name, or the order of a derivative and its value."""
    if isinstance(bc, str):
        if bc in ("clamped", "natural"):
            return 1 if bc == "clamped" else 2, np.zeros(y.shape[1:])
        if bc not in ("not-a-knot", "periodic"):
            raise ValueError(at_user_line(f"bc_type={bc} is not allowed."))
        return bc
    order, value = bc
    value = asarray(value, np.float64)
    if order not in (1, 2):
        raise ValueError(at_user_line("The specified derivative order must be 1 or 2."))
    if value.shape != y.shape[1:]:
        raise ValueError(
            at_user_line(f"`deriv_value` shape {value.shape} is not the expected {y.shape[1:]}.")
        )
    return order, value


def _slopes(x: Any, y: Any, conditions: list[Any], periodic: bool) -> Any:
    n, dx = x.shape[0], np.diff(x)
    dxr = column(dx, y)
    slope = np.diff(y, axis=0) / dxr
    if n == 2:
        conditions = [(1, slope[0]) if isinstance(bc, str) else bc for bc in conditions]
    elif n == 3 and all(isinstance(bc, str) and bc == "not-a-knot" for bc in conditions):
        middle = (dxr[0] * slope[1] + dxr[1] * slope[0]) / (dxr[0] + dxr[1])
        return np.stack([2 * slope[0] - middle, middle, 2 * slope[1] - middle])
    elif n == 3 and periodic:
        mean = np.sum(slope / dxr, axis=0) / np.sum(1.0 / dxr, axis=0)
        return np.stack([mean] * 3)
    if periodic and n > 3:
        return _periodic_slopes(dx, dxr, slope)
    inner = 3 * (dxr[1:] * slope[:-1] + dxr[:-1] * slope[1:])
    d0, u0, b0 = _end(conditions[0], dx, dxr, y, slope)
    # the other end is the same one of the reversed data, whose slopes have the other sign
    d1, l1, b1 = _end(_reversed(conditions[1]), dx[::-1], dxr[::-1], y[::-1], -slope[::-1])
    diagonal = _row([d0], 2 * (dx[:-1] + dx[1:]), [d1])
    upper = _row([0.0, u0], dx[:-1], [])
    lower = _row([], dx[1:], [l1, 0.0])
    b = np.concatenate([asarray(b0)[None], inner, -asarray(b1)[None]])
    return _solved(lower, diagonal, upper, b)


def _reversed(bc: Any) -> Any:
    return bc if isinstance(bc, str) or bc[0] == 2 else (1, -bc[1])


def _end(bc: Any, dx: Any, dxr: Any, y: Any, slope: Any) -> tuple[Any, Any, Any]:
    """Return the first equation: its entry on the diagonal, the next one, and its right side."""
    if isinstance(bc, str):
        d, dr = dx[0] + dx[1], dxr[0] + dxr[1]
        right = ((dxr[0] + 2 * dr) * dxr[1] * slope[0] + dxr[0] ** 2 * slope[1]) / dr
        return dx[1], d, right
    order, value = bc
    if order == 1:
        return 1.0, 0.0, value
    return 2 * dx[0], dx[0], -0.5 * value * dxr[0] ** 2 + 3 * (y[1] - y[0])


def _row(first: list[Any], middle: Any, last: list[Any]) -> Any:
    ends = [[asarray(entry)[None] for entry in part] for part in (first, last)]
    return np.concatenate([*ends[0], middle, *ends[1]])


def _solved(lower: Any, diagonal: Any, upper: Any, b: Any) -> Any:
    bands = np.stack([upper, diagonal, lower])
    flat = b.reshape(b.shape[0], -1)
    if not is_traced(bands) and not is_traced(flat):
        return scipy.linalg.solve_banded((1, 1), bands, flat).reshape(b.shape)
    return record(solve_banded, bands, flat, bandwidth=(1, 1), trans=False).reshape(b.shape)


def _periodic_slopes(dx: Any, dxr: Any, slope: Any) -> Any:
    """Solve for all slopes but the last two, as if the last but one were 0, and for its effect."""
    zero = np.zeros(1)
    n = dx.shape[0]  # as many unknown slopes
    diagonal = 2 * (dx[:-1] + dx[1:])
    diagonal = np.concatenate([2 * (dx[-1:] + dx[:1]), diagonal])[: n - 1]
    upper = np.concatenate([zero, dx[-1:], dx[: n - 3]])
    lower = np.concatenate([dx[1 : n - 1], zero])
    first = 3 * (dxr[0] * slope[-1] + dxr[-1] * slope[0])
    rest = 3 * (dxr[1:] * slope[:-1] + dxr[:-1] * slope[1:])
    right = np.concatenate([first[None], rest])
    effect = np.concatenate([-dx[:1], np.zeros(n - 3), -dx[n - 3 : n - 2]])
    s1 = _solved(lower, diagonal, upper, right[:-1])
    s2 = column(_solved(lower, diagonal, upper, effect), slope)
    last = (right[-1] - dxr[-2] * s1[0] - dxr[-1] * s1[-1]) / (
        2 * (dxr[-1] + dxr[-2]) + dxr[-2] * s2[0] + dxr[-1] * s2[-1]
    )
    s = s1 + last * s2
    return np.concatenate([s, last[None], s[:1]])
