"""Elementwise functions as vector code, inline: no library is called but where that is said.

Bounds in ulp stand in docs/accuracy.md and are tested in tests/backends/test_functions.py.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache

from ...ir.value import Value
from .circular import arctan2, cos, sin
from .error import erf, erfc
from .exponential import cosh, exp, expm1, logistic, tanh
from .logarithm import arcsinh, log, log1p, logaddexp
from .power import cbrt, hypot, power
from .simple import absolute, floor, floor_divide, maximum, minimum, remainder, rint, sign, sqrt

FUNCTIONS: dict[str, Callable[..., Value]] = {
    "abs": absolute, "arcsinh": arcsinh, "arctan2": arctan2, "cbrt": cbrt, "cos": cos,
    "cosh": cosh, "erf": erf, "erfc": erfc, "exp": exp, "expm1": expm1, "floor": floor,
    "floor_divide": floor_divide, "hypot": hypot, "log": log, "log1p": log1p,
    "logaddexp": logaddexp, "logistic": logistic, "maximum": maximum, "minimum": minimum,
    "power": power, "remainder": remainder, "rint": rint, "sign": sign, "sin": sin,
    "sqrt": sqrt, "tanh": tanh,
}  # fmt: skip
"""By the names of primitives: ``FUNCTIONS[name](f, *values)`` on values of one dtype."""

_LIBM = ("sin", "cos", "fmod", "fmodf", "fma", "fmaf")


@lru_cache(maxsize=1)
def libm() -> dict[str, int]:
    """Addresses of the few functions of the C library that vector code may call."""
    library = ctypes.CDLL(None) if hasattr(ctypes, "RTLD_GLOBAL") else ctypes.CDLL("ucrtbase")
    return {name: ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0 for name in _LIBM}


__all__ = ["FUNCTIONS", "libm"]
