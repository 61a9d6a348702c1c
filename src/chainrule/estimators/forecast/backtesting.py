"""Rolling origins: what a forecaster would have said, without anything of the steps that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from ...train.progress import ProgressBar
from .evaluation.backtest_result import BacktestResult
from .evaluation.metrics import naive_scale, squared_scale
from .evaluation.skill import Skill, price_skill
from .fitted import Fitted
from .members.histories import Histories
from .members.member import Member, known_ahead
from .members.naive import Drift, SeasonalNaive
from .members.ridges import MOST_LAGS, RidgeSpec, fit_ridges
from .members.view import View
from .reading.panel import OneSeries, Panel

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

MOST_REFITS = 8  # of refit="auto"
LINEAR_PENALTY = 0.01  # of the baseline


@dataclass(frozen=True)
class Plan:
    """The origins of a backtest.

    Attributes
    ----------
    ends : array (windows,)
        The positions on the calendar of the first step of each window.
    refit : int
        Windows from one fit to the next; 0 for one fit alone.
    levels : tuple of float
    """

    ends: Ints
    refit: int
    levels: tuple[float, ...]


def make_plan(
    panel: Panel, horizon: int, n_windows: int, step: int, refit: Any, levels: tuple[float, ...]
) -> Plan:
    """Place windows so that the last one ends with the last value.

    Raises
    ------
    DataError
        If there are not so many windows.
    """
    last = max(one.end for one in panel.series) - horizon
    first = last - (n_windows - 1) * step
    earliest = min(one.start for one in panel.series) + 2
    if first < earliest:
        fitting = (last - earliest) // step + 1
        raise DataError(
            f"n_windows={n_windows} of {horizon} steps, {step} apart, need "
            f"{horizon + (n_windows - 1) * step + 2} steps, and the longest series has "
            f"{last + horizon - earliest + 2}: "
            + (f"give n_windows={fitting} at most" if fitting > 0 else "give a shorter horizon")
        )
    if refit == "auto":
        every = -(-n_windows // MOST_REFITS)
    elif isinstance(refit, bool):
        every = 1 if refit else 0
    elif isinstance(refit, int) and refit > 0:
        every = refit
    else:
        raise ValueError(
            f"refit={refit!r:.40}: give 'auto', True, False, or a number of windows from one fit "
            "to the next"
        )
    return Plan(first + step * np.arange(n_windows), every, levels)


@dataclass
class Answers:
    """What is filled in window by window: arrays (windows, series, horizon), NaN where nothing."""

    actual: Floats
    forecast: Floats
    scales: Floats
    squared_scales: Floats
    lower: dict[float, Floats] = field(default_factory=dict)
    upper: dict[float, Floats] = field(default_factory=dict)
    baselines: dict[str, Floats] = field(default_factory=dict)
    quantiles: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def empty(cls, windows: int, series: int, horizon: int) -> Answers:
        """No answer yet."""
        shape = (windows, series, horizon)
        scales = np.full(shape[:2], np.nan)
        return cls(np.full(shape, np.nan), np.full(shape, np.nan), scales, scales.copy())

    def put(
        self, into: dict[Any, Floats], name: Any, window: int, rows: Ints, numbers: Floats
    ) -> None:
        """Enter the numbers (rows, horizon, ...) of one window."""
        shape = (*self.actual.shape, *numbers.shape[2:])
        into.setdefault(name, np.full(shape, np.nan))[window, rows] = numbers


def run_backtest(
    fit: Callable[[Panel], Fitted], panel: Panel, plan: Plan, horizon: int, progress: bool
) -> tuple[BacktestResult, Fitted]:
    """Forecast from each origin with what was known by then, and score it.

    Parameters
    ----------
    fit : callable
        From a panel to a fitted forecaster.
    panel : Panel
        With all rows.
    plan : Plan
    horizon : int
    progress : bool

    Returns
    -------
    BacktestResult
    Fitted
        The forecaster at the last origin.
    """
    numbers = {one.name: k for k, one in enumerate(panel.series)}
    answers = Answers.empty(len(plan.ends), len(numbers), horizon)
    fitted: Fitted | None = None
    linear: Member | None = None
    with ProgressBar("window {task.completed}/{task.total}", progress) as bar:
        for window, end in enumerate(plan.ends):
            before = () if fitted is None else fitted.panel.names
            known_rows = panel_before(panel, int(end), before)
            if fitted is None or (plan.refit and window % plan.refit == 0):
                known_rows = panel_before(panel, int(end), ())
                fitted = fit(known_rows)
                linear = linear_on_lags(fitted)
            else:
                fitted = fitted.with_panel(known_rows)
                linear = None if linear is None else linear.with_series(fitted.histories)
            rows = np.array([numbers[name] for name in fitted.panel.names], np.int64)
            _answer(answers, window, fitted, linear, panel, rows, plan)
            if bar.is_due:
                bar.update(window + 1, len(plan.ends), "")
    assert fitted is not None
    return _result(answers, panel, plan, fitted), fitted


def panel_before(panel: Panel, end: int, first_names: Sequence[Any]) -> Panel:
    """Return what is known before a position: series that have begun, in a steady order.

    A gap that reaches over the end is filled without later values.
    """
    order = {name: k for k, name in enumerate(first_names)}
    begun = [one for one in panel.series if one.start < end]
    if not begun:
        raise DataError(f"no series has a value before {panel.calendar.text(end)}")
    begun.sort(key=lambda one: order.get(one.name, len(order)))
    season = next(iter(panel.calendar.seasons()), 1)
    return replace(panel, series=tuple(_cut(one, end, season) for one in begun))


def _cut(one: OneSeries, end: int, season: int) -> OneSeries:
    steps = min(end - one.start, len(one.values))
    if steps == len(one.values):
        return one
    single = Histories(
        [one.values], [one.observed], [one.known], [one.past], one.static[None], season
    )
    causal = single.before(np.array([steps]))
    return replace(
        one, values=causal.values[0], observed=one.observed[:steps], past=one.past[:steps]
    )


def _answer(
    answers: Answers, window: int, fitted: Fitted, linear: Member | None, panel: Panel,
    rows: Ints, plan: Plan,
) -> None:  # fmt: skip
    """Enter the forecasts of one window, what came, and the baselines."""
    histories, horizon = fitted.histories, fitted.horizon
    end = int(plan.ends[window])
    known = known_ahead(histories, histories.ends, horizon)
    forecasts = fitted.forecast(known)
    alive = fitted.starts + histories.lengths == end  # others have ended before
    some, at = rows[alive], np.flatnonzero(alive)
    for k, row in zip(at, some, strict=True):
        one = panel.series[row]
        steps = end - one.start
        ahead = one.values[steps : steps + horizon]
        seen = one.observed[steps : steps + horizon]
        answers.actual[window, row, : len(ahead)] = np.where(seen, ahead, np.nan)
        train = histories.values[k]
        answers.scales[window, row] = naive_scale(train, fitted.season)
        answers.squared_scales[window, row] = squared_scale(train, fitted.season)
    answers.forecast[window, some] = forecasts[at]
    if len(fitted.conformal.errors):
        for level, (lower, upper) in fitted.intervals(forecasts, known, plan.levels).items():
            answers.put(answers.lower, level, window, some, lower[at])
            answers.put(answers.upper, level, window, some, upper[at])
    rules: list[tuple[str, Any]] = [("naive", SeasonalNaive(1))]
    if fitted.is_price:
        rules.append((Drift().name, Drift()))
    elif fitted.season > 1:
        rules.append(("seasonal naive", SeasonalNaive(fitted.season)))
    for name, rule in rules:
        forecast = rule.forecast(histories, histories.ends, horizon)
        answers.put(answers.baselines, name, window, some, forecast[at])
        if plan.levels:
            quantiles = _rule_quantiles(fitted, rule, forecast, plan.levels)
            answers.put(answers.quantiles, name, window, some, quantiles[at])
    if linear is not None:
        forecast = linear.forecast(histories, histories.ends, horizon, known)
        answers.put(answers.baselines, "linear on lags", window, some, forecast[at])


def _rule_quantiles(
    fitted: Fitted, rule: Any, forecasts: Floats, levels: tuple[float, ...]
) -> Floats:
    """Quantiles (series, horizon, levels) around a rule's forecasts, by its past errors.

    Errors are those at the origins of the record, in units of each series' scale.
    """
    record, histories = fitted.record, fitted.histories
    tails = sorted(0.5 - level / 200.0 for level in levels)
    shares = [*tails, *[1.0 - tail for tail in reversed(tails)]]
    past = rule.forecast(histories, record.origins, fitted.horizon)
    errors = histories.actual(record.origins, fitted.horizon) - past
    errors = errors / fitted.scales[record.origins.series][:, None]
    over = np.isfinite(errors).all(axis=1)
    if not over.any():
        return np.full((*forecasts.shape, len(shares) + 1), np.nan)
    ends = np.quantile(errors[over], shares, axis=0)
    ends = np.insert(ends, len(tails), 0.0, axis=0).T  # the forecast is the median
    return np.asarray(forecasts[:, :, None] + fitted.scales[:, None, None] * ends)


def linear_on_lags(fitted: Fitted) -> Member | None:
    """The baseline: one ridge for all series on the lags of two seasons, or None if too short."""
    histories, horizon = fitted.histories, fitted.horizon
    usual = int(np.median(histories.lengths))
    seasonal = [2 * season for season in fitted.seasons if 2 * season <= MOST_LAGS]
    wanted = seasonal[-1] if seasonal else max(2 * horizon, 8)
    lags = min(wanted, MOST_LAGS, (usual - horizon) // 3)
    if lags < 1:
        return None
    view = View.of(histories, "none", known="none", with_extras=False)
    spec = RidgeSpec("none", lags, "last", "spread", LINEAR_PENALTY, is_local=False)
    ridges: Iterator[Any] = fit_ridges(view.prepared(histories), view, horizon, [spec])
    return next((Member(ridge, view) for ridge in ridges), None)


def _result(answers: Answers, panel: Panel, plan: Plan, fitted: Fitted) -> BacktestResult:
    skill = _skill(answers, panel, plan) if fitted.is_price else None
    steps = np.arange(fitted.horizon)
    return BacktestResult(
        actual=answers.actual, forecast=answers.forecast, scales=answers.scales,
        squared_scales=answers.squared_scales, origins=plan.ends - 1,
        times=plan.ends[:, None] + steps, ids=list(panel.names), season=fitted.season,
        lower=answers.lower, upper=answers.upper, baselines=answers.baselines, skill=skill,
        baseline_quantiles=answers.quantiles,
        id_name=panel.id_name or "unique_id", time_name=panel.time_name,
        target_name=panel.roles.target, stamps=panel.calendar.stamps,
    )  # fmt: skip


def _skill(answers: Answers, panel: Panel, plan: Plan) -> Skill:
    start = min(one.start for one in panel.series)
    end = max(one.end for one in panel.series)
    prices = np.full((len(panel.series), end - start), np.nan)
    for row, one in enumerate(panel.series):
        prices[row, one.start - start : one.end - start] = one.values
    return price_skill(prices, answers.forecast, plan.ends - start)
