"""Volatility: arch's recursions in pure Python and its distributions, by their parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import Program, program_tests, require

require("arch.univariate")

from arch.univariate import (  # noqa: E402
    GeneralizedError,
    SkewStudent,
    StudentsT,
    recursions_python,
)

RETURNS = np.array([0.4, -1.1, 0.7, 0.2, -0.5, 1.3, -0.9])
BOUNDS = np.tile([1e-6, 1e6], (len(RETURNS), 1))


def garch(parameters: Any) -> Any:
    """arch's GJR-GARCH(1, 1, 1) in its pure Python, and Student's likelihood of the returns."""
    variances = recursions_python.garch_recursion_python(
        parameters[:4], RETURNS**2, np.sign(RETURNS), np.zeros(len(RETURNS)), 1, 1, 1,
        len(RETURNS), 0.6, BOUNDS,
    )  # fmt: skip
    return StudentsT().loglikelihood(parameters[4:], RETURNS, variances)


def egarch(parameters: Any) -> Any:
    """arch's EGARCH(1, 1, 1) in its pure Python, with the buffers that its users hand it."""
    n = len(RETURNS)
    return recursions_python.egarch_recursion_python(
        parameters, RETURNS, np.empty(n), 1, 1, 1, n, -0.4, BOUNDS, np.empty(n), np.empty(n),
        np.empty(n),
    )  # fmt: skip


def figarch(parameters: Any) -> Any:
    """arch's FIGARCH(1, d, 1): the weights of its infinite past."""
    return recursions_python.figarch_weights_python(parameters, 1, 1, 12)


def skewed(parameters: Any, returns: Any) -> Any:
    """arch's skewed Student's t: the likelihood of traced returns."""
    return SkewStudent().loglikelihood(parameters, returns, np.full(len(RETURNS), 0.9))


def heterogeneous(parameters: Any) -> Any:
    """arch's HARCH over 1, 2 and 4 days, and the generalised error distribution's likelihood."""
    n = len(RETURNS)
    variances = recursions_python.harch_recursion_python(
        parameters[:4], RETURNS, np.zeros(n), np.array([1, 2, 4]), n, 0.6, BOUNDS
    )
    return GeneralizedError().loglikelihood(parameters[4:], RETURNS, variances)


PROGRAMS = [
    Program("arch-garch-students-t", garch, (np.array([0.1, 0.08, 0.05, 0.8, 6.0]),)),
    Program("arch-egarch", egarch, (np.array([0.05, 0.1, -0.04, 0.9]),)),
    Program("arch-figarch-weights", figarch, (np.array([0.2, 0.4, 0.3]),)),
    Program("arch-skew-student", skewed, (np.array([6.0, -0.2]), RETURNS)),
    Program("arch-harch-ged", heterogeneous, (np.array([0.1, 0.1, 0.2, 0.3, 1.6]),)),
]  # fmt: skip

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
