"""Layer 11: networks for tables, trained, tested, saved and loaded in one call each."""

from .fitting import Settings, Tested, fit_table
from .tabular import TabularModel

__all__ = ["Settings", "TabularModel", "Tested", "fit_table"]
