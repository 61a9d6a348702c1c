"""`chainrule train timeseries`: from a file of time series to a tested model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from .. import estimators
from ..data.timeseries import LabelledSeries, as_series, read_series_dataset
from ..errors import DataError
from ..lazy import LazyModule
from . import options
from .command_options import (
    ARRAYS,
    DATA,
    CommandOption,
    array_names,
    command_line,
    make_command,
    parameter_values,
)
from .console import console
from .options import Output, Quiet, Report, Seed, Task, TestFraction
from .outcome import Outcome, finish, score_table
from .timeseries_baselines import baseline_scores
from .train_raw import LabelledData, file_name, split

pd = LazyModule("pandas")
reporting = LazyModule("chainrule.cli.reporting")
scores = LazyModule("chainrule.cli.scores")
selection = LazyModule("sklearn.model_selection")
table_targets = LazyModule("chainrule.estimators.tabular.targets")

FEWEST = 10  # series of which some are tested on, for a regression
LIMITATIONS = (
    "Scores are of series from the same source as those of the training: of series from other "
    "devices, people or times they promise nothing."
)
COLUMNS = (
    CommandOption(
        "target", "target", str | None, None,
        "Of a table: the column to predict. [default: class, label, target, y or category]",
        short=("-t",), panel=DATA,
    ),
    CommandOption(
        "id", "series", str | None, None,
        "Of a table with a row for each point: the column that names its series.",
        panel=DATA,
    ),
    CommandOption(
        "time", "time", str | None, None,
        "Likewise: the column that orders the points. [default: the rows' order]",
        panel=DATA,
    ),
    *ARRAYS,
)  # fmt: skip
OPTIONS = (
    CommandOption(
        "features", "n_features", int, 10_000,
        "How many features the convolutions make; of more than 4,000 series 4,000 at most.",
        min=84, max=100_000,
    ),
)  # fmt: skip
BALANCED = CommandOption(
    "balanced", "class_weight", bool, False, "Let rare classes count as much as frequent ones.",
    parse=lambda is_balanced: "balanced" if is_balanced else None,
)  # fmt: skip


@dataclass(frozen=True)
class SeriesRun:
    """What a training begins with.

    Attributes
    ----------
    name, target, task : str
    train, test : LabelledData
    columns : dict of str
        The columns or arrays that were named, by their options.
    notes : tuple of str
        Of the reading.
    """

    name: str
    target: str
    task: str
    train: LabelledData
    test: LabelledData
    columns: Mapping[str, str]
    notes: tuple[str, ...] = ()


def train_timeseries(
    data: Annotated[
        str,
        typer.Argument(
            metavar="FILE_OR_NPZ", help="A .ts or .arff file of the UEA and UCR archive, rows of "
            "numbers with the class first, an NPZ file, or a table (see --id). With "
            "NAME_TRAIN.ts, NAME_TEST.ts beside it is tested on; a folder may be given of both.",
        ),
    ],
    task: Task = None,
    output: Output = None,
    test_fraction: TestFraction = 0.2,
    seed: Seed = 0,
    report: Report = None,
    quiet: Quiet = False,
    **arguments: Any,
) -> None:  # fmt: skip
    """Train a model to tell time series apart, or to predict a number for each, and save it.

    Series have one or many channels and any lengths; NaN, ? and empty cells are missing points.
    Where the data does not say what to test on, a fifth is kept for that.

    **Examples**

    `chainrule train timeseries GunPoint_TRAIN.ts --report`

    `chainrule train timeseries sensors.csv --id machine --time when --target fault`

    `chainrule train timeseries ecg.npz --x leads --y rhythm`
    """
    options.check_task(task)
    options.check_fraction("--test-fraction", test_fraction)
    path, page = options.output_paths(data, output, report)
    out = console(quiet=quiet)
    run = read_run(data, task, test_fraction, seed, parameter_values(COLUMNS, arguments))
    for note in run.notes:
        out.tell(note, "note: ")
    parameters = parameter_values(OPTIONS, arguments)
    is_classifier = run.task == "classification"
    if is_classifier:
        parameters |= parameter_values((BALANCED,), arguments)
    elif arguments["balanced"]:
        raise DataError(f"--balanced is for classes, and {run.target!r} is a number")
    kind = estimators.TimeSeriesClassifier if is_classifier else estimators.TimeSeriesRegressor
    model = kind(**parameters, random_state=seed, progress=not quiet)
    start = perf_counter()
    model.fit(run.train.inputs, run.train.labels)
    seconds = perf_counter() - start
    predictions = scores.predictions(model, run.test.inputs, pd.Series(run.test.labels))
    model.set_params(progress=True)  # no matter of the model's
    metric = "accuracy" if is_classifier else "R2"
    reached = scores.scores(predictions)
    if metric not in reached:
        raise DataError(f"{run.name} leaves one series to test on: R2 needs two or more")
    baselines = baseline_scores(run.task, run.train, run.test)
    settings = {
        **run.columns,
        **{option.name: arguments[option.argument] for option in (*OPTIONS, BALANCED)},
        "task": run.task, "test-fraction": test_fraction, "seed": seed,
    }  # fmt: skip
    command = partial(command_line, ["chainrule", "train", "timeseries", data])
    outcome = Outcome(
        model, run.name, run.target, run.task, len(run.train.labels), len(run.test.labels), metric,
        reached[metric], {name: row[metric] for name, row in baselines.items()},
        command(settings), False, run.columns,
    )  # fmt: skip

    def make_report() -> Any:
        return reporting.report(run.name, run.target, predictions, model, {
            "scores": reached, "baselines": baselines, "settings": settings, "seed": seed,
            "command": command({**settings, "output": output}), "limitations": LIMITATIONS,
            "dataset": facts(model, run),
        })  # fmt: skip

    def show() -> None:
        out.tell(describe(model, run))
        out.say(f"{model.transform_.n_features:,} features and a ridge in {seconds:.1f} s")
        title = f"on {len(run.test.labels)} series not seen in training"
        rows = {"convolutions": reached, **baselines}
        out.print(score_table(title, [metric], {n: [row[metric]] for n, row in rows.items()}))
        best = max(baselines, key=lambda name: baselines[name][metric])
        if baselines[best][metric] > reached[metric]:
            out.tell(f"{best} is ahead on these {len(run.test.labels)} series: if it stays so on "
                    "others, nothing more is needed.")  # fmt: skip

    finish(outcome, path, page, make_report, show, out, "chainrule predict {} FILE")


train_command = make_command(train_timeseries, (*COLUMNS, *OPTIONS, BALANCED))


def read_run(
    data: str, task: str | None, test_fraction: float, seed: int, columns: Mapping[str, Any]
) -> SeriesRun:
    """Read the series, decide on the task, and set some apart to test on."""
    array_names(data, columns["x"], columns["y"])
    train, test = read_series_dataset(data, **columns)
    if train.labels is None:
        hint = ": name a column with --target" if train.task is None else ""
        raise DataError(f"{data} does not say what to predict{hint}")
    task = (
        task or train.task or table_targets.choose_task(pd.Series(as_numbers_or_text(train.labels)))
    )
    parts = [labelled(data, part, task) for part in (train, test) if part is not None]
    if len(parts) < 2:
        parts = list(
            split("series", data, parts[0], test_fraction, seed) if task == "classification"
            else split_anyhow(data, parts[0], test_fraction, seed)
        )  # fmt: skip
    by_option = {option.name: columns[option.parameter] for option in COLUMNS}
    chosen = {name: value for name, value in by_option.items() if value is not None}
    return SeriesRun(
        file_name(data), train.target_name, task, parts[0], parts[1], chosen, train.notes
    )


def labelled(data: str, part: LabelledSeries, task: str) -> LabelledData:
    """Series and their labels: numbers for a regression."""
    labels = np.asarray(part.labels)
    if task == "regression":
        numbers = as_numbers_or_text(labels)
        if numbers.dtype.kind not in "biuf":
            first = str(labels.ravel()[0])
            raise DataError(f"{data}: {first!r:.40} is no number, as --task regression needs them")
        labels = numbers.astype(np.float64)
    return LabelledData(as_series(part.inputs), labels)


def as_numbers_or_text(labels: Any) -> Any:
    """Labels as numbers, if all of them are."""
    labels = np.asarray(labels).ravel()
    if labels.dtype.kind in "biuf":
        return labels
    try:
        return labels.astype(np.float64)
    except (TypeError, ValueError):
        return labels


def split_anyhow(
    data: str, series: LabelledData, test_fraction: float, seed: int
) -> tuple[LabelledData, LabelledData]:
    """Series to train and to test on, whatever their numbers."""
    count = len(series.labels)
    size = round(count * test_fraction)
    if count < FEWEST or size < 2 or count - size < 2:
        raise DataError(
            f"{data} has {count} series: too few to test on --test-fraction {test_fraction:g} of "
            f"them; give {FEWEST} or more"
        )
    rows = np.arange(count)
    train, test = selection.train_test_split(rows, test_size=size, random_state=seed)
    return series.take(np.sort(train)), series.take(np.sort(test))


def describe(model: Any, run: SeriesRun) -> str:
    """A line that says what was trained."""
    points = points_of(run.train.inputs)
    channels = "one channel" if model.n_features_in_ == 1 else f"{model.n_features_in_} channels"
    classes = getattr(model, "classes_", ())
    kind = f"{len(classes)} classes" if len(classes) else "a number"
    return (
        f"{run.name}: {run.task} of {run.target!r} ({kind}) from series of {points} points of "
        f"{channels}, {len(run.train.labels)} to train on, {len(run.test.labels)} to test on"
    )


def points_of(series: Any) -> str:
    """The lengths of series, in words."""
    low, high = series.lengths.min(), series.lengths.max()
    return str(low) if low == high else f"{low} to {high}"


def facts(model: Any, run: SeriesRun) -> dict[str, object]:
    """The report's facts about the series."""
    series = run.train.inputs
    return {
        "series to train on": len(series), "series to test on": len(run.test.labels),
        "channels": series.channels,
        "points": points_of(series),
        "with gaps": "yes" if series.has_gaps else "no",
        "score of training series left out": round(model.left_out_score_, 4),
    }  # fmt: skip
