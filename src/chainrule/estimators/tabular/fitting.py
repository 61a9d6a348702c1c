"""From a table to a trained and tested model: what `chainrule train` does, as functions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields, replace
from time import perf_counter
from typing import Any

import numpy as np
from sklearn import dummy, linear_model
from sklearn.exceptions import ConvergenceWarning

from ...data import Table
from ...data.moments import exponent
from ..inputs.blas import one_blas_thread
from .base import Tabular
from .checks.advice import Advice
from .checks.evidence import collect_evidence
from .checks.running import advise
from .defaults import validation_fraction_for
from .estimators import TabularClassifier, TabularRegressor
from .metrics import Answers, choose_metric, measure
from .options import TrainOptions
from .results import TrainResult
from .splits import split_table
from .targets import MIN_ROWS, LearnableTable, checked_targets, learnable_table
from .training_summary import TrainingSummary

DEFAULT_OPTIONS = TrainOptions()
MAX_LINEAR_ROWS = 20_000  # the linear model is fitted on so many rows; more change little


@dataclass(frozen=True)
class TrainingTable:
    """What a model is trained and tested on.

    Attributes
    ----------
    source : LearnableTable
        Its `inputs` are without columns that only name the row.
    train_rows, test_rows : array of int
    y : array, shape (rows,)
        Targets as the estimator takes them.
    identifiers : tuple of Advice
        Which columns were left out, and why.
    """

    source: LearnableTable
    train_rows: Any
    test_rows: Any
    y: Any
    identifiers: tuple[Advice, ...] = ()


def training_table(
    table: Table,
    target: str | None,
    task: str | None,
    options: TrainOptions,
    min_rows: int = MIN_ROWS,
    purpose: str = "train and test on",
) -> TrainingTable:
    """Choose the target, the rows to test on, and the columns to learn from.

    Raises
    ------
    DataError
        If the table cannot be learned from, with what to do about it.
    """
    source = learnable_table(table, target, task, options, min_rows, purpose)
    train_rows, test_rows = split_table(source, options)
    y = checked_targets(source, train_rows)
    return TrainingTable(source, train_rows, test_rows, y)


def fit_table(
    table: Table,
    target: str | None = None,
    task: str | None = None,
    options: TrainOptions = DEFAULT_OPTIONS,
) -> TrainResult:
    """Train a network on a table and test it on rows set aside.

    Parameters
    ----------
    table : Table
    target : str, optional
        The column to predict. Default: the built-in set's own, or the last column.
    task : str, optional
        ``"classification"`` or ``"regression"``. Default: told from the target's values.
    options : TrainOptions, optional

    Returns
    -------
    TrainResult

    Raises
    ------
    DataError
        If the table cannot be learned from, with what to do about it.

    Examples
    --------
    >>> from chainrule.data import read_table
    >>> result = fit_table(read_table("iris"), options=TrainOptions(progress=False))
    >>> result.metric, len(result.test_rows), result.score > 0.9, round(result.trivial, 2)
    ('accuracy', 30, True, 0.33)
    """
    whole = training_table(table, target, task, options)
    source, train_rows, test_rows, y = whole.source, whole.train_rows, whole.test_rows, whole.y
    train_inputs, test_inputs = (source.inputs.iloc[rows] for rows in (train_rows, test_rows))
    model = make_estimator(source.task, options)
    start = perf_counter()
    model.fit(train_inputs, y[train_rows])
    seconds = perf_counter() - start
    metric = choose_metric(source.task, y[train_rows])
    score = measure(metric, y[test_rows], Answers.of(model, test_inputs))
    x = model.features_(source.inputs)
    trivial, linear = _baselines(metric, source.task, x, y, train_rows, test_rows, options)
    advice: tuple[Advice, ...] = ()
    if options.advise:
        advice = advise(collect_evidence(source, y, train_rows, test_rows, options))
    network = model.network_
    return TrainResult(
        model, source.target, source.task, metric, _resolved(options, network, len(train_rows)),
        score, trivial, linear, train_rows, test_rows, source.frame.rename_axis(None), seconds,
        network.n_iter_ < network.max_iter, options.chosen_split,
        advice=(*whole.identifiers, *advice),
        summary=TrainingSummary.learn(
            train_inputs, options.column_kinds, options.categorical_features
        ),
    )  # fmt: skip


def make_estimator(task: str, options: TrainOptions) -> Tabular:
    """Make an estimator with these options, not trained yet."""
    kind = TabularClassifier if task == "classification" else TabularRegressor
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    values["callbacks"] = list(options.callbacks) or None
    return kind(**{name: values[name] for name in kind().get_params() if name in values})


def _resolved(options: TrainOptions, network: Any, n_rows: int) -> TrainOptions:
    """The options of a training with numbers in place of rules by the number of rows."""
    fraction = options.validation_fraction
    return replace(
        options, n_members=network.n_members, max_iter=network.max_iter,
        batch_size=network.batch_size,
        validation_fraction=validation_fraction_for(n_rows) if fraction is None else fraction,
    )  # fmt: skip


def _baselines(
    metric: str, task: str, x: Any, y: Any, train: Any, test: Any, options: TrainOptions
) -> tuple[float, float]:
    """Scores of the commonest class or the mean, and of a linear model."""
    if task == "classification":
        peers = [dummy.DummyClassifier(), linear_model.LogisticRegression(max_iter=200)]
    else:
        y = np.ldexp(y, -exponent(y[train]))  # squares stay in range, and no score changes
        peers = [dummy.DummyRegressor(), linear_model.Ridge()]
    some = np.random.default_rng(options.random_state).permutation(train)[:MAX_LINEAR_ROWS]
    scores = []
    for peer in peers:
        if len(np.unique(y[some])) < 2:  # a single class among the rows: no line to draw
            peer = peers[0]
        with one_blas_thread, np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            peer.fit(x[some], y[some])
        scores.append(measure(metric, y[test], Answers.of(peer, x[test])))
    return scores[0], scores[1]
