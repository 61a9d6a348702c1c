"""What the commands of `chainrule forecast` do in common: reading, fitting, and telling of it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..data import Table
from ..errors import DataError
from ..report import verdict_of
from .anomaly_interrupts import TrainingInterrupts
from .console import PlainConsole, complain, table
from .forecast_columns import Columns
from .forecast_drawing import drawing_of, legend
from .forecast_series import DRAWN_IN_TERMINAL, series_of

PATIENCE = 2.0  # seconds without a sign of life
METRICS = {"MASE": ".3f", "RMSSE": ".3f", "sMAPE": ".2f", "CRPS": ".3f", "bias": "+.3f"}


class Interrupts(TrainingInterrupts):
    """Shared by the copies of a forecaster that a backtest makes."""

    def __deepcopy__(self, memo: Any) -> Interrupts:
        return self


@contextmanager
def announced(action: str, progress: bool) -> Iterator[None]:
    """Say on a terminal what takes long, once it does; networks and windows have bars."""
    timer = threading.Timer(PATIENCE, complain, [f"{action} ..."])
    timer.daemon = True
    if progress and sys.stderr is not None and sys.stderr.isatty():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def check_future(panel: Any, horizon: int) -> None:
    """Refuse a forecast for which nothing is known ahead, before the work."""
    if not panel.known_names:
        return
    for one in panel.series:
        if one.ahead < horizon:
            rows = f"{one.ahead} of them" if one.ahead else "none"
            names = ",".join(panel.roles.known)
            of = f" of series {str(one.name)!r}" if panel.roles.id is not None else ""
            raise DataError(
                f"--known {names}: the forecast needs the next {horizon} steps after "
                f"{panel.calendar.text(one.end - 1)}{of}, and the table has {rows}: give their "
                f"rows with --future future.csv, or add them to the table with "
                f"{panel.roles.target!r} left empty"
            )


def data_in_words(table_read: Table, columns: Columns, panel: Any, model: Any) -> str:
    """How many series and steps there are, the frequency, seasons, gaps, duplicates, the kind."""
    lengths = [len(one.values) for one in panel.series]
    least, most = min(lengths), max(lengths)
    count = f"{len(lengths):,} series" if len(lengths) > 1 else "1 series"
    steps = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    calendar = panel.calendar
    every = {"trading": "trading days", "steps": "numbered steps"}.get(calendar.kind)
    if columns.time is None:
        every = "rows in their order"
    seasons = model.season_length_
    season = f"season{'s' * (len(seasons) > 1)} of {' and '.join(map(str, seasons))} steps"
    missing = sum(int((~one.observed).sum()) for one in panel.series)
    parts = [
        f"{count} of {steps} steps", every or f"freq {calendar.freq}",
        season if seasons else "no season", _counted(missing, "gap", "filled"),
        *_duplicates(table_read, columns, panel.duplicates), f"kind {model.kind_}",
    ]  # fmt: skip
    return f"{table_read.name}: {', '.join(parts)}"


def _counted(count: int, noun: str, done: str) -> str:
    return f"no {noun}s" if not count else f"{count:,} {noun}{'s' * (count > 1)} {done}"


def _duplicates(table_read: Table, columns: Columns, rule: str) -> list[str]:
    """How many rows are of a series and time that another row is of."""
    keys = [name for name in (columns.id, columns.time) if name is not None]
    if columns.time is None:
        return []
    rows = table_read.frame
    count = int(rows[rows[columns.target].notna()].duplicated(subset=keys).sum())
    done = {"last": "replaced", "sum": "added up", "mean": "averaged"}.get(rule, "dropped")
    return [_counted(count, "duplicate", done)]


def verdict_of_result(result: Any) -> str:
    """Whether the forecast is worth having."""
    scores = scores_of(result)
    sentence = "" if result.skill is None else result.skill.sentence()
    return verdict_of(scores, len(result.actual), sentence)


def scores_of(result: Any) -> dict[str, dict[str, float]]:
    """The scores of all models, without metrics that nobody has."""
    frame = result.scores()
    used = [name for name in METRICS if frame[name].notna().any()]
    return {
        str(model): {name: float(row[name]) for name in used} for model, row in frame.iterrows()
    }


def show_backtest(out: PlainConsole, result: Any) -> None:
    """Print the scores, the coverage, and what they amount to."""
    windows, series, horizon = result.actual.shape
    counts = [
        f"{n:,} {noun}{'s' * (n != 1)}" for n, noun in ((windows, "window"), (horizon, "step"))
    ]
    season = f", season of {result.season}" if result.season > 1 else ""
    scores = scores_of(result)
    metrics = list(next(iter(scores.values())))
    out.tell(f"backtest: {counts[0]} of {counts[1]}, {series:,} series{season}")
    grid = table(
        "model", *metrics, right=range(1, len(metrics) + 1), box=None, pad_edge=False,
        header_style="bold",
    )  # fmt: skip
    for k, (model, row) in enumerate(scores.items()):
        cells = [_cell(row[name], METRICS[name]) for name in metrics]
        grid.add_row(model, *cells, style="bold" if k == 0 else "")
    out.print(grid)
    for row in result.coverage().itertuples():
        covered = "-" if np.isnan(row.covered) else f"{100 * row.covered:.1f} %"
        note = " (too few to tell)" if row.too_few else ""
        out.say(f"{row.level:g} % intervals cover {covered} of {row.n:,} values{note}")
    out.tell(verdict_of_result(result), style="bold")


def _cell(x: float, form: str) -> str:
    return "-" if np.isnan(x) else format(x, form)


def show_forecast(out: PlainConsole, model: Any, forecast: Any, number: int) -> None:
    """Draw one series with its forecast."""
    [one] = series_of(model, forecast, [number], DRAWN_IN_TERMINAL)
    unicode = _has_braille(out)
    out.say(one.name, "bold")
    out.print(drawing_of(one, out.width, unicode), no_wrap=True, overflow="ignore", crop=False)
    out.tell(legend(one, unicode))


def _has_braille(out: PlainConsole) -> bool:
    """Whether the terminal's encoding has the signs of a drawing."""
    try:
        "⣿░│─┊".encode(out.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def result_as_json(result: Any, facts: Mapping[str, Any]) -> dict[str, Any]:
    """A backtest as JSON holds it; what is no number is null."""
    coverage = [
        {"level": float(row.level), "covered": _finite(row.covered), "values": int(row.n),
         "too_few": bool(row.too_few)}
        for row in result.coverage().itertuples()
    ]  # fmt: skip
    scores = {
        model: {name: _finite(x) for name, x in row.items()}
        for model, row in scores_of(result).items()
    }
    windows, series, horizon = result.actual.shape
    facts_of_prices = {} if result.skill is None else {
        "claimed": bool(result.skill.claimed), "p_value": _finite(result.skill.p_value),
        "relative_rmse": _finite(result.skill.relative_rmse),
    }  # fmt: skip
    return {
        **facts, "windows": windows, "series": series, "horizon": horizon,
        "season": int(result.season), "scores": scores, "coverage": coverage,
        "verdict": verdict_of_result(result),
        **({"skill": facts_of_prices} if facts_of_prices else {}),
    }  # fmt: skip


def _finite(x: Any) -> float | None:
    return float(x) if np.isfinite(x) else None
