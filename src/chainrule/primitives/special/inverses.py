"""Parameters of distributions by a probability: the inverses of distribution functions.

Each is the solution u of F(u, ...) = p, so its slopes are quotients of slopes of F.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...graph.node import Primitive
from .declaration import ANYWHERE, POSITIVE, UNIT, special
from .distributions import (
    fisher_slopes,
    student_density,
    student_slope_by_df,
)
from .error_functions import ndtri, normal_density
from .incomplete_beta import beta_density, betainc_shape_slopes
from .incomplete_gamma import gamma_density, gammainc_slope_by_shape

_SOME = (0.5, 3.0)
Slopes = Callable[..., Sequence[Any]]


def _solution(
    name: str, slopes: Slopes, unknown: int, probability: int, *domain: tuple[float, float]
) -> Primitive:
    """Declare a solution from the slopes of F.

    ``slopes(*xs)`` gets the arguments of the ufunc with the solution in place of the probability,
    and gives the slopes of F in the same order, with that by the solution first.
    """

    def partial(k: int, u: Any, xs: Sequence[Any]) -> Callable[[], Any]:
        def compute() -> Any:
            others = [x for j, x in enumerate(xs) if j != probability]
            by_solution, *by_others = slopes(*others[:unknown], u, *others[unknown:])
            if k == probability:
                return 1.0 / by_solution
            return -by_others[k - (k > probability)] / by_solution

        return compute

    return special(
        name,
        lambda u, *xs: tuple(partial(k, u, xs) for k in range(len(xs))),
        *domain,
    )


def _gamma_slopes(a: Any, b: Any, x: Any) -> tuple[Any, Any, Any]:
    """Return the slopes of gammainc(b, a x) by a, b and x."""
    density = gamma_density(b, a * x)
    return x * density, gammainc_slope_by_shape(b, a * x), a * density


def _by_rate(a: Any, b: Any, x: Any) -> Sequence[Any]:
    return _gamma_slopes(a, b, x)


def _by_shape_parameter(a: Any, b: Any, x: Any) -> Sequence[Any]:
    by_a, by_b, by_x = _gamma_slopes(a, b, x)
    return by_b, by_a, by_x


def _by_degrees(v: Any, x: Any) -> Sequence[Any]:
    return 0.5 * gammainc_slope_by_shape(0.5 * v, 0.5 * x), 0.5 * gamma_density(0.5 * v, 0.5 * x)


def _by_poisson_count(k: Any, m: Any) -> Sequence[Any]:
    return -gammainc_slope_by_shape(k + 1.0, m), -gamma_density(k + 1.0, m)


_solution("gdtria", _by_rate, 0, 0, UNIT, POSITIVE, POSITIVE)
_solution("gdtrib", _by_shape_parameter, 1, 1, POSITIVE, UNIT, POSITIVE)
_solution("chdtriv", _by_degrees, 0, 0, UNIT, POSITIVE)
_solution("pdtrik", _by_poisson_count, 0, 0, (0.5, 0.9), (2.0, 5.0))


def _by_first(a: Any, b: Any, x: Any) -> Sequence[Any]:
    by_a, by_b = betainc_shape_slopes(a, b, x)
    return by_a, by_b, beta_density(a, b, x)


def _by_second(a: Any, b: Any, x: Any) -> Sequence[Any]:
    by_a, by_b = betainc_shape_slopes(a, b, x)
    return by_b, by_a, beta_density(a, b, x)


def _by_successes(k: Any, n: Any, p: Any) -> Sequence[Any]:
    """Return the slopes of 1 - betainc(k + 1, n - k, p) by k, n and p."""
    by_a, by_b = betainc_shape_slopes(k + 1.0, n - k, p)
    return by_b - by_a, -by_b, -beta_density(k + 1.0, n - k, p)


def _by_trials(k: Any, n: Any, p: Any) -> Sequence[Any]:
    by_k, by_n, by_p = _by_successes(k, n, p)
    return by_n, by_k, by_p


def _by_failures(k: Any, n: Any, p: Any) -> Sequence[Any]:
    """Return the slopes of betainc(n, k + 1, p) by k, n and p."""
    by_a, by_b = betainc_shape_slopes(n, k + 1.0, p)
    return by_b, by_a, beta_density(n, k + 1.0, p)


def _by_successes_before(k: Any, n: Any, p: Any) -> Sequence[Any]:
    by_k, by_n, by_p = _by_failures(k, n, p)
    return by_n, by_k, by_p


_solution("btdtria", _by_first, 0, 0, UNIT, POSITIVE, UNIT)
_solution("btdtrib", _by_second, 1, 1, POSITIVE, UNIT, UNIT)
_solution("bdtrik", _by_successes, 0, 0, (0.6, 0.9), (5.0, 8.0), (0.3, 0.6))
_solution("bdtrin", _by_trials, 1, 1, _SOME, (0.2, 0.7), (0.2, 0.6))
_solution("nbdtrik", _by_failures, 0, 0, (0.6, 0.9), (2.0, 5.0), (0.3, 0.6))
_solution("nbdtrin", _by_successes_before, 1, 1, _SOME, (0.2, 0.6), (0.3, 0.7))


def _by_student_df(df: Any, t: Any) -> Sequence[Any]:
    return student_slope_by_df(df, t), student_density(df, t)


def _by_fisher_df(m: Any, n: Any, x: Any) -> Sequence[Any]:
    by_m, by_n, by_x = fisher_slopes(m, n, x)
    return by_n, by_m, by_x


_solution("stdtridf", _by_student_df, 0, 0, (0.77, 0.8), (1.0, 1.1))
_solution("fdtridfd", _by_fisher_df, 1, 1, (1.5, 4.0), (0.4, 0.6), (1.0, 1.5))

# The normal distribution

special(
    "nrdtrimn",
    lambda mean, p, sd, x: (
        lambda: -sd / normal_density(ndtri(p)),
        lambda: -ndtri(p),
        1.0,
    ),
    UNIT,
    POSITIVE,
    ANYWHERE,
)
special(
    "nrdtrisd",
    lambda sd, mean, p, x: (
        lambda: -1.0 / ndtri(p),
        lambda: -sd / (ndtri(p) * normal_density(ndtri(p))),
        lambda: 1.0 / ndtri(p),
    ),
    (-3.0, -1.0),
    (0.6, 0.95),
    POSITIVE,
)
