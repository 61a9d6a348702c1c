"""Where the rows of a table come from: the words and options of `train` and `tune`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..data import BUILT_IN, Table, read_cells
from ..errors import DataError
from ..lazy import LazyModule
from . import options
from .command_options import DATA

downloads = LazyModule("chainrule.data.tables.downloads")
npz = LazyModule("chainrule.data.npz")
pd = LazyModule("pandas")

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA",
        help="A table: a CSV, TSV, Excel, Parquet or JSON file, a database, several files of one "
        f"kind, a folder, a web address, - for standard input; or {', '.join(BUILT_IN)}.",
    ),
]
Query = Annotated[
    str | None,
    typer.Option(metavar="SQL", help="Of a database: what gives the rows.", rich_help_panel=DATA),
]
Sheet = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Of a spreadsheet: the sheet. [default: the first]",
        rich_help_panel=DATA,
    ),
]  # fmt: skip
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", rich_help_panel=DATA,
        help="Of a text file: how its letters are written, such as cp1250. [default: told by them]",
    ),
]  # fmt: skip
XArray = Annotated[
    str | None,
    typer.Option(
        "--x", metavar="NAME", help="Of an NPZ file: the array of the rows.", rich_help_panel=DATA
    ),
]
YArray = Annotated[
    str | None,
    typer.Option(
        "--y", metavar="NAME", help="Of an NPZ file: the array of what to predict.",
        rich_help_panel=DATA,
    ),
]  # fmt: skip


@dataclass(frozen=True)
class Source:
    """What a command was told to read.

    Attributes
    ----------
    names : tuple of str
        Files, folders, addresses, or the name of a built-in set.
    query, sheet, x, y, encoding : str or None
    """

    names: tuple[str, ...]
    query: str | None = None
    sheet: str | None = None
    x: str | None = None
    y: str | None = None
    encoding: str | None = None

    @property
    def words(self) -> list[str]:
        """The names as words of a command that reads the same, without passwords."""
        words = map(downloads.without_password, self.names)
        return [f"./{name}" if name in options.TRAIN_COMMANDS else name for name in words]

    @property
    def options(self) -> dict[str, Any]:
        """The options of a command that reads the same."""
        return {
            "query": self.query, "sheet": self.sheet, "x": self.x, "y": self.y,
            "encoding": self.encoding,
        }  # fmt: skip

    @property
    def paths(self) -> list[str | Path]:
        """What is read, to be kept apart from what is written."""
        return list(self.names)

    def read(self, as_text: Collection[str] = ()) -> Table:
        """The table, whose cells are as they were written; some columns may have to stay texts.

        Raises
        ------
        DataError
            If it cannot be read, or options do not suit it.
        """
        first = self.names[0]
        if first.lower().endswith(".npz"):
            if len(self.names) > 1 or {self.query, self.sheet, self.encoding} != {None}:
                raise DataError(f"{first} is an NPZ file: give it alone, with --x and --y")
            return npz_table(first, self.x, self.y)
        if self.x is not None or self.y is not None:
            raise DataError(f"--x and --y name arrays of an NPZ file, and {first} is none")
        source = first if len(self.names) == 1 else self.names
        return read_cells(
            source, query=self.query, sheet=self.sheet, encoding=self.encoding, as_text=as_text
        )


def npz_table(path: str, x: str | None, y: str | None) -> Table:
    """Rows and what to predict of them, from the arrays of an NPZ file.

    Raises
    ------
    DataError
        If they are no table and no column.
    """
    pairs = npz.read_array_pairs(path, x, y)
    target = y or "y"
    if pairs.x.ndim != 2 or pairs.y.size != len(pairs.y):
        raise DataError(
            f"{path}: the arrays of rows and of what to predict have the shapes {pairs.x.shape} "
            f"and {pairs.y.shape}: a table has rows and columns, and one value of each row is "
            "predicted; see chainrule train images and chainrule train timeseries"
        )
    names = [f"x{k}" for k in range(pairs.x.shape[1])]
    frame = pd.DataFrame(pairs.x, columns=names)
    frame[target] = pairs.y.reshape(-1)
    notes = () if pairs.x_test is None else (
        f"{path} has rows to test on, too: they are left out, and a part of the others is tested",
    )  # fmt: skip
    return Table(Path(path).name, frame, target, notes=notes)
