"""What a model of tables says of rows: predictions, intervals, reasons, and what to be wary of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from ...lazy import LazyModule
from .explanations import Effects
from .intervals import check_coverage
from .training_summary import ColumnSummary, TrainingSummary

pd = LazyModule("pandas")

Rows = NDArray[Any]

MOST_REMARKS = 3  # that the note of a row spells out
MOST_BAD_ROWS = 10_000  # that are looked for


@dataclass(frozen=True)
class Asked:
    """What is asked for beside the prediction.

    Attributes
    ----------
    proba : bool
        The probability of each class.
    coverage : float or None
        That of an interval around each number.
    effects : int
        So many columns and what they did.
    threshold : float or None
        Of two classes: the probability from which on a row counts as `positive`.
    positive : object
        One of the two classes; None is the second one.
    """

    proba: bool = False
    coverage: float | None = None
    effects: int = 0
    threshold: float | None = None
    positive: Any = None

    def check(self, model: Any) -> None:
        """Refuse with a `DataError` what the model cannot say."""
        classes = getattr(model, "classes_", None)
        if classes is None and self.proba:
            raise DataError("the model predicts numbers: there are no classes with probabilities")
        if classes is not None and self.coverage is not None:
            raise DataError(
                "the model predicts classes: an interval is for numbers; ask for probabilities"
            )
        if self.coverage is not None:
            check_coverage(self.coverage, "interval ")
        for wanted, method in ((self.coverage, "predict_interval"), (self.effects, "explain_rows")):
            if wanted and not hasattr(model, method):
                raise DataError(
                    f"a {type(model).__name__} has neither intervals nor explanations: train a "
                    "model of tables, TabularClassifier or TabularRegressor"
                )
        if self.threshold is None:
            return
        if classes is None or len(classes) != 2:
            count = "numbers" if classes is None else f"{len(classes)} classes"
            raise DataError(f"a threshold is for two classes, and the model predicts {count}")
        if not 0 < self.threshold < 1:
            raise DataError(f"threshold {self.threshold:g}: give a probability between 0 and 1")
        if self.positive is not None and str(self.positive) not in map(str, classes):
            known = " and ".join(f"{str(name)!r:.60}" for name in classes)
            raise DataError(f"threshold for {str(self.positive)!r:.60}: the classes are {known}")


@dataclass(frozen=True, eq=False)
class RowPredictions:
    """The answers for some rows, in their order.

    Attributes
    ----------
    values : array of shape (rows,)
        Classes or numbers.
    proba : array of float64, shape (rows, classes), or None
    lower, upper : array of float64, shape (rows,), or None
    effects : list of Effects, or None
        Of each row the strongest columns and what they did, the strongest first.
    notes : list of str
        What to be wary of; empty where there is nothing.
    counts : dict of str to int
        How many rows have a remark of each kind.
    drift : tuple of str
        Sentences about columns whose values are spread otherwise than in the training.
    """

    values: Rows
    proba: Rows | None = None
    lower: Rows | None = None
    upper: Rows | None = None
    effects: list[Effects] | None = None
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    drift: tuple[str, ...] = ()


def predict_rows(
    model: Any,
    frame: Any,
    asked: Asked,
    summary: TrainingSummary | None = None,
    progress: Callable[[int], None] | None = None,
) -> RowPredictions:
    """Predict the rows of a table with the columns of the training.

    Parameters
    ----------
    model : TabularClassifier or TabularRegressor
    frame : pandas.DataFrame
    asked : Asked
    summary : TrainingSummary, optional
        That of the training rows; without it nothing is compared.
    progress : callable, optional
        Called with the number of rows that have been explained.

    Raises
    ------
    DataError
        If a cell cannot be read, or the model cannot say what is asked for.
    """
    asked.check(model)
    proba = lower = upper = effects = None
    if asked.proba or asked.threshold is not None:
        proba = np.asarray(model.predict_proba(frame), np.float64)
        codes = np.argmax(proba, axis=1)
        if asked.threshold is not None:
            codes = _above(model, proba, asked.threshold, asked.positive)
        values = model.classes_[codes]
    else:
        values = np.asarray(model.predict(frame))
    if asked.coverage is not None:
        lower, upper = model.predict_interval(frame, asked.coverage)
    if asked.effects:
        classes = values if asked.threshold is not None else None
        effects = model.explain_rows(frame, progress, classes).strongest(asked.effects)
    notes, counts, drift = remarks(model, frame, summary)
    return RowPredictions(
        values, proba if asked.proba else None, lower, upper, effects, notes, counts, drift
    )


def _above(model: Any, proba: Rows, threshold: float, positive: Any) -> Rows:
    """The position of the class of each row, by a threshold for one of the two."""
    names = [str(name) for name in model.classes_]
    code = 1 if positive is None else names.index(str(positive))
    return np.where(proba[:, code] >= threshold, code, 1 - code)


# What to be wary of


def remarks(
    model: Any, frame: Any, summary: TrainingSummary | None
) -> tuple[list[str], dict[str, int], tuple[str, ...]]:
    """Notes on rows, how many of each kind, and how columns changed as a whole."""
    if not hasattr(frame, "isna"):  # an array of numbers
        return [""] * len(frame), {}, ()
    typed = typed_rows(model, frame)
    empty = typed.isna().all(axis=1).to_numpy(bool)
    of_row: defaultdict[int, list[str]] = defaultdict(list)
    for row in np.flatnonzero(empty).tolist():
        of_row[row].append("all cells are empty")
    if summary is None:
        return _of_rows(of_row, len(frame)), _counted(empty=empty), ()
    compared = summary.compare(typed)
    columns = {column.name: column for column in summary.columns}
    for name, rows in compared.unseen.items():
        cells = typed[name]
        for row in np.flatnonzero(rows).tolist():
            of_row[row].append(f"{name} {str(cells.iloc[row])!r:.40} is new to the model")
    for name, rows in compared.far.items():
        cells = frame[name]  # as they were written
        for row in np.flatnonzero(rows).tolist():
            cell = cells.iloc[row]
            written = f"{cell:.6g}" if isinstance(cell, float) else str(cell)
            of_row[row].append(f"{name} {written:.40} is far outside {_range(columns[name])}")
    strange, far = (_any(each, len(frame)) for each in (compared.unseen, compared.far))
    counts = _counted(unseen=strange, far=far, empty=empty)
    return _of_rows(of_row, len(frame)), counts, tuple(d.message for d in compared.drift)


def typed_rows(model: Any, frame: Any) -> Any:
    """The columns that a model reads, as it reads them: numbers, dates and texts."""
    readings = [
        reading for reading in getattr(getattr(model, "features_", None), "readings", ())
        if reading.kind != "ignore" and reading.name in frame.columns
    ]  # fmt: skip
    if not readings:
        return frame
    return pd.DataFrame({each.name: each.values(frame[each.name]) for each in readings})


def _any(by_column: dict[str, Rows], rows: int) -> Rows:
    return np.asarray(np.logical_or.reduce([np.zeros(rows, bool), *by_column.values()]))


def _counted(**rows: Rows) -> dict[str, int]:
    return {name: int(np.sum(each)) for name, each in rows.items() if each.any()}


def _of_rows(remarks: Mapping[int, Sequence[str]], rows: int) -> list[str]:
    """The note of each row; most have none."""
    notes = [""] * rows
    for row, each in remarks.items():
        notes[row] = _joined(each)
    return notes


def _joined(each: Sequence[str]) -> str:
    more = len(each) - MOST_REMARKS
    return "; ".join(each[:MOST_REMARKS]) + (f"; and {more} more" if more > 0 else "")


def _range(column: ColumnSummary) -> str:
    """The ends of a column's range in the training."""
    if column.kind == "date":
        ends = [str(np.datetime64(0, "D") + int(end)) for end in column.ends]
    else:
        ends = [f"{end:.6g}" for end in column.ends]
    return f"{ends[0]} to {ends[1]}"


# Rows that cannot be read


def unreadable_rows(model: Any, frame: Any) -> dict[int, str]:
    """Which rows of a table the model cannot read, by their positions, and why.

    Parameters
    ----------
    model : TabularClassifier or TabularRegressor
    frame : pandas.DataFrame

    Raises
    ------
    DataError
        The first, if no row can be read: then it is not about rows. Also if there are more than
        `MOST_BAD_ROWS`.
    """
    bad: dict[int, str] = {}
    first: DataError | None = None
    parts = [(0, len(frame))]
    while parts:
        start, stop = parts.pop()
        try:
            model.predict(frame.iloc[start:stop])
        except DataError as error:
            first = first or error
            if stop - start > 1:
                middle = (start + stop) // 2
                parts += [(middle, stop), (start, middle)]
                continue
            bad[start] = str(error)
            if len(bad) > MOST_BAD_ROWS:
                raise DataError(
                    f"more than {MOST_BAD_ROWS} rows cannot be read: the first: {first}"
                ) from error
    if first is not None and len(bad) == len(frame):
        raise first
    return bad
