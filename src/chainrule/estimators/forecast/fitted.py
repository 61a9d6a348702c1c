"""All that a forecaster has learned, as one value: series, members, their past forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from .count_part import CountPart
from .counts import CountForecast
from .hierarchy.reconciliation import reconcile
from .hierarchy.summing import Hierarchy
from .intervals.conformal import Conformal
from .members.committee import Committee, Record, Track, follow, median
from .members.histories import Histories
from .members.member import known_ahead
from .members.scaling import Scaling
from .members.search import SearchSettings, refit, search
from .members.validation import later_origins
from .reading.panel import Panel

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

MEMORY = 700  # steps of past forecasts that are remembered


@dataclass(frozen=True)
class Fitted:
    """Series, a committee, and what its members forecast at past origins.

    Attributes
    ----------
    panel : Panel
    seasons : tuple of int
    committee : Committee
    record : Record
    scales : array (series,)
        The units of errors.
    is_price : bool
    counts : CountPart or None
        The series of intermittent demand.
    hierarchy : Hierarchy or None
    children : mapping or None
        What the hierarchy was made of.
    method : str
        Of reconciliation.
    """

    panel: Panel
    seasons: tuple[int, ...]
    committee: Committee
    record: Record
    scales: Floats
    is_price: bool
    counts: CountPart | None = None
    hierarchy: Hierarchy | None = None
    children: Mapping[Any, Sequence[Any]] | None = None
    method: str = "mint_shrink"

    @property
    def season(self) -> int:
        """The shortest season, 1 where there is none."""
        return self.seasons[0] if self.seasons else 1

    @property
    def horizon(self) -> int:
        """Steps ahead."""
        return self.committee.horizon

    @cached_property
    def histories(self) -> Histories:
        """The series as members read them."""
        return Histories.of(self.panel, self.season)

    @cached_property
    def starts(self) -> Ints:
        """Where series begin on the calendar."""
        return np.array([one.start for one in self.panel.series], np.int64)

    @cached_property
    def raw_track(self) -> Track:
        """What the committee would have forecast at past origins, before reconciliation."""
        return follow(self.committee, self.record, self.histories, self.scales)

    @cached_property
    def track(self) -> Track:
        """What would have been forecast at past origins."""
        track = self.raw_track
        if self.hierarchy is None:
            return track
        forecasts = track.forecasts.copy()
        for rows in _together(track, len(self.scales)):
            forecasts[rows] = self._reconciled(track.forecasts[rows])
        return replace(track, forecasts=forecasts)

    @cached_property
    def conformal(self) -> Conformal:
        """Past errors, in the transform of the committee's best member."""
        best = self.committee.members[self.raw_track.chosen[0]]
        scaling = best.view.scaling if best.view is not None else self._plain_scaling()
        plain = Conformal.of(self.track, scaling, self.starts, self.season)
        if self.record.heads is None:
            return plain
        wide = Conformal.of(self.track, scaling, self.starts, self.season, self.record.heads)
        return wide if wide.sharpness() < plain.sharpness() else plain

    def _plain_scaling(self) -> Scaling:
        positive = all(float(values.min()) > 0.0 for values in self.histories.values)
        return Scaling.of(self.histories.values, "log" if self.is_price and positive else "none")

    # Forecasts

    def member_forecasts(self, known: Floats) -> Floats:
        """What each member forecasts now (members, series, horizon)."""
        return self.committee.forecasts(self.histories, self.histories.ends, known)

    def forecast(self, known: Floats) -> Floats:
        """The forecasts (series, horizon), with covariates known ahead (series, horizon, K)."""
        track = self.raw_track
        result = median(self.member_forecasts(known), track.chosen, track.is_naive)
        if self.counts is not None:
            result[self.counts.rows] = self.count_forecast(known).mean
        result = result if self.hierarchy is None else self._reconciled(result)
        if not np.isfinite(result).all():
            name = self.panel.names[int(np.argmin(np.isfinite(result).all(axis=1)))]
            raise DataError(
                f"the forecast of series {name!r} is not finite: its values, or those of a "
                "covariate, are too large; give them in other units"
            )
        return result

    def count_forecast(self, known: Floats) -> CountForecast:
        """The distributions of intermittent demand."""
        assert self.counts is not None
        return self.counts.forecast(self.histories, self.starts, known)

    def intervals(
        self, forecasts: Floats, known: Floats, levels: Sequence[float]
    ) -> dict[float, tuple[Floats, Floats]]:
        """The intervals around forecasts for each level in percent."""
        ends = self.histories.ends
        heads = self._heads(known)
        result = self.conformal.intervals(forecasts, ends, self.starts, tuple(levels), heads)
        if self.counts is not None and levels:
            counts, rows = self.count_forecast(known), self.counts.rows
            for level, (lower, upper) in result.items():
                tail = 0.5 - level / 200.0
                lower[rows], upper[rows] = counts.quantile(tail), counts.quantile(1.0 - tail)
        return result

    def _heads(self, known: Floats) -> Floats | None:
        """The quantiles of a network now, where they tell how wide intervals should be."""
        if not self.conformal.with_heads:
            return None
        return self.committee.heads(self.histories, self.histories.ends, known)

    def paths(
        self, forecasts: Floats, known: Floats, n_paths: int, rng: np.random.Generator
    ) -> Floats:
        """Sample paths (series, n_paths, horizon)."""
        ends = self.histories.ends
        heads = self._heads(known)
        result = self.conformal.paths(forecasts, ends, self.starts, n_paths, rng, heads)
        if self.counts is not None:
            drawn = self.count_forecast(known).samples(n_paths, rng)
            result[self.counts.rows] = drawn.transpose(0, 2, 1)
        return result

    def _reconciled(self, base: Floats) -> Floats:
        assert self.hierarchy is not None
        matrix = self.hierarchy.summing_matrix
        errors = None
        if self.method == "mint_shrink":
            errors = self._base_errors
            if errors is None:
                return np.asarray(reconcile(base, matrix, "wls_struct"))
        return np.asarray(reconcile(base, matrix, self.method, errors))

    @cached_property
    def _base_errors(self) -> Floats | None:
        """One-step errors of all series at the same past origins (series, windows)."""
        track = self.raw_track
        gaps = (track.actual - track.forecasts)[:, 0]
        rows = [at for at in _together(track, len(self.scales)) if np.isfinite(gaps[at]).all()]
        return np.stack([gaps[at] for at in rows], axis=1) if len(rows) > 2 else None

    # New rows

    def with_panel(self, panel: Panel) -> Fitted:
        """What is known after more rows: past forecasts go on, weights stay."""
        histories = Histories.of(panel, self.season)
        if self.counts is not None:
            self.counts.check(histories, panel.names)
        committee = Committee(
            tuple(member.with_series(histories) for member in self.committee.members),
            self.horizon, self.committee.size,
        )  # fmt: skip
        scales = np.concatenate([self.scales, histories.seasonal_scale()[len(self.scales) :]])
        record = self.record
        origins = later_origins(
            record.origins, histories, self.histories.lengths, self.horizon, record.stride, MEMORY
        )
        if len(origins):
            known = known_ahead(histories, origins, self.horizon)
            record = record.plus(
                origins,
                committee.forecasts(histories, origins, known),
                committee.heads(histories, origins, known),
            )
        record = record.latest(histories.lengths, MEMORY)
        return replace(self, panel=panel, committee=committee, record=record, scales=scales)

    def refitted(
        self, settings: SearchSettings
    ) -> tuple[Fitted, dict[str, list[dict[str, float]]]]:
        """The same members, fitted to all rows."""
        members, learned = refit(self.committee.members, self.histories, self.horizon, settings)
        return replace(self, committee=replace(self.committee, members=members)), learned


def fit_panel(
    panel: Panel,
    horizon: int,
    seasons: tuple[int, ...],
    settings: SearchSettings,
    counts: CountPart | None,
    hierarchy: Hierarchy | None,
    children: Mapping[Any, Sequence[Any]] | None,
    method: str,
) -> tuple[Fitted, dict[str, list[dict[str, float]]]]:
    """Search members for a panel; returns also the epochs of each network."""
    histories = Histories.of(panel, seasons[0] if seasons else 1)
    searched = search(histories, horizon, settings)
    fitted = Fitted(
        panel, seasons, searched.committee, searched.record, histories.seasonal_scale(),
        settings.is_price, counts, hierarchy, children, method,
    )  # fmt: skip
    return fitted, searched.histories


def _together(track: Track, many: int) -> list[Ints]:
    """Rows of a record with one age that all series have, in the order of series."""
    result = []
    for age in np.unique(track.ages):
        rows = np.flatnonzero(track.ages == age)
        if len(rows) == many:
            result.append(rows[np.argsort(track.origins.series[rows])])
    return result


def stack_known(known: list[Any]) -> Floats:
    """Covariates of all series (series, horizon, K)."""
    return np.stack([np.asarray(one, np.float64) for one in known])
