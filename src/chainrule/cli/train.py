"""`chainrule train`: from a table to a saved model and a test score."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table as RichTable
from rich.text import Text

from .. import estimators
from ..data import read_table
from ..lazy import LazyModule
from ..version import __version__
from . import keeping, options
from .console import PlainConsole, complain, console, table
from .options import Category, Data, Drop, Output, Report, Seed, Target, Task, TestFraction

choices = LazyModule("chainrule.cli.settings")
health = LazyModule("chainrule.estimators.mlp.health")
reporting = LazyModule("chainrule.cli.reporting")
scores = LazyModule("chainrule.cli.scores")


def train(
    data: Data,
    target: Target = None,
    task: Task = None,
    output: Output = None,
    drop: Drop = None,
    category: Category = None,
    hidden: Annotated[
        str, typer.Option(help="Sizes of the hidden layers; 'none' for a linear model.")
    ] = "128,128,128",
    members: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, help="Networks whose answers are averaged. [default: by the rows]"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the rows. [default: by their number]")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Rows a step. [default: about a 64th of them]")
    ] = None,
    rate: Annotated[float, typer.Option(help="Learning rate of AdamW at the start.")] = 0.004,
    weight_decay: Annotated[float, typer.Option(min=0, help="Of AdamW.")] = 0.02,
    dropout: Annotated[
        float, typer.Option(min=0, max=0.95, help="Share of the units that a step leaves out.")
    ] = 0.15,
    embedding: Annotated[
        str, typer.Option(help="Of numbers: piecewise, periodic or none.")
    ] = "piecewise",
    ema: Annotated[
        float,
        typer.Option(min=0, max=0.99999, help="Running means of the weights; 0: none."),
    ] = 0.998,
    test_fraction: TestFraction = 0.2,
    validation_fraction: Annotated[
        float | None,
        typer.Option(help="Part of the rest by which to choose the epoch; 0: none. "
                     "[default: 0.1, and 0.2 below 1,000 rows]"),
    ] = None,
    seed: Seed = 0,
    report: Report = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the score alone.")] = False,
) -> None:  # fmt: skip
    """Train a network on a table, test it on rows that it has not seen, and save it.

    Text columns are one-hot encoded, numbers standardised and embedded, empty cells filled and
    marked. A fifth of the rows is kept for the test, and the score is shown beside that of a
    trivial guess and of a linear model: a network that does not beat them is not worth having.

    **Examples**

    `chainrule train digits --report`

    `chainrule train houses.csv --target price --drop id`

    `chainrule train visits.parquet -t converted --hidden 256,128 -o visits.safetensors`
    """
    options.check_task(task)
    options.check_rate(rate)
    options.check_fraction("--test-fraction", test_fraction)
    if validation_fraction is not None:
        options.check_fraction("--validation-fraction", validation_fraction, zero=True)
    layers, embedded = options.sizes(hidden), options.embedding(embedding)
    place, page = options.places(data, output, report)
    told = console(quiet=quiet)
    found = read_table(data)
    for note in found.notes:
        told.say(f"note: {note}")
    recorder = health.Recorder(gradients=page is not None)
    settings = choices.Chosen(
        hidden=layers, members=members, epochs=epochs, batch_size=batch_size, rate=rate,
        weight_decay=weight_decay, test_fraction=test_fraction,
        validation_fraction=validation_fraction, seed=seed, dropout=dropout, embedding=embedded,
        ema=ema or None, callbacks=(recorder,),
    )  # fmt: skip
    with told_of_interrupts():
        tested = estimators.fit_table(
            found, target, task, settings, drop or (), category or (), not quiet
        )
    again = choices.repeat(data, tested, settings, drop or (), category or ())
    saved = save(tested, place, found.name, again)
    shown = None
    if page is not None:
        own = choices.repeat(data, tested, settings, drop or (), category or (), output)
        shown = write_page(page, found.name, tested, recorder, settings, own)
    if quiet:
        print(f"{tested.score:.4f}")
    else:
        say(told, found.name, tested, recorder, saved, shown)
    keeping.leave(tested.interrupted, (place, saved), (page, shown))


@contextmanager
def told_of_interrupts() -> Iterator[None]:
    """Python's warning of Ctrl-C as a line of ours."""
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


def save(tested: Any, place: Path, name: str, command: str) -> Path:
    """Write the model, and with it what it is; the same training writes the same bytes.

    Where it lies in the end.
    """
    model = tested.model.set_params(callbacks=None, progress=True)  # no matter of the model's
    model.network_.set_params(callbacks=None, progress=True)
    card = {
        "data": name, "target": tested.target, "task": tested.task,
        "train_rows": len(tested.train_rows), "test_rows": len(tested.test_rows),
        "metric": tested.metric, "score": tested.score,
        "baselines": reporting.baselines(tested),
        "command": command, "chainrule": __version__,
    }  # fmt: skip
    return keeping.kept(place, lambda path: model.save(path, card=card))


def write_page(
    page: Path, name: str, tested: Any, recorder: Any, settings: Any, command: str
) -> Path:
    """The report of a training; where it lies in the end."""
    rows = tested.frame.iloc[tested.test_rows]
    found = scores.answers(tested.model, rows[tested.model.feature_names_in_], rows[tested.target])
    more = {**reporting.of_training(tested, recorder, settings), "command": command}
    made = reporting.report(name, tested.target, found, tested.model, more)
    return Path(reporting.write(page, made))


def say(
    told: PlainConsole, name: str, tested: Any, recorder: Any, place: Path, page: Path | None
) -> None:
    """What was trained, how well it does, and what to do with it."""
    model, network = tested.model, tested.model.network_
    classes = getattr(model, "classes_", ())
    kind = f"{len(classes)} classes" if len(classes) else "a number"
    told.say(
        f"{name}: {tested.task} of {tested.target!r} ({kind}) from {model.features_.width} "
        f"features, {len(tested.train_rows)} rows to train on, {len(tested.test_rows)} to test on"
    )
    best = recorder.best_epoch if network.early_stopping else network.n_iter_
    told.say(
        f"{len(recorder.history)} epochs in {tested.seconds:.1f} s; the weights of epoch {best} "
        "are kept"
    )
    told.print(score_table(tested))
    if tested.score <= tested.trivial:
        told.say("The network is no better than the trivial guess: there may be nothing to "
                      "learn here, or too few rows.")  # fmt: skip
    if page is not None:
        told.say(f"wrote {page}: open it in a browser")
    told.say(f"saved {place}; use it with: chainrule predict {place} DATA")


def score_table(tested: Any) -> RichTable:
    """The network's score beside those of the baselines."""
    title = f"{tested.metric} on {len(tested.test_rows)} rows not seen in training"
    made = table("model", tested.metric, right=(1,), title=title)
    made.add_row(Text("network", "bold"), Text(f"{tested.score:.4f}", "bold green"))
    for name, score in reporting.baselines(tested).items():
        made.add_row(name, f"{score:.4f}")
    return made
