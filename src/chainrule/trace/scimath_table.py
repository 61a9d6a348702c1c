"""`numpy.emath` on tracers: functions that leave the real numbers where their results do.

Whether they do is a question about all numbers of an array, and decides its dtype: where the
numbers are not known (`jit`, loops), real arguments are refused, complex ones are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .complex_readiness import takes_complex
from .function_rules import implements
from .nested import array_of

Test = Callable[[Any], Any]


def _negative(x: Any) -> Any:
    return x < 0


def _beyond_one(x: Any) -> Any:
    return np.abs(x) > 1


def _where_needed_complex(x: Any, outside: Test) -> Any:
    """Return x, as complex numbers if one of them has no real result."""
    x = array_of(x)
    if x.dtype.kind != "c" and np.any(outside(x)):
        return x.astype(np.complex64 if x.dtype.char in "fbBhH" else np.complex128)
    return x


def _of_wider_range(name: str, outside: Test) -> None:
    function, compute = getattr(np.emath, name), getattr(np, name)

    @implements(function)
    def rule(x: Any) -> Any:
        return compute(_where_needed_complex(x, outside))

    takes_complex(function)


for _name in ("sqrt", "log", "log2", "log10"):
    _of_wider_range(_name, _negative)
for _name in ("arcsin", "arccos", "arctanh"):
    _of_wider_range(_name, _beyond_one)


@implements(np.emath.logn)
def _emath_logn(n: Any, x: Any) -> Any:
    x = _where_needed_complex(x, _negative)
    return np.log(x) / np.log(_where_needed_complex(n, _negative))


@implements(np.emath.power)
def _emath_power(x: Any, p: Any) -> Any:
    x = _where_needed_complex(x, _negative)
    exponent: Any = array_of(p)
    if exponent.dtype.kind in "iu" and np.any(exponent < 0):
        exponent = exponent * 1.0
    return np.power(x, exponent)


takes_complex(np.emath.logn, np.emath.power)
