"""Elementwise functions as inline vector code; only a few call the C library.

Bounds in ulp stand in docs/accuracy.md and are tested in
tests/backends/llvm/kernels/test_math_functions.py.
"""

from __future__ import annotations

from collections.abc import Callable

from ...ir.value import Value
from .bessel import i0, i0e, i1, i1e
from .circular import arctan2, cos, sin
from .error import erf, erfc, erfcx, log_ndtr, ndtr
from .exponential import cosh, exp, exp2, expm1, logistic, tanh
from .gamma import digamma, gammaln
from .logarithm import arcsinh, log, log1p, log2, log10, logaddexp, logaddexp2
from .polynomial import copysign
from .power import cbrt, hypot, power
from .simple import absolute, floor, floor_divide, maximum, minimum, remainder, rint, sign, sqrt

FUNCTIONS: dict[str, Callable[..., Value]] = {
    "abs": absolute, "arcsinh": arcsinh, "arctan2": arctan2, "cbrt": cbrt, "copysign": copysign,
    "cos": cos, "cosh": cosh, "erf": erf, "erfc": erfc, "erfcx": erfcx, "exp": exp, "exp2": exp2,
    "expm1": expm1, "floor": floor, "floor_divide": floor_divide, "gammaln": gammaln,
    "hypot": hypot, "i0": i0, "i0e": i0e, "i1": i1, "i1e": i1e, "log": log, "log10": log10,
    "log1p": log1p, "log2": log2, "log_ndtr": log_ndtr, "logaddexp": logaddexp,
    "logaddexp2": logaddexp2, "logistic": logistic, "maximum": maximum, "minimum": minimum,
    "ndtr": ndtr, "power": power, "psi": digamma, "remainder": remainder, "rint": rint,
    "sign": sign, "sin": sin, "sqrt": sqrt, "tanh": tanh,
}  # fmt: skip
"""By the names of primitives: ``FUNCTIONS[name](f, *values)`` on values of one dtype."""

__all__ = ["FUNCTIONS"]
