"""A forecaster, its forecasts and its backtest as a `ForecastReport`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..report import (
    CommitteeMember,
    ForecastReport,
    IntervalCoverage,
    render_forecast,
    write_page,
)
from ..report.forecast_parts import Part, attributions, decomposition
from .forecast_run import scores_of, verdict_of_result
from .forecast_series import DRAWN_IN_REPORT, scores_by_series, series_of, worth_drawing
from .keeping import write_somewhere
from .reporting import versions

MOST_EXPLAINED = 4  # series
LIMITATIONS = (
    "A forecast goes on with what the series did before. What they never did (a new competitor, a "
    "pandemic, a sensor that breaks) is not in it, nor in its intervals.\n\n"
    "Intervals are as wide as errors of forecasts were of late. They hold on average over many "
    "steps, not in every week, and with few windows the backtest cannot tell whether they do.\n\n"
    "The backtest is of this table. If many settings are tried and the best one is taken, its "
    "errors are too small."
)
SCORES_NOTE = (
    "MASE, CRPS and bias (forecast minus actual) are in units of the mean change from one season "
    "to the next, RMSSE in its root mean square: below 1 is better than that. sMAPE is that of M4, "
    "0 to 200 %. All models are scored on the same values."
)
CENTRES = {"last": "the last value", "season": "the last season's mean",
           "mean": "the window's mean", "none": ""}  # fmt: skip
TRANSFORMS = {"none": "values", "sqrt": "roots of values", "log": "logarithms of values"}
COUNTS = {"spread": "each series' spread", "level": "each series' level",
          "window": "the deviation in each window"}  # fmt: skip
NETWORKS = {
    "dlinear": "DLinear (A. Zeng et al., 2023): linear maps of trend and remainder",
    "nlinear": "NLinear (A. Zeng et al., 2023): a linear map of the window minus its last value",
    "nbeats": "N-BEATS (B. N. Oreshkin et al., 2020): blocks that each explain a part of the "
    "window, beside a linear map",
    "nhits": "N-HiTS (C. Challu et al., 2023): blocks that see the window at several resolutions",
    "tide": "TiDE (A. Das et al., 2023): a dense encoder and decoder",
    "gru": "a gated recurrent unit (K. Cho et al., 2014) that reads the window step by step",
}


def of_run(run: Any) -> ForecastReport:
    """The report of `chainrule forecast DATA`."""
    model, result = run.model, run.result
    numbers, note = worth_drawing(len(model.ids_), result)
    of_backtest = {} if result is None else backtest_fields(result)
    wanted = run.wanted
    settings = {
        name.replace("-", " "): _setting(value) for name, value in wanted.as_words().items()
        if name != "seed"
    }  # fmt: skip
    panel = model.fitted_.panel
    return ForecastReport(
        data=run.table.name, target=run.columns.target, date=date.today().isoformat(),
        horizon=model.horizon, summary=run.summary.partition(": ")[2],
        series=series_of(model, run.forecast, numbers, DRAWN_IN_REPORT, result),
        series_note=note, members=members_of(model), members_note=counts_in_words(model),
        histories=model.history_, parts=explanations(run, numbers),
        settings={**settings, "seconds": f"{run.seconds:.1f}"},
        dataset={
            "series": len(panel.series),
            "values": sum(int(one.observed.sum()) for one in panel.series),
            "filled": sum(int((~one.observed).sum()) for one in panel.series),
            "first time": panel.calendar.text(min(one.start for one in panel.series)),
            "last time": panel.calendar.text(max(one.end for one in panel.series) - 1),
        },
        versions=versions(), seed=wanted.seed, limitations=LIMITATIONS, command=run.command(),
        **of_backtest,
    )  # fmt: skip


def explanations(run: Any, numbers: Sequence[int]) -> list[Part]:
    """What the forecasts of the first series hang on, and the parts of an N-BEATS.

    Sections that a forecaster cannot have (counts, no N-BEATS) are left out.
    """
    parts, model = [], run.model
    names = [model.ids_[number] for number in numbers[:MOST_EXPLAINED]]
    with suppress(UnsupportedError):
        frame = model.attributions(series=names, future=run.ahead)
        parts.append(attributions(frame, run.columns.target))
    with suppress(UnsupportedError):
        frame = model.decomposition(future=run.ahead)
        parts.append(decomposition(frame, run.columns.target))
    return parts


def backtest_fields(result: Any) -> dict[str, Any]:
    """What a backtest has to tell."""
    by_step = result.scores(by="horizon")
    metric = next((m for m in ("MASE", "sMAPE") if by_step[m].notna().any()), "MASE")
    columns = by_step[metric].unstack("model")
    windows, _, horizon = result.actual.shape
    counts = [
        f"{n:,} {noun}{'s' * (n != 1)}" for n, noun in ((windows, "window"), (horizon, "step"))
    ]
    return {
        "verdict": verdict_of_result(result), "scores": scores_of(result),
        "scores_note": f"{counts[0]} of {counts[1]}. {SCORES_NOTE}",
        "errors_by_step": {name: columns[name].to_numpy() for name in result.models},
        "error_name": metric, "coverage": coverage_of(result),
        "series_scores": [(str(name), *pair) for name, pair in scores_by_series(result).items()],
    }  # fmt: skip


def coverage_of(result: Any) -> list[IntervalCoverage]:
    """How many values were within the intervals."""
    by_step = result.coverage(by="horizon")
    return [
        IntervalCoverage(
            float(row.level), float(row.covered), int(row.n), bool(row.too_few),
            by_step.loc[by_step["level"] == row.level, "covered"].to_numpy(np.float64),
        )
        for row in result.coverage().itertuples()
    ]  # fmt: skip


def members_of(model: Any) -> list[CommitteeMember]:
    """Those that the forecast is made of now, then the others that validation has left."""
    fitted = model.fitted_
    members, chosen = fitted.committee.members, list(fitted.raw_track.chosen)
    order = [*chosen, *(k for k in range(len(members)) if k not in chosen)]
    rows = [CommitteeMember(members[k].name, meaning_of(members[k]), k in chosen) for k in order]
    return [] if model.kind_ == "count" else rows


def counts_in_words(model: Any) -> str:
    """What forecasts intermittent demand, if there is any."""
    counts = model.fitted_.counts
    if counts is None:
        return ""
    some, every = len(counts.rows), len(model.ids_)
    of = "All series are" if some == every else f"{some:,} of {every:,} series are"
    return (
        f"{of} intermittent demand. A distribution of counts is forecast of them: the forecast is "
        "its mean, which need not be a whole number, and intervals are its quantiles."
    )


def meaning_of(member: Any) -> str:
    """What a member is, in a sentence."""
    spec = getattr(member.model, "spec", None)
    if spec is None:
        season = getattr(member.model, "season", None)
        if season is None:
            return "The last value, and the mean change so far for each step."
        return "The last value." if season == 1 else f"The values {season} steps before."
    centre = CENTRES[spec.centre]
    minus = f" minus {centre}" if centre else ""
    view = f"of {TRANSFORMS[spec.transform]}{minus}, errors in units of {COUNTS[spec.counts]}"
    if hasattr(spec, "penalty"):
        scope = "for each series" if spec.is_local else "for all series"
        kind = f"a ridge regression {scope} on the last {spec.lags} values"
    else:
        kind = f"{NETWORKS.get(spec.kind, spec.kind)}, on the last {spec.lags} values"
    return f"{kind[:1].upper()}{kind[1:]}, {view}."


def _setting(value: Any) -> object:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value


def write(page: Path, report: ForecastReport) -> Path:
    """Write a report as a page, and return where it lies in the end."""
    text = render_forecast(report)
    return write_somewhere(page, lambda path: write_page(path, text))
