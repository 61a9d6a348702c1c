"""`ForecastReport`: what a forecaster has to tell of its series, as arrays, dicts and texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..markup import Markup

Floats: TypeAlias = NDArray[np.float64]
History: TypeAlias = Sequence[Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class ForecastSeries:
    """The latest rows of one series and what is forecast of it.

    Parameters
    ----------
    name : str
    observed : array of shape (rows,)
        NaN where missing.
    forecast : array of shape (horizon,)
    times : sequence of str
        Of the rows and then of the forecasts, as they are to be printed.
    intervals : dict of float to (array, array)
        By level in percent, the lower and the upper ends, of shape (horizon,).
    backtest : array of shape (rows,), optional
        What was forecast of the rows from past origins; NaN where nothing was.
    score, naive_score : float
        MASE in the backtest, and that of the seasonal naive forecast; NaN where unknown.

    Raises
    ------
    DataError
        If the parts are not of one length.
    """

    name: str
    observed: Any
    forecast: Any
    times: Sequence[str]
    intervals: Mapping[float, tuple[Any, Any]] = field(default_factory=dict)
    backtest: Any = None
    score: float = np.nan
    naive_score: float = np.nan

    def __post_init__(self) -> None:
        observed, forecast = _column(self.observed), _column(self.forecast)
        past = np.full(len(observed), np.nan) if self.backtest is None else _column(self.backtest)
        intervals = {
            float(level): (_column(lower), _column(upper))
            for level, (lower, upper) in self.intervals.items()
        }
        ends = {len(end) for pair in intervals.values() for end in pair}
        if len(past) != len(observed) or not ends <= {len(forecast)} or not len(forecast):
            raise DataError(
                f"series {self.name!r}: {len(observed)} rows, {len(past)} past forecasts, "
                f"{len(forecast)} forecasts, intervals of {sorted(ends)}: one each"
            )
        if len(self.times) != len(observed) + len(forecast):
            raise DataError(
                f"series {self.name!r}: {len(self.times)} times of {len(observed)} rows and "
                f"{len(forecast)} forecasts"
            )
        for name, value in (("observed", observed), ("forecast", forecast), ("backtest", past),
                            ("intervals", dict(sorted(intervals.items())))):  # fmt: skip
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class IntervalCoverage:
    """How many values of the backtest were within the intervals of one level.

    Parameters
    ----------
    level : float
        In percent.
    covered : float
        The share, from 0 to 1; NaN if there is no value.
    n : int
        Values.
    too_few : bool
        Whether they are too few to tell.
    by_step : array of shape (horizon,)
        The share by step ahead.
    """

    level: float
    covered: float
    n: int
    too_few: bool = False
    by_step: Any = ()


@dataclass(frozen=True)
class CommitteeMember:
    """One forecaster of the committee.

    Parameters
    ----------
    name, meaning : str
    is_chosen : bool
        Whether the forecast is made of it now.
    """

    name: str
    meaning: str
    is_chosen: bool = True


@dataclass(frozen=True, eq=False)
class ForecastReport:
    """Forecasts of one or more series, in plain values; what is left out is not shown.

    Parameters
    ----------
    data, target, date : str
        The date as it is to be printed; nothing here looks at a clock.
    horizon : int
    summary : str
        How many series there are, their frequency and seasons.
    verdict : str
        Whether the forecast is worth having; see `verdict_of`.
    scores : dict of dict of float
        Of the backtest: by model, the forecaster first, then by metric.
    scores_note : str
        How many windows there were, and how the scores are defined.
    errors_by_step : dict of array of shape (horizon,)
        By model, the errors of each step ahead.
    error_name : str
        What they are, such as ``"MASE"``.
    coverage : sequence of IntervalCoverage
    series : sequence of ForecastSeries
        Those to draw.
    series_note : str
        Which of all they are.
    series_scores : sequence of (str, float, float)
        Of all series: MASE of the forecaster and of the seasonal naive forecast.
    members : sequence of CommitteeMember
    members_note : str
        What else forecasts some series.
    histories : dict of sequence of dict of float
        By network, a row for each round of the training: ``epoch`` and ``loss``.
    parts : sequence of (str, str, Markup)
        Further sections: identifier, heading, content.
    settings, dataset, versions : dict
    seed : int, optional
    limitations : str
        Where the forecast must not be trusted; an empty line parts paragraphs.
    command : str
        What has to be typed to get the same again.

    Examples
    --------
    >>> from chainrule.report import ForecastReport, ForecastSeries, render_forecast
    >>> series = ForecastSeries("units", [3.0, 4.0, 3.0], [4.0], ["Mon", "Tue", "Wed", "Thu"],
    ...                         {80: ([3.5], [4.5])})
    >>> page = render_forecast(ForecastReport("sales", "units", "2026-11-30", 1, series=[series]))
    >>> "Forecast</h2>" in page, "Backtest</h2>" in page
    (True, False)
    """

    data: str
    target: str
    date: str
    horizon: int
    summary: str = ""
    verdict: str = ""
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    scores_note: str = ""
    errors_by_step: Mapping[str, Any] = field(default_factory=dict)
    error_name: str = "MASE"
    coverage: Sequence[IntervalCoverage] = ()
    series: Sequence[ForecastSeries] = ()
    series_note: str = ""
    series_scores: Sequence[tuple[str, float, float]] = ()
    members: Sequence[CommitteeMember] = ()
    members_note: str = ""
    histories: Mapping[str, History] = field(default_factory=dict)
    parts: Sequence[tuple[str, str, Markup]] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    dataset: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, object] = field(default_factory=dict)
    seed: int | None = None
    limitations: str = ""
    command: str = ""
    # What the card of other reports has besides
    layers: Sequence[tuple[str, str, int]] = ()

    def __post_init__(self) -> None:
        steps = {name: _column(errors) for name, errors in self.errors_by_step.items()}
        lengths = {len(errors) for errors in steps.values()}
        lengths |= {len(each.by_step) for each in self.coverage if len(each.by_step)}
        lengths |= {len(each.forecast) for each in self.series}
        if not lengths <= {self.horizon}:
            raise DataError(f"horizon={self.horizon}, and there are numbers of {sorted(lengths)}")
        object.__setattr__(self, "errors_by_step", steps)


def _column(values: Any) -> Floats:
    array = np.asarray(values, np.float64)
    if array.ndim != 1:
        raise DataError(f"numbers of shape {array.shape}: give one dimension")
    return array


def verdict_of(
    scores: Mapping[str, Mapping[str, float]], windows: int, price_sentence: str = ""
) -> str:
    """Whether a forecast is worth having, in a sentence.

    Parameters
    ----------
    scores : dict of dict of float
        By model, the forecaster first, with ``"MASE"`` or ``"sMAPE"`` (smaller is better).
    windows : int
        Of the backtest.
    price_sentence : str, optional
        What the test of prices says, which is then the verdict.

    Examples
    --------
    >>> scores = {"forecaster": {"MASE": 0.75}, "naive": {"MASE": 1.5},
    ...           "seasonal naive": {"MASE": 1.0}}
    >>> verdict_of(scores, 10)
    'The forecast beats the seasonal naive forecast by 25.0 %: MASE 0.750 against 1.000 in 10 \
windows.'
    >>> scores["linear on lags"] = {"MASE": 0.5}
    >>> verdict_of(scores, 10)
    'The forecast does not beat linear on lags (0.500): its MASE is 0.750 in 10 windows. It beats \
the seasonal naive forecast (1.000) by 25.0 %.'
    """
    if price_sentence:
        return price_sentence
    ours, *others = scores
    metric = next((m for m in ("MASE", "sMAPE") if np.isfinite(scores[ours].get(m, np.nan))), "")
    rivals = {name: scores[name].get(metric, np.nan) for name in others}
    rivals = {name: error for name, error in rivals.items() if np.isfinite(error)}
    if not rivals:
        return "No window could be scored, so nothing can be said of the forecast's worth."
    name = "seasonal naive" if "seasonal naive" in rivals else next(iter(rivals))
    error, naive = scores[ours][metric], rivals.pop(name)
    in_windows = f"in {windows} window{'s' * (windows != 1)}"
    better = {rival: other for rival, other in rivals.items() if other <= error}
    beaten_by = " or ".join(f"{rival} ({other:.3f})" for rival, other in better.items())
    against = f"{metric} {error:.3f} against {naive:.3f} {in_windows}"
    if error >= naive:
        more = f" Nor does it beat {beaten_by}." if better else ""
        return f"The forecast does not beat the {name} forecast: {against}.{more}"
    gain = f"{100 * (1 - error / naive):.1f} %"
    if better:
        return (
            f"The forecast does not beat {beaten_by}: its {metric} is {error:.3f} {in_windows}. It "
            f"beats the {name} forecast ({naive:.3f}) by {gain}."
        )
    return f"The forecast beats the {name} forecast by {gain}: {against}."
