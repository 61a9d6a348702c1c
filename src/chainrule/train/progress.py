"""The progress bar of a training."""

from __future__ import annotations

import sys
from time import perf_counter
from types import SimpleNamespace, TracebackType
from typing import Any, Self

from ..lazy import LazyModule
from .result import EpochReport

_rich = LazyModule("rich.progress")
_console = LazyModule("rich.console")
SHOW_AFTER = 2.0  # seconds; shorter trainings show no bar
LEAST_BAR = 8  # columns of a terminal
MOST_BAR = 40
TIME = len("0:00:00")


class ProgressBar:
    """A bar on standard error, shown after `SHOW_AFTER` seconds.

    Parameters
    ----------
    heading : str
        What stands before the bar, such as ``"epoch {task.completed}/{task.total}"``.
    enabled : bool
        True shows the bar if standard error is a terminal; False never shows it.
    """

    def __init__(self, heading: str, enabled: bool) -> None:
        self.heading = heading
        self.enabled = enabled and sys.stderr.isatty()
        self.bar: Any = None

    def __enter__(self) -> Self:
        self.start = perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    @property
    def is_due(self) -> bool:
        """Return whether the bar is to be shown by now."""
        if self.bar is not None:
            return True
        return self.enabled and perf_counter() - self.start >= SHOW_AFTER

    def update(self, completed: float, total: float, numbers: str) -> None:
        """Show how far it is, and numbers beside the bar, two blanks between them.

        Where the terminal is narrow the last numbers go, so that the time that is left does not.
        """
        if self.bar is None:
            self._open(total)
        heading = self.heading.format(task=SimpleNamespace(completed=total, total=total))
        space = self.bar.console.width - len(heading) - TIME - 3  # blanks between four columns
        numbers = fitting(numbers, space - LEAST_BAR)
        self.bar.columns[1].bar_width = min(MOST_BAR, max(LEAST_BAR, space - len(numbers)))
        self.bar.update(self.task, completed=completed, numbers=numbers)

    def _open(self, total: float) -> None:
        self.bar = _rich.Progress(
            _rich.TextColumn(self.heading),
            _rich.BarColumn(),
            _rich.TextColumn("{task.fields[numbers]}"),
            _rich.TimeRemainingColumn(),
            console=_console.Console(stderr=True),
        )
        self.task = self.bar.add_task("training", total=total, numbers="")
        self.bar.start()


def fitting(numbers: str, width: int) -> str:
    """As many of the numbers, from the first on, as there is space for.

    Examples
    --------
    >>> fitting("loss 0.0312  score 0.9722  41,200 rows/s", 28)
    'loss 0.0312  score 0.9722'
    """
    while len(numbers) > max(width, 0):
        numbers = numbers.rpartition("  ")[0]
    return numbers


class Meter(ProgressBar):
    """A bar over the epochs.

    Parameters
    ----------
    epochs : int
        The number of epochs.
    enabled : bool
        As for `ProgressBar`.
    """

    def __init__(self, epochs: int, enabled: bool) -> None:
        super().__init__("epoch {task.completed}/{task.total}", enabled)
        self.epochs = epochs

    def show(self, report: EpochReport) -> None:
        """Update the bar after an epoch."""
        if self.is_due:
            self.update(report.epoch, self.epochs, numbers(report))


def numbers(report: EpochReport) -> str:
    """The text of the bar: ``loss 0.0312  validation 0.0957  score 0.9722  41,200 rows/s``."""
    parts = [f"loss {report.loss:.4g}"]
    if report.validation_loss is not None:
        parts.append(f"validation {report.validation_loss:.4g}")
    if report.score is not None:
        parts.append(f"score {report.score:.4f}")
    parts.append(f"{report.samples_per_second:,.0f} rows/s")
    return "  ".join(parts)
