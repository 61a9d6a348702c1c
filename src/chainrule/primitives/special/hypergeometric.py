"""Hypergeometric functions, by their argument."""

from __future__ import annotations

from ...graph.node import Primitive
from ..elementwise import exp
from .declaration import ANYWHERE, POSITIVE, refused, special

_BELOW_ONE = (-3.0, 0.9)

hyp0f1: Primitive = special(
    "hyp0f1",
    lambda y, v, z: (refused("hyp0f1", "its parameter v"), lambda: hyp0f1(v + 1.0, z) / v),
    POSITIVE,
    ANYWHERE,
)
hyp1f1: Primitive = special(
    "hyp1f1",
    lambda y, a, b, x: (
        refused("hyp1f1", "its parameter a"),
        refused("hyp1f1", "its parameter b"),
        lambda: a / b * hyp1f1(a + 1.0, b + 1.0, x),
    ),
    POSITIVE,
    POSITIVE,
    ANYWHERE,
)
hyp2f1: Primitive = special(
    "hyp2f1",
    lambda y, a, b, c, z: (
        refused("hyp2f1", "its parameter a"),
        refused("hyp2f1", "its parameter b"),
        refused("hyp2f1", "its parameter c"),
        lambda: a * b / c * hyp2f1(a + 1.0, b + 1.0, c + 1.0, z),
    ),
    POSITIVE,
    POSITIVE,
    POSITIVE,
    _BELOW_ONE,
)
hyperu: Primitive = special(
    "hyperu",
    lambda y, a, b, x: (
        refused("hyperu", "its parameter a"),
        refused("hyperu", "its parameter b"),
        lambda: -a * hyperu(a + 1.0, b + 1.0, x),
    ),
    POSITIVE,
    POSITIVE,
    POSITIVE,
)
wright_bessel: Primitive = special(
    "wright_bessel",
    lambda y, a, b, x: (
        refused("wright_bessel", "its parameter a"),
        refused("wright_bessel", "its parameter b"),
        lambda: wright_bessel(a, a + b, x),
    ),
    POSITIVE,
    POSITIVE,
    POSITIVE,
)
log_wright_bessel: Primitive = special(
    "log_wright_bessel",
    lambda y, a, b, x: (
        refused("log_wright_bessel", "its parameter a"),
        refused("log_wright_bessel", "its parameter b"),
        lambda: exp(log_wright_bessel(a, a + b, x) - y),
    ),
    POSITIVE,
    POSITIVE,
    POSITIVE,
)
