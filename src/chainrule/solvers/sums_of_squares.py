"""`least_squares`: SciPy's with compiled Jacobians, and a compiled Levenberg-Marquardt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import tree
from ..errors import DataError, ShapeError, at_user_line
from ..lazy import LazyModule
from .functions import Function, arguments, function_of
from .layout import Layout, as_vector
from .levenberg_marquardt import levenberg_marquardt

optimize = LazyModule("scipy.optimize")

_DIFFERENCES = ("diff_step", "jac_sparsity", "workers")  # options that only those read
_EVALUATIONS = 1000  # for each unknown: SciPy allows 100, of which each costs more
_STATUS = {1: 2, 2: 3, 3: 4, 4: 1, 5: 0, 6: 2, 7: 3, 8: 1}  # SciPy's numbers for MINPACK's
_MESSAGES = {
    0: "The maximum number of function evaluations is exceeded.",
    1: "`gtol` termination condition is satisfied.",
    2: "`ftol` termination condition is satisfied.",
    3: "`xtol` termination condition is satisfied.",
    4: "Both `ftol` and `xtol` termination conditions are satisfied.",
}


def least_squares(
    fun: Callable[..., Any], x0: Any, jac: Any = None, bounds: Any = (-np.inf, np.inf),
    method: str = "trf", ftol: float | None = 1e-8, xtol: float | None = 1e-8,
    gtol: float | None = 1e-8, x_scale: Any = None, loss: Any = "linear", f_scale: float = 1.0,
    diff_step: Any = None, tr_solver: str | None = None,
    tr_options: Mapping[str, Any] | None = None, jac_sparsity: Any = None,
    max_nfev: int | None = None, verbose: int = 0, args: Any = (),
    kwargs: Mapping[str, Any] | None = None, callback: Callable[..., Any] | None = None,
    workers: Any = None,
) -> Any:  # fmt: skip
    """Minimise a sum of squares, or of another loss of them, with compiled Jacobians.

    As `scipy.optimize.least_squares`, but for these: where `jac` is left out it is the derivative
    of `fun`; `x0` may be any tree of floating numbers, and `fun` may return any tree. The methods
    ``"trf"`` and ``"lm"`` without bounds, with the linear loss, run as one compiled loop of
    Levenberg and Marquardt (Moré 1978), whose scales follow the Jacobian unless `x_scale` is given.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args, **kwargs)`` returns the residuals, in any shape.
    x0 : pytree of float
        The first point. A list or a tuple of numbers is an array; inside all is float64.
    jac : callable or str, optional
        ``jac(x, *args, **kwargs)`` of shape (m, n), or ``"2-point"`` and its like for SciPy's
        differences, which `diff_step`, `jac_sparsity` and `workers` choose, too. Default: compiled.
    bounds : pair or `scipy.optimize.Bounds`
        Numbers, arrays of shape (n,), or trees like `x0`. Default: none.
    method : {"trf", "dogbox", "lm"}
    ftol, xtol, gtol : float or None
        Tolerances of the cost, of x and of the gradient. Default 1e-8.
    x_scale : float, array or "jac", optional
    loss : str or callable
        Default ``"linear"``.
    f_scale : float
    max_nfev : int, optional
        Most evaluations of `fun`. Default: SciPy's, 100 n; 1000 n in the compiled loop.
    diff_step, tr_solver, tr_options, jac_sparsity, verbose, callback, workers
        As for SciPy.
    args, kwargs : tuple, dict
        Further arguments of `fun`.

    Returns
    -------
    `scipy.optimize.OptimizeResult`
        `x` has the structure and shapes of `x0`; `fun`, `jac`, `grad` and `active_mask` are
        arrays over residuals and over the leaves of x, one after the other.

    Raises
    ------
    DataError
        If `x0`, or the residuals or the Jacobian at it, are not finite.
    DtypeError
        If `x0` is of integers.
    ShapeError
        If there are no residuals, or fewer than unknowns with method ``"lm"``.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> t = np.linspace(0.0, 2.0, 9)
    >>> y = 3.0 * np.exp(-1.5 * t)
    >>> def residuals(p, t, y):
    ...     return p["height"] * np.exp(-p["rate"] * t) - y
    >>> result = cr.least_squares(residuals, {"height": 1.0, "rate": 1.0}, args=(t, y))
    >>> {name: float(value.round(6)) for name, value in result.x.items()}
    {'height': 3.0, 'rate': 1.5}
    """
    options = {
        "method": method, "ftol": ftol, "xtol": xtol, "gtol": gtol, "loss": loss,
        "f_scale": f_scale, "max_nfev": max_nfev, "verbose": verbose,
    }  # fmt: skip
    more = {
        "x_scale": x_scale, "diff_step": diff_step, "tr_solver": tr_solver,
        "tr_options": tr_options, "jac_sparsity": jac_sparsity, "callback": callback,
        "workers": workers,
    }  # fmt: skip
    options |= {key: value for key, value in more.items() if value is not None}
    if jac is None and any(key in options for key in _DIFFERENCES):
        jac = "2-point"
    layout = Layout(x0, "least_squares: x0")
    arguments_of = _as_tuple(args), dict(kwargs or {})
    if jac is not None:
        return _with_users_jacobian(fun, layout, jac, bounds, arguments_of, options)
    split = arguments(arguments_of, "least_squares")
    key = None if split.key is None else ("residuals", layout.key, split.key)

    def call(x: Any, *leaves: Any) -> Any:
        args, kwargs = split.restore(leaves)
        return as_vector(tree.leaves(fun(layout.restore(x), *args, **kwargs)))

    function, leaves = function_of(fun, call, key, layout.n, split.leaves), split.leaves
    first = function.value(layout.start, *leaves)
    _check(first, layout.n, method)
    if function.compiled and _serves(bounds, options):
        result = _in_one_loop(function, layout, first.size, leaves, options)
    else:
        slope = function.jacobian(first.size, layout.n)
        result = optimize.least_squares(
            lambda x: function.value(x, *leaves), layout.start, lambda x: slope(x, *leaves),
            _flat_bounds(bounds, layout), **_for_scipy(options, layout),
        )  # fmt: skip
    result.x = layout.restore(result.x)
    return result


def _as_tuple(args: Any) -> tuple[Any, ...]:
    return args if isinstance(args, tuple) else (args,)


def _check(first: Any, unknowns: int, method: str) -> None:
    """Raise if the residuals at the first point are none to begin with."""
    if not first.size:
        raise ShapeError(at_user_line("least_squares: fun returned no residuals"))
    if method == "lm" and first.size < unknowns:
        raise ShapeError(
            at_user_line(
                f"least_squares: {first.size} residuals for {unknowns} unknowns, and method 'lm' "
                "needs at least as many: take 'trf'"
            )
        )
    if not np.isfinite(first).all():
        wrong = int(np.argmin(np.isfinite(first)))
        raise DataError(at_user_line(f"least_squares: residual {wrong} is {first[wrong]} at x0"))


def _with_users_jacobian(
    fun: Callable[..., Any], layout: Layout, jac: Any, bounds: Any, arguments_of: Any,
    options: dict[str, Any],
) -> Any:  # fmt: skip
    """Run SciPy's algorithm with plain calls of what the user gave."""
    args, kwargs = arguments_of

    def plain(x: Any) -> Any:
        residuals = tree.leaves(fun(layout.restore(x), *args, **kwargs))
        return np.concatenate([np.ravel(r) for r in residuals])

    slope = jac if isinstance(jac, str) else lambda x: jac(layout.restore(x), *args, **kwargs)
    if jac != "cs":
        _check(plain(layout.start), layout.n, options["method"])
    result = optimize.least_squares(
        plain, layout.start, slope, _flat_bounds(bounds, layout), **_for_scipy(options, layout)
    )
    result.x = layout.restore(result.x)
    return result


