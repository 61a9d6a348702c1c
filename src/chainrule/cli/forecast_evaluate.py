"""`chainrule forecast evaluate`: the backtest alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import escape
from ..errors import DataError
from .column_kinds import AsKind
from .console import console
from .forecast_columns import with_times
from .forecast_messages import in_words_of_the_command
from .forecast_options import (
    LEVELS,
    Duplicates,
    FillGaps,
    Freq,
    Horizon,
    Id,
    Kind,
    Known,
    Levels,
    MaxSteps,
    Members,
    Past,
    Season,
    Static,
    Target,
    Time,
    Wanted,
    levels_of,
    make_forecaster,
)
from .forecast_output import check_format, write
from .forecast_run import Interrupts, announced, result_as_json, show_backtest
from .keeping import check_apart, check_writable, leave
from .options import AsJson, Data, Seed
from .sources import Encoding


def evaluate(
    data: Data,
    time: Time = None, target: Target = None, id: Id = None, horizon: Horizon = None,
    known: Known = None, past: Past = None, static: Static = None,
    as_kind: AsKind = None, encoding: Encoding = None,
    season: Season = None, freq: Freq = None, kind: Kind = "auto", members: Members = "auto",
    max_steps: MaxSteps = None,
    levels: Levels = LEVELS, fill_gaps: FillGaps = "auto", duplicates: Duplicates = "error",
    windows: Annotated[int, typer.Option(help="Past origins to forecast from.")] = 10,
    step: Annotated[
        int | None, typer.Option(help="Steps between origins. [default: the horizon]")
    ] = None,
    refit: Annotated[
        str,
        typer.Option(metavar="auto|always|once|N", help="How often members are chosen anew: at "
                     "each origin, the first one, or each so many; auto: 8 times at most."),
    ] = "auto",
    out: Annotated[
        Path | None,
        typer.Option("--out", "--output", "-o", metavar="FILE",
                     help="Where to write all forecasts beside what came: .csv or .parquet."),
    ] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Forecast from past origins, each time with what was known by then, and score that.

    The scores stand beside those of the last value, the last season, and a linear model on lags;
    of prices a test says whether they are better than yesterday's price.

    **Examples**

    `chainrule forecast evaluate sales.csv --time date --target units --horizon 14 --windows 20`

    `chainrule forecast evaluate prices.csv --time day --target close --horizon 1 --windows 250`
    """
    wanted = Wanted(
        time, target, id, horizon, tuple(known or ()), tuple(past or ()), tuple(static or ()),
        season, freq, kind, members, max_steps, levels, fill_gaps, duplicates,
        seed, tuple(as_kind or ()), encoding,
    )  # fmt: skip
    wanted.parameters()
    for option, number in (("windows", windows), ("step", step)):
        if number is not None and number < 1:
            raise DataError(f"--{option} {number}: give a whole number from 1")
    often, chosen = parse_refit(refit), levels_of(levels)
    check_format(out)
    if out is not None:
        check_apart({"--out": out}, [data])
        check_writable(out, "--out")
    printer = console(quiet=as_json)
    table = wanted.read(data)
    for note in table.notes:
        printer.tell(note, "note: ")
    columns = wanted.columns_of(table)
    interrupts = Interrupts()
    with interrupts, in_words_of_the_command(), announced("backtest", not as_json):
        forecaster = make_forecaster(wanted, not as_json).set_params(callbacks=[interrupts])
        result = forecaster.backtest(
            with_times(table.frame, columns.time), **columns.as_arguments(), n_windows=windows,
            step=step, refit=often, levels=chosen,
        )  # fmt: skip
    if interrupts.happened:  # in a network, which ends early then
        raise KeyboardInterrupt
    if as_json:
        facts = {"data": table.name, "target": columns.target}
        print(escape.as_json(result_as_json(result, facts)))
    else:
        show_backtest(printer, result)
    written = None if out is None else write(result.to_frame(), out)
    leave(False, (out, written))


def parse_refit(text: str) -> str | bool | int:
    """How often members are chosen anew, as `Forecaster.backtest` takes it."""
    words: dict[str, str | bool] = {"auto": "auto", "always": True, "once": False}
    if text in words:
        return words[text]
    if not text.isdigit() or int(text) < 1:
        raise DataError(f"--refit {text}: give auto, always, once, or a number of windows")
    return int(text)
