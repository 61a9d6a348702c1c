"""`chainrule forecast DATA`: from a table to forecasts, a backtest, and a saved forecaster."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from ..data import Table
from ..errors import DataError
from ..lazy import LazyModule
from ..version import __version__
from . import forecast_output, keeping, options, used_columns
from .column_kinds import AsKind
from .command_options import command_line
from .console import PlainConsole, complain, console
from .forecast_columns import Columns, read_rows
from .forecast_messages import in_words_of_the_command
from .forecast_options import (
    LEVELS,
    Duplicates,
    FillGaps,
    Freq,
    Future,
    Horizon,
    Id,
    Kind,
    Known,
    Levels,
    MaxSteps,
    Members,
    Out,
    Past,
    RawCsv,
    Season,
    Static,
    Target,
    Time,
    Wanted,
    levels_of,
    make_forecaster,
    read_panel,
)
from .forecast_run import (
    Interrupts,
    announced,
    check_future,
    data_in_words,
    scores_of,
    show_backtest,
    show_forecast,
    verdict_of_result,
)
from .forecast_series import number_of
from .options import BESIDE, Data, Report, Seed
from .sources import Encoding

backtesting = LazyModule("chainrule.estimators.forecast.backtesting")
reading = LazyModule("chainrule.estimators.forecast.reading.future")
reporting = LazyModule("chainrule.cli.forecast_reporting")

MOST_WINDOWS = 10  # of a backtest, unless more are asked for


@dataclass
class ForecastRun:
    """What was asked for, and what came of it.

    Attributes
    ----------
    source : str
        As it was typed.
    table : Table
    columns : Columns
    wanted : Wanted
    words : dict
        Further options of the command that repeats it.
    model : Forecaster
    ahead : DataFrame or None
        The rows of the next steps, with what is known of them.
    forecast : DataFrame
    result : BacktestResult or None
    summary : str
        What the data is.
    seconds : float
        Of the training.
    """

    source: str
    table: Table
    columns: Columns
    wanted: Wanted
    words: dict[str, Any]
    model: Any = None
    ahead: Any = None
    forecast: Any = None
    result: Any = None
    summary: str = ""
    seconds: float = 0.0
    interrupted: bool = False
    outputs: dict[str, Path | None] = field(default_factory=dict)

    def command(self) -> str:
        """The command that makes the same forecast again."""
        return command_line(
            ["chainrule", "forecast", self.source], {**self.wanted.as_words(), **self.words}
        )


def train(
    data: Data,
    time: Time = None, target: Target = None, id: Id = None, horizon: Horizon = None,
    known: Known = None, past: Past = None, static: Static = None, future: Future = None,
    as_kind: AsKind = None, encoding: Encoding = None,
    season: Season = None, freq: Freq = None, kind: Kind = "auto", members: Members = "auto",
    max_steps: MaxSteps = None,
    levels: Levels = LEVELS, fill_gaps: FillGaps = "auto", duplicates: Duplicates = "error",
    windows: Annotated[
        int | None,
        typer.Option(help="Windows of the backtest; 0: none. [default: 10, or as many as fit]"),
    ] = None,
    series: Annotated[
        str | None, typer.Option(metavar="NAME", help="The series to draw. [default: the first]")
    ] = None,
    out: Out = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Where to save. [default: DATA's name.safetensors]"),
    ] = None,
    report: Report = None,
    seed: Seed = 0,
    raw_csv: RawCsv = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the MASE of the backtest alone.")
    ] = False,
) -> None:  # fmt: skip
    """Forecast the next steps of one or many time series, and say how good such forecasts were.

    The first line says what was read: series, steps, frequency, seasons, gaps. A backtest compares
    forecasts from past origins with naive ones; then history, forecast and intervals are drawn,
    and the forecast and the forecaster are saved.

    **Examples**

    `chainrule forecast sales.csv --time date --target units --id store --horizon 14`

    `chainrule forecast sales.csv --time date --target units --horizon 14 --known price,promo`

    `chainrule forecast prices.csv --time day --target close --horizon 5 --report`
    """
    wanted = Wanted(
        time, target, id, horizon, tuple(known or ()), tuple(past or ()), tuple(static or ()),
        season, freq, kind, members, max_steps, levels, fill_gaps, duplicates,
        seed, tuple(as_kind or ()), encoding,
    )  # fmt: skip
    words = {"future": future, "windows": windows, "series": series}
    wanted.parameters()
    if windows is not None and windows < 0:
        raise DataError(f"--windows {windows}: give how many, or 0 for no backtest")
    chosen = levels_of(levels)
    outputs = checked_outputs(data, future, out, model, report)
    printer = console(quiet=quiet, goes_on=True)
    table = wanted.read(data)
    for note in table.notes:
        printer.tell(note, "note: ")
    run = ForecastRun(data, table, wanted.columns_of(table), wanted, words, outputs=outputs)
    panel = read(run, future, windows, chosen)
    number_of(panel.names, series)
    fit(run, panel, chosen, not quiet)
    printer.tell(run.summary)
    if windows != 0 and not run.interrupted:
        backtest(run, windows, chosen, not quiet)
    written = save(run, raw_csv)
    if quiet:
        print(quiet_score(run))
    else:
        show(printer, run, number_of(run.model.ids_, series), written)
    keeping.leave(run.interrupted, *((outputs[name], written[name]) for name in outputs))


def checked_outputs(
    data: str, future: Path | None, out: Path | None, model: Path | None, report: Path | None
) -> dict[str, Path | None]:
    """Where the forecast, the model and the report go, checked before the work."""
    stem = options.stem(data)
    forecast = Path(f"{stem}-forecast.csv") if out is None else out
    forecast_output.check_format(forecast)
    path = Path(f"{stem}.safetensors") if model is None else model
    page = Path(f"{stem}.html") if report == BESIDE else report
    outputs: dict[str, Path | None] = {"--out": forecast, "--model": path, "--report": page}
    keeping.check_apart(outputs, [data, *([] if future is None else [future])])
    for option, target in outputs.items():
        if target is not None:
            keeping.check_writable(target, option)
    return outputs


def read(
    run: ForecastRun, future: Path | None, windows: int | None, levels: tuple[float, ...]
) -> Any:
    """The series; what is asked of them is checked before the work."""
    horizon = run.wanted.checked_horizon()
    panel = read_panel(run.table, run.columns, run.wanted)
    run.ahead = (
        None
        if future is None
        else read_rows(
            str(future),
            run.columns,
            {used_columns.KINDS: run.wanted.column_kinds},
            run.wanted.encoding,
        )
    )
    if run.ahead is None:
        check_future(panel, horizon)
    with in_words_of_the_command():
        if run.ahead is not None:
            reading.read_future(run.ahead, panel, horizon)
        if windows:
            backtesting.make_plan(panel, horizon, windows, horizon, "auto", levels)
    return panel


def fit(run: ForecastRun, panel: Any, levels: tuple[float, ...], progress: bool) -> None:
    """Train, and forecast."""
    start = perf_counter()
    interrupts = Interrupts()
    with interrupts, in_words_of_the_command(), announced("fitting the members", progress):
        model = make_forecaster(run.wanted, progress).set_params(callbacks=[interrupts])
        model.fit_panel(panel)
    run.interrupted, run.seconds = interrupts.happened, perf_counter() - start
    run.model = model.set_params(callbacks=None, progress=True)  # no matter of the model's
    with in_words_of_the_command():
        run.forecast = model.predict(levels or None, future=run.ahead)
    run.summary = data_in_words(run.table, run.columns, panel, model)


def backtest(
    run: ForecastRun, windows: int | None, levels: tuple[float, ...], progress: bool
) -> None:
    """Forecast from past origins; Ctrl-C ends this, and what was learned is saved."""
    horizon = run.wanted.checked_horizon()
    longest = max(len(one.values) for one in run.model.fitted_.panel.series)
    if windows is None:
        windows = min(MOST_WINDOWS, max(1, longest // 2 // horizon))
        if longest < horizon + 2:
            complain(
                f"note: {longest} steps are too few to forecast {horizon} of them and test it, so "
                "there is no backtest"
            )
            return
    interrupts = Interrupts()
    try:
        with interrupts, in_words_of_the_command(), announced("backtest", progress):
            model = run.model.set_params(callbacks=[interrupts], progress=progress)
            result = model.backtest(n_windows=windows, levels=levels)
    except KeyboardInterrupt:
        interrupts.happened = True
    run.model.set_params(callbacks=None, progress=True)
    run.interrupted = interrupts.happened
    if run.interrupted:
        complain("chainrule: interrupted; the forecast is saved without a backtest")
    else:
        run.result = result


def save(run: ForecastRun, raw_csv: bool) -> dict[str, Path | None]:
    """Write the forecast, the model with its card, and the report; return where they lie."""
    forecast, path, page = (run.outputs[name] for name in ("--out", "--model", "--report"))
    assert forecast is not None and path is not None
    columns = run.columns
    card: dict[str, Any] = {
        "data": run.table.name, "target": columns.target, "task": "forecasting",
        "time": columns.time, "id": columns.id, "known": list(columns.known),
        "past": list(columns.past), "static": list(columns.static),
        "series": len(run.model.ids_), "kind": run.model.kind_, "freq": run.model.freq_,
        "command": run.command(), "chainrule": __version__,
    }  # fmt: skip
    if run.wanted.as_kind:
        card[used_columns.KINDS] = run.wanted.column_kinds
    if run.result is not None:
        card |= {"windows": len(run.result.actual), "verdict": verdict_of_result(run.result)}
    written: dict[str, Path | None] = {"--report": None}
    written["--out"] = forecast_output.write(run.forecast, forecast, raw_csv)
    written["--model"] = keeping.write_somewhere(path, lambda at: run.model.save(at, card=card))
    if page is not None:
        written["--report"] = reporting.write(page, reporting.of_run(run))
    return written


def quiet_score(run: ForecastRun) -> str:
    """The MASE of the forecaster, or nan without a backtest."""
    if run.result is None:
        return "nan"
    return f"{next(iter(scores_of(run.result).values())).get('MASE', float('nan')):.4f}"


def show(
    printer: PlainConsole, run: ForecastRun, number: int, written: dict[str, Path | None]
) -> None:
    """Print the backtest, the drawing, and how to go on."""
    if run.result is not None:
        show_backtest(printer, run.result)
    show_forecast(printer, run.model, run.forecast, number)
    if written["--report"] is not None:
        printer.say(f"wrote {written['--report']}: open it in a browser")
    path = written["--model"]
    more = " --future FUTURE" if run.columns.known else ""
    printer.say(f"saved {path}; use it with: chainrule forecast predict {path} NEW_ROWS{more}")
