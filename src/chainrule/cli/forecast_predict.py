"""`chainrule forecast predict`: a saved forecaster goes on with new rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import DataError
from . import forecast_output, models, predictions
from .console import console
from .forecast_columns import Columns, read_rows
from .forecast_messages import in_words_of_the_command
from .forecast_options import LEVELS, Future, Levels, Out, RawCsv, levels_of
from .forecast_run import check_future, show_forecast
from .forecast_series import number_of
from .keeping import check_apart, check_writable, leave, write_somewhere
from .sources import Encoding


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A file that chainrule forecast saved.")
    ],
    rows: Annotated[
        str | None,
        typer.Argument(metavar="[NEW_ROWS]", help="A table of the rows since the training."),
    ] = None,
    future: Future = None,
    levels: Levels = LEVELS,
    out: Out = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="MODEL", help="Where to save the forecaster with the new rows."),
    ] = None,
    series: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --out: the series to draw.")
    ] = None,
    encoding: Encoding = None,
    raw_csv: RawCsv = False,
) -> None:  # fmt: skip
    """Forecast the steps after new rows, with the weights of the training.

    Rows have the columns of the training, and follow its last ones; those that it had are passed
    over. The forecast is written to a file and drawn, or printed as CSV.

    **Examples**

    `chainrule forecast predict sales.safetensors since-then.csv --out forecast.csv`

    `chainrule forecast predict sales.safetensors since-then.csv --future prices-ahead.csv`
    """
    chosen = levels_of(levels)
    forecast_output.check_format(out)
    if series is not None and out is None:
        raise DataError("--series names the series to draw, and CSV is printed: give --out as well")
    inputs = [str(path) for path in (rows, future) if path is not None]
    outputs = {"--out": out, "--save": save}
    check_apart(outputs, inputs)
    check_apart({"--out": out}, [model])
    for option, target in outputs.items():
        if target is not None:
            check_writable(target, option)
    forecaster = load_forecaster(model)
    columns, card = columns_of(forecaster), models.card(forecaster)
    if encoding is not None and not inputs:
        raise DataError(f"--encoding {encoding} is for files: give new rows, or --future")
    with in_words_of_the_command():
        if rows is not None:
            forecaster.update(read_rows(rows, columns, card, encoding))
        ahead = None if future is None else read_rows(str(future), columns, card, encoding)
    if ahead is None:
        check_future(forecaster.fitted_.panel, forecaster.horizon)
    number = number_of(forecaster.ids_, series)
    with in_words_of_the_command():
        forecast = forecaster.predict(chosen or None, future=ahead)
    saved = None
    if save is not None:
        saved = write_somewhere(save, lambda at: forecaster.save(at))
    if out is None:
        predictions.write(forecast, None, columns.target, raw_csv)
        leave(False, (save, saved))
        return
    written = forecast_output.write(forecast, out, raw_csv)
    show_forecast(console(), forecaster, forecast, number)
    leave(False, (out, written), (save, saved))


def load_forecaster(path: Path) -> Any:
    """The forecaster of a model file."""
    loaded = models.load(path)
    if not models.is_forecaster(loaded):
        raise DataError(
            f"{path} holds a {type(loaded).__name__}, which forecasts no series: give a file of "
            "chainrule forecast"
        )
    return loaded


def columns_of(forecaster: Any) -> Columns:
    """The columns of the training."""
    roles = forecaster.fitted_.panel.roles
    return Columns(roles.time, roles.target, roles.id, roles.known, roles.past, roles.static)
