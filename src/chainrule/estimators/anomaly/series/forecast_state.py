"""A forecaster of time series as plain JSON and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ....container import damaged
from ...serialization import schema
from .following import RUNS, SeriesState
from .forecasting import SCALES, SeriesForecaster
from .residuals import AVERAGES, PARTS
from .rhythm import Rhythm
from .running_quantile import BINS, RunningQuantile

Floats: TypeAlias = NDArray[np.float64]

MOST_ROWS = 100_000
MOST_VALUES = 2.0**53  # whole numbers up to here are exact
LONGEST_PERIOD = 1e10  # seconds or rows
RHYTHM = {
    "lags": schema.whole(1, MOST_ROWS),
    "periods": schema.each(schema.positive),
    "daily": schema.flag,
    "weekly": schema.flag,
    "step": schema.maybe(schema.positive),
    "is_regular": schema.flag,
}
FIELDS = schema.fields(
    {
        "channels": schema.each(schema.text, least=1),
        "names": schema.each(schema.text, least=1),
        "window": schema.whole(2, MOST_ROWS),
        "rhythm": schema.fields(RHYTHM),
        "share": schema.positive,
        "memory": schema.positive,
    }
)


def to_state(forecaster: SeriesForecaster) -> tuple[dict[str, Any], dict[str, Floats]]:
    """Return a forecaster as a description in JSON and arrays.

    Examples
    --------
    >>> from chainrule.estimators.anomaly.series.reading import read_series
    >>> table = read_series(np.sin(np.arange(200.0)))
    >>> description, arrays = to_state(SeriesForecaster.learn(table, window=16, lags=4))
    >>> {key: description["rhythm"][key] for key in ("lags", "periods", "step", "is_regular")}
    {'lags': 4, 'periods': [6.0], 'step': None, 'is_regular': False}
    >>> arrays["weights"].shape
    (1, 3, 4)
    >>> from_state(description, arrays).window
    16
    """
    rhythm = forecaster.rhythm
    description = {
        "channels": list(forecaster.channels),
        "names": list(forecaster.names),
        "window": forecaster.window,
        "rhythm": {
            "lags": rhythm.lags,
            "periods": list(rhythm.periods),
            "daily": rhythm.daily,
            "weekly": rhythm.weekly,
            "step": rhythm.step,
            "is_regular": rhythm.is_regular,
        },
        "share": forecaster.states[0].usual[0].share,
        "memory": forecaster.states[0].usual[0].half_life,
    }
    arrays = {
        "weights": forecaster.weights,
        "intercepts": forecaster.intercepts,
        "scales": forecaster.scales,
        "averages": np.stack([state.averages for state in forecaster.states]),
        "units": np.array([[one.unit for one in state.usual] for state in forecaster.states]),
        "counts": np.array([[one.counts for one in state.usual] for state in forecaster.states]),
        "lengths": np.array([len(state.values) for state in forecaster.states], np.float64),
        "values": np.concatenate([state.values for state in forecaster.states]),
        "ages": np.concatenate([state.ages for state in forecaster.states]),
        "runs": np.stack([state.runs for state in forecaster.states]),
    }
    seconds = [state.seconds for state in forecaster.states if state.seconds is not None]
    if seconds:
        arrays["seconds"] = np.concatenate(seconds)
    return description, arrays


def from_state(description: Any, arrays: Mapping[str, Floats]) -> SeriesForecaster:
    """Return the forecaster of a description and its arrays.

    Raises
    ------
    ModelFileError
        For anything that `to_state` does not write.
    """
    known = FIELDS(description, "forecaster")
    rhythm = Rhythm(**{**known["rhythm"], "periods": tuple(known["rhythm"]["periods"])})
    series, channels = len(known["names"]), len(known["channels"])
    if len(set(known["names"])) < series or len(set(known["channels"])) < channels:
        raise damaged("forecaster has a name twice")
    if rhythm.reach > LONGEST_PERIOD:
        raise damaged("forecaster.rhythm.periods has one of more than 10**10")
    if (rhythm.daily or rhythm.weekly) and rhythm.step is None:
        raise damaged("forecaster.rhythm has a calendar and no step")
    width = _width(rhythm, channels)
    weights = _array(arrays, "weights", (channels, 3, width))
    if not (weights[:, 1] > 0).all():
        raise damaged("weights has a scale that is not positive")
    scales = _array(arrays, "scales", (series, SCALES, channels))
    units = _array(arrays, "units", (series, PARTS))
    counts = _array(arrays, "counts", (series, PARTS, BINS))
    if not (scales > 0).all() or not (units > 0).all() or not (counts >= 0).all():
        raise damaged("scales, units or counts has a negative number")
    share = known["share"]
    if share >= 1:
        raise damaged("forecaster.share is not below 1")
    averages = _array(arrays, "averages", (series, AVERAGES, channels))
    states = []
    histories = _histories(arrays, series, channels, rhythm)
    ends = np.cumsum([len(values) for values, _ in histories])
    ages = np.split(_array(arrays, "ages", (int(ends[-1]), channels)), ends[:-1])
    runs = _array(arrays, "runs", (series, RUNS, channels))
    for k, (values, seconds) in enumerate(histories):
        usual = tuple(
            RunningQuantile(float(unit), its_counts, share, known["memory"])
            for unit, its_counts in zip(units[k], counts[k], strict=True)
        )
        states.append(
            SeriesState(known["names"][k], values, seconds, averages[k], usual, ages[k], runs[k])
        )
    return SeriesForecaster(
        tuple(known["channels"]), tuple(known["names"]), known["window"], rhythm, weights,
        _array(arrays, "intercepts", (channels,)), scales, tuple(states),
    )  # fmt: skip


def _width(rhythm: Rhythm, channels: int) -> int:
    """Return how many features a rhythm has."""
    seconds = None if rhythm.step is None else np.zeros(1)
    return int(rhythm.features(np.zeros((1, channels)), seconds, np.arange(1)).shape[2])


def _histories(
    arrays: Mapping[str, Floats], series: int, channels: int, rhythm: Rhythm
) -> list[tuple[Floats, Floats | None]]:
    """Return the last rows of each series, and their stamps."""
    lengths = _array(arrays, "lengths", (series,))
    if not ((lengths >= 0) & (lengths == np.floor(lengths)) & (lengths < MOST_VALUES)).all():
        raise damaged("lengths has a number that is not whole")
    ends = np.cumsum(lengths).astype(np.int64)
    if ends[-1] != len(arrays.get("values", ())):
        raise damaged("values has another number of rows than lengths says")
    values = _array(arrays, "values", (int(ends[-1]), channels), missing=True)
    parts = np.split(values, ends[:-1])
    if rhythm.step is None:
        if "seconds" in arrays:
            raise damaged("seconds has stamps, and forecaster.rhythm has no step")
        return [(part, None) for part in parts]
    seconds = np.split(_array(arrays, "seconds", (int(ends[-1]),)), ends[:-1])
    if any((np.diff(part) <= 0).any() for part in seconds):
        raise damaged("seconds has a stamp that is not later than the one before it")
    return list(zip(parts, seconds, strict=True))


def _array(
    arrays: Mapping[str, Floats], name: str, shape: tuple[int, ...], missing: bool = False
) -> Floats:
    """Return an array of a shape, of finite numbers, or also NaN."""
    if name not in arrays:
        raise damaged(f"there is no array {name!r}")
    array = arrays[name]
    if array.dtype != np.float64 or array.shape != shape:
        raise damaged(f"{name} is {array.dtype}{list(array.shape)}, not float64{list(shape)}")
    wrong = np.isinf(array) if missing else ~np.isfinite(array)
    if wrong.any():
        raise damaged(f"{name} has a number that is not finite")
    return array
