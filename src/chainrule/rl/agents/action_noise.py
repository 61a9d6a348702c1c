"""Noise on actions, such that something new is seen."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from ...random import normal


@dataclass(frozen=True)
class NormalActionNoise:
    """Independent normal noise.

    Parameters
    ----------
    sigma : float
        Standard deviation, where actions reach from -1 to 1.
    """

    sigma: float

    def after(self, noise: Any, key: Any) -> Any:
        """Return the noise that follows another one."""
        return normal(key, noise.shape, noise.dtype) * np.asarray(self.sigma, noise.dtype)


@dataclass(frozen=True)
class OrnsteinUhlenbeckActionNoise:
    """Noise that changes slowly, so that it pushes in one direction for a while.

    ``x += -theta * x * dt + sigma * sqrt(dt) * N(0, 1)``, from 0 at the start of each episode.

    Parameters
    ----------
    sigma : float
        Where actions reach from -1 to 1.
    theta : float
        Default 0.15.
    dt : float
        Default 0.01.

    References
    ----------
    T. P. Lillicrap et al.: "Continuous control with deep reinforcement learning",
    arXiv:1509.02971 (2015), section 7; G. E. Uhlenbeck, L. S. Ornstein: "On the theory of the
    Brownian motion" (1930).
    """

    sigma: float
    theta: float = 0.15
    dt: float = 1e-2

    def after(self, noise: Any, key: Any) -> Any:
        """Return the noise that follows another one."""
        draw = normal(key, noise.shape, noise.dtype)
        keep = np.asarray(1 - self.theta * self.dt, noise.dtype)
        return noise * keep + draw * np.asarray(self.sigma * sqrt(self.dt), noise.dtype)


ActionNoise = NormalActionNoise | OrnsteinUhlenbeckActionNoise
