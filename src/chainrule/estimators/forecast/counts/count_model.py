"""`fit_counts` trains one model of demands for all series of a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ....container import Arrays, Description, damaged
from ....errors import DataError
from ...serialization.perceptron import ArrayReader
from ...serialization.schema import each, fields, finite, flag, one_of, positive, whole
from .count_calibration import KNOTS, CountCalibration, PastForecasts, calibrate
from .count_features import DemandTable, FeatureOptions, window_features
from .count_forecast import CountForecast
from .count_inputs import check_settings, demand_table
from .count_network import FittedCountNetwork, TrainingWindows, fit_network
from .count_network_state import network_from_state, network_to_state
from .distributions import LOSSES, Likelihood
from .smoothed_mean import DISPERSIONS, smoothed_mean

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

VALIDATION = 0.2  # share of the time, at the end
LEAST_HISTORY = 8  # steps since the first demand, of a window to train on
LEAST_WINDOWS, LEAST_VALIDATION = 500, 50
MOST_WINDOWS, MOST_VALIDATION, MOST_TARGETS = 20_000, 4_000, 300_000
MOST_VALUES = 10_000_000  # of a table whose features are computed at once
LONGEST = 10_000  # steps of a horizon or a season in a model file
SCHEMA = fields(
    {"horizon": whole(1, LONGEST), "seasons": each(whole(2, LONGEST)),
     "likelihood": one_of(*LOSSES), "known": whole(0, LONGEST), "static": whole(0, LONGEST),
     "mean_factor": positive, "dispersion_factor": positive, "correlation": finite,
     "is_trained": flag}
)  # fmt: skip


@dataclass(frozen=True)
class CountModel:
    """A model of demands, for the series that it was trained on and for others like them.

    Attributes
    ----------
    options : FeatureOptions
        The horizon, the seasons, and the steps of a window.
    likelihood : str
        "negative_binomial" or "tweedie".
    known, static : int
        Numbers of inputs that are known ahead, and of a series.
    network : FittedCountNetwork or None
        None where there were too few windows: forecasts are TSB's then.
    calibration : CountCalibration
        Corrections of the mean and the dispersion.
    """

    options: FeatureOptions
    likelihood: Likelihood
    known: int
    static: int
    network: FittedCountNetwork | None
    calibration: CountCalibration

    def forecast(
        self,
        histories: Sequence[ArrayLike],
        known_ahead: ArrayLike | None = None,
        static: ArrayLike | None = None,
        ends: ArrayLike = 0,
    ) -> CountForecast:
        """Return distributions of the steps after each history.

        Parameters
        ----------
        histories : list of arrays (time,)
            Demands; NaN where one is missing. A series that never sold is forecast as 0.
        known_ahead : array (series, horizon, inputs), optional
            The known inputs of the steps to forecast, if the model was trained with some.
        static : array (series, inputs), optional
        ends : int or array (series,)
            How many steps later each history ends than those of the training did (where their
            `ends` was 0): it tells the position in the season. Default 0.

        Raises
        ------
        DataError
            If the demands cannot be read, or inputs are not those of the training.
        """
        options = self.options
        table = demand_table(
            histories, options.horizon, self.likelihood, ends, None, static, known_ahead
        )
        counts = table.known.shape[2], table.static.shape[1]
        if counts != (self.known, self.static):
            raise DataError(
                f"the model was trained with {self.known} known and {self.static} static inputs, "
                f"and got {counts[0]} and {counts[1]}: give the same, in the same order"
            )
        if self.network is None:
            mean, dispersion, level = smoothed_mean(
                table, options.horizon, options.seasons, self.likelihood
            )
            return CountForecast(mean, dispersion, level, self.likelihood, self.calibration)
        parts = [self._read(self.network, part) for part in _chunks(table)]
        mean, dispersion, level = (np.concatenate(part) for part in zip(*parts, strict=True))
        return CountForecast(mean, dispersion, level, self.likelihood, self.calibration)

    def _read(
        self, network: FittedCountNetwork, table: DemandTable
    ) -> tuple[Floats, Floats, Floats]:
        """Means, dispersions and levels after the last column."""
        rows, length = np.arange(len(table.values)), table.values.shape[1]
        features = window_features(table, rows, np.full(len(rows), length), self.options)
        log_ratio, dispersion = network.outputs(features)
        mean = features.level[:, None] * np.exp(log_ratio) * self.calibration.mean_factor
        return mean, dispersion * self.calibration.dispersion_factor, features.level

    def to_state(self) -> tuple[Description, Arrays]:
        """Return the model as plain JSON and arrays; `from_state` is the way back."""
        calibration = self.calibration
        description: Description = {
            "horizon": self.options.horizon, "seasons": list(self.options.seasons),
            "likelihood": self.likelihood, "known": self.known, "static": self.static,
            "mean_factor": calibration.mean_factor,
            "dispersion_factor": calibration.dispersion_factor,
            "correlation": calibration.correlation, "is_trained": self.network is not None,
        }  # fmt: skip
        arrays = {} if self.network is None else network_to_state(self.network)
        return description, {**arrays, "shares": calibration.shares}

    @classmethod
    def from_state(cls, description: Any, arrays: Arrays) -> CountModel:
        """Return the model of `to_state`.

        Raises
        ------
        ModelFileError
            For anything that `to_state` does not write.
        """
        checked = SCHEMA(description, "the model of counts")
        seasons, correlation = tuple(checked["seasons"]), checked["correlation"]
        if list(seasons) != sorted(set(seasons)) or not 0.0 <= correlation < 1.0:
            raise damaged("its seasons are not in order, or its correlation is not below 1")
        options = FeatureOptions.of(checked["horizon"], seasons)
        reader = ArrayReader(arrays)
        network = None
        if checked["is_trained"]:
            sizes = options.feature_counts(checked["known"], checked["static"])
            network = network_from_state(reader, *sizes, options.horizon)
        shares = reader.numbers("shares", KNOTS.shape, "f8")
        reader.finish()
        if shares[0] != 0.0 or shares[-1] != 1.0 or not (np.diff(shares) > 0).all():
            raise damaged("its shares do not rise from 0 to 1")
        calibration = CountCalibration(
            checked["mean_factor"], checked["dispersion_factor"], correlation, shares
        )
        return cls(options, checked["likelihood"], checked["known"], checked["static"], network,
                   calibration)  # fmt: skip


def fit_counts(
    histories: Sequence[ArrayLike],
    *,
    horizon: int,
    seasons: Sequence[int] = (),
    likelihood: Likelihood = "negative_binomial",
    known: Sequence[ArrayLike] | None = None,
    static: ArrayLike | None = None,
    ends: ArrayLike = 0,
    random_state: int = 0,
    progress: bool = False,
) -> CountModel:
    """Train one model of demands for all series of a panel.

    A window is described in units of its level, the mean of its latest weeks: the latest demands,
    means of several lengths, the share of zeros, the time since the last demand, for each step
    ahead the position in each season and what sold there in earlier cycles, and other inputs. From
    these a small network has the mean and the dispersion of each step. It begins as a forecast of
    the level. The last fifth of the time is not trained on: it chooses the epoch, and corrects the
    mean and the dispersion.

    With fewer than 500 windows there is nothing to train. The forecasts are then TSB's, times a
    factor of the shortest season's phase, and inputs are not used (`CountModel.network` is None).

    Parameters
    ----------
    histories : list of arrays (time,)
        Demands, 0 or more; NaN where one is missing. Of any lengths.
    horizon : int
        Steps to forecast.
    seasons : sequence of int
        Steps of seasons, such as 7 for days. One that is longer than half of the longest history is
        left out. Default: none.
    likelihood : str
        "negative_binomial" for counts (whole numbers), "tweedie" for amounts. Default
        "negative_binomial".
    known : list of arrays (time, inputs), optional
        What is known ahead (prices, holidays): rows of each history; later ones are ignored.
    static : array (series, inputs), optional
    ends : int or array (series,)
        The step at which each history ends, on an axis that all share; only where they end at
        different times. Default: all at 0.
    random_state : int
        Seed of the windows, the weights and their order: the same seed gives the same model.
    progress : bool
        Whether to show a progress bar. Default False.

    Returns
    -------
    CountModel

    Raises
    ------
    DataError
        If a demand is negative, infinite, or with the negative binomial no whole number; or if
        inputs do not fit.

    References
    ----------
    D. Salinas, V. Flunkert, J. Gasthaus, T. Januschowski: "DeepAR: probabilistic forecasting with
    autoregressive recurrent networks", International Journal of Forecasting 36 (2020): one model
    for all series, scaled by their level, with a negative binomial likelihood.

    Examples
    --------
    >>> sales = np.random.default_rng(0).poisson(0.3, (3, 60)).astype(float)
    >>> model = fit_counts(list(sales), horizon=2)
    >>> forecast = model.forecast(list(sales))
    >>> forecast.mean.shape, forecast.quantile(0.95).max().tolist()
    ((3, 2), 2.0)
    """
    checked = check_settings(horizon, seasons, likelihood)
    table = demand_table(histories, horizon, likelihood, ends, known, static)
    length = table.values.shape[1]
    options = FeatureOptions.of(horizon, tuple(one for one in checked if 2 * one <= length))
    inputs = table.known.shape[2], table.static.shape[1]
    training, validation = _windows(_some(table, random_state), options, random_state)
    if training is None or validation is None:
        return CountModel(options, likelihood, *inputs, None, CountCalibration.none())
    first = np.log(np.clip(_dispersion(training, likelihood), *DISPERSIONS))
    network = fit_network(training, validation, likelihood, first, random_state, progress)
    past = _past(network, training), _past(network, validation)
    calibration = calibrate(*past, likelihood, random_state)
    return CountModel(options, likelihood, *inputs, network, calibration)


def _some(table: DemandTable, seed: int) -> DemandTable:
    """All series, or as many as fit into memory several times, drawn at random."""
    series, length = table.values.shape
    most = max(1, MOST_VALUES // length)
    if series <= most:
        return table
    return table.take(np.sort(np.random.default_rng(seed).permutation(series)[:most]))


def _chunks(table: DemandTable) -> list[DemandTable]:
    series, length = table.values.shape
    size = max(1, MOST_VALUES // length)
    return [table.take(slice(first, first + size)) for first in range(0, series, size)]


def _windows(
    table: DemandTable, options: FeatureOptions, seed: int
) -> tuple[TrainingWindows | None, TrainingWindows | None]:
    """Windows whose targets end before the last fifth of the time, and windows within that."""
    length, horizon = table.values.shape[1], options.horizon
    lengths = length - table.begins
    usual = float(np.median(lengths[lengths > 0])) if (lengths > 0).any() else 0.0
    split = length - max(horizon, round(VALIDATION * usual))
    columns = np.arange(length + 1)
    old = columns >= table.begins[:, None] + LEAST_HISTORY
    rng = np.random.default_rng(seed)
    cap = min(MOST_WINDOWS, max(LEAST_WINDOWS, MOST_TARGETS // horizon))
    parts = []
    for allowed, least, most in (
        (old & (columns + horizon <= split), LEAST_WINDOWS, cap),
        (old & (columns >= split) & (columns + horizon <= length), LEAST_VALIDATION,
         min(MOST_VALIDATION, cap)),
    ):  # fmt: skip
        series, origins = np.nonzero(allowed)
        if len(series) < least:
            return None, None
        some = np.sort(rng.permutation(len(series))[:most])
        parts.append(_cut(table, series[some], origins[some], options))
    return parts[0], parts[1]


def _cut(
    table: DemandTable, series: Ints, origins: Ints, options: FeatureOptions
) -> TrainingWindows:
    features = window_features(table, series, origins, options)
    columns = origins[:, None] + np.arange(options.horizon)
    return TrainingWindows(features, table.values[series[:, None], columns])


def _dispersion(windows: TrainingWindows, likelihood: Likelihood) -> float:
    """By moments, of demands around the level."""
    level = np.broadcast_to(windows.features.level[:, None], windows.targets.shape)
    known = ~np.isnan(windows.targets)
    level, targets = level[known], windows.targets[known]
    excess = (targets - level) ** 2 - (level if likelihood == "negative_binomial" else 0.0)
    return float(excess.sum() / (level**2).sum()) if len(level) else 1.0


def _past(network: FittedCountNetwork, windows: TrainingWindows) -> PastForecasts:
    log_ratio, dispersion = network.outputs(windows.features)
    level = np.broadcast_to(windows.features.level[:, None], log_ratio.shape)
    return PastForecasts(level * np.exp(log_ratio), dispersion, level, windows.targets)
