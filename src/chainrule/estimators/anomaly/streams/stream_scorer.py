"""What scores the rows of a stream: the protocol, and the scorer of table rows."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ....container import damaged
from ....data.column_values import to_text
from ....errors import DataError
from ....lazy import LazyModule
from ...inputs.tables import named_columns
from ..alarms import Reason
from ..tables.columns import MISSING, UNSEEN, DetectorColumn
from ..tables.fitted import FittedDetector

pd = LazyModule("pandas")

Floats = NDArray[np.float64]
Scored = tuple[float | None, Floats | None]  # anomaly score and features; None: not ready

NUMBERS = (int, float, np.integer, np.floating)  # of a cell
ONE_ROW = re.compile(r", row 1(?=[:, ])")  # what errors say of a table of a single row


class WrongRowError(DataError):
    """A row that no stream can take; `position` is its number in the batch, from 0."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class RowScorer(ABC):
    """Gives each row of a stream an anomaly score, higher for stranger rows.

    A row that cannot be read is refused with a `DataError`, and the scorer stays as it was.

    Attributes
    ----------
    has_memory : bool
        Whether a row's score depends on the rows before it.
    spacing : int
        After how many rows scores hardly depend on each other any more.
    """

    has_memory: ClassVar[bool] = True
    spacing: int = 1

    @abstractmethod
    def score(self, row: Any) -> Scored:
        """The anomaly score and the features of the next row; None while it is not ready."""

    def score_many(self, rows: Any) -> list[Scored]:
        """The same of each row; if one is refused, none has been taken."""
        description, arrays = self.state()
        scored: list[Scored] = []
        try:
            for row in single_rows(rows):
                scored.append(self.score(row))
        except DataError as error:
            self.restore(description, arrays)
            raise WrongRowError(str(error), len(scored)) from None
        return scored

    @abstractmethod
    def reasons(self, row: Any, most: int) -> tuple[Reason, ...]:
        """The columns that make the row strange that was scored last."""

    @abstractmethod
    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """All that later scores depend on, as values of JSON and arrays."""

    @abstractmethod
    def restore(self, description: Any, arrays: Mapping[str, Any]) -> None:
        """Go on from what `state` returned; a `ModelFileError` for anything else."""


class DetectorOfRows(Protocol):
    """What a scorer of table rows asks of a detector."""

    fitted_: FittedDetector
    n_threads: int | None

    def column_names(self) -> list[str]:
        """The names of the columns."""

    def _raw(self, X: Any) -> Floats: ...

    def _threads(self) -> AbstractContextManager[Any]: ...


