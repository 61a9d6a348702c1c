"""`chainrule forecast`: the next steps of time series; without a command, DATA is forecast."""

from __future__ import annotations

from typing import Any

import typer
import typer.core

from .forecast_evaluate import evaluate
from .forecast_predict import predict
from .forecast_train import train
from .options import ReportCommand

DEFAULT = "train"
COMMANDS = (DEFAULT, "evaluate", "predict")


class ForecastGroup(typer.core.TyperGroup):
    """The commands of `chainrule forecast`, of which the one that trains need not be named.

    A table of the name of one of them is given as ``./evaluate``.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command in front where none is named."""
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else [DEFAULT, *args])


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
