"""The progress bar over the epochs of a training."""

from __future__ import annotations

import sys
from time import perf_counter
from types import TracebackType
from typing import Any

from ..lazy import LazyModule
from .result import EpochReport

_rich = LazyModule("rich.progress")
_console = LazyModule("rich.console")
SHOW_AFTER = 2.0  # seconds; shorter trainings show no bar


class Meter:
    """A bar over the epochs on standard error, shown after `SHOW_AFTER` seconds.

    Parameters
    ----------
    epochs : int
        The number of epochs.
    enabled : bool
        True shows the bar if standard error is a terminal; False never shows it.
    """

    def __init__(self, epochs: int, enabled: bool) -> None:
        self.epochs = epochs
        self.enabled = enabled and sys.stderr.isatty()
        self.bar: Any = None

    def __enter__(self) -> Meter:
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

    def show(self, report: EpochReport) -> None:
        """Update the bar after an epoch."""
        if self.bar is None:
            if not self.enabled or perf_counter() - self.start < SHOW_AFTER:
                return
            self._open()
        self.bar.update(self.task, completed=report.epoch, numbers=numbers(report))

    def _open(self) -> None:
        self.bar = _rich.Progress(
            _rich.TextColumn("epoch {task.completed}/{task.total}"),
            _rich.BarColumn(),
            _rich.TextColumn("{task.fields[numbers]}"),
            _rich.TimeRemainingColumn(),
            console=_console.Console(stderr=True),
        )
        self.task = self.bar.add_task("training", total=self.epochs, numbers="")
        self.bar.start()


def numbers(report: EpochReport) -> str:
    """The text of the bar: ``loss 0.0312  validation 0.0957  score 0.9722  41,200 rows/s``."""
    parts = [f"loss {report.loss:.4g}"]
    if report.validation_loss is not None:
        parts.append(f"validation {report.validation_loss:.4g}")
    if report.score is not None:
        parts.append(f"score {report.score:.4f}")
    parts.append(f"{report.samples_per_second:,.0f} rows/s")
    return "  ".join(parts)
