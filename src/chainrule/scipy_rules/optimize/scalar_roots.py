"""Roots of functions of one number: `brentq` and its kin, `newton`, `root_scalar`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import RootResults

from ...errors import UnsupportedError, at_user_line
from ...graph.graph import Graph
from ...graph.types import Type
from ...trace.tracer import ScalarTracer, Tracer
from ..arrays import asarray
from ..call_arguments import (
    COUNT,
    TRUTH,
    UNDER_JIT,
    Unavailable,
    arguments_of,
    as_tuple,
)
from ..closures import NUMBER, Closure, Inputs, algorithm_rule, plain
from ..derived_graphs import FLOAT
from ..implicit import find

EXTRAS = {"iterations": COUNT, "function_calls": COUNT, "converged": TRUTH}
_DERIVATIVES = ("fprime", "fprime2")


def _bracketing(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    return _solve(original, named, "f", ("a", "b"))


def _newton(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    return _solve(original, named, "func", ("x0", "x1"))


def _solve(original: Any, named: dict[str, Any], key: str, starts: Sequence[str]) -> Any:
    """Run a solver that returns the root, or with ``full_output`` a pair."""
    name = original.__name__
    extra = as_tuple(named.pop("args", ()))
    full_output, disp = bool(named.pop("full_output", False)), named.pop("disp", True)
    shape = asarray(named["x0"]).shape if "x0" in named else ()
    size = int(np.prod(shape))
    x_type = Type(shape if size > 1 else (), FLOAT)
    if size > 1 and full_output:
        raise UnsupportedError(at_user_line(f"{name}: full_output with an array of starts"))
    inputs = Inputs()
    functions = _closures(inputs, named, (key, *_DERIVATIVES), x_type, extra)
    numbers = {k: inputs.array(named.pop(k)) for k in starts if named.get(k) is not None}
    options = {k: plain(x, k) for k, x in named.items()}

    def solver(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        called = {k: f.plain(values) for k, f in functions.items()}
        at = {k: _number(values[n]) for k, n in numbers.items()}
        if size > 1:
            x = original(**called, **at, **options)
            return None, (x, 0, 0, True)
        x, result = original(**called, **at, **options, full_output=True, disp=disp)
        return result, (np.reshape(x, ()), *_counts(result))

    outcome, _ = find(name, inputs, functions[key], solver, EXTRAS)
    x = outcome.results[0]
    if name != "newton":  # which returns a Python number
        x = ScalarTracer(x.node, True)
    return (x, _results(x, outcome.results, outcome.scipy)) if full_output else x


def _closures(
    inputs: Inputs, named: dict[str, Any], keys: Sequence[str], x: Type, args: tuple[Any, ...]
) -> dict[str, Closure]:
    """Take the functions out of the arguments."""
    return {
        key: inputs.function(named.pop(key), [x], args)
        for key in keys
        if named.get(key) is not None
    }


def _number(x: Any) -> Any:
    return x if np.shape(x) else float(x)


def _counts(result: Any) -> tuple[int, int, bool]:
    iterations = result.iterations
    return (
        int(iterations) if iterations == iterations else -1,
        result.function_calls,
        result.converged,
    )


def _results(x: Tracer, fields: Sequence[Any], scipy: Any) -> Any:
    """Return SciPy's results with the traced root; without the text of how it ended under jit."""
    results: Any = RootResults
    if scipy is None:
        result = results(x, fields[2], fields[3], 0, "")
        result.converged = fields[4]
        result.flag, result.method = (Unavailable(k, UNDER_JIT, True) for k in ("flag", "method"))
        return result
    result = results(x, scipy.iterations, scipy.function_calls, scipy.flag, scipy.method)
    result.converged = scipy.converged
    return result


for _name in ("brentq", "brenth", "bisect", "ridder", "toms748"):
    algorithm_rule("scipy.optimize", _name, "f")(_bracketing)
algorithm_rule("scipy.optimize", "newton", "func", *_DERIVATIVES)(_newton)


@algorithm_rule("scipy.optimize", "root_scalar", "f", *_DERIVATIVES)
def _root_scalar(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    extra = as_tuple(named.pop("args", ()))
    _split_derivatives(named)
    inputs = Inputs()
    functions = _closures(inputs, named, ("f", *_DERIVATIVES), NUMBER, extra)
    numbers = {k: inputs.array(named.pop(k)) for k in ("x0", "x1") if named.get(k) is not None}
    bracket = named.pop("bracket", None)
    ends = [] if bracket is None else [inputs.array(end) for end in list(bracket)[:2]]
    options = {k: plain(x, k) for k, x in named.items()}

    def solver(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        called = {k: f.plain(values) for k, f in functions.items()}
        at = {k: _number(values[n]) for k, n in numbers.items()}
        if ends:
            at["bracket"] = [_number(values[n]) for n in ends]
        result = original(**called, **at, **options)
        return result, (np.reshape(result.root, ()), *_counts(result))

    outcome, _ = find("root_scalar", inputs, functions["f"], solver, EXTRAS)
    x = ScalarTracer(outcome.results[0].node, True)
    return _results(x, outcome.results, outcome.scipy)


def _split_derivatives(named: dict[str, Any]) -> None:
    """Make one function of several results, as ``fprime=True`` says it is, several functions."""
    f = named["f"]
    for position, key in enumerate(_DERIVATIVES, start=1):
        wanted = named.get(key)
        if wanted is None or callable(wanted):
            continue
        named.pop(key)
        if wanted:
            named[key] = _result_of(f, position)
            named["f"] = _result_of(f, 0)


def _result_of(f: Callable[..., Any], position: int) -> Callable[..., Any]:
    return lambda *args: f(*args)[position]


@algorithm_rule("scipy.optimize", "fixed_point", "func")
def _fixed_point(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    extra = as_tuple(named.pop("args", ()))
    func, x0 = named.pop("func"), asarray(named.pop("x0"))
    inputs = Inputs()
    start = inputs.array(x0)
    step = inputs.function(func, [Type(x0.shape, FLOAT)], extra)
    options = {k: plain(x, k) for k, x in named.items()}

    def solver(values: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        return None, (original(step.plain(values), values[start], **options),)

    outcome, _ = find("fixed_point", inputs, step, solver, {}, _minus_identity)
    return outcome.results[0]


def _minus_identity(graph: Graph) -> Graph:
    """Return the graph of g(x) - x."""
    return Graph(graph.inputs, (graph.outputs[0] - graph.inputs[0],))  # type: ignore[operator]
