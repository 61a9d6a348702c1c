"""Kalman filters: filterpy, pykalman and simdkalman, by noises, models and data."""

from __future__ import annotations

from typing import Any

import numpy as np
from programs_under_test import Program, program_tests, require

require("filterpy", "pykalman", "simdkalman")

import pykalman  # noqa: E402
import simdkalman  # noqa: E402
from filterpy.common import Q_discrete_white_noise  # noqa: E402
from filterpy.kalman import (  # noqa: E402
    ExtendedKalmanFilter,
    KalmanFilter,
    MerweScaledSigmaPoints,
    UnscentedKalmanFilter,
)

MEASURED = np.array([0.9, 2.3, 2.9, 4.2, 4.8])


def _tracker(process: Any, noise: Any) -> KalmanFilter:
    """A constant-velocity tracker, as in the package's own first example."""
    kf = KalmanFilter(dim_x=2, dim_z=1)
    kf.x = np.array([0.0, 1.0])
    kf.F = np.array([[1.0, 1.0], [0.0, 1.0]])
    kf.H = np.array([[1.0, 0.0]])
    kf.P *= 10.0
    kf.R = noise
    kf.Q = Q_discrete_white_noise(dim=2, dt=1.0, var=process)
    return kf


def likelihood(process: Any, noise: Any) -> Any:
    """filterpy.kalman.KalmanFilter: predict, update, log_likelihood."""
    kf = _tracker(process, noise)
    total = 0.0
    for z in MEASURED:
        kf.predict()
        kf.update(z)
        total = total + kf.log_likelihood
    return total


def smoother(measured: Any) -> Any:
    """filterpy.kalman.KalmanFilter: batch_filter and rts_smoother."""
    kf = _tracker(0.3, 0.5)
    means, covariances, _, _ = kf.batch_filter(measured)
    return kf.rts_smoother(means, covariances)[0]


def radar(state: Any, noise: Any) -> Any:
    """filterpy.kalman.ExtendedKalmanFilter: the slant range to a plane."""

    def jacobian(x: Any) -> Any:
        slant = np.sqrt(x[0] ** 2 + x[2] ** 2)
        return np.array([[x[0] / slant, 0.0, x[2] / slant]])

    ekf = ExtendedKalmanFilter(dim_x=3, dim_z=1)
    ekf.x = state
    ekf.F = np.eye(3) + np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]) * 0.05
    ekf.R = np.diag([noise])
    for z in (10.2, 10.9, 11.3):
        ekf.update(np.array([z]), jacobian, lambda x: np.sqrt(x[0] ** 2 + x[2] ** 2))
        ekf.predict()
    return ekf.x


def unscented(process: Any, noise: Any) -> Any:
    """filterpy.kalman.UnscentedKalmanFilter: a pendulum whose sine is measured."""
    points = MerweScaledSigmaPoints(n=2, alpha=0.5, beta=2.0, kappa=1.0)

    def fx(x: Any, dt: float) -> Any:
        return np.array([x[0] + dt * x[1], x[1] - dt * np.sin(x[0])])

    ukf = UnscentedKalmanFilter(
        dim_x=2, dim_z=1, dt=0.1, fx=fx, hx=lambda x: np.array([np.sin(x[0])]), points=points
    )
    ukf.x = np.array([0.5, 0.0])
    ukf.P = np.diag([0.2, 0.1])
    ukf.Q = np.eye(2) * process
    ukf.R *= noise
    for z in (0.4, 0.45, 0.3):
        ukf.predict()
        ukf.update(np.array([z]))
    return ukf.x


def bierman(transition: Any, covariance: Any) -> Any:
    """pykalman.KalmanFilter.loglikelihood by its matrices."""
    kf = pykalman.KalmanFilter(
        transition_matrices=transition,
        observation_matrices=np.array([[1.0, 0.3]]),
        transition_covariance=covariance,
        observation_covariance=np.array([[0.4]]),
        initial_state_mean=np.array([0.0, 1.0]),
        initial_state_covariance=np.eye(2),
    )
    return kf.loglikelihood(MEASURED)


def smoothed(observed: Any) -> Any:
    """pykalman.KalmanFilter.smooth by the observations."""
    kf = pykalman.KalmanFilter(
        transition_matrices=np.array([[1.0, 1.0], [0.0, 1.0]]),
        observation_matrices=np.array([[1.0, 0.0]]),
    )
    return kf.smooth(observed)[0]


def vectorised(noise: Any, measurement: Any) -> Any:
    """simdkalman.KalmanFilter.compute: filter, predict and likelihood of many series at once."""
    kf = simdkalman.KalmanFilter(
        state_transition=np.array([[1.0, 1.0], [0.0, 1.0]]),
        process_noise=np.diag([0.1, 0.01]),
        observation_model=np.array([[1.0, 0.0]]),
        observation_noise=noise,
    )
    result = kf.compute(measurement, 2, log_likelihood=True)
    return result.predicted.observations.mean, result.log_likelihood


PROGRAMS = [
    Program("filterpy-kalman-likelihood", likelihood, (0.3, 0.5)),
    Program("filterpy-rts-smoother", smoother, (MEASURED,), twice=False),
    Program("filterpy-extended", radar, (np.array([5.0, 1.0, 8.0]), 0.4)),
    Program("filterpy-unscented", unscented, (0.05, 0.1)),
    Program(
        "pykalman-loglikelihood",
        bierman,
        (np.array([[1.0, 0.9], [0.1, 0.8]]), np.array([[0.3, 0.1], [0.1, 0.2]])),
        refused_under_jit="masks what is not finite",
    ),
    Program("pykalman-smooth", smoothed, (MEASURED,), twice=False),  # which is linear
    Program(
        "simdkalman-compute",
        vectorised,
        (0.5, np.stack([MEASURED, MEASURED[::-1]])),
    ),
]

test_eagerly, test_compiled, test_twice = program_tests(PROGRAMS)
