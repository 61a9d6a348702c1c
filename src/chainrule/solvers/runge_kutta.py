"""One step of Dormand and Prince's pair of orders 5 and 4, and the interpolation between two.

Dormand and Prince, A family of embedded Runge-Kutta formulae (1980). The middle of a step, by which
a polynomial of degree 4 is put through it: Shampine, Some practical Runge-Kutta formulas (1986).
Sizes of steps: Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I, II.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Field = Callable[[Any, Any], Any]

_NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0)
_STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
)
_SOLUTION = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
_ERROR = (35 / 384 - 1951 / 21600, 0.0, 500 / 1113 - 22642 / 50085, 125 / 192 - 451 / 720,
          -2187 / 6784 + 12231 / 42400, 11 / 84 - 649 / 6300, -1 / 60)  # fmt: skip
_MIDDLE = (6025192743 / 30085553152 / 2, 0.0, 51252292925 / 65400821598 / 2,
           -2691868925 / 45128329728 / 2, 187940372067 / 1594534317056 / 2,
           -1776094331 / 19743644256 / 2, 11237099 / 235043384 / 2)  # fmt: skip
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 10.0
_REFUSED = 1e10  # the error of a step that led to where there is no derivative


class Step(NamedTuple):
    """What lies between two points of a solution.

    Attributes
    ----------
    y, slope : float[n]
        At the end of the step.
    middle : float[n]
        In its middle.
    error : float[n]
        The difference of the two formulas at its end.
    """

    y: Any
    slope: Any
    middle: Any
    error: Any


def step(field: Field, y: Any, slope: Any, t: Any, size: Any) -> Step:
    """Take a step of a size from y at t, where the derivative is `slope`."""
    slopes = [slope]
    for node, weights in zip(_NODES, _STAGES, strict=True):
        slopes.append(field(y + size * _combined(weights, slopes), t + size * node))
    end = y + size * _combined(_SOLUTION, slopes)
    slopes.append(field(end, t + size))
    middle = y + size * _combined(_MIDDLE, slopes)
    return Step(end, slopes[-1], middle, size * _combined(_ERROR, slopes))


def _combined(weights: tuple[float, ...], slopes: list[Any]) -> Any:
    terms = [w * k for w, k in zip(weights, slopes, strict=True) if w]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def error_ratio(error: Any, y0: Any, y1: Any, rtol: Any, atol: Any) -> Any:
    """Return the error by what is allowed, as a root of the mean square."""
    allowed = atol + rtol * np.maximum(np.abs(y0), np.abs(y1))
    ratio = np.sqrt(np.mean((error / allowed) ** 2))
    return np.where(np.isfinite(ratio), ratio, _REFUSED)


def next_size(size: Any, ratio: Any) -> Any:
    """Return the size of the step after one with this error."""
    safe = np.where(ratio > 0, ratio, 1.0)
    least = np.where(ratio < 1, 1.0, _SHRINK)
    factor = np.minimum(_GROW, np.maximum(_SAFETY * safe**-0.2, least))
    return size * np.where(ratio > 0, factor, _GROW)


def first_size(field: Field, y: Any, slope: Any, t: Any, rtol: Any, atol: Any) -> Any:
    """Return the size of the first step."""
    scale = atol + rtol * np.abs(y)
    d0, d1 = _norm(y / scale), _norm(slope / scale)
    small = (d0 < 1e-5) | (d1 < 1e-5)
    h0 = np.where(small, 1e-6, 0.01 * d0 / np.where(small, 1.0, d1))
    there = field(y + h0 * slope, t + h0)
    d2 = _norm((there - slope) / scale) / h0
    flat = (d1 <= 1e-15) & (d2 <= 1e-15)
    largest = np.where(flat, 1.0, np.maximum(d1, d2))
    h1 = np.where(flat, np.maximum(1e-6, h0 * 1e-3), (0.01 / largest) ** 0.2)
    # where there is no derivative a step further, steps become smaller on their way
    return np.where(np.isfinite(d2), np.minimum(100.0 * h0, h1), h0)


def _norm(x: Any) -> Any:
    square = np.sum(x * x)
    return np.where(square > 0, np.sqrt(np.where(square > 0, square, 1.0)), 0.0)


class Interval(NamedTuple):
    """The last step that was taken: its start and size, and the solution and derivative there."""

    start: Any
    size: Any
    y0: Any
    slope0: Any
    middle: Any
    y1: Any
    slope1: Any

    def at(self, t: Any) -> Any:
        """Return the solution at a time in between."""
        h = self.size
        safe = np.where(h == 0, 1.0, h)
        s = (t - self.start) / safe
        f0, f1, y0, y1, middle = self.slope0, self.slope1, self.y0, self.y1, self.middle
        a = 2.0 * h * (f1 - f0) - 8.0 * (y0 + y1) + 16.0 * middle
        b = h * (5.0 * f0 - 3.0 * f1) + 18.0 * y0 + 14.0 * y1 - 32.0 * middle
        c = h * (f1 - 4.0 * f0) - 11.0 * y0 - 5.0 * y1 + 16.0 * middle
        return y0 + s * (h * f0 + s * (c + s * (b + s * a)))
