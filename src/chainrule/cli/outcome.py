"""What all training commands end with: the model is saved, a page written, the scores shown."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from ..lazy import LazyModule
from ..version import __version__
from . import keeping
from .console import PlainConsole, complain, table

reporting = LazyModule("chainrule.cli.reporting")


@dataclass(frozen=True)
class Outcome:
    """A trained and tested model.

    Attributes
    ----------
    model : estimator
    data, target, task : str
        What it was trained on, which column it predicts.
    train_rows, test_rows : int
    metric : str
    score : float
        On the test rows.
    baselines : dict of float
        The same of simpler models.
    command : str
        It trains the same model again.
    interrupted : bool
        Whether Ctrl-C ended the training.
    more : dict
        Further entries of the card.
    """

    model: Any
    data: str
    target: str
    task: str
    train_rows: int
    test_rows: int
    metric: str
    score: float
    baselines: Mapping[str, float]
    command: str
    interrupted: bool
    more: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> Path:
        """Write the model with its card, and return where it lies in the end."""
        card = {
            "data": self.data, "target": self.target, **self.more, "task": self.task,
            "train_rows": self.train_rows, "test_rows": self.test_rows, "metric": self.metric,
            "score": _defined(self.score),
            "baselines": {name: _defined(score) for name, score in self.baselines.items()},
            "command": self.command, "chainrule": __version__,
        }  # fmt: skip
        return keeping.write_somewhere(path, lambda path: self.model.save(path, card=card))


def _defined(score: float) -> float | None:
    """A score as JSON holds it: none where the test rows do not define it."""
    return score if isfinite(score) else None


def finish(
    outcome: Outcome,
    path: Path,
    page: Path | None,
    make_report: Callable[[], Any],
    show: Callable[[], None],
    out: PlainConsole,
    usage: str,
) -> None:
    """Save the model, write the page if there is to be one, show the scores, and exit.

    Parameters
    ----------
    outcome : Outcome
    path, page : Path
        Where the model and the report go; None: no report.
    make_report : callable
        Returns the `Report`.
    show : callable
        Prints what was trained and how well it does.
    out : PlainConsole
        A quiet one prints the score alone.
    usage : str
        A command that uses the model, with ``{}`` in place of its path.
    """
    saved = outcome.save(path)
    written = None if page is None else reporting.write(page, make_report())
    if out.quiet:
        print(f"{outcome.score:.4f}")
    else:
        show()
        if written is not None:
            out.say(f"wrote {written}: open it in a browser")
        out.say(f"saved {saved}; use it with: {usage.format(saved)}")
    keeping.leave(outcome.interrupted, (path, saved), (page, written))


def score_table(title: str, metrics: Sequence[str], scores: Mapping[str, Sequence[float]]) -> Table:
    """Make a table of the scores of models by their names, the network first."""
    grid = table(
        "model", *metrics, right=range(1, len(metrics) + 1), title=title, title_justify="left"
    )
    for k, (name, row) in enumerate(scores.items()):
        texts = [f"{score:.4f}" for score in row]
        if k == 0:
            grid.add_row(Text(name, "bold"), *[Text(text, "bold green") for text in texts])
        else:
            grid.add_row(name, *texts)
    return grid


@contextmanager
def reported_interrupts() -> Iterator[None]:
    """Print Python's warning of Ctrl-C as a line of the command."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", "Training interrupted", UserWarning)
        yield
    for warning in caught:
        if str(warning.message).startswith("Training interrupted"):
            complain("chainrule: interrupted; the best weights so far are kept")
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )
