"""`chainrule train`: from a table to a saved model and a test score."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table as RichTable

from ..data import BUILT_IN, read_table
from ..errors import DataError, ModelFileError
from ..estimators import Settings, Tested, fit_table

MOST_HIDDEN = 8
INTERRUPTED = 130


def train(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help=f"A CSV, TSV or Parquet file, or a built-in set: {', '.join(BUILT_IN)}.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", help="The column to predict. [default: the last one]"),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="classification or regression. [default: told from the target]"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to save. [default: DATA's name.safetensors]"),
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="A column to leave out; may be repeated.")
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="A column of numbers to treat as text; may be repeated."),
    ] = None,
    hidden: Annotated[
        str, typer.Option(help="Sizes of the hidden layers; 'none' for a linear model.")
    ] = "128,64",
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Passes over the rows, at most. [default: 60, more if few rows]"),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows a step.")] = 32,
    rate: Annotated[float, typer.Option(help="Learning rate of AdamW at the start.")] = 2e-3,
    weight_decay: Annotated[float, typer.Option(min=0, help="Of AdamW.")] = 0.02,
    patience: Annotated[
        int,
        typer.Option(min=0, help="Epochs without progress before stopping; 0: train them all."),
    ] = 15,
    test_fraction: Annotated[float, typer.Option(help="Part of the rows to test on.")] = 0.2,
    seed: Annotated[
        int, typer.Option(min=0, help="Of splits, weights and order: the same seed, same model.")
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the score alone.")] = False,
) -> None:
    """Train a network on a table, test it on rows that it has not seen, and save it.

    Text columns are one-hot encoded, numbers standardised, empty cells filled and marked. A
    fifth of the rows is kept for the test, and the score is shown beside that of a trivial guess
    and of a linear model: a network that does not beat them is not worth having.

    **Examples**

    `chainrule train digits`

    `chainrule train houses.csv --target price --drop id`

    `chainrule train visits.parquet -t converted --hidden 256,128 -o visits.safetensors`
    """
    settings = _settings(hidden, epochs, batch_size, rate, weight_decay, patience, test_fraction,
                         seed)  # fmt: skip
    if task not in (None, "classification", "regression"):
        raise DataError(f"--task {task}: give classification or regression")
    place = Path(f"{Path(data).name.split('.')[0]}.safetensors") if output is None else output
    _check_writable(place)
    console = Console(quiet=quiet, highlight=False)
    table = read_table(data)
    for note in table.notes:
        console.print(f"note: {note}", markup=False)
    tested = fit_table(table, target, task, settings, drop or (), category or (), not quiet)
    tested.model.save(place)
    if quiet:
        print(f"{tested.score:.4f}")
    else:
        _report(console, table.name, tested, place)
    if tested.result.stopped == "interrupted":
        sys.exit(INTERRUPTED)


def _settings(
    hidden: str, epochs: int | None, batch_size: int, rate: float, weight_decay: float,
    patience: int, test_fraction: float, seed: int,
) -> Settings:  # fmt: skip
    if not 0 < rate < 1e3:
        raise DataError(f"--rate {rate:g}: give a positive number, such as 0.002")
    if not 0 < test_fraction < 1:
        raise DataError(f"--test-fraction {test_fraction:g}: give a part between 0 and 1")
    return Settings(
        hidden=_sizes(hidden), epochs=epochs, batch_size=batch_size, rate=rate,
        weight_decay=weight_decay, patience=patience or None, test_fraction=test_fraction,
        seed=seed,
    )  # fmt: skip


def _sizes(text: str) -> tuple[int, ...]:
    if text.strip().lower() in ("none", ""):
        return ()
    parts = text.split(",")
    if len(parts) > MOST_HIDDEN or not all(part.strip().isdecimal() for part in parts):
        raise DataError(f"--hidden {text!r}: give sizes with commas between, such as 128,64")
    sizes = tuple(int(part) for part in parts)
    if not all(0 < size < 2**16 for size in sizes):
        raise DataError(f"--hidden {text!r}: sizes are from 1 to {2**16 - 1}")
    return sizes


def _check_writable(place: Path) -> None:
    """Fail before the training rather than after it."""
    folder = place.parent
    if place.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ModelFileError(
            f"cannot write {place}: {folder if not place.is_dir() else place} is "
            f"{'a folder' if place.is_dir() else 'no folder that you may write to'}; choose "
            "another place with --output"
        )


def _report(console: Console, name: str, tested: Tested, place: Path) -> None:
    model, result = tested.model, tested.result
    kind = f"{len(model.classes)} classes" if model.classes else "a number"
    console.print(
        f"{name}: {model.task} of {model.target!r} ({kind}) from {model.features.width} features, "
        f"{tested.train_rows} rows to train on, {tested.test_rows} to test on",
        markup=False,
    )
    console.print(
        f"{len(result.history)} epochs in {tested.seconds:.1f} s; the weights of epoch "
        f"{result.best_epoch} are kept"
        + (" (no progress since)" if result.stopped == "patience" else ""),
    )
    console.print(_scores(tested))
    if tested.score <= tested.trivial:
        console.print("The network is no better than the trivial guess: there may be nothing to "
                      "learn here, or too few rows.")  # fmt: skip
    console.print(f"saved {place}; use it with: chainrule predict {place} DATA", markup=False)


def _scores(tested: Tested) -> Any:
    classes = bool(tested.model.classes)
    table = RichTable(title=f"{tested.metric} on {tested.test_rows} rows not seen in training")
    table.add_column("model")
    table.add_column(tested.metric, justify="right")
    table.add_row("[bold]network[/bold]", f"[bold green]{tested.score:.4f}[/bold green]")
    table.add_row("logistic regression" if classes else "ridge regression", f"{tested.linear:.4f}")
    table.add_row("the commonest class" if classes else "the mean", f"{tested.trivial:.4f}")
    return table
