"""The origins at the end of the training rows on which candidates are judged, and their errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .histories import Histories, Origins
from .ridges import stride_for

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

SHARE = 0.4  # of the rows of a series are judged on, where it is alone; of many series
COMMON_SHARE = 0.15  # each, since they are judged together;
MOST_STEPS = 500  # and no more than so many,
LARGEST_SHARE = 0.5  # and never more than half, horizon included
MOST_ORIGINS = 6000  # of all series
HALF_LIFE = 200.0  # steps after which an error counts half


@dataclass(frozen=True)
class Validation:
    """Origins whose steps ahead are all known, and what is known before the first of them.

    Attributes
    ----------
    limits : array (series,)
        Rows of each series that candidates learn from.
    origins : Origins
        None of series that are too short.
    ages : array (n,)
        Steps from each origin to the last one of its series.
    """

    limits: Ints
    origins: Origins
    ages: Ints

    def __len__(self) -> int:
        return len(self.origins)


def split_validation(histories: Histories, horizon: int, n_series: int | None = None) -> Validation:
    """Choose the origins; on series that are too short there is none.

    The more series there are (`n_series`, by default those of `histories`), the fewer of each.
    """
    lengths = histories.lengths
    share = COMMON_SHARE + (SHARE - COMMON_SHARE) / np.sqrt(n_series or len(lengths))
    steps = np.minimum(np.maximum(share * lengths, 2 * horizon), MOST_STEPS).astype(np.int64)
    steps = np.minimum(steps, (LARGEST_SHARE * lengths).astype(np.int64) - horizon)
    steps = np.where(steps < 1, 0, steps)
    stride = stride_for(int(steps.sum()), MOST_ORIGINS, histories.season)
    parts, ages = [], []
    for length, many in zip(lengths, steps, strict=True):
        age = np.arange(0, many, stride)
        parts.append(length - horizon - age)
        ages.append(age)
    series = np.repeat(np.arange(len(lengths)), [len(age) for age in ages])
    origins = Origins(series.astype(np.int64), np.concatenate(parts).astype(np.int64))
    limits = np.where(steps > 0, lengths - horizon - steps + 1, lengths)
    return Validation(limits, origins, np.concatenate(ages).astype(np.int64))


def with_unfinished(validation: Validation, histories: Histories, stride: int) -> Origins:
    """The origins, and those after them whose steps are not all over yet, a stride apart.

    Of covariates that are known ahead nothing is known of these steps, so there are no such then.
    """
    origins = validation.origins
    if histories.known[0].shape[1] or not len(origins):
        return origins
    series, steps = [origins.series], [origins.steps]
    for k in np.unique(origins.series):
        last = int(origins.steps[origins.series == k].max())
        more = np.arange(last + stride, histories.lengths[k], stride)
        series.append(np.full(len(more), k))
        steps.append(more)
    return Origins(np.concatenate(series).astype(np.int64), np.concatenate(steps).astype(np.int64))


def window_errors(forecast: Floats, actual: Floats, scales: Floats) -> Floats:
    """The mean absolute error of each window (n,), in the units of `scales` (n,)."""
    return np.asarray(np.mean(np.abs(forecast - actual), axis=1) / scales)


def recency_weights(validation: Validation, half_life: float = HALF_LIFE) -> Floats:
    """How much each window counts in the mean error: later ones more, and each series alike."""
    weights = 0.5 ** (validation.ages / half_life)
    totals = np.bincount(validation.origins.series, weights)
    present = int((totals > 0).sum())
    return np.asarray(weights / totals[validation.origins.series] / max(present, 1))
