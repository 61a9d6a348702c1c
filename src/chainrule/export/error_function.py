"""erf and erfc in float64, which ONNX has in float32 and not at all.

The polynomials are those of `backends/llvm/kernels/math/error.py`, which says where they are from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..primitives import elementwise as ew
from ..primitives.structure import cast

# erf(x) / x - 1 by x**2, on |x| <= 1
_NEAR = (0.12837916709551256, -0.37612638903183543, 0.11283791670945006, -0.02686617064323777,
         0.0052239776071164225, -0.0008548325975389692, 0.00012055294904839707,
         -1.492473690741966e-05, 1.6447424703317362e-06, -1.6208483801871705e-07,
         1.3720064546777686e-08, -7.795898827002142e-10)  # fmt: skip
# (1 + 2x) exp(x**2) erfc(x) by t = (x - 4) / (x + 4), on 0.9 <= x <= 28
_FAR = (1.2329951186255526, -0.13962111684056253, 0.01537965210262127, 0.06809705425469327,
        -0.10103906603642072, 0.09373283499835906, -0.06633036580874786, 0.03716751553630065,
        -0.016197734110688332, 0.005031970006014352, -0.0007577728233215004,
        -0.00019925701503757301, 0.00015061917963407617, -2.439712983026389e-05,
        -1.1213763781607378e-05, 5.701605130136403e-06, 2.774620253044185e-07,
        -8.065547599165365e-07, 9.184027551881729e-08, 8.57261706517878e-08,
        -2.414329005725513e-08)  # fmt: skip


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
    return x + x * _polynomial(x * x, _NEAR)


def _tail(size: Any) -> Any:
    """Write erfc for 0.9 or more; x**2 is split into two parts, the first of them exact."""
    size = ew.minimum(size, 28.0)
    head = cast(cast(size, dtype=np.dtype(np.float32)), dtype=np.dtype(np.float64))
    d = (size - head) * (size + head)
    shrink = _polynomial(d, (1.0, -1.0, 0.5, -1.0 / 6.0))
    t = (size - 4.0) / (size + 4.0)
    return ew.exp(-(head * head)) * shrink * _polynomial(t, _FAR) / (size * 2.0 + 1.0)


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """Evaluate a polynomial by Horner's rule."""
    result = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        result = result * x + coefficient
    return result
