"""Legendre functions of a known degree, and spherical harmonics by their angles."""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np
import scipy.special

from ...primitives.complex_numbers import complex_
from ...primitives.special.polynomials import lpmv_of_angle
from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ...trace.operands import record
from ...trace.tracer import ArrayTracer
from ..arrays import as_traced, asarray, known, refuse


def _size(name: str, n: Any, m: Any, theta: Any, diff_n: int) -> Any:
    """Return the function at phi = 0, by the associated Legendre function of the angle.

    That of -m is that of m, times (-1)**m.
    """
    if is_traced((n, m)) or diff_n or np.any(np.less(n, 0)):
        refuse(f"scipy.special.{name}", "only known n >= 0 and m, and diff_n=0, are supported")
    n, m = np.asarray(n), np.asarray(m)
    order = np.abs(m)
    with np.errstate(all="ignore"):
        log_ratio = scipy.special.gammaln(n - order + 1.0) - scipy.special.gammaln(n + order + 1.0)
        scale = np.sqrt((2.0 * n + 1.0) / (4.0 * np.pi) * np.exp(log_ratio))
    scale = np.where(order > n, 0.0, np.where((m < 0) & (order % 2 == 1), -scale, scale))
    return scale * record(lpmv_of_angle, order + 0.0, n + 0.0, asarray(theta, float))


@intercepts("scipy.special", "sph_harm_y")
def sph_harm_y(n: Any, m: Any, theta: Any, phi: Any, *, diff_n: int = 0) -> Any:
    size = _size("sph_harm_y", n, m, theta, diff_n)
    angle = np.asarray(m) * asarray(phi, float)
    real, imaginary = (as_traced(asarray(size * f(angle))) for f in (np.cos, np.sin))
    return ArrayTracer(complex_(real.node, imaginary.node))


def _of_all(name: str, n: Any, m: Any, member: Callable[[int, int], Any]) -> Any:
    """Return the table by degrees and orders 0, 1, ..., -2, -1, as SciPy has it."""
    if is_traced((n, m)):
        refuse(f"scipy.special.{name}", "only known n and m are supported")
    n, m = index(n), index(m)
    orders = [*range(abs(m) + 1), *range(-abs(m), 0)]
    return np.stack([np.stack([member(k, j) for j in orders]) for k in range(n + 1)])


@intercepts("scipy.special", "sph_harm_y_all")
def _sph_harm_y_all(n: Any, m: Any, theta: Any, phi: Any, *, diff_n: int = 0) -> Any:
    return _of_all("sph_harm_y_all", n, m,
                   lambda k, j: sph_harm_y(k, j, theta, phi, diff_n=diff_n))  # fmt: skip


@intercepts("scipy.special", "sph_legendre_p")
def _sph_legendre_p(n: Any, m: Any, theta: Any, *, diff_n: int = 0) -> Any:
    return _with_axis(_size("sph_legendre_p", n, m, theta, diff_n))


@intercepts("scipy.special", "sph_legendre_p_all")
def _sph_legendre_p_all(n: Any, m: Any, theta: Any, *, diff_n: int = 0) -> Any:
    name = "sph_legendre_p_all"
    return _with_axis(_of_all(name, n, m, lambda k, j: _size(name, k, j, theta, diff_n)))


# Whether SciPy's Legendre functions have an axis of derivatives in front where there is only one
_HAS_AXIS = np.ndim(scipy.special.legendre_p(0, 0.5)) == 1


def _with_axis(result: Any) -> Any:
    return np.reshape(result, (1, *np.shape(result))) if _HAS_AXIS else result


def _check_legendre(name: str, known_numbers: Any, diff_n: int) -> None:
    if is_traced(known_numbers) or diff_n:
        refuse(
            f"scipy.special.{name}", "only a known degree and order, and diff_n=0, are supported"
        )


@intercepts("scipy.special", "legendre_p")
def _legendre_p(n: Any, z: Any, *, diff_n: int = 0) -> Any:
    _check_legendre("legendre_p", n, diff_n)
    return _with_axis(scipy.special.eval_legendre(np.asarray(n), z))


@intercepts("scipy.special", "legendre_p_all")
def _legendre_p_all(n: Any, z: Any, *, diff_n: int = 0) -> Any:
    _check_legendre("legendre_p_all", n, diff_n)
    degrees = range(index(n) + 1)
    return _with_axis(np.stack([scipy.special.eval_legendre(k, z) for k in degrees]))


def _associated(name: str, n: Any, m: Any, z: Any, options: dict[str, Any]) -> Any:
    """Return lpmv, normed to an integral of its square of 1 if that is asked for."""
    _check_legendre(name, (n, m), options.get("diff_n", 0))
    values = known(asarray(z))
    if values is not None and np.any(np.abs(values) > 1.0):
        refuse(f"scipy.special.{name}", "only arguments between -1 and 1 are supported")
    n, m = np.asarray(n), np.asarray(m)
    beyond = np.abs(m) > n  # where lpmv of a negative order is nan
    result = scipy.special.lpmv(np.where(beyond, 0, m) + 0.0, n + 0.0, z)
    result = np.where(beyond, 0.0, result) if np.any(beyond) else result
    if not options.get("norm", False):
        return result
    with np.errstate(all="ignore"):
        log_ratio = scipy.special.gammaln(n - m + 1.0) - scipy.special.gammaln(n + m + 1.0)
        scale = np.sqrt((n + 0.5) * np.exp(log_ratio))
    return np.where(beyond, 0.0, scale) * result


@intercepts("scipy.special", "assoc_legendre_p")
def _assoc_legendre_p(n: Any, m: Any, z: Any, **options: Any) -> Any:
    return _with_axis(_associated("assoc_legendre_p", n, m, z, options))


@intercepts("scipy.special", "assoc_legendre_p_all")
def _assoc_legendre_p_all(n: Any, m: Any, z: Any, **options: Any) -> Any:
    name = "assoc_legendre_p_all"
    return _with_axis(_of_all(name, n, m, lambda k, j: _associated(name, k, j, z, options)))
