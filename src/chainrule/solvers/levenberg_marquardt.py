"""The algorithm of Levenberg and Marquardt as one compiled loop, step for step as MINPACK's.

More, The Levenberg-Marquardt algorithm: implementation and theory (1978), whose `lmder` this is.
Its parameter is found from eigenvalues of the scaled model, where MINPACK factors a matrix for each
trial: the equation for it is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..lazy import LazyModule
from ..transforms.looping.branches import while_loop
from .cholesky_qr import cholesky_qr
from .functions import Function, matrix_of

linalg = LazyModule("scipy.linalg")

EPSILON = 2.220446049250313e-16
_SMALLEST = 2.2250738585072014e-308
_LARGEST = 1e300  # a value that no test takes for a reduction
_NEGLIGIBLE = 1e-15  # of the largest eigenvalue: what rounding makes of 0
_ACCEPTED = 1e-4  # the ratio of reductions from which a step is taken
CONVERGED = (1, 2, 3, 4)


class Settings(NamedTuple):
    """What the loop is told.

    Attributes
    ----------
    ftol, xtol, gtol : float
        Tolerances of the sum of squares, of x and of the gradient.
    factor : float
        The first step's bound, by the size of x.
    most : int
        Evaluations of the function.
    adaptive : bool
        Whether scales grow with the columns of the Jacobian, and begin with them.
    absolute : bool
        Whether the gradient's largest entry is compared, in place of the cosine.
    scale : float64[n]
        The scale of each unknown.
    """

    ftol: Any
    xtol: Any
    gtol: Any
    factor: Any
    most: Any
    adaptive: Any
    absolute: Any
    scale: Any


class State(NamedTuple):
    """Where the loop is.

    Attributes
    ----------
    x, residuals : float64[n], float64[m]
    norm : float
        The Euclidean norm of the residuals.
    scale : float64[n]
    radius, damping : float
        How long a scaled step may be, and the parameter of Levenberg and Marquardt.
    evaluations, jacobians, status : int
    gradient : float
        What the tolerance of the gradient is compared with.
    """

    x: Any
    residuals: Any
    norm: Any
    scale: Any
    radius: Any
    damping: Any
    evaluations: Any
    jacobians: Any
    status: Any
    gradient: Any


class _Trial(NamedTuple):
    """A step that is tried: the state after it, and whether it was taken."""

    state: State
    taken: Any


def levenberg_marquardt(rows: int, columns: int) -> Callable[[Function], Callable[..., Any]]:
    """Return what makes the loop of a function of `columns` unknowns with `rows` residuals.

    The loop is called with x, the numbers of `Settings` but the scale as one array, the scale, and
    the function's further arguments. It gives the last `State`, and the Jacobian at its x.
    """

    def of(function: Function) -> Callable[..., Any]:
        def solved(x: Any, numbers: Any, scale: Any, *leaves: Any) -> Any:
            ftol, xtol, gtol, factor, most, adaptive, absolute = [numbers[k] for k in range(7)]
            settings = Settings(ftol, xtol, gtol, factor, most, adaptive != 0, absolute != 0, scale)

            def residuals(x: Any) -> Any:
                return function.call(x, *leaves)

            slopes = matrix_of(residuals, rows, columns)
            start = residuals(x)
            zero = np.float64(0.0)
            state = State(
                x, start, _norm(start), settings.scale, zero, zero, np.int64(1), np.int64(0),
                np.int64(0), zero,
            )  # fmt: skip
            last = while_loop(
                lambda state: state.status == 0,
                lambda state: _iterated(state, settings, residuals, slopes), state,
            )  # fmt: skip
            return last, slopes(last.x)

        return solved

    return of


def _norm(x: Any) -> Any:
    """Return the Euclidean norm of residuals, also where squares overflow."""
    size = np.max(np.abs(x))
    safe = np.where((size > 1e-150) & (size < 1e150), 1.0, np.where(size > 0, size, 1.0))
    return safe * np.sqrt(np.sum((x / safe) ** 2))


def _length(x: Any) -> Any:
    return np.sqrt(np.sum(x * x))


def _iterated(
    state: State, settings: Settings, residuals: Callable[[Any], Any],
    slopes: Callable[[Any], Any],
) -> State:  # fmt: skip
    """One Jacobian, and steps from it until one is taken."""
    matrix = slopes(state.x)
    lengths = np.sqrt(np.sum(matrix * matrix, axis=0))
    first = state.jacobians == 0
    begun = np.where(lengths == 0, 1.0, lengths)
    scale = np.where(first, begun, np.maximum(state.scale, lengths))
    scale = np.where(settings.adaptive, scale, settings.scale)
    size = _length(scale * state.x)
    radius = np.where(first, settings.factor * np.where(size > 0, size, 1.0), state.radius)
    gradient = _slope(matrix, lengths, state, settings)
    flat = gradient <= settings.gtol
    broken = ~np.all(np.isfinite(matrix))
    model = _modelled(np.where(broken, 0.0, matrix / scale), state.residuals)
    begin = state._replace(
        scale=scale, radius=radius, jacobians=state.jacobians + 1, gradient=gradient,
        status=np.where(broken, 9, np.where(flat, 4, 0)),
    )  # fmt: skip

    def tried(trial: _Trial) -> _Trial:
        now = trial.state
        damping = _damping(model, now.radius, now.damping)
        damped = model.vectors @ (model.slopes / _positive(model.values + damping))
        scaled = -np.where(damping == 0, model.newton, damped)
        return _judged(
            now, settings, residuals(now.x + scaled / scale), scaled, damping,
            _length(model.matrix @ scaled), first,
        )  # fmt: skip

    return while_loop(
        lambda trial: ~trial.taken & (trial.state.status == 0), tried,
        _Trial(begin, np.bool_(False)),
    ).state  # fmt: skip


def _slope(matrix: Any, lengths: Any, state: State, settings: Settings) -> Any:
    """Return the largest entry of the gradient, or the largest cosine with a column."""
    gradient = np.sum(matrix * state.residuals[:, None], axis=0)
    cosines = np.abs(gradient) / _positive(lengths * state.norm)
    cosines = np.where((lengths == 0) | (state.norm == 0), 0.0, cosines)
    return np.max(np.where(settings.absolute, np.abs(gradient), cosines))


def _positive(x: Any) -> Any:
    return np.where(x > 0, x, 1.0)


class _Model(NamedTuple):
    """The linear model of the residuals in scaled unknowns.

    Attributes
    ----------
    matrix : float64[m, n]
        The Jacobian.
    newton : float64[n]
        The step of Gauss and Newton, with the other sign.
    values, vectors : float64[n], float64[n, n]
        Eigenvalues and eigenvectors of ``r.T @ r``.
    slopes : float64[n]
        The gradient along these.
    """

    matrix: Any
    newton: Any
    values: Any
    vectors: Any
    slopes: Any


def _modelled(matrix: Any, residuals: Any) -> _Model:
    """Return the model. Steps without damping, by which the last digits come, are from `r`.

    Where columns depend on each other that is the shortest step.
    """
    q, r = cholesky_qr(matrix)
    projected = q.T @ residuals
    diagonal = np.abs(np.diagonal(r))
    singular = ~(np.min(diagonal) > EPSILON * np.max(diagonal))
    values, vectors = np.linalg.eigh(np.where(singular, matrix.T @ matrix, r.T @ r))
    values = np.maximum(values, 0.0)
    large = ~singular | (values > _NEGLIGIBLE * values[-1])
    gradient = np.where(singular, matrix.T @ residuals, r.T @ projected)
    slopes = np.where(large, vectors.T @ gradient, 0.0)
    shortest = vectors @ (slopes / np.where(large, _positive(values), 1.0))
    newton = linalg.solve_triangular(np.where(singular, np.eye(r.shape[0]), r), projected)
    return _Model(matrix, np.where(singular, shortest, newton), values, vectors, slopes)


def _damping(model: _Model, radius: Any, before: Any) -> Any:
    """Return the parameter for which the step is as long as the radius, to a tenth (`lmpar`).

    0 if the step of Gauss and Newton is no longer than that.
    """
    values, slopes = model.values, model.slopes
    sound = values[0] > 1e-13 * values[-1]
    newton = _length(model.newton)
    excess = newton - radius
    bent = np.sum(np.where(sound, slopes**2 / _positive(values) ** 3, 0.0))
    lower = np.where(sound, excess * newton**2 / _positive(bent * radius), 0.0)
    steepest = _length(slopes)
    upper = steepest / radius
    upper = np.where(upper == 0, _SMALLEST / np.minimum(radius, 0.1), upper)
    begin = np.minimum(np.maximum(before, lower), upper)
    begin = np.where(begin == 0, steepest / _positive(newton), begin)

    def improved(search: Any) -> Any:
        par, low, high, count, _ = search
        par = np.where(par == 0, np.maximum(_SMALLEST, 0.001 * high), par)
        shifted = values + par
        step = slopes / shifted
        length = _length(step)
        over = length - radius
        near = (np.abs(over) <= 0.1 * radius) | (count >= 9)
        change = over * length**2 / _positive(radius * np.sum(step * step / shifted))
        low = np.where(over > 0, np.maximum(low, par), low)
        high = np.where(over < 0, np.minimum(high, par), high)
        after = np.where(near, par, np.maximum(low, par + change))
        return after, low, high, count + 1, near

    fits = excess <= 0.1 * radius
    last = while_loop(
        lambda search: ~search[4], improved,
        (begin, np.maximum(lower, 0.0), upper, np.int64(0), fits),
    )  # fmt: skip
    return np.where(fits, 0.0, last[0])


def _judged(
    now: State, settings: Settings, residuals: Any, scaled: Any, damping: Any, linear: Any,
    first: Any,
) -> _Trial:  # fmt: skip
    """Take a step or not, by how much of the reduction that the model promised came true."""
    length = _length(scaled)
    radius = np.where(first & (now.evaluations == 1), np.minimum(now.radius, length), now.radius)
    norm = _norm(residuals)
    norm = np.where(np.isfinite(norm), norm, _LARGEST)
    before = _positive(now.norm)
    actual = np.where(0.1 * norm < now.norm, 1.0 - (norm / before) ** 2, -1.0)
    model, damped = (linear / before) ** 2, damping * (length / before) ** 2
    promised = model + 2.0 * damped
    ratio = np.where(promised == 0, 0.0, actual / _positive(promised))
    slope = -(model + damped)
    below = slope + 0.5 * actual
    factor = np.where(actual >= 0, 0.5, 0.5 * slope / np.where(below == 0, 1.0, below))
    factor = np.where((0.1 * norm >= now.norm) | (factor < 0.1), 0.1, factor)
    poor, good = ratio <= 0.25, (damping == 0) | (ratio >= 0.75)
    radius = np.where(
        poor, factor * np.minimum(radius, 10.0 * length), np.where(good, 2.0 * length, radius)
    )
    damping = np.where(poor, damping / factor, np.where(good, 0.5 * damping, damping))
    taken = ratio >= _ACCEPTED
    x = np.where(taken, now.x + scaled / now.scale, now.x)
    evaluations = now.evaluations + 1
    status = _status(
        settings, actual, promised, ratio, radius, _length(now.scale * x), evaluations, now.gradient
    )
    return _Trial(
        now._replace(
            x=x, residuals=np.where(taken, residuals, now.residuals),
            norm=np.where(taken, norm, now.norm), radius=radius, damping=damping,
            evaluations=evaluations, status=status,
        ),
        taken,
    )  # fmt: skip


def _status(
    settings: Settings, actual: Any, promised: Any, ratio: Any, radius: Any, size: Any,
    evaluations: Any, gradient: Any,
) -> Any:  # fmt: skip
    """Return MINPACK's `info`: 0 to go on, 1 to 4 if a tolerance is met, from 5 on why it stops."""

    def small(tolerance: Any) -> Any:
        return (np.abs(actual) <= tolerance) & (promised <= tolerance) & (0.5 * ratio <= 1)

    reduced, short = small(settings.ftol), radius <= settings.xtol * size
    status = np.where(gradient <= EPSILON, 8, 0)
    status = np.where(radius <= EPSILON * size, 7, status)
    status = np.where(small(EPSILON), 6, status)
    status = np.where(evaluations >= settings.most, 5, status)
    status = np.where(short, 2, status)
    return np.where(reduced, np.where(short, 3, 1), status)
