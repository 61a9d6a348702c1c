"""Alarms: the rows that are anomalies, each with the columns that make it one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...escape import terminal
from ...lazy import LazyModule
from ...markup import tag
from .tables.columns import DetectorColumn, DetectorColumns
from .tables.reasons import Contributions, Expectations

pd = LazyModule("pandas")

MAX_PRINTED = 20  # alarms of a text or a page
LEAST_SHARE = 0.02  # of a reason beside the first


@dataclass(frozen=True)
class Reason:
    """One column that contributes to an alarm.

    Attributes
    ----------
    column : str
    share : float
        Of the sum of all columns' contributions, from 0 to 1.
    observed, expected : float or str or None
        What the cell holds, and what would be expected there; None for an empty cell.
    low, high : float or None
        Between them are 99 of 100 normal rows with this expectation; None for categories.
    """

    column: str
    share: float
    observed: Any
    expected: Any
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        span = "" if self.low is None else f" ({_short(self.low)} to {_short(self.high)})"
        return f"{self.column} = {_short(self.observed)}, expected {_short(self.expected)}{span}"


@dataclass(frozen=True)
class Alarm:
    """A row that is an anomaly.

    Attributes
    ----------
    row : int
        Its place, from 0.
    label : object
        Its label in the index of the DataFrame, such as a time; the place where there is none.
    score : float
        That of `score_samples`: lower is stranger.
    p_value : float
    reasons : tuple of Reason
        The largest first.
    series : str
        That the row belongs to; empty where there is only one.
    step : int or None
        Its place among the rows of its series, from 0.
    """

    row: int
    label: Any
    score: float
    p_value: float
    reasons: tuple[Reason, ...]
    series: str = ""
    step: int | None = None

    @property
    def name(self) -> str:
        """The label as text, after the name of the series."""
        return f"{self.series} {self.label}" if self.series else str(self.label)


@dataclass(frozen=True)
class Alarms(Sequence[Alarm]):
    """The alarms of some rows, the strangest first.

    It prints as a table in a terminal and in a notebook; `to_frame` gives a DataFrame.

    Attributes
    ----------
    alarms : tuple of Alarm
    n_rows : int
        All rows that were looked at.
    """

    alarms: tuple[Alarm, ...]
    n_rows: int
    in_time: bool = field(default=False)

    def __len__(self) -> int:
        return len(self.alarms)

    def __getitem__(self, k: Any) -> Any:
        return self.alarms[k]

    @property
    def rows(self) -> Any:
        """The places of the rows, from 0, in the order of the table."""
        return np.array(sorted(alarm.row for alarm in self.alarms), int)

    def groups(self) -> list[tuple[Alarm, ...]]:
        """The alarms in groups, the largest first.

        Those of a time series that follow each other are one group; those of a table that have the
        same column as their first reason.
        """
        groups: dict[Any, list[Alarm]] = {}
        last, start = ("", -2), -2
        for alarm in sorted(self.alarms, key=lambda alarm: (alarm.series, alarm.row)):
            key: Any = alarm.reasons[0].column if alarm.reasons else ""
            if self.in_time:
                at = alarm.row if alarm.step is None else alarm.step
                start = start if (alarm.series, at - 1) == last else alarm.row
                last, key = (alarm.series, at), start
            groups.setdefault(key, []).append(alarm)
        return sorted((tuple(group) for group in groups.values()), key=len, reverse=True)

    def to_frame(self) -> Any:
        """A DataFrame with a row for each reason of each alarm; with several series their names."""
        rows = [
            {"row": alarm.row, "label": alarm.label, "score": alarm.score,
             "p_value": alarm.p_value, "rank": rank + 1, "column": reason.column,
             "share": reason.share, "observed": reason.observed, "expected": reason.expected,
             "low": reason.low, "high": reason.high}
            for alarm in self.alarms for rank, reason in enumerate(alarm.reasons)
        ]  # fmt: skip
        names = ["row", "label", "score", "p_value", "rank", "column", "share", "observed",
                 "expected", "low", "high"]  # fmt: skip
        frame = pd.DataFrame(rows, columns=names)
        if any(alarm.series for alarm in self.alarms):
            series = [alarm.series for alarm in self.alarms for _ in alarm.reasons]
            frame.insert(1, "series", series)
        return frame

    def __str__(self) -> str:
        lines = [self._heading()]
        for alarm in self.alarms[:MAX_PRINTED]:
            first, *others = [terminal(str(reason)) for reason in alarm.reasons] or [""]
            name = terminal(alarm.name)
            lines.append(f"{name:>12}  {alarm.score:10.4g}  p {alarm.p_value:<8.2g}  {first}")
            lines += [f"{'':36}{other}" for other in others]
        if len(self.alarms) > MAX_PRINTED:
            lines.append(f"... and {len(self.alarms) - MAX_PRINTED} more: see to_frame()")
        return "\n".join(lines)

    def _heading(self) -> str:
        many = "alarm" if len(self.alarms) == 1 else "alarms"
        return f"{len(self.alarms)} {many} in {self.n_rows} rows"

    def _repr_html_(self) -> str:
        head = tag("tr", [tag("th", name) for name in ("row", "score", "p-value", "reasons")])
        body = [
            tag("tr", [tag("td", cell) for cell in (
                alarm.name, f"{alarm.score:.4g}", f"{alarm.p_value:.2g}",
                "; ".join(map(str, alarm.reasons)),
            )])
            for alarm in self.alarms[:MAX_PRINTED]
        ]  # fmt: skip
        return str(tag("p", self._heading()) + tag("table", head, body))


def make_reasons(
    columns: DetectorColumns, expectations: Expectations, causes: Contributions, raw: Any,
    texts: Any, most: int,
) -> list[tuple[Reason, ...]]:  # fmt: skip
    """The reasons of each row, the largest first.

    Parameters
    ----------
    columns, expectations
        Of the detector.
    causes : Contributions
    raw : array of float64, shape (rows, columns)
    texts : dict of int to array
        What the rows have in columns of categories, by the column's number.
    most : int
        Reasons of a row.
    """
    labels, places = columns.labels, columns.places()
    result = []
    for row in range(len(raw)):
        drops = np.maximum(causes.drops[row], 0.0)
        total = max(float(drops.sum()), 1e-300)
        reasons: list[Reason] = []
        for k in np.argsort(-drops, kind="stable")[:most]:
            if not drops[k] > (LEAST_SHARE * total if reasons else 0.0):
                break
            column, its, kind = columns.columns[k], places[k], causes.kinds[row, k]
            expected = causes.expected[kind, row, its]
            share = float(drops[k] / total)
            if column.is_category:
                observed = texts[int(k)][row]
                reasons.append(Reason(labels[k], share, observed, _level(column, expected)))
                continue
            value = None if np.isnan(raw[row, k]) else float(raw[row, k])
            ends = expected[0] + expectations.ranges[kind, its[0]]
            reasons.append(Reason(labels[k], share, value, *_span(column, expected[0], ends)))
        result.append(tuple(reasons))
    return result


def _span(column: DetectorColumn, expected: Any, ends: Any) -> tuple[float, float, float]:
    """The expected value and its range, in the units of the column."""
    if column.kind == "constant":
        return column.fill, column.fill, column.fill
    middle, low, high = (_rounded(column, end) for end in (expected, *ends))
    return middle, low, high


def _rounded(column: DetectorColumn, feature: Any) -> float:
    """The number that has a feature, as far as float32 knows it: 0 instead of 5e-10."""
    value = float(column.restored(feature))
    step = 1e-6 * (column.unit or column.scale)
    return 0.0 if abs(value) < step else float(f"{value:.7g}")


def _level(column: DetectorColumn, expected: Any) -> str | None:
    """The category of which the feature is largest."""
    best = int(np.argmax(expected))
    if best < len(column.levels):
        return column.levels[best]
    return "another known value" if column.others and best == len(column.levels) else None


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
