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


def later_origins(
    origins: Origins, histories: Histories, begins: Ints, horizon: int, stride: int, most: int
) -> Origins:
    """The origins after those that there are, a stride apart.

    Of covariates that are known ahead nothing is known of steps that are not over yet, so with
    them there are only origins whose steps are.

    Parameters
    ----------
    origins : Origins
    histories : Histories
    begins : array (k,)
        Of the first series, the first origin where there is none yet.
    horizon, stride : int
    most : int
        Steps from the end of a series, beyond which there is none.
    """
    unfinished = 0 if histories.known[0].shape[1] else horizon - 1
    series, steps = [origins.series[:0]], [origins.steps[:0]]
    for k, begin in enumerate(begins):
        length = int(histories.lengths[k])
        past = origins.steps[origins.series == k]
        first = int(past.max()) + stride if len(past) else int(begin)
        oldest = max(length - most, 1)
        first += stride * max(0, -(-(oldest - first) // stride))
        steps.append(np.arange(first, length - horizon + 1 + unfinished, stride))
        series.append(np.full(len(steps[-1]), k))
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
