"""Elementwise functions as inline vector code; only a few call the C library.

Bounds in ulp stand in docs/accuracy.md and are tested in
tests/backends/llvm/kernels/test_math_functions.py.
"""

from __future__ import annotations

from collections.abc import Callable

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

__all__ = ["FUNCTIONS"]
