"""The fallback where there is too little to train on: TSB with a season and moments."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .count_features import DemandTable
from .distributions import Likelihood
from .intermittent import tsb_paths

Floats: TypeAlias = NDArray[np.float64]

LONGEST = 1000  # latest steps that are read
PHASE_PRIOR = 8.0  # steps at the mean that are mixed into each phase's
DISPERSION_PRIOR = 30.0  # steps of all series that are mixed into the dispersion of one
DISPERSIONS = (1e-3, 50.0)


def smoothed_mean(
    table: DemandTable, horizon: int, seasons: tuple[int, ...], likelihood: Likelihood
) -> tuple[Floats, Floats, Floats]:
    """Means and dispersions (series, horizon), and the levels (series,).

    The level is TSB's. The shortest season with two cycles multiplies it, by the mean of each phase
    over all series, each in units of its mean. The dispersion is that of moments: of squared
    one-step errors.
    """
    values = table.values[:, -LONGEST:]
    length = values.shape[1]
    paths = tsb_paths(values)
    level = paths[:, -1]
    profile = np.ones((len(values), horizon))
    for season in seasons[:1]:
        if length >= 2 * season:
            profile = _profile(table, values, season, horizon)
    mean = level[:, None] * profile
    dispersion = _dispersion(values, paths[:, :-1], likelihood)
    return mean, np.repeat(dispersion[:, None], horizon, axis=1), level


def _profile(table: DemandTable, values: Floats, season: int, horizon: int) -> Floats:
    """Factors of the steps ahead (series, horizon), whose mean over the season is 1."""
    known = ~np.isnan(values)
    steps = np.maximum(known.sum(axis=1, keepdims=True), 1)
    usual = np.nansum(values, axis=1, keepdims=True) / steps
    relative = values / np.where(usual > 0, usual, 1.0)
    columns = np.arange(values.shape[1]) - values.shape[1]
    phases = (columns + table.ends[:, None]) % season
    known &= usual > 0
    total = np.bincount(phases[known], relative[known], season) + PHASE_PRIOR
    factors = total / (np.bincount(phases[known], minlength=season) + PHASE_PRIOR)
    factors /= factors.mean()
    result: Floats = factors[(np.arange(horizon) + table.ends[:, None]) % season]
    return result


def _dispersion(values: Floats, expected: Floats, likelihood: Likelihood) -> Floats:
    """Of each series, shrunk towards that of all."""
    known = ~np.isnan(values) & (expected > 0)
    unit = np.where(known, expected, 1.0)
    excess = (np.nan_to_num(values) - unit) ** 2 - (
        unit if likelihood == "negative_binomial" else 0.0
    )
    # weights of least variance at a large dispersion: a squared error over the squared mean
    power = 2.0 if likelihood == "negative_binomial" else 1.5
    scale = np.where(known, expected, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    usual = np.where(scale > 0, scale, 1.0)[:, None]
    above = np.where(known, excess / usual**2, 0.0).sum(axis=1)
    below = np.where(known, (unit / usual) ** power, 0.0).sum(axis=1)
    pooled = above.sum() / below.sum() if below.sum() else 1.0
    share = DISPERSION_PRIOR
    result: Floats = np.clip((above + share * pooled) / (below + share), *DISPERSIONS)
    return result
