"""`chainrule train KIND ...`: a command of its own for each kind of data beside tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from .options import ReportCommand

KINDS: dict[str, Callable[..., None]] = {}


def train_kind(word: str, command: Callable[..., None]) -> None:
    """Let ``chainrule train WORD ...`` run `command`, a function as Typer takes it."""
    KINDS[word] = command


class TrainCommand(ReportCommand):
    """`chainrule train DATA`, unless the first word names a kind of data.

    A table of that name is given as ``./images``.
    """

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """The context of this command, or of that of a kind."""
        if not args or args[0] not in KINDS:
            return super().make_context(info_name, args, parent, **extra)
        word, *rest = args
        only = typer.Typer(add_completion=False, rich_markup_mode="markdown")
        only.command(cls=ReportCommand)(KINDS[word])
        command = typer.main.get_command(only)
        return command.make_context(f"{info_name} {word}", rest, parent, **extra)
