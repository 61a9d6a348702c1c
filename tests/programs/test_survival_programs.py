"""Survival and mixed models: lifelines, surpyval and statsmodels, by their parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import Program, program_tests, require

require("lifelines", "statsmodels.api", "surpyval")

import lifelines  # noqa: E402
import pandas as pd  # noqa: E402
import statsmodels.api as sm  # noqa: E402
import surpyval  # noqa: E402

TIMES = np.array([0.9, 1.4, 2.2, 3.1, 3.1, 4.8])
DIED = np.array([True, True, False, True, True, False])
ONES = np.ones(len(TIMES))
RISKS = np.array([[0.5, 1.0], [-0.2, 0.3], [1.1, -0.4], [0.0, 0.8], [0.4, 0.4], [-0.9, 0.1]])


def _lifelines(fitter: Any) -> Any:
    """The function that `fit` minimises, of the parameters."""

    def likelihood(parameters: Any) -> Any:
        return fitter._negative_log_likelihood_right_censoring(
            parameters, (TIMES, None), DIED, np.zeros(len(TIMES)), ONES
        )

    return likelihood


def efron(beta: Any) -> Any:
    """lifelines.CoxPHFitter: the partial likelihood with tied deaths, and its gradient."""
    fitter = lifelines.fitters.coxph_fitter.SemiParametricPHFitter()
    columns = [pd.Series(a) for a in (TIMES, DIED, ONES)]
    _, gradient, value = fitter._get_efron_values_single(
        pd.DataFrame(RISKS), *columns, entries=None, beta=beta
    )
    return value, gradient


def weibull(scale: Any, shape: Any) -> Any:
    """surpyval.Weibull: log density, survival and hazard at plain times."""
    return (
        surpyval.Weibull.log_df(TIMES, scale, shape),
        surpyval.Weibull.sf(TIMES, scale, shape),
        surpyval.Weibull.hf(TIMES, scale, shape),
    )


def gamma_times(times: Any) -> Any:
    """surpyval.Gamma: the survival function by time."""
    return surpyval.Gamma.sf(times, 1.7, 0.6)


def proportional_hazards(beta: Any) -> Any:
    """statsmodels.PHReg.loglike."""
    return sm.PHReg(TIMES, RISKS, status=DIED.astype(float), ties="efron").loglike(beta)


GROUPS = np.repeat([0, 1, 2], 4)
DESIGN = np.column_stack([np.ones(12), np.linspace(-1.0, 1.0, 12) ** 3])
ANSWERS = np.array([1.2, 0.7, 1.1, 1.6, 0.2, 0.1, 0.6, 0.9, 2.1, 1.7, 2.2, 2.6])
MIXED = sm.MixedLM(ANSWERS, DESIGN, GROUPS)
MIXED.fit()


def mixed(packed: Any) -> Any:
    """statsmodels.MixedLM.loglike, as its fit calls it: a square root of the covariance."""
    return MIXED.loglike(packed, profile_fe=True)


PROGRAMS = [
    Program("lifelines-weibull", _lifelines(lifelines.WeibullFitter()), (np.array([3.0, 1.3]),)),
    Program("lifelines-lognormal", _lifelines(lifelines.LogNormalFitter()),
            (np.array([1.1, 0.8]),)),
    Program("lifelines-generalised-gamma", _lifelines(lifelines.GeneralizedGammaFitter()),
            (np.array([1.1, -0.2, 0.7]),)),
    Program("lifelines-cox-efron", efron, (np.array([0.3, -0.2]),)),
    Program("surpyval-weibull", weibull, (3.0, 1.3)),
    Program("surpyval-gamma-times", gamma_times, (TIMES,)),
    Program("statsmodels-phreg", proportional_hazards, (np.array([0.3, -0.2]),)),
    Program("statsmodels-mixedlm", mixed, (np.array([0.8]),)),
]  # fmt: skip

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
