"""From a table to a trained and tested model: what `chainrule train` does, as functions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import dummy, linear_model, metrics, model_selection
from sklearn.exceptions import ConvergenceWarning

from ...data import Table
from ...data.cells import with_row_numbers
from ...data.column_values import as_numbers, as_texts, is_date, is_numeric
from ...data.moments import exponent, mean_and_deviation
from ...errors import DataError
from ..inputs.blas import one_blas_thread
from ..inputs.targets import check_distinct, r2
from .base import Tabular
from .defaults import validation_fraction_for
from .estimators import TabularClassifier, TabularRegressor
from .options import TrainOptions

MAX_CLASSES = 1000
FEW_VALUES = 20  # whole numbers with no more distinct values than this are classes
MIN_ROWS = 10
DEFAULT_OPTIONS = TrainOptions()
MAX_LINEAR_ROWS = 20_000  # the linear model is fitted on so many rows; more change little


@dataclass(frozen=True)
class TrainResult:
    """A trained model, and how it does on rows that it has never seen.

    Attributes
    ----------
    model : TabularClassifier or TabularRegressor
    target : str
        The column that it predicts.
    task, metric : str
        ``"classification"`` and ``"accuracy"``, or ``"regression"`` and ``"R2"`` (1 is perfect, 0
        is the mean).
    options : TrainOptions
        Those of the training, with numbers in place of rules by the table's size: they train the
        same model again.
    score, trivial, linear : float
        On the test rows: the network's; that of the commonest class or the mean; that of a
        logistic or ridge regression.
    train_rows, test_rows : array of int
        Which rows of `frame` were which.
    frame : DataFrame
        The rows with a target.
    seconds : float
        For training the network.
    interrupted : bool
        Whether Ctrl-C ended the training before its last epoch.
    """

    model: Any
    target: str
    task: str
    metric: str
    options: TrainOptions
    score: float
    trivial: float
    linear: float
    train_rows: NDArray[Any]
    test_rows: NDArray[Any]
    frame: Any
    seconds: float
    interrupted: bool

    @property
    def baselines(self) -> dict[str, float]:
        """Scores of a linear model and of the trivial guess, by their names."""
        classes = self.task == "classification"
        return {
            "logistic regression" if classes else "ridge regression": self.linear,
            "the commonest class" if classes else "the mean": self.trivial,
        }


@dataclass(frozen=True)
class LearnableTable:
    """The rows of a table that have a target.

    Attributes
    ----------
    frame : DataFrame
        Those rows, with all columns.
    inputs : DataFrame
        The columns to predict from.
    labels : Series
        The column to predict.
    target, task : str
    """

    frame: Any
    inputs: Any
    labels: Any
    target: str
    task: str


def choose_target(table: Table, target: str | None) -> str:
    """The column to predict: the one named, the table's own, or the last."""
    names = [str(name) for name in table.frame.columns]
    if target is None:
        return table.target or names[-1]
    if target not in names:
        listed = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
        raise DataError(f"{table.name} has no column {target!r}; its columns are {listed}")
    return target


