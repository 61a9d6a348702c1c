"""Results of optimisers: what of them is traced, and what refuses a derivative."""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from ...errors import GradientError, at_user_line
from ...graph.types import Type
from ..algorithm import Algorithm, Outcome, depth_of_traces, run
from ..call_arguments import UNDER_JIT, Unavailable
from ..closures import Inputs
from ..derived_graphs import FLOAT

_STEPS = "depends on the steps of SciPy's algorithm and has no derivative"


class NoDerivative(Algorithm):
    """Numbers that follow from an algorithm's steps: known, and without a derivative."""

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value
        self.types = (Type(value.shape, FLOAT),)

    def evaluate(self, *_inputs: Any) -> tuple[Any]:
        """Return the numbers."""
        return (self.value,)

    def no_derivative(self) -> GradientError:
        """Return the error for whoever asks for a derivative."""
        return GradientError(
            at_user_line(
                f"the result's {self.name} {_STEPS}: use x and fun, or chainrule.stop_gradient of "
                "it"
            )
        )


def withheld(key: str, x: Any, inputs: Inputs) -> Any:
    """Return a field of SciPy's result as numbers that refuse a derivative."""
    if isinstance(x, (list, tuple)) and type(x) in (list, tuple):
        return type(x)([withheld(key, entry, inputs) for entry in x])
    if x is None or isinstance(x, (str, bool, int, np.integer, np.bool_)):
        return x
    array = np.asarray(x) if isinstance(x, (float, np.floating, np.ndarray)) else None
    if array is not None and array.dtype.kind == "f":
        return run(NoDerivative(key, array), inputs.nodes).results[0]
    if array is not None and array.dtype.kind in "biu":
        return x
    return Unavailable(key, _STEPS)


def guarded(options: dict[str, Any], inputs: Inputs) -> dict[str, Any]:
    """Return options whose callback is handed numbers that refuse a derivative.

    What it stores of them would else be constants for a trace.
    """
    callback = options.get("callback")
    if not callable(callback) or not inputs.known:  # under jit it runs later
        return options

    @wraps(callback)
    def on_tracers(*args: Any, **kwargs: Any) -> Any:
        with depth_of_traces(1):
            marked = [_marked(x, inputs) for x in args]
            return callback(*marked, **{k: _marked(x, inputs) for k, x in kwargs.items()})

    return {**options, "callback": on_tracers}


def _marked(x: Any, inputs: Inputs) -> Any:
    if isinstance(x, OptimizeResult):
        result: Any = OptimizeResult()
        result.update({k: withheld(k, v, inputs) for k, v in x.items()})
        return result
    return withheld("callback's argument", np.array(x) if isinstance(x, np.ndarray) else x, inputs)


def optimize_result(
    outcome: Outcome, fields: dict[str, Any], traced_fields: dict[str, Any], inputs: Inputs,
    unknown: tuple[str, ...] = (),
) -> Any:  # fmt: skip
    """Return SciPy's result with x and other fields traced.

    What depends on the algorithm's steps alone has no derivative, and refuses one. Under jit there
    are only those of `fields`, and those of `unknown` say why they are not there.
    """
    result: Any = OptimizeResult()
    if outcome.scipy is None:
        result.update(zip(fields, outcome.results[2:], strict=True))
        result.update({key: Unavailable(key, UNDER_JIT, True) for key in ("message", *unknown)})
        result.update(traced_fields)
    else:
        for key, x in outcome.scipy.items():
            mine = traced_fields.get(key)
            result[key] = withheld(key, x, inputs) if mine is None and key != "x" else mine
    result.x = outcome.results[0]
    return result
