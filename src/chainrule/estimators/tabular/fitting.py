"""From a table to a trained and tested model: what `chainrule train` does, as functions."""

from __future__ import annotations

from dataclasses import fields, replace
from time import perf_counter
from typing import Any

import numpy as np

from ...data import Table
from ...memory import return_freed_memory
from .base import Tabular
from .checks.evidence import collect_evidence
from .checks.running import NOTHING, advise
from .defaults import validation_fraction_for
from .estimators import TabularClassifier, TabularRegressor
from .judging import judge
from .metrics import RARE, Answers, choose_metric, rarer_class
from .options import TrainOptions
from .preparation import TrainingTable, training_table
from .results import TrainResult
from .thresholds import Threshold, choose_threshold
from .training_summary import TrainingSummary

DEFAULT_OPTIONS = TrainOptions()


def fit_table(
    table: Table,
    target: str | None = None,
    task: str | None = None,
    options: TrainOptions = DEFAULT_OPTIONS,
) -> TrainResult:
    """Train a network on a table and test it on rows set aside.

    Columns that only name the row are left out, the table is checked for what makes a score better
    than the use will be, and the network is compared with simpler models on the same rows.

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
    prepared = training_table(table, target, task, options)
    source, train, test, y = (
        prepared.source, prepared.train_rows, prepared.test_rows, prepared.y,
    )  # fmt: skip
    as_read = replace(options, column_kinds=prepared.kinds)  # nothing is guessed again
    model = make_estimator(source.task, as_read)
    start = perf_counter()
    validation_by = prepared.validation_by
    model.fit(  # by name: a call with ** would hold the rows that `fit` lets go of
        source.inputs.iloc[train], y[train], groups=validation_by.get("groups"),
        times=validation_by.get("times"),
    )  # fmt: skip
    seconds = perf_counter() - start
    return_freed_memory()
    if table.readings:  # the model reads the cells of files as they were read here
        model.features_ = model.features_.with_readings(table.readings)
    model.summary_ = TrainingSummary.learn(
        source.inputs, prepared.kinds, options.categorical_features, model.features_.readings,
        train,
    )  # fmt: skip
    metric = choose_metric(source.task, y[train])
    answers = Answers.of(model, source.inputs.iloc[test])
    judgement = judge(model, source.task, metric, source.inputs, y, train, test, answers, as_read)
    checked = NOTHING
    if options.advise:
        readings = model.features_.readings
        evidence = collect_evidence(source, y, train, test, as_read, readings)
        checked = advise(evidence, prepared.identifiers, metric, answers)
    network = model.network_
    return TrainResult(
        model, source.target, source.task, metric, _resolved(options, network, len(train)),
        judgement.comparison, judgement.verdict, train, test, source.frame.rename_axis(None),
        seconds, network.stopped_ == "interrupted", options.chosen_split, prepared.identifiers,
        checked.advice + prepared.advice, checked.honest,
        _threshold(model, prepared, answers, options),
        columns=table.readings or model.features_.readings,
    )  # fmt: skip


def make_estimator(task: str, options: TrainOptions) -> Tabular:
    """Make an estimator with these options, not trained yet."""
    kind = TabularClassifier if task == "classification" else TabularRegressor
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    values |= {
        "callbacks": list(options.callbacks) or None,
        "target_transform": "log" if options.log else None,
    }
    return kind(**{name: values[name] for name in kind().get_params() if name in values})


def _resolved(options: TrainOptions, network: Any, n_rows: int) -> TrainOptions:
    """The options of a training with numbers in place of rules by the number of rows."""
    fraction = options.validation_fraction
    return replace(
        options, hidden_layer_sizes=network.hidden_layer_sizes, n_members=network.n_members,
        max_iter=network.max_iter, batch_size=network.batch_size,
        validation_fraction=validation_fraction_for(n_rows) if fraction is None else fraction,
    )  # fmt: skip


def _threshold(
    model: Any, prepared: TrainingTable, answers: Answers, options: TrainOptions
) -> Threshold | None:
    """The threshold for the rarer of two classes, where it is rare or errors have a cost."""
    unseen = getattr(model, "unseen_answers_", None)
    if unseen is None:
        return None
    y = prepared.y
    positive, share = rarer_class(y[prepared.train_rows])
    codes, p = unseen
    column = int(np.flatnonzero(model.classes_ == positive)[0])
    if (share >= RARE and options.cost is None) or not 0 < np.sum(codes == column) < len(codes):
        return None
    of_validation = codes == column, p if column else 1.0 - p
    of_test = y[prepared.test_rows] == positive, answers.probabilities[:, column]
    return choose_threshold(str(positive), of_validation, of_test, options.cost)
