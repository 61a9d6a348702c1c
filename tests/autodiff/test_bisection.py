"""A loop that halves an interval has another derivative than the root that it finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import GradientError


def _root(c: Any, middle: Callable[[Any, Any], Any]) -> Any:
    """The square root of c by bisection."""
    low, high = 0.0, 1.7 + c
    for _ in range(50):
        x = middle(low, high)
        if x * x < c:
            low = x
        else:
            high = x
    return x


def _roots(c: Any) -> Any:
    """Those of an array, each with its own interval."""
    low, high = np.zeros(c.shape), 1.0 + c
    for _ in range(50):
        x = (low + high) / 2
        below = x**3 < c
        low, high = np.where(below, x, low), np.where(below, high, x)
    return np.sum(x)


@pytest.mark.parametrize(
    "middle",
    [
        lambda a, b: (a + b) / 2,
        lambda a, b: 0.5 * (b + a),
        lambda a, b: (a + b) * 0.5,
        lambda a, b: a + (b - a) / 2,
    ],
)
def test_bisections_are_refused(middle: Callable[[Any, Any], Any]) -> None:
    """However the middle is written, in both modes and in second derivatives."""

    def f(c: Any) -> Any:
        return np.sin(_root(c, middle))

    with pytest.raises(GradientError, match=r"test_bisection\.py:.*halved.*brentq"):
        cr.grad(f)(2.0)
    with pytest.raises(GradientError, match="brentq"):
        cr.jvp(f, (2.0,), (1.0,))
    with pytest.raises(GradientError, match="brentq"):
        cr.grad(cr.grad(f))(2.0)
    assert cr.grad(lambda c: c * cr.stop_gradient(_root(c, middle)))(2.0) == pytest.approx(2**0.5)


def test_bisections_of_arrays_are_refused() -> None:
    """Where each root has its own steps."""
    with pytest.raises(GradientError, match="brentq"):
        cr.grad(_roots)(np.array([2.0, 0.3, 7.0]))


def test_other_halves_are_not() -> None:
    """A mean that moves towards a fixed number, and steps that are halved."""

    def smoothed(c: Any) -> Any:
        x, step = np.sin(c), c
        for _ in range(60):
            x, step = (x + c) / 2, step / 2
        return x + step

    assert cr.grad(smoothed)(0.7) == pytest.approx(1.0)

    def refined(c: Any) -> Any:
        total, ends = 0.0, (0.1 * c, c)
        for k in range(40):
            total = total + np.exp((ends[0] + ends[1]) / 2) * 0.5**k
            ends = (ends[0], (ends[0] + ends[1]) / 2)
        return total

    h = 1e-5
    slope = (refined(0.7 + h) - refined(0.7 - h)) / (2 * h)
    assert cr.grad(refined)(0.7) == pytest.approx(slope)
