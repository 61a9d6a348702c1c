"""Errors of many windows, series and steps as one score each: how they are averaged and ranked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from .metrics import (
    average,
    bias,
    crps_of_quantiles,
    interval_coverage,
    mae,
    mase,
    scaled,
    smape,
)

Floats: TypeAlias = NDArray[np.float64]

GROUPINGS = (None, "horizon", "series", "window")
METRICS = ("MASE", "RMSSE", "sMAPE", "CRPS", "bias")


def grouped(terms: NDArray[Any], by: str | None) -> NDArray[Any]:
    """Return terms (windows, series, horizon) as (series, groups, terms of a group).

    Examples
    --------
    >>> grouped(np.zeros((5, 3, 2)), "horizon").shape, grouped(np.zeros((5, 3, 2)), None).shape
    ((3, 2, 5), (3, 1, 10))
    """
    if by not in GROUPINGS:
        raise ValueError(f"by={by!r} is one of {', '.join(map(repr, GROUPINGS))}")
    if by == "window":
        return terms.transpose(1, 0, 2)
    if by == "horizon":
        return terms.transpose(1, 2, 0)
    series = terms.transpose(1, 0, 2)
    return series.reshape(len(series), 1, terms.shape[0] * terms.shape[2])


def over_series(scores: Floats, by: str | None) -> Floats:
    """Return scores (series, groups) as (groups,): the mean over the series, unless these are
    the groups.
    """
    return scores[:, 0] if by == "series" else average(scores, 0)


def scored_cells(actual: Floats, models: Mapping[str, Floats]) -> NDArray[np.bool_]:
    """Return where the actual value is known, and the forecast of each model that has any.

    All models are scored on the same values: one that leaves out the hard ones gains nothing.
    """
    cells = ~np.isnan(actual)
    for forecast in models.values():
        known = ~np.isnan(forecast)
        if known.any():
            cells = cells & known
    return cells


def score_columns(
    actual: Floats, models: Mapping[str, Floats], quantiles: Mapping[str, tuple[Floats, Any]],
    scales: Floats, squared_scales: Floats, by: str | None,
) -> dict[str, Floats]:  # fmt: skip
    """Return the scores of models, each (groups, models), by the names of `METRICS` and "rank".

    Parameters
    ----------
    actual : array (windows, series, horizon)
    models : mapping of str to array (windows, series, horizon)
        Forecasts.
    quantiles : mapping of str to (array (windows, series, horizon, levels), levels)
        Of those models that have some.
    scales, squared_scales : array (windows, series)
    by : {None, "horizon", "series", "window"}
    """
    scored = np.where(scored_cells(actual, models), actual, np.nan)
    columns: dict[str, list[Floats]] = {name: [] for name in METRICS}
    keys: list[Floats] = []  # (series, groups), what models are ranked by
    for name, forecast in models.items():
        each = {
            "MASE": mase(scored, forecast, scales, ()),
            "RMSSE": scaled((forecast - scored) ** 2, squared_scales, ()),
            "sMAPE": smape(scored, forecast, ()),
            "CRPS": _crps(scored, quantiles.get(name), scales),
            "bias": bias(scored, forecast, scales, ()),
        }
        means = {metric: average(grouped(terms, by)) for metric, terms in each.items()}
        means["RMSSE"] = np.sqrt(means["RMSSE"])
        for metric, mean in means.items():
            columns[metric].append(over_series(mean, by))
        absolute = average(grouped(mae(scored, forecast, ()), by))
        keys.append(np.where(np.isnan(means["MASE"]), absolute, means["MASE"]))
    result = {metric: np.stack(values, axis=1) for metric, values in columns.items()}
    ranks = rankdata(np.stack(keys), axis=0, nan_policy="omit")
    result["rank"] = np.stack([over_series(rank, by) for rank in ranks], axis=1)
    return result


def counts(cells: NDArray[np.bool_], by: str | None) -> NDArray[np.int64]:
    """Return how many cells (windows, series, horizon) are true in each group."""
    return np.asarray(grouped(cells, by).sum(axis=_pooling(by), dtype=np.int64)).ravel()


def coverage_columns(
    actual: Floats, lower: Floats, upper: Floats, level: float, by: str | None
) -> dict[str, Any]:
    """Return the shares of values in the intervals of a level, pooled, and of how many, by group.

    ``too_few`` is whether there are fewer forecasts (windows times series) than ``100 / (100 -
    level)``: not one miss is to be expected.
    """
    inside = interval_coverage(actual, lower, upper, ())
    known: NDArray[np.bool_] = ~np.isnan(inside)
    n = counts(known, by)
    forecasts = n if by == "horizon" else counts(np.any(known, axis=2)[:, :, None], by)
    return {
        "level": level,
        "nominal": level / 100,
        "covered": average(grouped(inside, by), _pooling(by)).ravel(),
        "n": n,
        "too_few": forecasts * (100 - level) < 100 - 1e-9,
    }


def interval_quantiles(
    forecast: Floats, lower: Mapping[float, Floats], upper: Mapping[float, Floats]
) -> tuple[Floats, tuple[float, ...]]:
    """Return intervals and the forecast, as the median, as quantiles and their levels.

    Parameters
    ----------
    forecast : array (..., horizon)
    lower, upper : mapping of levels in percent to arrays (..., horizon)

    Returns
    -------
    quantiles : array (..., horizon, 2 * intervals + 1)
    levels : tuple of float
        In rising order, between 0 and 1.

    Examples
    --------
    >>> quantiles, levels = interval_quantiles(np.zeros(1), {80: -np.ones(1)}, {80: np.ones(1)})
    >>> quantiles.tolist(), levels
    ([[-1.0, 0.0, 1.0]], (0.1, 0.5, 0.9))
    """
    order = sorted(lower, reverse=True)
    below = [round(0.5 - level / 200, 10) for level in order]
    parts = [lower[k] for k in order] + [forecast] + [upper[k] for k in reversed(order)]
    levels = (*below, 0.5, *(round(1 - level, 10) for level in reversed(below)))
    return np.stack(parts, axis=-1), levels


def _pooling(by: str | None) -> int | tuple[int, int]:
    """The axes of grouped terms that are not groups."""
    return 2 if by == "series" else (0, 2)


def _crps(actual: Floats, quantiles: tuple[Floats, Any] | None, scales: Floats) -> Floats:
    if quantiles is None:
        return np.full(actual.shape, np.nan)
    return scaled(crps_of_quantiles(actual, *quantiles, axis=()), scales, ())
