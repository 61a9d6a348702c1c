"""`numpy.polynomial` on tracers: NumPy's own code, with constructors that know traced numbers.

Its functions are written in NumPy, but for `np.array` and kin nothing in them is particular to
plain arrays. So the rule for each is the function itself, whose `np` is the module that a function
sees while it is traced. Classes (`Polynomial(c)(x)`) call these functions.
"""

from __future__ import annotations

import sys
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from ..errors import at_user_line
from .array_like import array_like
from .complex_readiness import takes_complex
from .copy_table import filled
from .function_rules import implements
from .interception import intercepts, register_rules, twin
from .polynomial_table import check_fit, scaled_fit
from .tracer import Tracer

_BASES = {
    "polynomial": "poly",
    "chebyshev": "cheb",
    "legendre": "leg",
    "hermite": "herm",
    "hermite_e": "herme",
    "laguerre": "lag",
}
_OF_EACH_BASIS = ("val", "vander", "der", "int", "mulx", "valfromroots", "line", "companion",
                  "fromroots", "roots")  # fmt: skip
_OF_ALL_BASES = ("as_series", "getdomain", "_valnd", "_vander_nd", "_fromroots", "_div")


def _retraced(module: str, name: str) -> None:
    """Enter a function with its own code, in which `np` makes arrays of traced numbers."""
    function = getattr(sys.modules[module], name, None)
    if not isinstance(function, FunctionType):
        return
    scope = {**function.__globals__, "np": twin("numpy")}
    same = FunctionType(function.__code__, scope, name, function.__defaults__, function.__closure__)
    same.__kwdefaults__ = function.__kwdefaults__
    takes_complex(f"{module}.{name}")
    intercepts(module, name)(same)


def _of_several(x: Any, y: Any, c: Any, *, name: str) -> Any:
    """Evaluate at points with two coordinates, one after the other."""
    if name == "polyval2d" and np.shape(x) != np.shape(y):
        raise ValueError(at_user_line("x, y are incompatible"))
    val = sys.modules["numpy.polynomial.polynomial"].polyval
    return val(y, val(x, c), tensor=name == "polygrid2d")


def _mapped(x: Any, old: Any, new: Any) -> Any:
    """Implement `polyutils.mapdomain`, which asks for the type of x."""
    offset, scale = sys.modules["numpy.polynomial.polyutils"].mapparms(old, new)
    return offset + scale * (array_like(x) if isinstance(x, (list, tuple)) else x)


def _fitted(vander_f: Any, x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False,
            w: Any = None) -> Any:  # fmt: skip
    """Implement `polyutils._fit`, which asks for the rank."""
    degrees = np.asarray(deg)
    if degrees.ndim > 1 or degrees.dtype.kind not in "iu" or not degrees.size:
        raise TypeError(at_user_line("deg must be an int or non-empty 1-D array of int"))
    points, values = array_like(x) + 0.0, array_like(y) + 0.0
    check_fit(points, values, degrees.min())
    columns = vander_f(points, degrees.max())
    if degrees.ndim:
        degrees = np.sort(degrees)
        columns = columns[:, degrees]
    fit = scaled_fit(columns, values, w, rcond)
    fit.warn_of_rank("The fit may be poorly conditioned", full)
    c = fit.coefficients
    if degrees.ndim:
        spread = filled(c.dtype.type(0), (degrees[-1] + 1, *c.shape[1:]))
        spread[degrees] = c
        c = spread
    return (c, [fit.residuals, fit.rank, fit.singular_values, fit.rcond]) if full else c


def _load() -> None:
    for module, prefix in _BASES.items():
        for name in _OF_EACH_BASIS:
            _retraced(f"numpy.polynomial.{module}", prefix + name)
    for name in ("_cseries_to_zseries", "_zseries_div"):
        _retraced("numpy.polynomial.chebyshev", name)
    for name in _OF_ALL_BASES:
        _retraced("numpy.polynomial.polyutils", name)
    takes_complex("numpy.polynomial.polyutils.mapdomain")
    intercepts("numpy.polynomial.polyutils", "mapdomain")(_mapped)
    intercepts("numpy.polynomial.polyutils", "_fit")(_fitted)
    for name in ("polyval2d", "polygrid2d"):  # which NumPy hands over since 2.4
        function = getattr(sys.modules["numpy.polynomial.polynomial"], name)
        if hasattr(function, "_implementation"):
            implements(function)(partial(_of_several, name=name))


register_rules({"numpy.polynomial": _load})


def _clone(function: FunctionType) -> FunctionType:
    return FunctionType(function.__code__, function.__globals__)


_fill_poly1d = _clone(np.poly1d.__init__)  # type: ignore[arg-type]


@intercepts("numpy", "poly1d.__init__")
def _make_poly1d(self: Any, c_or_r: Any, r: bool = False, variable: Any = None) -> None:
    """Make a `np.poly1d` of a list with traced numbers in it."""
    listed = isinstance(c_or_r, (list, tuple))
    _fill_poly1d(self, array_like(c_or_r) if listed else c_or_r, r, variable)


@implements(np.common_type)
def _common_type(*arrays: Any) -> Any:
    plain = [np.empty(0, x.dtype) if isinstance(x, Tracer) else x for x in arrays]
    return np.common_type(*plain)
