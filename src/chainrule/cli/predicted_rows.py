"""Predictions for the rows of a table, with the intervals, reasons and remarks asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..data import Table
from ..data.cells import with_row_numbers
from ..errors import DataError
from ..lazy import LazyModule
from ..starting import MISTAKE
from . import models, predictions
from .console import complain, console
from .sources import Source

pd = LazyModule("pandas")
rows_of_tables = LazyModule("chainrule.estimators.tabular.row_predictions")
input_columns = LazyModule("chainrule.estimators.tabular.input_columns")

EXPLAINED = 3  # columns a row
MANY_ROWS = 200  # from which on a bar says how far explanations are
FILE_LINE = "file_line"  # a column, where rows of the file are left out
CHOSEN = "chosen"  # the threshold of the training
REMARKS = {
    "unseen": ("holds a value", "hold values", "that the training did not have"),
    "far": ("holds a number", "hold numbers", "far outside the training's range"),
    "empty": ("is", "are", "all empty"),
    "bad": ("cannot be read and was", "cannot be read and were", "left empty"),
}


@dataclass(frozen=True)
class Wanted:
    """What `chainrule predict` was asked for beside the predictions.

    Attributes
    ----------
    keep : tuple of str
        Columns to copy.
    proba : bool
    interval : float or None
    threshold : str or None
        As on the command line.
    explain, skip_bad, fail_on_drift : bool
    """

    keep: tuple[str, ...] = ()
    proba: bool = False
    interval: float | None = None
    threshold: str | None = None
    explain: bool = False
    skip_bad: bool = False
    fail_on_drift: bool = False


def predict_table(
    loaded: Any, source: Source, wanted: Wanted, output: Path | None, form: str, raw: bool
) -> None:
    """Predict the rows of a table, write them, and say on standard error what to be wary of."""
    target = str(models.card(loaded).get("target", "prediction"))
    threshold, positive = chosen_threshold(loaded, wanted.threshold)
    asked = rows_of_tables.Asked(
        wanted.proba, wanted.interval, EXPLAINED if wanted.explain else 0, threshold, positive
    )
    asked.check(loaded)
    table = source.read(models.columns_with_commas(loaded))
    for note in rows_left_out(table):
        complain(f"chainrule: {note}")
    copied = columns(table, wanted.keep)
    inputs = models.inputs(loaded, table)
    bad: dict[int, str] = {}
    if wanted.skip_bad and hasattr(inputs, "iloc"):
        inputs = with_row_numbers(inputs)
        bad = rows_of_tables.unreadable_rows(loaded, inputs)
    good = np.setdiff1d(np.arange(len(inputs)), list(bad))
    some = inputs.iloc[good] if bad else inputs
    with _progress(len(some), wanted.explain) as progress:
        answers = rows_of_tables.predict_rows(
            loaded, some, asked, input_columns.saved_summary(loaded), progress
        )
    frame = _frame(loaded, target, answers, copied, bad, len(inputs), table.lines)
    predictions.write(frame, output, target, raw, form)
    counts = {**answers.counts, **({"bad": len(bad)} if bad else {})}
    for line in summary_lines(counts, answers.drift):
        complain(f"chainrule: {line}")
    if threshold is None and (saved := saved_threshold(loaded)) is not None:
        complain(
            f"chainrule: the training chose {saved[0]:.3g} as the threshold for {saved[1]!r}: "
            "--threshold chosen predicts by it"
        )
    if wanted.fail_on_drift and answers.drift:
        sys.exit(MISTAKE)


def rows_left_out(table: Table) -> list[str]:
    """The notes of a table on what is not among its rows: then some have no prediction."""
    return [note for note in table.notes if "left out" in note]


def columns(table: Table, names: Sequence[str]) -> Any:
    """The columns to copy; a `DataError` names one that is not there."""
    absent = next((name for name in names if name not in table.frame.columns), None)
    if absent is not None:
        known = ", ".join(map(repr, table.frame.columns[:8]))
        more = ", ..." if table.frame.shape[1] > 8 else ""
        raise DataError(f"--keep {absent}: {table.name} has no such column; it has {known}{more}")
    return table.frame[list(names)]


def saved_threshold(loaded: Any) -> tuple[float, str] | None:
    """The threshold that the training chose, and for which class."""
    saved = models.card(loaded).get("threshold")
    if not isinstance(saved, dict) or not {"value", "positive"} <= saved.keys():
        return None
    return float(saved["value"]), str(saved["positive"])


def chosen_threshold(loaded: Any, threshold: str | None) -> tuple[float | None, str | None]:
    """The probability of `--threshold`, and for which class; None where none is asked for."""
    if threshold is None:
        return None, None
    saved = saved_threshold(loaded)
    if threshold == CHOSEN:
        if saved is None:
            raise DataError(
                "--threshold chosen: the training of this model chose none; give a probability, "
                "such as 0.3"
            )
        return saved
    positive, equals, number = threshold.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        raise DataError(
            f"--threshold {threshold}: give a probability such as 0.3, one for a class such as "
            "yes=0.3, or 'chosen'"
        ) from None
    if equals:
        return value, positive
    return value, None if saved is None else saved[1]


def _frame(
    loaded: Any,
    target: str,
    answers: Any,
    copied: Any,
    bad: dict[int, str],
    rows: int,
    lines: Any = None,
) -> Any:
    """The table that is written: what is copied, predictions, and what was asked for."""
    good = np.setdiff1d(np.arange(rows), list(bad))
    notes = np.array([""] * rows, object)
    notes[good] = answers.notes
    notes[list(bad)] = list(bad.values())
    name = f"predicted {target}" if target in copied.columns else target  # beside the true ones
    parts: list[tuple[str, Any]] = [(name, answers.values)]
    if answers.lower is not None:
        parts += [("lower", answers.lower), ("upper", answers.upper)]
    if answers.proba is not None:
        names = [f"p({name})" for name in loaded.classes_]
        parts += list(zip(names, answers.proba.T, strict=True))
    if answers.effects is not None:
        parts.append(("explanation", answers.effects))
    spread = [(name, _spread(values, good, rows)) for name, values in parts]
    if any(notes):
        spread.append(("note", [note or None for note in notes]))
    first = [(str(name), column.reset_index(drop=True)) for name, column in copied.items()]
    if lines is not None:
        first.insert(0, (FILE_LINE, lines))
    names = [name for name, _ in (*first, *spread)]
    predictions.check_names(names)
    return predictions.named(names, [values for _, values in (*first, *spread)])


def _spread(values: Any, good: Any, rows: int) -> Any:
    """The values of the good rows, and None for the others."""
    if len(good) == rows:
        return values
    column = np.full(rows, None, object)
    for row, value in zip(good.tolist(), values, strict=True):
        column[row] = value
    return pd.Series(column, dtype=object)


def summary_lines(counts: dict[str, int], drift: Sequence[str]) -> Iterator[str]:
    """What is to be said of all rows together."""
    parts = []
    for kind, count in counts.items():
        one, several, rest = REMARKS[kind]
        parts.append(f"1 row {one} {rest}" if count == 1 else f"{count} rows {several} {rest}")
    if parts:
        yield "; ".join(parts) + ": see the column 'note'"
    yield from drift


@contextmanager
def _progress(rows: int, explains: bool) -> Iterator[Callable[[int], None] | None]:
    """A bar on standard error while many rows are explained."""
    out = console(stderr=True)
    if not explains or rows < MANY_ROWS or not out.is_terminal:
        yield None
        return
    parts = (TextColumn("explaining rows"), BarColumn(), MofNCompleteColumn())
    with Progress(*parts, TimeRemainingColumn(), console=out, transient=True) as bar:
        task = bar.add_task("", total=rows)
        yield lambda done: bar.update(task, completed=done)
