"""Products with logarithms, and losses: xlogy, entr, kl_div, huber and their kin."""

from __future__ import annotations

from math import inf
from typing import Any

from ...graph.node import Primitive
from ..elementwise import (
    absolute,
    bitwise_and,
    equal,
    less,
    less_equal,
    log,
    log1p,
    sign,
    sqrt,
    where,
)
from .declaration import ANYWHERE, POSITIVE, special


def _quotient(x: Any, y: Any) -> Any:
    """Return x / y, and 0 where both are 0."""
    undefined = bitwise_and(equal(x, 0.0), equal(y, 0.0))
    return where(undefined, 0.0, x / where(undefined, 1.0, y))


def _but_for_zero(xp: Any, x: Any, y: Any, product: Any) -> Any:
    """Return the product, and 0 for x = 0 unless y is nan."""
    return xp.where((x > 0) | (x < 0), product, xp.where((y >= 0) | (y < 0), x, y))


# `trace` has one of its own; this one is for slopes of other functions
xlogy: Primitive = special(
    "xlogy",
    lambda z, x, y: (lambda: log(y), lambda: _quotient(x, y)),
    POSITIVE,
    POSITIVE,
    native=lambda xp, x, y: _but_for_zero(xp, x, y, x * xp.log(y)),
)
xlog1py: Primitive = special(
    "xlog1py",
    lambda z, x, y: (lambda: log1p(y), lambda: _quotient(x, 1.0 + y)),
    POSITIVE,
    POSITIVE,
    native=lambda xp, x, y: _but_for_zero(xp, x, y, x * xp.log1p(y)),
)
entr: Primitive = special(
    "entr",
    lambda y, x: (lambda: -1.0 - log(x),),
    POSITIVE,
    native=lambda xp, x: xp.where(x > 0, -x * xp.log(x), xp.where(x < 0, -inf, x)),
)


def _relative_entropy(xp: Any, x: Any, y: Any, of_zero: Any, more: Any) -> Any:
    """Return x log(x / y), with more added to it; for x = 0 what is given; else infinity."""
    ratio = x / y
    near = (ratio > 0.5) & (ratio < 2.0)
    size = xp.where(near, xp.log1p((x - y) / y), xp.log(x) - xp.log(y))
    beyond = xp.where((x < 0) | (y < 0) | (x > 0), inf, of_zero)
    beyond = xp.where((y >= 0) | (y < 0), beyond, y)  # nan stays nan
    return xp.where((x > 0) & (y > 0), x * size + more, xp.where((x >= 0) | (x < 0), beyond, x))


rel_entr: Primitive = special(
    "rel_entr",
    lambda z, x, y: (lambda: log(x / y) + 1.0, lambda: -_quotient(x, y)),
    POSITIVE,
    POSITIVE,
    native=lambda xp, x, y: _relative_entropy(xp, x, y, 0.0 * x, 0.0),
)
kl_div: Primitive = special(
    "kl_div",
    lambda z, x, y: (lambda: log(x / y), lambda: 1.0 - _quotient(x, y)),
    POSITIVE,
    POSITIVE,
    native=lambda xp, x, y: _relative_entropy(xp, x, y, y, y - x),
)


def _huber(xp: Any, delta: Any, r: Any) -> Any:
    size = xp.abs(r)
    loss = xp.where(size <= delta, 0.5 * r * r, delta * (size - 0.5 * delta))
    return xp.where(delta < 0, inf, loss)


def _huber_slopes(delta: Any, r: Any) -> tuple[Any, Any]:
    size = absolute(r)
    inside = less_equal(size, delta)
    by_delta = where(inside, 0.0, size - delta)
    by_r = where(inside, r, delta * sign(r))
    known = less_equal(0.0, delta)  # else it is infinite everywhere
    return where(known, by_delta, 0.0), where(known, by_r, 0.0)


huber: Primitive = special(
    "huber",
    lambda z, delta, r: (
        lambda: _huber_slopes(delta, r)[0],
        lambda: _huber_slopes(delta, r)[1],
    ),
    POSITIVE,
    ANYWHERE,
    native=_huber,
)


def _pseudo_huber_slopes(delta: Any, r: Any) -> tuple[Any, Any]:
    flat = bitwise_and(equal(delta, 0.0), equal(r, 0.0))
    ratio = where(flat, 0.0, r / where(flat, 1.0, delta))
    root = sqrt(1.0 + ratio * ratio)
    excess = ratio / (root + 1.0) * ratio  # root - 1
    known = less_equal(0.0, delta)
    by_r = where(less(0.0, delta), r / root, 0.0)
    return where(known, delta * (excess / root * excess), 0.0), by_r


pseudo_huber: Primitive = special(
    "pseudo_huber",
    lambda z, delta, r: (
        lambda: _pseudo_huber_slopes(delta, r)[0],
        lambda: _pseudo_huber_slopes(delta, r)[1],
    ),
    POSITIVE,
    ANYWHERE,
)
