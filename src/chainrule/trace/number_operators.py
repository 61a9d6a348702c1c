"""What Python asks of numbers beside binary operators: signs, powers, rounding, divmod."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import at_user_line
from ..graph.types import is_float
from ..primitives import elementwise as ew
from ..primitives.structure import identity
from .arithmetic import in_place
from .elementwise_table import reciprocal, root, square
from .operands import is_weak
from .tracer import METHODS, UFUNCS, ArrayTracer, Tracer, traced


def pow_(x: Any, exponent: Any) -> Any:
    """`x ** exponent` with NumPy's own shortcuts for a Python number 2, 1/2, -1, 1 or 0."""
    if type(exponent) in (int, float) and isinstance(x, Tracer) and is_float(x.dtype):
        if exponent == 2:
            return traced(square(x.node), x.weak)
        if exponent == 0.5:
            return traced(root(x.node), x.weak)
        if exponent == -1:
            return traced(reciprocal(x.node), x.weak)
        if exponent == 1:
            return traced(identity(x.node), x.weak)
    result = UFUNCS["power"](x, exponent)
    return traced(result.node, True) if is_weak(x) and is_weak(exponent) else result


def _divmod(x: Any, y: Any, dtype: Any = None) -> tuple[Any, Any]:
    return UFUNCS["floor_divide"](x, y, dtype=dtype), UFUNCS["remainder"](x, y, dtype=dtype)


UFUNCS["divmod"] = _divmod


def _whole(rounded: Callable[..., Any]) -> Callable[..., Any]:
    """`round(x)`, `math.floor(x)` and kin: a Python integer, without a derivative."""

    def rule(x: Tracer, digits: Any = None) -> Any:
        if x.shape:
            raise TypeError(
                at_user_line(
                    f"an array of shape {x.shape} where a number is needed: use np.round, "
                    "np.floor, np.ceil or np.trunc"
                )
            )
        return int(rounded(x)) if digits is None else METHODS["round"](x, digits)

    return rule


def _install() -> None:
    for name, ufunc in (
        ("round", "rint"), ("floor", "floor"), ("ceil", "ceil"), ("trunc", "trunc")
    ):  # fmt: skip
        setattr(Tracer, f"__{name}__", _whole(UFUNCS[ufunc]))
    Tracer.__divmod__ = _divmod  # type: ignore[operator]
    Tracer.__rdivmod__ = lambda y, x: _divmod(x, y)  # type: ignore[attr-defined]
    Tracer.__pow__ = pow_  # type: ignore[operator]
    Tracer.__rpow__ = lambda x, base: pow_(base, x)  # type: ignore[attr-defined]
    Tracer.__neg__ = lambda x: traced(ew.neg(x.node), x.weak)  # type: ignore[operator]
    Tracer.__pos__ = lambda x: traced(identity(x.node), x.weak)  # type: ignore[operator]
    Tracer.__abs__ = lambda x: traced(ew.absolute(x.node), x.weak)  # type: ignore[attr-defined]
    Tracer.__invert__ = lambda x: UFUNCS["invert"](x)  # type: ignore[operator]
    ArrayTracer.__ipow__ = in_place(pow_)  # type: ignore[attr-defined]


_install()
