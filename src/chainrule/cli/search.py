"""The search behind `chainrule tune`: its space, a trial of it, and the database of trials.

Loaded when the command runs: it loads scikit-learn. Trials see the training rows only.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import time
from typing import Any, NamedTuple

import numpy as np

from ..backends import set_num_threads
from ..data import Table
from ..data.column_values import as_numbers, as_texts
from ..errors import DataError
from ..estimators.tabular.defaults import DEFAULTS, HIDDEN_LAYERS, batch_size_for
from ..estimators.tabular.fitting import make_estimator
from ..estimators.tabular.options import TrainOptions
from ..estimators.tabular.preparation import training_table
from ..estimators.tabular.splits import validation_part
from ..estimators.tabular.targets import MIN_ROWS, Purpose
from ..files import check_writable
from ..lazy import LazyModule
from .folds import make_folds
from .keeping import MIN_FREE_BYTES
from .scores import predictions, scores

optuna = LazyModule("optuna", extra="tune")

WIDTHS = (32, 64, 128, 256, 512)
BATCH_SIZES = (16, 32, 64, 128, 256, 512)
MAX_LAYERS = 4
FOLDS = 3
MANY_ROWS = 2_000  # from which on one held-out fifth says enough
COMPARISONS = 10  # how often a trial is compared with others during a training
STARTUP = 5  # trials before any is pruned
METRICS = {
    "accuracy": ("accuracy", "maximize"), "balanced-accuracy": ("balanced accuracy", "maximize"),
    "log-loss": ("log loss", "minimize"), "roc-auc": ("ROC AUC", "maximize"),
    "r2": ("R2", "maximize"), "rmse": ("RMSE", "minimize"), "mae": ("MAE", "minimize"),
}  # fmt: skip
OF_TASK = {
    "classification": ("accuracy", "balanced-accuracy", "log-loss", "roc-auc"),
    "regression": ("r2", "rmse", "mae"),
}


@dataclass(frozen=True)
class Search:
    """What is searched, on which rows, and how a trial is scored.

    Attributes
    ----------
    name : str
        Name of the study: the data, and all that its scores depend on.
    inputs, labels : DataFrame, Series
        The training rows.
    task, metric : str
    options : TrainOptions
        What is not searched.
    folds : int
        1: a held-out fifth.
    validation_by : dict of str to array
        Groups or times of the rows, by which they are held out; empty: at random.
    storage : str or None
        The address of a database. None: in memory.
    deadline : float
        In the clock's seconds; no trial begins later, and one that runs is pruned.
    threads : int or None
        Threads of each process.
    """

    name: str
    inputs: Any
    labels: Any
    task: str
    metric: str
    options: TrainOptions
    folds: int = FOLDS
    validation_by: Mapping[str, Any] = field(default_factory=dict)
    storage: str | None = None
    deadline: float = float("inf")
    threads: int | None = None

    @property
    def direction(self) -> str:
        """``"maximize"`` or ``"minimize"``."""
        return METRICS[self.metric][1]

    @cached_property
    def batch_sizes(self) -> list[int]:
        """Batch sizes to try: the default's, and others of which some make an epoch."""
        rows = len(self.labels)
        return sorted({batch_size_for(rows), *(size for size in BATCH_SIZES if size <= rows // 4)})

    def defaults(self) -> dict[str, Any]:
        """The options of `train` as parameters of a trial: the search begins with them."""
        sizes = HIDDEN_LAYERS[self.task]
        return {
            "width": sizes[0], "layers": len(sizes), "learning_rate": DEFAULTS.learning_rate_init,
            "weight_decay": DEFAULTS.weight_decay, "dropout": DEFAULTS.dropout,
            "embedding": DEFAULTS.numeric_embedding or "none", "ema": DEFAULTS.ema or 0.0,
            "batch_size": batch_size_for(len(self.labels)),
        }  # fmt: skip

    def suggested(self, trial: Any) -> TrainOptions:
        """The options of a trial."""
        return self.chosen({
            "width": trial.suggest_categorical("width", WIDTHS),
            "layers": trial.suggest_int("layers", 1, MAX_LAYERS),
            "learning_rate": trial.suggest_float("learning_rate", 1e-3, 5e-2, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-4, 0.3, log=True),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5),
            "embedding": trial.suggest_categorical("embedding", ["piecewise", "periodic", "none"]),
            "ema": trial.suggest_categorical("ema", [0.0, 0.99, 0.998]),
            "batch_size": trial.suggest_categorical("batch_size", self.batch_sizes),
        })  # fmt: skip

    def chosen(self, parameters: dict[str, Any]) -> TrainOptions:
        """Options from a trial's parameters, rounded, so that a command can name them."""
        embedding = parameters["embedding"]
        return replace(
            self.options, hidden_layer_sizes=(parameters["width"],) * parameters["layers"],
            learning_rate_init=float(f"{parameters['learning_rate']:.3g}"),
            weight_decay=float(f"{parameters['weight_decay']:.3g}"),
            dropout=round(parameters["dropout"], 3), ema=parameters["ema"] or None,
            numeric_embedding=None if embedding == "none" else embedding,
            batch_size=parameters["batch_size"],
        )  # fmt: skip

    def splits(self) -> list[tuple[Any, Any]]:
        """Rows to train on and rows to score; see `make_folds`."""
        seed = self.options.random_state
        return make_folds(self.labels, self.task, self.folds, seed, self.validation_by)

    def objective(self, trial: Any) -> float:
        """The mean score of the folds.

        Raises
        ------
        optuna.TrialPruned
            If it does not look as if it could be the best, or does not train at all.
        KeyboardInterrupt
            If Ctrl-C ended a training.
        """
        options = self.suggested(trial)
        labels = self.labels
        classes = self.task == "classification"
        y = as_texts(labels).astype(str) if classes else as_numbers(labels, True)
        fold_scores = []
        for fold, (rows, validation_rows) in enumerate(self.splits()):
            watched = replace(options, callbacks=(self._pruner(trial, fold),), progress=False)
            model = make_estimator(self.task, watched)
            held_out = validation_part(self.validation_by, rows)
            try:
                with warnings.catch_warnings():
                    warnings.filterwarnings("error", "Training interrupted", UserWarning)
                    model.set_params(n_threads=self.threads)
                    model.fit(self.inputs.iloc[rows], y[rows], **held_out)
            except DataError:
                raise
            except ValueError as error:  # weights that are no longer finite
                raise optuna.TrialPruned(str(error)) from error
            except UserWarning as interrupted:  # in whichever epoch, the last one too
                raise KeyboardInterrupt from interrupted
            by_name = scores(
                predictions(model, self.inputs.iloc[validation_rows], labels.iloc[validation_rows])
            )
            fold_scores.append(by_name.get(METRICS[self.metric][0], float("nan")))
        value = float(np.mean(fold_scores))
        if not np.isfinite(value):
            raise optuna.TrialPruned(f"{self.metric} is {value}")
        return value

    def _pruner(self, trial: Any, fold: int) -> Callable[[Any], None]:
        """A callback that tells how a training goes at each tenth, and ends a hopeless one."""

        def watch(report: Any) -> None:
            before, now = ((report.epoch - k) * COMPARISONS // report.epochs for k in (1, 0))
            if before == now:
                return
            if time() > self.deadline and complete(trial.study):
                raise optuna.TrialPruned("time is up")
            value = report.score if self.direction == "maximize" else report.validation_loss
            if value is None or not np.isfinite(value):
                return
            trial.report(value, fold * COMPARISONS + now)
            if trial.should_prune():
                raise optuna.TrialPruned

        return watch


class TuningRows(NamedTuple):
    """The training rows that `train` would use; see `Search` for `validation_by`."""

    inputs: Any
    labels: Any
    target: str
    task: str
    validation_by: Mapping[str, Any]


def training_rows(
    table: Table, target: str | None, task: str | None, options: TrainOptions
) -> TuningRows:
    """The training rows that `train` would use with these options."""
    whole = training_table(table, target, task, options, Purpose("tune on", 2 * MIN_ROWS))
    source, rows = whole.source, whole.train_rows
    return TuningRows(
        source.inputs.iloc[rows], source.labels.iloc[rows], source.target, source.task,
        whole.validation_by,
    )  # fmt: skip


def study_of(search: Search, storage: Any) -> Any:
    """The study, which the storage may know already; None keeps it in memory."""
    return optuna.create_study(
        storage=storage, study_name=search.name, direction=search.direction,
        load_if_exists=True, sampler=_sampler(search, 0), pruner=_pruner(),
    )  # fmt: skip


@contextmanager
def opened(address: Any) -> Iterator[Any]:
    """A file of trials; it is closed in the end."""
    storage = optuna.storages.RDBStorage(address)
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def run_trial(search: Search, number: int, study: Any = None) -> None:
    """Run a trial in this process; `number` decides what is drawn, and 0 takes the defaults."""
    if time() > search.deadline:
        return
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if study is None:  # in a process of its own
        if search.threads is not None:
            set_num_threads(search.threads)
        with opened(search.storage) as storage:
            study = optuna.load_study(storage=storage, study_name=search.name, pruner=_pruner())
            run_trial(search, number, study)
        return
    study.sampler = _sampler(search, number)
    try:
        study.optimize(search.objective, n_trials=1)
    except UnboundLocalError as error:  # of Optuna 5.0, where Ctrl-C meets it storing a trial
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


def finished(study: Any) -> list[Any]:
    """Trials that ended by themselves, those pruned among them."""
    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    return list(study.get_trials(deepcopy=False, states=states))


def complete(study: Any) -> list[Any]:
    """Trials that came to their end, and have a score."""
    return list(study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)))


def address(path: Path) -> str:
    """The address of an SQLite file, which must be of that kind and writable."""
    try:
        check_writable(path, MIN_FREE_BYTES)
        if path.exists() and not _is_database(path):
            raise DataError(f"{path} is no SQLite file: choose another place with --storage")
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}; choose another place with --storage"
        ) from error
    if set("?%") & set(str(path.resolve())):  # they mean something in an address
        raise DataError(f"{path} has ? or % in its path: choose another place with --storage")
    return f"sqlite:///{path.resolve()}"


def _is_database(path: Path) -> bool:
    """Whether it is an SQLite file, or an empty one that can become one."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(16) in (b"", b"SQLite format 3\0")


def _sampler(search: Search, number: int) -> Any:
    """Bergstra et al.: "Algorithms for hyper-parameter optimization", NeurIPS (2011)."""
    seed = (search.options.random_state * 100_003 + number) % 2**32
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=2 * STARTUP)
    if number:
        return sampler
    with warnings.catch_warnings():  # a queued trial could be taken by two processes at once
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.PartialFixedSampler(search.defaults(), sampler)


def _pruner() -> Any:
    """Median pruning: a trial ends whose score is below the median at the same point."""
    return optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=2)
