"""`curve_fit`: parameters of a model by least squares, and their covariance."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import getfullargspec
from typing import Any

import numpy as np

from ...errors import UnsupportedError, at_user_line
from ...primitives.structure import stop_gradient
from ...trace.operands import node_of
from ...trace.tracer import Tracer, traced
from ..arrays import asarray
from ..call_arguments import UNDER_JIT, Unavailable, arguments_of, float_type
from ..closures import Closure, algorithm_rule, differentiable, plain
from ..derived_graphs import jacobian
from .problem import Problem, sides
from .residual_sums import covariance, half_sum, pinned
from .results import withheld


class _Model:
    """The arguments of `curve_fit`: a model, data and their errors."""

    def __init__(self, named: dict[str, Any]) -> None:
        self.f, self.jac = named.pop("f"), named.pop("jac", None)
        xdata = named.pop("xdata")
        self.xdata = (
            asarray(xdata, float) if isinstance(xdata, (list, tuple, np.ndarray)) else xdata
        )
        self.ydata = asarray(named.pop("ydata"), float)
        sigma = named.pop("sigma", None)
        self.sigma = None if sigma is None else asarray(sigma, float)
        start = named.pop("p0", None)
        bounds = named.pop("bounds", (-np.inf, np.inf))
        self.bounds = bounds
        if start is None:
            count = len(getfullargspec(self.f).args) - 1
            count -= hasattr(self.f, "__self__")
            limit = sides(bounds)
            if limit is not None:
                raise UnsupportedError(
                    at_user_line("curve_fit with bounds and without p0: give p0")
                )
            start = np.ones(count)
        self.start = asarray(start, float)
        if not self.start.ndim:
            self.start = self.start.reshape(1)

    def residuals(self, p: Any) -> Any:
        """Return what is squared, as a traced function of the parameters."""
        difference = self.f(self.xdata, *[p[k] for k in range(self.start.size)]) - self.ydata
        if self.sigma is None:
            return difference
        if self.sigma.size == 1 or self.sigma.shape == (self.ydata.size,):
            return difference / self.sigma
        return np.linalg.solve(np.linalg.cholesky(self.sigma), difference)


@algorithm_rule("scipy.optimize", "curve_fit", "f", "jac")
def _curve_fit(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    full_output = named.pop("full_output", False)
    absolute = bool(named.get("absolute_sigma", False))
    if named.get("nan_policy") == "omit":
        raise UnsupportedError(at_user_line("curve_fit with nan_policy='omit': leave rows out"))
    model = _Model(named)
    problem = Problem(model.start, sides(model.bounds), half_sum)
    problem.add("fun", model.residuals, ())
    unpacked = problem.inputs.function(
        lambda p: model.f(model.xdata, *[p[k] for k in range(problem.n)]),
        [float_type((problem.n,))],
    )
    jac: Closure | None = None
    if callable(model.jac):
        jac = problem.inputs.function(
            lambda p: model.jac(model.xdata, *[p[k] for k in range(problem.n)]),
            [float_type((problem.n,))],
        )
    ydata = problem.inputs.array(model.ydata)
    sigma = None if model.sigma is None else problem.inputs.array(model.sigma)
    options = {k: plain(x, k) for k, x in named.items()}

    def solver(values: Sequence[Any]) -> tuple[Any, Any, Sequence[Any]]:
        f = unpacked.plain(values)
        more = dict(options)
        if jac is not None:
            plain_jac = jac.plain(values)
            more["jac"] = lambda _x, *p: plain_jac(np.array(p))
        elif model.jac is not None:
            more["jac"] = model.jac
        more.update(problem.options(values))
        x, cov, *rest = original(
            lambda _x, *p: f(np.array(p)), np.zeros(1), np.array(values[ydata]),
            p0=np.array(values[problem.start]),
            sigma=None if sigma is None else np.array(values[sigma]), full_output=True, **more,
        )  # fmt: skip
        return rest, x, (cov,)

    fields = {"pcov": float_type((problem.n, problem.n))}
    outcome, closure = problem.find("curve_fit", solver, fields)
    x, _, cov = outcome.results
    pcov = _covariance(closure, x, traced(stop_gradient(cov.node)), absolute)
    if not full_output:
        return x, pcov
    if outcome.scipy is None:
        unknown = [Unavailable(k, UNDER_JIT, True) for k in ("infodict", "mesg", "ier")]
        return x, pcov, *unknown
    info, message, ier = outcome.scipy
    info = {k: withheld(k, v, problem.inputs) for k, v in info.items()}
    info["fvec"] = _residuals(closure, x)
    return x, pcov, info, message, ier


def _residuals(closure: Closure, x: Tracer) -> Any:
    return differentiable(closure)(x).reshape(-1)


def _covariance(closure: Closure, x: Tracer, value: Tracer, absolute: bool) -> Any:
    """Return SciPy's covariance with the derivative of its formula."""
    assert closure.graph is not None
    j = traced(node_of(jacobian(closure.graph, 0, [x.node, *closure.outside])))
    cov = covariance(j)
    rows, n = j.shape
    if not absolute:
        if rows <= n:
            return value
        r = _residuals(closure, x)
        cov = cov * (np.sum(r * r) / (rows - n))
    return pinned(value, cov)
