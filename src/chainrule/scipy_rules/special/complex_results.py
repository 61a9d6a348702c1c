"""Special functions that are complex for real arguments: both parts are real functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from ...primitives.complex_numbers import complex_
from ...trace.tracer import UFUNCS, traced
from ..arrays import as_float, asarray, known, refuse


def _real(name: str, x: Any, least: float = -np.inf) -> Any:
    """Return a real argument; below the least one SciPy has numbers that we have not."""
    x = as_float(x)
    if x.dtype.kind == "c":
        refuse(f"scipy.special.{name}", "complex arguments are not supported")
    values = known(x)
    if values is not None and np.any(values < least):
        refuse(f"scipy.special.{name}", "negative arguments are not supported")
    return x


def _complex(real: Any, imaginary: Any) -> Any:
    return traced(complex_(real.node, imaginary.node))


def _hankel(name: str, sign: float, scaled: bool) -> Callable[..., Any]:
    """Return jv + i yv, or its conjugate, of positive arguments (below 0 yv is nan)."""

    def rule(v: Any, z: Any, dtype: Any = None) -> Any:
        z = _real(name, asarray(z, dtype), 0.0)
        j, y = scipy.special.jv(v, z), scipy.special.yv(v, z)
        if not scaled:
            return _complex(j, sign * y)
        cosine, sine = np.cos(z), np.sin(z)  # times exp(-i sign z)
        return _complex(j * cosine + y * sine, sign * (y * cosine - j * sine))

    return rule


def _kelvin(x: Any, dtype: Any = None) -> tuple[Any, ...]:
    x = _real("kelvin", asarray(x, dtype))
    pairs = (("ber", "bei"), ("ker", "kei"), ("berp", "beip"), ("kerp", "keip"))
    return tuple(_complex(*[getattr(scipy.special, name)(x) for name in pair]) for pair in pairs)


def _faddeeva(z: Any, dtype: Any = None) -> Any:
    """Return exp(-z**2) + 2 i / sqrt(pi) times Dawson's function."""
    x = _real("wofz", asarray(z, dtype)).astype(float)
    return _complex(np.exp(-x * x), (2.0 / math.sqrt(math.pi)) * scipy.special.dawsn(x))


for _name, _sign in (("hankel1", 1.0), ("hankel2", -1.0)):
    UFUNCS[_name] = _hankel(_name, _sign, scaled=False)
    UFUNCS[f"{_name}e"] = _hankel(f"{_name}e", _sign, scaled=True)
UFUNCS["kelvin"] = _kelvin
UFUNCS["wofz"] = _faddeeva
