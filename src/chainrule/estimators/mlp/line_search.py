"""How far to go along a direction: the line search of L-BFGS-B, in its arithmetic.

J. J. Moré, D. J. Thuente: "Line search algorithms with guaranteed sufficient decrease", ACM Trans.
Math. Softw. 20 (1994); the steps of MINPACK-2's ``dcsrch`` and ``dcstep``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, inf, nan, sqrt

DECREASE = 1e-3  # share of the slope by which the function has to fall
CURVATURE = 0.9  # share of the slope that may be left
WIDTH = 0.1  # of a bracket, by its upper end: narrower ones are not searched
LONGEST = 1e10
EXTEND_LEAST, EXTEND_MOST = 1.1, 4.0  # of a step, where no bracket is known
SHRINK = 0.66  # a bracket that does not become as much narrower is halved


@dataclass(frozen=True)
class Point:
    """A step, with the function's value and slope there."""

    size: float
    value: float
    slope: float

    def tilted(self, slope: float) -> Point:
        """The same of the function less a line through 0 with this slope."""
        return Point(self.size, self.value - self.size * slope, self.slope - slope)


class LineSearch:
    """A search along one direction, step by step.

    Parameters
    ----------
    value, slope : float
        Where it starts; the slope is below 0.
    size : float
        The first step to try.

    Attributes
    ----------
    size : float
        The step to try next, or the one to take.
    """

    def __init__(self, value: float, slope: float, size: float) -> None:
        self.start = Point(0.0, value, slope)
        self.size = size
        self._best = self._other = self.start
        self._bracketed, self._tilted = False, True
        self._least, self._most = 0.0, size + EXTEND_MOST * size
        self._width, self._width_before = LONGEST, 2.0 * LONGEST

    def ends_with(self, value: float, slope: float) -> bool:
        """Whether the last step is the one to take, given what the function is there.

        It is, if it holds the strong Wolfe conditions, or nothing is left to search.
        """
        size, start = self.size, self.start
        line = DECREASE * start.slope
        enough = start.value + size * line
        if self._tilted and value <= enough and slope >= 0:
            self._tilted = False
        if self._is_narrow(size) or (size == LONGEST and value <= enough and slope <= line):
            return True
        if size == 0 and (value > enough or slope >= line):
            return True
        if value <= enough and abs(slope) <= CURVATURE * -start.slope:
            return True
        point = Point(size, value, slope)
        if self._tilted and enough < value <= self._best.value:
            self._narrow(point.tilted(line), line)
        else:
            self._narrow(point, 0.0)
        return False

    def _is_narrow(self, size: float) -> bool:
        return self._bracketed and (
            size <= self._least or size >= self._most
            or self._most - self._least <= WIDTH * self._most
        )  # fmt: skip

    def _narrow(self, point: Point, line: float) -> None:
        """Update the bracket by a point of the function less a line, and choose the next step."""
        best, other = self._best.tilted(line), self._other.tilted(line)
        size, self._bracketed, best_is_end = _next_size(
            best, other, point, self._bracketed, self._least, self._most
        )
        if best_is_end:
            other = point
        else:
            if point.slope * copysign(1.0, best.slope) < 0:
                other = best
            best = point
        self._best, self._other = best.tilted(-line), other.tilted(-line)
        near, far = self._best.size, self._other.size
        if self._bracketed:
            if abs(far - near) >= SHRINK * self._width_before:
                size = near + 0.5 * (far - near)
            self._width_before, self._width = self._width, abs(far - near)
            self._least, self._most = min(near, far), max(near, far)
        else:
            self._least = size + EXTEND_LEAST * (size - near)
            self._most = size + EXTEND_MOST * (size - near)
        size = min(max(size, 0.0), LONGEST)
        self.size = near if self._is_narrow(size) else size


def _next_size(
    best: Point, other: Point, new: Point, bracketed: bool, least: float, most: float
) -> tuple[float, bool, bool]:
    """The next step, whether a minimum is bracketed, and whether the new point is its other end.

    By cubic and quadratic interpolation, in the four cases of ``dcstep``.
    """
    x, p = best, new
    opposite = p.slope * copysign(1.0, x.slope) < 0
    along = p.size - x.size
    if p.value > x.value:  # beyond a minimum: between the two
        theta, gamma = _cubic(x, p)
        gamma = -gamma if p.size < x.size else gamma
        r = _ratio((gamma - x.slope) + theta, ((gamma - x.slope) + gamma) + p.slope)
        cubic = x.size + r * along
        fall = _ratio(x.value - p.value, along) + x.slope
        quadratic = x.size + _ratio(x.slope, fall) / 2.0 * along
        nearer = abs(cubic - x.size) < abs(quadratic - x.size)
        return cubic if nearer else cubic + (quadratic - cubic) / 2.0, True, True
    secant = p.size + _ratio(p.slope, p.slope - x.slope) * -along
    if opposite:  # slopes of opposite signs
        theta, gamma = _cubic(x, p)
        gamma = -gamma if p.size > x.size else gamma
        r = _ratio((gamma - p.slope) + theta, ((gamma - p.slope) + gamma) + x.slope)
        cubic = p.size - r * along
        farther = abs(cubic - p.size) > abs(secant - p.size)
        return cubic if farther else secant, True, False
    if abs(p.slope) < abs(x.slope):  # the slope falls
        theta, gamma = _cubic(x, p, at_least=0.0)
        gamma = -gamma if p.size > x.size else gamma
        r = _ratio((gamma - p.slope) + theta, (gamma + (x.slope - p.slope)) + gamma)
        if r < 0.0 and gamma != 0.0:
            cubic = p.size - r * along
        else:
            cubic = most if p.size > x.size else least
        nearer = abs(cubic - p.size) < abs(secant - p.size)
        if bracketed:
            size = cubic if nearer else secant
            bound = p.size + SHRINK * (other.size - p.size)
            return (min if p.size > x.size else max)(bound, size), True, False
        farther = abs(cubic - p.size) > abs(secant - p.size)
        return min(max(cubic if farther else secant, least), most), False, False
    if bracketed:  # the slope does not fall: towards the other end
        theta, gamma = _cubic(other, p)
        gamma = -gamma if p.size > other.size else gamma
        r = _ratio((gamma - p.slope) + theta, ((gamma - p.slope) + gamma) + other.slope)
        return p.size + r * (other.size - p.size), True, False
    return most if p.size > x.size else least, False, False


def _cubic(a: Point, b: Point, at_least: float = -inf) -> tuple[float, float]:
    """``theta`` and ``gamma`` of the cubic through two points, scaled so that nothing overflows."""
    theta = 3.0 * _ratio(a.value - b.value, b.size - a.size) + a.slope + b.slope
    scale = max(abs(theta), abs(a.slope), abs(b.slope))
    square = _ratio(theta, scale) ** 2 - _ratio(a.slope, scale) * _ratio(b.slope, scale)
    square = max(at_least, square)
    return theta, scale * sqrt(square) if square >= 0.0 else nan


def _ratio(a: float, b: float) -> float:
    """A quotient as IEEE has it, where Python raises."""
    if b == 0.0:
        return nan if a == 0.0 or a != a else copysign(inf, a) * copysign(1.0, b)
    return a / b
