"""NumPy's ufuncs on tracers that take numbers apart: frexp, modf, nextafter, gcd and kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DtypeError, at_user_line
from ..graph.node import Node
from ..primitives import elementwise as ew
from ..primitives import number_bits
from .interception import intercepts
from .operands import node_of, nodes_of
from .tracer import UFUNCS, ScalarTracer, Tracer, traced
from .ufunc_rules import as_dtype, ufunc

for _name in ("nextafter", "spacing", "gcd", "lcm", "bitwise_count"):
    ufunc(_name)(getattr(number_bits, _name))


def _ldexp(x: Any, exponent: Any, dtype: Any = None) -> Tracer:
    power = node_of(exponent)  # a Python number is an integer beside floating numbers, too
    (node,) = nodes_of(x)
    node = node if dtype is None else as_dtype(node, np.dtype(dtype))
    try:
        kinds = np.ldexp.resolve_dtypes((node.dtype, power.dtype, None))
    except TypeError:
        raise DtypeError(
            at_user_line(f"np.ldexp is not defined for dtypes {node.dtype}, {power.dtype}")
        ) from None
    return traced(number_bits.ldexp(as_dtype(node, kinds[0]), as_dtype(power, kinds[1])))


UFUNCS["ldexp"] = _ldexp


def _loop_input(function: np.ufunc, x: Any, dtype: Any) -> Node:
    """Return the argument of a ufunc of two results in the dtype in which NumPy computes."""
    (node,) = nodes_of(x)
    node = node if dtype is None else as_dtype(node, np.dtype(dtype))
    return as_dtype(node, function.resolve_dtypes((node.dtype, None, None))[0])


def _mantissa_and_exponent(x: Any, dtype: Any = None) -> tuple[Tracer, Tracer]:
    node = _loop_input(np.frexp, x, dtype)
    exponent = number_bits.exponent(node)
    return traced(number_bits.ldexp(node, ew.neg(exponent))), traced(exponent)


def _rest_and_whole(x: Any, dtype: Any = None) -> tuple[Tracer, Tracer]:
    node = _loop_input(np.modf, x, dtype)
    whole = UFUNCS["trunc"](traced(node)).node
    negative = UFUNCS["signbit"](traced(node)).node
    zero = node.dtype.type(0)
    with np.errstate(invalid="ignore"):  # the rest of -1.0 is -0.0
        rest = ew.where(negative, ew.neg(ew.neg(node) - ew.neg(whole)), node - whole)
    endless = ew.equal(ew.absolute(node), np.inf)
    rest = ew.where(endless, ew.where(negative, -zero, zero), rest)
    return traced(rest), traced(whole)


UFUNCS["frexp"] = _mantissa_and_exponent
UFUNCS["modf"] = _rest_and_whole


def _isnat(x: Any, dtype: Any = None) -> Any:
    raise TypeError(
        at_user_line("ufunc 'isnat' is only defined for np.datetime64 and timedelta64.")
    )


UFUNCS["isnat"] = _isnat


@intercepts("numpy", "isscalar")
def _is_scalar(element: Any) -> bool:
    return isinstance(element, ScalarTracer)
