"""Functions of whole matrices: the exponential, the logarithm, the square root."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import UnsupportedError, at_user_line
from ...graph.node import Primitive
from ...graph.types import Type
from ..declare import declared
from ..elementwise import absolute, where
from ..operators import swap_last
from ..reductions import max_
from ..structure import concatenate, stop_gradient, zeros_like
from .equations import sylvester
from .matrices import as_matrix, batched, check_square, columns, host_linalg, nonzero, rows


def derivative_along(function: Callable[[Any], Any], a: Any, e: Any) -> Any:
    """Return the derivative of a function of matrices at a along e.

    It is a corner of the function's value: f([[a, e], [0, a]]) = [[f(a), f'(a; e)], [0, f(a)]].
    """
    n = a.shape[-1]
    if n == 0:
        return e
    axis = len(a.shape) - 1
    size = stop_gradient(max_(absolute(e), axes=(axis - 1, axis)))
    size = as_matrix(where(nonzero(size), size, size.dtype.type(1)))
    above = concatenate(a, e / size, axis=axis)
    block = concatenate(above, concatenate(zeros_like(a), a, axis=axis), axis=axis - 1)
    return rows(columns(function(block), n, None), 0, n) * size


def _square(name: str) -> Callable[[Type], Type]:
    def infer(a: Type) -> Type:
        check_square(a, name)
        return a

    return infer


def _function(name: str, kernel: Callable[[Any], Any], doc: str) -> Primitive:
    """Declare a function of matrices that has a power series: its derivative is itself."""
    infer = _square(name)

    def vjp(g: Any, _y: Any, a: Any) -> list[Any]:
        return [derivative_along(primitive, swap_last(a), g)]

    def jvp(tangents: Sequence[Any], _y: Any, a: Any) -> Any:
        return derivative_along(primitive, a, tangents[0])

    evaluate = batched(kernel, infer, (2,))
    primitive = declared(name, evaluate, infer, vjp, jvp, family="linalg", cores=(2,), doc=doc)
    return primitive


def real_result(name: str, y: Any, a: Any) -> Any:
    """Return y as a real matrix, or raise: SciPy would give a complex one."""
    if np.iscomplexobj(y) and not np.iscomplexobj(a):
        size = float(np.max(np.abs(y), initial=0.0))
        limit = 1e4 * len(a) * float(np.finfo(a.dtype).eps) * size
        if not np.max(np.abs(y.imag), initial=0.0) <= limit:
            raise UnsupportedError(
                at_user_line(
                    f"{name} of a matrix with a negative eigenvalue is complex, which is not "
                    "supported for a traced matrix"
                )
            )
        y = y.real
    return y


def _expm_kernel(a: Any) -> Any:
    return host_linalg.expm(a)


def _logm_kernel(a: Any) -> Any:
    return real_result("logm", host_linalg.logm(a), a)


def _sqrtm_kernel(a: Any) -> Any:
    return real_result("sqrtm", host_linalg.sqrtm(a), a)


expm: Primitive = _function("expm", _expm_kernel, "The exponential of a matrix.")
logm: Primitive = _function("logm", _logm_kernel, "The principal logarithm of a matrix.")

sqrtm: Primitive = declared(
    "sqrtm",
    batched(_sqrtm_kernel, _square("sqrtm"), (2,)),
    _square("sqrtm"),
    lambda g, y, _a: [sylvester(swap_last(y), swap_last(y), g)],
    lambda tangents, y, _a: sylvester(y, y, tangents[0]),
    family="linalg",
    cores=(2,),
    doc="The principal square root of a matrix: y y = a.",
)
