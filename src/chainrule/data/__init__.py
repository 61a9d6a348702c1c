"""Layer 9: tables from files, and their columns as the numbers that a network reads."""

from .features import Column, Features
from .tables import BUILT_IN, Table, read_table

__all__ = ["BUILT_IN", "Column", "Features", "Table", "read_table"]
