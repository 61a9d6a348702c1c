"""Drift: whether ordinary rows of a stream still are as those before it.

Each score has a conformal p-value: its rank among the calibration scores and all rows since, a
number that is uniform and independent of the earlier ones for as long as rows come from one
distribution. A `DriftMonitor` bets against that. Its capital is a martingale: the chance that it
ever reaches 1 / r is at most r, however long the stream is (Ville 1939; Vovk, Nouretdinov &
Gammerman, *Testing exchangeability on-line*, 2003). Bets are bounded, so one row changes little,
be it ever so anomalous.

Which columns drifted is a second question: `FeatureDrift` compares moving averages of features with
those of the reference rows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ....container import damaged
from ...serialization import schema
from ..thresholds.tail import Floats
from .feature_drift import FeatureDrift

N_BINS = 32
# Bets on scores that are higher or lower, then on scores that are more spread out or less.
SHIFT_BETS = (0.8, 0.3, -0.3, -0.8)
SPREAD_BETS = (0.4, -0.4)
N_BETS = len(SHIFT_BETS) + len(SPREAD_BETS)
FIRST_ROWS = 500  # of the capital that waits for a later change, half is left after 3 times as many


class DriftMonitor:
    """A sequential test whether the scores of a stream drift, with a bound on false reports.

    Parameters
    ----------
    scores : array of n >= 2 numbers
        Calibration scores, of rows as the stream begins with.
    features : array of shape (rows, columns), optional
        Features of such rows; then `update` takes the features of a row too.
    false_reports : float between 0 and 1
        The chance of ever reporting a drift in a stream without one. Default 0.001.

    Attributes
    ----------
    n_seen : int
        Rows since the start.
    reported_at : int or None
        After how many rows the drift was reported.
    feature_drift : FeatureDrift or None
        The averages of the columns.

    Notes
    -----
    A bet of strength ``e`` multiplies its capital by ``1 + e * (1 - 2 p)``, or for the spread by
    ``1 + e * (12 (p - 1/2)**2 - 1)``; both average 1 over uniform p. The capital waits in a bank,
    of which ``(1 + t / 500) ** -0.5`` are left after t rows, so that some of it begins to bet just
    when the scores change. P-values are ranks of bins, with random ranks inside a bin, and the
    bins' probabilities given the past are those of Polya's urn: exact for scores without ties.

    Hand over ordinary rows only; rows above a threshold of 1 % do no harm if they are handed over.
    A report stands. For the next, make a monitor with scores since the drift.

    References
    ----------
    Vovk, Petej, Nouretdinov, Ahlberg, Carlsson & Gammerman, *Retrain or not retrain: conformal test
    martingales for change-point detection*, COPA 2021.

    Examples
    --------
    >>> import numpy as np
    >>> draw = np.random.default_rng(0)
    >>> monitor = DriftMonitor(draw.normal(size=1_000))
    >>> monitor.update_many(draw.normal(size=20_000))
    >>> monitor.has_drifted
    False
    >>> monitor.update_many(draw.normal(loc=0.5, size=2_000))
    >>> monitor.has_drifted, monitor.reported_at
    (True, 20303)
    """

    def __init__(
        self,
        scores: npt.ArrayLike,
        features: npt.ArrayLike | None = None,
        false_reports: float = 1e-3,
    ) -> None:
        reference = np.sort(np.asarray(scores, float))
        if reference.ndim != 1 or len(reference) < 2 or np.isnan(reference).any():
            raise ValueError("scores must be a list of 2 or more numbers, without NaN")
        if not 0 < false_reports < 1:
            raise ValueError(f"false_reports is {false_reports}: give a number between 0 and 1")
        n_bins = min(N_BINS, len(reference) + 1)
        ranks = np.arange(1, n_bins) * (len(reference) + 1) // n_bins - 1
        edges = np.unique(reference[np.maximum(ranks, 0)])
        edges = edges[np.isfinite(edges)]
        below = np.searchsorted(reference, edges, side="right")
        counts = np.diff(below, prepend=0, append=len(reference) + 1)
        self.false_reports = float(false_reports)
        self.n_seen = 0
        self.reported_at: int | None = None
        self.feature_drift = None if features is None else FeatureDrift(features)
        self._edges: list[float] = edges.tolist()
        self._counts: list[int] = counts.tolist()
        self._total = int(counts.sum())
        self._capital = [0.0] * N_BETS
        self._bank = 1.0

    @property
    def has_drifted(self) -> bool:
        """Whether a drift has been reported."""
        return self.reported_at is not None

    @property
    def evidence(self) -> float:
        """The capital, 1 at the start; it reaches x with a chance of 1 / x if nothing drifts."""
        return self._bank + sum(self._capital)

    def update(self, score: float, features: Floats | None = None) -> bool:
        """Learn a row.

        Parameters
        ----------
        score : float
            Its score; NaN is passed over.
        features : array of shape (columns,), optional
            Its features, for a monitor that began with some.

        Returns
        -------
        bool
            Whether a drift has been reported, now or earlier.
        """
        if features is not None and self.feature_drift is not None:
            self.feature_drift.update(features)
        self.n_seen += 1
        if self.reported_at is None and score == score:
            self._bet(score)
        return self.reported_at is not None

    def update_many(self, scores: npt.ArrayLike, features: npt.ArrayLike | None = None) -> None:
        """Learn rows, as `update` does one after the other.

        Parameters
        ----------
        scores : array of n numbers
        features : array of shape (n, columns), optional
        """
        values = np.asarray(scores, float)
        rows = [None] * len(values) if features is None else np.asarray(features, float)
        for score, row in zip(values.tolist(), rows, strict=True):
            self.update(score, row)

    def _bet(self, score: float) -> None:
        counts, capital = self._counts, self._capital
        index = bisect_left(self._edges, score)
        above = sum(counts[index + 1 :])
        p_value = (above + _uniform(self.n_seen) * counts[index]) / self._total
        counts[index] += 1
        self._total += 1
        bank = (1 + self.n_seen / FIRST_ROWS) ** -0.5
        entry = (self._bank - bank) / N_BETS
        self._bank = bank
        tilt = 1 - 2 * p_value
        spread = 3 * tilt * tilt - 1
        up, slightly_up, slightly_down, down, wider, narrower = capital
        high, low = SHIFT_BETS[:2]
        [wide, _] = SPREAD_BETS
        capital[0] = up = (up + entry) * (1 + high * tilt)
        capital[1] = slightly_up = (slightly_up + entry) * (1 + low * tilt)
        capital[2] = slightly_down = (slightly_down + entry) * (1 - low * tilt)
        capital[3] = down = (down + entry) * (1 - high * tilt)
        capital[4] = wider = (wider + entry) * (1 + wide * spread)
        capital[5] = narrower = (narrower + entry) * (1 - wide * spread)
        total = bank + up + slightly_up + slightly_down + down + wider + narrower
        if total * self.false_reports >= 1:
            self.reported_at = self.n_seen

    def to_state(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """Return all that later reports depend on, as values of JSON and arrays."""
        description: dict[str, Any] = {
            "false_reports": self.false_reports,
            "n_seen": self.n_seen,
            "reported_at": self.reported_at,
            "edges": list(self._edges),
            "counts": list(self._counts),
            "capital": list(self._capital),
            "bank": self._bank,
            "features": None,
        }
        if self.feature_drift is None:
            return description, {}
        description["features"], arrays = self.feature_drift.to_state()
        return description, arrays

    @classmethod
    def from_state(
        cls, description: Any, arrays: Mapping[str, Any], where: str = "drift"
    ) -> DriftMonitor:
        """Make a monitor of what `to_state` returned, which reports as the first one would have.

        Raises
        ------
        ModelFileError
            For values that no monitor has; `where` is its name there.

        Examples
        --------
        >>> monitor = DriftMonitor([1.0, 2.0, 3.0])
        >>> monitor.update(2.5)
        False
        >>> DriftMonitor.from_state(*monitor.to_state()).evidence == monitor.evidence
        True
        """
        state = _FIELDS(description, where)
        edges, counts, reported_at = state["edges"], state["counts"], state["reported_at"]
        if len(counts) != len(edges) + 1 or sum(counts) < 1 or edges != sorted(set(edges)):
            raise damaged(f"{where} has bins that do not fit each other")
        if reported_at is not None and reported_at > state["n_seen"]:
            raise damaged(f"{where} has a report of a row that it has not seen")
        if not 0 < state["false_reports"] < 1 or min([state["bank"], *state["capital"]]) < 0:
            raise damaged(f"{where} has a capital that cannot be")
        monitor = cls.__new__(cls)
        monitor.false_reports, monitor.n_seen = state["false_reports"], state["n_seen"]
        monitor.reported_at = reported_at
        monitor._edges, monitor._counts, monitor._total = edges, counts, sum(counts)
        monitor._capital, monitor._bank = state["capital"], state["bank"]
        monitor.feature_drift = None
        if state["features"] is not None:
            monitor.feature_drift = FeatureDrift.from_state(
                state["features"], arrays, f"{where}.features"
            )
        return monitor


_FIELDS = schema.fields(
    {
        "false_reports": schema.positive,
        "n_seen": schema.whole(0),
        "reported_at": schema.maybe(schema.whole(1)),
        "edges": schema.each(schema.finite, 0, N_BINS),
        "counts": schema.each(schema.whole(0), 1, N_BINS),
        "capital": schema.each(schema.finite, N_BETS, N_BETS),
        "bank": schema.finite,
        "features": schema.maybe(schema.anything),
    }
)

_64_BITS = 2**64 - 1


def _uniform(row: int) -> float:
    """A random number between 0 and 1 that depends on the row alone: Steele's SplitMix64, 2014."""
    bits = row * 0x9E3779B97F4A7C15 & _64_BITS
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _64_BITS
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _64_BITS
    return ((bits ^ bits >> 31) >> 11) * 2.0**-53
