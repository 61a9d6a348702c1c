"""Noncentral distributions of Fisher and Student: their slopes are differences of themselves.

They are mixtures of central ones with Poisson's weights, so that each derivative moves the weights,
or the parameters, by one step. `ncfdtrinc`, which SciPy computes to four digits, has no rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph.node import Primitive
from ..elementwise import power
from .declaration import POSITIVE, refused, special
from .distributions import chndtr, noncentral_density

_DEGREES = (2.0, 5.0)
_SHIFT = (0.2, 1.5)


def _of_fisher(steps: int, dfn: Any, dfd: Any, nc: Any, f: Any) -> Any:
    """Return ncfdtr with more degrees of freedom in front, at the same ratio of the two sums."""
    more = dfn + 2.0 * steps
    return ncfdtr(more, dfd, nc, f * dfn / more)


def _fisher_slopes(value: Any, dfn: Any, dfd: Any, nc: Any, f: Any) -> tuple[Any, Any]:
    """Return the derivatives by nc and by f.

    With I(a, b) of the incomplete beta function at x, x (1 - x) dI/dx is a (I(a) - I(a + 1)).
    """
    one, two = (_of_fisher(steps, dfn, dfd, nc, f) for steps in (1, 2))
    by_f = (0.5 * dfn * (value - one) + 0.5 * nc * (one - two)) / f
    return 0.5 * (one - value), by_f


def _fisher_quotient(by_nc: Any, by_f: Any) -> Any:
    return -by_nc / by_f


def _degrees_refused(name: str) -> tuple[Callable[[], Any], ...]:
    return refused(name, "its degrees dfn"), refused(name, "its degrees dfd")


ncfdtr: Primitive = special(
    "ncfdtr",
    lambda p, dfn, dfd, nc, f: (
        *_degrees_refused("ncfdtr"),
        lambda: _fisher_slopes(p, dfn, dfd, nc, f)[0],
        lambda: _fisher_slopes(p, dfn, dfd, nc, f)[1],
    ),
    _DEGREES,
    _DEGREES,
    _SHIFT,
    POSITIVE,
)
special(
    "ncfdtri",
    lambda f, dfn, dfd, nc, p: (
        *_degrees_refused("ncfdtri"),
        lambda: _fisher_quotient(*_fisher_slopes(p, dfn, dfd, nc, f)),
        lambda: 1.0 / _fisher_slopes(p, dfn, dfd, nc, f)[1],
    ),
    _DEGREES,
    _DEGREES,
    _SHIFT,
    (0.2, 0.8),
)


def _student_density(value: Any, df: Any, nc: Any, t: Any) -> Any:
    """Return the derivative of nctdtr by t, which is not 0."""
    more = df + 2.0
    return df * (nctdtr(more, nc, t * power(more / df, 0.5)) - value) / t


nctdtr: Primitive = special(
    "nctdtr",
    lambda p, df, nc, t: (
        refused("nctdtr", "its degrees df"),
        refused("nctdtr", "its parameter nc"),
        lambda: _student_density(p, df, nc, t),
    ),
    _DEGREES,
    _SHIFT,
    POSITIVE,
)
special(
    "nctdtrit",
    lambda t, df, nc, p: (
        refused("nctdtrit", "its degrees df"),
        refused("nctdtrit", "its parameter nc"),
        lambda: 1.0 / _student_density(p, df, nc, t),
    ),
    _DEGREES,
    _SHIFT,
    (0.6, 0.9),
)
special(
    "chndtrinc",
    lambda nc, x, df, p: (
        lambda: -2.0 * noncentral_density(x, df, nc) / (chndtr(x, df + 2.0, nc) - p),
        refused("chndtrinc", "the degrees of freedom df"),
        lambda: 2.0 / (chndtr(x, df + 2.0, nc) - p),
    ),
    POSITIVE,
    (1.0, 1.5),
    (0.05, 0.1),
)
