"""Gaussian processes: scikit-learn, pyGPs, mini-gpr and goppy, by hyperparameters and by data."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import PLAIN, Program, program_tests, require

require("goppy", "mini_gpr", "pyGPs")

import goppy  # noqa: E402
import mini_gpr.kernels  # noqa: E402
import mini_gpr.models  # noqa: E402
import pyGPs  # noqa: E402
from sklearn.gaussian_process import GaussianProcessRegressor, kernels  # noqa: E402

X = np.array([[0.1, 1.2], [0.9, -0.3], [1.7, 0.4], [2.2, 1.9], [3.1, -1.0]])
Y = np.array([0.3, 1.1, 0.2, -0.7, 0.5])
RBF = kernels.ConstantKernel(1.3) * kernels.RBF([0.8, 1.4]) + kernels.WhiteKernel(0.1)
FITTED = GaussianProcessRegressor(kernel=RBF, optimizer=None).fit(X, Y)


def evidence(theta: Any) -> Any:
    """sklearn's GaussianProcessRegressor.log_marginal_likelihood."""
    return FITTED.log_marginal_likelihood(theta)


def matern(theta: Any) -> Any:
    """A sum of sklearn's kernels, cloned with other hyperparameters as its optimiser does."""
    kernel = kernels.Matern(1.0, nu=1.5) + kernels.RationalQuadratic() * kernels.DotProduct()
    return kernel.clone_with_theta(theta)(X)


def periodic(x: Any) -> Any:
    """sklearn's ExpSineSquared between traced points and plain ones."""
    return kernels.ExpSineSquared(1.1, 2.3)(x, X)


def prediction(x: Any) -> Any:
    """sklearn's GaussianProcessRegressor.predict with its standard deviation."""
    return FITTED.predict(x, return_std=True)


def mini(sigma: Any, scale: Any, noise: Any) -> Any:
    """mini_gpr.models.GPR: fit and log_likelihood."""
    model = mini_gpr.models.GPR(mini_gpr.kernels.RBF(sigma, scale), noise)
    model.fit(X, Y)
    return model.log_likelihood


def mini_sparse(inducing: Any) -> Any:
    """mini_gpr.models.SoR: predictions by where the inducing points are."""
    model = mini_gpr.models.SoR(mini_gpr.kernels.RBF(1.2), inducing, 0.3)
    model.fit(X, Y)
    return model.predict(X + 0.1), model.latent_uncertainty(X + 0.1)


def exact(hyperparameters: Any, noise: Any) -> Any:
    """pyGPs' exact inference with a Matern kernel: the negative log marginal likelihood."""
    kernel, likelihood = pyGPs.cov.Matern(d=3), pyGPs.lik.Gauss()
    kernel.hyp, likelihood.hyp = list(hyperparameters), [noise]
    inference = pyGPs.inf.Exact()
    return inference.evaluate(pyGPs.mean.Zero(), kernel, likelihood, X, Y[:, None], 2)[1]


def classified(hyperparameters: Any) -> Any:
    """pyGPs' Laplace approximation of a classification: Newton's steps inside."""
    kernel = pyGPs.cov.RBF()
    kernel.hyp = list(hyperparameters)
    labels = np.sign(Y)[:, None]
    inference = pyGPs.inf.Laplace()
    return inference.evaluate(pyGPs.mean.Zero(), kernel, pyGPs.lik.Erf(), X, labels, 2)[1]


def gram(lengthscales: Any, variance: Any, points: Any) -> Any:
    """goppy's Matern52Kernel: the Gram matrix and its diagonal."""
    kernel = goppy.kernel.Matern52Kernel(lengthscales, variance)
    return kernel(points, X + 0.1), kernel.diag(points, X + 0.1)


def online(lengthscale: Any, variance: Any) -> Any:
    """goppy.OnlineGP: fit, add, calc_log_likelihood, predict."""
    gp = goppy.OnlineGP(goppy.SquaredExponentialKernel([lengthscale], variance), noise_var=0.1)
    gp.fit(X[:3, :1], Y[:3, None])
    gp.add(X[3:, :1], Y[3:, None])
    value = gp.calc_log_likelihood()["value"]
    return value, gp.predict(X[:2, :1] + 0.2, what=("mean", "mse"))


PROGRAMS = [
    Program("sklearn-log-marginal-likelihood", evidence, (RBF.theta + 0.1,)),
    Program("sklearn-matern-theta", matern, (np.array([0.2, 0.1, -0.3, 0.4]),)),
    Program("sklearn-periodic-points", periodic, (X[:2] + 0.3,)),
    Program("sklearn-predict", prediction, (X[:2] + 0.3,), refused=PLAIN),
    Program("mini-gpr-likelihood", mini, (1.2, 0.9, 0.3)),
    Program("mini-gpr-inducing-points", mini_sparse, (X[1:4] + 0.2,)),
    # not twice: the slope of the slope of a distance of 0 is nan
    Program("pygps-exact", exact, (np.array([0.1, -0.2]), -0.8), twice=False),
    Program(
        "pygps-laplace",
        classified,
        (np.array([0.1, -0.2]),),
        twice=False,
    ),
    Program("goppy-kernels", gram, (np.array([0.9]), 1.3, X)),
    Program("goppy-online", online, (0.9, 1.3)),
]

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