def choose_task(column: Any) -> str:
    """Classification for text, truth values and few whole numbers; else regression."""
    if column.dtype == bool or not is_numeric(column):
        return "classification"
    values = as_numbers(column, True)
    values = values[~np.isnan(values)]
    # Whole numbers are with_row_numbers as such: float64 may not tell them apart
    distinct = column.nunique() if column.dtype.kind in "iu" else len(np.unique(values))
    few = distinct <= min(FEW_VALUES, max(2, len(values) // 5))
    return "classification" if few and np.all(values % 1 == 0) else "regression"


def learnable_table(
    table: Table,
    target: str | None,
    task: str | None,
    options: TrainOptions,
    min_rows: int = MIN_ROWS,
    purpose: str = "train and test on",
) -> LearnableTable:
    """Check which column is to be predicted from which, and leave out rows without a target.

    Raises
    ------
    DataError
        If a column is not there, or too few rows have a target.
    """
    target = choose_target(table, target)
    for name in (*options.drop, *options.categorical_features):
        choose_target(table, name)
    if target in options.drop:
        raise DataError(f"column {target!r} is the target: it cannot be left out as well")
    frame = with_row_numbers(table.frame)
    frame = frame[frame[target].notna()]
    if len(frame) < min_rows:
        raise DataError(
            f"{len(frame)} rows with a value of {target!r} are too few to {purpose}: give at least "
            f"{min_rows}"
        )
    task = task or (table.task if target == table.target else None) or choose_task(frame[target])
    inputs = frame.drop(columns=[target, *options.drop])
    return LearnableTable(frame, inputs, frame[target], target, task)


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
    rows = learnable_table(table, target, task, options)
    train_rows, test_rows = split_rows(
        rows.labels, rows.task, options.test_fraction, options.random_state
    )
    y = _checked_targets(rows, train_rows)
    model = make_estimator(rows.task, options)
    start = perf_counter()
    model.fit(rows.inputs.iloc[train_rows], y[train_rows])
    seconds = perf_counter() - start
    score = _score(rows.task, y[test_rows], model.predict(rows.inputs.iloc[test_rows]))
    x = model.features_(rows.inputs)
    trivial, linear = _baselines(rows.task, x, y, train_rows, test_rows, options.random_state)
    metric = "accuracy" if rows.task == "classification" else "R2"
    network = model.network_
    return TrainResult(
        model, rows.target, rows.task, metric, _resolved(options, network, len(train_rows)),
        score, trivial, linear, train_rows, test_rows, rows.frame.rename_axis(None), seconds,
        network.n_iter_ < network.max_iter,
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


def _checked_targets(rows: LearnableTable, train_rows: Any) -> Any:
    """Targets as the estimator takes them, refused where no regression could learn them."""
    target, labels = rows.target, rows.labels
    if rows.task == "classification":
        return as_texts(labels).astype(str)
    if is_date(labels):
        raise DataError(
            f"column {target!r} holds dates: a regression predicts numbers, such as days since a "
            "fixed day; add such a column, or choose another target"
        )
    y = as_numbers(labels, True)
    check_distinct(labels, y, f"column {target!r}")
    mean, deviation = mean_and_deviation(y[train_rows])
    if not deviation > 1e-12 * abs(mean):
        raise DataError(
            f"column {target!r} has the same value in every row, {y[0]:g}: there is nothing "
            "to predict; choose another target"
        )
    return y


def split_rows(labels: Any, task: str, fraction: float, seed: int) -> tuple[Any, Any]:
    """Rows to train on and rows to test on; classes in equal shares in both."""
    strata = None
    if task == "classification":
        texts = as_texts(labels)
        classes, counts = np.unique(texts.astype(str), return_counts=True)
        if len(classes) < 2:
            raise DataError(
                f"column {str(labels.name)!r} holds one class only, {str(classes[0])!r}: there is "
                "nothing to tell apart; choose another target"
            )
        if len(classes) > min(MAX_CLASSES, len(labels) // 2):
            raise DataError(
                f"column {str(labels.name)!r} holds {len(classes)} classes in {len(labels)} rows: "
                "is it an identifier? Choose another target, or --task regression for numbers"
            )
        if counts.min() >= 2 and len(labels) * fraction >= len(classes):
            strata = texts.astype(str)
    rows = np.arange(len(labels))
    train, test = model_selection.train_test_split(
        rows, test_size=fraction, random_state=seed, stratify=strata
    )
    return np.sort(train), np.sort(test)


def _score(task: str, truth: Any, predicted: Any) -> float:
    if task == "classification":
        return float(metrics.accuracy_score(truth, predicted))
    return r2(truth, predicted)


def _baselines(task: str, x: Any, y: Any, train: Any, test: Any, seed: int) -> tuple[float, float]:
    """Scores of the commonest class or the mean, and of a linear model."""
    if task == "classification":
        peers = [dummy.DummyClassifier(), linear_model.LogisticRegression(max_iter=200)]
    else:
        y = np.ldexp(y, -exponent(y[train]))  # squares stay in range, and no score changes
        peers = [dummy.DummyRegressor(), linear_model.Ridge()]
    some = np.random.default_rng(seed).permutation(train)[:MAX_LINEAR_ROWS]
    scores = []
    for peer in peers:
        if len(np.unique(y[some])) < 2:  # a single class among the rows: no line to draw
            peer = peers[0]
        with one_blas_thread, np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            peer.fit(x[some], y[some])
        scores.append(float(peer.score(x[test], y[test])))
    return scores[0], scores[1]
