"""`root`: SciPy's solvers of systems of equations with compiled Jacobians."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import tree
from ..errors import DataError, ShapeError, at_user_line
from ..lazy import LazyModule
from .functions import arguments, function_of
from .layout import Layout, as_vector

optimize = LazyModule("scipy.optimize")

_TAKE_JACOBIAN = ("hybr", "lm")


def root(
    fun: Callable[..., Any], x0: Any, args: Any = (), method: str = "hybr", jac: Any = None,
    tol: float | None = None, callback: Callable[..., Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    """Find where as many functions as there are unknowns are zero, with compiled Jacobians.

    As `scipy.optimize.root`, whose algorithms run; where `jac` is left out, the methods ``"hybr"``
    and ``"lm"`` are given the compiled derivative of `fun`, and `x0` may be any tree.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns as many numbers as `x0` has, in any structure.
    x0 : pytree of float
        The first point. A list or a tuple of numbers is an array; inside all is float64.
    args : tuple
        Further arguments of `fun`.
    method : str
        Default ``"hybr"``, Powell's hybrid method.
    jac : callable or bool, optional
        ``jac(x, *args)`` of shape (n, n); True if `fun` returns it beside its value; False for
        differences. Default: compiled.
    tol : float, optional
    callback : callable, optional
        ``callback(x, f)``, for methods that take one.
    options : dict, optional

    Returns
    -------
    `scipy.optimize.OptimizeResult`
        `x` has the structure and shapes of `x0`; `fun` is a vector of all equations.

    Raises
    ------
    DataError
        If `x0`, or `fun` at it, is not finite.
    DtypeError
        If `x0` is of integers.
    ShapeError
        If there are not as many equations as unknowns.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> float(cr.root(lambda x: np.cos(x) - x, 0.5).x.round(6))
    0.739085
    >>> def equations(p):
    ...     return p["x"] ** 2 + p["y"] ** 2 - 4.0, p["x"] - p["y"]
    >>> float(cr.root(equations, {"x": 1.0, "y": 2.0}).x["x"].round(6))
    1.414214
    """
    layout = Layout(x0, "root: x0")
    args = args if isinstance(args, tuple) else (args,)
    shaped = Result(layout)
    honoured = jac is not None
    if honoured or method not in _TAKE_JACOBIAN:
        target, slope = _plain(fun, layout, args, jac, shaped)
    else:
        split = arguments(args, "root")
        key = None if split.key is None else ("equations", layout.key, split.key)

        def call(x: Any, *leaves: Any) -> Any:
            return shaped.vector(fun(layout.restore(x), *split.restore(leaves)))

        function, leaves = function_of(fun, call, key, layout.n, split.leaves), split.leaves
        derivative = function.jacobian(layout.n, layout.n)
        target, slope = lambda x: function.value(x, *leaves), lambda x: derivative(x, *leaves)
        shaped.check(target(layout.start))
    if callback is not None and not layout.is_vector:
        plain_callback = callback

        def callback(x: Any, f: Any) -> Any:
            return plain_callback(layout.restore(x), f)

    result = optimize.root(
        target, layout.start, method=method, jac=slope, tol=tol, callback=callback,
        options=dict(options or {}),
    )  # fmt: skip
    result.x = layout.restore(np.reshape(result.x, (layout.n,)))
    return result


class Result:
    """What the equations return, as a vector."""

    def __init__(self, layout: Layout) -> None:
        self.n = layout.n

    def vector(self, result: Any) -> Any:
        """Return the numbers of a result; raise if they are not as many as the unknowns."""
        values = as_vector(tree.leaves(result))
        if values.shape != (self.n,):
            raise ShapeError(
                at_user_line(
                    f"root: fun returned {values.size} numbers for {self.n} unknowns: with more "
                    "equations than unknowns use least_squares"
                )
            )
        return values

    def check(self, values: Any) -> None:
        """Raise if the equations have no value at the first point."""
        if not np.isfinite(values).all():
            wrong = int(np.argmin(np.isfinite(values)))
            raise DataError(at_user_line(f"root: equation {wrong} is {values[wrong]} at x0"))


def _plain(
    fun: Callable[..., Any], layout: Layout, args: tuple[Any, ...], jac: Any, shaped: Result
) -> tuple[Callable[..., Any], Any]:
    """Return plain calls of what the user gave."""
    if jac is True:

        def both(x: Any) -> Any:
            value, slope = fun(layout.restore(x), *args)
            return shaped.vector(value), slope

        return both, True

    def target(x: Any) -> Any:
        return shaped.vector(fun(layout.restore(x), *args))

    shaped.check(target(layout.start))
    return target, (lambda x: jac(layout.restore(x), *args)) if callable(jac) else jac
