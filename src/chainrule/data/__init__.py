"""Tables from files, and their columns as the numbers that a network reads."""

from .features import Column, Features
from .tables import BUILT_IN, Table, read_table
from .texts import checked_texts, read_texts
from .tokens import Tokens

__all__ = [
    "BUILT_IN",
    "Column",
    "Features",
    "Table",
    "Tokens",
    "checked_texts",
    "read_table",
    "read_texts",
]
