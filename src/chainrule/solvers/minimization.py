"""`minimize`: SciPy's algorithms with compiled derivatives, and a compiled L-BFGS."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import tree
from ..errors import DataError, GradientError, ShapeError, at_user_line
from ..graph.types import is_complex
from ..lazy import LazyModule
from ..trace.capture import as_array
from .constraints import with_derivatives
from .functions import Arguments, Function, arguments, function_of
from .layout import Layout, as_vector
from .lbfgs import minimize_lbfgs, serves

optimize = LazyModule("scipy.optimize")

TAKE_GRADIENT = {"cg", "bfgs", "newton-cg", "l-bfgs-b", "tnc", "slsqp", "dogleg", "trust-ncg",
                 "trust-krylov", "trust-exact", "trust-constr"}  # fmt: skip
TAKE_HESSIAN = {"dogleg", "trust-exact"}
TAKE_PRODUCT = {"newton-cg", "trust-ncg", "trust-krylov"}
_DENSE = 100  # up to so many unknowns `trust-constr` is given the Hessian, then its products


def minimize(
    fun: Callable[..., Any], x0: Any, args: Any = (), method: Any = None, jac: Any = None,
    hess: Any = None, hessp: Any = None, bounds: Any = None, constraints: Any = (),
    tol: float | None = None, callback: Callable[..., Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    """Minimise a scalar function with compiled derivatives.

    As `scipy.optimize.minimize`, whose algorithms run, but for these: where `jac` is left out, the
    gradient is ``jit(value_and_grad(fun))``; where `hess` and `hessp` are, and `method` takes one,
    the Hessian or its product with a vector comes from the same function; so do the Jacobians of
    constraints that have none. `x0` may be any tree of floating numbers. Method ``"L-BFGS-B"``
    without bounds and callback runs as one compiled loop.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns one number; x has the structure and the shapes of `x0`.
    x0 : pytree of float
        The first point. A list or a tuple of numbers is an array; inside all is float64.
    args : tuple
        Further arguments. Arrays and fractions may be others at the next call without a new
        compilation; counts, texts and functions decide which function it is.
    method : str or callable, optional
        One of SciPy's. Default: ``"BFGS"``; ``"L-BFGS-B"`` with bounds, ``"SLSQP"`` with
        constraints.
    jac : callable, bool or str, optional
        The gradient, as a tree like `x0` or as a vector; True if `fun` returns it beside the
        value; ``"2-point"`` and its like for SciPy's differences. Default: the compiled one.
    hess, hessp : callable or str, optional
        The Hessian, of shape (n, n) with the leaves of x one after the other, and its product
        ``hessp(x, p, *args)``. Default: compiled, where `method` takes one.
    bounds : sequence or `scipy.optimize.Bounds`, optional
        For the leaves of x one after the other.
    constraints : dict, constraint of SciPy, or sequence of them
        Their functions take x with the structure of `x0`.
    tol : float, optional
    callback : callable, optional
        ``callback(x)``, or ``callback(intermediate_result=...)``; x has the structure of `x0`.
    options : dict, optional

    Returns
    -------
    `scipy.optimize.OptimizeResult`
        `x` and `jac` have the structure and shapes of `x0`.

    Raises
    ------
    DataError
        If `x0` is not finite, or `fun` is nan at it.
    DtypeError
        If `x0` is of integers, or `fun` returns complex numbers.
    ShapeError
        If `fun` does not return one number, or `x0` is empty.
    GradientError, UnsupportedError
        If `fun` cannot be differentiated: give `jac`.

    Notes
    -----
    A function that reads nothing but its arguments, numbers and NumPy, or one under `jit`, is
    traced once; any other at each call, and it is compiled again only if the trace is another. The
    loop for L-BFGS: Nocedal and Wright, Numerical Optimization (2006), algorithms 7.4, 7.5, 3.5
    and 3.6.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> def rosenbrock(x):
    ...     return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    >>> result = cr.minimize(rosenbrock, np.array([-1.0, 2.0, 0.5]), method="trust-ncg")
    >>> result.success, result.x.round(4).tolist()
    (True, [1.0, 1.0, 1.0])
    >>> def loss(p):
    ...     return (p["a"] - 3.0) ** 2 + np.sum((p["b"] - p["a"]) ** 2)
    >>> found = cr.minimize(loss, {"a": 0.0, "b": np.zeros(2)}, method="L-BFGS-B").x
    >>> float(found["a"].round(4)), found["b"].round(4).tolist()
    (3.0, [3.0, 3.0])
    """
    problem = Objective(fun, x0, args)
    name = _name(method, bounds, constraints)
    options = dict(options or {})
    if jac is None and serves(name, bounds, constraints, callback, hess, hessp, options):
        function = problem.function()
        if function.compiled:
            problem.check(*function.value_and_gradient(problem.layout.start, *problem.leaves))
            result = minimize_lbfgs(function, problem.layout.start, problem.leaves, tol, options)
            return problem.restored(result)
    user: dict[str, Any] = {"jac": jac, "hess": hess, "hessp": hessp}
    target, derivatives = problem.derivatives(name, user)
    if constraints is not None and np.size(constraints):
        constraints = with_derivatives(constraints, problem.layout)
    result = optimize.minimize(
        target, problem.layout.start, method=method, bounds=bounds, constraints=constraints,
        tol=tol, callback=problem.callback(callback), options=options, **derivatives,
    )  # fmt: skip
    return problem.restored(result)


def _name(method: Any, bounds: Any, constraints: Any) -> str:
    """Return the method that SciPy would take, in small letters; nothing for one of the user's."""
    if callable(method):
        return ""
    if method is not None:
        return str(method).lower()
    if constraints is not None and np.size(constraints):
        return "slsqp"
    return "l-bfgs-b" if bounds is not None else "bfgs"


