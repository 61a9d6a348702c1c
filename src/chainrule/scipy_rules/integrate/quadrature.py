"""Integrals of functions: `quad`, `quad_vec`, `fixed_quad`.

The derivative of an integral is the integral of the derivative, by the same method with the same
tolerances, and the function at the limits (Leibniz); in reverse mode one integral for each number
that the function reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.integrate import quad as scipy_quad

from ...errors import GradientError, UnsupportedError, at_user_line
from ...graph.evaluate import call
from ...graph.graph import Graph
from ...primitives.callback import NoTangent
from ...primitives.elementwise import mul
from ...primitives.structure import cast, concatenate, slice_, sum_
from ...trace.tracer import ScalarTracer, Tracer
from ..algorithm import Algorithm, call_algorithm, run
from ..arrays import asarray
from ..call_arguments import UNDER_JIT, Unavailable, arguments_of, as_tuple
from ..closures import NUMBER, Inputs, algorithm_rule, plain
from ..derived_graphs import FLOAT, flat, mapped, pullback, pushforward, shaped
from ..plain_function import plain_function

Integrator = Callable[[Callable[[float], Any], float, float, int], tuple[Any, Any, Any]]


class Quadrature(Algorithm):
    """The integral of a function with m results from a to b; its inputs are a, b, and constants.

    Parameters
    ----------
    graph : Graph
        ``(x, *constants)`` to an array of one axis.
    integrator : callable
        ``integrator(f, a, b, m)`` gives integrals, estimates of their errors, and SciPy's result.
    limits : bool
        Whether a derivative by the limits is the function there: not so with weights.
    native : bool
        Whether the function may be compiled: not the user's, whose bits are SciPy's.
    """

    def __init__(
        self, name: str, graph: Graph, integrator: Integrator, limits: bool, native: bool = False
    ) -> None:
        self.native = native
        self.name, self.integrator, self.limits = name, integrator, limits
        self.graph = mapped(graph, _as_vector)
        result = self.graph.outputs[0].type
        self.types = (result, result)

    def evaluate(self, a: Any, b: Any, *constants: Any) -> Sequence[Any]:
        """Run SciPy's method."""
        f = plain_function(self.graph, 1, constants, self.native)
        size = self.types[0].shape[0]
        values, errors, self.outcome = self.integrator(lambda x: f(x)[0], float(a), float(b), size)
        return values, errors

    def _of(self, graph: Graph, inputs: Sequence[Any]) -> Any:
        derived = Quadrature(self.name, graph, self.integrator, self.limits, native=True)
        return call_algorithm(derived, inputs)[0]

    def _at(self, limit: Any, constants: Sequence[Any]) -> Any:
        if not self.limits:
            raise GradientError(
                at_user_line(f"{self.name} with a weight has no derivative by its limits")
            )
        return call(self.graph, [limit, *constants])[0]

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Integrate the derivative along the tangents."""
        a, b, *constants = inputs
        t_a, t_b, *others = tangents
        moving = [k for k, t in enumerate(others) if t is not None]
        terms = []
        if moving:
            along = pushforward(self.graph, tuple(1 + k for k in moving))
            terms.append(self._of(along, [*inputs, *[others[k] for k in moving]]))
        if t_b is not None:
            terms.append(self._at(b, constants) * t_b)
        if t_a is not None:
            terms.append(-(self._at(a, constants) * t_a))
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return [total, NoTangent(self)]

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Integrate the derivatives by all that is needed, as one vector."""
        g, of_errors = cotangents
        if of_errors is not None:
            raise self.no_derivative()
        a, b, *constants = inputs
        passed: list[Any] = [None] * len(inputs)
        if needed[0]:
            passed[0] = -sum_(mul(self._at(a, constants), g), axes=(0,))
        if needed[1]:
            passed[1] = sum_(mul(self._at(b, constants), g), axes=(0,))
        moving = [k for k in range(len(constants)) if needed[2 + k]]
        if not moving:
            return passed
        back = pullback(self.graph, tuple(1 + k for k in moving))
        back = Graph(back.inputs, (_joined(back.outputs),))
        # of one integral, without the cotangent in it: the tolerances are for the integral
        single = self.types[0].shape == (1,)
        integrals = self._of(back, [*inputs, np.ones(1) if single else g])
        if single:
            integrals = mul(integrals, g)
        start = 0
        for k in moving:
            shape = constants[k].shape
            stop = start + int(np.prod(shape))
            passed[2 + k] = shaped(slice_(integrals, index=(slice(start, stop),)), shape)
            start = stop
        return passed

    def no_derivative(self) -> GradientError:
        """Return the error for the estimates of errors."""
        return no_derivative_of_error(self.name)


