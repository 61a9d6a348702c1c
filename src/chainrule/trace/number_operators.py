"""The operators of tracers with rules of their own: powers and signs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.types import is_inexact
from ..primitives import elementwise as ew
from ..primitives.structure import cast, identity
from .arithmetic import in_place
from .elementwise_table import reciprocal, root, square
from .operands import is_weak
from .selected import Selected
from .tracer import UFUNCS, ArrayTracer, Tracer, traced


def pow_(x: Any, exponent: Any) -> Any:
    """Compute `x ** exponent` with NumPy's shortcuts for a Python number 2, 1/2, -1, 1 or 0."""
    if isinstance(exponent, Selected):
        return NotImplemented
    kind = type(exponent)
    if (kind is int or kind is float) and isinstance(x, Tracer) and is_inexact(x.dtype):
        if exponent == 2:
            return traced(square(x.node), x.weak)
        if exponent == 0.5:
            return traced(root(x.node), x.weak)
        if exponent == -1:
            return traced(reciprocal(x.node), x.weak)
        if exponent == 1:
            return traced(identity(x.node), x.weak)
    truths = isinstance(x, Tracer) and not x.weak and x.dtype.kind == "b"
    if truths and kind is int and exponent == 2:  # NumPy's square of them
        x = traced(cast(x.node, dtype=np.dtype(np.int8)))
    result = UFUNCS["power"](x, exponent)
    return traced(result.node, True) if is_weak(x) and is_weak(exponent) else result


def _install() -> None:
    Tracer.__pow__ = pow_  # type: ignore[operator]
    Tracer.__rpow__ = lambda x, base: pow_(base, x)  # type: ignore[attr-defined]
    Tracer.__neg__ = lambda x: traced(ew.neg(x.node), x.weak)  # type: ignore[operator]
    Tracer.__pos__ = lambda x: traced(identity(x.node), x.weak)  # type: ignore[operator]
    Tracer.__invert__ = lambda x: UFUNCS["invert"](x)  # type: ignore[operator]
    ArrayTracer.__ipow__ = in_place(pow_)  # type: ignore[attr-defined]


_install()
