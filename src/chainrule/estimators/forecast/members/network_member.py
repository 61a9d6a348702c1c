"""A network as a member: trained on the windows of all series in its view, and asked at origins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .... import random
from ..networks import (
    DLinear,
    GRUForecaster,
    NBeats,
    NHiTS,
    NLinear,
    TiDE,
    WindowScaling,
    WindowTable,
    predict_windows,
    train_windows,
)
from ..networks.window_table import series_floors
from .histories import Histories, Origins

Floats: TypeAlias = NDArray[np.float64]

NETWORKS: dict[str, Callable[..., Any]] = {
    "dlinear": DLinear,
    "gru": GRUForecaster,
    "nbeats": NBeats,
    "nhits": NHiTS,
    "nlinear": NLinear,
    "tide": TiDE,
}
BATCH_SIZE = 256
LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class NetworkSpec:
    """What is chosen of a network.

    Attributes
    ----------
    kind : str
        One of `NETWORKS`.
    transform : {"none", "sqrt", "log"}
    lags : int
        The length of its windows.
    centre : {"last", "mean"}
        Of a window, which is taken off before and put back after (reversible instance
        normalisation: T. Kim et al., ICLR 2022).
    counts : {"spread", "level", "window"}
        In which unit windows are seen and errors count: each series' spread, its level, or the
        deviation within each window.
    quantiles : tuple of float
        The levels that it forecasts by heads of their own, the median in the middle; none for the
        median alone.
    """

    kind: str
    transform: str
    lags: int
    centre: str
    counts: str
    quantiles: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """As tables have it."""
        return f"{self.kind} on {self.lags} lags ({self.transform}, {self.centre}, {self.counts})"

    @property
    def scaling(self) -> WindowScaling:
        """How windows are normalised."""
        scale = "deviation" if self.counts == "window" else "none"
        return WindowScaling(self.centre, scale)  # type: ignore[arg-type]


@dataclass(frozen=True)
class NetworkMember:
    """A trained network.

    Attributes
    ----------
    spec : NetworkSpec
    network : Module
    units : array (series,)
        The units of a series in those of the view.
    floors : array (series,)
        The least scale of a series' windows.
    means, deviations : tuple of array
        Of the known, past and static covariates, in the order of the network's other inputs.
    """

    spec: NetworkSpec
    network: Any
    units: Floats
    floors: NDArray[np.float32]
    means: tuple[Floats, Floats, Floats]
    deviations: tuple[Floats, Floats, Floats]

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The levels of its forecasts; empty where it has one, the median."""
        return self.spec.quantiles

    def forecast(
        self, windows: Floats, known: Floats, past: Floats, static: Floats,
        series: NDArray[np.int64],
    ) -> Floats:  # fmt: skip
        """Forecasts (n, horizon), or (n, horizon, quantiles), in the member's view.

        Parameters
        ----------
        windows : array (n, at least lags)
        known : array (n, horizon, K)
        past : array (n, lags, P)
        static : array (n, S)
        series : array (n,) of int
        """
        some, ahead, centre, scale, unit = self.normalised(windows, known, past, static, series)
        z = predict_windows(self.network, some, ahead)
        if self.quantiles:
            z = np.sort(z, axis=2)
            unit, scale, centre = unit[..., None], scale[..., None], centre[..., None]
        return np.asarray(z * scale + centre, np.float64) * unit

    def normalised(
        self, windows: Floats, known: Floats, past: Floats, static: Floats,
        series: NDArray[np.int64],
    ) -> tuple[Any, Any, Any, Any, Floats]:  # fmt: skip
        """What the network reads: windows and other inputs; and centre, scale and unit, (n, 1).

        Its output z stands for ``(z * scale + centre) * unit`` in the member's view.
        """
        lags = self.spec.lags
        unit = self.units[series][:, None]
        some = np.asarray(windows[:, windows.shape[1] - lags :] / unit, np.float32)
        centre, scale = self.spec.scaling.measure(some, self.floors[series][:, None])
        return (some - centre) / scale, self._ahead(known, past, static), centre, scale, unit

    def with_series(self, series: list[Floats], spreads: Floats) -> NetworkMember:
        """The member with the units and floors of series that its training had not."""
        many = len(self.units)
        more = units_of(self.spec, spreads[many:])
        values = [one / unit for one, unit in zip(series[many:], more, strict=True)]
        floors = np.concatenate([self.floors, series_floors(values)])
        return replace(self, units=np.concatenate([self.units, more]), floors=floors)

    def _ahead(self, known: Floats, past: Floats, static: Floats) -> Any:
        parts = [
            ((part - mean) / deviation).reshape(len(part), -1)
            for part, mean, deviation in zip(
                (known, past, static), self.means, self.deviations, strict=True
            )
        ]
        joined = np.concatenate(parts, axis=1)
        return np.asarray(joined, np.float32) if joined.shape[1] else None


