"""Roots of functions of several numbers: `root` with each of its methods, and `fsolve`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..algorithm import Outcome
from ..arrays import asarray
from ..call_arguments import (
    COUNT,
    TRUTH,
    UNDER_JIT,
    Unavailable,
    arguments_of,
    as_tuple,
    float_type,
)
from ..closures import Inputs, algorithm_rule, differentiable, plain
from ..implicit import find
from .results import guarded, optimize_result, withheld


class Equations:
    """A system f(x) = 0 as SciPy is handed it.

    Attributes
    ----------
    inputs : Inputs
    function, derivative : Closure
        The derivative may be None.
    """

    def __init__(self, f: Any, x0: Any, args: tuple[Any, ...], derivative: Any, flat: bool) -> None:
        x0 = asarray(x0)
        self.shape = (x0.size,) if flat else x0.shape
        self.inputs = Inputs()
        self.start = self.inputs.array(x0 if x0.shape == self.shape else x0.reshape(self.shape))
        x = [float_type(self.shape)]
        self.function = self.inputs.function(f, x, args)
        self.derivative = None
        if derivative is not None:
            self.derivative = self.inputs.function(derivative, x, args)

    def plain(self, values: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Return f, x0 and the derivative for SciPy."""
        derivative = None if self.derivative is None else self.derivative.plain(values)
        return self.function.plain(values), np.array(values[self.start]), derivative

    def solve(
        self, name: str, solver: Callable[..., tuple[Any, Sequence[Any]]], extras: dict[str, Any]
    ) -> tuple[Outcome, Any]:
        """Return the outcome, and f at the solution, traced."""
        outcome, closure = find(name, self.inputs, self.function, solver, extras)
        return outcome, differentiable(closure)(outcome.results[0])


_FIELDS = {"nfev": COUNT, "success": TRUTH, "status": COUNT}


def _fields(result: Any) -> tuple[Any, ...]:
    return tuple(int(result.get(key, -1)) for key in _FIELDS)


@algorithm_rule("scipy.optimize", "fsolve", "func", "fprime")
def _fsolve(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    full_output = named.pop("full_output", 0)
    extra = as_tuple(named.pop("args", ()))
    system = Equations(
        named.pop("func"), named.pop("x0"), extra, named.pop("fprime", None), flat=True
    )
    options = {k: plain(x, k) for k, x in named.items()}

    def solver(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        f, x0, derivative = system.plain(values)
        if not full_output:
            return None, (original(f, x0, fprime=derivative, **options), 0, True, 1)
        x, info, status, message = original(
            f, x0, fprime=derivative, full_output=full_output, **options
        )
        return (info, status, message), (x, info["nfev"], status == 1, status)

    outcome, residual = system.solve("fsolve", solver, _FIELDS)
    x, _, nfev, _, status = outcome.results
    if not full_output:
        return x
    message: Any = Unavailable("message", UNDER_JIT, True)
    info = {"nfev": nfev}
    if outcome.scipy is not None:
        info, status, message = outcome.scipy
        info = {k: withheld(k, v, system.inputs) for k, v in info.items()}
    info["fvec"] = residual
    return x, info, status, message


@algorithm_rule("scipy.optimize", "root", "fun", "jac")
def _root(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    extra = as_tuple(named.pop("args", ()))
    method = named.get("method", "hybr").lower()
    f, jac = named.pop("fun"), named.pop("jac", None)
    if jac is not None and not callable(jac):
        both = f
        f, jac = (_part(both, 0), _part(both, 1)) if jac else (f, None)
    system = Equations(f, named.pop("x0"), extra, jac, flat=method in ("hybr", "lm"))
    options = guarded({k: plain(x, k) for k, x in named.items()}, system.inputs)

    def solver(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        plain_f, x0, derivative = system.plain(values)
        result = original(plain_f, x0, jac=derivative, **options)
        return result, (np.reshape(result.x, system.shape), *_fields(result))

    outcome, residual = system.solve(f"root(method={method!r})", solver, _FIELDS)
    return optimize_result(outcome, _FIELDS, {"fun": residual}, system.inputs)


def _part(f: Any, position: int) -> Any:
    return lambda *args: f(*args)[position]
