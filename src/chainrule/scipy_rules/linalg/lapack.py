"""LAPACK's functions of positive definite and triangular matrices, called by name as GPs do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...graph.node import Node
from ...primitives.elementwise import where
from ...primitives.linear_algebra.matrices import check_square
from ...primitives.linear_algebra.triangular import triangular_solve
from ...primitives.structure import cast
from ...trace.array_like import node_like
from ...trace.interception import intercepts, original
from ...trace.linalg_operands import DOUBLE, result
from ...trace.operands import node_of
from ..arrays import refuse
from .factors import factor_of_triangle
from .operands import as_columns, solution

_MODULE = "scipy.linalg.lapack"


def _operands(name: str, overwrite: Any, *arrays: Any) -> list[Node]:
    """Return arrays in float64, the first of them square."""
    if overwrite:
        refuse(f"{_MODULE}.{name}", "it would be written where it lies: leave overwrite_* out")
    nodes = [cast(node_like(x), dtype=DOUBLE) for x in arrays]
    check_square(nodes[0].type, f"{_MODULE}.{name}")
    if len(nodes[0].shape) != 2:
        refuse(f"{_MODULE}.{name}", "LAPACK takes one matrix: use a loop")
    return nodes


def _with_info(
    name: str, nodes: Sequence[Node], compute: Callable[[], Any], **flags: Any
) -> tuple[Any, Any]:
    """Return the result, and LAPACK's number: 0, or why there is none (then it is nan).

    Compiled code raises an error where there is none, so that the number is 0 there.
    """
    values = [x.value for x in nodes]
    if any(x is None for x in values):
        return compute(), 0
    without_derivative, info = original(_MODULE, name)(*values, **flags)
    if info:
        return np.full_like(without_derivative, np.nan), info
    return compute(), info


def _triangle(n: int, lower: Any, k: int = 0) -> Any:
    """Return where LAPACK reads and writes."""
    return np.tri(n, n, -k, bool) if lower else np.tri(n, n, -k, bool).T


@intercepts(_MODULE, "dpotrf")
def _dpotrf(a: Any, lower: Any = 0, clean: Any = 1, overwrite_a: Any = 0) -> tuple[Any, Any]:
    (x,) = _operands("dpotrf", overwrite_a, a)

    def factor() -> Any:
        c = factor_of_triangle(x, bool(lower))
        return result(c if clean else where(_triangle(x.shape[0], lower), c, x), DOUBLE)

    return _with_info("dpotrf", [x], factor, lower=lower)


def _solved(x: Node, y: Node, lower: bool) -> Node:
    """Solve with Cholesky's factor: once as it is, once transposed."""
    for trans in (not lower, lower):
        y = triangular_solve(x, y, low=lower, trans=trans, unit=False)
    return y


@intercepts(_MODULE, "dpotrs")
def _dpotrs(c: Any, b: Any, lower: Any = 0, overwrite_b: Any = 0) -> tuple[Any, Any]:
    x, b = _operands("dpotrs", overwrite_b, c, b)
    y, vector = as_columns(b)
    return _with_info(
        "dpotrs", [x, b], lambda: solution(_solved(x, y, bool(lower)), vector, DOUBLE), lower=lower
    )


@intercepts(_MODULE, "dpotri")
def _dpotri(c: Any, lower: Any = 0, overwrite_c: Any = 0) -> tuple[Any, Any]:
    (x,) = _operands("dpotri", overwrite_c, c)
    n = x.shape[0]

    def inverse() -> Any:
        whole = _solved(x, node_of(np.eye(n)), bool(lower))
        return result(where(_triangle(n, lower), whole, x), DOUBLE)

    return _with_info("dpotri", [x], inverse, lower=lower)


@intercepts(_MODULE, "dtrtrs")
def _dtrtrs(a: Any, b: Any, lower: Any = 0, trans: Any = 0, unitdiag: Any = 0, lda: Any = None,
            overwrite_b: Any = 0) -> tuple[Any, Any]:  # fmt: skip
    x, b = _operands("dtrtrs", overwrite_b, a, b)
    y, vector = as_columns(b)
    flags = {"low": bool(lower), "trans": bool(trans), "unit": bool(unitdiag)}
    return _with_info(
        "dtrtrs", [x, b], lambda: solution(triangular_solve(x, y, **flags), vector, DOUBLE),
        lower=lower, trans=trans, unitdiag=unitdiag,
    )  # fmt: skip


@intercepts(_MODULE, "dtrtri")
def _dtrtri(c: Any, lower: Any = 0, unitdiag: Any = 0, overwrite_c: Any = 0) -> tuple[Any, Any]:
    (x,) = _operands("dtrtri", overwrite_c, c)
    n = x.shape[0]

    def inverse() -> Any:
        flags = {"low": bool(lower), "trans": False, "unit": bool(unitdiag)}
        whole = triangular_solve(x, node_of(np.eye(n)), **flags)
        return result(where(_triangle(n, lower, int(bool(unitdiag))), whole, x), DOUBLE)

    return _with_info("dtrtri", [x], inverse, lower=lower, unitdiag=unitdiag)
