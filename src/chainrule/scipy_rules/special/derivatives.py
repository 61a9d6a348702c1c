"""Derivatives of Bessel functions by their argument, and spherical Bessel functions."""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np
import scipy.special

from ...graph.node import constant
from ...graph.types import is_float
from ...primitives.special import spherical
from ...trace.interception import intercepts
from ...trace.operands import node_of
from ...trace.tracer import Tracer, traced
from ...trace.ufunc_rules import as_dtype
from ..arrays import asarray, refuse


def _by_differences(
    function: Callable[..., Any], sign: float, outer: float, v: Any, z: Any, n: Any
) -> Any:
    """Return the n-th derivative of a Bessel function as a sum over orders (AMS 9.1.31)."""
    n = index(n)
    if n < 0:
        raise ValueError("n must be a non-negative integer")
    if n == 0:
        return function(v, z)
    weight = 1.0
    total = function(v - n, z)
    for i in range(1, n + 1):
        weight = sign * (weight * (n - i + 1)) / i
        total = total + weight * function(v - n + 2 * i, z)
    return total / 2.0**n * outer**n


@intercepts("scipy.special", "jvp")
def jvp(v: Any, z: Any, n: Any = 1) -> Any:
    return _by_differences(scipy.special.jv, -1.0, 1.0, v, z, n)


@intercepts("scipy.special", "yvp")
def yvp(v: Any, z: Any, n: Any = 1) -> Any:
    return _by_differences(scipy.special.yv, -1.0, 1.0, v, z, n)


@intercepts("scipy.special", "ivp")
def ivp(v: Any, z: Any, n: Any = 1) -> Any:
    return _by_differences(scipy.special.iv, 1.0, 1.0, v, z, n)


@intercepts("scipy.special", "kvp")
def kvp(v: Any, z: Any, n: Any = 1) -> Any:
    return _by_differences(scipy.special.kv, 1.0, -1.0, v, z, n)


@intercepts("scipy.special", "h1vp")
def _first_hankel_derivative(v: Any, z: Any, n: Any = 1) -> Any:
    return _by_differences(scipy.special.hankel1, -1.0, 1.0, v, z, n)


@intercepts("scipy.special", "h2vp")
def _second_hankel_derivative(v: Any, z: Any, n: Any = 1) -> Any:
    return _by_differences(scipy.special.hankel2, -1.0, 1.0, v, z, n)


def _enter_spherical(name: str) -> None:
    function, slope = spherical.SPHERICAL[name]

    @intercepts("scipy.special", name)
    def rule(n: Any, z: Any, derivative: bool = False) -> Any:
        x = node_of(asarray(z))
        if x.dtype.kind == "c":
            refuse(f"scipy.special.{name}", "complex arguments are not supported")
        x = x if is_float(x.dtype) and x.dtype.itemsize == 8 else as_dtype(x, np.dtype(float))
        order = as_dtype(n.node, np.dtype(np.int64)) if isinstance(n, Tracer) else _order(n)
        return traced((slope if derivative else function)(order, x))


def _order(n: Any) -> Any:
    return constant(np.array(n, dtype=np.int64)[()])


for _name in spherical.SPHERICAL:
    _enter_spherical(_name)
