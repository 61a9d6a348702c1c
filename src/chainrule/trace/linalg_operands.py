"""What `numpy.linalg` is handed: matrices, in the dtype in which NumPy computes."""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.node import Node
from ..graph.types import is_complex
from ..primitives.linear_algebra.matrices import check_matrix, check_square
from ..primitives.structure import cast
from .array_like import node_like
from .complex_readiness import takes_complex
from .function_rules import Rule
from .strides import c_order, set_strides
from .tracer import Tracer, traced

DOUBLE: np.dtype[Any] = np.dtype(np.float64)


def result_dtype(*arrays: Node) -> np.dtype[Any]:
    """Return the dtype of NumPy's results: integers give float64, half precision is refused."""
    for x in arrays:
        if x.dtype.kind == "f" and x.dtype.itemsize not in (4, 8):
            raise TypeError(at_user_line(f"array type {x.dtype} is unsupported in linalg"))
    single = all(x.dtype in (np.float32, np.complex64) for x in arrays)
    if any(is_complex(x.dtype) for x in arrays):
        return np.dtype(np.complex64 if single else np.complex128)
    return np.dtype(np.float32) if single else DOUBLE


def real_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the parts of complex numbers, or the dtype itself."""
    return np.dtype(np.finfo(dtype).dtype)


def double(x: Node, beside: np.dtype[Any] = DOUBLE) -> Node:
    """Return x in float64, in which `numpy.linalg` computes whatever it is handed, or complex128
    if x or what is beside it is complex.
    """
    wanted = DOUBLE
    if is_complex(x.dtype) or is_complex(beside):
        wanted = np.dtype(np.complex128)
    return x if x.dtype == wanted else cast(x, dtype=wanted)


def in_c_order(rule: Rule) -> Rule:
    """Return a rule whose results lie in memory as NumPy's: SciPy's from the same nodes do not.

    One axis of a batch lies outside of the matrices; several lie as the operands' do.
    """

    @wraps(rule)
    def laid_out(*args: Any, **options: Any) -> Any:
        results = rule(*args, **options)
        if any(np.ndim(x) > 3 for x in args):
            return results
        for x in results if isinstance(results, tuple) else (results,):
            if isinstance(x, Tracer):
                set_strides(x.node, c_order(x.shape))
        return results

    return laid_out


def result(x: Node, dtype: np.dtype[Any]) -> Tracer:
    """Return a result in the dtype that NumPy gives."""
    return traced(x if x.dtype == dtype else cast(x, dtype=dtype))


def matrix(a: Any, name: str) -> tuple[Node, np.dtype[Any]]:
    """Return matrices in float64, and the dtype of the results."""
    x = node_like(a)
    dtype = result_dtype(x)
    x = double(x)
    check_matrix(x.type, name)
    return x, dtype


def square_matrix(a: Any, name: str) -> tuple[Node, np.dtype[Any]]:
    """Return square matrices in float64, and the dtype of the results."""
    x, dtype = matrix(a, name)
    check_square(x.type, name)
    return x, dtype


def complex_too(*names: str) -> None:
    """Say of functions of `numpy.linalg` that their rules hold for complex numbers."""
    takes_complex(*[getattr(np.linalg, name) for name in names])
    takes_complex(*[f"numpy.linalg.{name}" for name in names])  # of lists with traced numbers
