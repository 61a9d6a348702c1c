"""Missing steps of series: filled by the rule that is stated."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]

RULES = ("auto", "zero", "error")
SHORT = 2  # steps that a straight line fills


def filled(values: Floats, rule: str, season: int | None) -> Floats:
    """Return values without gaps.

    Parameters
    ----------
    values : array (n,)
        NaN where missing; the first is not.
    rule : {"auto", "zero"}
        "auto": of one or two steps in a row, a straight line from the value before to the one
        after; of more, the values one season earlier, if there is one, else a straight line too.
    season : int or None
        The shortest season, in steps.

    Examples
    --------
    >>> nan = np.nan
    >>> filled(np.array([1.0, nan, 3.0]), "auto", None).tolist()
    [1.0, 2.0, 3.0]
    >>> filled(np.array([1.0, 5.0, 9.0, 1.0, nan, nan, nan, 5.0]), "auto", 3).tolist()
    [1.0, 5.0, 9.0, 1.0, 5.0, 9.0, 1.0, 5.0]
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    if rule == "zero":
        return np.where(missing, 0.0, values)
    at = np.arange(len(values))
    result = np.interp(at, at[~missing], values[~missing])
    if season is None:
        return result
    for first, end in runs(missing):
        if end - first > SHORT and first >= season:
            cycle = result[first - season : first].copy()
            result[first:end] = np.resize(cycle, end - first)
    return result


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Return where runs of true values begin and end.

    Examples
    --------
    >>> runs(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def carried(values: Floats, is_level: Flags) -> Floats:
    """Return covariates of shape (n, columns) with the missing ones as the last before them.

    Those before the first value are as this one. A level of a text is 0 where its row is missing.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    at = np.where(missing, -1, np.arange(len(values))[:, None])
    latest = np.maximum.accumulate(at, axis=0)
    first = np.argmin(missing, axis=0)
    latest = np.where(latest < 0, first, latest)
    result = np.take_along_axis(values, latest, axis=0)
    return np.where(missing & is_level, 0.0, result)
