"""Whole parts and rests of tracers: np.round, divmod, and Python's and `math`'s rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.types import is_complex, is_float
from ..primitives import elementwise as ew
from ..primitives.complex_numbers import complex_, imag, real
from ..primitives.structure import cast, identity
from .function_rules import as_int, implements, refuse_options
from .operands import is_weak, node_of
from .tracer import HOOKS, UFUNCS, Tracer, traced


@implements(np.round, np.around, method="round")
def _round(a: Any, decimals: int = 0, out: Any = None) -> Tracer:
    refuse_options(out=out)
    decimals = as_int(decimals, "decimals")
    x = node_of(a)
    if x.dtype.kind == "b":  # which NumPy turns into small fractions
        if decimals:
            raise TypeError(at_user_line("np.round of truth values takes no decimals"))
        return traced(cast(x, dtype=np.dtype(np.float16)))
    if is_complex(x.dtype):
        parts = [_round(traced(part(x)), decimals).node for part in (real, imag)]
        return traced(complex_(*parts))
    if not is_float(x.dtype):
        if decimals < 0:
            unit = 10.0**-decimals
            return traced(cast(ew.mul(ew.rint(ew.div(x, unit)), unit), dtype=x.dtype))
        return traced(identity(x))
    scale = x.dtype.type(10.0 ** abs(decimals))
    if decimals < 0:
        return traced(ew.mul(ew.rint(ew.div(x, scale)), scale))
    return traced(ew.rint(x) if not decimals else ew.div(ew.rint(ew.mul(x, scale)), scale))


def _divmod(x: Any, y: Any, dtype: Any = None) -> tuple[Any, Any]:
    return UFUNCS["floor_divide"](x, y, dtype=dtype), UFUNCS["remainder"](x, y, dtype=dtype)


UFUNCS["divmod"] = _divmod


def _divmod_of_numbers(x: Any, y: Any) -> tuple[Any, Any]:
    if is_weak(x) and is_weak(y) and isinstance(y, Tracer):
        HOOKS["division_by_zero"](y.node)
    return _divmod(x, y)


def _whole(name: str) -> Callable[..., Any]:
    """Implement `round(x)`, `math.floor(x)` and kin: a Python integer, without a derivative."""

    def rule(x: Tracer, digits: Any = None) -> Any:
        if x.shape:
            raise TypeError(
                at_user_line(
                    f"an array of shape {x.shape} where a number is needed: use np.round, "
                    "np.floor, np.ceil or np.trunc"
                )
            )
        return int(UFUNCS[name](x)) if digits is None else _round(x, digits)

    return rule


def _install() -> None:
    Tracer.__round__ = _whole("rint")  # type: ignore[attr-defined]
    Tracer.__floor__ = _whole("floor")  # type: ignore[attr-defined]
    Tracer.__ceil__ = _whole("ceil")  # type: ignore[attr-defined]
    Tracer.__trunc__ = _whole("trunc")  # type: ignore[attr-defined]
    Tracer.__divmod__ = _divmod_of_numbers  # type: ignore[operator]
    Tracer.__rdivmod__ = lambda y, x: _divmod_of_numbers(x, y)  # type: ignore[attr-defined]


_install()
