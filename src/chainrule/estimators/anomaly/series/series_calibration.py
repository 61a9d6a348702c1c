"""Thresholds and p-values of time series: estimated from the past of each row, and from no later.

Rows of a series depend on each other, and change with time, so a fixed threshold promises too much:
one of a week gave 3 to 32 false alarms a month. Here the threshold of a row is that of an
`OnlineThreshold`, which begins with the scores of the training and goes on with those before the
row. P-values are conformal ones among the scores of the held-out end of the training, and so only
approximate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import UnsupportedError, warn_user
from ..thresholds.calibration import Calibration, FewRowsWarning
from ..thresholds.online_threshold import OnlineThreshold

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_HISTORY = 100_000  # scores, as many as a threshold of one in 10,000 remembers
HIGHEST_RATE = 0.2


class SeriesCalibration(Calibration):
    """The scores of a training: those of its held-out end, and all of them in the order of time.

    Parameters
    ----------
    scores : array (n,)
        Of the held-out rows.
    history : array (m,)
        Of all rows, two at least; the last 100,000 are remembered.

    Examples
    --------
    >>> draw = np.random.default_rng(0)
    >>> usual = SeriesCalibration(draw.exponential(size=99), draw.exponential(size=1_000))
    >>> usual.p_values(np.array([0.0, 100.0, np.nan])).tolist()
    [1.0, 0.01, nan]
    >>> rows = np.arange(4_000)
    >>> restless = draw.exponential(size=4_000) * np.where(rows < 500, 1.0, 1.3)
    >>> usual.thresholds([rows], restless, 0.01)[[0, -1]].round(1).tolist()
    [4.7, 5.9]
    """

    def __init__(self, scores: Any, history: Any) -> None:
        super().__init__(scores)
        self._history: Floats = np.asarray(history, np.float64)[-MOST_HISTORY:]

    @property
    def history(self) -> Floats:
        """All scores of the training, in the order of time."""
        return self._history

    def p_values(self, scores: Any) -> Floats:
        """Those of `Calibration`, NaN where a score is."""
        return np.where(np.isnan(scores), np.nan, super().p_values(scores))

    def online(self, rate: float, warn: bool = True) -> OnlineThreshold:
        """Return the threshold that begins after the training; warn if the history is short.

        Raises
        ------
        ValueError
            For a rate of 0.2 or more.
        """
        if not 0 < rate < HIGHEST_RATE:
            raise ValueError(
                f"false_alarm_rate={rate!r}: give a share of the rows of a time series between 0 "
                f"and {HIGHEST_RATE}"
            )
        online = OnlineThreshold(self.history, rate)
        if warn and online.is_short:
            warn_user(f"the history is short: {online.short}", FewRowsWarning)
        return online

    def threshold(self, rate: float, warn: bool = True) -> float:
        """Return the score above which the first row after the training is an alarm."""
        return self.online(rate, warn).threshold

    def thresholds(
        self, series: Iterable[Ints], scores: Floats, rate: float, warn: bool = True
    ) -> Floats:
        """Return the threshold of each row, from the scores of its series before it.

        Parameters
        ----------
        series : sequence of arrays
            The places of the rows of each series, in the order of time.
        scores : array (n,)
            NaN where not ready: they change nothing.
        rate : float
        """
        begin = self.online(rate, warn).to_state()
        result = np.empty(len(scores))
        for rows in series:
            online = OnlineThreshold.from_state(*begin)
            for row, score in zip(rows.tolist(), scores[rows].tolist(), strict=True):
                result[row] = online.threshold
                if score == score:
                    online.update(score)
        return result

    def discoveries(self, scores: Any, fdr: float, warn: bool = True) -> NDArray[np.bool_]:
        """Raise an `UnsupportedError`."""
        raise UnsupportedError(
            f"fdr={fdr:g} chooses among all rows at once, and so looks ahead in a time series: "
            "give a false_alarm_rate"
        )