class Objective:
    """A function to be minimised, and what SciPy is handed for it.

    Attributes
    ----------
    layout : Layout
    leaves : list of array
        Of the further arguments those that are numbers.
    """

    def __init__(self, fun: Callable[..., Any], x0: Any, args: Any) -> None:
        if not callable(fun):
            raise TypeError(at_user_line(f"minimize: fun is {type(fun).__name__}, no function"))
        self.fun = fun
        self.layout = Layout(x0, "minimize: x0")
        self.args = args if isinstance(args, tuple) else (args,)
        self.split: Arguments = arguments(self.args, "minimize")
        self.leaves = self.split.leaves
        self._checked = False

    def function(self) -> Function:
        """Return the function of a vector, as a graph if it becomes one."""
        key = None if self.split.key is None else ("number", self.layout.key, self.split.key)
        fun, layout, restore = self.fun, self.layout, self.split.restore

        def call(x: Any, *leaves: Any) -> Any:
            return number(fun(layout.restore(x), *restore(leaves)))

        return function_of(fun, call, key, layout.n, self.leaves)

    def derivatives(
        self, name: str, user: Mapping[str, Any]
    ) -> tuple[Callable[..., Any], dict[str, Any]]:
        """Return the function for SciPy, and the derivatives that its method takes."""
        derivatives = {key: value for key, value in user.items() if value is not None}
        for key in ("hess", "hessp"):
            if callable(derivatives.get(key)):
                derivatives[key] = self._of_structure(derivatives[key], key)
        if user["jac"] is not None:
            if callable(user["jac"]):
                derivatives["jac"] = self._of_structure(user["jac"], "jac")
            return self._beside(self.fun) if user["jac"] is True else self.plain, derivatives
        if name and name not in TAKE_GRADIENT:
            return self.plain, derivatives
        function, leaves = self.function(), self.leaves
        derivatives["jac"] = True

        def both(x: Any) -> Any:
            value, slope = function.value_and_gradient(x, *leaves)
            if not self._checked:
                self.check(value, slope)
            return value, slope

        if not (user["hess"] is not None or user["hessp"] is not None):
            dense = name in TAKE_HESSIAN or (name == "trust-constr" and self.layout.n <= _DENSE)
            if dense or not name:
                derivatives["hess"] = lambda x: function.hessian(x, *leaves)
            elif name in TAKE_PRODUCT or name == "trust-constr":
                derivatives["hessp"] = lambda x, v: function.hessian_product(
                    x, np.asarray(v, float), *leaves
                )
        return both, derivatives

    def plain(self, x: Any) -> Any:
        """Return the value of the user's function for a vector."""
        value = number(self.fun(self.layout.restore(x), *self.args), floating=False)
        if not self._checked:
            self.check(value, np.zeros(0))
        return value

    def _beside(self, fun: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that gives its gradient, too, as SciPy takes it."""

        def both(x: Any) -> Any:
            value, slope = fun(self.layout.restore(x), *self.args)
            return number(value), self.layout.vector(slope, "minimize: the gradient")

        return both

    def _of_structure(self, derivative: Callable[..., Any], key: str) -> Callable[..., Any]:
        """Return a derivative of the user's as a function of a vector."""
        layout, args = self.layout, self.args
        if key == "jac":
            return lambda x: layout.vector(derivative(layout.restore(x), *args), "minimize: jac")
        if key == "hess":
            return lambda x: derivative(layout.restore(x), *args)
        return lambda x, v: layout.vector(
            derivative(layout.restore(x), layout.restore(v), *args), "minimize: hessp"
        )

    def check(self, value: Any, slope: Any) -> None:
        """Raise if there is no way down from the first point."""
        self._checked = True
        if np.isnan(value):
            raise DataError(at_user_line("minimize: fun is nan at x0: begin where it is defined"))
        if not np.isfinite(slope).all():
            wrong = int(np.argmin(np.isfinite(slope)))
            raise DataError(
                at_user_line(
                    f"minimize: the gradient of fun at x0 is {slope[wrong]} at position {wrong}: "
                    "begin where it has one"
                )
            )

    def callback(self, function: Callable[..., Any] | None) -> Callable[..., Any] | None:
        """Return a callback for SciPy, which is handed x with its structure."""
        if function is None or self.layout.is_vector:
            return function
        if set(inspect.signature(function).parameters) == {"intermediate_result"}:

            def named(intermediate_result: Any) -> Any:
                return function(intermediate_result=self.restored(intermediate_result))

            return named
        return lambda x, *more: function(self.layout.restore(x), *more)

    def restored(self, result: Any) -> Any:
        """Return SciPy's result with the structure of x0."""
        if not self.layout.is_vector:
            for key in ("x", "jac"):
                if np.shape(result.get(key)) == (self.layout.n,):
                    result[key] = self.layout.restore(result[key])
        return result


def number(result: Any, floating: bool = True) -> Any:
    """Return the one number that a function returned, of float64 if `floating`."""
    leaves: Sequence[Any] = tree.leaves(result)
    shapes = [np.shape(x) for x in leaves]
    if len(leaves) != 1 or np.prod(shapes[0]) != 1:
        listed = shapes[0] if len(shapes) == 1 else shapes
        raise ShapeError(
            at_user_line(f"minimize: fun returned {listed}, and must return one number: sum it")
        )
    value = as_array(leaves[0], "minimize: fun's result")
    if is_complex(value.dtype):
        if not floating:  # SciPy's complex step
            return np.reshape(value, ())[()]
        raise GradientError(
            at_user_line(f"minimize: fun returned {value.dtype}: minimise a real number")
        )
    return as_vector([value])[0]
