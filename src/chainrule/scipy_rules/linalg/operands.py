"""What `scipy.linalg` is handed: matrices in float64, and the dtype of the results."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import at_user_line
from ...graph.node import Node
from ...graph.types import is_complex
from ...primitives.linear_algebra.matrices import check_matrix, check_square
from ...primitives.structure import reshape
from ...trace.array_like import node_like
from ...trace.complex_readiness import takes_complex
from ...trace.linalg_operands import DOUBLE, double, result
from ...trace.tracer import Tracer

SINGLE: np.dtype[Any] = np.dtype(np.float32)


def result_dtype(*arrays: Node) -> np.dtype[Any]:
    """Return the dtype of SciPy's results: float32 for what is at most that, else float64."""
    parts = [np.finfo(x.dtype) if x.dtype.kind in "fc" else np.finfo(float) for x in arrays]
    dtype = SINGLE if all(part.bits <= 32 for part in parts) else DOUBLE
    if any(is_complex(x.dtype) for x in arrays):
        return np.result_type(dtype, np.complex64)
    return dtype


def complex_too(*names: str) -> None:
    """Say of functions of `scipy.linalg` that their rules hold for complex numbers."""
    takes_complex(*[f"scipy.linalg.{name}" for name in names])


def check_numbers(x: Node, check_finite: bool) -> None:
    """Raise, as SciPy does, for infinities and nan, where the numbers are known."""
    if check_finite and x.value is not None and not np.isfinite(x.value).all():
        raise ValueError(at_user_line("array must not contain infs or NaNs"))


def arrays_of(check_finite: bool, *xs: Any) -> tuple[list[Node], np.dtype[Any]]:
    """Return arrays in float64, and the dtype of results."""
    nodes = [node_like(x) for x in xs]
    dtype = result_dtype(*nodes)
    for x in nodes:
        check_numbers(x, check_finite)
    return [double(x, dtype) for x in nodes], dtype


def matrix(name: str, a: Any, check_finite: bool = True) -> tuple[Node, np.dtype[Any]]:
    """Return matrices in float64, and the dtype of results."""
    (x,), dtype = arrays_of(check_finite, a)
    check_matrix(x.type, f"scipy.linalg.{name}")
    return x, dtype


def square(name: str, a: Any, check_finite: bool = True) -> tuple[Node, np.dtype[Any]]:
    """Return square matrices in float64, and the dtype of results."""
    x, dtype = matrix(name, a, check_finite)
    check_square(x.type, f"scipy.linalg.{name}")
    return x, dtype


def as_columns(b: Node) -> tuple[Node, bool]:
    """Return the right side as matrices, and whether it is a vector."""
    if len(b.shape) == 1:
        return reshape(b, shape=(*b.shape, 1)), True
    return b, False


def solution(x: Node, vector: bool, dtype: np.dtype[Any]) -> Tracer:
    """Return a solution, for a right side that was a vector as vectors."""
    return result(reshape(x, shape=x.shape[:-1]) if vector else x, dtype)
