"""What the commands of `chainrule anomaly` share: models, tables, alarms, and checks of options."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from .. import estimators
from ..data import Table
from ..errors import DataError
from ..lazy import LazyModule
from . import models, used_columns
from .console import complain, table

pd = LazyModule("pandas")
alarms_module = LazyModule("chainrule.estimators.anomaly.alarms")

MOST_EXPLAINED = 1000  # alarms: the reasons of a row take milliseconds

FalseAlarmRate = Annotated[
    float | None,
    typer.Option(
        "--false-alarm-rate", metavar="SHARE",
        help="Share of normal rows that may be alarms. [default: 0.01, or that of the training]",
    ),
]  # fmt: skip
Detector = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A file that chainrule anomaly train saved.")
]


def load_detector(path: Path) -> Any:
    """The detector of a model file."""
    loaded = models.load(path)
    if not models.is_detector(loaded):
        raise DataError(
            f"{path} holds a {type(loaded).__name__}, which finds no anomalies: give a file of "
            "chainrule anomaly train"
        )
    return loaded


def check_share(option: str, value: float | None) -> None:
    """Raise a `DataError` if a share is not between 0 and 1."""
    if value is not None and not 0 < value < 1:
        raise DataError(f"{option} {value:g}: give a share between 0 and 1, such as 0.01")


def rows_from_one(frame: Any) -> Any:
    """A table whose rows have their numbers from 1 as labels, as errors name them."""
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1), axis=0)


def inputs(model: Any, source: str, encoding: str | None = None) -> tuple[Table, Any]:
    """A table, and what of it the detector reads, with row numbers from 1."""
    read = used_columns.read_again(source, models.card(model), encoding)
    frame = models.inputs(model, read)
    used_columns.check_used(read, getattr(frame, "columns", None))
    if not isinstance(frame, pd.DataFrame):  # of a detector that learned from an array
        frame = pd.DataFrame(frame, columns=model.column_names())
    return read, rows_from_one(frame)


@contextmanager
def noted_warnings() -> Iterator[None]:
    """Print warnings of too few rows as notes of the command."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    said: set[str] = set()
    for warning in caught:
        if issubclass(warning.category, estimators.FewRowsWarning):
            if str(warning.message) not in said:
                complain(f"note: {warning.message}")
            said.add(str(warning.message))
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


@dataclass(frozen=True)
class Scored:
    """Rows with their scores, and the alarms among them.

    Attributes
    ----------
    frame : pandas.DataFrame
    scores, p_values : array of shape (rows,)
        NaN where a time series has too few rows yet.
    is_alarm : array of bool, shape (rows,)
    alarms : Alarms
        The strangest first, with reasons; at most `MOST_EXPLAINED`.
    threshold : float
        All rows below it are alarms; of a time series, that of the first row after the training.
    """

    frame: Any
    scores: Any
    p_values: Any
    is_alarm: Any
    alarms: Any
    threshold: float

    def part(self, rows: Any) -> Scored:
        """Some of the rows, with their alarms; these keep the numbers of the whole table."""
        chosen = set(np.asarray(rows).tolist())
        alarms = tuple(alarm for alarm in self.alarms if alarm.row in chosen)
        return Scored(
            self.frame.iloc[rows], self.scores[rows], self.p_values[rows], self.is_alarm[rows],
            replace(self.alarms, alarms=alarms, n_rows=len(rows)), self.threshold,
        )  # fmt: skip


def score_rows(
    model: Any, frame: Any, false_alarm_rate: float | None = None, fdr: float | None = None,
    n_reasons: int = 3,
) -> Scored:  # fmt: skip
    """Score rows once, and explain the strangest of the alarms among them."""
    scores = model.score_samples(frame)
    p_values = model.fitted_.calibration.p_values(-scores)
    if model.window is not None:  # a row's threshold and its reasons depend on those before it
        alarms = model.alarms(
            frame, false_alarm_rate=false_alarm_rate, fdr=fdr, n_reasons=n_reasons
        )
        is_alarm = np.zeros(len(scores), bool)
        is_alarm[alarms.rows] = True
        return Scored(frame, scores, p_values, is_alarm, alarms, float(model.offset_))
    if fdr is not None:
        is_alarm = model.fitted_.calibration.discoveries(-scores, fdr)
        threshold = _between(scores, is_alarm)
    else:
        threshold = model.offset_ if false_alarm_rate is None else model.threshold(false_alarm_rate)
        is_alarm = scores < threshold
    rows = np.flatnonzero(is_alarm)
    rows = rows[np.argsort(scores[rows], kind="stable")][:MOST_EXPLAINED]
    return Scored(
        frame, scores, p_values, is_alarm, explained(model, frame, rows, n_reasons),
        float(threshold),
    )  # fmt: skip


def _between(scores: Any, is_alarm: Any) -> float:
    """A score that parts alarms from other rows; below all of them if there is no alarm."""
    if not is_alarm.any():
        return float(np.nextafter(scores.min(), -np.inf))
    if is_alarm.all():
        return float(np.nextafter(scores.max(), np.inf))
    return float((scores[is_alarm].max() + scores[~is_alarm].min()) / 2)


def explained(model: Any, frame: Any, rows: Any, n_reasons: int) -> Any:
    """Some rows of a table as alarms, in their order."""
    if not len(rows):
        return alarms_module.Alarms((), len(frame))
    few = model.explain(frame.iloc[rows], n_reasons=n_reasons)
    numbered = (replace(alarm, row=int(row)) for alarm, row in zip(few, rows, strict=True))
    return replace(few, alarms=tuple(numbered), n_rows=len(frame))


def alarm_table(alarms: Sequence[Any], n_alarms: int, n_rows: int) -> Any:
    """The strangest rows with their reasons, a line each, for the terminal."""
    part = f", the strangest {len(alarms)}" if len(alarms) < n_alarms else ""
    grid = table(
        "row", "score", "p-value", "reasons", right=(0, 1, 2),
        title=f"{counted(n_alarms, 'alarm')} in {counted(n_rows, 'row')}{part}",
        title_justify="left",
    )  # fmt: skip
    for alarm in alarms:
        first, *others = [str(reason) for reason in alarm.reasons] or [""]
        grid.add_row(str(alarm.label), f"{alarm.score:.4g}", f"{alarm.p_value:.2g}", first)
        for other in others:
            grid.add_row("", "", "", other)
    return grid


def rule_in_words(model: Any, false_alarm_rate: float | None, fdr: float | None) -> str:
    """Where the threshold comes from."""
    if fdr is not None:
        return f"false-discovery rate {fdr:g}"
    rate = model.checked_rate() if false_alarm_rate is None else false_alarm_rate
    if np.isnan(rate):
        return f"contamination {model.contamination:g} of the training"
    return f"false-alarm rate {rate:g}"


def counted(count: int, noun: str) -> str:
    """A number with its noun: ``1 alarm``, ``2 alarms``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def reasons_as_json(reasons: Sequence[Any]) -> list[dict[str, Any]]:
    """Reasons as JSON holds them."""
    return [
        {"column": reason.column, "share": round(float(reason.share), 6),
         **{name: plain(getattr(reason, name)) for name in ("observed", "expected", "low", "high")}}
        for reason in reasons
    ]  # fmt: skip


def plain(value: Any) -> Any:
    """A value as JSON has it: numbers that are not finite are texts."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if np.isfinite(number) else str(number)
    return None if value is None else str(value)
