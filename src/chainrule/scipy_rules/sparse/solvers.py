"""Solutions with constant sparse matrices: `spsolve`, `splu`, `cg` and its kin, `expm_multiply`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg as linalg

from ...errors import GradientError, UnsupportedError, at_user_line
from ...graph.types import Type
from ...trace.interception import intercepts, original, replaces
from ...trace.tracer import Tracer
from ..arrays import asarray
from ..call_arguments import arguments_of
from ..closures import plain
from ..derived_graphs import FLOAT
from .linear_map import LinearMap, apply_map

_DIRECT = 10_000  # unknowns up to which derivatives of iterative solutions factorise the matrix
_RTOL = 1e-11


class Factors:
    """A constant matrix, factorised when the first derivative needs it."""

    def __init__(self, matrix: Any) -> None:
        if isinstance(matrix, Tracer) or isinstance(getattr(matrix, "data", None), Tracer):
            raise UnsupportedError(
                at_user_line(
                    "a solver of scipy.sparse.linalg with a traced matrix: only the right side "
                    "may be traced; use np.linalg.solve of the dense matrix"
                )
            )
        self.matrix = sparse.csc_array(matrix, copy=True)
        if self.matrix.dtype.kind == "c":
            raise UnsupportedError(at_user_line("a complex sparse matrix"))

    @cached_property
    def factors(self) -> Any:
        """The LU factors."""
        return linalg.splu(self.matrix.astype(float))

    def solve(self, b: Any) -> Any:
        """Return the solution of A x = b."""
        return self.factors.solve(np.asarray(b, float))

    def solve_transposed(self, b: Any) -> Any:
        """Return the solution of A.T x = b."""
        return self.factors.solve(np.asarray(b, float), "T")


def _right_side(b: Any) -> Any:
    b = asarray(b)
    if sparse.issparse(b) or b.ndim not in (1, 2):
        raise UnsupportedError(at_user_line("a right side that is no dense vector or matrix"))
    return b


@intercepts("scipy.sparse.linalg", "spsolve")
def _spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    factors, b = Factors(A), _right_side(b)
    if b.ndim == 2 and b.shape[1] == 1:
        b = b.reshape(-1)

    def apply(x: Any) -> Any:
        return original("scipy.sparse.linalg", "spsolve")(A, x, permc_spec, use_umfpack)

    dtype = np.result_type(factors.matrix.dtype, b.dtype, np.float32)
    source, result = Type(b.shape, b.dtype), Type(b.shape, dtype)
    return apply_map(
        LinearMap("spsolve", apply, factors.solve, factors.solve_transposed, source, result), b
    )


@intercepts("scipy.sparse.linalg", "spsolve_triangular")
def _spsolve_triangular(
    A: Any, b: Any, lower: bool = True, overwrite_A: bool = False, overwrite_b: bool = False,
    unit_diagonal: bool = False,
) -> Any:  # fmt: skip
    b = _right_side(b)
    matrix = Factors(A).matrix.tocsr()
    solve = original("scipy.sparse.linalg", "spsolve_triangular")

    def forward(x: Any) -> Any:
        return solve(matrix, x, lower=lower, unit_diagonal=unit_diagonal)

    def back(g: Any) -> Any:
        return solve(matrix.T.tocsr(), g, lower=not lower, unit_diagonal=unit_diagonal)

    dtype = np.result_type(matrix.dtype, b.dtype, np.float64)
    source, result = Type(b.shape, b.dtype), Type(b.shape, dtype)
    return apply_map(LinearMap("spsolve_triangular", forward, forward, back, source, result), b)


def _iterative(name: str) -> Callable[..., Any]:
    def solve(A: Any, b: Any, x0: Any = None, **options: Any) -> Any:
        return _iterative_solution(name, A, b, x0, options)

    return solve


def _iterative_solution(name: str, A: Any, b: Any, x0: Any, options: dict[str, Any]) -> Any:
    scipy_solver = original("scipy.sparse.linalg", name)
    b = _right_side(b)
    if isinstance(A, Tracer):
        Factors(A)  # which refuses it
    start = None if x0 is None else plain(x0, "x0")
    options = {k: plain(x, k) for k, x in options.items()}
    outcome: dict[str, int] = {}

    def apply(x: Any) -> Any:
        solution, outcome["info"] = scipy_solver(A, x, start, **options)
        return np.reshape(solution, b.shape)

    if isinstance(A, linalg.LinearOperator) or b.shape[0] > _DIRECT:
        operator = linalg.aslinearoperator(A)
        forward, back = (_precisely(name, scipy_solver, each) for each in (operator, operator.T))
    else:
        factors = Factors(A)
        forward, back = factors.solve, factors.solve_transposed
    source, result = Type(b.shape, b.dtype), Type(b.shape, FLOAT)
    x = apply_map(LinearMap(name, apply, forward, back, source, result), b)
    return x, outcome.get("info", 0)


def _precisely(name: str, solver: Any, operator: Any) -> Callable[[Any], Any]:
    """Return the solution by the same method to a small residual, for derivatives."""

    def solve(g: Any) -> Any:
        x, info = solver(operator, np.asarray(g, float), rtol=_RTOL, atol=0.0)
        if info:
            raise GradientError(
                f"{name}: the equations of the derivative are not solved to {_RTOL} without a "
                "preconditioner: give the matrix itself rather than a LinearOperator"
            )
        return np.reshape(x, np.shape(g))

    return solve


for _name in ("cg", "gmres", "bicgstab", "bicg", "cgs", "minres", "lgmres", "qmr", "tfqmr",
              "gcrotmk"):  # fmt: skip
    intercepts("scipy.sparse.linalg", _name)(_iterative(_name))


@intercepts("scipy.sparse.linalg", "expm_multiply")
def _expm_multiply(A: Any, B: Any, *args: Any, **kwargs: Any) -> Any:
    function = original("scipy.sparse.linalg", "expm_multiply")
    named = arguments_of(function, (A, B, *args), kwargs)
    options = {k: plain(x, k) for k, x in named.items() if k not in ("A", "B")}
    B = _right_side(B)
    matrix = Factors(A).matrix
    trace = {k: options[k] for k in ("traceA",) if k in options}
    interval = [options.get(k) for k in ("start", "stop", "num", "endpoint")]
    times: Any = None
    if any(x is not None for x in interval):
        start, stop, num, endpoint = (cast(Any, x) for x in interval)
        kinds = {} if endpoint is None else {"endpoint": endpoint}
        times = np.linspace(start, stop, **({} if num is None else {"num": num}), **kinds)

    def forward(x: Any) -> Any:
        return function(matrix, x, **options)

    def back(g: Any) -> Any:
        if times is None:
            return function(matrix.T, g, **trace)
        return sum(
            function(matrix.T * t, each, **{k: x * t for k, x in trace.items()})
            for t, each in zip(times, g, strict=True)
        )

    shape = B.shape if times is None else (len(times), *B.shape)
    dtype = np.result_type(matrix.dtype, B.dtype, np.float64)
    source, result = Type(B.shape, B.dtype), Type(shape, dtype)
    return apply_map(LinearMap("expm_multiply", forward, forward, back, source, result), B)


class TracedFactors:
    """What `splu` gives a traced function: SciPy's factors, whose `solve` takes traced arrays."""

    def __init__(self, factors: Any) -> None:
        self._factors = factors

    def __getattr__(self, name: str) -> Any:
        return getattr(self._factors, name)

    def solve(self, rhs: Any, trans: str = "N") -> Any:
        """Return the solution of A x = rhs, or of the transpose with ``trans="T"``."""
        if not isinstance(rhs, Tracer):
            return self._factors.solve(rhs, trans)
        b = _right_side(rhs)
        other = {"N": "T", "T": "N", "H": "N"}[trans]

        def forward(x: Any) -> Any:
            return self._factors.solve(np.ascontiguousarray(x), trans)

        def back(g: Any) -> Any:
            return self._factors.solve(np.ascontiguousarray(g), other)

        source, result = Type(b.shape, b.dtype), Type(b.shape, FLOAT)
        return apply_map(LinearMap("splu.solve", forward, forward, back, source, result), b)


@replaces("scipy.sparse.linalg", "splu", "spilu")
def _splu(function: Any, *args: Any, **kwargs: Any) -> Any:
    return TracedFactors(function(*args, **kwargs))


@replaces("scipy.sparse.linalg", "factorized")
def _factorized(_function: Any, A: Any) -> Any:
    return TracedFactors(linalg.splu(sparse.csc_array(A))).solve
