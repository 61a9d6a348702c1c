"""`Advice`: one thing to look out for in a table, and the option that deals with it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

KINDS = (
    "identifier", "leak", "duplicates", "time_order", "groups", "imbalance", "rare_classes",
    "similar_labels", "skew", "constant", "free_text", "few_rows", "missing_target",
)  # fmt: skip
MOST_NAMES = 5  # that a sentence lists


@dataclass(frozen=True)
class Advice:
    """One thing to look out for.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    columns : tuple of str
        Those that it is about; empty where it is about the rows, or about the target.
    message : str
        One or two plain sentences, with the numbers.
    option : str
        The option of the command that deals with it, such as ``--split time --by date``; empty
        where there is none.

    Examples
    --------
    >>> advice = Advice("constant", ("unit",), "'unit' is the same in every row.", "--drop unit")
    >>> advice.to_json()["columns"]
    ['unit']
    """

    kind: str
    columns: tuple[str, ...]
    message: str
    option: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "columns": list(self.columns)}


def option(name: str, *values: str) -> str:
    """An option of the command, once for each value, quoted as a shell needs it.

    Examples
    --------
    >>> option("drop", "casual", "Yr Sold")
    "--drop casual --drop 'Yr Sold'"
    """
    return " ".join(f"--{name} {shlex.quote(value)}" for value in values)


def listed(names: Sequence[str]) -> str:
    """Names in quotes as words of a sentence, the first few of many.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b"]), listed([f"x{k}" for k in range(9)])
    ("'a'", "'a' and 'b'", "'x0', 'x1', 'x2', 'x3', 'x4' and 4 more")
    """
    quoted = [repr(name) for name in names[:MOST_NAMES]]
    if len(names) > MOST_NAMES:
        return f"{', '.join(quoted)} and {len(names) - MOST_NAMES} more"
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
