"""The progress bar: for somebody who watches a terminal and has to wait."""

from __future__ import annotations

import sys
from time import perf_counter
from types import TracebackType
from typing import Any

from ..lazy import LazyModule
from .result import EpochReport

_rich = LazyModule("rich.progress")
_console = LazyModule("rich.console")
PATIENCE = 2.0  # seconds that nobody minds


class Meter:
    """A bar over the epochs on standard error, once they have taken `PATIENCE` seconds.

    Parameters
    ----------
    epochs : int
        How many there will be.
    wanted : bool
        False: never show it. True: show it if standard error is a terminal.
    """

    def __init__(self, epochs: int, wanted: bool) -> None:
        self.epochs = epochs
        self.wanted = wanted and sys.stderr.isatty()
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
        """Bring the bar up to date."""
        if self.bar is None:
            if not self.wanted or perf_counter() - self.start < PATIENCE:
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
    """What the bar says: ``loss 0.0312  validation 0.0957  score 0.9722  41,200 rows/s``."""
    parts = [f"loss {report.loss:.4g}"]
    if report.validation_loss is not None:
        parts.append(f"validation {report.validation_loss:.4g}")
    if report.score is not None:
        parts.append(f"score {report.score:.4f}")
    parts.append(f"{report.samples_per_second:,.0f} rows/s")
    return "  ".join(parts)
