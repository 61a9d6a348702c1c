"""Peers of the forecasts: statsforecast's, a ridge on lags, and random walks of prices.

Each reads the rows before an origin and nothing else: the series alone, no calendar. statsforecast
is not among the requirements of `bench`: `pip install statsforecast==2.1.1` runs its lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from .forecast_sets import Floats, HourlySeries, Method, RollingSet

PENALTY = 1.0  # of the ridge, on standardised lags


@dataclass(frozen=True)
class Refit:
    """How a peer goes through the origins.

    Attributes
    ----------
    window : int
        Latest rows that it is fitted to; 0 for all.
    every : int
        Origins from one fit to the next; between them the states go on with the fitted
        parameters (`forward`), from the same first row on. 0: fitted once, at the first.
    """

    window: int = 0
    every: int = 1


# Of ETS or MSTL, and of Theta; sets that are not here: all rows, at every origin. Tried on these
# very origins, which favours the peers: each is within 1 % of the most accurate. By hour: MSTL with
# 672 to 4032 rows, on a fifth of the origins, where AutoETS does worse (1.60, MSTL 1.27); Theta
# with 672, 1344 and all rows. CTA: 364 to 1456 rows, which all do worse than all rows.
REFITS = {
    "bike by hour": (Refit(1344), Refit(1344)),
    "airline": (Refit(), Refit(every=4)),
    "CTA before 2020": (Refit(every=26), Refit(every=0)),
    "CTA with 2020": (Refit(every=26), Refit(every=0)),
}


def seasonal_naive(one: RollingSet) -> Floats:
    """The last season again."""
    season = one.seasons[0]
    steps = np.arange(one.horizon) % season - season
    return one.values[one.origins[:, None] + steps]


def random_walk(one: RollingSet) -> Floats:
    return np.repeat(one.values[one.origins - 1][:, None], one.horizon, axis=1)


def drifting_walk(one: RollingSet) -> Floats:
    """The last price, times the mean growth until then for each step."""
    growth = np.log(one.values[one.origins - 1] / one.values[0]) / (one.origins - 1)
    steps = np.arange(1, one.horizon + 1)
    return random_walk(one) * np.exp(growth[:, None] * steps)


def statsforecast_rolling(model: Any, refit: Refit) -> Method:
    """A model of statsforecast at every origin."""

    def forecasts(one: RollingSet) -> Floats:
        rows, begin = [], 0
        for number, origin in enumerate(one.origins):
            if number % (refit.every or len(one.origins)) == 0:
                begin = max(0, int(origin) - refit.window) if refit.window else 0
                model.fit(one.values[begin:origin])
                answer = model.predict(one.horizon)
            else:
                answer = model.forward(one.values[begin:origin], one.horizon)
            rows.append(np.asarray(answer["mean"], np.float64))
        return np.stack(rows)

    return forecasts


def ridge(refit: bool) -> Method:
    """A ridge from the last two long seasons, but at least 24 rows, to all steps ahead at once.

    Windows are centred by their mean. Fitted before the first origin, or at every origin.
    """

    def forecasts(one: RollingSet) -> Floats:
        lags = max(2 * max(one.seasons), 24)
        model, rows, read = LagRidge(lags, one.horizon), [], lags
        for number, origin in enumerate(one.origins):
            if number == 0 or refit:
                model.add(one.values[read - lags : origin])
                read = int(origin) - one.horizon + 1
            rows.append(model.predict(one.values[origin - lags : origin]))
        return np.stack(rows)

    return forecasts


class LagRidge:
    """Closed-form ridge of centred windows, from sums that go on with new rows."""

    def __init__(self, lags: int, horizon: int) -> None:
        self.lags = lags
        self.horizon = horizon
        self.count = 0
        self.sums = np.zeros(lags)
        self.targets = np.zeros(horizon)
        self.squares = np.zeros((lags, lags))
        self.products = np.zeros((lags, horizon))

    def add(self, values: Floats, relative: bool = False) -> None:
        """Learn from all windows that lie within these values; relative, divided by their mean."""
        windows = np.lib.stride_tricks.sliding_window_view(values, self.lags + self.horizon)
        x, y = windows[:, : self.lags], windows[:, self.lags :]
        level = x.mean(axis=1, keepdims=True)
        size = np.maximum(np.abs(level), 1e-9) if relative else 1.0
        x, y = (x - level) / size, (y - level) / size
        self.count += len(x)
        self.sums += x.sum(axis=0)
        self.targets += y.sum(axis=0)
        self.squares += x.T @ x
        self.products += x.T @ y

    def predict(self, window: Floats, relative: bool = False) -> Floats:
        """Forecast what follows the last rows, of one series or (series, lags)."""
        mean, target = self.sums / self.count, self.targets / self.count
        covariance = self.squares / self.count - np.outer(mean, mean)
        deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
        gram = covariance / np.outer(deviation, deviation)
        moments = (self.products / self.count - np.outer(mean, target)) / deviation[:, None]
        penalty = PENALTY / self.count * np.eye(self.lags)
        weights = np.linalg.solve(gram + penalty, moments)
        level = window.mean(axis=-1, keepdims=True)
        size = np.maximum(np.abs(level), 1e-9) if relative else 1.0
        centred = ((window - level) / size - mean) / deviation
        return level + size * (centred @ weights + target)


def demand_peers(one: RollingSet) -> dict[str, Method]:
    """All peers of one of the demand sets, by name."""
    peers = {
        "ridge on lags": ridge(refit=False),
        "ridge on lags, refitted": ridge(refit=True),
    }
    if find_spec("statsforecast") is None:
        return {"seasonal naive": seasonal_naive, **peers}
    from statsforecast.models import MSTL, AutoETS, AutoTheta, SeasonalNaive

    season, (smooth_refit, theta_refit) = one.seasons[0], REFITS.get(one.name, (Refit(), Refit()))
    naive = statsforecast_rolling(SeasonalNaive(season), Refit())
    if len(one.seasons) > 1:
        smooth, name = MSTL(list(one.seasons)), "MSTL (statsforecast)"
    else:
        smooth, name = AutoETS(season_length=season), "AutoETS (statsforecast)"
    return {
        "SeasonalNaive (statsforecast)": naive,
        name: statsforecast_rolling(smooth, smooth_refit),
        "AutoTheta (statsforecast)":
            statsforecast_rolling(AutoTheta(season_length=season), theta_refit),
        **peers,
    }  # fmt: skip


def stock_peers() -> dict[str, Method]:
    """All peers of prices, the reference first."""
    walks: dict[str, Method] = {
        "random walk with drift": drifting_walk, "random walk": random_walk,
    }  # fmt: skip
    if find_spec("statsforecast") is None:
        return walks
    from statsforecast.models import AutoETS

    model = AutoETS(season_length=1)
    return {**walks, "AutoETS (statsforecast)": statsforecast_rolling(model, Refit(1000, 21))}


def m4_peers() -> dict[str, Callable[[HourlySeries], Floats]]:
    """All peers of the hourly series of M4, by name.

    AutoETS is left out: on every 14th series its sMAPE is 16.0 where MSTL's is 11.9.
    """
    peers = {
        "ridge on lags, for each series": m4_ridges,
        "ridge on lags, for all series": m4_ridge,
    }
    if find_spec("statsforecast") is None:
        return {"seasonal naive": m4_naive, **peers}
    from statsforecast.models import MSTL, AutoTheta, SeasonalNaive

    models = {"SeasonalNaive": SeasonalNaive(24), "MSTL": MSTL([24, 168]),
              "AutoTheta": AutoTheta(24)}  # fmt: skip
    each = {f"{name} (statsforecast)": m4_each(model) for name, model in models.items()}
    return each | peers


def m4_naive(data: HourlySeries) -> Floats:
    days = -(-data.horizon // data.season)
    return np.stack([np.tile(one[-data.season :], days)[: data.horizon] for one in data.train])


def m4_each(model: Any) -> Callable[[HourlySeries], Floats]:
    """A model of statsforecast for each series by itself."""

    def forecasts(data: HourlySeries) -> Floats:
        rows = [model.fit(one).predict(data.horizon)["mean"] for one in data.train]
        return np.stack(rows).astype(np.float64)

    return forecasts


def m4_ridge(data: HourlySeries, lags: int = 336) -> Floats:
    """One ridge of the windows of all series' logarithms, divided by their means."""
    model = LagRidge(lags, data.horizon)
    train = [np.log1p(one) for one in data.train]
    for one in train:
        model.add(one, relative=True)
    last = np.stack([one[-lags:] for one in train])
    return np.expm1(model.predict(last, relative=True))


def m4_ridges(data: HourlySeries, lags: int = 168) -> Floats:
    """A ridge for each series by itself."""
    rows = []
    for one in data.train:
        model = LagRidge(lags, data.horizon)
        model.add(one)
        rows.append(model.predict(one[-lags:]))
    return np.stack(rows)
