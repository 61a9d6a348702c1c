"""`minimize` with each of its methods, `minimize_scalar`, and the older functions like them.

The value of the minimum is the function at x, so that its derivative is that of the function with x
in its place (the envelope theorem).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...errors import UnsupportedError, at_user_line
from ...graph.types import Type
from ..call_arguments import COUNT, TRUTH, arguments_of, as_tuple
from ..closures import NUMBER, Inputs, algorithm_rule, differentiable, plain
from ..implicit import find
from .problem import Problem, pairs, stationarity
from .results import guarded, optimize_result, withheld

_FIELDS = {"nfev": COUNT, "nit": COUNT, "success": TRUTH, "status": COUNT}
_SCALAR_FIELDS = {"nfev": COUNT, "nit": COUNT, "success": TRUTH}


@algorithm_rule("scipy.optimize", "minimize", "fun", "jac", "hess", "hessp")
def _minimize(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    if np.any(np.size(named.get("constraints", ())) > 0):
        raise UnsupportedError(
            at_user_line(
                "scipy.optimize.minimize with constraints has no derivative here: put what must "
                "hold into the function, as a change of variables or a penalty (bounds do work)"
            )
        )
    extra = as_tuple(named.pop("args", ()))
    problem = Problem(named.pop("x0"), pairs(named.pop("bounds", None)))
    if named.get("jac") is True:
        both = named.pop("fun")
        named["fun"], named["jac"] = _part(both, 0), _part(both, 1)
    for key in ("fun", "jac", "hess", "hessp"):
        if callable(named.get(key)):
            problem.add(key, named.pop(key), extra)
    options = guarded({k: plain(x, k) for k, x in named.items()}, problem.inputs)

    def solver(values: Sequence[Any]) -> tuple[Any, Any, Sequence[Any]]:
        result = original(
            problem.plain(values), np.array(values[problem.start]), **problem.options(values),
            **options,
        )  # fmt: skip
        return result, result.x, [int(result.get(k, -1)) for k in _FIELDS]

    outcome, closure = problem.find("minimize", solver, _FIELDS)
    fun = differentiable(closure)(outcome.results[0]).reshape(())[()]
    return optimize_result(outcome, _FIELDS, {"fun": fun}, problem.inputs, ("jac", "hess_inv"))


def _part(f: Any, position: int) -> Any:
    return lambda *args: f(*args)[position]


def _scalar_minimum(
    name: str, f: Any, args: tuple[Any, ...], numbers: dict[str, Any],
    solve: Callable[..., tuple[Any, Sequence[Any]]], fields: dict[str, Type],
) -> tuple[Any, Any, Inputs]:  # fmt: skip
    """Run a minimiser of functions of one number; return the outcome and the traced minimum.

    ``solve(f, numbers)`` runs SciPy's; the numbers may be traced, each an array.
    """
    inputs = Inputs()
    position = {key: inputs.array(x) for key, x in numbers.items()}
    function = inputs.function(f, [NUMBER], args)

    def solver(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        plain_f = function.plain(values)
        return solve(
            lambda x: np.reshape(plain_f(x), ())[()], {k: values[n] for k, n in position.items()}
        )

    outcome, closure = find(name, inputs, function, solver, fields, stationarity)
    return outcome, differentiable(closure)(outcome.results[0]).reshape(())[()], inputs


@algorithm_rule("scipy.optimize", "minimize_scalar", "fun")
def _minimize_scalar(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    f, extra = named.pop("fun"), as_tuple(named.pop("args", ()))
    numbers = {k: named.pop(k) for k in ("bracket", "bounds") if named.get(k) is not None}
    options = {k: plain(x, k) for k, x in named.items()}

    def solve(plain_f: Any, at: dict[str, Any]) -> tuple[Any, Sequence[Any]]:
        result = original(plain_f, **{k: tuple(x.tolist()) for k, x in at.items()}, **options)
        return result, (np.reshape(result.x, ()), *[int(result.get(k, -1)) for k in _SCALAR_FIELDS])

    outcome, fun, inputs = _scalar_minimum(
        "minimize_scalar", f, extra, numbers, solve, _SCALAR_FIELDS
    )
    return optimize_result(outcome, _SCALAR_FIELDS, {"fun": fun}, inputs)


def _older(original: Any, *args: Any, **kwargs: Any) -> Any:
    """Run one of the functions that return x alone."""
    name = original.__name__
    named = arguments_of(original, args, kwargs)
    key = "f" if "f" in named else "func"
    if named.pop("full_output", 0) or named.pop("retall", 0):
        raise UnsupportedError(
            at_user_line(f"{name} with full_output or retall: use scipy.optimize.minimize")
        )
    extra = as_tuple(named.pop("args", ()))
    problem = Problem(named.pop("x0"), None)
    problem.add("fun", named.pop(key), extra)
    for derivative in ("fprime", "fhess", "fhess_p"):
        if callable(named.get(derivative)):
            problem.add(derivative, named.pop(derivative), extra)
    options = guarded({k: plain(x, k) for k, x in named.items()}, problem.inputs)

    def solver(values: Sequence[Any]) -> tuple[Any, Any, Sequence[Any]]:
        start = np.array(values[problem.start])
        x = original(problem.plain(values), start, **problem.options(values), **options)
        return None, np.reshape(x, problem.n), ()

    return problem.find(name, solver, {})[0].results[0]


for _name in ("fmin", "fmin_powell"):
    algorithm_rule("scipy.optimize", _name, "func")(_older)
for _name in ("fmin_bfgs", "fmin_cg", "fmin_ncg"):
    algorithm_rule("scipy.optimize", _name, "f", "fprime", "fhess")(_older)


def _older_scalar(original: Any, *args: Any, **kwargs: Any) -> Any:
    name = original.__name__
    named = arguments_of(original, args, kwargs)
    if named.pop("full_output", 0):
        raise UnsupportedError(
            at_user_line(f"{name} with full_output: use scipy.optimize.minimize_scalar")
        )
    f, extra = named.pop("func"), as_tuple(named.pop("args", ()))
    numbers = {k: named.pop(k) for k in ("x1", "x2", "brack") if named.get(k) is not None}
    options = {k: plain(x, k) for k, x in named.items()}

    def solve(plain_f: Any, at: dict[str, Any]) -> tuple[Any, Sequence[Any]]:
        lists = {k: x.tolist() for k, x in at.items()}
        x = original(
            plain_f, **{k: tuple(x) if k == "brack" else x for k, x in lists.items()}, **options
        )
        return None, (np.reshape(x, ()),)

    outcome, _, _ = _scalar_minimum(name, f, extra, numbers, solve, {})
    return outcome.results[0]


for _name in ("fminbound", "brent", "golden"):
    algorithm_rule("scipy.optimize", _name, "func")(_older_scalar)


@algorithm_rule("scipy.optimize", "fmin_l_bfgs_b", "func", "fprime")
def _fmin_l_bfgs_b(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    extra = as_tuple(named.pop("args", ()))
    problem = Problem(named.pop("x0"), pairs(named.pop("bounds", None)))
    f, derivative = named.pop("func"), named.pop("fprime", None)
    if derivative is None and not named.get("approx_grad"):
        f, derivative = _part(f, 0), _part(f, 1)
    problem.add("fun", f, extra)
    if derivative is not None:
        problem.add("fprime", derivative, extra)
    options = guarded({k: plain(x, k) for k, x in named.items()}, problem.inputs)

    def solver(values: Sequence[Any]) -> tuple[Any, Any, Sequence[Any]]:
        more = problem.options(values)
        if "bounds" in more:
            more["bounds"] = list(zip(more["bounds"].lb, more["bounds"].ub, strict=True))
        start = np.array(values[problem.start])
        x, _, info = original(problem.plain(values), start, **more, **options)
        return info, x, [info["funcalls"], info["nit"], info["warnflag"]]

    fields = {"funcalls": COUNT, "nit": COUNT, "warnflag": COUNT}
    outcome, closure = problem.find("fmin_l_bfgs_b", solver, fields)
    x = outcome.results[0]
    info = dict(zip(fields, outcome.results[2:], strict=True))
    if outcome.scipy is not None:
        info = {k: withheld(k, v, problem.inputs) for k, v in outcome.scipy.items()}
    return x, differentiable(closure)(x).reshape(())[()], info
