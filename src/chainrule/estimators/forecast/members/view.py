"""How a member sees the series: transformed, centred, scaled, and without covariates' effects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .effects import Effects
from .histories import Histories, Origins
from .scaling import Scaling

Floats: TypeAlias = NDArray[np.float64]

KnownUse: TypeAlias = Literal["none", "sum", "factor"]

PAST_STEPS = (0, 1, 2)  # before the origin, at which past covariates are inputs, and a season


@dataclass(frozen=True)
class View:
    """From values to what a member forecasts, and back.

    Attributes
    ----------
    scaling : Scaling
    effects : Effects or None
        Of the covariates that are known ahead; None where they are not used.
    past_mean, past_deviation : array (series, P)
    static_mean, static_deviation : array (S,)
    with_extras : bool
        Whether past and static covariates are inputs of a ridge.
    """

    scaling: Scaling
    effects: Effects | None
    past_mean: Floats
    past_deviation: Floats
    static_mean: Floats
    static_deviation: Floats
    with_extras: bool

    @classmethod
    def of(
        cls, histories: Histories, transform: str, *, known: KnownUse, with_extras: bool
    ) -> View:
        """Measure the series; `known` says how covariates that are known ahead are used."""
        effects = None
        values = histories.values
        if known == "factor" and histories.known[0].shape[1]:
            logs = Scaling.of(values, "log")
            z = [logs.apply(one, np.array(k)) * logs.spread[k] for k, one in enumerate(values)]
            effects = Effects.of(z, histories.known, histories.season, is_factor=True)
            values = [_without(effects, one, histories, k) for k, one in enumerate(values)]
        scaling = Scaling.of(values, transform)
        if known == "sum" and histories.known[0].shape[1]:
            z = [scaling.apply(one, np.array(k)) for k, one in enumerate(values)]
            effects = Effects.of(z, histories.known, histories.season)
        past_mean = np.stack([one.mean(axis=0) for one in histories.past])
        past_deviation = np.stack([one.std(axis=0) for one in histories.past])
        static = histories.static
        return cls(
            scaling, effects, past_mean, _or_one(past_deviation), static.mean(axis=0),
            _or_one(static.std(axis=0)), with_extras,
        )  # fmt: skip

    def with_series(self, histories: Histories) -> View:
        """The view with the measures of series that come after those it has."""
        many = len(self.scaling.level)
        if len(histories) == many:
            return self
        past, values = histories.past[many:], histories.values[many:]
        effects = None if self.effects is None else self.effects.with_series(len(past))
        if effects is not None and effects.is_factor:
            values = [
                _without(effects, one, histories, k) for k, one in enumerate(values, start=many)
            ]
        return replace(
            self,
            scaling=self.scaling.with_series(values),
            effects=effects,
            past_mean=np.concatenate([self.past_mean, [one.mean(axis=0) for one in past]]),
            past_deviation=np.concatenate(
                [self.past_deviation, [_or_one(one.std(axis=0)) for one in past]]
            ),
        )

    def prepared(self, histories: Histories) -> Histories:
        """The series as the member sees them."""
        series = []
        for k, values in enumerate(histories.values):
            if self.effects is not None and self.effects.is_factor:
                values = _without(self.effects, values, histories, k)
            z = self.scaling.apply(values, np.array(k))
            if self.effects is not None and not self.effects.is_factor:
                z = z - self.effects(histories.known[k][: len(z)], k)
            series.append(z)
        return replace(histories, values=series)

    def values(self, z: Floats, origins: Origins, known: Floats) -> Floats:
        """The values that forecasts (n, horizon) stand for, with `known` (n, horizon, K)."""
        if self.effects is None:
            return self.scaling.invert(z, origins.series)
        if self.effects.is_factor:
            values = self.scaling.invert(z, origins.series)
            return values * self.effects.factors(known, origins.series)
        return self.scaling.invert(z + self.effects(known, origins.series), origins.series)

    @property
    def known_use(self) -> KnownUse:
        """How covariates that are known ahead are used."""
        if self.effects is None:
            return "none"
        return "factor" if self.effects.is_factor else "sum"

    @property
    def n_extras(self) -> int:
        """How many inputs there are beside the lags."""
        if not self.with_extras:
            return 0
        return int(self.past_mean.shape[1]) * (len(PAST_STEPS) + 1) + len(self.static_mean)

    def extras(self, histories: Histories, series: int) -> Floats:
        """The other inputs at each row of a series (n, extras), from that row and those before."""
        n = int(histories.lengths[series])
        if not self.n_extras:
            return np.empty((n, 0))
        past = (histories.past[series] - self.past_mean[series]) / self.past_deviation[series]
        rows = np.arange(n)
        steps = (*PAST_STEPS, max(histories.season - 1, len(PAST_STEPS)))
        shifted = [past[np.maximum(rows - step, 0)] for step in steps]
        static = (histories.static[series] - self.static_mean) / self.static_deviation
        return np.concatenate([*shifted, np.tile(static, (n, 1))], axis=1)

    def extras_at(self, histories: Histories, origins: Origins) -> Floats:
        """The other inputs of windows that end at origins."""
        result = np.empty((len(origins), self.n_extras))
        if self.n_extras:
            for series in np.unique(origins.series):
                rows = np.flatnonzero(origins.series == series)
                every = self.extras(histories, int(series))
                result[rows] = every[origins.steps[rows] - 1]
        return result


def _without(effects: Effects, values: Floats, histories: Histories, series: int) -> Floats:
    """Values without the factors of covariates."""
    return values / effects.factors(histories.known[series][: len(values)], series)


def _or_one(deviation: Floats) -> Floats:
    return np.where(deviation > 1e-9, deviation, 1.0)
