"""Layer 11: estimators with scikit-learn's interface, and tables from file to tested model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..lazy import load_module

if TYPE_CHECKING:
    from .audio import AudioClassifier
    from .fitting import Settings, Tested, fit_table
    from .images import ImageClassifier
    from .loading import load
    from .mlp import MLPClassifier, MLPRegressor
    from .tabular import TabularClassifier, TabularRegressor
    from .text import TextClassifier

# Imported at first use: they load scikit-learn and pandas
LAZY = {
    "AudioClassifier": "audio", "ImageClassifier": "images",
    "MLPClassifier": "mlp", "MLPRegressor": "mlp", "Settings": "fitting",
    "TabularClassifier": "tabular", "TabularRegressor": "tabular", "Tested": "fitting",
    "TextClassifier": "text",
    "fit_table": "fitting", "load": "loading",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in LAZY:
        return getattr(load_module(f"{__name__}.{LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "AudioClassifier",
    "ImageClassifier",
    "MLPClassifier",
    "MLPRegressor",
    "Settings",
    "TabularClassifier",
    "TabularRegressor",
    "Tested",
    "TextClassifier",
    "fit_table",
    "load",
]
