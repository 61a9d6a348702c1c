"""The series of intermittent demand within a panel, which a model of counts forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from .counts import (
    CountForecast,
    CountModel,
    fit_counts,
    has_open_hours,
    is_intermittent,
    likelihood_for,
)
from .counts.count_inputs import LARGEST_COUNT
from .members.histories import Histories

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class CountPart:
    """A model of counts, and the series that it forecasts.

    Attributes
    ----------
    model : CountModel
    rows : array (k,) of int
        The series of the panel.
    ends : array (k,) of int
        The calendar positions after their last rows in the training.
    """

    model: CountModel
    rows: Ints
    ends: Ints

    def check(self, histories: Histories, names: Sequence[Any]) -> None:
        """Refuse later values that are no demand of its distribution."""
        for k in self.rows:
            values = demand(histories, int(k))
            wrong = (values < 0.0) | (values > LARGEST_COUNT)
            if self.model.likelihood == "negative_binomial":
                wrong |= values != np.round(values)
            if wrong.any():
                raise DataError(
                    f"series {names[k]!r} is forecast as counts, but has "
                    f"{values[np.argmax(wrong)]:g} now: fit again with all rows, or with "
                    "kind='level'"
                )

    def forecast(self, histories: Histories, starts: Ints, known: Floats) -> CountForecast:
        """The distributions of the steps after the last values; `known` as of all series."""
        some = [demand(histories, int(k)) for k in self.rows]
        ends = starts[self.rows] + histories.lengths[self.rows] - self.ends
        return self.model.forecast(
            some, known[self.rows] if known.shape[2] else None,
            histories.static[self.rows] if histories.static.shape[1] else None, ends=ends,
        )  # fmt: skip


def demand(histories: Histories, series: int) -> Floats:
    """The values of a series; those of gaps are whole where all others are."""
    values, observed = histories.values[series], histories.observed[series]
    whole = bool(np.all(values[observed] == np.round(values[observed])))
    return np.where(observed, values, np.round(values)) if whole else values


def count_rows(histories: Histories, kind: str, seasons: Sequence[int] = ()) -> Ints:
    """The series that a model of counts should forecast: not those of regular closing times."""
    if kind == "count":
        for k, values in enumerate(histories.values):
            if float(values.min()) < 0.0:
                raise DataError(
                    f"kind='count', but series number {k} has the value {float(values.min()):g}: "
                    "demand is never negative; say kind='level'"
                )
        return np.arange(len(histories), dtype=np.int64)
    if kind != "auto":
        return np.zeros(0, np.int64)
    some = [
        k for k, values in enumerate(histories.values)
        if is_intermittent(values) and float(values.max()) <= LARGEST_COUNT
        and not any(has_open_hours(values, season) for season in seasons)
    ]  # fmt: skip
    return np.array(some, np.int64)


def fit_count_part(
    histories: Histories, starts: Ints, rows: Ints, *, horizon: int, seasons: tuple[int, ...],
    likelihood: Any, seed: int, progress: bool,
) -> CountPart:  # fmt: skip
    """Train a model of counts on some series."""
    values = [demand(histories, int(k)) for k in rows]
    if likelihood == "auto":
        kinds = {likelihood_for(one) for one in values}
        likelihood = "tweedie" if "tweedie" in kinds else "negative_binomial"
    ends = starts[rows] + histories.lengths[rows]
    model = fit_counts(
        values, horizon=horizon, seasons=seasons, likelihood=likelihood,
        known=[histories.known[k] for k in rows] if histories.known[0].shape[1] else None,
        static=histories.static[rows] if histories.static.shape[1] else None,
        ends=ends - int(ends.max()), random_state=seed, progress=progress,
    )  # fmt: skip
    return CountPart(model, rows, np.full(len(rows), int(ends.max()), np.int64))
