"""Networks that forecast a window's next steps, and their training on windows of many series."""

from .gru import GRUForecaster
from .linear import DLinear, NLinear
from .nbeats import NBeats
from .nhits import NHiTS
from .tide import TiDE
from .window_table import WindowScaling, WindowTable
from .window_training import predict_windows, train_windows

__all__ = [
    "DLinear",
    "GRUForecaster",
    "NBeats",
    "NHiTS",
    "NLinear",
    "TiDE",
    "WindowScaling",
    "WindowTable",
    "predict_windows",
    "train_windows",
]
