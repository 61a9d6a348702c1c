"""`Forecaster` with sktime's interface; the class comes to be when it is first asked for."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError, UnsupportedError
from ...lazy import LazyModule
from .forecaster import Forecaster
from .sktime_frames import SeriesEnds, future_frame, long_rows

pd = LazyModule("pandas")

Floats: TypeAlias = NDArray[np.float64]
Frame: TypeAlias = Any
Horizon: TypeAlias = Any

NEAR_MEDIAN = 0.005  # between the quantiles of a 1 % interval, others lie on a line
FRAMES = ("pd.DataFrame", "pd-multiindex", "pd_multiindex_hier")

if TYPE_CHECKING:
    SktimeForecaster: Any


class SktimeMethods:
    """`Forecaster` as one of sktime's forecasters: what `SktimeForecaster` adds to their base.

    The horizon is the last step of ``fh``, which `fit` needs. All series of a panel or hierarchy,
    and all columns of a frame, are learned together by one committee. `X` is known ahead.

    Parameters
    ----------
    members, kind, likelihood, transform, input_size, season_length, freq, fill_gaps, max_steps,
    random_state, n_threads, progress
        See `Forecaster`.

    Attributes
    ----------
    forecaster_ : Forecaster
        Its ids count the series: columns within instances.

    Notes
    -----
    There are no forecasts of steps that lie in the past. The quantile of 0.5 is the middle of the
    intervals, and not always the forecast.

    References
    ----------
    M. Löning et al.: "sktime: a unified interface for machine learning with time series",
    arXiv:1909.07872 (2019).

    Examples
    --------
    >>> import pandas as pd
    >>> from chainrule.estimators import SktimeForecaster  # doctest: +SKIP
    >>> months = pd.period_range("2020-01", periods=60, freq="M")
    >>> y = pd.Series([10.0, 20.0, 30.0] * 20, months)
    >>> forecaster = SktimeForecaster(season_length=3).fit(y, fh=[1, 2, 3])  # doctest: +SKIP
    >>> forecaster.predict().round(1).tolist()  # doctest: +SKIP
    [10.0, 20.0, 30.0]
    """

    _tags: ClassVar[dict[str, Any]] = {
        "authors": "chainrule",
        "maintainers": "chainrule",
        "python_dependencies": ["chainrule"],
        "y_inner_mtype": list(FRAMES),
        "X_inner_mtype": list(FRAMES),
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:insample": False,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:missing_values": True,
        "capability:non_contiguous_X": False,
        "capability:update": True,
        "capability:categorical_in_X": True,
        "capability:unequal_length": True,
        "capability:random_state": True,
        "requires-fh-in-fit": True,
        "X-y-must-have-same-index": False,
    }
    _config: ClassVar[dict[str, Any]] = {"remember_data": False}  # the forecaster has its panel

    if TYPE_CHECKING:
        cutoff: Any
        _get_varnames: Any

    forecaster_: Forecaster
    _ends: SeriesEnds
    _columns: list[str]

    def __init__(
        self, members: Any = "auto", kind: str = "auto", likelihood: str = "auto",
        transform: str = "auto", input_size: Any = None, season_length: Any = None,
        freq: str | None = None, fill_gaps: str = "auto", max_steps: int | None = None,
        random_state: Any = None, n_threads: int | None = None, progress: bool = True,
    ) -> None:  # fmt: skip
        self.members = members
        self.kind = kind
        self.likelihood = likelihood
        self.transform = transform
        self.input_size = input_size
        self.season_length = season_length
        self.freq = freq
        self.fill_gaps = fill_gaps
        self.max_steps = max_steps
        self.random_state = random_state
        self.n_threads = n_threads
        self.progress = progress
        super().__init__()
        self._y = self._X = None  # which sktime's own constructor leaves out where config says so

    def _fit(self, y: Frame, X: Frame | None, fh: Horizon) -> Self:
        ends = SeriesEnds.of(y)
        steps = self._steps(fh, ends)
        settings = self.get_params(deep=False)  # type: ignore[attr-defined]
        if self.freq is None:
            settings["freq"] = ends.freq
        forecaster = Forecaster(horizon=int(steps.max()), **settings)
        rows, columns = long_rows(y, X)
        forecaster.fit(rows, id="id", time="time", target="y", known=columns)
        self.forecaster_, self._ends, self._columns = forecaster, ends, columns
        return self

    def _predict(self, fh: Horizon, X: Frame | None) -> Frame:
        steps = self._checked_steps(fh)
        forecasts = self.forecaster_.predict(future=self._future(X))["forecast"]
        values = self._at(forecasts.to_numpy(), steps)
        return pd.DataFrame(values, self._index(fh), self._names())

    def _predict_quantiles(self, fh: Horizon, X: Frame | None, alpha: Any) -> Frame:
        steps = self._checked_steps(fh)
        levels = sorted({_level(share) for share in alpha})
        forecasts = self.forecaster_.predict(levels, future=self._future(X))
        columns = {}
        many = len(self._names())
        for share in alpha:
            level = _level(share)
            low, high = (
                self._at(forecasts[f"{side}-{level:g}"].to_numpy(), steps) for side in ("lo", "hi")
            )
            tail = 0.5 - level / 200.0
            weight = min(max((share - tail) / (1.0 - 2.0 * tail), 0.0), 1.0)
            quantiles = low + weight * (high - low)
            for k in range(many):
                columns[k, share] = quantiles[:, k]
        ordered = [columns[k, share] for k in range(many) for share in alpha]
        names = pd.MultiIndex.from_product([self._get_varnames(), alpha])
        return pd.DataFrame(np.stack(ordered, axis=1), self._index(fh), names)

    def _update(self, y: Frame, X: Frame | None = None, update_params: bool = True) -> Self:
        if (X is not None) != bool(self._columns):
            raise DataError(f"update with X{' as well' if X is None else '=None'}, as fit was")
        ends = self._ends.plus(y)
        rows, _ = long_rows(y, X, list(ends.codes))
        self.forecaster_.update(rows, update_params=update_params)
        self._ends = ends
        return self

    # Steps

    def _steps(self, fh: Horizon, ends: SeriesEnds) -> NDArray[np.int64]:
        """The steps of fh after the last observed value (series, steps)."""
        steps = ends.steps(fh, self.cutoff)
        if int(steps.min()) < 1:
            raise UnsupportedError(
                f"fh={list(fh)!r:.80} has steps that are not after the last row: forecasts of the "
                "past are those of a backtest (Forecaster.backtest)"
            )
        return steps

    def _checked_steps(self, fh: Horizon) -> NDArray[np.int64]:
        steps, learned = self._steps(fh, self._ends), self.forecaster_.horizon
        if int(steps.max()) > learned:
            raise DataError(
                f"fh={list(fh)!r:.80} is {int(steps.max())} steps after the last observed value, "
                f"but {learned} were learned: fit with this fh"
            )
        return steps

    def _at(self, numbers: Floats, steps: NDArray[np.int64]) -> Floats:
        """Forecasts of all series and steps as a column for each variable."""
        every = numbers.reshape(len(steps), self.forecaster_.horizon)
        chosen = np.take_along_axis(every, steps - 1, axis=1)
        return self._ends.as_columns(chosen)

    def _index(self, fh: Horizon) -> Any:
        return self._ends.index(fh, self.cutoff)

    def _names(self) -> list[Any]:
        return list(self._ends.variables)

    def _future(self, X: Frame | None) -> Frame | None:
        if X is not None and not self._columns:
            raise DataError("X is given to predict, but fit had none: fit with X")
        return (
            None
            if X is None
            else future_frame(X, list(self._ends.codes), len(self._ends.variables))
        )

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Settings for sktime's suite of checks."""
        return [
            {"members": "ridge", "random_state": 0, "progress": False},
            {"members": ["ridge", "nlinear"], "transform": "none", "season_length": 3,
             "max_steps": 2, "random_state": 0, "progress": False},
        ]  # fmt: skip


def _level(share: float) -> float:
    """The level in percent of the interval that has this quantile as an end."""
    return round(200.0 * max(abs(float(share) - 0.5), NEAR_MEDIAN), 9)


@lru_cache(maxsize=1)
def sktime_class() -> type:
    """`SktimeMethods` on sktime's base."""
    base = LazyModule("sktime.forecasting.base", extra="sktime").BaseForecaster
    members = {
        "__module__": __name__, "__doc__": SktimeMethods.__doc__,
        "__qualname__": "SktimeForecaster",
    }  # fmt: skip
    return type("SktimeForecaster", (SktimeMethods, base), members)


def __getattr__(name: str) -> Any:
    if name == "SktimeForecaster":
        return sktime_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["SktimeForecaster"]
