"""Time series with what is to be predicted of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LabelledSeries:
    """Time series of a file.

    Attributes
    ----------
    inputs : array or list
        As `as_series` takes them.
    labels : array of shape (series,) or None
        Classes as text, or numbers; None if the file has none.
    task : str or None
        ``"classification"`` or ``"regression"``, if the file says so.
    target : str
        What is predicted, if the file says so.
    names : array or None
        What the series are called.
    notes : tuple of str
        What was guessed or left out of the file.
    """

    inputs: Any
    labels: Any
    task: str | None = None
    target: str = ""
    names: Any = None
    notes: tuple[str, ...] = ()

    @property
    def target_name(self) -> str:
        """The target, or a word for it."""
        return self.target or ("target" if self.task == "regression" else "class")
