"""Estimators with scikit-learn's interface, and tables from file to tested model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..lazy import load_module

if TYPE_CHECKING:
    from .anomaly.detector import AnomalyDetector
    from .anomaly.pyod_adapter import PyODAdapter
    from .anomaly.thresholds.calibration import FewRowsWarning
    from .forecast.forecast_warning import FewOriginsWarning, LeakWarning
    from .forecast.forecaster import Forecaster
    from .forecast.reading.data_warning import SeriesDataWarning
    from .forecast.sktime_adapter import SktimeForecaster
    from .loading import load
    from .mlp.estimators import MLPClassifier, MLPRegressor
    from .raw.audio import AudioClassifier
    from .raw.images import ImageClassifier
    from .raw.text import TextClassifier
    from .tabular.estimators import TabularClassifier, TabularRegressor
    from .tabular.fitting import fit_table
    from .tabular.options import TrainOptions
    from .tabular.results import TrainResult
    from .timeseries.estimators import TimeSeriesClassifier, TimeSeriesRegressor

# Imported at first use: they load scikit-learn and pandas
LAZY = {
    "AnomalyDetector": "anomaly.detector", "PyODAdapter": "anomaly.pyod_adapter",
    "FewRowsWarning": "anomaly.thresholds.calibration",
    "Forecaster": "forecast.forecaster", "FewOriginsWarning": "forecast.forecast_warning",
    "LeakWarning": "forecast.forecast_warning",
    "SeriesDataWarning": "forecast.reading.data_warning",
    "SktimeForecaster": "forecast.sktime_adapter",
    "AudioClassifier": "raw.audio", "ImageClassifier": "raw.images", "TextClassifier": "raw.text",
    "MLPClassifier": "mlp.estimators", "MLPRegressor": "mlp.estimators",
    "TabularClassifier": "tabular.estimators", "TabularRegressor": "tabular.estimators",
    "TimeSeriesClassifier": "timeseries.estimators",
    "TimeSeriesRegressor": "timeseries.estimators",
    "TrainOptions": "tabular.options", "TrainResult": "tabular.results",
    "fit_table": "tabular.fitting",
    "load": "loading",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in LAZY:
        return getattr(load_module(f"{__name__}.{LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "AnomalyDetector",
    "AudioClassifier",
    "FewOriginsWarning",
    "FewRowsWarning",
    "Forecaster",
    "ImageClassifier",
    "LeakWarning",
    "MLPClassifier",
    "MLPRegressor",
    "PyODAdapter",
    "SeriesDataWarning",
    "SktimeForecaster",
    "TabularClassifier",
    "TabularRegressor",
    "TextClassifier",
    "TimeSeriesClassifier",
    "TimeSeriesRegressor",
    "TrainOptions",
    "TrainResult",
    "fit_table",
    "load",
]