class TableScorer(RowScorer):
    """Scores rows of a table, each by itself: it keeps nothing of them.

    Parameters
    ----------
    detector : AnomalyDetector
        A fitted one.
    """

    has_memory = False

    def __init__(self, detector: DetectorOfRows) -> None:
        self._fitted = fitted = detector.fitted_
        self._read_table, self._threads = detector._raw, detector._threads
        self._default_threads = detector.n_threads is None
        self._names = detector.column_names()
        self._has_names = "feature_names_in_" in vars(detector)
        self._shape = (len(self._names),)
        self._row_program = fitted.row_program
        self._cells = {column.name: _reader(column) for column in fitted.columns.columns}
        self._is_plain = fitted.is_numeric
        if len(self._cells) < len(fitted.columns.columns):  # several columns of one: a date
            self._cells = {}

    def score(self, row: Any) -> Scored:
        """The anomaly score and the features of a row."""
        raw = self._raw(row)
        if self._default_threads:
            score, features = self._row_program(raw)
        else:
            with self._threads():
                score, features = self._row_program(raw)
        if score != score:
            self._refuse_infinite(raw)
        return score, features

    def score_many(self, rows: Any) -> list[Scored]:
        """The same of each row; the neighbours of all are asked for in one query."""
        raw = self._raw_rows(rows)
        with self._threads():
            pairs = self._row_program.many(raw)
        for position, (score, _) in enumerate(pairs):
            if score != score:
                self._refuse_infinite(raw[position : position + 1], position)
        return list(pairs)

    def reasons(self, row: Any, most: int) -> tuple[Reason, ...]:
        """The columns that make a row strange, the largest contribution first."""
        columns = self._fitted.columns
        frame = self._frame(self._values(row))
        texts = {
            k: column.texts(frame[column.name])
            for k, column in enumerate(columns.columns) if column.is_category
        }  # fmt: skip
        with self._threads():
            return self._fitted.reasons(self._raw(row), texts, most)[0]

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Nothing: rows of a table do not depend on each other."""
        return {}, {}

    def restore(self, description: Any, arrays: Mapping[str, Any]) -> None:
        """Check that there is nothing."""
        if description != {} or arrays:
            raise damaged("its rows depend on each other, and those of a table do not")

    # Reading

    def _raw(self, row: Any) -> Floats:
        """One row as the detector reads it, float64 of shape (1, columns)."""
        if (
            self._is_plain
            and type(row) is np.ndarray
            and row.dtype == np.float64
            and row.shape == self._shape
        ):
            return row.reshape(1, -1)
        values = self._values(row)
        readers = self._cells
        if readers:
            cells = [readers[name](value) for name, value in values.items()]
            if None not in cells:
                order = dict(zip(values, cells, strict=True))
                return np.array([[order[name] for name in readers]], np.float64)
        try:
            return self._fitted.columns.raw(self._frame(values))
        except (DataError, TypeError) as error:
            raise WrongRowError(ONE_ROW.sub("", str(error))) from None

    def _raw_rows(self, rows: Any) -> Floats:
        """Rows as the detector reads them; the first wrong one is named."""
        if hasattr(rows, "columns") and not len(rows):
            return np.empty((0, len(self._fitted.columns.columns)))
        if isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.dtype.kind in "fiu":
            if self._is_plain and type(rows) is np.ndarray and rows.shape[1:] == self._shape:
                return np.ascontiguousarray(rows, np.float64)
        elif hasattr(rows, "columns") and self._has_names:
            self._check_names([str(name) for name in named_columns(_pandas(rows)).columns])
            try:
                return self._read_table(rows)
            except (ValueError, TypeError):
                pass  # the rows are read one by one below, to name the first wrong one
        parts = []
        for position, row in enumerate(single_rows(rows)):
            try:
                parts.append(self._raw(row))
            except DataError as error:
                raise WrongRowError(str(error), position) from None
        return np.concatenate(parts) if parts else np.empty((0, len(self._fitted.columns.columns)))

    def _values(self, row: Any) -> dict[str, Any]:
        """The cells of a row by the name of the column, in the order of the training."""
        if hasattr(row, "columns"):
            frame = _pandas(row)
            if len(frame) != 1:
                raise WrongRowError(
                    f"a table of {len(frame)} rows came: give one row, or all to update_many"
                )
            frame = named_columns(frame)
            row = {str(name): frame[name].iloc[0] for name in frame.columns}
            if not self._has_names:
                row = list(row.values())
        elif hasattr(row, "to_dict") and hasattr(row, "index"):  # a Series of pandas
            row = row.to_dict() if self._has_names else row.tolist()
        if isinstance(row, Mapping):
            cells = {str(name): value for name, value in row.items()}
            self._check_names(list(cells))
            return {name: cells[name] for name in self._names}
        if isinstance(row, np.ndarray):
            if isinstance(row, np.ma.MaskedArray):  # a masked cell is an empty one
                row = np.ma.filled(row.astype(object), np.nan)
            row = (row[0] if row.ndim == 2 and len(row) == 1 else row).tolist()
        if not isinstance(row, Sequence) or isinstance(row, (str, bytes)):
            raise WrongRowError(
                f"{row!r:.40} came: give the cells as an array, a list or a dict by column"
            )
        if len(row) != len(self._names):
            raise WrongRowError(
                f"{len(row)} cells came, and there are {len(self._names)} columns: "
                f"{_some(self._names)}"
            )
        return dict(zip(self._names, row, strict=True))

    def _check_names(self, names: list[str]) -> None:
        absent = [name for name in self._names if name not in names]
        if absent:
            raise WrongRowError(
                f"there is no column {absent[0]!r}: give {_some(self._names)}; an empty cell is "
                "None or NaN"
            )
        known = set(self._names)
        extra = [name for name in names if name not in known]
        if extra:
            raise WrongRowError(
                f"column {extra[0]!r} was not in the training: leave it out, and give "
                f"{_some(self._names)}"
            )

    def _frame(self, values: dict[str, Any]) -> Any:
        """A row as a table."""
        columns = {name: pd.Series([value], dtype=object) for name, value in values.items()}
        return pd.DataFrame(columns).infer_objects()

    def _refuse_infinite(self, raw: Floats, position: int = 0) -> None:
        wrong = np.flatnonzero(np.isinf(raw[0]))
        if len(wrong):
            name = self._fitted.columns.columns[int(wrong[0])].name
            raise WrongRowError(
                f"column {name!r}: {raw[0, wrong[0]]} is not a finite number: correct or empty the "
                "cell",
                position,
            )


def single_rows(rows: Any) -> Iterator[Any]:
    """The rows of a batch, one at a time, as `RowScorer.score` takes them."""
    if hasattr(rows, "columns"):
        frame = _pandas(rows)
        return (frame.iloc[k : k + 1] for k in range(len(frame)))
    if isinstance(rows, (str, bytes, Mapping)) or not hasattr(rows, "__iter__"):
        raise WrongRowError(f"{rows!r:.40} came: give rows, as a table, an array or a list of rows")
    return iter(rows)


def _reader(column: DetectorColumn) -> Any:
    """A function from a cell to its number; None for cells that are read the long way."""
    if not column.is_category:

        def number(cell: Any) -> float | None:
            if cell is None:
                return np.nan
            if isinstance(cell, np.timedelta64) or not isinstance(cell, NUMBERS):  # it is both
                return None
            try:
                return float(cell)
            except OverflowError:  # a whole number of more than 1,023 bits
                return None

        return number
    codes = {text: float(k) for k, text in enumerate(column.levels)}
    codes |= dict.fromkeys(column.others, float(len(column.levels)))

    def code(cell: Any) -> float | None:
        if cell is None or (isinstance(cell, float) and cell != cell):
            return MISSING
        if isinstance(cell, (str, int, float)) and column.kind == "category":
            return codes.get(to_text(cell), UNSEEN)
        return None

    return code


def _pandas(frame: Any) -> Any:
    return frame if isinstance(frame, pd.DataFrame) else frame.to_pandas()


def _some(names: list[str]) -> str:
    return ", ".join(map(repr, names[:8])) + ", ..." * (len(names) > 8)
