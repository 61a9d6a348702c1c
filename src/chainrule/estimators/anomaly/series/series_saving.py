"""A fitted detector of time series as a description and arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....container import Arrays, Description, damaged
from ...serialization.perceptron import ArrayReader
from ...serialization.schema import anything, by_name, fields, finite, maybe, positive
from ..settings import SERIES_METHODS
from ..tables.saving import EPOCHS, FITTED, fitted_from_state, fitted_to_state, vector
from .fitted_series import FittedSeries
from .forecast_state import from_state, to_state
from .forecasting import MEMORY, USUAL, SeriesForecaster
from .running_quantile import BINS, RunningQuantile
from .series_calibration import HIGHEST_RATE, MOST_HISTORY, SeriesCalibration
from .window_members import window_names

FORECAST = "forecast."
PARTS = {"weights", "intercepts", "scales", "averages", "units", "counts", "lengths", "values",
         "seconds", "ages", "runs"}  # fmt: skip
SERIES = fields(
    {"forecaster": anything, "windows": maybe(anything), "rate": positive, "offset": finite,
     "history": by_name(EPOCHS)}
)  # fmt: skip


def series_to_state(fitted: Any) -> tuple[Description, Arrays]:
    """All of a fitted detector of series, but the class, the settings and the offset."""
    forecaster, arrays = to_state(fitted.forecaster)
    state: Arrays = {f"{FORECAST}{name}": array for name, array in arrays.items()}
    description: Description = {
        "forecaster": forecaster, "windows": None, "rate": fitted.rate,
    }  # fmt: skip
    if fitted.windows is not None and fitted.usual is not None:
        description["windows"], members = fitted_to_state(fitted.windows)
        state |= {f"windows.{name}": array for name, array in members.items()}
        state["usual"] = np.concatenate([[fitted.usual.unit], fitted.usual.counts])
    state |= {
        "scores": fitted.calibration.scores, "history": fitted.calibration.history,
        "ranges": fitted.ranges, "features": fitted.features,
    }  # fmt: skip
    return description, state


def series_from_state(
    settings: Any, description: Any, arrays: ArrayReader
) -> tuple[Any, Description]:
    """The detector of `series_to_state`, and the checked description.

    Raises
    ------
    ModelFileError
        For anything that `series_to_state` does not write.
    """
    checked = SERIES(description, "the detector")
    parts = _taken(arrays, FORECAST)
    if not parts.keys() <= PARTS:
        raise damaged("its forecaster has an array too many")
    forecaster = from_state(checked["forecaster"], parts)
    if forecaster.window != settings.window:
        raise damaged("the window of its forecaster is not that of its settings")
    windows, usual = _windows(settings, checked["windows"], forecaster, arrays)
    scores, history = (vector(arrays, name) for name in ("scores", "history"))
    if (np.diff(scores) < 0).any() or not 2 <= len(history) <= MOST_HISTORY:
        raise damaged("its calibration scores are not sorted, or too few")
    channels = len(forecaster.channels)
    ranges = arrays.numbers("ranges", (channels, 2), "f8")
    if (ranges[:, 0] > ranges[:, 1]).any():
        raise damaged("a range of its residuals ends before it begins")
    rows = arrays.shape("features")[:1] or (0,)
    features = arrays.numbers("features", (*rows, channels), "f4")
    calibration = SeriesCalibration(scores, history)
    if checked["rate"] >= HIGHEST_RATE:
        raise damaged("its rate of false alarms is none of a time series")
    fitted = FittedSeries(
        forecaster, windows, usual, calibration, ranges, features, checked["rate"]
    )
    return fitted, checked


def _windows(
    settings: Any, description: Any, forecaster: SeriesForecaster, arrays: ArrayReader
) -> tuple[Any, Any]:
    """The members that judge windows, and what their scores are usually."""
    methods = SERIES_METHODS[settings.method]
    if description is None or not methods:
        if description is not None or methods:
            raise damaged("its members of windows are not those of its method")
        return None, None
    if not isinstance(description, dict):
        raise damaged("its members of windows are no object")
    checked = FITTED({**description, "offset": 0.0, "history": {}}, "windows")
    inner = ArrayReader(_taken(arrays, "windows."))
    windows = fitted_from_state(checked, inner)
    inner.finish()
    if tuple(windows.ensemble.names) != methods:
        raise damaged("its members of windows are not those of its method")
    names = window_names(forecaster.channels, forecaster.window)
    columns = windows.columns.columns
    if [column.name for column in columns] != names or not windows.is_numeric:
        raise damaged("its members of windows do not read windows of its channels")
    usual = arrays.numbers("usual", (BINS + 1,), "f8")
    if not usual[0] > 0 or (usual < 0).any():
        raise damaged("the usual scores of its windows are negative")
    return windows, RunningQuantile(float(usual[0]), usual[1:], USUAL, MEMORY)


def _taken(arrays: ArrayReader, prefix: str) -> dict[str, Any]:
    """The arrays whose names begin so, by the rest of their names."""
    names = [name for name in arrays.left if name.startswith(prefix)]
    return {name.removeprefix(prefix): arrays(name) for name in names}
