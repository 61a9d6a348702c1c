"""The committee: the median of the few members that did best of late.

At every origin members are chosen anew, from their errors at steps that are over by then: a
member that a change of the series has made worthless is out after some weeks, without new weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .histories import Histories, Origins
from .member import Member
from .validation import HALF_LIFE

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

SIZE = 3  # members whose median is the forecast
MARGIN = 1.05  # times the seasonal naive error of a series, above which it is forecast naively
LEAST_WINDOWS = 5  # of a series that say so


@dataclass(frozen=True)
class Record:
    """What members forecast at past origins.

    Attributes
    ----------
    origins : Origins
    forecasts : array (members, n, horizon)
    stride : int
        Steps from one origin to the next.
    heads : array (2, n, horizon), optional
        The lower and the upper quantile of a network that has them.
    """

    origins: Origins
    forecasts: Floats
    stride: int
    heads: Floats | None = None

    def plus(self, origins: Origins, forecasts: Floats, heads: Floats | None) -> Record:
        """With later origins."""
        both = None
        if self.heads is not None and heads is not None:
            both = np.concatenate([self.heads, heads], axis=1)
        more = np.concatenate([self.forecasts, forecasts], axis=1)
        return Record(self.origins.plus(origins), more, self.stride, both)

    def latest(self, lengths: Ints, steps: int) -> Record:
        """Without origins that lie further back than so many steps from their series' end."""
        some = lengths[self.origins.series] - self.origins.steps <= steps
        forecasts = np.ascontiguousarray(self.forecasts[:, some])  # in the order of a model file
        heads = None if self.heads is None else np.ascontiguousarray(self.heads[:, some])
        return Record(self.origins[some], forecasts, self.stride, heads)


@dataclass(frozen=True)
class Committee:
    """Members of which some are chosen.

    Attributes
    ----------
    members : tuple of Member
        The last one is the seasonal naive forecast.
    horizon : int
    size : int
        Members in the median.
    """

    members: tuple[Member, ...]
    horizon: int
    size: int = SIZE

    def forecasts(self, histories: Histories, origins: Origins, known: Floats) -> Floats:
        """What each member forecasts (members, n, horizon)."""
        result = np.empty((len(self.members), len(origins), self.horizon))
        views: dict[int, list[int]] = {}
        for k, member in enumerate(self.members):
            views.setdefault(id(member.view), []).append(k)
        for numbers in views.values():
            view = self.members[numbers[0]].view
            if view is None:
                for k in numbers:
                    result[k] = self.members[k].forecast(histories, origins, self.horizon, known)
                continue
            prepared = view.prepared(histories)
            longest = max(self.members[k].lags for k in numbers)
            windows = prepared.windows(origins, longest)
            for k in numbers:
                result[k] = self.members[k].forecast_windows(windows, prepared, origins, known)
        return result

    def heads(self, histories: Histories, origins: Origins, known: Floats) -> Floats | None:
        """The lower and upper quantiles (2, n, horizon) of the first network that has them."""
        for member in self.members:
            if member.has_quantiles:
                return member.quantile_ends(histories, origins, known)
        return None

    def chosen(self, scores: Floats) -> list[int]:
        """The members of the median, for mean errors (members,): the best of each family.

        Where a rule without weights is the best, it is alone; else there is none in the median.
        Of ridges that take no centre off, which do not follow a shift of the level, there is one
        at most, and never alone.
        """
        families: set[str] = set()
        best: list[int] = []
        order = np.argsort(scores, kind="stable")
        if self.members[order[0]].is_rule:
            return [int(order[0])]
        for k in order:
            if self.members[k].is_rule:
                continue
            family, is_uncentred = self.members[k].family, self.members[k].is_uncentred
            if family in families or (is_uncentred and any(self._uncentred(best))):
                continue
            families.add(family)
            best.append(int(k))
            if len(best) == self.size:
                break
        naive = len(self.members) - 1
        better = [k for k in best if scores[k] <= scores[naive]]
        return best[:2] if better and all(self._uncentred(better)) else better

    def _uncentred(self, numbers: Sequence[int]) -> list[bool]:
        return [self.members[k].is_uncentred for k in numbers]


