"""The commands and what they have in common: one-line errors, exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
import typer.core

from .. import escape
from ..errors import ChainruleError
from ..starting import INTERRUPTED, MISTAKE
from ..version import __version__
from .anomaly_app import anomaly_app
from .cache import cache_app
from .console import complain, no_reader, readable_streams
from .demo import demo
from .evaluate import evaluate
from .export import export
from .forecast_app import forecast_app
from .inspect import inspect
from .listen import listen
from .options import ReportCommand
from .predict import predict
from .rl_app import rl_app
from .serve import serve
from .train import train_app
from .tune import tune


class Commands(typer.core.TyperGroup):
    """All commands; the control characters of wrong words are escaped in Typer's messages."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands, `train` first: Typer puts groups at the end."""
        return sorted(super().list_commands(ctx), key=lambda name: name != "train")

    def make_context(self, *args: Any, **more: Any) -> Any:
        """The context, from words that may be wrong."""
        with reported_errors():
            return super().make_context(*args, **more)

    def invoke(self, ctx: Any) -> Any:
        """Run a command, whose words may be wrong."""
        with reported_errors():
            return super().invoke(ctx)


@contextmanager
def reported_errors() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        no_reader()
        raise typer.Exit() from None
    except KeyboardInterrupt:
        complain("chainrule: interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        message = getattr(error, "message", None)
        if isinstance(message, str) and hasattr(error, "format_message"):  # one of click's
            vars(error)["message"] = escape.terminal(message)
        raise


app = typer.Typer(
    name="chainrule",
    cls=Commands,
    help="Train networks on tables, images, recordings and texts, policies in environments, and "
    "see how they learn.",
    epilog="Start with: chainrule train digits",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(train_app, name="train")
app.command()(predict)
app.command()(serve)
app.command(cls=ReportCommand)(evaluate)
app.command()(inspect)
app.command()(listen)
app.command()(export)
app.command("tune")(tune)
app.add_typer(anomaly_app, name="anomaly")
app.add_typer(forecast_app, name="forecast")
app.add_typer(rl_app, name="rl")
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
    """Train networks on tables, images, recordings and texts, policies in environments, and see
    how they learn.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; errors that the user can mend take one line and exit code 2."""
    readable_streams()
    try:
        app(arguments, prog_name="chainrule")
    except ChainruleError as error:
        _mistake(error)
    except ModuleNotFoundError as error:
        if "pip install" not in str(error):  # a bug, or a broken installation: all of it is told
            raise
        _mistake(error)
    except KeyboardInterrupt:
        complain("chainrule: interrupted")
        sys.exit(INTERRUPTED)
    except OSError as error:  # of standard output, or of a folder that cannot be read
        _mistake(error)
    finally:
        _written_out()


def _written_out() -> None:
    """What was printed is only now written, if it is little."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        no_reader()
    except (OSError, ValueError) as error:
        no_reader()
        complain(f"chainrule: cannot write to standard output: {error}", style="red")
        sys.exit(MISTAKE)


def _mistake(error: Exception) -> None:
    complain(f"chainrule: {error}", style="red")
    sys.exit(MISTAKE)
