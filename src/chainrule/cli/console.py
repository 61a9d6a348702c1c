"""Lines and tables on the terminal, in which names from elsewhere are escaped."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Collection
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import escape

TOGETHER = "\N{NO-BREAK SPACE}"


class PlainConsole(Console):
    """A console to which each text is what it says: no markup, no emoji, no control characters.

    All texts and cells come by `render_str`, so nothing that is printed can be forgotten. A `Text`
    is styled by us: who makes one escapes what is not ours.
    """

    goes_on = False  # where nobody reads standard output any more, such as behind `| head`

    def render_str(self, text: str, **options: Any) -> Text:
        """Render a text as it is, with its control characters escaped."""
        options |= {"markup": False, "emoji": False, "highlight": False}
        return super().render_str(escape.terminal(text), **options)

    def say(self, line: str, style: str | None = None) -> None:
        """Print one line, however long, that can be copied as one."""
        self.print(line, style=style, soft_wrap=True)

    def tell(self, sentences: str, start: str = "", style: str | None = None) -> None:
        """Print sentences: wrapped between words on a terminal, in one line elsewhere.

        `start` stands before the first line, and as many blanks before the others. Words with a
        no-break space between them stay together; it is printed as a blank, to be copied.
        """
        sentences = sentences.replace(" %", f"{TOGETHER}%")
        if self.is_terminal and len(start) + len(sentences) > self.width:
            indent, width = " " * len(start), max(20, self.width - 1)
            lines = textwrap.wrap(sentences, width, initial_indent=indent, subsequent_indent=indent,
                                  break_long_words=False, break_on_hyphens=False)  # fmt: skip
            sentences = "\n".join(lines)[len(start) :].replace(TOGETHER, " ")
            for k, line in enumerate(sentences.split("\n")):
                self.say(f"{start}{line}" if k == 0 else line, style)
            return
        self.say(f"{start}{sentences}".replace(TOGETHER, " "), style)

    def on_broken_pipe(self) -> None:
        """Whoever reads standard output has seen enough; without a standard error we go on."""
        self.quiet = True
        if self.goes_on:
            no_reader()
        elif not self.stderr:
            raise BrokenPipeError


def console(stderr: bool = False, quiet: bool = False, goes_on: bool = False) -> PlainConsole:
    """Standard output, or standard error; one that goes on is for what there is still to do."""
    printer = PlainConsole(stderr=stderr, quiet=quiet, highlight=False, markup=False, emoji=False)
    printer.goes_on = goes_on
    return printer


def complain(line: str, style: str | None = None) -> None:
    """Say something on standard error; if nobody can hear it, go on."""
    try:
        console(stderr=True).say(line, style)
    except (OSError, ValueError):  # closed
        return


def table(
    *headers: str, right: Collection[int] = (), title: str | None = None, **options: Any
) -> Table:
    """A table whose cells are folded where they are too wide, never cut."""
    grid = Table(title=title, **options)
    for k, header in enumerate(headers):
        grid.add_column(header, justify="right" if k in right else "left", overflow="fold")
    return grid


def readable_streams() -> None:
    """Let a terminal that lacks a character show its number instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def no_reader() -> None:
    """Standard output is closed: let Python's own flush at the end find nothing to complain of."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # no file at all
        return
