"""One step of a committee as a pure function of arrays: from windows of values to forecasts.

It computes what `Fitted.forecast` does, for windows that the caller cuts; `exporting` traces it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..fitted import Fitted
from ..members.effects import LARGEST
from ..members.histories import Histories
from ..members.member import Member
from ..members.naive import Drift, SeasonalNaive
from ..members.network_member import NetworkMember
from ..members.ridges import Ridge
from ..members.scaling import LEAST_SHARE, OFFSET, Scaling
from ..members.view import PAST_STEPS, View

Floats: TypeAlias = NDArray[np.float64]
Arrays: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class StepFunction:
    """The median of members, for windows of some series.

    Attributes
    ----------
    members : tuple of Member
        Whose median is the forecast.
    fallback : Member or None
        Forecasts the series that are flagged in `is_naive`; None where there is none.
    is_naive : array (series,) of bool
    histories : Histories
        Of the training: static covariates, and first values.
    horizon : int
    """

    members: tuple[Member, ...]
    fallback: Member | None
    is_naive: NDArray[np.bool_]
    histories: Histories
    horizon: int

    @classmethod
    def of(cls, fitted: Fitted) -> StepFunction:
        """The members that are chosen now."""
        track, members = fitted.raw_track, fitted.committee.members
        fallback = members[-1] if track.is_naive.any() else None
        return cls(
            tuple(members[k] for k in track.chosen), fallback, track.is_naive, fitted.histories,
            fitted.horizon,
        )  # fmt: skip

    @property
    def every_member(self) -> tuple[Member, ...]:
        """The members and the fallback."""
        return self.members if self.fallback is None else (*self.members, self.fallback)

    @property
    def length(self) -> int:
        """Steps of a window: the longest lags, and those of past covariates."""
        steps = max(past_steps(self.histories)) + 1 if "past" in self.names else 1
        return max(steps, *(member.lags for member in self.every_member))

    @property
    def names(self) -> list[str]:
        """The inputs that are read: always "window" and "series"."""
        members = self.every_member
        views = [member.view for member in members if member.view is not None]
        has_network = any(isinstance(member.model, NetworkMember) for member in members)
        has_effects = any(view.effects is not None for view in views)
        reads_past = has_network or any(view.with_extras for view in views)
        names = ["window", "series"]
        if self.histories.known[0].shape[1]:
            names += ["known"] * (has_effects or has_network) + ["window_known"] * has_effects
        if self.histories.past[0].shape[1] and reads_past:
            names.append("past")
        return names + ["steps"] * any(isinstance(member.model, Drift) for member in members)

    def inputs(self, known: Floats) -> dict[str, Any]:
        """The inputs at the ends of all series, with the covariates ahead (series, horizon, K)."""
        histories, length = self.histories, self.length
        ends = histories.ends
        every: dict[str, Any] = {
            "window": histories.windows(ends, length), "known": known,
            "window_known": _last_rows(histories, histories.known, length, histories.season),
            "past": _last_rows(histories, histories.past, length, 1),
            "series": ends.series, "steps": ends.steps,
        }  # fmt: skip
        return {name: every[name] for name in self.names}

    def __call__(self, inputs: Arrays) -> Any:
        """The forecasts (n, horizon) of windows.

        Parameters
        ----------
        inputs : mapping of str to array
            "window" (n, length) and "series" (n,); if `names` has them, "known" (n, horizon, K),
            "window_known" (n, length, K), "past" (n, length, P) and "steps" (n,).
        """
        forecasts = [self._forecast(member, inputs) for member in self.members]
        ordered, many = np.sort(np.stack(forecasts), axis=0), len(forecasts)
        result = (ordered[(many - 1) // 2] + ordered[many // 2]) / 2.0  # their median
        if self.fallback is None:
            return result
        is_naive = _of(self.is_naive, inputs["series"])[:, None]
        return np.where(is_naive, self._forecast(self.fallback, inputs), result)

    def _forecast(self, member: Member, inputs: Arrays) -> Any:
        model, view = member.model, member.view
        if isinstance(model, SeasonalNaive):
            ahead = np.arange(self.horizon) % model.season
            return inputs["window"][:, self.length - model.season + ahead]
        if isinstance(model, Drift):
            return _drift(self.histories, self.horizon, inputs)
        assert view is not None
        series = inputs["series"]
        values = inputs["window"]
        is_factor = view.effects is not None and view.effects.is_factor
        if is_factor:
            values = values / _factors(view, inputs["window_known"], series)
        z = _scaled(view.scaling, values, series)
        if view.effects is not None and not is_factor:
            z = z - _effect(view, inputs["window_known"], series)
        if isinstance(model, Ridge):
            result = _ridge(model, view, self.histories, z, inputs)
        else:
            result = _network(model, self.histories, z, inputs)
        if view.effects is not None and not is_factor:
            result = result + _effect(view, inputs["known"], series)
        result = _unscaled(view.scaling, result, series)
        return result * _factors(view, inputs["known"], series) if is_factor else result


def _last_rows(histories: Histories, rows: list[Floats], length: int, season: int) -> Floats:
    """The last rows (series, length, columns) of covariates.

    Those of a series that has fewer begin with its first season, again and again.
    """
    result = np.empty((len(rows), length, rows[0].shape[1]))
    for k, (every, end) in enumerate(zip(rows, histories.lengths, strict=True)):
        at = np.arange(int(end) - length, int(end))
        result[k] = every[np.where(at < 0, at % min(season, int(end)), at)]
    return result


def past_steps(histories: Histories) -> Sequence[int]:
    """How many steps before the last row past covariates are read by ridges."""
    return (*PAST_STEPS, max(histories.season - 1, len(PAST_STEPS)))


def _of(values: Any, series: Any) -> Any:
    """The entries of an array (series, ...) that belong to windows (n, ...)."""
    return np.take(np.asarray(values, like=series), series, axis=0)


def _drift(histories: Histories, horizon: int, inputs: Arrays) -> Any:
    """The last value, and the mean step so far for each step ahead; see `Drift`."""
    window, series = inputs["window"], inputs["series"]
    first = _of(np.array([values[0] for values in histories.values]), series)
    positive = _of(np.array([values.min() > 0.0 for values in histories.values]), series)
    positive = positive & (np.min(window, axis=1) > 0.0)
    last, steps = window[:, -1], np.maximum(inputs["steps"] - 1, 1).astype(np.float64)
    ahead = np.arange(1, horizon + 1).astype(np.float64)
    ratio = np.where(positive, last, 1.0) / np.where(positive, first, 1.0)
    growth = last[:, None] * np.exp((np.log(ratio) / steps)[:, None] * ahead)
    line = last[:, None] + ((last - first) / steps)[:, None] * ahead
    return np.where(positive[:, None], growth, line)


def _scaled(scaling: Scaling, values: Any, series: Any) -> Any:
    """`Scaling.apply` of values (n, steps)."""
    x = values / _of(scaling.level, series)[:, None]
    if scaling.transform == "sqrt":
        x = np.sqrt(np.maximum(x, 0.0))
    elif scaling.transform == "log":
        x = np.log(np.maximum(x + _of(scaling.offset, series)[:, None], LEAST_SHARE * OFFSET))
    return (x - _of(scaling.mean, series)[:, None]) / _of(scaling.spread, series)[:, None]


def _unscaled(scaling: Scaling, z: Any, series: Any) -> Any:
    """`Scaling.invert` of forecasts (n, steps)."""
    x = z * _of(scaling.spread, series)[:, None] + _of(scaling.mean, series)[:, None]
    if scaling.transform == "sqrt":
        x = np.maximum(x, 0.0) ** 2
    elif scaling.transform == "log":
        x = np.maximum(np.exp(np.minimum(x, 50.0)) - _of(scaling.offset, series)[:, None], 0.0)
    return x * _of(scaling.level, series)[:, None]


def _effect(view: View, known: Any, series: Any) -> Any:
    """The effect (n, steps) of covariates (n, steps, K)."""
    effects = view.effects
    assert effects is not None
    about = (known - effects.mean) / effects.deviation
    return np.sum(about * _of(effects.weights, series)[:, None, :], axis=2)


def _factors(view: View, known: Any, series: Any) -> Any:
    """`Effects.factors`."""
    return np.exp(np.minimum(np.maximum(_effect(view, known, series), -LARGEST), LARGEST))


def _ridge(model: Ridge, view: View, histories: Histories, z: Any, inputs: Arrays) -> Any:
    """`Ridge.forecast` in the member's view."""
    series, rows = inputs["series"], [z[:, z.shape[1] - model.spec.lags :]]
    if view.with_extras:
        if view.past_mean.shape[1]:
            mean, deviation = _of(view.past_mean, series), _of(view.past_deviation, series)
            last = inputs["past"].shape[1] - 1
            rows += [
                (inputs["past"][:, last - step] - mean) / deviation
                for step in past_steps(histories)
            ]
        if len(view.static_mean):
            rows.append(_of((histories.static - view.static_mean) / view.static_deviation, series))
    joined = np.concatenate(rows, axis=1) if len(rows) > 1 else rows[0]
    if not model.spec.is_local:
        return joined @ model.fallback.weights + model.fallback.bias
    later = len(histories) - len(model.maps)
    maps = [one or model.fallback for one in (*model.maps, *[None] * later)]
    weights = _of(np.stack([one.weights for one in maps]), series)
    bias = _of(np.stack([one.bias for one in maps]), series)
    return (joined[:, None, :] @ weights)[:, 0] + bias


def _network(model: NetworkMember, histories: Histories, z: Any, inputs: Arrays) -> Any:
    """`NetworkMember.forecast` in the member's view: the median."""
    series, lags = inputs["series"], model.spec.lags
    unit = _of(model.units, series)[:, None]
    window = (z[:, z.shape[1] - lags :] / unit).astype(np.float32)
    centre, scale = model.spec.scaling.measure(window, _of(model.floors, series)[:, None])
    parts = []
    for number, name in enumerate(("known", "past", "static")):
        mean, deviation = model.means[number], model.deviations[number]
        if not len(mean):
            continue
        if name == "static":
            part = _of(histories.static, series)
        else:
            part = inputs[name]
            part = part if name == "known" else part[:, part.shape[1] - lags :]
        part = (part - mean) / deviation
        parts.append(part if name == "static" else part.reshape(part.shape[0], -1))
    ahead = np.concatenate(parts, axis=1).astype(np.float32) if parts else None
    result = model.network((window - centre) / scale, ahead)
    if model.quantiles:
        result = np.sort(result, axis=2)[:, :, len(model.quantiles) // 2]
    return (result * scale + centre).astype(np.float64) * unit
