"""The threshold of a stream of anomaly scores, estimated again and again as rows come.

A threshold that learns from its rows has a feedback. If it leaves out all alarms, it sees scores
cut off at itself: each estimate is lower than the last, and false alarms become more and more. If
it learns from all, anomalies raise it until there are no more alarms than promised. Streams of
SPOT (Siffer et al. 2017) take the first way.

Here two levels separate the two tasks. Scores above the `threshold` are alarms. Scores above the
`rejection` level are taken to be anomalies, and are not learned from: by the tail of the scores,
ordinary rows come that high less than once in five memories. Alarms between the two are learned
from. So little is cut off, in a number that is known and corrected for, and both levels return to
their rates from either side. Large anomalies change neither. Anomalies between the two levels, of
the size of the largest ordinary scores, do raise the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor, inf, isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from ....container import damaged
from ...serialization import schema
from .tail import Floats, Tail

SMALLEST_MEMORY = 10_000
LARGEST_MEMORY = 1_000_000  # by default
MOST_MEMORY = 100_000_000
REJECTED_PER_MEMORY = 1 / 5  # ordinary rows, among as many as are remembered
MOST_REJECTED = 1 / 2  # of the false alarms
MANY = 250  # scores of a tail that sets the rejection level alone: the more, the lower it is
FEWEST_ROWS = 1_000  # between two estimates
REFRESHED = 1 / 5  # of the memory, between two estimates


class OnlineThreshold:
    """The score above which a row of a stream is an alarm.

    The threshold is the score that a share `rate` of ordinary rows exceeds: an order statistic of
    the scores in memory, interpolated, at position ``rate * (n + 1)`` from the largest; for a
    memory that is too short for it, a quantile of their `Tail`. It is estimated anew when a fifth
    of the memory may have been replaced, at least every 1,000 rows.

    Parameters
    ----------
    scores : array of n >= 2 numbers
        Scores of ordinary rows that the detector was not trained on; higher is more anomalous. Of
        more than `memory` the last ones count.
    rate : float between 0 and 0.2
        The share of ordinary rows that may be alarms.
    memory : int, optional
        How many scores are remembered: the latest that were not rejected. By default 10,000, or
        ``10 / rate`` if that is more, up to a million.

    Attributes
    ----------
    n_seen, n_alarms, n_rejected : int
        Rows since the start, those above the threshold, those above the rejection level.

    References
    ----------
    Siffer, Fouque, Termier & Largouet, *Anomaly detection in streams with extreme value theory*,
    KDD 2017.

    Examples
    --------
    >>> import numpy as np
    >>> draw = np.random.default_rng(0)
    >>> online = OnlineThreshold(draw.exponential(size=2_000), rate=0.01)
    >>> online.update(1.0), online.update(50.0)
    (False, True)
    >>> alarms = online.update_many(draw.exponential(size=50_000))
    >>> round(float(alarms.mean()), 4), round(online.threshold, 2)
    (0.0099, 4.7)
    >>> OnlineThreshold(draw.exponential(size=300), rate=0.001).short
    '300 scores are too few for a rate of 0.001: until there are 999, the threshold is extrapolated'
    """

    _threshold: float
    _rejection: float

    def __init__(self, scores: npt.ArrayLike, rate: float, memory: int | None = None) -> None:
        first = np.asarray(scores, float)
        if first.ndim != 1 or len(first) < 2 or np.isnan(first).any():
            raise ValueError("scores must be a list of 2 or more numbers, without NaN")
        if not 0 < rate < 0.2:
            raise ValueError(f"rate is {rate}: give a number between 0 and 0.2")
        if memory is None:
            memory = min(max(SMALLEST_MEMORY, ceil(10 / rate)), LARGEST_MEMORY)
        if not 2 <= memory <= MOST_MEMORY:
            raise ValueError(f"memory is {memory}: give a whole number from 2 to {MOST_MEMORY:,}")
        self.rate = float(rate)
        self.memory = int(memory)
        self.n_seen = self.n_alarms = self.n_rejected = 0
        self._scores: Floats = np.empty(self.memory)
        self._size = self._next = 0  # how many scores, and the index that is written next
        self._learn(_finite(first[-self.memory :]))
        self._estimate()

    @property
    def threshold(self) -> float:
        """Scores above it are alarms."""
        return self._threshold

    @property
    def rejection(self) -> float:
        """Scores above it are taken to be anomalies: the memory leaves them out."""
        return self._rejection

    @property
    def is_short(self) -> bool:
        """Whether there are too few scores in memory to have seen one as rare as the rate."""
        return self.rate * (self._size + 1) < 1 - 1e-9

    @property
    def short(self) -> str:
        """In words, that the memory is too short for the rate; empty if it is not."""
        if not self.is_short:
            return ""
        needed = ceil(1 / self.rate - 1e-9) - 1
        until = f"until there are {needed:,}, " if needed <= self.memory else ""
        return (
            f"{self._size:,} scores are too few for a rate of {self.rate:g}: {until}the threshold "
            f"is extrapolated"
        )

    def update(self, score: float) -> bool:
        """Judge a row by its score, and then learn from it.

        Parameters
        ----------
        score : float
            A score that is NaN is an alarm; minus infinity is none, and is not learned from.

        Returns
        -------
        bool
            Whether the score is above the threshold.
        """
        is_alarm = not score <= self._threshold
        if score <= self._rejection:
            if score > -inf:
                self._scores[self._next] = score
                self._next += 1
                if self._next == self.memory:
                    self._next = 0
                if self._size < self.memory:
                    self._size += 1
        else:
            self.n_rejected += 1
        self.n_seen += 1
        self.n_alarms += is_alarm
        if self.n_seen >= self._due:
            self._estimate()
        return is_alarm

    def update_many(self, scores: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Judge rows and learn from them, as `update` does one after the other.

        Parameters
        ----------
        scores : array of numbers

        Returns
        -------
        array of bools
            Which are alarms.
        """
        array = np.asarray(scores, float)
        if array.ndim != 1:
            raise ValueError(f"scores have shape {array.shape}: give a list")
        is_alarm = np.empty(len(array), bool)
        start = 0
        while start < len(array):  # up to the next estimate, the levels stand
            block = array[start : start + self._due - self.n_seen]
            is_alarm[start : start + len(block)] = alarms = ~(block <= self._threshold)
            is_ordinary = block <= self._rejection
            self._learn(block[is_ordinary & (block > -inf)])
            self.n_seen += len(block)
            self.n_alarms += int(alarms.sum())
            self.n_rejected += len(block) - int(is_ordinary.sum())
            if self.n_seen >= self._due:
                self._estimate()
            start += len(block)
        return is_alarm

    def to_state(self) -> tuple[dict[str, Any], dict[str, Floats]]:
        """Return all that later decisions depend on, as values of JSON and arrays."""
        description = {
            "rate": self.rate,
            "memory": self.memory,
            "n_seen": self.n_seen,
            "n_alarms": self.n_alarms,
            "n_rejected": self.n_rejected,
            "next": self._next,
            "due": self._due,
            "threshold": self._threshold,
            "rejection": self._rejection,
        }
        return description, {"scores": self._scores[: self._size].copy()}

    @classmethod
    def from_state(
        cls, description: Any, arrays: Mapping[str, Any], where: str = "threshold"
    ) -> OnlineThreshold:
        """Make a threshold of what `to_state` returned, which decides as the first one would have.

        Raises
        ------
        ModelFileError
            For values that no threshold has; `where` is its name there.

        Examples
        --------
        >>> online = OnlineThreshold([1.0, 2.0, 3.0], rate=0.1)
        >>> OnlineThreshold.from_state(*online.to_state()).threshold == online.threshold
        True
        """
        state = _FIELDS(description, where)
        scores = arrays.get("scores")
        if not (isinstance(scores, np.ndarray) and scores.dtype == float and scores.ndim == 1):
            raise damaged(f"{where} has no list of scores")
        if not (2 <= len(scores) <= state["memory"] and np.isfinite(scores).all()):
            raise damaged(f"{where} has scores that do not fit its memory")
        if not 0 < state["rate"] < 0.2 or state["threshold"] > state["rejection"]:
            raise damaged(f"{where} has levels that do not fit each other")
        if state["next"] != len(scores) % state["memory"] and len(scores) < state["memory"]:
            raise damaged(f"{where} has scores that do not fit its memory")
        if state["next"] >= state["memory"] or state["due"] <= state["n_seen"]:
            raise damaged(f"{where} has counts that do not fit each other")
        if not state["n_rejected"] <= state["n_alarms"] <= state["n_seen"]:
            raise damaged(f"{where} has more alarms than rows")
        online = cls.__new__(cls)
        online.rate, online.memory = state["rate"], state["memory"]
        online.n_seen, online.n_alarms = state["n_seen"], state["n_alarms"]
        online.n_rejected = state["n_rejected"]
        online._scores = np.empty(online.memory)
        online._scores[: len(scores)] = scores
        online._size, online._next, online._due = len(scores), state["next"], state["due"]
        online._threshold, online._rejection = state["threshold"], state["rejection"]
        return online

    def _rejected_rate(self) -> float:
        """The share of ordinary rows above the rejection level: one in five memories of them."""
        return min(self.rate * MOST_REJECTED, REJECTED_PER_MEMORY / self._size)

    def _position(self) -> float:
        """Where the threshold is among the scores in memory, from the largest, which is 1.

        The share of rows that were rejected although they are ordinary is missing there, but for
        scores that came before the stream.
        """
        missing = self._rejected_rate() * min(self.n_seen / self._size, 1.0)
        return (self.rate - missing) / (1 - missing) * (self._size + 1)

    def _learn(self, scores: Floats) -> None:
        """Write scores into the ring, over the oldest ones."""
        self._size = min(self._size + len(scores), self.memory)
        if len(scores) > self.memory:
            self._next = (self._next + len(scores)) % self.memory
            scores = scores[-self.memory :]
            self._next = (self._next - len(scores)) % self.memory
        before_end = min(len(scores), self.memory - self._next)
        self._scores[self._next : self._next + before_end] = scores[:before_end]
        self._scores[: len(scores) - before_end] = scores[before_end:]
        self._next = (self._next + len(scores)) % self.memory

    def _estimate(self) -> None:
        """Set both levels by the scores in memory, and the row of the next estimate."""
        scores = self._scores[: self._size]
        position = self._position()
        has_many = position >= 1 and self._size >= 5 * MANY
        tail = Tail.fit(scores, share=MANY / self._size if has_many else None)
        rates = np.minimum(np.array([self.rate, self._rejected_rate()]), tail.share)
        threshold, rejection = tail.quantile(rates).tolist()
        if position >= 1:
            rank = floor(position)
            order = np.partition(scores, [self._size - rank - 1, self._size - rank])
            upper, lower = order[self._size - rank], order[self._size - rank - 1]
            threshold = float(upper + (position - rank) * (lower - upper))
        self._threshold = threshold
        self._rejection = max(rejection, threshold) if isfinite(rejection) else threshold
        self._due = self.n_seen + max(FEWEST_ROWS, int(REFRESHED * self._size))


_FIELDS = schema.fields(
    {
        "rate": schema.positive,
        "memory": schema.whole(2, MOST_MEMORY),
        "n_seen": schema.whole(0),
        "n_alarms": schema.whole(0),
        "n_rejected": schema.whole(0),
        "next": schema.whole(0),
        "due": schema.whole(1),
        "threshold": schema.finite,
        "rejection": schema.finite,
    }
)


def _finite(scores: Floats) -> Floats:
    """Infinite scores as the largest or smallest finite one."""
    is_finite = np.isfinite(scores)
    if not is_finite.any():
        raise ValueError("all scores are infinite: no threshold can be estimated from them")
    return np.clip(scores, scores[is_finite].min(), scores[is_finite].max())
