"""Layer 11: networks for tables, trained, tested, saved and loaded in one call each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .fitting import Settings, Tested, fit_table
from .tabular import TabularModel

if TYPE_CHECKING:
    from .mlp import MLPClassifier, MLPRegressor

# Imported at first use: they load scikit-learn, which the commands need only for training.
LAZY = {"MLPClassifier": "mlp", "MLPRegressor": "mlp"}


def __getattr__(name: str) -> Any:
    if name in LAZY:
        return getattr(import_module(f"{__name__}.{LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["MLPClassifier", "MLPRegressor", "Settings", "TabularModel", "Tested", "fit_table"]
