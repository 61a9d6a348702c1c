"""Ridges over lags, fitted to many series: one for all, or one for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError

from .histories import Histories
from .lag_ridge import CENTRES, PENALTIES, LagMap, Products
from .view import View

Floats: TypeAlias = NDArray[np.float64]

LEAST_WINDOWS = 8  # to fit a ridge to
LOCAL_PENALTIES = (1e-2, 1e-1, 1.0)
LOCAL_CENTRES = ("last", "mean")
MOST_LOCAL_LAGS = 400  # of a ridge for each series,
LOCAL_SHARE = 0.45  # and of the steps of the usual series
MOST_LAGS = 1500  # of any ridge: the matrix of products grows by their square
MOST_WINDOWS = 20_000  # of all series, that ridges for all together are fitted to


@dataclass(frozen=True)
class RidgeSpec:
    """What is chosen of a ridge.

    Attributes
    ----------
    transform : {"none", "sqrt", "log"}
    lags : int
    centre : {"last", "season", "mean", "none"}
    counts : {"spread", "level", "window"}
        In which unit errors count: each series' spread (as MASE has it), its level (as sMAPE), or
        the deviation within each window.
    penalty : float
    is_local : bool
        Whether each series has weights for itself.
    """

    transform: str
    lags: int
    centre: str
    counts: str
    penalty: float
    is_local: bool

    @property
    def name(self) -> str:
        """As tables have it."""
        scope = "each" if self.is_local else "all"
        return (
            f"ridge on {self.lags} lags ({self.transform}, {self.centre}, {self.counts}, "
            f"{self.penalty:g}, {scope})"
        )


@dataclass(frozen=True)
class Ridge:
    """A fitted ridge: one map, or one for each series (None where a series is too short).

    The maps of short series are then those of all series together, `fallback`.
    """

    spec: RidgeSpec
    maps: tuple[LagMap | None, ...]
    fallback: LagMap

    def forecast(self, windows: Floats, extras: Floats, series: NDArray[np.int64]) -> Floats:
        """Forecasts (n, horizon) in the member's view, of windows (n, at least lags)."""
        windows = windows[:, windows.shape[1] - self.spec.lags :]
        if not self.spec.is_local:
            return self.fallback(windows, extras)
        result = np.empty((len(windows), len(self.fallback.bias)))
        for k in np.unique(series):
            rows = series == k
            local = self.maps[k] if k < len(self.maps) else None  # None of series that came later
            result[rows] = (local or self.fallback)(windows[rows], extras[rows])
        return result


def fit_ridges(
    prepared: Histories, view: View, horizon: int, specs: Iterable[RidgeSpec]
) -> Iterator[Ridge]:
    """Fit ridges of one view to all windows that lie within the series.

    Yields fewer where there are too few windows.
    """
    by_lags: dict[int, list[RidgeSpec]] = {}
    for spec in specs:
        by_lags.setdefault(spec.lags, []).append(spec)
    extras = [view.extras(prepared, k) for k in range(len(prepared))]
    for lags, some in by_lags.items():
        for by_deviation in (False, True):
            group = [spec for spec in some if (spec.counts == "window") == by_deviation]
            if group:
                yield from _fit_lags(prepared, view, extras, lags, horizon, group)


def _fit_lags(
    prepared: Histories, view: View, extras: list[Floats], lags: int, horizon: int,
    specs: list[RidgeSpec],
) -> Iterator[Ridge]:  # fmt: skip
    """All ridges of as many lags whose windows have the same weights."""
    by_deviation = specs[0].counts == "window"
    many = int(np.maximum(prepared.lengths - lags - horizon + 1, 0).sum())
    if many < LEAST_WINDOWS:
        return
    local = [spec for spec in specs if spec.is_local]
    maps: dict[RidgeSpec, list[LagMap | None]] = {spec: [] for spec in local}
    totals = {
        counts: Products.none(lags, view.n_extras, horizon)
        for counts in dict.fromkeys(spec.counts for spec in specs)
    }
    stride = 1 if local else stride_for(many, MOST_WINDOWS, prepared.season)
    for k, values in enumerate(prepared.values):
        products = Products.of(
            values, extras[k], lags, horizon, by_deviation=by_deviation, stride=stride
        )
        windows = max(len(values) - lags - horizon + 1, 0)
        for counts, total in totals.items():
            weight = _level_weight(view, k) if counts == "level" else 1.0
            totals[counts] = total.plus(products, weight)
        solved = _solved(products, local, prepared.season) if windows >= lags // 2 + 8 else {}
        for spec in local:
            maps[spec].append(solved.get(spec))
    common = {
        counts: _solved(total, [s for s in specs if s.counts == counts], prepared.season)
        for counts, total in totals.items()
    }
    for spec in specs:
        fallback = common[spec.counts].get(spec)
        if fallback is not None:
            yield Ridge(spec, tuple(maps.get(spec, ())), fallback)


