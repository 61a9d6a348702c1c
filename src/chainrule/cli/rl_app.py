"""`chainrule rl`: policies that learn by reinforcement."""

from __future__ import annotations

import typer

from .options import ReportCommand
from .rl_evaluate import evaluate
from .rl_list import list_environments
from .rl_train import train
from .rl_watch import watch

rl_app = typer.Typer(
    name="rl",
    help="Train policies by reinforcement learning, evaluate and watch them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
rl_app.command("train", cls=ReportCommand)(train)
rl_app.command("evaluate")(evaluate)
rl_app.command("watch")(watch)
rl_app.command("list")(list_environments)
