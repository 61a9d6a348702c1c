"""`chainrule tune`: settings that suit a table better than the usual ones, by search."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
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
from ..data import read_table
from ..errors import DataError
from ..lazy import LazyModule
from ..starting import INTERRUPTED
from . import keeping, options
from .console import complain, console
from .options import Category, Data, Drop, Output, Seed, Target, Task, TestFraction
from .train import save, score_table, told_of_interrupts

choices = LazyModule("chainrule.cli.settings")
health = LazyModule("chainrule.estimators.mlp.health")
joblib = LazyModule("joblib", extra="tune")
optuna = LazyModule("optuna", extra="tune")
searching = LazyModule("chainrule.cli.search")

METRICS = "accuracy, balanced-accuracy, log-loss, roc-auc; r2, rmse, mae"


def tune(
    data: Data,
    target: Target = None,
    task: Task = None,
    output: Output = None,
    drop: Drop = None,
    category: Category = None,
    trials: Annotated[int, typer.Option(min=1, help="Settings to try, in all.")] = 30,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Seconds after which no trial begins.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes that try at once.")] = 1,
    metric: Annotated[
        str | None, typer.Option(help=f"One of {METRICS}. [default: accuracy or r2]")
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(min=1, max=20, help="Of the cross-validation; 1: a held-out fifth. "
                     "[default: 3, and 1 from 2,000 rows on]"),
    ] = None,
    storage: Annotated[
        Path | None,
        typer.Option(help="An SQLite file of trials: the same command goes on where it ended."),
    ] = None,
    members: Annotated[
        int | None,
        typer.Option(
            min=1, max=64, help="Networks whose answers are averaged. [default: by the rows]"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the rows. [default: by their number]")
    ] = None,
    test_fraction: TestFraction = 0.2,
    seed: Seed = 0,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Try on the workers of a Dask cluster.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the score alone.")] = False,
) -> None:  # fmt: skip
    """Search for settings that suit a table, train with the best, and test that once.

    Sizes of the hidden layers, learning rate, weight decay, dropout, embedding of numbers, rows a
    step and running means are searched on the training rows only; hopeless trials are ended early.
    Needs the package optuna: `pip install 'chainrule[tune]'`.

    **Examples**

    `chainrule tune digits --trials 20`

    `chainrule tune houses.csv -t price --metric mae --jobs 4 --storage houses.db --timeout 3600`
    """
    options.check_task(task)
    options.check_fraction("--test-fraction", test_fraction)
    optuna.load()
    if dask is not None and find_spec("distributed") is None:
        raise DataError("--dask needs the package distributed: pip install distributed")
    if dask is not None and storage is None:
        raise DataError("--dask needs --storage: a file that all workers can read and write")
    place, _ = options.places(data, output, storage=storage)
    out = console(quiet=quiet)
    table = read_table(data)
    for note in table.notes:
        out.say(f"note: {note}")
    settings = choices.Chosen(members=members, epochs=epochs, test_fraction=test_fraction,
                              seed=seed)  # fmt: skip
    inputs, labels, target, task = searching.prepare(table, target, task, drop or (), settings)
    search = searching.Search(
        "", inputs, labels, task, _metric(metric, task, labels), settings, tuple(category or ()),
        folds or (1 if len(labels) >= searching.MANY_ROWS else searching.FOLDS),
        deadline=time() + timeout if timeout is not None else float("inf"),
        threads=max(1, (cpu_count() or 1) // jobs) if jobs > 1 else None,
    )  # fmt: skip
    search = replace(search, name=_name(table.name, target, search, drop or ()))
    apart = jobs > 1 or dask is not None
    with _stored(search, storage, apart) as search, _study(search) as study:
        stopped = _run(search, study, trials, jobs if apart else 0, dask, quiet)
        best = _best(study, stopped)
        tried, score = len(searching.finished(study)), best.value
    settings = search.chosen(best.params)
    if stopped:
        _said_where_it_stopped(data, target, task, settings, drop or (), category or (), tried)
        sys.exit(INTERRUPTED)
    out.say(
        f"best of {tried} trials: {search.metric} {score:.4f} on training rows held out; training "
        f"with it on all {len(labels)} training rows"
    )
    recorder = health.Recorder(gradients=False)
    settings = replace(settings, callbacks=(recorder,))
    with told_of_interrupts():
        tested = estimators.fit_table(
            table, target, task, settings, drop or (), category or (), not quiet
        )
    told = choices.repeat(data, tested, settings, drop or (), category or ())
    saved = save(tested, place, table.name, told)
    if quiet:
        print(f"{tested.score:.4f}")
    else:
        out.print(score_table(tested))
        out.say(f"saved {saved}; this trains it again:")
        out.say(told)
    keeping.leave(tested.interrupted, (place, saved))


def _metric(metric: str | None, task: str, labels: Any) -> str:
    known = searching.OF_TASK[task]
    if metric is None:
        return str(known[0])
    if metric not in known:
        raise DataError(f"--metric {metric}: for a {task}, give {', '.join(known)}")
    if metric == "roc-auc" and labels.nunique() != 2:
        raise DataError(f"--metric roc-auc: it is of two classes, and there are {labels.nunique()}")
    return metric


def _name(name: str, target: str, search: Any, drop: Any) -> str:
    """All that decides what a trial's score means: another search is another study."""
    kept = search.settings
    parts = [
        name, f"target={target}", f"task={search.task}", f"metric={search.metric}",
        f"rows={len(search.labels)}", f"seed={kept.seed}", f"test={kept.test_fraction:g}",
        f"folds={search.folds}", f"members={kept.members}", f"epochs={kept.epochs}",
        *(f"drop={column}" for column in sorted(drop)),
        *(f"category={column}" for column in sorted(search.category)),
    ]  # fmt: skip
    return " ".join(parts)[:500]


