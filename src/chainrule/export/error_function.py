"""erf and erfc in float64, which ONNX has in float32 and not at all.

The polynomials are those of native code; `primitives/error_function.py` says where they are from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..primitives import elementwise as ew
from ..primitives.error_function import FAR, NEAR
from ..primitives.structure import cast


def erf(x: Any) -> Any:
    """Write erf in float64; return None in float32, which ONNX has itself."""
    if x.dtype != np.float64:
        return None
    size = ew.absolute(x)
    return ew.where(ew.less(size, 1.0), _near(x), ew.sign(x) * (1.0 - _tail(size)))


def erfc(x: Any) -> Any:
    """Write 1 - erf(x), by the tail's own formula where digits would be lost."""
    if x.dtype != np.float64:
        return cast(erfc(cast(x, dtype=np.dtype(np.float64))), dtype=x.dtype)
    size = ew.absolute(x)
    tail = _tail(size)
    far = ew.where(ew.less(x, 0.0), 2.0 - tail, tail)
    return ew.where(ew.less(size, 0.9), 0.5 - (_near(x) - 0.5), far)


def _near(x: Any) -> Any:
    return x + x * _polynomial(x * x, NEAR)


def _tail(size: Any) -> Any:
    """Write erfc for 0.9 or more; x**2 is split into two parts, the first of them exact."""
    size = ew.minimum(size, 28.0)
    head = cast(cast(size, dtype=np.dtype(np.float32)), dtype=np.dtype(np.float64))
    d = (size - head) * (size + head)
    shrink = _polynomial(d, (1.0, -1.0, 0.5, -1.0 / 6.0))
    t = (size - 4.0) / (size + 4.0)
    return ew.exp(-(head * head)) * shrink * _polynomial(t, FAR) / (size * 2.0 + 1.0)


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """Evaluate a polynomial by Horner's rule."""
    result = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        result = result * x + coefficient
    return result
