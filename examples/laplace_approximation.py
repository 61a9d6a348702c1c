"""A Laplace approximation: a posterior as a normal distribution, and the evidence of a model.

The mode is found by `cr.minimize` with compiled derivatives, the covariance is the inverse of the
compiled Hessian there. For a linear model with normal noise it is exact: the evidence is compared
with the density of the data, a normal distribution, too. For a logistic model it is compared with
an integral over a grid of weights, and two models of the same data are told apart by it.
"""

import numpy as np
from scipy.stats import multivariate_normal

import chainrule as cr

PRIOR, NOISE = 2.0, 0.5  # standard deviations


def laplace(negative_log_joint, start, args):
    """Mode, covariance, and the logarithm of the evidence."""
    mode = cr.minimize(negative_log_joint, start, args, method="trust-exact").x
    hessian = cr.jit(cr.hessian(negative_log_joint))(mode, *args)
    evidence = -negative_log_joint(mode, *args) + 0.5 * (
        mode.size * np.log(2 * np.pi) - np.linalg.slogdet(hessian)[1]
    )
    return mode, np.linalg.inv(hessian), evidence


def log_normal(x, deviation):
    return np.sum(-0.5 * (x / deviation) ** 2 - np.log(deviation * np.sqrt(2 * np.pi)))


def linear(w, x, y):
    return -log_normal(w, PRIOR) - log_normal(y - x @ w, NOISE)


def logistic(w, x, y):
    """With y = -1 or 1."""
    return -log_normal(w, PRIOR) + np.sum(np.logaddexp(0.0, -y * (x @ w)))


def by_grid(x, y, mode, covariance, points=400):
    """The same evidence, and the mean, as sums over a grid of 8 standard deviations."""
    reach = 8 * np.sqrt(np.diag(covariance))
    axes = [np.linspace(m - r, m + r, points) for m, r in zip(mode, reach)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    logs = -np.sum(np.logaddexp(0.0, -y * (grid @ x.T)), axis=1)
    logs += np.sum(-0.5 * (grid / PRIOR) ** 2, axis=1) - 2 * np.log(PRIOR * np.sqrt(2 * np.pi))
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    largest = logs.max()
    weights = np.exp(logs - largest)
    mean = weights @ grid / weights.sum()
    return largest + np.log(weights.sum() * cell), mean


def main() -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(60), rng.normal(size=60)])

    y = x @ np.array([1.0, -0.5]) + NOISE * rng.normal(size=60)
    mode, covariance, evidence = laplace(linear, np.zeros(2), (x, y))
    of_data = PRIOR**2 * x @ x.T + NOISE**2 * np.eye(60)
    exact = multivariate_normal(np.zeros(60), of_data).logpdf(y)
    print(f"linear model: log evidence {evidence:.8f}, from the density of the data {exact:.8f}")

    y = np.where(rng.uniform(size=60) < 1 / (1 + np.exp(-x @ np.array([0.5, 2.0]))), 1.0, -1.0)
    mode, covariance, evidence = laplace(logistic, np.zeros(2), (x, y))
    exact, mean = by_grid(x, y, mode, covariance)
    print(f"logistic model: log evidence {evidence:.4f}, from a grid {exact:.4f}")
    print(
        f"weights: {mode[0]:.3f} +- {covariance[0, 0] ** 0.5:.3f}, "
        f"{mode[1]:.3f} +- {covariance[1, 1] ** 0.5:.3f}"
    )
    print(f"posterior mean from a grid: {mean[0]:.3f}, {mean[1]:.3f}")
    _, _, without = laplace(logistic, np.zeros(1), (x[:, :1], y))
    print(f"log Bayes factor for the second weight: {evidence - without:.2f}")


if __name__ == "__main__":
    main()
