"""One check for a function of complex numbers: plain, traced, compiled, differentiated both ways.

The derivatives are held against central differences by the real and the imaginary parts, as
functions of real numbers, and not by rules of complex numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from agreement import leaves

from chainrule import tree
from chainrule.transforms.compiling.jit import jit
from chainrule.transforms.differentiating.gradient import jvp, vjp


def draw(*shape: int, seed: int = 0, low: float = -1.5, high: float = 1.5) -> Any:
    """Random complex numbers, the same each time; a number if there is no shape."""
    rng = np.random.default_rng(seed)
    return (rng.uniform(low, high, shape) + 1j * rng.uniform(low, high, shape))[()]


def _parts(x: Any) -> Any:
    x = np.asarray(x)
    return np.concatenate([x.real.ravel(), x.imag.ravel()]) if x.dtype.kind == "c" else x.ravel()


def _flat(result: Any) -> Any:
    return np.concatenate([_parts(leaf) for leaf in leaves(result)])


def same(actual: Any, expected: Any, rtol: float) -> None:
    """Equal shapes and dtypes, and equal numbers up to rounding."""
    pairs = list(zip(leaves(actual), leaves(expected), strict=True))
    for a, e in pairs:
        assert (a.shape, a.dtype) == (e.shape, e.dtype)
        np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol)


def holds(f: Callable[..., Any], *arrays: Any, rtol: float = 1e-12, smooth: bool = True) -> None:
    """f gives the same plain, traced and compiled; its derivatives are the slopes."""
    with np.errstate(all="ignore"):
        expected = f(*[np.array(a)[()] for a in arrays])
    value, pullback = vjp(f, *arrays)
    same(value, expected, rtol)
    same(jit(f)(*arrays), expected, rtol)
    if not smooth:
        return
    rng = np.random.default_rng(3)
    direction = [_random_like(rng, x) for x in arrays]
    pushed = jvp(f, arrays, direction)[1]
    slope = _slope(f, arrays, direction)
    scale = max(1.0, float(np.max(np.abs(slope), initial=0.0)))
    np.testing.assert_allclose(_flat(pushed), slope, rtol=1e-6, atol=1e-7 * scale)
    weights = tree.map(lambda y: _random_like(rng, y), value)
    pulled = pullback(weights)
    along = sum(float(np.sum((c * v).real)) for c, v in zip(pulled, direction, strict=True))
    paired = zip(leaves(weights), leaves(pushed), strict=True)
    needed = sum(float(np.sum((w * t).real)) for w, t in paired)
    np.testing.assert_allclose(along, needed, rtol=1e-9, atol=1e-9 * scale)

    def derivatives(*xs: Any) -> Any:
        return jvp(f, xs, direction)[1], vjp(f, *xs)[1](weights)

    same(jit(derivatives)(*arrays), (pushed, pulled), rtol=1e-9)


def holds_twice(f: Callable[..., Any], *arrays: Any) -> None:
    """As `holds`, also of the derivatives."""
    holds(f, *arrays)
    rng = np.random.default_rng(4)
    weights = tree.map(lambda y: _random_like(rng, y), f(*arrays))
    direction = tuple(_random_like(rng, x) for x in arrays)
    holds(lambda *xs: vjp(f, *xs)[1](weights), *arrays, rtol=1e-9)
    holds(lambda *xs: jvp(f, xs, direction)[1], *arrays, rtol=1e-9)


def _random_like(rng: Any, x: Any) -> Any:
    x = np.asarray(x)
    drawn = rng.uniform(-1.0, 1.0, x.shape)
    if x.dtype.kind == "c":
        drawn = drawn + 1j * rng.uniform(-1.0, 1.0, x.shape)
    return drawn.astype(x.dtype)[()]


def _slope(f: Callable[..., Any], arrays: Any, direction: Any, step: float = 1e-4) -> Any:
    """The slope of the parts of f along a direction, with an error of order step**4."""

    def difference(h: float) -> Any:
        above = _flat(f(*[x + h * v for x, v in zip(arrays, direction, strict=True)]))
        below = _flat(f(*[x - h * v for x, v in zip(arrays, direction, strict=True)]))
        return (above - below) / (2 * h)

    return (4 * difference(step / 2) - difference(step)) / 3


def gradient_of_parts(f: Callable[[Any], Any], z: Any, step: float = 1e-5) -> Any:
    """a - ib, with the central differences a and b of a real function by both parts."""
    result = np.zeros(np.shape(z), complex)
    for entry in np.ndindex(np.shape(z)):
        unit = np.zeros(np.shape(z))
        unit[entry] = step
        by_real = (f(z + unit) - f(z - unit)) / (2 * step)
        by_imaginary = (f(z + 1j * unit) - f(z - 1j * unit)) / (2 * step)
        result[entry] = by_real - 1j * by_imaginary
    return result
