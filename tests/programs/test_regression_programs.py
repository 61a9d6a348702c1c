"""Likelihoods of statsmodels' regressions and time series, by their parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import Program, program_tests, require

require("statsmodels.api")

import statsmodels.api as sm  # noqa: E402
from statsmodels.miscmodels.ordinal_model import OrderedModel  # noqa: E402
from statsmodels.othermod.betareg import BetaModel  # noqa: E402

X = np.column_stack([np.ones(8), np.array([0.1, -0.7, 1.2, 0.4, -1.1, 0.9, -0.2, 0.6])])
COUNTS = np.array([1.0, 0.0, 3.0, 2.0, 0.0, 4.0, 1.0, 0.0])
YES = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0])
CLASSES = np.array([0, 1, 2, 1, 0, 2, 1, 2])
POSITIVE = np.array([0.4, 1.2, 2.2, 0.8, 1.9, 3.1, 0.9, 1.4])


def _loglike(model: Any) -> Any:
    return lambda parameters: model.loglike(parameters)


GAMMA = sm.families.Gamma(sm.families.links.Log())
PROGRAMS = [
    Program("statsmodels-logit", _loglike(sm.Logit(YES, X)), (np.array([0.2, 0.7]),)),
    Program("statsmodels-probit", _loglike(sm.Probit(YES, X)), (np.array([0.2, 0.7]),)),
    Program("statsmodels-negative-binomial", _loglike(sm.NegativeBinomial(COUNTS, X)),
            (np.array([0.2, 0.7, 0.5]),)),
    Program("statsmodels-multinomial-logit", _loglike(sm.MNLogit(CLASSES, X)),
            (np.array([0.2, 0.7, -0.3, 0.4]),)),
    Program("statsmodels-glm-gamma", _loglike(sm.GLM(POSITIVE, X, GAMMA)), (np.array([0.2, 0.3]),)),
    Program("statsmodels-zero-inflated-poisson", _loglike(sm.ZeroInflatedPoisson(COUNTS, X)),
            (np.array([-0.5, 0.2, 0.7]),)),
    Program("statsmodels-ordered-probit", _loglike(OrderedModel(CLASSES, X[:, 1:])),
            (np.array([0.7, -0.4, 0.1]),)),
    Program("statsmodels-beta-regression", _loglike(BetaModel(POSITIVE / 4.0, X)),
            (np.array([0.2, 0.3, 1.1]),)),
]  # fmt: skip

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
