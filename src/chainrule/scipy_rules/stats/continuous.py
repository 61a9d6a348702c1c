"""Continuous distributions: `pdf`, `cdf`, `ppf` and the others with traced data and parameters.

One rule for all of them: it standardises, asks for the formula of the standard form, and gives 0,
1, -inf or nan where SciPy does. The formula is computed at a point inside the support where the
data is outside, so that no slope of it comes through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.stats

from ...trace.interception import intercepts
from ...trace.strides import c_order, set_strides
from ...trace.tracer import Tracer, traced
from ..arrays import asarray
from .methods import FORMULAS, method, private


class Arguments(NamedTuple):
    """What a method was called with, as arrays; `valid` says which parameters are allowed."""

    shapes: tuple[Any, ...]
    loc: Any
    scale: Any
    valid: Any


def parsed(distribution: Any, args: tuple[Any, ...], kwds: dict[str, Any]) -> Arguments:
    """Return the arguments after the data by name, as SciPy reads them."""
    shapes, loc, scale = private(distribution, "parse_args")(*args, **kwds)
    shapes = tuple(asarray(x) for x in shapes)
    loc, scale = asarray(loc), asarray(scale)
    return Arguments(shapes, loc, scale, check(distribution, shapes) & (scale > 0))


def check(distribution: Any, shapes: tuple[Any, ...]) -> Any:
    """Return where the shape parameters are allowed."""
    for kind in type(distribution).__mro__:
        if kind in (scipy.stats.rv_continuous, scipy.stats.rv_discrete):
            break
        if "_argcheck" in vars(kind):
            return private(distribution, "argcheck")(*shapes)
    valid: Any = np.True_
    for shape in shapes:
        valid = valid & (shape > 0)
    return valid


def support(distribution: Any, shapes: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return the ends of the support of the standard form."""
    compute = FORMULAS.get((type(distribution).__name__, "support"))
    compute = private(distribution, "get_support") if compute is None else compute
    return compute(*shapes)  # type: ignore[no-any-return]


def _interior(a: Any, b: Any) -> Any:
    """Return a point between the ends of the support."""
    low, high = np.isfinite(a), np.isfinite(b)
    start, end = np.where(low, a, 0.0), np.where(high, b, 0.0)
    middle = np.where(low & high, 0.5 * (start + end), start + end)
    return middle + np.where(low & ~high, 1.0, 0.0) - np.where(high & ~low, 1.0, 0.0)


def double(x: Any) -> Any:
    x = asarray(x)
    return x if x.dtype == np.float64 else x.astype(np.float64)


def number(x: Any) -> Any:
    """Return a 0-d array as a number, as SciPy does."""
    return traced(x.node) if isinstance(x, Tracer) else x[()]


def answer(valid: Any, result: Any, badvalue: Any) -> Any:
    """Return float64 in C order, as distributions do, and what has no axes as a number."""
    x = double(np.where(valid, result, badvalue))
    if isinstance(x, Tracer):
        set_strides(x.node, c_order(x.shape))
    return number(x)


class Outside(NamedTuple):
    """What a method gives below and above the support, and whether that includes its ends."""

    below: float
    above: float
    closed: bool = False


def outside_of(density: str) -> dict[str, Outside]:
    """Return that of all methods, by the name that the density goes by."""
    return {
        density: Outside(0.0, 0.0, True),
        f"log{density}": Outside(-np.inf, -np.inf, True),
        "cdf": Outside(0.0, 1.0),
        "logcdf": Outside(-np.inf, 0.0),
        "sf": Outside(1.0, 0.0),
        "logsf": Outside(0.0, -np.inf),
    }


_OUTSIDE = outside_of("pdf")


def _of_data(distribution: Any, name: str, x: Any, args: Any, kwds: Any) -> Any:
    outside = _OUTSIDE[name]
    with np.errstate(all="ignore"):
        shapes, loc, scale, valid = parsed(distribution, args, kwds)
        y = double((asarray(x) - loc) / scale)
        a, b = support(distribution, shapes)
        inside = (a <= y) & (y <= b) if outside.closed else (a < y) & (y < b)
        inside = inside & valid
        safe = np.where(inside, y, _interior(a, b))
        value = method(distribution, name)(safe, *shapes)
        if name == "pdf":  # where it is 0, at an end or by underflow, it is flat
            value = np.where(value == 0, 0.0, value) / scale
        elif name == "logpdf":
            value = value - np.log(scale)
        beyond = np.where(y >= b, outside.above, outside.below)
        result = np.where(inside, value, beyond)
        return answer(valid & (y == y), result, distribution.badvalue)


def _of_probability(distribution: Any, name: str, q: Any, args: Any, kwds: Any) -> Any:
    with np.errstate(all="ignore"):
        shapes, loc, scale, valid = parsed(distribution, args, kwds)
        q = double(q)
        valid = valid & (loc == loc)
        inside = (q > 0) & (q < 1) & valid
        value = method(distribution, name)(np.where(inside, q, 0.5), *shapes) * scale + loc
        a, b = support(distribution, shapes)
        if name == "isf":
            a, b = b, a
        ends = np.where(q == 0, a * scale + loc, np.where(q == 1, b * scale + loc, np.nan))
        result = np.where(inside, value, ends)
        return answer(valid, result, distribution.badvalue)


def _enter(name: str, compute: Callable[..., Any]) -> None:
    @intercepts("scipy.stats", f"rv_continuous.{name}")
    def rule(self: Any, x: Any, *args: Any, **kwds: Any) -> Any:
        return compute(self, name, x, args, kwds)


for _name in _OUTSIDE:
    _enter(_name, _of_data)
for _name in ("ppf", "isf"):
    _enter(_name, _of_probability)
