"""`chainrule forecast`: the next steps of time series; without a command, DATA is forecast."""

from __future__ import annotations

import typer

from .default_command import DefaultCommandGroup
from .forecast_evaluate import evaluate
from .forecast_predict import predict
from .forecast_train import train
from .options import ReportCommand

DEFAULT = "train"
COMMANDS = (DEFAULT, "evaluate", "predict")


class ForecastGroup(DefaultCommandGroup):
    """The commands of `chainrule forecast`, of which the one that trains need not be named."""

    default = DEFAULT


forecast_app = typer.Typer(
    name="forecast",
    cls=ForecastGroup,
    rich_markup_mode="markdown",
    subcommand_metavar="[evaluate|predict] DATA ...",
)


@forecast_app.callback()
def _group() -> None:
    """Forecast time series: sales, demand, sensors, prices.

    `chainrule forecast DATA ...` is short for `chainrule forecast train DATA ...`, whose options
    are told by `chainrule forecast train --help`. A table that is called as a command is given as
    `./evaluate`.

    **Examples**

    `chainrule forecast sales.csv --time date --target units --id store --horizon 14 --report`

    `chainrule forecast evaluate sales.csv --time date --target units --id store --horizon 14`

    `chainrule forecast predict sales.safetensors since-then.csv`
    """


forecast_app.command("train", cls=ReportCommand)(train)
forecast_app.command("evaluate")(evaluate)
forecast_app.command("predict")(predict)
