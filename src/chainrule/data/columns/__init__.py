"""What a column of a table holds: numbers, dates, texts; how its cells are read, and why."""

from .reading import KINDS, Reading, learn_reading, typed_frame

__all__ = ["KINDS", "Reading", "learn_reading", "typed_frame"]
