"""A fitted detector as one value: from raw rows to scores, p-values and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError
from ....lazy import computed
from ..alarms import Reason, make_reasons
from ..members.ensemble import Ensemble, learn_ensemble
from ..settings import DetectorSettings
from ..thresholds.calibration import Calibration
from .columns import DetectorColumns
from .contamination import clean_weights, without_suspects
from .program import Program
from .reasons import Expectations, contributions, integrated_gradients
from .row_program import RowProgram

Floats = NDArray[np.float64]
History = dict[str, list[dict[str, float]]]


@dataclass
class FittedDetector:
    """All that a detector has learned.

    Attributes
    ----------
    columns : DetectorColumns
    ensemble : Ensemble
    expectations : Expectations
    calibration : Calibration
        The scores of held-out rows: here, higher is stranger.
    features : array of float32, shape (rows, features)
        Of some held-out rows, to see drift by.
    program : Program
        Compiled code from raw rows to the networks' errors.
    """

    columns: DetectorColumns
    ensemble: Ensemble
    expectations: Expectations
    calibration: Calibration
    features: Any
    program: Program

    @computed
    def row_program(self) -> RowProgram:
        """Compiled code from one raw row to its score and its features."""
        return RowProgram(self.columns, self.ensemble)

    @computed
    def is_numeric(self) -> bool:
        """Whether raw rows are the table itself: no column holds categories."""
        return not any(column.is_category for column in self.columns.columns)

    def scores(self, raw: Any) -> Floats:
        """The anomaly score of raw rows: higher is stranger."""
        if not len(raw):
            return np.zeros(0)
        if len(raw) == 1:
            return np.array([self.row_program(raw)[0]])
        return self.ensemble.scores(*self.program(raw))

    def reasons(self, raw: Any, texts: Any, most: int) -> list[tuple[Reason, ...]]:
        """The columns that make rows strange; see `make_reasons`."""
        if not len(raw):
            return []
        rows, surprises = self.columns.rows(raw)
        causes = contributions(self.columns, self.ensemble, self.expectations, rows, surprises)
        return make_reasons(self.columns, self.expectations, causes, raw, texts, most)

    def attributions(self, raw: Any, steps: int) -> Floats:
        """What each column of the plan adds to the score, shape (rows, columns)."""
        rows, surprises = self.columns.rows(raw)
        parts = integrated_gradients(self.ensemble, self.expectations, rows, steps)
        of_columns = [parts[:, its].sum(axis=1) for its in self.columns.places()]
        total = np.stack(of_columns, axis=1) + 0.5 * len(self.ensemble.names) * surprises
        return np.asarray(total, np.float64)

    def summary(self) -> str:
        """What the detector consists of, in words."""
        parts = []
        for name in self.ensemble.names:
            if name == "neighbors":
                assert self.ensemble.neighbors is not None
                index = self.ensemble.neighbors
                parts.append(
                    f"mean distance to the {min(index.n_neighbors, len(index.points))} nearest of "
                    f"{len(index.points)} rows"
                )
            elif name == "known":
                assert self.ensemble.known is not None
                parts.append(f"nearness to {len(self.ensemble.known.points)} known anomalies")
            else:
                network = self.ensemble.networks[name]
                sizes = [layer.weight.shape[1] for layer in network.layers]
                layers = "-".join(map(str, [*sizes, network.layers[-1].weight.shape[2]]))
                parts.append(f"{network.variances.shape[0]} x {name} {layers}")
        joined = "; scores joined by -log p" if len(parts) > 1 else ""
        heavy = [column.name for column in self.columns.columns if column.unit]
        tails = f"; logarithm of {len(heavy)} heavy-tailed columns" if heavy else ""
        return (
            f"{', '.join(parts)}{joined}{tails}; calibrated on {len(self.calibration.scores)} "
            "held-out rows"
        )


def learn_detector(
    settings: DetectorSettings,
    methods: Sequence[str],
    frame: Any,
    categories: Sequence[str],
    normal: Any,
    known: Any,
    rng: Any,
) -> tuple[FittedDetector, History]:
    """Learn a detector from the rows of a table.

    Parameters
    ----------
    settings : DetectorSettings
    methods : sequence of str
        The members.
    frame : DataFrame
    categories : sequence of str
        Columns of numbers to treat as text.
    normal, known : array of int
        The places of the rows that count as normal, and of known anomalies (or None).
    rng : numpy.random.RandomState

    Raises
    ------
    DataError
        If there are too few normal rows, or a column cannot be read.
    """
    if len(normal) < 2:
        raise DataError(
            f"n_samples={len(normal)} normal rows: give at least two, better some hundred"
        )
    order = rng.permutation(normal)
    size = settings.n_calibration(len(order))
    held_out, train = np.sort(order[:size]), np.sort(order[size:])
    columns = DetectorColumns.learn(frame.iloc[train], categories)
    raw = columns.raw(frame)
    rows, _ = columns.rows(raw)
    owners = columns.owners()
    weights = clean_weights(settings, rows[train], rng)
    near = None if known is None else rows.features[known]
    learned = learn_ensemble(methods, settings, rows[train], owners, rng, weights, known=near)
    ensemble = learned.ensemble
    selected = train if weights is None else train[weights > 0]
    program = Program(columns, ensemble.networks)
    scores = ensemble.scores(*program(raw[held_out]))
    usual = without_suspects(settings, scores)
    expectations = Expectations.learn(columns, ensemble, rows[selected], rows[held_out[usual]])
    fitted = FittedDetector(
        columns, ensemble, expectations, Calibration(scores[usual]),
        rows.features[held_out[usual]][:4096], program,
    )  # fmt: skip
    return fitted, learned.history
