"""`chainrule anomaly`: what does not fit, found in tables, time series and streams."""

from __future__ import annotations

import typer

from .anomaly_score import score
from .anomaly_train import train
from .anomaly_watch import watch
from .options import ReportCommand

anomaly_app = typer.Typer(
    name="anomaly",
    help="Learn what is normal in a table, and find what is not: in tables and in streams.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
anomaly_app.command("train", cls=ReportCommand)(train)
anomaly_app.command("score", cls=ReportCommand)(score)
anomaly_app.command("watch")(watch)
