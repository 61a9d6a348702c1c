"""Functions of matrices in `scipy.linalg`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph.node import Node, Primitive
from ...primitives.linear_algebra import matrix_functions
from ...primitives.linear_algebra.lu import solve
from ...primitives.linear_algebra.matrices import columns, rows
from ...primitives.structure import concatenate, zeros_like
from ...trace.interception import intercepts
from ...trace.linalg_operands import result
from ..arrays import refuse
from .operands import arrays_of, complex_too, square


@intercepts("scipy.linalg", "expm")
def _expm(A: Any) -> Any:
    x, dtype = square("expm", A)
    return result(matrix_functions.expm(x), dtype)


def _without_report(name: str, primitive: Primitive, a: Any, options: dict[str, Any]) -> Any:
    """Compute a function of a matrix; SciPy's deprecated `disp=False` adds an estimated error."""
    if not options.pop("disp", True):
        refuse(f"scipy.linalg.{name}", "disp=False is not supported: leave it out")
    if options:
        refuse(f"scipy.linalg.{name}", f"{', '.join(options)} is not supported: leave it out")
    x, dtype = square(name, a)
    return result(primitive(x), dtype)


@intercepts("scipy.linalg", "logm")
def _logm(A: Any, **options: Any) -> Any:
    return _without_report("logm", matrix_functions.logm, A, options)


@intercepts("scipy.linalg", "sqrtm")
def _sqrtm(A: Any, **options: Any) -> Any:
    return _without_report("sqrtm", matrix_functions.sqrtm, A, options)


@intercepts("scipy.linalg", "expm_frechet")
def _expm_frechet(A: Any, E: Any, method: str | None = None, compute_expm: bool = True,
                  check_finite: bool = True) -> Any:  # fmt: skip
    (x, e), dtype = arrays_of(check_finite, A, E)
    if len(x.shape) != 2 or x.shape[0] != x.shape[1]:
        raise ValueError("expected A to be a square matrix")
    if e.shape != x.shape:
        raise ValueError("expected A and E to be the same shape")
    derivative = matrix_functions.derivative_along(matrix_functions.expm, x, e)
    if not compute_expm:
        return result(derivative, dtype)
    return result(matrix_functions.expm(x), dtype), result(derivative, dtype)


def _circular(x: Node) -> tuple[Node, Node]:
    """Return cosine and sine: parts of the exponential of [[0, -x], [x, 0]]."""
    n, axis = x.shape[-1], len(x.shape) - 1
    zero = zeros_like(x)
    above = concatenate(zero, -x, axis=axis)  # type: ignore[operator]
    below = concatenate(x, zero, axis=axis)
    left = columns(matrix_functions.expm(concatenate(above, below, axis=axis - 1)), 0, n)
    return rows(left, 0, n), rows(left, n, None)


def _hyperbolic(x: Node) -> tuple[Node, Node]:
    """Return hyperbolic cosine and sine."""
    up, down = matrix_functions.expm(x), matrix_functions.expm(-x)  # type: ignore[operator]
    return 0.5 * (up + down), 0.5 * (up - down)


Parts = Callable[[Node], tuple[Node, Node]]
_BY_PARTS: dict[str, tuple[Parts, Callable[[Node, Node], Node]]] = {
    "cosm": (_circular, lambda c, s: c),
    "sinm": (_circular, lambda c, s: s),
    "tanm": (_circular, solve),
    "coshm": (_hyperbolic, lambda c, s: c),
    "sinhm": (_hyperbolic, lambda c, s: s),
    "tanhm": (_hyperbolic, solve),
}


def _install(name: str) -> None:
    parts, combine = _BY_PARTS[name]

    @intercepts("scipy.linalg", name)
    def rule(A: Any) -> Any:
        x, dtype = square(name, A)
        return result(combine(*parts(x)), dtype)


for _name in _BY_PARTS:
    _install(_name)


complex_too("expm", "logm", "sqrtm", "expm_frechet", "coshm", "sinhm", "tanhm")
