"""Elementwise primitives that take numbers apart: exponents, neighbours, divisors, bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.node import Primitive
from .declare import elementwise

_SMALL = (-3.0, 3.0)
_WHOLE = (-60.0, 60.0)

exponent: Primitive = elementwise(
    "exponent",
    lambda xp, x: xp.frexp(x)[1],
    family="special",
    domain=(_SMALL,),
    doc="The e of x = m 2**e with 1/2 <= |m| < 1, and 0 of 0.",
)
ldexp: Primitive = elementwise(
    "ldexp",
    lambda xp, x, e: xp.ldexp(x, e),
    lambda y, x, e: (lambda: ldexp(y.dtype.type(1), e), None),
    family="special",
    domain=(_SMALL, (-8.0, 8.0)),
    kinds="i",
    doc="x 2**e for a whole e.",
)
nextafter: Primitive = elementwise(
    "nextafter",
    lambda xp, x, y: xp.nextafter(x, y),
    lambda z, x, y: (1.0, None),
    family="special",
    domain=(_SMALL, (4.0, 5.0)),
    doc="The next number after x in the direction of y: x and a step that is the same around x.",
)
spacing: Primitive = elementwise(
    "spacing", lambda xp, x: xp.spacing(x), family="special", domain=(_SMALL,)
)
gcd: Primitive = elementwise(
    "gcd", lambda xp, x, y: xp.gcd(x, y), family="special", domain=(_WHOLE, _WHOLE), kinds="i"
)
lcm: Primitive = elementwise(
    "lcm", lambda xp, x, y: xp.lcm(x, y), family="special", domain=(_WHOLE, _WHOLE), kinds="i"
)
bitwise_count: Primitive = elementwise(
    "bitwise_count",
    lambda xp, x: xp.bitwise_count(x),
    family="special",
    domain=(_WHOLE,),
    kinds="i",
)


def _from_bfloat16(xp: Any, x: Any) -> Any:
    return (x.astype(np.uint32) << np.uint32(16)).view(np.float32)


from_bfloat16: Primitive = elementwise(
    "from_bfloat16",
    _from_bfloat16,
    family="special",
    domain=((16000.0, 16500.0),),
    kinds="i",
    doc="The float32 whose first 16 bits are those of a whole number.",
)