def no_derivative_of_error(name: str) -> GradientError:
    """Return the error for whoever asks for the derivative of an estimate."""
    return GradientError(
        at_user_line(
            f"{name}: the estimate of the error has no derivative: use the integral, or "
            "chainrule.stop_gradient of it"
        )
    )


def _as_vector(y: Any) -> Any:
    y = flat(y)
    return y if y.dtype == FLOAT else cast(y, dtype=FLOAT)


def _joined(parts: Sequence[Any]) -> Any:
    vectors = [_as_vector(part) for part in parts]
    return vectors[0] if len(vectors) == 1 else concatenate(*vectors, axis=0)


def one_by_one(options: dict[str, Any]) -> Integrator:
    """Return the integrator that calls `quad` for each result."""

    def integrate(f: Any, a: float, b: float, m: int) -> tuple[Any, Any, Any]:
        if m == 1:
            value, error, *rest = scipy_quad(lambda x: f(x)[0], a, b, **options)
            return [value], [error], rest
        known: dict[float, Any] = {}

        def remembered(x: float) -> Any:
            y = known.get(x)
            if y is None:
                y = known[x] = f(x)
            return y

        pairs = [scipy_quad(lambda x, k=k: remembered(x)[k], a, b, **options)[:2] for k in range(m)]
        both: Any = np.array(pairs).reshape(m, 2).T
        return both[0], both[1], None

    return integrate


def integrate_traced(name: str, f: Any, a: Any, b: Any, options: dict[str, Any]) -> Any:
    """Return the integral and the estimate of its error, traced, and the rest of SciPy's result."""
    inputs = Inputs()
    for limit in (a, b):
        inputs.array(limit)
    function = inputs.function(f, [NUMBER])
    graph = function.graph
    if graph is None:
        raise UnsupportedError(
            at_user_line(
                f"{name} of a function that branches on its argument: use np.where, or add the "
                "integrals of the pieces"
            )
        )
    method = Quadrature(name, graph, one_by_one(options), options.get("weight") is None)
    outcome = run(method, inputs.nodes)
    value, error = (ScalarTracer(x[0].node, True) for x in outcome.results)
    return value, error, outcome.scipy


@algorithm_rule("scipy.integrate", "quad", "func")
def _quad(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    f, extra = named.pop("func"), as_tuple(named.pop("args", ()))
    if named.pop("complex_func", False):
        raise UnsupportedError(
            at_user_line("quad with complex_func: integrate the real and the imaginary part")
        )
    a, b = named.pop("a"), named.pop("b")
    options = {k: plain(x, k) for k, x in named.items()}
    value, error, rest = integrate_traced("quad", lambda x: f(x, *extra), a, b, options)
    if not options.get("full_output"):
        return value, error
    return value, error, *(rest if rest is not None else [Unavailable("infodict", UNDER_JIT, True)])


@algorithm_rule("scipy.integrate", "quad_vec", "f")
def _quad_vec(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    f, extra = named.pop("f"), as_tuple(named.pop("args", ()))
    full_output = named.pop("full_output", False)
    inputs = Inputs()
    for key in ("a", "b"):
        inputs.array(named.pop(key))
    function = inputs.function(f, [NUMBER], extra)
    options = {k: plain(x, k) for k, x in named.items()}
    if function.graph is None or options.get("workers", 1) != 1:
        raise UnsupportedError(
            at_user_line("quad_vec of a function that branches on its argument, or with workers")
        )

    def integrate(g: Any, a: float, b: float, m: int) -> tuple[Any, Any, Any]:
        value, error, info = original(g, a, b, full_output=True, **options)
        return value, np.full(m, error), info

    outcome = run(Quadrature("quad_vec", function.graph, integrate, True), inputs.nodes)
    shape = function.graph.outputs[0].shape
    value = outcome.results[0].reshape(shape)
    error = ScalarTracer(outcome.results[1][:1].reshape(()).node, True)
    result = value if shape else value[()], error
    if not full_output:
        return result
    return *result, outcome.scipy or Unavailable("info", UNDER_JIT, True)


@algorithm_rule("scipy.integrate", "fixed_quad", "func")
def _fixed_quad(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    a, b = asarray(named["a"]), asarray(named["b"])
    for limit in (a, b):
        if not isinstance(limit, Tracer) and np.isinf(limit).any():
            raise ValueError(
                at_user_line("Gaussian quadrature is only available for finite limits.")
            )
    x, w = np.polynomial.legendre.leggauss(plain(named.get("n", 5), "n"))
    points = (b - a) * (x + 1) / 2.0 + a
    values = asarray(named["func"](points, *as_tuple(named.get("args", ()))))
    return (b - a) / 2.0 * np.sum(w * values, axis=-1), None
