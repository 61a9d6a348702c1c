"""Why a row of a time series is strange: which of its channels are off their forecast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..alarms import LEAST_SHARE, Reason
from .following import SeriesState
from .forecasting import SeriesForecaster, SeriesScores
from .reading import OneSeries, SeriesTable
from .residuals import AVERAGES, POINT_WEIGHT, part_sizes, row_sizes, running_averages

Floats = NDArray[np.float64]


def channel_scores(
    forecaster: SeriesForecaster, part: OneSeries, scores: SeriesScores, state: SeriesState
) -> Floats:
    """Return what the rows of a series would score with each channel alone, (n, channels).

    Parameters
    ----------
    forecaster : SeriesForecaster
    part : OneSeries
    scores : SeriesScores
        Of the whole table.
    state : SeriesState
        Before the first row.
    """
    residuals, parts = scores.residuals[part.rows], scores.parts[part.rows]
    scales = forecaster.scale(part.name)[2:]
    averages = running_averages(residuals, state.averages, forecaster.half_life)
    sizes = part_sizes(residuals, averages, scales)
    with np.errstate(divide="ignore", invalid="ignore"):
        units = np.nan_to_num(parts / sizes)[:, :, None]
    alone = np.nan_to_num(row_sizes(residuals)) * units[:, AVERAGES]
    mean = np.mean(np.abs(averages / scales) * units[:, :AVERAGES], axis=1)
    return np.asarray(np.maximum(mean, POINT_WEIGHT * alone))


def channel_reasons(
    forecaster: SeriesForecaster,
    table: SeriesTable,
    scores: SeriesScores,
    ranges: Floats,
    begin: Callable[[OneSeries], SeriesState],
    rows: Any,
    most: int,
) -> list[tuple[Reason, ...]]:
    """Return the reasons of some rows: none for those that are not ready.

    Parameters
    ----------
    forecaster, table, scores
        The scores are those of the table.
    ranges : array (channels, 2)
        Of residuals.
    begin : callable
        The state before the first row of a series.
    rows : array of int
    most : int
        Channels to name.
    """
    drops = np.zeros(scores.residuals.shape)
    values, low, high = (np.full(drops.shape, np.nan) for _ in range(3))
    for part in table.parts:
        drops[part.rows] = channel_scores(forecaster, part, scores, begin(part))
        values[part.rows] = part.values
        scale = forecaster.scale(part.name)[1]
        low[part.rows], high[part.rows] = (
            scores.expected[part.rows] + end * scale for end in ranges.T
        )
    result = []
    for row in rows:
        total = float(drops[row].sum())
        reasons: list[Reason] = []
        for k in np.argsort(-drops[row], kind="stable")[:most]:
            share = float(drops[row, k]) / max(total, 1e-300)
            if not scores.ready[row] or not share > (LEAST_SHARE if reasons else 0.0):
                break
            cells = (values[row, k], scores.expected[row, k], low[row, k], high[row, k])
            reasons.append(Reason(forecaster.channels[k], share, *map(_cell, cells)))
        result.append(tuple(reasons))
    return result


def _cell(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
