"""`chainrule tune`: settings that suit a table better than the usual ones, by search."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from itertools import takewhile
from os import cpu_count
from pathlib import Path
from time import time
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .. import estimators
from ..errors import DataError
from ..estimators.tabular.options import TrainOptions
from ..lazy import LazyModule
from ..starting import INTERRUPTED
from . import column_kinds, keeping, options
from .column_kinds import AsKind, ColumnsFile, ColumnsReport
from .command_options import SEARCH, make_command
from .console import complain, console
from .options import Output, Quiet, Seed, Target, Task, TestFraction
from .outcome import reported_interrupts
from .sources import Encoding, Query, Sheet, Source, Sources, XArray, YArray
from .table_options import OF_TUNE
from .table_reading import check_names, choose_target, kinds_of, read_typed, show_columns
from .table_results import show_scores
from .train_table import table_outcome, train_command, train_options

joblib = LazyModule("joblib", extra="tune")
optuna = LazyModule("optuna", extra="tune")
searching = LazyModule("chainrule.cli.search")

METRICS = "accuracy, balanced-accuracy, log-loss, roc-auc; r2, rmse, mae"


def tune_table(
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
    columns_report: ColumnsReport = False,
    trials: Annotated[
        int, typer.Option(min=1, help="Settings to try, in all.", rich_help_panel=SEARCH)
    ] = 30,
    timeout: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds after which no trial begins.", rich_help_panel=SEARCH),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(min=1, max=256, help="Processes that try at once.", rich_help_panel=SEARCH),
    ] = 1,
    metric: Annotated[
        str | None,
        typer.Option(help=f"One of {METRICS}. [default: accuracy or r2]", rich_help_panel=SEARCH),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(min=1, max=20, help="Of the cross-validation; 1: a held-out fifth. "
                     "[default: 3, and 1 from 2,000 rows on]", rich_help_panel=SEARCH),
    ] = None,
    storage: Annotated[
        Path | None,
        typer.Option(help="An SQLite file of trials: the same command goes on where it ended.",
                     rich_help_panel=SEARCH),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Try on the workers of a Dask cluster.",
                     rich_help_panel=SEARCH),
    ] = None,
    test_fraction: TestFraction = TrainOptions.test_fraction,
    seed: Seed = TrainOptions.random_state,
    output: Output = None,
    quiet: Quiet = False,
    **arguments: Any,
) -> None:  # fmt: skip
    """Search for options that suit a table, train with the best, and test that once.

    Sizes of the hidden layers, learning rate, weight decay, dropout, embedding of numbers, batch
    size and running means of the weights are searched on the training rows only; a trial whose
    score is below the median of the others at the same epoch is stopped.
    Needs the package optuna: `pip install 'chainrule[tune]'`.

    **Examples**

    `chainrule tune digits --trials 20`

    `chainrule tune houses.csv -t price --metric mae --jobs 4 --storage houses.db --timeout 3600`
    """
    options.check_task(task)
    kinds = column_kinds.column_kinds(columns_file, as_kind)
    chosen = train_options(OF_TUNE, arguments, kinds, test_fraction, seed)
    optuna.load()
    if dask is not None and find_spec("distributed") is None:
        raise DataError("--dask needs the package distributed: pip install distributed")
    if dask is not None and storage is None:
        raise DataError("--dask needs --storage: a file that all workers can read and write")
    source = Source(tuple(data), query, sheet, x, y, encoding)
    path, _ = options.output_paths(source.paths, output, storage=storage, inputs=[columns_file])
    out = console(quiet=quiet, goes_on=True)
    table = read_typed(source, dict.fromkeys(chosen.drop, "ignore") | kinds, out, target)
    target = choose_target(table, target, out)
    check_names(table, target, chosen)
    inputs, labels, target, task, by = searching.training_rows(table, target, task, chosen)
    search = searching.Search(
        "", inputs, labels, task, _metric(metric, task, labels),
        replace(chosen, column_kinds=kinds_of(table, inputs.columns)),
        folds or (1 if len(labels) >= searching.MANY_ROWS else searching.FOLDS), by,
        deadline=time() + timeout if timeout is not None else float("inf"),
        threads=max(1, (cpu_count() or 1) // jobs) if jobs > 1 else None,
    )  # fmt: skip
    search = replace(search, name=_study_name(table.name, target, search, kinds))
    apart = jobs > 1 or dask is not None
    with _stored(search, storage, apart) as search, _study(search) as study:
        show_columns(out, table, target, columns_report, chosen)
        stopped = _run(search, study, trials, jobs if apart else 0, dask, quiet)
        best = _best(study, stopped)
        finished, score = len(searching.finished(study)), best.value
    chosen = replace(search.chosen(best.params), column_kinds=kinds)
    if stopped:
        complain(f"chainrule: interrupted after {finished} trials; the best so far:")
        complain(train_command(source, target, task, chosen))
        sys.exit(INTERRUPTED)
    out.tell(
        f"best of {finished} trials: {search.metric} {score:.4f} on training rows held out; "
        f"training with it on all {len(labels)} training rows"
    )
    with reported_interrupts():
        result = estimators.fit_table(table, target, task, replace(chosen, progress=not quiet))
    outcome = table_outcome(source, table.name, result)
    saved = outcome.save(path)
    if quiet:
        print(f"{result.score:.4f}")
    else:
        show_scores(out, result)
        out.say(f"saved {saved}; this trains it again:")
        out.say(outcome.command)
    keeping.leave(result.interrupted, (path, saved))


def _metric(metric: str | None, task: str, labels: Any) -> str:
    known = searching.OF_TASK[task]
    if metric is None:
        return str(known[0])
    if metric not in known:
        raise DataError(f"--metric {metric}: for a {task}, give {', '.join(known)}")
    if metric == "roc-auc" and labels.nunique() != 2:
        raise DataError(f"--metric roc-auc: it is of two classes, and there are {labels.nunique()}")
    return metric


def _study_name(name: str, target: str, search: Any, kinds: Mapping[str, str]) -> str:
    """The name of the study: all that decides what a trial's score means."""
    fixed = search.options
    words = [
        name, f"target={target}", f"task={search.task}", f"metric={search.metric}",
        f"rows={len(search.labels)}", f"seed={fixed.random_state}",
        f"test_fraction={fixed.test_fraction:g}", f"folds={search.folds}",
        f"n_members={fixed.n_members}", f"epochs={fixed.max_iter}",
        *(f"drop={column}" for column in sorted(fixed.drop)),
        *(f"categorical={column}" for column in sorted(fixed.categorical_features)),
        *(f"{column}={kind}" for column, kind in sorted(kinds.items())),
        *(f"{name}={getattr(fixed, name)}" for name in ("split", "by", "group", "log")
          if getattr(fixed, name)),
        *(name for name, usual in (("deduplicate", False), ("drop_identifiers", True))
          if getattr(fixed, name) is not usual),
    ]  # fmt: skip
    return " ".join(words)[:500]


