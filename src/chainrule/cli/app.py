"""The commands and what they have in common: one-line errors, exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from ..errors import ChainruleError
from ..version import __version__
from .cache import cache_app
from .demo import demo
from .evaluate import evaluate
from .export import export
from .inspect import inspect
from .kinds import TrainCommand, train_kind
from .listen import listen
from .options import ReportCommand
from .predict import predict
from .train import train
from .train_audio import train_audio
from .train_images import train_images
from .train_text import train_text
from .tune import tune

MISTAKE = 2  # exit code: the user can mend it
INTERRUPTED = 130  # as shells give for Ctrl-C

app = typer.Typer(
    name="chainrule",
    help="Train networks on tables, use them, and see how backpropagation works.",
    epilog="Start with: chainrule train digits",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
# `chainrule train TABLE`; a kind of data beside tables is one more line here, its command is
# `chainrule train KIND ...`, its function is in cli/train_KIND.py and takes what Typer gives it.
app.command(cls=TrainCommand)(train)
train_kind("audio", train_audio)
train_kind("images", train_images)
train_kind("text", train_text)
app.command()(predict)
app.command(cls=ReportCommand)(evaluate)
app.command()(inspect)
app.command()(listen)
app.command()(export)
app.command()(tune)
app.add_typer(demo, name="demo")
app.add_typer(cache_app, name="cache")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"chainrule {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train networks on tables, use them, and see how backpropagation works."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; errors that the user can mend take one line and exit code 2."""
    try:
        app(arguments, prog_name="chainrule")
    except ChainruleError as error:
        _mistake(error)
    except ModuleNotFoundError as error:
        if "pip install" not in str(error):  # a bug, or a broken installation: all of it is told
            raise
        _mistake(error)
    except KeyboardInterrupt:
        print("chainrule: interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        sys.exit(0)


def _mistake(error: Exception) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(
        f"chainrule: {error}", style="red", markup=False
    )
    sys.exit(MISTAKE)
