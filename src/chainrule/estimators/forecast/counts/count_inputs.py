"""Checks of what a model of counts is given, and the table that is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError
from ....train.rows import check_count
from .count_features import DemandTable
from .distributions import LOSSES

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

LARGEST_COUNT = 1e12  # the logarithms of larger ones lose digits that a forecast needs


def check_settings(horizon: Any, seasons: Sequence[int], likelihood: Any) -> tuple[int, ...]:
    """The seasons, sorted."""
    check_count("horizon", horizon)
    if likelihood not in LOSSES:
        raise ValueError(f"likelihood={likelihood!r}: give 'negative_binomial' or 'tweedie'")
    return tuple(sorted({check_count("a season", one, 2) for one in seasons}))


def demand_table(
    histories: Sequence[Any], horizon: int, likelihood: str, ends: Any, known: Any, static: Any,
    ahead: Any = None,
) -> DemandTable:  # fmt: skip
    """A table of checked series.

    `known` has a row for each step of a history at least, `ahead` has the shape (series, horizon,
    inputs). Inputs that are left out are 0: a training reads none ahead, a forecast no others.
    """
    if not len(histories):
        raise DataError("there is no series: give a list of arrays, one for each series")
    values = [_demands(one, k, likelihood) for k, one in enumerate(histories)]
    lengths = [len(one) for one in values]
    inputs = _known(known, lengths, horizon, ahead)
    count = len(values)
    features = np.zeros((count, 0)) if static is None else np.asarray(static, np.float64)
    if features.shape[:1] != (count,) or features.ndim != 2 or not np.isfinite(features).all():
        raise DataError(
            f"static has the shape {features.shape}: give finite numbers of the shape "
            f"({count}, inputs), one row for each series"
        )
    return DemandTable.of(values, _ends(ends, count), inputs, features, horizon)


def _ends(ends: Any, series: int) -> Ints:
    steps = np.asarray(ends)
    if steps.dtype.kind not in "iu" or steps.shape not in ((), (series,)):
        raise ValueError(
            f"ends is {steps.dtype} of the shape {steps.shape}: give a whole number, or one for "
            f"each of the {series} series"
        )
    result: Ints = np.broadcast_to(steps.astype(np.int64), (series,))
    return result


def _demands(history: Any, k: int, likelihood: str) -> Floats:
    values = np.asarray(history, np.float64)
    if values.ndim != 1:
        raise DataError(f"series {k} has the shape {values.shape}: give arrays of one axis, time")
    known = values[~np.isnan(values)]
    if not len(known):
        raise DataError(f"series {k} has no known demand: give one step of it at least")
    if not ((known >= 0) & (known <= LARGEST_COUNT)).all():
        worst = known.min() if known.min() < 0 else known.max()
        raise DataError(f"series {k} has a demand of {worst:g}: give 0 to {LARGEST_COUNT:g}")
    if likelihood == "negative_binomial" and (known != np.rint(known)).any():
        first = known[known != np.rint(known)][0]
        raise DataError(
            f"series {k} has a demand of {first:g}, which is no count: take "
            'likelihood="tweedie" for amounts, or round them'
        )
    return values


def _known(known: Any, lengths: list[int], horizon: int, ahead: Any) -> list[Floats]:
    """For each series its inputs, with `horizon` rows after its history."""
    later = None if ahead is None else np.asarray(ahead, np.float64)
    if known is None:
        if later is None:
            return []
        known = [np.zeros((length, later.shape[-1])) for length in lengths]
    if len(known) != len(lengths):
        raise DataError(f"known has {len(known)} arrays for {len(lengths)} series: one for each")
    inputs = []
    for k, (one, length) in enumerate(zip(known, lengths, strict=True)):
        rows = np.asarray(one, np.float64)
        if rows.ndim != 2 or len(rows) < length or rows.shape[1:] != np.shape(known[0])[1:]:
            raise DataError(
                f"known of series {k} has the shape {rows.shape}: give (steps, inputs) with a row "
                f"for each of its {length} steps, and the same inputs for all series"
            )
        if later is None:
            after = np.zeros((horizon, rows.shape[1]))
        else:
            if later.shape != (len(lengths), horizon, rows.shape[1]):
                raise DataError(
                    f"known_ahead has the shape {later.shape}: give "
                    f"{(len(lengths), horizon, rows.shape[1])}, (series, horizon, inputs)"
                )
            after = later[k]
        rows = np.concatenate([rows[:length], after])
        if not np.isfinite(rows).all():
            raise DataError(f"known of series {k} has a number that is not finite: fill it before")
        inputs.append(rows)
    return inputs
