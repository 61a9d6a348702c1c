"""Tables from files, and their columns as the numbers that a network reads."""

from .features import Column, Features
from .tables import BUILT_IN, Table, read_cells, read_table
from .texts import check_texts, read_texts
from .vocabulary import Vocabulary

__all__ = [
    "BUILT_IN",
    "Column",
    "Features",
    "Table",
    "Vocabulary",
    "check_texts",
    "read_cells",
    "read_table",
    "read_texts",
]
