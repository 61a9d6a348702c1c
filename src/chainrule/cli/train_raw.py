"""`chainrule train images|audio|text`: from raw files to a saved model and a test score.

What differs between the kinds of data is a `RawKind`: its reader, its estimator, its options, and
what it has to say; the rest is here once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from .. import estimators
from ..errors import DataError
from ..lazy import LazyModule
from . import options
from .command_options import DATA, CommandOption, command_line, make_command, parameter_values
from .console import console
from .options import Output, Quiet, Report, Seed, TestFraction
from .outcome import Outcome, finish, score_table

reporting = LazyModule("chainrule.cli.reporting")
scores = LazyModule("chainrule.cli.scores")
selection = LazyModule("sklearn.model_selection")

ACCURACY, COMMONEST = "accuracy", "the commonest class"


@dataclass(frozen=True)
class LabelledData:
    """Inputs and their classes.

    Attributes
    ----------
    inputs : list or array
    labels : array of shape (samples,)
    """

    inputs: Any
    labels: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", np.ravel(np.asarray(self.labels)))

    def take(self, rows: Any) -> LabelledData:
        """Some of the samples: of an array, or of a list such as of files."""
        inputs = self.inputs
        taken = [inputs[k] for k in rows] if isinstance(inputs, list) else inputs[rows]
        return LabelledData(taken, self.labels[rows])


@dataclass(frozen=True)
class Samples:
    """What a command trains and tests on.

    Attributes
    ----------
    name : str
        Of the file or folder.
    train, test : LabelledData
    target : str
        What is predicted.
    columns : dict of str
        The columns of a table that were read, by the options that choose them.
    """

    name: str
    train: LabelledData
    test: LabelledData
    target: str = "class"
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """A model's predictions for the test samples, and scores of it and of simpler models.

    Attributes
    ----------
    predictions : Predictions
    scores : dict of float
        The network's, by metric.
    baselines : dict of dict of float
        Those of simpler models.
    score_names : tuple of str
        The metrics that the terminal shows; the first one goes into the card.
    """

    predictions: Any
    scores: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    score_names: tuple[str, ...] = (ACCURACY,)


@dataclass(frozen=True)
class RawKind:
    """A kind of raw data that can be trained on.

    Attributes
    ----------
    name : str
        The word after ``chainrule train``.
    noun, verb : str
        ``images`` that were not ``seen`` in training.
    estimator : str
        The class in `chainrule.estimators`.
    metavar, data_help : str
        Of the command's argument, in its help.
    doc : str
        The help of the command.
    options : tuple of CommandOption
        Those that set parameters of the estimator.
    columns : tuple of CommandOption
        Options that choose columns of a table, which go to `read`.
    read : callable
        ``read(data, test_fraction, seed, note, **columns)`` returns `Samples`; `note` prints a
        line.
    evaluate : callable
        ``evaluate(model, samples)`` returns a `Evaluation`.
    describe : callable
        ``describe(model, samples)`` returns lines that say what was trained.
    dataset : callable
        ``dataset(model, samples)`` returns the report's facts about the data.
    limitations : str
        Where the model must not be trusted.
    usage : str
        A command that uses the model, with ``{}`` in place of its path.
    examples : callable or None
        ``examples(model, samples)`` returns the report's explained predictions.
    """

    name: str
    noun: str
    verb: str
    estimator: str
    metavar: str
    data_help: str
    doc: str
    options: tuple[CommandOption, ...]
    read: Callable[..., Samples]
    evaluate: Callable[[Any, Samples], Evaluation]
    describe: Callable[[Any, Samples], Sequence[str]]
    dataset: Callable[[Any, Samples], Mapping[str, object]]
    limitations: str
    usage: str
    columns: tuple[CommandOption, ...] = ()
    examples: Callable[[Any, Samples], Sequence[Any]] | None = None

    def command(self) -> Callable[..., None]:
        """The function of the command, for Typer."""
        argument = typer.Argument(metavar=self.metavar, help=self.data_help)
        columns = [replace(option, panel=DATA) for option in self.columns]
        return make_command(
            partial(train_raw, self), (*columns, *self.options),
            {"data": Annotated[str, argument]}, self.doc,
        )  # fmt: skip


def train_raw(
    kind: RawKind,
    data: str,
    output: Output = None,
    test_fraction: TestFraction = 0.2,
    seed: Seed = 0,
    report: Report = None,
    quiet: Quiet = False,
    **arguments: Any,
) -> None:
    """Train a classifier of raw data, test it on samples that it has not met, and save it."""
    parameters = parameter_values(kind.options, arguments)
    options.check_fraction("--test-fraction", test_fraction)
    path, page = options.output_paths(data, output, report)
    out = console(quiet=quiet, goes_on=True)
    samples = kind.read(
        data, test_fraction, seed, lambda line: out.tell(line, "note: "),
        **parameter_values(kind.columns, arguments),
    )  # fmt: skip
    model = getattr(estimators, kind.estimator)(**parameters, random_state=seed, progress=not quiet)
    with warnings.catch_warnings():  # what is not read of texts is said once, by `describe`
        warnings.filterwarnings("ignore", ".* is not read", UserWarning)
        start = perf_counter()
        model.fit(samples.train.inputs, samples.train.labels)
        seconds = perf_counter() - start
        result = kind.evaluate(model, samples)
    model.set_params(progress=True)  # no matter of the model's
    epochs, batch_size = model.schedule(len(samples.train.labels))
    passes = {"epochs": epochs, "batch-size": batch_size}
    if getattr(model, "solver_", "adam") != "adam":  # which ends by itself
        passes = {}
    settings = {
        **samples.columns,
        **{option.name: arguments[option.argument] for option in kind.options},
        **passes, "test-fraction": test_fraction, "seed": seed,
    }  # fmt: skip
    command = partial(command_line, ["chainrule", "train", kind.name, data])
    outcome = Outcome(
        model, samples.name, samples.target, "classification", len(samples.train.labels),
        len(samples.test.labels), result.score_names[0], result.scores[result.score_names[0]],
        {name: row[result.score_names[0]] for name, row in result.baselines.items()},
        command(settings), model.stopped_ == "interrupted", samples.columns,
    )  # fmt: skip

    def make_report() -> Any:
        return reporting.report(samples.name, samples.target, result.predictions, model, {
            "scores": result.scores, "baselines": result.baselines,
            "history": model.history_, "best_epoch": model.best_epoch_,
            "settings": settings, "seed": seed,
            "command": command({**settings, "output": output}),
            "limitations": kind.limitations, "dataset": kind.dataset(model, samples),
            "examples": kind.examples(model, samples) if kind.examples else (),
        })  # fmt: skip

    def show() -> None:
        for line in kind.describe(model, samples):
            out.tell(line)
        out.say(f"{model.n_iter_} epochs in {seconds:.1f} s")
        title = f"on {len(samples.test.labels)} {kind.noun} not {kind.verb} in training"
        models = {"network": result.scores, **result.baselines}
        rows = {
            name: [row[metric] for metric in result.score_names] for name, row in models.items()
        }
        out.print(score_table(title, result.score_names, rows))

    finish(outcome, path, page, make_report, show, out, kind.usage)


def split(
    noun: str, source: str, data: LabelledData, test_fraction: float, seed: int
) -> tuple[LabelledData, LabelledData]:
    """Samples to train and to test on, of each class the same share.

    Raises
    ------
    DataError
        If a class would be missing on one side.
    """
    labels = data.labels
    classes, counts = np.unique(labels, return_counts=True)
    size = round(len(labels) * test_fraction)
    check_classes(source, classes)
    if counts.min() < 2 or size < len(classes) or len(labels) - size < len(classes):
        raise DataError(
            f"{source} has {len(labels)} {noun} of {len(classes)} classes, of the rarest "
            f"{counts.min()}: too few to test on --test-fraction {test_fraction:g} of them"
        )
    train, test = selection.train_test_split(
        np.arange(len(labels)), test_size=size, random_state=seed, stratify=labels
    )
    return data.take(np.sort(train)), data.take(np.sort(test))


def check_classes(source: str, classes: Any) -> None:
    """Raise a `DataError` if there is a single class."""
    if len(classes) < 2:
        raise DataError(f"{source} holds one class only: there is nothing to tell apart")


def tested_by_accuracy(model: Any, samples: Samples) -> Evaluation:
    """The network's scores, and the accuracy of the commonest class of the training."""
    predictions = predicted(model, samples)
    classes, counts = np.unique(samples.train.labels, return_counts=True)
    commonest = float(np.mean(samples.test.labels == classes[np.argmax(counts)]))
    return Evaluation(predictions, scores.scores(predictions), {COMMONEST: {ACCURACY: commonest}})


def predicted(model: Any, samples: Samples) -> Any:
    """The model's `Predictions` for the test samples."""
    return scores.predictions(model, samples.test.inputs, scores.pd.Series(samples.test.labels))


def file_name(data: str) -> str:
    """The name of a file or folder, as it is shown."""
    return Path(data).name or data