@contextmanager
def _stored(search: Any, storage: Path | None, apart: bool) -> Iterator[Any]:
    """Give the search a file of trials: the user's, or for several processes a temporary one."""
    if storage is not None:
        yield replace(search, storage=searching.address(storage))
    elif apart:
        with tempfile.TemporaryDirectory() as folder:
            yield replace(search, storage=searching.address(Path(folder) / "trials.db"))
    else:
        yield search


@contextmanager
def _study(search: Any) -> Iterator[Any]:
    """The study; its file is closed in the end."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if search.storage is None:
        yield searching.study_of(search, None)
        return
    with searching.opened(search.storage) as storage:
        yield searching.study_of(search, storage)


def _run(search: Any, study: Any, trials: int, jobs: int, dask: str | None, quiet: bool) -> bool:
    """Trials until there are enough, or time is up; whether Ctrl-C ended them."""
    done = len(searching.finished(study))
    numbers = range(done, trials)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    err = console(stderr=True)
    bar_display = Progress(*columns, console=err, disable=quiet or not err.is_terminal)
    try:
        with bar_display, reported_interrupts():
            bar = bar_display.add_task("trials", total=trials, completed=done)
            for _ in _tried(search, study, numbers, jobs, dask):
                bar_display.update(bar, advance=1, description=_so_far(search, study))
    except KeyboardInterrupt:
        return True
    return False


def _tried(search: Any, study: Any, numbers: Any, jobs: int, dask: str | None) -> Iterator[None]:
    """Run trials one after another, or in processes, until time is up; yield after each."""
    numbers = takewhile(lambda _: time() <= search.deadline, numbers)
    if not jobs:
        for number in numbers:
            searching.run_trial(search, number, study)
            yield
        return
    work = (joblib.delayed(searching.run_trial)(search, number) for number in numbers)
    if dask is None:
        yield from joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(work)
        return
    with LazyModule("distributed").Client(dask), joblib.parallel_config(backend="dask"):
        yield from joblib.Parallel(return_as="generator_unordered")(work)


def _so_far(search: Any, study: Any) -> str:
    values = [trial.value for trial in searching.complete(study)]
    if not values:
        return "trials"
    best = max(values) if search.direction == "maximize" else min(values)
    return f"trials, best {search.metric} {best:.4f}"


def _best(study: Any, stopped: bool) -> Any:
    if searching.complete(study):
        return study.best_trial
    if stopped:
        raise KeyboardInterrupt
    raise DataError(
        "no trial came to its end: give more time with --timeout, or fewer epochs with --epochs"
    )


tune = make_command(tune_table, OF_TUNE)