@contextmanager
def _stored(search: Any, storage: Path | None, apart: bool) -> Iterator[Any]:
    """With the address of the trials' file: the user's, or for processes one of ours."""
    if storage is not None:
        yield replace(search, storage=searching.address(storage))
    elif apart:
        with tempfile.TemporaryDirectory() as folder:
            yield replace(search, storage=searching.address(Path(folder) / "trials.db"))
    else:
        yield search


@contextmanager
def _study(search: Any) -> Iterator[Any]:
    """The study, its file closed in the end."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = searching.study_of(search)
    try:
        yield study
    finally:
        if search.storage is not None:
            study._storage.remove_session()


def _run(search: Any, study: Any, trials: int, jobs: int, dask: str | None, quiet: bool) -> bool:
    """Trials until there are enough, or time is up; whether Ctrl-C ended them."""
    done = len(searching.finished(study))
    numbers = range(done, trials)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    err = console(stderr=True)
    shown = Progress(*columns, console=err, disable=quiet or not err.is_terminal)
    try:
        with shown, told_of_interrupts():
            bar = shown.add_task("trials", total=trials, completed=done)
            for _ in _tried(search, study, numbers, jobs, dask):
                shown.update(bar, advance=1, description=_so_far(search, study))
    except KeyboardInterrupt:
        return True
    return False


def _tried(search: Any, study: Any, numbers: Any, jobs: int, dask: str | None) -> Iterator[None]:
    """One after another, or in processes, until time is up; an item a trial."""
    numbers = takewhile(lambda _: time() <= search.deadline, numbers)
    if not jobs:
        for number in numbers:
            searching.one(search, number, study)
            yield
        return
    work = (joblib.delayed(searching.one)(search, number) for number in numbers)
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


def _said_where_it_stopped(
    data: str, target: str, task: str, settings: Any, drop: Any, category: Any, tried: int
) -> None:
    """After Ctrl-C: the best settings so far."""
    found = choices.listed(settings, settings.epochs, settings.batch_size, None)
    told = choices.command(data, {"target": target, "task": task, **found}, drop, category)
    complain(f"chainrule: interrupted after {tried} trials; the best so far:")
    complain(told)
