"""The settings of a forecaster: their defaults, and what they mean for a panel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from ...errors import warn_user
from ..anomaly.series.rhythm import find_period
from ..sklearn_private import Interval, StrOptions
from .members.network_member import BATCH_SIZE, NETWORKS, NetworkSpec
from .members.scaling import TRANSFORMS
from .members.search import SearchSettings
from .reading.data_warning import SeriesDataWarning
from .reading.gaps import RULES
from .reading.panel import Panel
from .reading.pieces import DUPLICATES

KINDS = ("auto", "level", "price", "count")
LIKELIHOODS = ("auto", "negative_binomial", "tweedie")
MEMBERS = ("ridge", *NETWORKS)
NETWORK_WINDOWS = 4000  # from so many on, networks are members by default,
HEADS = (0.1, 0.5, 0.9)  # quantiles of the second network of a kind, which tell how sure it is
NETWORK_STEPS = 2500  # of 256 windows each, at most,
EPOCHS = 20  # or as many as these take
LEAST_NETWORK_STEPS = 200
LEAST_CYCLES = 2.0  # of a season in a series, or it is none
LOOKED_AT = 5  # series, in which the season of steps without a calendar is sought

COUNT = [Interval(Integral, 1, None, closed="left")]
CONSTRAINTS: dict[str, Any] = {
    "horizon": COUNT,
    "members": [StrOptions({"auto", *MEMBERS}), "array-like"],
    "kind": [StrOptions(set(KINDS))],
    "likelihood": [StrOptions(set(LIKELIHOODS))],
    "transform": [StrOptions({"auto", *TRANSFORMS})],
    "input_size": [*COUNT, "array-like", None],
    "season_length": [*COUNT, "array-like", None],
    "freq": [str, None],
    "fill_gaps": [StrOptions(set(RULES))],
    "duplicates": [StrOptions(set(DUPLICATES))],
    "max_steps": [*COUNT, None],
    "random_state": ["random_state"],
    "callbacks": [list, tuple, None],
    "n_threads": [*COUNT, None],
    "progress": ["boolean"],
}


@dataclass(kw_only=True, eq=False, repr=False, match_args=False)
class ForecasterSettings:
    """The parameters of `Forecaster`; see there."""

    horizon: int = 1
    members: Any = "auto"
    kind: str = "auto"
    likelihood: str = "auto"
    transform: str = "auto"
    input_size: Any = None
    season_length: Any = None
    freq: str | None = None
    fill_gaps: str = "auto"
    duplicates: str = "error"
    max_steps: int | None = None
    random_state: Any = None
    callbacks: Any = None
    n_threads: int | None = None
    progress: bool = True

    def seasons_for(self, panel: Panel) -> tuple[int, ...]:
        """The lengths of seasons in steps, shortest first: given, or those of the calendar.

        Steps without a calendar have the one in which the longest series repeat themselves.
        """
        longest = max(len(one.values) for one in panel.series)
        if self.season_length is not None:
            lengths = whole_numbers("season_length", self.season_length)
            if max(lengths) >= longest > 1:
                warn_user(
                    f"season_length={self.season_length!r:.60}, but the longest series has "
                    f"{longest} steps: a season that has not come round is left out",
                    SeriesDataWarning,
                )
            return tuple(sorted({length for length in lengths if 1 < length < longest}))
        if panel.calendar.kind == "steps":
            return _repeating(panel)
        seasons = tuple(season for season in panel.calendar.seasons() if season < longest)
        repeated = tuple(season for season in seasons if LEAST_CYCLES * season <= longest)
        return repeated or seasons[:1]  # what came once is the best guess of what comes

    def search_settings(
        self, panel: Panel, seasons: tuple[int, ...], seed: int, is_price: bool
    ) -> SearchSettings:
        """What is searched among for these series."""
        lengths = [len(one.values) for one in panel.series]
        windows = sum(max(length - self.horizon - 1, 0) for length in lengths)
        names = self.checked_members()
        transforms = TRANSFORMS if self.transform == "auto" else (self.transform,)
        lags = () if self.input_size is None else whole_numbers("input_size", self.input_size)
        specs: tuple[NetworkSpec, ...] = ()
        if names == ("auto",):
            names = ("ridge",)
            if windows >= NETWORK_WINDOWS and not is_price:
                specs = self._networks(("nbeats",), panel, seasons, lags, transforms)
        else:
            kinds = tuple(name for name in names if name in NETWORKS)
            specs = self._networks(kinds, panel, seasons, lags, transforms)
        return SearchSettings(
            with_ridges="ridge" in names,
            transforms=("log", "none") if is_price and self.transform == "auto" else transforms,
            lags=lags, seasons=seasons, networks=specs,
            steps=self._steps(windows), seed=seed,
            callbacks=tuple(self.callbacks or ()), progress=bool(self.progress), is_price=is_price,
        )  # fmt: skip

    def _steps(self, windows: int) -> int:
        """The steps of a network."""
        if self.max_steps is not None:
            return int(self.max_steps)
        return int(np.clip(EPOCHS * windows // BATCH_SIZE, LEAST_NETWORK_STEPS, NETWORK_STEPS))

    def checked_members(self) -> tuple[str, ...]:
        """The names of members."""
        names = (self.members,) if isinstance(self.members, str) else tuple(self.members)
        if not names:
            raise ValueError("members=(): name one at least, such as 'ridge'")
        for name in names:
            if name not in (*MEMBERS, "auto") or (name == "auto" and len(names) > 1):
                raise ValueError(
                    f"members={self.members!r:.60}: give 'auto', or some of "
                    f"{', '.join(map(repr, MEMBERS))}"
                )
        return names

    def _networks(
        self, kinds: Sequence[str], panel: Panel, seasons: tuple[int, ...], lags: Sequence[int],
        transforms: Sequence[str],
    ) -> tuple[NetworkSpec, ...]:  # fmt: skip
        """Two networks of a kind: seen by level, which favours sMAPE, and by spread, MASE."""
        shortest = float(np.median([len(one.values) for one in panel.series]))
        most = max(1, int(0.5 * shortest) - self.horizon)
        seasonal = [season for season in seasons if 2 * season <= most]
        length = 2 * seasonal[-1] if seasonal else max(2 * self.horizon, 8)
        size = int(max(lags)) if lags else max(1, min(length, most, 512))
        half = size // 2 if not lags and seasonal and size == length else size
        positive = all(float(one.values.min()) >= 0.0 for one in panel.series)
        transform = "log" if positive and "log" in transforms else transforms[0]
        return tuple(
            spec
            for kind in kinds
            for spec in (
                NetworkSpec(kind, transform, size, "last", "level"),
                NetworkSpec(kind, transform, half, "mean", "spread", HEADS),
            )
        )


def whole_numbers(name: str, value: Any) -> tuple[int, ...]:
    """One whole number or several, from 1 on."""
    several = isinstance(value, Iterable) and not isinstance(value, (str, bytes))
    numbers = tuple(value) if several else (value,)
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, Integral) or int(number) < 1:
            raise ValueError(f"{name}={value!r:.60}: give whole numbers, 1 or more")
    if not numbers:
        raise ValueError(f"{name}={value!r:.60}: give one number at least, or None")
    return tuple(int(number) for number in numbers)


def checked_levels(levels: Any) -> tuple[float, ...]:
    """The levels of intervals, in percent."""
    if levels is None:
        return ()
    several = isinstance(levels, Iterable) and not isinstance(levels, (str, bytes))
    numbers = tuple(levels) if several else (levels,)
    for level in numbers:
        if isinstance(level, bool) or not isinstance(level, Real):
            raise TypeError(f"levels={levels!r:.60}: give numbers in percent, such as [80, 95]")
        if not 0 < float(level) < 100:
            raise ValueError(f"levels={levels!r:.60}: give percents between 0 and 100")
        if float(level) < 1:
            raise ValueError(
                f"levels={levels!r:.60}: levels are percents, so {float(level):g} is hardly meant: "
                f"say {100 * float(level):g}"
            )
    return tuple(dict.fromkeys(float(level) for level in numbers))


def _repeating(panel: Panel) -> tuple[int, ...]:
    """The period that most of the longest series repeat themselves after, if any."""
    longest = sorted(panel.series, key=lambda one: -len(one.values))[:LOOKED_AT]
    # In units of the largest value, so that no product is too large or too small for a float.
    periods = [
        find_period(one.values[:, None] / (np.abs(one.values).max() or 1.0)) for one in longest
    ]
    present = [period for period in periods if period is not None]
    if 2 * len(present) <= len(periods):
        return ()
    values, counts = np.unique(present, return_counts=True)
    return (int(values[np.argmax(counts)]),)
