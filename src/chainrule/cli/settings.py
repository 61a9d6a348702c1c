"""What `train` and `tune` may set, as an estimator and as the command that sets it again.

Loaded when a command runs: it loads scikit-learn.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..estimators.tabular.defaults import SMALL_TABLE
from ..estimators.tabular.fitting import Settings, Tested


@dataclass(frozen=True)
class Chosen(Settings):
    """`Settings`, and what beyond them decides how a model turns out.

    Attributes
    ----------
    dropout : float
    embedding : str or None
        Of numbers; see `TabularClassifier`.
    ema : float or None
    callbacks : tuple of callable
        Each is told an `EpochReport` after each epoch.
    """

    dropout: float = 0.15
    embedding: str | None = "piecewise"
    ema: float | None = 0.998
    callbacks: tuple[Any, ...] = ()

    def estimator(self, task: str, category: Collection[str] = (), progress: bool = True) -> Any:
        """The estimator, not trained yet."""
        return super().estimator(task, category, progress).set_params(
            dropout=self.dropout, numeric_embedding=self.embedding, ema=self.ema,
            callbacks=list(self.callbacks) or None,
        )  # fmt: skip


def repeat(
    data: str,
    tested: Tested,
    settings: Chosen,
    drop: Collection[str] = (),
    category: Collection[str] = (),
    output: Path | None = None,
) -> str:
    """The command that trains the same model again, its defaults written out."""
    network = tested.model.network_
    held = settings.validation_fraction
    if held is None:
        held = 0.2 if len(tested.train_rows) < SMALL_TABLE else 0.1
    options: dict[str, Any] = {
        "target": tested.target, "task": tested.task,
        **listed(settings, network.max_iter, network.batch_size, held),
    }  # fmt: skip
    if output is not None:
        options["output"] = output
    return command(data, options, drop, category)


def listed(settings: Chosen, epochs: Any, batch_size: Any, held: float | None) -> dict[str, Any]:
    """Settings by the names of their options; those that are None are left out."""
    found = {
        "hidden": ",".join(map(str, settings.hidden)) or "none",
        "members": settings.members, "epochs": epochs, "batch-size": batch_size,
        "rate": settings.rate, "weight-decay": settings.weight_decay,
        "dropout": settings.dropout, "embedding": settings.embedding or "none",
        "ema": settings.ema or 0, "test-fraction": settings.test_fraction,
        "validation-fraction": held, "seed": settings.seed,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def command(
    data: str, options: dict[str, Any], drop: Collection[str], category: Collection[str]
) -> str:
    """`chainrule train DATA` with options, to be pasted into a shell."""
    words = ["chainrule", "train", str(data)]
    for name, value in options.items():
        words += [f"--{name}", f"{value!r}" if isinstance(value, float) else str(value)]
    for name, columns in (("drop", drop), ("category", category)):
        for column in columns:
            words += [f"--{name}", column]
    return shlex.join(words)
