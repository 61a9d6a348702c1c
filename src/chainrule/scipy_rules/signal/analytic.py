"""The analytic signal of `scipy.signal`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import at_user_line
from ...graph.types import is_complex
from ...trace.fft_table import TRANSFORMS
from ...trace.function_rules import as_int, normalize_axis
from ...trace.tracer import ArrayTracer
from ..arrays import makes_new
from ..fft import as_float


@makes_new("scipy.signal", "hilbert")
def _hilbert(x: Any, N: Any = None, axis: int = -1) -> Any:
    """Drop negative frequencies and double the positive ones."""
    node = as_float(x)
    if is_complex(node.dtype):
        raise ValueError(at_user_line("x must be real."))
    k = normalize_axis(axis, len(node.shape))
    count = node.shape[k] if N is None else as_int(N, "N")
    if count <= 0:
        raise ValueError(at_user_line("N must be positive."))
    spectrum = TRANSFORMS["fft"](node, count, k, "backward")
    factors = np.zeros(count, np.empty(0, node.dtype).real.dtype)
    factors[0] = factors[count // 2] = 1.0
    factors[1 : (count + 1) // 2] = 2.0
    along = factors.reshape([-1 if j == k else 1 for j in range(len(node.shape))])
    return ArrayTracer(TRANSFORMS["ifft"](spectrum * along, None, k, "backward"))
