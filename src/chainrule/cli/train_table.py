"""`chainrule train DATA`: from a table to a saved model and a test score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import estimators
from ..estimators.tabular.options import TrainOptions
from ..lazy import LazyModule
from . import column_kinds, models, options, sources
from .column_kinds import AsKind, ColumnsFile, ColumnsReport, WriteColumns
from .command_options import CommandOption, command_line, make_command, parameter_values
from .console import console
from .options import Output, Quiet, Report, Seed, Target, Task, TestFraction
from .outcome import Outcome, finish, reported_interrupts
from .sources import Encoding, Query, Sheet, Sources, XArray, YArray
from .table_options import OPTIONS, option_values
from .table_reading import check_names, choose_target, read_typed, show_columns
from .table_results import show_result

health = LazyModule("chainrule.estimators.mlp.health")
reporting = LazyModule("chainrule.cli.reporting")
scores = LazyModule("chainrule.cli.scores")
table_reporting = LazyModule("chainrule.cli.table_reporting")


def train_options(
    declared: tuple[CommandOption, ...],
    arguments: Mapping[str, Any],
    kinds: Mapping[str, str],
    test_fraction: float,
    seed: int,
) -> TrainOptions:
    """The options of a training that a command was given."""
    options.check_fraction("--test-fraction", test_fraction)
    chosen = TrainOptions(
        **parameter_values(declared, arguments), column_kinds=dict(kinds),
        test_fraction=test_fraction, random_state=seed,
    )  # fmt: skip
    assert chosen.chosen_split  # refuses options that contradict each other, before the work
    return chosen


def train_command(
    source: sources.Source, target: str, task: str, chosen: TrainOptions, output: Path | None = None
) -> str:
    """The command that trains with these options; those that are None are left out."""
    return command_line(["chainrule", "train", *source.words], {
        "target": target, "task": task, **source.options,
        "as": column_kinds.write_kinds(chosen.column_kinds), **option_values(chosen),
        "test-fraction": chosen.test_fraction, "seed": chosen.random_state, "output": output,
    })  # fmt: skip


def train_table(
    data: Sources,
    target: Target = None,
    task: Task = None,
    query: Query = None,
    sheet: Sheet = None,
    x: XArray = None,
    y: YArray = None,
    encoding: Encoding = None,
    columns_file: ColumnsFile = None,
    as_kind: AsKind = None,
    write_columns: WriteColumns = None,
    columns_report: ColumnsReport = False,
    test_fraction: TestFraction = TrainOptions.test_fraction,
    seed: Seed = TrainOptions.random_state,
    output: Output = None,
    report: Report = None,
    quiet: Quiet = False,
    **arguments: Any,
) -> None:
    """Train a network on a table, test it on rows that it has not seen, and save it.

    What each column was taken for is shown first: numbers, dates, texts, with what was guessed;
    `--as` and `--columns` overrule it. A fifth of the rows is kept for the test, and the score is
    shown beside that of simpler models, with what to look out for in the table.

    **Examples**

    `chainrule train digits --report`

    `chainrule train houses.csv --target price --as zip=text --drop id`

    `chainrule train sales/*.csv -t units --split time --by date`

    `chainrule train shop.db --query "select * from orders" -t returned`
    """
    options.check_task(task)
    kinds = column_kinds.column_kinds(columns_file, as_kind)
    chosen = train_options(OPTIONS, arguments, kinds, test_fraction, seed)
    source = sources.Source(tuple(data), query, sheet, x, y, encoding)
    path, page = options.output_paths(
        source.paths, output, report, inputs=[columns_file],
        more={column_kinds.WRITE: write_columns},
    )  # fmt: skip
    out = console(quiet=quiet, goes_on=True)
    table = read_typed(source, dict.fromkeys(chosen.drop, "ignore") | kinds, out, target)
    target = choose_target(table, target, out)
    check_names(table, target, chosen)
    show_columns(out, table, target, columns_report, chosen)
    if write_columns is not None:
        written = column_kinds.write_columns(write_columns, table.readings)
        out.say(f"wrote {written}: edit it, and train with --columns {written}")
        return
    recorder = health.Recorder(gradients=page is not None)
    with reported_interrupts():
        result = estimators.fit_table(
            table, target, task, replace(chosen, callbacks=(recorder,), progress=not quiet)
        )
    outcome = table_outcome(source, table.name, result)

    def make_report() -> Any:
        command = train_command(source, result.target, result.task, result.options, output)
        return table_report(table.name, result, recorder, command)

    def show() -> None:
        network = result.model.network_
        best = recorder.best_epoch if network.early_stopping else network.n_iter_
        show_result(out, table.name, len(table.frame), result, len(recorder.history), best)

    finish(outcome, path, page, make_report, show, out, "chainrule predict {} DATA")


def table_outcome(source: sources.Source, name: str, result: Any) -> Outcome:
    """What a training on a table came to; the same training saves the same bytes."""
    model = result.model.set_params(callbacks=None, progress=True)  # no matter of the model's
    model.network_.set_params(callbacks=None, progress=True)
    return Outcome(
        model, name, result.target, result.task, len(result.train_rows), len(result.test_rows),
        result.metric, result.score, result.baselines,
        train_command(source, result.target, result.task, result.options), result.interrupted,
        facts(result),
    )  # fmt: skip


def facts(result: Any) -> dict[str, Any]:
    """What the card says of a model of a table beside its scores."""
    chosen = result.options
    reasons = {
        **{name: "--as" for name, kind in chosen.column_kinds.items() if kind == "ignore"},
        **dict.fromkeys(chosen.drop, "--drop"),
        **({chosen.group: "--group"} if chosen.group else {}),
    }
    if chosen.drop_identifiers:
        reasons |= dict.fromkeys(result.identifiers, "it only names the row")
    more = {
        "split": result.split, "verdict": result.verdict.headline, "left_out": reasons,
        "threshold": None if result.threshold is None else result.threshold.to_json(),
        models.TARGET_READING: next(
            (one.to_json() for one in result.columns if one.name == result.target), None
        ),
    }  # fmt: skip
    return {name: value for name, value in more.items() if value}


def table_report(name: str, result: Any, recorder: Any, command: str) -> Any:
    """The report of a training on a table."""
    rows = result.frame.iloc[result.test_rows]
    predictions = scores.predictions(
        result.model, rows[result.model.feature_names_in_], rows[result.target]
    )
    more = {**table_reporting.of_training(result, recorder, predictions), "command": command}
    return reporting.report(name, result.target, predictions, result.model, more)


train = make_command(train_table, OPTIONS)
