"""Hidden Markov models: hmmlearn and python-hiddenmarkov, by their probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import PLAIN, Program, program_tests, require

require("hiddenmarkov", "hmmlearn")

import hiddenmarkov  # noqa: E402
from hmmlearn.hmm import GaussianHMM  # noqa: E402
from hmmlearn.stats import log_multivariate_normal_density  # noqa: E402

X = np.array([[0.1, 1.2], [0.9, -0.3], [1.7, 0.4], [2.2, 1.9]])
MEANS = np.array([[0.5, 0.5], [2.0, 1.0]])
FACTORS = np.array([[[1.0, 0.2], [0.3, 0.8]], [[0.7, -0.1], [0.2, 1.1]]])


def emissions(means: Any, factors: Any) -> Any:
    """hmmlearn's densities of Gaussian emissions with full covariances."""
    covariances = factors @ factors.transpose(0, 2, 1) + np.eye(2)
    return log_multivariate_normal_density(X, means, covariances, "full")


def spherical(x: Any, variances: Any) -> Any:
    """hmmlearn's densities with a variance for each state."""
    return log_multivariate_normal_density(x, MEANS, variances, "spherical")


def score(means: Any) -> Any:
    """hmmlearn's GaussianHMM.score, whose forward recursion is compiled C++."""
    model = GaussianHMM(2, covariance_type="spherical")
    model.startprob_ = np.array([0.6, 0.4])
    model.transmat_ = np.array([[0.7, 0.3], [0.2, 0.8]])
    model.n_features = 2
    model.means_ = means
    model.covars_ = np.array([0.5, 0.8])
    return model.score(X)


class Coin(hiddenmarkov.ObservationModel):  # type: ignore[misc]
    """Observations 0 and 1 with their probabilities in each state, as in the package's example."""

    def __init__(self, heads: Any) -> None:
        super().__init__()
        self.heads = heads

    def __call__(self, observation: int) -> Any:
        p = self.heads if observation else 1.0 - self.heads
        return np.log(p) if self.use_log_probabilities else p


class Switches(hiddenmarkov.TransitionModel):  # type: ignore[misc]
    """Transition probabilities from a table."""

    n_states = 2

    def __init__(self, table: Any) -> None:
        super().__init__()
        self.table = table

    @property
    def init_probabilities(self) -> Any:
        start = np.array([0.55, 0.45])
        return np.log(start) if self.use_log_probabilities else start

    def __call__(self, i: int | None = None, j: int | None = None) -> Any:
        table = np.log(self.table) if self.use_log_probabilities else self.table
        return table if i is None else table[i, j]


def best_path(heads: Any, table: Any) -> Any:
    """python-hiddenmarkov: the likelihood of the best path (Viterbi), in logarithms."""
    model = hiddenmarkov.HiddenMarkovModel(Coin(heads), Switches(table))
    return model.find_best_sequence([1, 1, 0, 1, 0, 0])[1]


def naive_path(heads: Any, table: Any) -> Any:
    """python-hiddenmarkov: the same by its loops over Python lists, without logarithms."""
    model = hiddenmarkov.HiddenMarkovModel(Coin(heads), Switches(table))
    return model.find_best_sequence([1, 1, 0], log_probabilities=False, viterbi="naive")[1]


TABLE = np.array([[0.7, 0.3], [0.2, 0.8]])
PROGRAMS = [
    Program("hmmlearn-full-densities", emissions, (MEANS, FACTORS)),
    Program("hmmlearn-spherical-densities", spherical, (X, np.array([0.5, 0.8]))),
    Program("hmmlearn-score", score, (MEANS,), refused=PLAIN),
    Program("hiddenmarkov-viterbi", best_path, (np.array([0.3, 0.8]), TABLE)),
    Program("hiddenmarkov-naive-viterbi", naive_path, (np.array([0.3, 0.8]), TABLE)),
]  # fmt: skip

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
