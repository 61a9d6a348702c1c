"""`chainrule train DATA`: from a table to a saved model and a test score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import estimators
from ..data import read_table
from ..errors import DataError
from ..estimators.tabular.defaults import DEFAULTS
from ..estimators.tabular.options import TrainOptions
from ..lazy import LazyModule
from . import options
from .command_options import (
    CommandOption,
    command_line,
    learning_rate,
    make_command,
    parameter_values,
)
from .console import console
from .options import Data, Drop, Output, Quiet, Report, Seed, Target, Task, TestFraction
from .outcome import Outcome, finish, reported_interrupts, score_table

health = LazyModule("chainrule.estimators.mlp.health")
reporting = LazyModule("chainrule.cli.reporting")
scores = LazyModule("chainrule.cli.scores")

MAX_LAYERS = 8
MAX_LAYER_SIZE = 2**16


def parse_sizes(text: str) -> tuple[int, ...]:
    """Read the sizes of the hidden layers from ``128,64``."""
    if text.strip().lower() in ("none", ""):
        return ()
    parts = text.split(",")
    if len(parts) > MAX_LAYERS or not all(part.strip().isdecimal() for part in parts):
        raise DataError(
            f"--hidden-layer-sizes {text!r}: give sizes with commas between, such as 128,64"
        )
    sizes = tuple(int(part) for part in parts)
    if not all(0 < size < MAX_LAYER_SIZE for size in sizes):
        raise DataError(f"--hidden-layer-sizes {text!r}: sizes are from 1 to {MAX_LAYER_SIZE - 1}")
    return sizes


def write_sizes(sizes: tuple[int, ...]) -> str:
    """Write the sizes of the hidden layers as the command line has them."""
    return ",".join(map(str, sizes)) or "none"


def parse_validation_fraction(fraction: float | None) -> float | None:
    """Check a share of the rows, of which 0 is none."""
    if fraction is not None:
        options.check_fraction("--validation-fraction", fraction, zero=True)
    return fraction


N_MEMBERS = CommandOption(
    "n-members", "n_members", int | None, DEFAULTS.n_members,
    "Networks whose answers are averaged. [default: by the rows]", min=1, max=64,
)  # fmt: skip
EPOCHS = CommandOption(
    "epochs", "max_iter", int | None, DEFAULTS.max_iter,
    "Passes over the rows. [default: by their number]", min=1,
)  # fmt: skip
CATEGORICAL = CommandOption(
    "categorical", "categorical_features", list[str] | None, None,
    "A column of numbers to treat as text; may be repeated.",
    parse=lambda names: tuple(names or ()),
)  # fmt: skip
OPTIONS = (
    CATEGORICAL,
    CommandOption(
        "hidden-layer-sizes", "hidden_layer_sizes", str, write_sizes(DEFAULTS.hidden_layer_sizes),
        "Sizes of the hidden layers; 'none' for a linear model.",
        parse=parse_sizes, write=write_sizes,
    ),
    N_MEMBERS,
    EPOCHS,
    CommandOption(
        "batch-size", "batch_size", int | None, DEFAULTS.batch_size,
        "Rows a step. [default: about a 64th of them]", min=1,
    ),
    learning_rate(
        DEFAULTS.learning_rate_init, "Learning rate of AdamW at the start.", "learning_rate_init"
    ),
    CommandOption("weight-decay", "weight_decay", float, DEFAULTS.weight_decay, "Of AdamW.", min=0),
    CommandOption(
        "dropout", "dropout", float, DEFAULTS.dropout,
        "Share of the units that a step leaves out.", min=0, max=0.95,
    ),
    CommandOption(
        "numeric-embedding", "numeric_embedding", str, DEFAULTS.numeric_embedding,
        "Embedding of numbers: piecewise, periodic or none.",
        choices=("piecewise", "periodic", "none"),
        parse=lambda name: None if name == "none" else name, write=lambda name: name or "none",
    ),
    CommandOption(
        "ema", "ema", float, DEFAULTS.ema, "Running means of the weights; 0: none.",
        min=0, max=0.99999, parse=lambda decay: decay or None, write=lambda decay: decay or 0,
    ),
    CommandOption(
        "validation-fraction", "validation_fraction", float | None, DEFAULTS.validation_fraction,
        "Part of the rest by which to choose the epoch; 0: none. "
        "[default: 0.1, 0.2 below 1,000 rows, 0 below 50]",
        parse=parse_validation_fraction,
    ),
)  # fmt: skip


def train_options(
    declared: tuple[CommandOption, ...],
    arguments: Mapping[str, Any],
    drop: list[str] | None,
    test_fraction: float,
    seed: int,
) -> TrainOptions:
    """The options of a training that a command was given."""
    options.check_fraction("--test-fraction", test_fraction)
    return TrainOptions(
        **parameter_values(declared, arguments),
        drop=tuple(drop or ()), test_fraction=test_fraction, random_state=seed,
    )  # fmt: skip


def train_command(
    data: str, target: str, task: str, chosen: TrainOptions, output: Path | None = None
) -> str:
    """The command that trains with these options; those that are None are left out."""
    source = f"./{data}" if data in options.TRAIN_COMMANDS else data
    return command_line(["chainrule", "train", source], {
        "target": target, "task": task,
        **{option.name: option.write(getattr(chosen, option.parameter)) for option in OPTIONS},
        "drop": chosen.drop, "test-fraction": chosen.test_fraction, "seed": chosen.random_state,
        "output": output,
    })  # fmt: skip


def train_table(
    data: Data,
    target: Target = None,
    task: Task = None,
    output: Output = None,
    drop: Drop = None,
    test_fraction: TestFraction = TrainOptions.test_fraction,
    seed: Seed = TrainOptions.random_state,
    report: Report = None,
    quiet: Quiet = False,
    **arguments: Any,
) -> None:
    """Train a network on a table, test it on rows that it has not seen, and save it.

    Text columns are one-hot encoded, numbers standardised and embedded, empty cells filled and
    marked. A fifth of the rows is kept for the test, and the score is shown beside that of a
    trivial guess and of a linear model: a network that does not beat them is not worth having.

    **Examples**

    `chainrule train digits --report`

    `chainrule train houses.csv --target price --drop id`

    `chainrule train visits.parquet -t converted --hidden-layer-sizes 256,128`
    """
    options.check_task(task)
    chosen = train_options(OPTIONS, arguments, drop, test_fraction, seed)
    path, page = options.output_paths(data, output, report)
    out = console(quiet=quiet)
    table = read_table(data)
    for note in table.notes:
        out.say(f"note: {note}")
    recorder = health.Recorder(gradients=page is not None)
    with reported_interrupts():
        result = estimators.fit_table(
            table, target, task, replace(chosen, callbacks=(recorder,), progress=not quiet)
        )
    outcome = table_outcome(data, table.name, result)

    def make_report() -> Any:
        command = train_command(data, result.target, result.task, result.options, output)
        return table_report(table.name, result, recorder, command)

    finish(
        outcome, path, page, make_report, lambda: show(out, table.name, result, recorder), out,
        "chainrule predict {} DATA",
    )  # fmt: skip


def table_outcome(data: str, name: str, result: Any) -> Outcome:
    """What a training on a table came to; the same training saves the same bytes."""
    model = result.model.set_params(callbacks=None, progress=True)  # no matter of the model's
    model.network_.set_params(callbacks=None, progress=True)
    return Outcome(
        model, name, result.target, result.task, len(result.train_rows), len(result.test_rows),
        result.metric, result.score, result.baselines,
        train_command(data, result.target, result.task, result.options), result.interrupted,
    )  # fmt: skip


def table_report(name: str, result: Any, recorder: Any, command: str) -> Any:
    """The report of a training on a table."""
    rows = result.frame.iloc[result.test_rows]
    predictions = scores.predictions(
        result.model, rows[result.model.feature_names_in_], rows[result.target]
    )
    more = {**reporting.of_training(result, recorder), "command": command}
    return reporting.report(name, result.target, predictions, result.model, more)


def show(out: Any, name: str, result: Any, recorder: Any) -> None:
    """Print what was trained, and how well it does."""
    model, network = result.model, result.model.network_
    classes = getattr(model, "classes_", ())
    kind = f"{len(classes)} classes" if len(classes) else "a number"
    out.say(
        f"{name}: {result.task} of {result.target!r} ({kind}) from {model.features_.width} "
        f"features, {len(result.train_rows)} rows to train on, {len(result.test_rows)} to test on"
    )
    best = recorder.best_epoch if network.early_stopping else network.n_iter_
    out.say(
        f"{len(recorder.history)} epochs in {result.seconds:.1f} s; the weights of epoch {best} "
        "are kept"
    )
    out.print(result_table(result))
    if result.score <= result.trivial:
        out.say("The network is no better than the trivial guess: there may be nothing to "
                "learn here, or too few rows.")  # fmt: skip


def result_table(result: Any) -> Any:
    """The network's score beside those of the baselines."""
    title = f"{result.metric} on {len(result.test_rows)} rows not seen in training"
    models = {"network": result.score, **result.baselines}
    return score_table(title, [result.metric], {name: [score] for name, score in models.items()})


train = make_command(train_table, OPTIONS)
