"""Linear least squares within bounds: `lsq_linear` and `nnls`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import UnsupportedError, at_user_line
from ..arrays import asarray
from ..call_arguments import COUNT, TRUTH, arguments_of
from ..closures import algorithm_rule, differentiable, plain
from .problem import Problem, sides
from .residual_sums import half_sum
from .results import optimize_result

_FIELDS = {"nit": COUNT, "success": TRUTH, "status": COUNT}


class _Linear(Problem):
    """The sum of the squares of A x - b, of which A and b are inputs, too."""

    def __init__(self, a: Any, b: Any, bounds: Any) -> None:
        if hasattr(a, "toarray") or hasattr(a, "matvec"):
            raise UnsupportedError(
                at_user_line("linear least squares with a sparse matrix or an operator")
            )
        a, b = asarray(a, float), asarray(b, float)
        super().__init__(np.zeros(a.shape[1]), bounds, half_sum)
        self.add("fun", lambda x: a @ x - b, ())
        self.matrix, self.right_side = self.inputs.array(a), self.inputs.array(b)

    def system(self, values: Sequence[Any]) -> tuple[Any, Any]:
        """Return A and b for SciPy."""
        return np.array(values[self.matrix]), np.array(values[self.right_side])


@algorithm_rule("scipy.optimize", "lsq_linear")
def _lsq_linear(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    bounds = sides(named.pop("bounds", (-np.inf, np.inf)))
    problem = _Linear(named.pop("A"), named.pop("b"), bounds)
    options = {k: plain(x, k) for k, x in named.items()}

    def solver(values: Sequence[Any]) -> tuple[Any, Any, Sequence[Any]]:
        result = original(*problem.system(values), **problem.options(values), **options)
        return result, result.x, [int(result[k]) for k in _FIELDS]

    outcome, closure = problem.find("lsq_linear", solver, _FIELDS)
    residual = differentiable(closure)(outcome.results[0])
    fields = {"fun": residual, "cost": 0.5 * np.sum(residual * residual)}
    return optimize_result(outcome, _FIELDS, fields, problem.inputs, ("optimality", "active_mask"))


@algorithm_rule("scipy.optimize", "nnls")
def _nnls(original: Any, *args: Any, **kwargs: Any) -> Any:
    named = arguments_of(original, args, kwargs)
    problem = _Linear(named.pop("A"), named.pop("b"), sides((0.0, np.inf)))
    options = {k: plain(x, k) for k, x in named.items()}

    def solver(values: Sequence[Any]) -> tuple[Any, Any, Sequence[Any]]:
        return None, original(*problem.system(values), **options)[0], ()

    outcome, closure = problem.find("nnls", solver, {})
    x = outcome.results[0]
    return x, np.linalg.norm(differentiable(closure)(x))
