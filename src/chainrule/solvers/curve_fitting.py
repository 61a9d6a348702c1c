"""`curve_fit`: SciPy's with compiled Jacobians, and a compiled Levenberg-Marquardt."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DataError, ShapeError, at_user_line
from ..lazy import LazyModule
from ..trace.capture import as_array
from .cholesky_qr import cholesky_qr
from .functions import Arguments, Function, arguments, function_of
from .layout import as_vector
from .levenberg_marquardt import CONVERGED, EPSILON, levenberg_marquardt

linalg = LazyModule("scipy.linalg")
optimize = LazyModule("scipy.optimize")

_TOLERANCE = 1.49012e-8  # of MINPACK's interface in SciPy
_OF_LOOP = {"ftol", "xtol", "gtol", "maxfev", "factor"}
_FAILURES = {
    5: "Number of calls to function has reached maxfev = {most}.",
    6: "ftol={ftol} is too small, no further reduction in the sum of squares is possible.",
    7: "xtol={xtol} is too small, no further improvement in the approximate solution is possible.",
    8: "gtol={gtol} is too small, func(x) is orthogonal to the columns of the Jacobian.",
    9: "the Jacobian is not finite.",
}


def curve_fit(
    f: Callable[..., Any], xdata: Any, ydata: Any, p0: Any = None, sigma: Any = None,
    absolute_sigma: bool = False, check_finite: bool | None = None,
    bounds: Any = (-np.inf, np.inf), method: str | None = None, jac: Any = None, *,
    full_output: bool = False, nan_policy: str | None = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """Fit a function of data and of parameters by least squares, with compiled Jacobians.

    As `scipy.optimize.curve_fit`, whose options all hold, but that `jac` is the compiled derivative
    of `f` where it is left out. Without bounds, with `sigma` of one axis or none, the fit runs as
    one compiled loop: MINPACK's algorithm, step for step (Moré 1978).

    Parameters
    ----------
    f : callable
        ``f(xdata, *parameters)`` returns an array like `ydata`.
    xdata : array or object
        Of shape (m,) or (k, m), or whatever `f` takes.
    ydata : float[m]
    p0 : sequence of n numbers, optional
        The first parameters. Default: ones, inside the bounds; n from the signature of `f`.
    sigma : number, float[m] or float[m, m], optional
        Standard deviations of `ydata`, or their covariance.
    absolute_sigma : bool
        Whether `sigma` is taken as it is, and not scaled to the residuals. Default False.
    check_finite : bool, optional
        Whether nan and infinities in the data are errors. Default True without `nan_policy`.
    bounds : pair or `scipy.optimize.Bounds`
    method : {"lm", "trf", "dogbox"}, optional
        Default ``"lm"``, or ``"trf"`` with bounds.
    jac : callable or str, optional
        ``jac(xdata, *parameters)`` of shape (m, n), or ``"2-point"`` and its like for differences.
    full_output : bool
        Whether to return `infodict`, `mesg` and `ier`, too. Default False.
    nan_policy : {"raise", "omit"}, optional
    **kwargs
        Of `scipy.optimize.leastsq` for ``"lm"``, else of `scipy.optimize.least_squares`.

    Returns
    -------
    popt : float64[n]
    pcov : float64[n, n]
        Their covariance; infinite, with a warning, where it cannot be estimated.
    infodict, mesg, ier : dict, str, int
        If `full_output`.

    Raises
    ------
    RuntimeError
        If no minimum is reached.
    DataError
        If the data, or `f` at the first parameters, are not finite.
    ShapeError
        If `f` does not return as many numbers as `ydata` has, or there are fewer than parameters.

    Examples
    --------
    >>> import numpy as np
    >>> import chainrule as cr
    >>> def decay(t, height, rate):
    ...     return height * np.exp(-rate * t)
    >>> t = np.linspace(0.0, 2.0, 9)
    >>> y = decay(t, 3.0, 1.5) + 0.1 * np.cos(20.0 * t)
    >>> popt, pcov = cr.curve_fit(decay, t, y)
    >>> popt.round(3).tolist(), np.sqrt(np.diag(pcov)).round(3).tolist()
    ([3.082, 1.566], [0.066, 0.058])
    """
    strict = check_finite if check_finite is not None else nan_policy is None
    if isinstance(xdata, (list, tuple, np.ndarray)):
        xdata = _data(xdata, "xdata", strict)
    ydata = _data(ydata, "ydata", strict)
    if not ydata.size:
        raise ShapeError(at_user_line("curve_fit: ydata is empty"))
    model = Model(f, ydata, strict)
    if jac is None and not full_output and nan_policy is None and kwargs.keys() <= _OF_LOOP:
        start = None if p0 is None else np.atleast_1d(np.ascontiguousarray(p0, float))
        weights = _weights(sigma, ydata)
        if method in (None, "lm") and weights is not None and _unbounded(bounds):
            if start is None:
                start = np.ones(_count(f))
            if start.size <= ydata.size and start.ndim == 1:
                result = model.fitted(start, xdata, weights, absolute_sigma, kwargs)
                if result is not None:
                    return result
    return model.fitted_by_scipy(
        xdata, p0=p0, sigma=sigma, absolute_sigma=absolute_sigma, check_finite=check_finite,
        bounds=bounds, method=method, jac=jac, full_output=full_output, nan_policy=nan_policy,
        **kwargs,
    )  # fmt: skip


def _data(values: Any, name: str, strict: bool) -> Any:
    array = np.ascontiguousarray(values, float)
    if strict and not np.isfinite(array).all():
        raise DataError(
            at_user_line(
                f"curve_fit: {name} has nan or infinities: leave these rows out, or give "
                'nan_policy="omit"'
            )
        )
    return array


def _weights(sigma: Any, ydata: Any) -> Any:
    """Return what residuals are multiplied with; None for a covariance or a wrong shape."""
    if sigma is None:
        return np.ones(1)
    sigma = np.asarray(sigma, float)
    if sigma.size == 1:
        return np.reshape(1.0 / sigma, (1,))
    return 1.0 / sigma if sigma.shape == (ydata.size,) else None


def _unbounded(bounds: Any) -> bool:
    """Return whether there are no bounds, of two numbers each for all parameters."""
    if not isinstance(bounds, tuple) or not all(isinstance(side, float) for side in bounds):
        return False
    return bounds == (-np.inf, np.inf)


def _count(f: Callable[..., Any]) -> int:
    """Return how many parameters a function names after its data."""
    parameters = inspect.signature(f).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    count = sum(p.kind in kinds for p in parameters) - 1
    if count < 1 or any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        raise ValueError(
            at_user_line("curve_fit: f does not say how many parameters it takes: give p0")
        )
    return count


class Model:
    """The function that is fitted to `ydata`."""

    def __init__(self, f: Callable[..., Any], ydata: Any, strict: bool) -> None:
        self.f, self.ydata, self.strict = f, ydata, strict

    def fitted(
        self, start: Any, xdata: Any, weights: Any, absolute_sigma: bool, options: dict[str, Any]
    ) -> Any:
        """Return parameters and covariance from the compiled loop; None if no graph is made."""
        n, m, ydata, f = start.size, self.ydata.size, self.ydata, self.f
        split = arguments(xdata, "curve_fit")
        shape = ydata.shape

        def call(x: Any, y: Any, weights: Any, *leaves: Any) -> Any:
            predicted = _as_array(f(split.restore(leaves), *[x[k] for k in range(n)]))
            _check_shape(predicted, shape)
            return as_vector([(predicted - y) * weights])

        key = None if split.key is None else ("fit", split.key)
        leaves = [ydata, weights, *split.leaves]
        function = function_of(f, call, key, n, leaves)
        if not function.compiled:
            return None
        tolerances = [options.get("ftol", _TOLERANCE), options.get("xtol", _TOLERANCE),
                      options.get("gtol", 0.0)]  # fmt: skip
        most = options.get("maxfev", 0) or 200 * (n + 1)
        settings = np.array([*tolerances, options.get("factor", 100.0), most, 1.0, 0.0])
        run = function.loop(("curve", m), _with_covariance(m, n))
        x, covariance, numbers = run(start, settings, np.ones(n), *leaves)
        info, norm, singular = int(numbers[0]), numbers[1], numbers[2]
        if info not in CONVERGED:
            _raise(info, norm, x, tolerances, most)
        if singular or (not absolute_sigma and m <= n):
            warnings.warn(
                "Covariance of the parameters could not be estimated",
                optimize.OptimizeWarning, stacklevel=3,
            )  # fmt: skip
            covariance = np.full((n, n), np.inf)
        elif not absolute_sigma:
            covariance *= norm**2 / (m - n)
        return x, covariance

    def fitted_by_scipy(self, xdata: Any, **options: Any) -> Any:
        """Return what SciPy's algorithm gives with the compiled function and its Jacobian."""
        f = self.f
        if options["jac"] is not None:
            by_minpack = options["method"] in (None, "lm") and _unbounded(options["bounds"])
            if isinstance(options["jac"], str) and by_minpack:
                options["jac"] = None  # which says the same to MINPACK
            return optimize.curve_fit(f, xdata, self.ydata, **options)
        functions: dict[Any, tuple[Function, Arguments]] = {}

        def prepared(data: Any, n: int) -> tuple[Function, Arguments]:
            name = np.shape(data), n  # other rows after those with nan are left out
            if name not in functions:
                functions[name] = _model(f, data, n)
            return functions[name]

        def value(data: Any, *parameters: Any) -> Any:
            function, split = prepared(data, len(parameters))
            return function.value(np.array(parameters, float), *split.leaves)

        def slope(data: Any, *parameters: Any) -> Any:
            function, split = prepared(data, len(parameters))
            rows = np.size(value(data, *parameters))
            x = np.array(parameters, float)
            return function.jacobian(rows, x.size)(x, *split.leaves)

        if options["p0"] is None:
            value.__signature__ = inspect.signature(f)  # type: ignore[attr-defined]
        return optimize.curve_fit(value, xdata, self.ydata, **{**options, "jac": slope})


