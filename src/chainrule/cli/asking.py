"""Which column to predict, where none was named: asked for on a terminal, else taken and said."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TextIO

from .. import escape
from ..data import Table
from ..errors import DataError
from .console import PlainConsole

MOST_NAMES = 12


def ask_target(
    table: Table,
    likely: Callable[[Any], tuple[str, str]],
    out: PlainConsole,
    stdin: TextIO | None = None,
    stderr: TextIO | None = None,
) -> str:
    """The column to predict, of a table whose source names none.

    Parameters
    ----------
    table : Table
    likely : callable
        ``likely(frame)`` returns the likeliest column, and why.
    out : PlainConsole
        Where it is said; a quiet one asks nothing.
    stdin, stderr : text streams, optional
        Default: those of the process. If both are terminals, the question is asked there.

    Raises
    ------
    KeyboardInterrupt
        If the question is answered with the end of the input (Ctrl-D).
    """
    if table.target is not None:
        return table.target
    name, reason = likely(table.frame)
    stdin, stderr = stdin or sys.stdin, stderr or sys.stderr
    out.tell(f"no --target: {name!r} is the likeliest column to predict: {reason}")
    if out.quiet or not (_is_terminal(stdin) and _is_terminal(stderr)):
        out.say(f"taking {name!r}; another one: --target COLUMN")
        return name
    names = [str(column) for column in table.frame.columns]
    listed = ", ".join(names[:MOST_NAMES]) + ", ..." * (len(names) > MOST_NAMES)
    print(escape.terminal(f"columns: {listed}"), file=stderr)
    while True:
        question = f"column to predict [{name}]: "
        print(escape.terminal(question), end="", file=stderr, flush=True)
        line = stdin.readline()
        if not line:
            print(file=stderr)
            raise KeyboardInterrupt
        answer = line.strip()
        if not answer:
            return name
        try:
            return matching_name(answer, names)
        except DataError as error:
            print(escape.terminal(str(error)), file=stderr)


def matching_name(answer: str, names: list[str]) -> str:
    """The column that an answer names, in small letters, too, if it is the only one.

    Examples
    --------
    >>> matching_name("survived", ["Survived", "Age"])
    'Survived'
    """
    if answer in names:
        return answer
    alike = [name for name in names if name.casefold() == answer.casefold()]
    if len(alike) == 1:
        return alike[0]
    starting = [name for name in names if name.casefold().startswith(answer.casefold())]
    hint = f": is it {' or '.join(map(repr, starting[:3]))}?" if starting else ""
    raise DataError(f"there is no column {answer!r}{hint}")


def _is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sits before a stream; one that is closed has nobody."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False