def stride_for(many: int, most: int, season: int) -> int:
    """From one of `many` windows to the next that counts, such that all of a season's come up.

    Examples
    --------
    >>> stride_for(100, 200, 7), stride_for(1000, 200, 7), stride_for(1000, 200, 10)
    (1, 5, 7)
    """
    stride = max(1, -(-many // most))
    while gcd(stride, season) > 1:
        stride += 1
    return stride


def _level_weight(view: View, series: int) -> float:
    """The square of the spread in units of the level, near 1 for usual series."""
    return float(view.scaling.spread[series] ** 2)


def _solved(products: Products, specs: Sequence[RidgeSpec], season: int) -> dict[RidgeSpec, LagMap]:
    """The maps of specs, by one factorisation for each centre and penalty."""
    result: dict[RidgeSpec, LagMap] = {}
    by_centre: dict[str, list[RidgeSpec]] = {}
    for spec in specs:
        by_centre.setdefault(spec.centre, []).append(spec)
    for centre, some in by_centre.items():
        penalties = sorted({spec.penalty for spec in some})
        try:
            maps = products.solve(centre, season, penalties)
        except LinAlgError:
            continue
        for spec in some:
            result[spec] = maps[penalties.index(spec.penalty)]
    return result


def ridge_specs(
    transforms: Sequence[str], lags: Sequence[int], n_series: int, season: int, usual: int
) -> list[RidgeSpec]:
    """All candidates: the units in which errors count differ between several series only."""
    centres = [c for c in CENTRES if c != "season" or season > 1]
    counts = ("spread",) if n_series == 1 else ("spread", "level", "window")
    specs = [
        RidgeSpec(transform, length, centre, count, penalty, is_local=False)
        for transform in transforms
        for length in lags
        for centre in centres
        for count in counts
        for penalty in PENALTIES
    ]
    if n_series > 1:
        specs += [
            RidgeSpec(transform, length, centre, "spread", penalty, is_local=True)
            for transform in transforms
            for length in lags
            if length <= min(MOST_LOCAL_LAGS, LOCAL_SHARE * usual)
            for centre in LOCAL_CENTRES
            for penalty in LOCAL_PENALTIES
        ]
    return specs


def lag_lengths(seasons: Sequence[int], horizon: int, usual: int, n_series: int = 1) -> list[int]:
    """The windows that candidates look at, in steps.

    From a season or two up to two long ones and beyond, doubling between; as far as series of
    `usual` steps have windows, and all together five times as many windows as lags.

    Examples
    --------
    >>> lag_lengths((24, 168), 24, 10_000)
    [48, 168, 336, 504, 672]
    >>> lag_lengths((7, 365), 14, 5000), lag_lengths((12,), 12, 80)
    ([14, 28, 56, 112, 379, 730], [12, 18, 24, 30])
    >>> lag_lengths((), 3, 40), lag_lengths((24, 168), 48, 500, 100)
    ([3, 6, 12], [48, 168, 336])
    >>> lag_lengths((60, 1440, 10_080), 60, 100_000)  # a minute's hour, day and week
    [120, 240, 480, 960, 1500]
    """
    if n_series == 1:
        most = 0.45 * (usual - horizon)
    else:
        most = (usual - horizon) * min(0.9, max(0.45, 1.0 - 5.0 / n_series))
    most = min(most, MOST_LAGS)
    short = seasons[0] if seasons else max(horizon, 3)
    long = [season for season in seasons[1:] if season + horizon <= most]
    if seasons and not long and short < 24:
        steps = [short, 1.5 * short, 2 * short, 2.5 * short, 3 * short]
        lengths = [*steps, 4 * short, 8 * short] if short <= 7 else steps
    elif seasons and long and long[0] < 300:
        lengths = [2 * short, *(k * long[0] for k in (1, 2, 3, 4))]
    else:
        doubled = [short * 2**k for k in range(0 if not seasons else 1, 5)]
        lengths = doubled + [n for season in long for n in (season + horizon, 2 * season)]
    fitting = sorted({round(length) for length in lengths if length <= most})
    return fitting or [max(1, min(short, int(most)))]