def _raise(info: int, norm: Any, x: Any, tolerances: list[Any], most: int) -> None:
    """Raise what went wrong."""
    if np.isnan(norm) or info == 9:
        raise DataError(
            at_user_line(
                f"curve_fit: f or its derivative is not finite at the parameters {x}: begin with "
                "others"
            )
        )
    names = dict(zip(("ftol", "xtol", "gtol"), tolerances, strict=True))
    reason = _FAILURES[info].format(most=most, **names)
    raise RuntimeError(f"Optimal parameters not found: {reason}")


def _model(f: Callable[..., Any], data: Any, n: int) -> tuple[Function, Arguments]:
    """Return the function of the parameters and of the numbers in the data."""
    split = arguments(data, "curve_fit")

    def call(x: Any, *leaves: Any) -> Any:
        return as_vector([_as_array(f(split.restore(leaves), *[x[k] for k in range(n)]))])

    key = None if split.key is None else ("model", split.key)
    return function_of(f, call, key, n, split.leaves), split


def _as_array(predicted: Any) -> Any:
    """Return a prediction as an array, also one that is a list of numbers."""
    return as_vector(predicted) if isinstance(predicted, (list, tuple)) else predicted


def _check_shape(predicted: Any, shape: tuple[int, ...]) -> None:
    """Raise unless a prediction is one for each number of the data, or one for all."""
    got = as_array(predicted, "curve_fit: what f returned").shape
    if got not in (shape, (), (1,)):
        raise ShapeError(
            at_user_line(f"curve_fit: f returned an array of shape {got}, and ydata has {shape}")
        )


def _with_covariance(rows: int, columns: int) -> Callable[[Function], Callable[..., Any]]:
    """Return what makes the loop of a function, which gives the inverse of J.T J with its state."""
    make = levenberg_marquardt(rows, columns)

    def of(function: Function) -> Callable[..., Any]:
        solved = make(function)

        def fit(*arguments: Any) -> Any:
            last, matrix = solved(*arguments)
            lengths = np.sqrt(np.sum(matrix * matrix, axis=0))
            lengths = np.where(lengths > 0, lengths, 1.0)
            sound = np.all(np.isfinite(matrix))
            _, r = cholesky_qr(np.where(sound, matrix / lengths, 1.0))
            diagonal = np.abs(np.diagonal(r))
            singular = ~(sound & (np.min(diagonal) > EPSILON * rows * np.max(diagonal)))
            unit = np.eye(columns)
            inverse = linalg.solve_triangular(np.where(singular, unit, r), unit) / lengths[:, None]
            numbers = np.stack([last.status * 1.0, last.norm, singular * 1.0])
            return last.x, inverse @ inverse.T, numbers

        return fit

    return of
