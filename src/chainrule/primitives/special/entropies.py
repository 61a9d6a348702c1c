"""Products with logarithms, and losses: xlogy, entr, kl_div, huber and their kin."""

from __future__ import annotations

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
    """Return x / y, and 0 for x = 0 whatever y is."""
    return where(equal(x, 0.0), 0.0, x / where(equal(x, 0.0), 1.0, y))


# `trace` has one of its own, with native code; this one is for slopes of other functions
xlogy: Primitive = special("xlogy", lambda z, x, y: (lambda: log(y), lambda: _quotient(x, y)),
                POSITIVE, POSITIVE)  # fmt: skip
xlog1py: Primitive = special(
    "xlog1py",
    lambda z, x, y: (lambda: log1p(y), lambda: _quotient(x, 1.0 + y)),
    POSITIVE,
    POSITIVE,
)
entr: Primitive = special("entr", lambda y, x: (lambda: -1.0 - log(x),), POSITIVE)
rel_entr: Primitive = special(
    "rel_entr",
    lambda z, x, y: (lambda: log(x / y) + 1.0, lambda: -_quotient(x, y)),
    POSITIVE,
    POSITIVE,
)
kl_div: Primitive = special(
    "kl_div",
    lambda z, x, y: (lambda: log(x / y), lambda: 1.0 - _quotient(x, y)),
    POSITIVE,
    POSITIVE,
)


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
