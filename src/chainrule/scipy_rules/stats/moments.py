"""Means, variances and entropies of distributions, and frozen distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.stats

from ...trace.interception import intercepts
from .continuous import Arguments, answer, parsed, support
from .methods import FORMULAS, check_verified, refuse_method

_FROZEN = {True: type(scipy.stats.norm()), False: type(scipy.stats.poisson(1.0))}


def _class_method(distribution: Any, name: str) -> Any:
    """Return a method that the distribution's class defines, or None."""
    for kind in type(distribution).__mro__:
        if kind in (scipy.stats.rv_continuous, scipy.stats.rv_discrete):
            return None
        if name in vars(kind):
            return getattr(distribution, name)
    return None


def _standard(distribution: Any, name: str, shapes: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return mean and variance of the standard form."""
    check_verified(distribution, name)
    stats = FORMULAS.get((type(distribution).__name__, "stats"))
    stats = _class_method(distribution, "_stats") if stats is None else stats
    mean, variance, *_ = (None, None) if stats is None else stats(*shapes)
    moment = _class_method(distribution, "_munp")
    if moment is not None:
        mean = moment(1, *shapes) if mean is None else mean
        variance = moment(2, *shapes) - mean * mean if variance is None else variance
    if mean is None or (variance is None and name != "mean"):
        refuse_method(distribution, name)
    return mean, variance


def _moment(distribution: Any, name: str, args: Any, kwds: Any) -> Any:
    with np.errstate(all="ignore"):
        shapes, loc, scale, valid = parsed(distribution, args, kwds)
        mean, variance = _standard(distribution, name, shapes)
        if name == "mean":
            value = mean * scale + loc
        else:
            value = variance * scale * scale
            value = np.sqrt(value) if name == "std" else value
        return answer(valid & (loc == loc), value, distribution.badvalue)


def _enter(name: str) -> None:
    @intercepts("scipy.stats", f"rv_continuous.{name}")
    def rule(self: Any, *args: Any, **kwds: Any) -> Any:
        return _moment(self, name, args, kwds)


for _name in ("mean", "var", "std"):
    _enter(_name)


@intercepts("scipy.stats", "rv_continuous.entropy")
def entropy(self: Any, *args: Any, **kwds: Any) -> Any:
    check_verified(self, "entropy")
    compute = FORMULAS.get((type(self).__name__, "entropy")) or _class_method(self, "_entropy")
    if compute is None:
        refuse_method(self, "entropy")
    with np.errstate(all="ignore"):
        shapes, loc, scale, valid = parsed(self, args, kwds)
        value = compute(*shapes) + np.log(scale)
        return answer(valid & (loc == loc), value, self.badvalue)


def _refuse(owner: str, name: str) -> None:
    @intercepts("scipy.stats", f"{owner}.{name}")
    def rule(self: Any, *args: Any, **kwds: Any) -> Any:
        refuse_method(self, name)


for _owner, _names in (
    ("rv_continuous", ("rvs", "moment", "stats", "expect", "fit", "fit_loc_scale", "nnlf")),
    ("rv_discrete", ("rvs", "expect")),
):
    for _name in _names:
        _refuse(_owner, _name)


@intercepts("scipy.stats", "rv_continuous.freeze")
def freeze(self: Any, *args: Any, **kwds: Any) -> Any:
    """Return what SciPy does, which hands its parameters to the methods above."""
    arguments: Arguments = parsed(self, args, kwds)
    frozen: Any = object.__new__(_FROZEN[isinstance(self, scipy.stats.rv_continuous)])
    frozen.args, frozen.kwds, frozen.dist = args, kwds, self
    frozen.a, frozen.b = support(self, arguments.shapes)
    return frozen