def fit_network(
    spec: NetworkSpec,
    prepared: Histories,
    spreads: Floats,
    horizon: int,
    *,
    steps: int,
    seed: int,
    start: NetworkMember | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool = False,
) -> tuple[NetworkMember, list[dict[str, float]]]:
    """Train a network on all windows that lie within the series.

    Parameters
    ----------
    spec : NetworkSpec
    prepared : Histories
        In the member's view.
    spreads : array (series,)
        By which the view divides, in units of each series' level.
    horizon : int
    steps : int
    seed : int
    start : NetworkMember, optional
        Whose weights to go on from, at a third of the learning rate.
    callbacks, progress
        As `train.fit` has them.
    """
    covariates = (
        [one[: len(z)] for one, z in zip(prepared.known, prepared.values, strict=True)],
        prepared.past,
        [prepared.static],
    )
    means, deviations = [], []
    for parts in covariates:
        joined = np.concatenate(list(parts))
        means.append(joined.mean(axis=0))
        deviation = joined.std(axis=0)
        deviations.append(np.where(deviation > 1e-9, deviation, 1.0))
    scaled = [
        [(one - mean) / deviation for one in parts] if parts[0].shape[1] else None
        for parts, mean, deviation in zip(covariates, means, deviations, strict=True)
    ]
    static = scaled[2][0] if scaled[2] is not None else None
    units = units_of(spec, spreads)
    values = [one / unit for one, unit in zip(prepared.values, units, strict=True)]
    table = WindowTable.of(values, known=scaled[0], past=scaled[1], static=static)
    if start is None:
        network = NETWORKS[spec.kind](
            spec.lags, horizon, ahead=table.ahead_size(spec.lags, horizon),
            quantiles=len(spec.quantiles), key=random.key(seed),
        )  # fmt: skip
    else:
        network = start.network
    result = train_windows(
        network, table, table.starts(spec.lags, horizon), length=spec.lags, horizon=horizon,
        scaling=spec.scaling, quantiles=spec.quantiles, batch_size=BATCH_SIZE, steps=steps,
        seed=seed, learning_rate=LEARNING_RATE if start is None else LEARNING_RATE / 3.0,
        callbacks=callbacks, progress=progress,
    )  # fmt: skip
    member = NetworkMember(
        spec, result.model, units, series_floors(values), (means[0], means[1], means[2]),
        (deviations[0], deviations[1], deviations[2]),
    )  # fmt: skip
    return member, result.history


def units_of(spec: NetworkSpec, spreads: Floats) -> Floats:
    """The units of series in those of the view, which divides by spreads."""
    return 1.0 / spreads if spec.counts == "level" else np.ones(len(spreads))


def network_inputs(
    prepared: Histories, origins: Origins, known: Floats, lags: int
) -> tuple[Floats, Floats, Floats]:
    """What a network reads beside its window: known and past covariates, and static ones."""
    size = prepared.past[0].shape[1]
    past = np.empty((len(origins), lags, size))
    if size:
        for series in np.unique(origins.series):
            rows = np.flatnonzero(origins.series == series)
            every = prepared.past[series]
            at = origins.steps[rows][:, None] - lags + np.arange(lags)
            past[rows] = every[np.maximum(at, 0)]
    return known, past, prepared.static[origins.series]
