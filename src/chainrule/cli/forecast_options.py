"""Options that the commands of `chainrule forecast` share, and the checks of what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import estimators
from ..data import Table
from ..errors import DataError
from ..lazy import LazyModule
from . import column_kinds, used_columns
from .forecast_columns import Columns, choose_columns, with_times
from .forecast_messages import in_words_of_the_command

panels = LazyModule("chainrule.estimators.forecast.reading.panel")
settings = LazyModule("chainrule.estimators.forecast.settings")
gaps = LazyModule("chainrule.estimators.forecast.reading.gaps")
pieces = LazyModule("chainrule.estimators.forecast.reading.pieces")

LEVELS = "80,95"

Time = Annotated[str | None, typer.Option(metavar="COLUMN", help="The times. [default: ds]")]
Target = Annotated[
    str | None,
    typer.Option("--target", "-t", metavar="COLUMN",
                 help="What is forecast. [default: y, or the only column of numbers]"),
]  # fmt: skip
Id = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The names of several series. [default: unique_id]"),
]
Horizon = Annotated[int | None, typer.Option(help="Steps to forecast.")]
Known = Annotated[
    list[str] | None,
    typer.Option(metavar="A,B", help="Columns that are known ahead: prices, holidays."),
]
Past = Annotated[
    list[str] | None,
    typer.Option(metavar="A,B", help="Columns that are known only afterwards: the weather."),
]
Static = Annotated[
    list[str] | None,
    typer.Option(metavar="A,B", help="Columns that are the same in all rows of a series."),
]
Season = Annotated[
    str | None,
    typer.Option(metavar="N[,N]", help="Lengths of seasons in steps. [default: the calendar's]"),
]
Freq = Annotated[
    str | None,
    typer.Option(metavar="D|h|MS|...", help="As pandas names it. [default: the usual step]"),
]
Kind = Annotated[str, typer.Option(help="level, price or count; auto tells it from the series.")]
Members = Annotated[
    str, typer.Option(metavar="NAME[,NAME]", help="ridge, dlinear, nlinear, nbeats, nhits, tide, "
                      "gru; auto: ridges, and networks for many rows.")
]  # fmt: skip
MaxSteps = Annotated[
    int | None,
    typer.Option("--max-steps", help="Training steps of each network, of 256 windows.",
                 show_default="2000"),
]  # fmt: skip
Levels = Annotated[
    str, typer.Option(metavar="P[,P]", help="Intervals, in percent; none: no intervals.")
]
FillGaps = Annotated[
    str, typer.Option(help="Missing steps: auto fills them, zero sets them to 0, error refuses.")
]
Duplicates = Annotated[
    str,
    typer.Option(help="Rows of one series and time: error drops equal ones and refuses others; "
                 "sum, mean, first, last."),
]  # fmt: skip
Windows = Annotated[int, typer.Option(help="Windows of the backtest; 0: none.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "--output", "-o", metavar="FILE",
                 help="Where to write the forecast: .csv or .parquet."),
]  # fmt: skip
Future = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A table of the next steps, with what is known ahead."),
]
RawCsv = Annotated[
    bool, typer.Option("--raw-csv", help="Leave cells such as =1+1, which spreadsheets run.")
]


@dataclass(frozen=True)
class Wanted:
    """What the options of a command ask for, before a table is read.

    The attributes are as on the command line.
    """

    time: str | None
    target: str | None
    id: str | None
    horizon: int | None
    known: Sequence[str]
    past: Sequence[str]
    static: Sequence[str]
    season: str | None
    freq: str | None
    kind: str
    members: str
    max_steps: int | None
    levels: str
    fill_gaps: str
    duplicates: str
    seed: int
    as_kind: Sequence[str] = ()
    encoding: str | None = None

    @property
    def column_kinds(self) -> dict[str, str]:
        """What `--as` says of columns."""
        return column_kinds.column_kinds(None, self.as_kind)

    def read(self, data: str) -> Table:
        """The table; where a column is to be told by what it holds, all must be readable."""
        table = used_columns.read_for_use(data, self.column_kinds, self.encoding)
        if self.time is None or self.target is None:
            used_columns.check_used(table)
        return table

    def checked_horizon(self) -> int:
        """The steps to forecast."""
        if self.horizon is None:
            raise DataError("how many steps are to be forecast? Give --horizon, such as 14")
        if self.horizon < 1:
            raise DataError(f"--horizon {self.horizon}: give the steps to forecast, 1 or more")
        return self.horizon

    def parameters(self) -> dict[str, Any]:
        """The parameters of a `Forecaster`, checked."""
        for option, value, allowed in (
            ("kind", self.kind, settings.KINDS), ("fill-gaps", self.fill_gaps, gaps.RULES),
            ("duplicates", self.duplicates, pieces.DUPLICATES),
        ):  # fmt: skip
            if value not in allowed:
                raise DataError(f"--{option} {value}: give {', '.join(allowed)}")
        if self.freq is not None and self.freq.isdigit():
            raise DataError(
                f"--freq {self.freq}: steps of times that are whole numbers are found: leave it out"
            )
        if self.max_steps is not None and self.max_steps < 1:
            raise DataError(f"--max-steps {self.max_steps}: give a whole number from 1")
        members: Any = tuple(part.strip() for part in self.members.split(",") if part.strip())
        allowed = (*settings.MEMBERS, "auto")
        for name in members or ("",):
            if name not in allowed or (name == "auto" and len(members) > 1):
                raise DataError(f"--members {self.members}: give auto, or some of "
                                f"{', '.join(settings.MEMBERS)}")  # fmt: skip
        return {
            "horizon": self.checked_horizon(), "kind": self.kind, "freq": self.freq,
            "members": "auto" if members == ("auto",) else members,
            "season_length": whole_numbers("--season", self.season),
            "fill_gaps": self.fill_gaps, "duplicates": self.duplicates, "random_state": self.seed,
            "max_steps": self.max_steps,
        }  # fmt: skip

    def columns_of(self, table: Table) -> Columns:
        """The columns that are meant."""
        columns = choose_columns(table, self.time, self.target, self.id, self.known, self.past,
                                 self.static)  # fmt: skip
        used_columns.check_used(table, columns.names)
        return columns

    def as_words(self) -> dict[str, Any]:
        """The options of a command that asks for the same; defaults are left out."""
        usual = {"kind": "auto", "members": "auto", "levels": LEVELS, "fill_gaps": "auto",
                 "duplicates": "error"}  # fmt: skip
        words: dict[str, Any] = {}
        for name, value in self.__dict__.items():
            if value != usual.get(name) and value != ():
                words["as" if name == "as_kind" else name.replace("_", "-")] = value
        return words


def read_panel(table: Table, columns: Columns, wanted: Wanted) -> Any:
    """The series of a table."""
    with in_words_of_the_command():
        return panels.read_panel(
            with_times(table.frame, columns.time), **columns.as_arguments(),
            freq=wanted.freq, fill_gaps=wanted.fill_gaps, duplicates=wanted.duplicates,
        )  # fmt: skip


def make_forecaster(wanted: Wanted, progress: bool) -> Any:
    """The forecaster that options ask for, not fitted yet."""
    parameters = wanted.parameters()
    return estimators.Forecaster(**parameters, progress=progress)


def whole_numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    """Numbers with commas between."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise DataError(f"{option} {text}: give whole numbers from 1 with commas between")
    return tuple(map(int, parts))


def levels_of(text: str) -> tuple[float, ...]:
    """The levels of intervals, in percent; none for ``none`` or an empty text."""
    if text.strip().lower() in ("", "none"):
        return ()
    levels = []
    for part in text.split(","):
        try:
            level = float(part)
        except ValueError:
            level = -1.0
        if not 1 <= level < 100:
            hint = f", such as {100 * level:g}" if 0 < level < 1 else ", such as 80,95"
            raise DataError(f"--levels {text}: give percents between 1 and 100{hint}")
        levels.append(level)
    return tuple(dict.fromkeys(levels))
