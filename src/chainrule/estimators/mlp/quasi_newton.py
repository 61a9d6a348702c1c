"""L-BFGS as SciPy's L-BFGS-B does it where no variable has bounds, with less around each step.

R. H. Byrd, P. Lu, J. Nocedal, C. Zhu: "A limited memory algorithm for bound constrained
optimization", SIAM J. Sci. Comput. 16 (1995). Without bounds its steps are those of L-BFGS, with
Moré and Thuente's line search; order and constants of all tests are those of SciPy, so that both
differ by rounding alone. SciPy's own takes 0.3 ms a step around the function for 3,000 variables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.linalg import lapack

from .line_search import LineSearch

MEMORY = 10  # steps that are remembered
MOST_TRIALS = 20  # of a line search
REDUCTION = 2.2204460492503131e-09  # of the value, relatively: less ends the search
EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Minimum:
    """What was found: as much of SciPy's `OptimizeResult` as is asked for."""

    x: Any
    fun: float
    nit: int
    status: int
    message: str


class Pairs:
    """The last steps and the changes of the gradient along them: an approximate inverse Hessian.

    Its compact form: R. H. Byrd, J. Nocedal, R. B. Schnabel: "Representations of quasi-Newton
    matrices and their use in limited memory methods", Math. Program. 63 (1994), theorem 2.2.
    """

    def __init__(self, size: int) -> None:
        self._steps, self._changes = np.zeros((2, MEMORY, size))
        # Inner products, from the oldest pair to the latest
        self._steps_changes, self._squares = np.zeros((2, MEMORY, MEMORY))
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._order: list[int] = []  # the rows of the pairs
        self._scale = 1.0

    def __bool__(self) -> bool:
        return bool(self._order)

    def add(self, step: Any, change: Any, product: float) -> None:
        """Remember a step; `product` is that of both."""
        if len(self._order) == MEMORY:  # the oldest makes way
            self._order.append(self._order.pop(0))
            for products in (self._steps_changes, self._squares):
                products[:-1, :-1] = products[1:, 1:].copy()
        else:
            self._order.append(len(self._order))
        order, count = self._order, len(self._order)
        last = count - 1
        self._steps[order[last]], self._changes[order[last]] = step, change
        self._steps_changes[:count, last] = (self._steps[:count] @ change)[order]
        self._steps_changes[last, last] = product
        squares = (self._changes[:count] @ change)[order]
        self._squares[last, :count] = self._squares[:count, last] = squares
        self._scale = product / float(squares[last])

    def times(self, gradient: Any) -> Any:
        """The approximate inverse Hessian times a vector."""
        if not self._order:
            return gradient
        order, count, scale = self._order, len(self._order), self._scale
        steps, changes = self._steps[:count], self._changes[:count]
        triangle = self._steps_changes[:count, :count]
        along = lapack.dtrtrs(triangle, (steps @ gradient)[order])[0]
        inner = np.diagonal(triangle) * along + scale * (
            self._squares[:count, :count] @ along - (changes @ gradient)[order]
        )
        back = lapack.dtrtrs(triangle, inner, trans=1)[0]
        of_steps, of_changes = np.empty((2, count))
        of_steps[order], of_changes[order] = back, along
        return scale * (gradient - of_changes @ changes) + of_steps @ steps


def minimize(
    function: Callable[[Any], tuple[float, Any]], x: Any, *, gtol: float, maxiter: int, maxfun: int
) -> Minimum:
    """Make a function small, from a first x on.

    Parameters
    ----------
    function : callable
        Its value and its gradient.
    gtol : float
        The largest entry of a gradient that counts as 0.
    maxiter, maxfun : int
        Of steps and of evaluations: the search ends after the step that reaches either.
    """
    pairs = Pairs(len(x))
    value, gradient = function(x)
    evaluations, steps = 1, 0
    if np.max(np.abs(gradient)) <= gtol:
        return _ended(x, value, 0, "GRADIENT")
    while True:
        direction = -pairs.times(gradient)
        slope = float(gradient @ direction)
        first = 1.0 if steps else min(1.0 / sqrt(float(direction @ direction)), 1e10)
        search = LineSearch(value, slope, first)
        decided = not slope < 0.0
        trials = 0
        while not decided and trials < MOST_TRIALS:
            step = direction if search.size == 1.0 else search.size * direction
            new_x = x + step
            new_value, new_gradient = function(new_x)
            trials += 1
            new_slope = float(new_gradient @ direction)
            size = search.size
            decided = search.ends_with(new_value, new_slope)
        evaluations += trials
        if not decided or not trials:
            if not pairs:
                return _ended(x, value, steps, "ABNORMAL")
            pairs.forget()  # once more from the gradient alone
            continue
        change, product = new_gradient - gradient, (new_slope - slope) * size
        fell = value - new_value
        largest = max(abs(value), abs(new_value), 1.0)
        x, value, gradient = new_x, new_value, new_gradient
        steps += 1
        if steps >= maxiter:
            return _ended(x, value, steps, "ITERATIONS")
        if evaluations > maxfun:
            return _ended(x, value, steps, "EVALUATIONS")
        if np.max(np.abs(gradient)) <= gtol:
            return _ended(x, value, steps, "GRADIENT")
        if fell <= REDUCTION * largest:
            return _ended(x, value, steps, "REDUCTION")
        if product > EPSILON * -slope * size:
            pairs.add(step, change, product)


_ENDS = {
    "GRADIENT": (0, "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL"),
    "REDUCTION": (0, "CONVERGENCE: RELATIVE REDUCTION OF F <= FACTR*EPSMCH"),
    "ITERATIONS": (1, "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT"),
    "EVALUATIONS": (1, "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT"),
    "ABNORMAL": (2, "ABNORMAL: "),
}


def _ended(x: Any, value: float, steps: int, reason: str) -> Minimum:
    """The result, with SciPy's words for why it ended."""
    status, message = _ENDS[reason]
    return Minimum(x, value, steps, status, message)