@dataclass(frozen=True)
class Track:
    """What a committee would have forecast at the origins of a record, and now.

    Attributes
    ----------
    origins : Origins
        Of the record.
    forecasts : array (n, horizon)
        Of the median of members that were chosen by steps which were over at each origin.
    actual : array (n, horizon)
        NaN where it is not known yet.
    ages : array (n,)
        Steps from each origin to the end of its series.
    chosen : list of int
        The members now.
    is_naive : array (series,) of bool
        Where the seasonal naive forecast does clearly better, and is taken.
    """

    origins: Origins
    forecasts: Floats
    actual: Floats
    ages: Ints
    chosen: list[int]
    is_naive: NDArray[np.bool_]


def follow(committee: Committee, record: Record, histories: Histories, scales: Floats) -> Track:
    """Choose members at each origin of a record, and at the end, from what was known by then."""
    horizon = committee.horizon
    actual = histories.actual(record.origins, horizon)
    ages = histories.lengths[record.origins.series] - record.origins.steps
    gaps = np.abs(record.forecasts - actual) / scales[record.origins.series][:, None]
    scores = _scores(gaps, ages)
    forecasts = np.empty(actual.shape)
    distinct, numbers = np.unique(ages, return_inverse=True)
    choices: dict[tuple[int, ...], list[int]] = {}
    for number, age in enumerate(distinct):
        some = committee.chosen(scores[min(int(age), len(scores) - 1)])
        choices.setdefault(tuple(some), []).append(number)
    for members, of in choices.items():
        rows = np.isin(numbers, of)
        forecasts[rows] = np.median(record.forecasts[list(members)][:, rows], axis=0)
    chosen = committee.chosen(scores[0])
    over = np.isfinite(actual).all(axis=1)
    is_naive = _naive_series(
        np.mean(np.abs(forecasts - actual), axis=1)[over] / scales[record.origins.series[over]],
        gaps[-1, over].mean(axis=1), record.origins.series[over], len(scales),
    )  # fmt: skip
    fallback = is_naive[record.origins.series]
    forecasts[fallback] = record.forecasts[-1][fallback]
    return Track(record.origins, forecasts, actual, ages, chosen, is_naive)


def _scores(gaps: Floats, ages: Ints) -> Floats:
    """The mean errors (ages, members) of the steps that were over at each age, the older the less.

    Steps count as soon as they are over, be their window or not: so members that a shift of the
    level has made worthless are out before a horizon has passed. Where fewer steps than a horizon
    were over, they are those of all.

    Parameters
    ----------
    gaps : array (members, n, horizon)
        Absolute errors in the units of each series; NaN where a step is not over.
    ages : array (n,)
        Steps from each origin to the end of its series.
    """
    many, _, horizon = gaps.shape
    step_ages = ages[:, None] - np.arange(horizon) - 1  # from the step to the last row
    over = np.isfinite(gaps).all(axis=0) & (step_ages >= 0)
    if not over.any():
        return -np.arange(many, dtype=np.float64)[None]  # the last member is the best
    at = step_ages[over]
    oldest = int(at.max())
    sums = np.stack([np.bincount(at, member[over], oldest + 1) for member in gaps], axis=1)
    counts = np.bincount(at, minlength=oldest + 1).astype(np.float64)
    decay = 0.5 ** (1.0 / HALF_LIFE)
    for age in range(oldest - 1, -1, -1):
        sums[age] += decay * sums[age + 1]
        counts[age] += decay * counts[age + 1]
    scores = sums / np.maximum(counts, 1e-300)[:, None]
    last = max(oldest - horizon, 0)
    return np.concatenate([scores[: last + 1], scores[:1]]) if last + 1 < len(scores) else scores


def _naive_series(errors: Floats, naive: Floats, series: Ints, many: int) -> NDArray[np.bool_]:
    """Which series are forecast better by the seasonal naive rule."""
    if many == 1:
        return np.zeros(1, np.bool_)  # of one series, members are chosen against it at each origin
    counts = np.bincount(series, minlength=many)
    sums, naive_sums = np.bincount(series, errors, many), np.bincount(series, naive, many)
    return np.asarray((counts >= LEAST_WINDOWS) & (sums > MARGIN * naive_sums))


def median(forecasts: Floats, chosen: Sequence[int], is_naive: NDArray[np.bool_]) -> Floats:
    """The committee's forecasts (series, horizon) of those of all members."""
    result = np.median(forecasts[list(chosen)], axis=0)
    result[is_naive] = forecasts[-1][is_naive]
    return np.asarray(result)
