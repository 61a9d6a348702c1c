"""Whether test rows are enough for a metric to tell two models apart."""

from __future__ import annotations

from typing import Any

import numpy as np

MIN_ROWS = 10  # of fewer, a resample is too like the rows themselves
MIN_CLASS_ROWS = 5  # of either class, where one is ranked against the other
MIN_DIFFERENT_ROWS = 6  # five coins fall alike in 1 of 16 times, six in 1 of 32


def shortage(metric: str, y: Any, classes: Any = ()) -> str:
    """What the test rows lack for a comparison; empty if they are enough.

    Parameters
    ----------
    metric : str
        See `metrics.HIGHER_IS_BETTER`.
    y : array, shape (rows,)
        The truth.
    classes : array, optional
        Those that the models know.

    Examples
    --------
    >>> y = np.array(["no"] * 40 + ["yes"])
    >>> shortage("ROC AUC", y, np.array(["no", "yes"])), shortage("accuracy", y)
    ('1 row of the rarer class', '')
    >>> shortage("R2", np.arange(3.0)), shortage("R2", np.full(40, 2.5))
    ('3 rows', '40 rows of one and the same target')
    """
    if len(y) < MIN_ROWS:
        return _rows(len(y))
    if metric == "R2":
        return f"{_rows(len(y))} of one and the same target" if np.ptp(y) == 0 else ""
    if not len(classes):
        return ""
    if not np.isin(y, classes).any():
        return "no row of a class that the training had"
    if metric in ("ROC AUC", "average precision"):
        rarer = min(int(np.sum(y == classes[0])), int(np.sum(y == classes[-1])))
        return f"{_rows(rarer)} of the rarer class" if rarer < MIN_CLASS_ROWS else ""
    return f"{_rows(len(y))} of one and the same class" if np.all(y == y[0]) else ""


def _rows(count: int) -> str:
    return f"{count or 'no'} row{'' if count in (0, 1) else 's'}"
