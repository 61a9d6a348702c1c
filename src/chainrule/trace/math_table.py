"""Python's `math` of traced numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..lazy import LazyModule
from ..primitives.structure import cast, reshape
from .caught_errors import raise_outside_domain
from .function_rules import as_int
from .interception import intercepts, original, replaces
from .nested import array_of, is_traced
from .plain_numbers import concrete_value
from .tracer import ScalarTracer, Tracer

_FLOAT = np.dtype(float)
_scipy_special = LazyModule("scipy.special")


def _number(x: Any, name: str) -> Any:
    """Return an argument as `math` reads it: a float64, of an array with one entry too."""
    if not isinstance(x, Tracer):
        return x
    if x.ndim:
        if x.size != 1:
            raise TypeError(
                at_user_line(f"only 0-dimensional arrays can be converted to Python scalars: "
                             f"math.{name} has one of shape {x.shape}; use np.{name}")
            )  # fmt: skip
        float(np.zeros(x.shape))  # warns, or raises, as NumPy would
    node = reshape(x.node, shape=()) if x.ndim else x.node
    return ScalarTracer(node if node.dtype == _FLOAT else cast(node, dtype=_FLOAT), weak=True)


def _check_domain(name: str, args: tuple[Any, ...]) -> None:
    """Raise what `math` raises for numbers outside its domain, where they are known."""
    values = [x.node.value if isinstance(x, Tracer) else x for x in args]
    if all(value is not None for value in values):
        original("math", name)(*[x.item() if hasattr(x, "item") else x for x in values])


def _of_numpy(name: str, compute: Callable[..., Any]) -> None:
    """Enter a function of `math` that is a function of arrays, too."""

    @intercepts("math", name)
    def rule(*args: Any) -> Any:
        numbers = [_number(x, name) for x in args]
        _check_domain(name, tuple(numbers))
        with np.errstate(all="ignore"):
            result = ScalarTracer(compute(*numbers).node, weak=True)
        if result.node.value is None:
            raise_outside_domain(original("math", name), numbers, result)
        return result


def _log(x: Any, base: Any = None) -> Any:
    return np.log(x) if base is None else np.log(x) / np.log(base)


def _special(name: str) -> Callable[[Any], Any]:
    return lambda x: getattr(_scipy_special, name)(x)


_SAME_NAME = ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "expm1", "log1p", "log2",
              "log10", "sqrt", "cbrt", "exp2", "fabs", "copysign", "fmod", "degrees",
              "radians")  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in _SAME_NAME},
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "pow": np.power,
    "ldexp": lambda x, k: x * 2.0**k, "fma": lambda x, y, z: x * y + z, "log": _log,
    "erf": _special("erf"), "erfc": _special("erfc"), "gamma": _special("gamma"),
    "lgamma": _special("gammaln"),
    "remainder": lambda x, y: x - np.rint(x / y) * y,
}  # fmt: skip
_FUNCTIONS["hypot"] = lambda *xs: reduce(np.hypot, xs) if len(xs) > 1 else np.abs(xs[0])
for _name, _compute in _FUNCTIONS.items():
    _of_numpy(_name, _compute)


@replaces("math", "fsum")
def _fsum(function: Callable[..., Any], seq: Iterable[Any], /) -> Any:
    entries = list(seq)  # of a generator, perhaps
    if not is_traced(entries):
        return function(entries)
    return ScalarTracer(array_of(entries, _FLOAT).sum().node, weak=True)


@replaces("math", "prod")
def _product_of_all(function: Callable[..., Any], iterable: Iterable[Any], /, *,
                    start: Any = 1) -> Any:  # fmt: skip
    entries = list(iterable)
    if not is_traced(entries):
        return function(entries, start=start)
    return reduce(lambda x, y: x * y, entries, start)


@intercepts("math", "sumprod")
def _sumprod(p: Iterable[Any], q: Iterable[Any], /) -> Any:
    return sum(x * y for x, y in zip(p, q, strict=True))


@intercepts("math", "dist")
def _dist(p: Any, q: Any, /) -> Any:
    first: Any = array_of(p, _FLOAT)
    apart = first - array_of(q, _FLOAT)
    if apart.ndim != 1 or len(p) != len(q):
        raise ValueError(at_user_line("both points must have the same number of dimensions"))
    length: Any = np.sqrt(np.sum(apart * apart))
    return ScalarTracer(length.node, weak=True)


@intercepts("math", "modf")
def _modf(x: Any, /) -> Any:
    number = _number(x, "modf")
    whole = np.trunc(number)
    return ScalarTracer((number - whole).node, weak=True), ScalarTracer(whole.node, weak=True)


@intercepts("math", "frexp")
def _frexp(x: Any, /) -> Any:
    number = _number(x, "frexp")
    exponent = math.frexp(float(concrete_value(number.node, "math.frexp")))[1]
    return ScalarTracer((number * 2.0**-exponent).node, weak=True), exponent


def _question(name: str) -> None:
    @intercepts("math", name)
    def rule(*args: Any, **tolerances: Any) -> Any:
        result = getattr(np, name)(*[_number(x, name) for x in args], **tolerances)
        return bool(result) if result.node.value is not None else result


for _name in ("isnan", "isinf", "isfinite"):
    _question(_name)


@intercepts("math", "isclose")
def _is_close(a: Any, b: Any, *, rel_tol: Any = 1e-09, abs_tol: Any = 0.0) -> Any:
    x, y = _number(a, "isclose"), _number(b, "isclose")
    allowed = np.maximum(rel_tol * np.maximum(np.abs(x), np.abs(y)), abs_tol)
    close = (x == y) | ((np.abs(x - y) <= allowed) & np.isfinite(x) & np.isfinite(y))
    known = not isinstance(close, Tracer) or close.node.value is not None
    return bool(close) if known else close


def _of_integers(name: str) -> None:
    """Enter a function of whole numbers, which carries no derivative."""

    @intercepts("math", name)
    def rule(*args: Any) -> Any:
        return original("math", name)(*[as_int(x, f"math.{name}: argument") for x in args])


for _name in ("comb", "perm", "factorial", "gcd", "lcm", "isqrt"):
    _of_integers(_name)


def _of_known_numbers(name: str) -> None:
    @intercepts("math", name)
    def rule(*args: Any, **kwargs: Any) -> Any:
        values = [concrete_value(x.node, f"math.{name}") if isinstance(x, Tracer) else x
                  for x in args]  # fmt: skip
        return original("math", name)(*values, **kwargs)


_of_known_numbers("ulp")  # flat


@intercepts("math", "nextafter")
def _nextafter(x: Any, y: Any, /, *, steps: Any = None) -> Any:
    if steps is not None:
        raise UnsupportedError(
            at_user_line("math.nextafter(steps=...) of a traced number: call it that many times")
        )
    number = np.nextafter(_number(x, "nextafter"), _number(y, "nextafter"))
    return ScalarTracer(number.node, weak=True)
