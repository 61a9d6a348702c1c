"""Integrals over several variables, as integrals in integrals: `nquad`, `dblquad`, `tplquad`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scipy.integrate import nquad as scipy_nquad

from ...errors import GradientError, UnsupportedError, at_user_line
from ...graph.evaluate import call
from ...primitives.callback import NoTangent
from ...trace.tracer import ScalarTracer
from ..algorithm import Algorithm, run
from ..arrays import asarray
from ..call_arguments import arguments_of, as_tuple
from ..closures import NUMBER, Closure, Inputs, algorithm_rule
from ..derived_graphs import pullback, pushforward
from .quadrature import integrate_traced, no_derivative_of_error

Range = Callable[..., Any]


def _nested(
    name: str, f: Any, ranges: list[Range], options: list[dict[str, Any]], outer: tuple[Any, ...]
) -> tuple[Any, Any]:
    """Integrate over the last of `ranges`, of what the integrals over those before it give."""
    *inner, last = ranges
    low, high = last(*outer)

    def integrand(x: Any) -> Any:
        if not inner:
            return f(x, *outer)
        return _nested(name, f, inner, options[:-1], (x, *outer))[0]

    value, error, _ = integrate_traced(name, integrand, low, high, options[-1])
    return value, error


def _fixed(low: Any, high: Any) -> Range:
    return lambda *_: (low, high)


def _between(low: Any, high: Any) -> Range:
    """Return limits that may be functions of the outer variables."""
    return lambda *outer: tuple(x(*outer) if callable(x) else x for x in (low, high))


class Nested(Algorithm):
    """An integral as SciPy gives it, whose derivative is that of integrals in integrals.

    Its inputs are what `closure` reads, then what `solver` does. `closure` is a function of no
    arguments that gives the integral.
    """

    types = (NUMBER, NUMBER)

    def __init__(self, name: str, closure: Closure, solver: Callable[..., Any]) -> None:
        self.name, self.solver, self.count = name, solver, len(closure.outside)
        assert closure.graph is not None
        self.graph = closure.graph

    def evaluate(self, *inputs: Any) -> Any:
        """Run SciPy's own."""
        return self.solver(inputs)

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Push through the integrals in integrals."""
        moving = [k for k in range(self.count) if tangents[k] is not None]
        if not moving:
            return [None, NoTangent(self)]
        along = pushforward(self.graph, tuple(moving))
        directions = [tangents[k] for k in moving]
        return [*call(along, [*inputs[: self.count], *directions]), NoTangent(self)]

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """Pull through the integrals in integrals."""
        g, of_error = cotangents
        if of_error is not None:
            raise self.no_derivative()
        passed: list[Any] = [None] * len(inputs)
        moving = [k for k in range(self.count) if needed[k]]
        if moving:
            back = pullback(self.graph, tuple(moving))
            for k, c in zip(moving, call(back, [*inputs[: self.count], g]), strict=True):
                passed[k] = c
        return passed

    def no_derivative(self) -> GradientError:
        """Return the error for the estimate of the error."""
        return no_derivative_of_error(self.name)


def _integrate(
    name: str, f: Any, limits: list[Any], options: list[dict[str, Any]], extra: tuple[Any, ...]
) -> Any:
    """Return the integral and its error over limits, each a pair or a function that gives one."""
    inputs = Inputs()
    ranges = [entry if callable(entry) else _fixed(*entry) for entry in limits]
    with_extra = [_with(entry, extra) for entry in ranges]
    n = len(ranges)

    def whole() -> Any:
        return _nested(name, lambda *xs: f(*xs, *extra), with_extra, options, ())[0]

    integral = inputs.function(whole, [])
    function = inputs.function(f, [NUMBER] * n, extra)
    bounds = [
        inputs.function(_stacked(entry), [NUMBER] * (n - 1 - k))
        for k, entry in enumerate(with_extra)
    ]
    if any(closure.graph is None for closure in (integral, function, *bounds)):
        raise UnsupportedError(
            at_user_line(f"{name} of a function that branches on its arguments: use np.where")
        )

    listed: Any = options

    def solver(values: Sequence[Any]) -> Any:
        plain_ranges = [closure.plain(values) for closure in bounds]
        return scipy_nquad(function.plain(values), plain_ranges, opts=listed)

    outcome = run(Nested(name, integral, solver), inputs.nodes)
    value, error = (ScalarTracer(x.node, True) for x in outcome.results)
    return value, error


def _stacked(limits: Range) -> Range:
    return lambda *outer: asarray(list(limits(*outer)), float)


def _with(limits: Range, extra: tuple[Any, ...]) -> Range:
    return lambda *outer: limits(*outer, *extra)


def _ignoring(limits: Range, count: int) -> Range:
    """Return limits that are not handed the last arguments, those of ``args=``."""
    return lambda *xs: limits(*xs[: len(xs) - count])


@algorithm_rule("scipy.integrate", "dblquad", "func", "gfun", "hfun")
def _dblquad(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    extra = as_tuple(named.get("args", ()))
    limits = [
        _ignoring(_between(named["gfun"], named["hfun"]), len(extra)), (named["a"], named["b"])
    ]  # fmt: skip
    return _integrate("dblquad", named["func"], limits, [_tolerances(named)] * 2, extra)


@algorithm_rule("scipy.integrate", "tplquad", "func", "gfun", "hfun", "qfun", "rfun")
def _tplquad(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    extra = as_tuple(named.get("args", ()))

    def of_z(y: Any, x: Any) -> Any:  # SciPy hands them over as (x, y)
        return _between(named["qfun"], named["rfun"])(x, y)

    limits = [
        _ignoring(of_z, len(extra)),
        _ignoring(_between(named["gfun"], named["hfun"]), len(extra)),
        (named["a"], named["b"]),
    ]
    return _integrate("tplquad", named["func"], limits, [_tolerances(named)] * 3, extra)


def _tolerances(named: dict[str, Any]) -> dict[str, Any]:
    return {k: named.get(k, 1.49e-8) for k in ("epsabs", "epsrel")}


@algorithm_rule("scipy.integrate", "nquad", "func", "ranges")
def _nquad(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    if named.get("full_output"):
        raise UnsupportedError(at_user_line("nquad with full_output"))
    limits = list(named["ranges"])
    extra = () if named.get("args") is None else as_tuple(named["args"])
    options = named.get("opts") or {}
    listed = [options] * len(limits) if isinstance(options, dict) else list(options)
    if any(callable(entry) for entry in listed):
        raise UnsupportedError(at_user_line("nquad with functions in opts: give dictionaries"))
    return _integrate("nquad", named["func"], limits, listed, extra)
