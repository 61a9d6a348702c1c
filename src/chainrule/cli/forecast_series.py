"""Series of a fitted forecaster with their forecasts, for charts in the terminal and in reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..report import ForecastSeries

Floats: TypeAlias = NDArray[np.float64]

DRAWN_IN_TERMINAL, DRAWN_IN_REPORT = 3, 4  # horizons of history
LEAST_DRAWN, MOST_DRAWN = 24, 1000  # rows
MOST_CHARTS = 12  # of a report: the first, the best and the worst series where there are more


def series_of(
    forecaster: Any, forecast: Any, numbers: Sequence[int], horizons: int, result: Any = None
) -> list[ForecastSeries]:
    """Some series with the latest rows of each.

    Parameters
    ----------
    forecaster : Forecaster
    forecast : DataFrame
        Of all series: `Forecaster.predict`.
    numbers : sequence of int
        Which series.
    horizons : int
        Rows of history, in horizons.
    result : BacktestResult, optional
        Its forecasts and errors are drawn as well.
    """
    panel, horizon = forecaster.fitted_.panel, forecaster.horizon
    rows = min(MOST_DRAWN, max(LEAST_DRAWN, horizons * horizon))
    scores = {} if result is None else scores_by_series(result)
    some = []
    for number in numbers:
        one = panel.series[number]
        start = max(0, len(one.values) - rows)
        values = np.where(one.observed, one.values, np.nan)[start:]
        part = forecast.iloc[number * horizon : (number + 1) * horizon]
        positions = range(one.start + start, one.end + horizon)
        score, naive = scores.get(one.name, (np.nan, np.nan))
        some.append(ForecastSeries(
            str(one.name), values, part["forecast"].to_numpy(),
            [panel.calendar.text(position) for position in positions],
            {level: (part[f"lo-{level:g}"].to_numpy(), part[f"hi-{level:g}"].to_numpy())
             for level in levels_in(forecast)},
            None if result is None else _past(result, one, start), score, naive,
        ))  # fmt: skip
    return some


def levels_in(forecast: Any) -> list[float]:
    """The levels of the intervals that a forecast has."""
    return [float(name[3:]) for name in forecast.columns if str(name).startswith("lo-")]


def number_of(ids: Iterable[Any], name: str | None) -> int:
    """Which series has a name; the first, if none is named."""
    if name is None:
        return 0
    names = [str(each) for each in ids]
    if name not in names:
        some = ", ".join(map(repr, names[:8])) + ", ..." * (len(names) > 8)
        raise DataError(f"--series {name}: there is no such series; there are {some}")
    return names.index(name)


def worth_drawing(count: int, result: Any) -> tuple[list[int], str]:
    """The series to draw in a report, and a sentence that says which they are."""
    if count <= MOST_CHARTS:
        return list(range(count)), ""
    few = MOST_CHARTS // 3
    scores = {} if result is None else scores_by_series(result)
    errors = np.array([scores.get(name, (np.nan, np.nan))[0] for name in _ids(result, count)])
    order = [int(k) for k in np.argsort(errors, kind="stable") if np.isfinite(errors[k])]
    if len(order) < 2 * few:
        return list(range(MOST_CHARTS)), f"The first {MOST_CHARTS} of {count:,} series."
    chosen = list(dict.fromkeys([*range(few), *order[-few:][::-1], *order[:few]]))
    return chosen, (
        f"Of {count:,} series the first {few}, the {few} with the largest MASE in the backtest, "
        f"and the {few} with the smallest."
    )


def _ids(result: Any, count: int) -> list[Any]:
    return list(range(count)) if result is None else list(result.ids)


def scores_by_series(result: Any) -> dict[Any, tuple[float, float]]:
    """By the name of a series, MASE of the forecaster and of the seasonal naive forecast."""
    column = result.scores(by="series")["MASE"].unstack("model")
    naive = next((name for name in ("seasonal naive", "naive") if name in column.columns), None)
    ours = column[result.name].to_dict()
    theirs = {} if naive is None else column[naive].to_dict()
    return {name: (float(x), float(theirs.get(name, np.nan))) for name, x in ours.items()}


def _past(result: Any, one: Any, start: int) -> Floats:
    """What was forecast of the rows of a series from past origins, by the latest of them."""
    past = np.full(len(one.values), np.nan)
    row = list(result.ids).index(one.name)
    for times, forecasts in zip(np.asarray(result.times), result.forecast[:, row], strict=True):
        at = times - one.start
        inside = (at >= 0) & (at < len(past))
        past[at[inside]] = forecasts[inside]
    return past[start:]
