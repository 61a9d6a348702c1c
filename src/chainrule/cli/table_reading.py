"""From what `train` and `tune` are told to read to a typed table, and what its columns are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..data import Table
from ..data.columns.kinds import drop_option
from ..errors import DataError
from ..estimators.tabular.options import TrainOptions
from ..lazy import LazyModule
from ..memory import return_freed_memory
from .asking import ask_target
from .console import PlainConsole
from .sources import Source

columns = LazyModule("chainrule.data.columns")
reading_report = LazyModule("chainrule.cli.reading_report")
preparation = LazyModule("chainrule.estimators.tabular.preparation")
targets = LazyModule("chainrule.estimators.tabular.targets")


def read_typed(
    source: Source, kinds: Mapping[str, str], out: PlainConsole, target: str | None = None
) -> Table:
    """The table with each column as its cells were read; notes about the reading are printed.

    Columns that are to be ignored stay as they are in the file, so that they can be named.

    Raises
    ------
    DataError
        If the table cannot be read, or a cell is not of its column's kind; with the row. A target
        is not to be left out, but another one may be chosen.
    """
    table = source.read()
    for note in table.notes:
        out.tell(note, "note: ")
    try:
        table = typed(table, kinds)
    except DataError as error:
        option = drop_option(target) if target is not None else ""
        if not option or not str(error).endswith((option, f"{option})")):
            raise
        text = str(error).removesuffix(")").removesuffix(option).removesuffix("leave it out (")
        raise DataError(f"{text}choose another target") from error
    return_freed_memory()
    return table


def typed(table: Table, kinds: Mapping[str, str]) -> Table:
    """A table whose cells are as the file has them, with each column as it is read.

    Examples
    --------
    >>> import pandas as pd
    >>> raw = Table("t.csv", pd.DataFrame({"size": ["1,200", "n/a"], "id": ["7", "8"]}))
    >>> typed(raw, {"id": "ignore"}).frame.to_numpy().tolist()
    [[1200.0, '7'], [nan, '8']]
    """
    frame, readings = columns.typed_frame(table.frame, kinds, with_ignored=True)
    return replace(table, frame=frame, readings=readings)


def choose_target(table: Table, target: str | None, out: PlainConsole) -> str:
    """The column to predict: the one named, the table's own, or the one that is agreed on."""
    if target is None:
        return ask_target(table, targets.likely_target, out)
    name: str = targets.choose_target(table, target)
    reading = next((one for one in table.readings if one.name == name), None)
    if reading is not None and reading.kind == "ignore":
        if reading.missing == 1:
            raise DataError(
                f"column {name!r} of {table.name} is empty: there is nothing to predict; choose "
                "another target"
            )
        raise DataError(f"column {name!r} is the target: it cannot be left out as well")
    return name


def check_names(table: Table, target: str, chosen: TrainOptions) -> None:
    """Refuse options that name a column which is not there, before anything is shown."""
    named = (*chosen.drop, *chosen.categorical_features, chosen.by, chosen.group)
    for name in filter(None, named):
        targets.check_column(table, name)
    if target in chosen.drop:
        raise DataError(f"column {target!r} is the target: it cannot be left out as well")


def show_columns(
    out: PlainConsole, table: Table, target: str, all_of_them: bool, options: TrainOptions
) -> None:
    """Show what the columns of a table were taken for, and which only name the row."""
    if out.quiet:
        return
    left_out = preparation.names_of_rows(table, target, options)
    readings = [
        replace(one, kind="ignore", why="it only names the row") if one.name in left_out else one
        for one in table.readings
    ]
    reading_report.show_readings(out, readings, target, all_of_them)


def kinds_of(table: Table, names: Iterable[str]) -> dict[str, str]:
    """What some columns of a typed table hold, without those that hold nothing."""
    kinds = {one.name: one.kind for one in table.readings if one.kind != "ignore"}
    return {name: kinds[name] for name in names if name in kinds}
