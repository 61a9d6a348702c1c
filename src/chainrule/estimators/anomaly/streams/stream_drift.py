"""Drift of a stream, told apart from anomalies, and the recent rows to start anew with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....container import damaged
from ...serialization import schema
from .drift import DriftMonitor
from .feature_drift import ColumnDrift

Floats = NDArray[np.float64]

RECENT = 1_000  # rows that are remembered
PATIENCE = 100  # rejected rows on end that are an incident; with more of them it is a drift
FORGOTTEN = 0.05  # of one rejected row, with each that is not: up to 5 % of them are anomalies


@dataclass(frozen=True)
class DriftingColumn:
    """A column of which the recent rows differ from those that the stream began with.

    Attributes
    ----------
    column : str
    shift : float
        How far its mean has gone, in standard deviations of the reference rows; for a column of
        categories that of the one whose share changed most.
    spread : float
        Its standard deviation about the reference mean, of which the reference rows have 1.
    strength : float
        How many standard errors the stronger of the two is off: 6 or more.
    """

    column: str
    shift: float
    spread: float
    strength: float

    def __str__(self) -> str:
        return f"{self.column}: mean {self.shift:+.2g} deviations, spread {self.spread:.2g}"


@dataclass(frozen=True)
class StreamDrift:
    """Whether the ordinary rows of a stream still are as those of the training.

    Attributes
    ----------
    has_drifted : bool
        Whether a drift of the scores has been reported; at most one stream in 1,000 without a drift
        ever reports one.
    row : int or None
        The row, from 0, at which it was reported.
    evidence : float
        Without a drift it reaches x with a chance of at most 1 / x.
    columns : tuple of DriftingColumn
        The columns that differ now, the strongest first; also where the scores have not drifted.
    """

    has_drifted: bool
    row: int | None
    evidence: float
    columns: tuple[DriftingColumn, ...]

    def __str__(self) -> str:
        head = f"drift since row {self.row}" if self.has_drifted else "no drift"
        return "; ".join([head, *map(str, self.columns)])


class DriftWatch:
    """Tells a monitor of ordinary rows, and of rejected ones only if they are too many.

    Rows that the threshold rejects are taken to be anomalies, and a monitor that saw a hundred of
    them on end would call it a drift. But if all rows change, all are rejected. So their number is
    counted, less a twentieth for each ordinary row, and from `PATIENCE` on the monitor sees them.

    Parameters
    ----------
    scores : array
        Anomaly scores of rows as the stream begins with.
    features : array of shape (rows, features) or None
    spacing : int
        The monitor sees the score of one row in so many, because those between depend on each
        other: a run of large ones would be a drift to it. The scores must be in their order then.
    """

    def __init__(self, scores: Any, features: Any, spacing: int = 1) -> None:
        self._monitor = DriftMonitor(scores[:: min(spacing, len(scores) - 1)], features)
        self._spacing = spacing
        self.row: int | None = None
        self._rejected = 0.0
        self._scores = np.empty(RECENT)
        self._features = None if features is None else np.empty((RECENT, features.shape[1]))
        self._n_recent = self._next = 0

    def update(self, row: int, score: float, features: Any, is_rejected: bool) -> bool:
        """Learn a row by its number; whether it is the one at which a drift is reported."""
        position = self._next
        self._scores[position] = score
        if self._features is not None:
            self._features[position] = features
        self._next = 0 if position == RECENT - 1 else position + 1
        self._n_recent += self._n_recent < RECENT
        if is_rejected:
            self._rejected = min(self._rejected + 1.0, PATIENCE)
            if self._rejected < PATIENCE:
                return False
        elif self._rejected > 0.0:
            self._rejected = max(self._rejected - FORGOTTEN, 0.0)
        if row % self._spacing:
            if features is not None and self._monitor.feature_drift is not None:
                self._monitor.feature_drift.update(features)
            return False
        has_drifted = self._monitor.update(score, features)
        if has_drifted and self.row is None:
            self.row = row
            return True
        return False

    def report(self, owners: Sequence[int], labels: Sequence[str]) -> StreamDrift:
        """The state of things; `owners` are the columns of the features, `labels` their names."""
        monitor = self._monitor
        strongest: dict[int, ColumnDrift] = {}
        for one in [] if monitor.feature_drift is None else monitor.feature_drift.drifted():
            strongest.setdefault(owners[one.column], one)
        columns = tuple(
            DriftingColumn(labels[k], one.shift, one.spread, one.strength)
            for k, one in strongest.items()
        )
        return StreamDrift(self.row is not None, self.row, monitor.evidence, columns)

    def recent(self, most: int) -> tuple[Floats, Any]:
        """Scores and features of the latest rows, at most so many, the oldest first."""
        count = min(most, self._n_recent)
        order = np.arange(self._next - count, self._next) % RECENT
        return self._scores[order], None if self._features is None else self._features[order]

    def to_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """All that later reports depend on, as values of JSON and arrays."""
        description, arrays = self._monitor.to_state()
        scores, features = self.recent(RECENT)
        more = {"recent": scores} if features is None else {"recent": scores, "rows": features}
        state = {"monitor": description, "row": self.row, "rejected": self._rejected}
        return state, {**arrays, **more}

    @classmethod
    def from_state(
        cls, description: Any, arrays: Mapping[str, Any], width: int, spacing: int = 1
    ) -> DriftWatch:
        """What `to_state` was called on, of so many features; a `ModelFileError` for others."""
        state = _FIELDS(description, "drift")
        watch = cls.__new__(cls)
        watch._monitor = monitor = DriftMonitor.from_state(state["monitor"], arrays, "drift")
        watch.row, watch._rejected = state["row"], state["rejected"]
        watch._spacing = spacing
        if (watch.row is None) == monitor.has_drifted or not 0 <= watch._rejected <= PATIENCE:
            raise damaged("drift has a report or a count that cannot be")
        scores, features = arrays.get("recent"), arrays.get("rows")
        if not isinstance(scores, np.ndarray) or scores.ndim != 1 or scores.dtype != float:
            raise damaged("drift has no recent scores")
        count = len(scores)
        watch._scores = np.empty(RECENT)
        watch._features = None if monitor.feature_drift is None else np.empty((RECENT, width))
        if count > RECENT or (features is None) != (watch._features is None):
            raise damaged("drift has recent rows that do not fit")
        watch._scores[:count] = scores
        if watch._features is not None and features is not None:
            if features.shape != (count, width) or features.dtype != float:
                raise damaged("drift has recent rows that do not fit")
            if state["monitor"]["features"]["columns"] != width:
                raise damaged("drift has averages of other columns")
            watch._features[:count] = features
        watch._n_recent, watch._next = count, count % RECENT
        return watch


_FIELDS = schema.fields(
    {
        "monitor": schema.by_name(schema.anything),
        "row": schema.maybe(schema.whole(0)),
        "rejected": schema.finite,
    }
)
