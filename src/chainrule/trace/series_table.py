"""NumPy's special functions on tracers, sinc and i0: series, whose every derivative is right."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, pi
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.node import Node
from ..primitives import elementwise as ew
from .array_like import array_like, node_like
from .complex_readiness import takes_complex
from .function_rules import implements
from .tracer import Tracer, traced
from .ufunc_rules import floating


def _polynomial(terms: Sequence[float], x: Node) -> Node:
    """Return a polynomial by its coefficients, from the lowest power on."""
    result: Any = x.dtype.type(terms[-1])
    for term in terms[-2::-1]:
        result = ew.add(ew.mul(x, result), x.dtype.type(term))
    return result  # type: ignore[no-any-return]


@implements(np.sinc)
def _sinc(x: Any) -> Tracer:
    return traced(_sine_by_angle((array_like(x) * pi).node))


def _sine_by_angle(y: Node) -> Node:
    """Return sin(y) / y; near 0 by its series, whose derivatives keep their digits there."""
    near = ew.less(ew.absolute(y), 1.0)
    square = ew.where(near, ew.mul(y, y), y.dtype.type(0))
    far = ew.where(near, y.dtype.type(1), y)
    return ew.where(near, _polynomial(_SINE_TERMS, square), ew.sin(far) / far)  # type: ignore[no-any-return]


_SINE_TERMS = [(-1) ** k / factorial(2 * k + 1) for k in range(13)]


@implements(np.i0)
def _i0(x: Any) -> Tracer:
    node = node_like(x)
    if node.dtype.kind == "c":
        raise TypeError(at_user_line("i0 not supported for complex values"))
    node = floating(node)
    near = ew.less_equal(ew.absolute(node), 8.0)
    quarter = ew.where(near, ew.mul(node, node) * node.dtype.type(0.25), node.dtype.type(0))
    far = ew.where(near, node.dtype.type(10), ew.absolute(node))
    growth = ew.exp(far) / ew.sqrt(far)
    return traced(ew.where(near, _polynomial(_BESSEL_TERMS, quarter), growth * _chebyshev(far)))


_BESSEL_TERMS = [1.0 / factorial(k) ** 2 for k in range(30)]


def _chebyshev(x: Node) -> Node:
    """Return the sum of Chebyshev polynomials of 32 / x - 2, x > 8, half the first one."""
    argument = ew.sub(ew.div(x.dtype.type(32), x), x.dtype.type(2))
    current: Any = x.dtype.type(_BESSEL_FAR[0])
    before: Any = x.dtype.type(0)
    earlier = before
    for term in _BESSEL_FAR[1:]:
        before, earlier = current, before
        current = ew.add(ew.sub(ew.mul(argument, before), earlier), x.dtype.type(term))
    return ew.mul(ew.sub(current, earlier), x.dtype.type(0.5))  # type: ignore[no-any-return]


# sqrt(x) exp(-x) i0(x) by 32 / x - 2, x > 8: C. W. Clenshaw, "Chebyshev series for mathematical
# functions", National Physical Laboratory Mathematical Tables 5 (1962), as in NumPy
_BESSEL_FAR = (
    -7.233180487874754e-18, -4.830504485944182e-18, 4.46562142029676e-17,
    3.461222867697461e-17, -2.8276239805165836e-16, -3.425485619677219e-16,
    1.7725601330565263e-15, 3.8116806693526224e-15, -9.554846698828307e-15,
    -4.150569347287222e-14, 1.54008621752141e-14, 3.8527783827421426e-13,
    7.180124451383666e-13, -1.7941785315068062e-12, -1.3215811840447713e-11,
    -3.1499165279632416e-11, 1.1889147107846439e-11, 4.94060238822497e-10,
    3.3962320257083865e-09, 2.266668990498178e-08, 2.0489185894690638e-07,
    2.8913705208347567e-06, 6.889758346916825e-05, 0.0033691164782556943, 0.8044904110141088,
)  # fmt: skip


takes_complex(np.sinc)
