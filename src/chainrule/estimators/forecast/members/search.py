"""Candidates, judged on the last windows of the training rows, and the few of them that are taken.

Ridges over lags are fitted in closed form, so that hundreds of them (transforms, windows, centres,
units of errors, penalties) cost little; networks are trained where there are windows enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Never, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....errors import DataError
from ..evaluation.skill import price_skill
from .committee import Committee, Record
from .histories import Histories
from .member import Member, known_ahead
from .naive import Drift, SeasonalNaive
from .network_member import NetworkMember, NetworkSpec, fit_network
from .ridges import LEAST_WINDOWS, Ridge, RidgeSpec, fit_ridges, lag_lengths, ridge_specs
from .scaling import allowed_transforms
from .validation import (
    Validation,
    later_origins,
    recency_weights,
    split_validation,
    window_errors,
)
from .view import KnownUse, View

Floats: TypeAlias = NDArray[np.float64]

HALF_LIVES = (50.0, 200.0, 1000.0)  # for which a shortlist has the best
BEST = 4  # for each of them
CENTRED = 3  # the best of those that follow a shift of the level
SHORTLIST = 12  # ridges at most
JUDGED_SERIES = 100  # at most, on which candidates are judged
EXTRA_STEPS = 0.25  # of the steps of a network, on all rows


@dataclass(frozen=True)
class SearchSettings:
    """What a user may set of the search.

    Attributes
    ----------
    with_ridges : bool
        Whether ridges are among the members.
    transforms : tuple of str
    lags : tuple of int
        Empty: chosen from seasons.
    seasons : tuple of int
    networks : tuple of NetworkSpec
    steps : int
        Of each network.
    seed : int
    """

    with_ridges: bool
    transforms: tuple[str, ...]
    lags: tuple[int, ...]
    seasons: tuple[int, ...]
    networks: tuple[NetworkSpec, ...]
    steps: int
    seed: int
    callbacks: Sequence[Any] = ()
    progress: bool = False
    is_price: bool = False


@dataclass(frozen=True)
class Searched:
    """The result of a search.

    Attributes
    ----------
    committee : Committee
        Its members are fitted to all rows.
    record : Record
        What its members, fitted to the rows before the validation, forecast there.
    histories : dict of str to list of dict
        A row an epoch, of each network.
    """

    committee: Committee
    record: Record
    histories: dict[str, list[dict[str, float]]]


def search(histories: Histories, horizon: int, settings: SearchSettings) -> Searched:
    """Fit and choose members."""
    validation = split_validation(histories, horizon)
    train = histories.before(validation.limits)
    settings = replace(settings, transforms=_transforms(histories, settings))
    ridges: list[Member] = []
    if settings.with_ridges and len(validation):
        ridges = _ridges(histories, train, horizon, settings)
    learned: dict[str, list[dict[str, float]]] = {}
    networks: list[Member] = []
    if len(validation):  # else nothing could say that they are better than a rule
        networks = list(_networks(train, horizon, settings, learned))
    learners = [*ridges, *networks]
    if settings.is_price:
        known = known_ahead(histories, validation.origins, horizon)
        learners = [
            member for member in (*ridges[:1], *networks)
            if has_skill(histories, validation,
                         member.forecast(histories, validation.origins, horizon, known))
        ]  # fmt: skip
    first = Committee((*learners, *_rules(histories, settings)), horizon)
    stride = _stride(validation)
    origins = validation.origins.plus(
        later_origins(
            validation.origins, histories, histories.lengths, horizon, stride,
            int(histories.lengths.max()),
        )
    )  # fmt: skip
    ahead = known_ahead(histories, origins, horizon)
    record = Record(
        origins, first.forecasts(histories, origins, ahead), stride,
        first.heads(histories, origins, ahead),
    )  # fmt: skip
    members, more = refit(first.members, histories, horizon, settings)
    for name, rows in more.items():
        learned[name] = learned[name] + rows
    return Searched(Committee(members, horizon), record, learned)


def _transforms(histories: Histories, settings: SearchSettings) -> tuple[str, ...]:
    """Those of the settings that take all values."""
    allowed = allowed_transforms(histories.values)
    transforms = tuple(name for name in settings.transforms if name in allowed)
    if not transforms:
        least = min(float(one.min()) for one in histories.values)
        raise DataError(
            f"transform={settings.transforms[0]!r} takes values from 0 on, but a series has "
            f"{least:g}: say transform='none', or 'auto'"
        )
    return transforms


def _refuse_lags(histories: Histories, train: Histories, horizon: int, lags: int) -> Never:
    """Raise the error of windows that are too long for any ridge."""
    longest, learned = int(histories.lengths.max()), int(train.lengths.max())
    most = learned - horizon - LEAST_WINDOWS + 1
    raise DataError(
        f"input_size={lags}, but the longest series has {longest} steps, of which members learn "
        f"from the first {learned}: " + (f"give {most} or less" if most > 0 else "leave it out")
    )


def _ridges(
    histories: Histories, train: Histories, horizon: int, settings: SearchSettings
) -> list[Member]:
    """The shortlist of ridges, fitted to the rows before the validation.

    Of many series, candidates are judged on some.
    """
    many = len(histories)
    rows = np.unique(np.linspace(0, many - 1, min(many, JUDGED_SERIES)).astype(np.int64))
    some, learned_from = histories.some(rows), train.some(rows)
    validation = split_validation(some, horizon, many)
    if not len(validation):
        return []
    judged = _Judged(
        validation,
        known_ahead(some, validation.origins, horizon),
        some.actual(validation.origins, horizon),
        learned_from.seasonal_scale()[validation.origins.series],
    )
    for view in _views(learned_from, settings.transforms):
        specs = _specs(learned_from, view, horizon, settings)
        judged.add_ridges(some, learned_from, view, horizon, specs)
    if settings.lags and not judged.members:
        _refuse_lags(histories, train, horizon, min(settings.lags))
    shortlist = judged.shortlist()
    return shortlist if len(rows) == many else _refitted(train, horizon, shortlist)


def refit(
    members: Sequence[Member], histories: Histories, horizon: int, settings: SearchSettings
) -> tuple[tuple[Member, ...], dict[str, list[dict[str, float]]]]:
    """The same members, fitted to all rows; returns also the further epochs of networks."""
    learned: dict[str, list[dict[str, float]]] = {}
    ridges = [member for member in members if isinstance(member.model, Ridge)]
    networks = [member for member in members if isinstance(member.model, NetworkMember)]
    final = (
        *_refitted(histories, horizon, ridges),
        *_networks_again(histories, horizon, settings, networks, learned),
        *[member for member in members if member.is_rule],
    )
    return final, learned


def _stride(validation: Validation) -> int:
    ages = np.unique(validation.ages)
    return int(ages[1] - ages[0]) if len(ages) > 1 else 1


def _views(train: Histories, transforms: Sequence[str]) -> Iterator[View]:
    """The series as candidates may see them: with covariates and without, if there are any."""
    with_covariates = train.known[0].shape[1] > 0
    with_extras = train.past[0].shape[1] > 0 or (train.static.shape[1] > 0 and len(train) > 1)
    positive = len(allowed_transforms(train.values)) > 1
    for transform in transforms:
        uses: list[KnownUse] = ["none", "sum"] if with_covariates else ["none"]
        if with_covariates and positive and transform != "log":  # sums of logarithms are factors
            uses.append("factor")
        for known in uses:
            for extras in dict.fromkeys((False, with_extras)):
                yield View.of(train, transform, known=known, with_extras=extras)


def _specs(train: Histories, view: View, horizon: int, settings: SearchSettings) -> list[RidgeSpec]:
    usual = int(np.median(train.lengths))
    lags = settings.lags or lag_lengths(settings.seasons, horizon, usual, len(train))
    return ridge_specs((view.scaling.transform,), lags, len(train), train.season, usual)


class _Judged:
    """Candidates and their errors in the validation."""

    def __init__(
        self, validation: Validation, known: Floats, actual: Floats, scales: Floats
    ) -> None:
        self.validation, self.known, self.actual, self.scales = validation, known, actual, scales
        self.members: list[Member] = []
        self.errors: list[Floats] = []

    def add_ridges(
        self, histories: Histories, train: Histories, view: View, horizon: int,
        specs: list[RidgeSpec],
    ) -> None:  # fmt: skip
        """Fit the ridges of a view to the rows before the validation, and measure their errors."""
        origins = self.validation.origins
        prepared = view.prepared(histories)
        windows = prepared.windows(origins, max(spec.lags for spec in specs))
        extras = view.extras_at(prepared, origins)
        for ridge in fit_ridges(view.prepared(train), view, horizon, specs):
            z = ridge.forecast(windows, extras, origins.series)
            forecast = view.values(z, origins, self.known)
            self.members.append(Member(ridge, view))
            self.errors.append(window_errors(forecast, self.actual, self.scales))

    def shortlist(self) -> list[Member]:
        """The best of late and of longer ago, of each family one."""
        if not self.members:
            return []
        errors = np.stack(self.errors)
        numbers: dict[int, None] = {}
        for half_life in HALF_LIVES:
            scores = errors @ recency_weights(self.validation, half_life)
            for k in _best_of_families(self.members, scores, BEST):
                numbers.setdefault(k)
        overall = errors @ recency_weights(self.validation)
        centred = np.where([member.is_uncentred for member in self.members], np.inf, overall)
        for k in _best_of_families(self.members, centred, CENTRED):
            numbers.setdefault(k)
        for transform in ("none", "sqrt", "log"):
            some = [k for k, m in enumerate(self.members) if _transform(m) == transform]
            if some:
                numbers.setdefault(min(some, key=lambda k: float(overall[k])))
        order = sorted(list(numbers)[:SHORTLIST], key=lambda k: float(overall[k]))
        return [self.members[k] for k in order]


def has_skill(histories: Histories, validation: Validation, forecasts: Floats) -> bool:
    """Whether forecasts (n, horizon) at the origins of a validation beat random walks for sure.

    Series are aligned at their ends.
    """
    longest, horizon = int(histories.lengths.max()), forecasts.shape[1]
    prices = np.full((len(histories), longest), np.nan)
    for k, values in enumerate(histories.values):
        prices[k, longest - len(values) :] = values
    ages = np.unique(validation.ages)[::-1]
    predicted = np.full((len(ages), len(histories), horizon), np.nan)
    rows = np.searchsorted(-ages, -validation.ages)
    predicted[rows, validation.origins.series] = forecasts
    return price_skill(prices, predicted, longest - horizon - ages).claimed


def _transform(member: Member) -> str:
    return "" if member.view is None else member.view.scaling.transform


def _best_of_families(members: list[Member], scores: Floats, many: int) -> list[int]:
    families: set[str] = set()
    best: list[int] = []
    for k in np.argsort(scores, kind="stable"):
        if members[k].family not in families:
            families.add(members[k].family)
            best.append(int(k))
        if len(best) == many:
            break
    return best


def _rules(histories: Histories, settings: SearchSettings) -> list[Member]:
    """The rules without weights; the last is the baseline: the seasonal naive forecast.

    Of prices it is the random walk with drift.
    """
    shortest = int(histories.lengths.min())
    seasons = [s for s in settings.seasons if s <= shortest]
    if settings.is_price:
        return [Member(Drift())]
    main = seasons[0] if seasons else 1
    rules: list[Any] = [SeasonalNaive(s) for s in seasons[1:]]
    if main > 1:
        rules.append(SeasonalNaive(1))
    return [Member(rule) for rule in (*rules, Drift(), SeasonalNaive(main))]


def _refitted(histories: Histories, horizon: int, ridges: list[Member]) -> list[Member]:
    """The same ridges, fitted to all rows."""
    result: dict[int, Member] = {}
    by_view: dict[int, list[int]] = {}
    for k, member in enumerate(ridges):
        by_view.setdefault(id(member.view), []).append(k)
    for numbers in by_view.values():
        old = ridges[numbers[0]].view
        assert old is not None
        view = View.of(
            histories, old.scaling.transform, known=old.known_use,
            with_extras=old.with_extras,
        )  # fmt: skip
        specs: dict[RidgeSpec, int] = {ridges[k].model.spec: k for k in numbers}  # type: ignore
        for ridge in fit_ridges(view.prepared(histories), view, horizon, specs):
            result[specs[ridge.spec]] = Member(ridge, view)
    return [result.get(k, member) for k, member in enumerate(ridges)]


def _networks(
    train: Histories, horizon: int, settings: SearchSettings, learned: dict[str, Any]
) -> Iterator[Member]:
    """Networks trained on the rows before the validation."""
    views: dict[str, View] = {}
    known: KnownUse = "sum" if train.known[0].shape[1] else "none"
    for number, spec in enumerate(settings.networks):
        if spec.transform not in views:
            views[spec.transform] = View.of(train, spec.transform, known=known, with_extras=False)
        view = views[spec.transform]
        model, history = fit_network(
            spec, view.prepared(train), view.scaling.spread, horizon, steps=settings.steps,
            seed=settings.seed + number, callbacks=settings.callbacks, progress=settings.progress,
        )  # fmt: skip
        learned[spec.name] = history
        yield Member(model, view)


def _networks_again(
    histories: Histories, horizon: int, settings: SearchSettings, networks: list[Member],
    learned: dict[str, Any],
) -> Iterator[Member]:  # fmt: skip
    """The same networks, some steps further on all rows; their view stays as it was."""
    for number, member in enumerate(networks):
        assert member.view is not None
        start: Any = member.model
        spec: NetworkSpec = start.spec
        model, history = fit_network(
            spec, member.view.prepared(histories), member.view.scaling.spread, horizon,
            steps=max(1, round(EXTRA_STEPS * settings.steps)), seed=settings.seed + number,
            start=start, callbacks=settings.callbacks, progress=settings.progress,
        )  # fmt: skip
        learned[spec.name] = history
        yield Member(model, member.view)
