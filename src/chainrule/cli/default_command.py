"""Groups of commands of which one need not be named."""

from __future__ import annotations

from typing import Any, ClassVar

import typer.core


class DefaultCommandGroup(typer.core.TyperGroup):
    """Commands of which `default` is meant where none is named.

    A table of the name of one of them is given as ``./evaluate``.
    """

    default: ClassVar[str]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command in front where none is named."""
        named = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else [self.default, *args])
