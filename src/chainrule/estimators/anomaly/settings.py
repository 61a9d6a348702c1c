"""The settings of a detector: their defaults, and what they may be beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from ...errors import DataError, UnsupportedError
from ..sklearn_private import Interval, StrOptions

NETWORKS = ("autoencoder", "denoising", "variational", "masked")
METHODS = {
    "auto": ("neighbors", "autoencoder", "denoising"),
    "neighbors": ("neighbors",),
    **{name: (name,) for name in NETWORKS},
}
SERIES_METHODS = METHODS | {"auto": ()}  # that judge windows, beside the forecast
FALSE_ALARM_RATE = 0.01
FEWEST_ROWS = 5  # to learn from, where there are so many
CALIBRATION_SHARE = 0.2  # share of the normal rows
CALIBRATION_ROWS = 99  # are enough for a rate of 0.01: so many, if they are at most a third
SERIES_FALSE_ALARM_RATE = 0.005  # their rows depend on each other: alarms come in runs
HIDDEN_SIZES = (128, 64)  # of the encoders, before the code
WIDE_SIZES = (128, 128)  # of the networks without a code

COUNT = [Interval(Integral, 1, None, closed="left")]
OPEN = Interval(Real, 0, 1, closed="neither")
CONSTRAINTS: dict[str, Any] = {
    "method": [StrOptions(set(METHODS))],
    "contamination": [Interval(Real, 0, 0.5, closed="right"), StrOptions({"auto"}), None],
    "false_alarm_rate": [OPEN, None],
    "window": [Interval(Integral, 2, None, closed="left"), None],
    "time": [str, None],
    "series": [str, None],
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left"), None],
    "n_members": COUNT,
    "n_neighbors": COUNT,
    "max_iter": [*COUNT, None],
    "batch_size": [*COUNT, None],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "calibration_fraction": [OPEN, None],
    "categorical_features": ["array-like", None],
    "random_state": ["random_state"],
    "callbacks": [list, tuple, None],
    "n_threads": [*COUNT, None],
    "progress": ["boolean"],
}


@dataclass(kw_only=True, eq=False, repr=False, match_args=False)
class DetectorSettings:
    """The parameters of `AnomalyDetector`; see there."""

    method: str = "auto"
    contamination: Any = None
    false_alarm_rate: float | None = None
    window: int | None = None
    time: str | None = None
    series: str | None = None
    hidden_layer_sizes: Any = None
    n_members: int = 4
    n_neighbors: int = 5
    max_iter: int | None = None
    batch_size: int | None = None
    learning_rate_init: float = 3e-3
    calibration_fraction: float | None = None
    categorical_features: Any = None
    random_state: Any = None
    callbacks: Any = None
    n_threads: int | None = None
    progress: bool = True

    def checked_rate(self) -> float:
        """The false-alarm rate that sets the threshold; NaN where `contamination` does."""
        if self.contamination in (None, "auto"):
            rate = self.false_alarm_rate
            usual = FALSE_ALARM_RATE if self.window is None else SERIES_FALSE_ALARM_RATE
            return usual if rate is None else float(rate)
        if self.false_alarm_rate is not None:
            raise ValueError(
                f"contamination={self.contamination} and false_alarm_rate={self.false_alarm_rate} "
                "both set the threshold: give one of them; contamination='auto' goes with a rate"
            )
        return float("nan")

    def n_calibration(self, rows: int) -> int:
        """How many of the normal rows to hold out for the calibration: at least 1, and not all."""
        fraction = self.calibration_fraction
        if fraction is None:
            fraction = max(CALIBRATION_SHARE, min(CALIBRATION_ROWS / rows, 1.0 / 3.0))
        size = min(max(1, round(rows * fraction)), rows - 1)
        if rows - size < FEWEST_ROWS <= rows - 1:
            raise DataError(
                f"calibration_fraction={fraction:g} of {rows} normal rows leaves {rows - size} to "
                f"learn from: leave at least {FEWEST_ROWS}"
            )
        return size

    def check_window(self) -> None:
        """Refuse `time` and `series` without a `window`, and with one what tables alone have."""
        for name in ("time", "series"):
            if getattr(self, name) is not None and self.window is None:
                raise DataError(
                    f"{name}={getattr(self, name)!r:.40} names a column of a time series: give its "
                    "window as well, such as window=48"
                )
        if self.window is None:
            return
        if self.contamination not in (None, "auto"):
            raise UnsupportedError(
                f"contamination={self.contamination} sets the threshold by a share of the rows of "
                "the training; that of a time series is estimated again with each row: give "
                "contamination='auto' and a false_alarm_rate"
            )
        if self.categorical_features is not None:
            raise UnsupportedError(
                f"categorical_features={self.categorical_features!r:.60}: the channels of a time "
                "series are numbers; leave the column out, or name it in series= if it tells "
                "several series apart"
            )


def whole_number(name: str, value: Any) -> int:
    """The value of an argument that counts something; a `ValueError` for what is no count."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise ValueError(f"{name}={value!r:.40}: give a whole number, 1 or more")
    return int(value)


def check_share(name: str, value: Any) -> None:
    """Refuse what is no number between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}={value!r:.40}: give a number between 0 and 1, such as 0.01")
    if not 0 < float(value) < 1:
        raise ValueError(f"{name}={value!r}: give a share between 0 and 1, such as 0.01")