def _for_scipy(options: dict[str, Any], layout: Layout) -> dict[str, Any]:
    """Return the options for SciPy: its callback is handed x with its structure."""
    callback = options.get("callback")
    if callback is None or layout.is_vector:
        return options

    def restored(intermediate_result: Any) -> Any:
        intermediate_result.x = layout.restore(intermediate_result.x)
        return callback(intermediate_result=intermediate_result)

    return {**options, "callback": restored}


def _flat_bounds(bounds: Any, layout: Layout) -> Any:
    """Return bounds for vectors; those that are trees like x0 become vectors."""
    if isinstance(bounds, optimize.Bounds) or len(bounds) != 2:
        return bounds
    return tuple([
        layout.vector(side, "least_squares: a bound")
        if tree.structure(side) == layout.treedef and not layout.is_vector
        and not np.isscalar(side) else side
        for side in bounds
    ])  # fmt: skip


def _serves(bounds: Any, options: dict[str, Any]) -> bool:
    """Return whether the loop does what these options ask for."""
    if isinstance(bounds, optimize.Bounds):
        bounds = bounds.lb, bounds.ub
    if len(bounds) != 2 or not all(isinstance(side, (int, float)) for side in bounds):
        return False
    unbounded = bounds[0] == -np.inf and bounds[1] == np.inf
    plain = not options.keys() & {"callback", "tr_solver", "tr_options"} and not options["verbose"]
    linear = isinstance(options["loss"], str) and options["loss"] == "linear"
    return unbounded and plain and linear and options["method"] in ("trf", "lm")


def _in_one_loop(
    function: Function, layout: Layout, rows: int, leaves: list[Any], options: dict[str, Any]
) -> Any:
    """Return the result of the compiled loop in SciPy's form."""
    n = layout.n
    scale = options.get("x_scale", "jac")
    adaptive = isinstance(scale, str)
    most = options["max_nfev"] or _EVALUATIONS * n
    settings = np.array([
        *[_tolerance(options, key) for key in ("ftol", "xtol", "gtol")],
        100.0 if options["method"] == "lm" else 1.0, most, adaptive, options["method"] == "trf",
    ])  # fmt: skip
    scales = np.ones(n) if adaptive else 1.0 / np.broadcast_to(np.asarray(scale, float), (n,))
    run = function.loop(("levenberg-marquardt", rows), levenberg_marquardt(rows, n))
    last, matrix = run(layout.start, settings, scales, *leaves)
    info = int(last.status)
    if info not in _STATUS:
        raise DataError(at_user_line("least_squares: the Jacobian of fun is not finite"))
    gradient = matrix.T @ last.residuals
    return optimize.OptimizeResult(
        x=last.x, cost=0.5 * float(last.norm) ** 2, fun=last.residuals, jac=matrix, grad=gradient,
        optimality=float(np.max(np.abs(gradient))), active_mask=np.zeros(n, int),
        nfev=int(last.evaluations), njev=int(last.jacobians), status=_STATUS[info],
        message=_MESSAGES[_STATUS[info]], success=_STATUS[info] > 0,
    )  # fmt: skip


def _tolerance(options: dict[str, Any], key: str) -> float:
    value = options[key]
    if value is not None and not value >= 0:
        raise ValueError(at_user_line(f"least_squares: {key} is {value}, and must not be below 0"))
    return 0.0 if value is None else float(value)
