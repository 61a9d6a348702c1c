"""Least squares: `least_squares` with its methods, bounds and losses, and `leastsq`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import UnsupportedError, at_user_line
from ...graph.graph import Graph
from ...graph.node import Node
from ...primitives.elementwise import arctan2, less, log1p, mul, sqrt, where
from ...primitives.structure import reshape, stop_gradient, sum_
from ...trace.operands import node_of
from ...trace.tracer import Tracer, traced
from ..call_arguments import (
    COUNT,
    TRUTH,
    UNDER_JIT,
    Unavailable,
    arguments_of,
    as_tuple,
    float_type,
)
from ..closures import Closure, algorithm_rule, differentiable, plain
from ..derived_graphs import flat, jacobian, mapped
from ..linear_solve import solve
from .problem import Problem, sides
from .results import guarded, optimize_result, withheld

_FIELDS = {"nfev": COUNT, "success": TRUTH, "status": COUNT}


def half_sum(graph: Graph) -> Graph:
    """Return the graph of half the sum of the squares of a graph's outputs."""
    return mapped(graph, lambda r: sum_(mul(flat(r), flat(r)), axes=(0,)) * 0.5)


def _soft_l1(z: Any) -> Any:
    return (sqrt(z + 1.0) - 1.0) * 2.0


def _huber(z: Any) -> Any:
    small = less(z, _constant(1.0, z))
    return where(small, z, sqrt(where(small, _constant(1.0, z), z)) * 2.0 - 1.0)


def _constant(number: float, z: Any) -> Any:
    return np.full(z.shape, number)


_LOSSES: dict[str, Callable[[Any], Any]] = {
    "soft_l1": _soft_l1,
    "huber": _huber,
    "cauchy": log1p,
    "arctan": lambda z: arctan2(z, _constant(1.0, z)),
}


def _cost(loss: Any, scale: float) -> Callable[[Graph], Graph]:
    """Return what makes the graph of the cost of that of the residuals."""
    if not isinstance(loss, str):
        raise UnsupportedError(
            at_user_line("least_squares with a function as loss: minimise the sum by minimize")
        )
    if loss == "linear":
        return half_sum
    rho = _LOSSES[loss]

    def of_residuals(r: Node) -> Any:
        z: Any = flat(r) * (1.0 / scale)
        return sum_(rho(z * z), axes=(0,)) * (0.5 * scale**2)

    return lambda graph: mapped(graph, of_residuals)


@algorithm_rule("scipy.optimize", "least_squares", "fun", "jac")
def _least_squares(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    extra, keywords = as_tuple(named.pop("args", ())), named.pop("kwargs", None) or {}
    loss, scale = named.get("loss", "linear"), float(plain(named.get("f_scale", 1.0), "f_scale"))
    cost = _cost(loss, scale)
    problem = Problem(named.pop("x0"), sides(named.pop("bounds", (-np.inf, np.inf))), cost)
    for key in ("fun", "jac"):
        if callable(named.get(key)):
            function = _with_keywords(named.pop(key), keywords)
            problem.add(key, function, extra)
    options = guarded({k: plain(x, k) for k, x in named.items()}, problem.inputs)

    def solver(values: Sequence[Any]) -> tuple[Any, Any, Sequence[Any]]:
        f = problem.functions["fun"].plain(values)
        result = original(
            lambda x: np.atleast_1d(f(x)), np.array(values[problem.start]),
            **problem.options(values), **options,
        )  # fmt: skip
        return result, result.x, [int(result[k]) for k in _FIELDS]

    outcome, closure = problem.find("least_squares", solver, _FIELDS)
    x = outcome.results[0]
    fields = {"fun": differentiable(closure)(x).reshape(-1), "cost": _at(cost, closure, x)}
    if loss == "linear":
        fields["jac"] = pinned(outcome.scipy and outcome.scipy.jac, _jacobian(closure, x))
    return optimize_result(outcome, _FIELDS, fields, problem.inputs, ("grad", "optimality"))


def _with_keywords(f: Any, keywords: dict[str, Any]) -> Any:
    return (lambda *args: f(*args, **keywords)) if keywords else f


def _at(cost: Callable[[Graph], Graph], closure: Closure, x: Tracer) -> Any:
    assert closure.graph is not None
    return differentiable(replace(closure, graph=cost(closure.graph)))(x)


def _jacobian(closure: Closure, x: Tracer) -> Any:
    assert closure.graph is not None
    return traced(node_of(jacobian(closure.graph, 0, [x.node, *closure.outside])))


def pinned(value: Any, x: Any) -> Any:
    """Return SciPy's numbers with the derivative of x; x itself where there are none."""
    if not isinstance(value, (np.ndarray, float, Tracer)):
        return x
    change = x - traced(stop_gradient(x.node))
    return value + np.where(np.isfinite(change), change, 0.0)


def covariance(j: Tracer) -> Tracer:
    """Return the inverse of J.T J."""
    product = (j.T @ j).node
    n = product.shape[0]
    columns = [reshape(solve(product, node_of(np.eye(n)[k])), shape=(1, n)) for k in range(n)]
    return np.concatenate([traced(node) for node in columns])  # type: ignore[return-value]


@algorithm_rule("scipy.optimize", "leastsq", "func", "Dfun")
def _leastsq(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    full_output = named.pop("full_output", False)
    extra = as_tuple(named.pop("args", ()))
    problem = Problem(named.pop("x0"), None, half_sum)
    problem.add("fun", named.pop("func"), extra)
    if named.get("Dfun") is not None:
        problem.add("Dfun", named.pop("Dfun"), extra)
    options = {k: plain(x, k) for k, x in named.items()}
    fields = {"cov_x": float_type((problem.n, problem.n)), "nfev": COUNT, "ier": COUNT}

    def solver(values: Sequence[Any]) -> tuple[Any, Any, Sequence[Any]]:
        f = problem.functions["fun"].plain(values)
        x, cov, info, message, ier = original(
            f, np.array(values[problem.start]), full_output=True, **problem.options(values),
            **options,
        )  # fmt: skip
        filled = np.full((problem.n, problem.n), np.nan) if cov is None else cov
        return (cov, info, message), x, (filled, info["nfev"], ier)

    outcome, closure = problem.find("leastsq", solver, fields)
    x, _, cov, nfev, ier = outcome.results
    if outcome.scipy is not None:
        ier = int(ier.node.value)
    if not full_output:
        return x, ier
    residual = differentiable(closure)(x)
    cov_x = pinned(traced(stop_gradient(cov.node)), covariance(_jacobian(closure, x)))
    if outcome.scipy is None:
        message: Any = Unavailable("message", UNDER_JIT, True)
        return x, cov_x, {"nfev": nfev, "fvec": residual}, message, ier
    cov, info, message = outcome.scipy
    info = {k: withheld(k, v, problem.inputs) for k, v in info.items()}
    info["fvec"] = residual
    return x, None if cov is None else cov_x, info, message, ier
