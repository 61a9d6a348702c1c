"""What a column of a table holds: numbers, dates, texts; how its cells are read, and why."""

from .foreign_customs import readings_of_table
from .kinds import KINDS, Customs
from .learning import as_typed, learn_reading, learn_readings, typed_frame
from .reading import Reading

__all__ = [
    "KINDS",
    "Customs",
    "Reading",
    "as_typed",
    "learn_reading",
    "learn_readings",
    "readings_of_table",
    "typed_frame",
]
