"""From a table to a trained and tested model: what `chainrule train` does, as functions."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import dataclass
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
from .estimators import TabularClassifier, TabularRegressor

MOST_CLASSES = 1000
FEW_VALUES = 20  # whole numbers with no more distinct values than this count as classes
FEWEST_ROWS = 10
LARGEST_TABLE = 20_000  # rows on which the linear model is fitted; more change little


@dataclass(frozen=True)
class Settings:
    """How to train; the defaults suit tables of hundreds to some hundred thousand rows.

    Attributes
    ----------
    hidden : tuple of int
        Sizes of the hidden layers.
    members, epochs, batch_size : int or None
        Networks whose answers are averaged, and how long they train. None: what suits the number
        of rows; see `TabularClassifier`.
    rate, weight_decay : float
        Of AdamW; the rate falls to zero along a cosine.
    test_fraction : float
        Of all rows.
    validation_fraction : float or None
        Of the training rows. None: a tenth, a fifth below 1,000 rows. 0: train on all of them.
    seed : int
        Of the splits, the first weights and the shuffling.
    """

    hidden: tuple[int, ...] = (128, 128, 128)
    members: int | None = None
    epochs: int | None = None
    batch_size: int | None = None
    rate: float = 0.004
    weight_decay: float = 0.02
    test_fraction: float = 0.2
    validation_fraction: float | None = None
    seed: int = 0

    def estimator(
        self, task: str, category: Collection[str] = (), progress: bool = True
    ) -> Tabular:
        """The estimator, not trained yet."""
        kind = TabularClassifier if task == "classification" else TabularRegressor
        return kind(
            hidden_layer_sizes=self.hidden, n_members=self.members, max_iter=self.epochs,
            batch_size=self.batch_size, learning_rate_init=self.rate,
            weight_decay=self.weight_decay, validation_fraction=self.validation_fraction,
            categorical_features=tuple(category), random_state=self.seed, progress=progress,
        )  # fmt: skip


@dataclass(frozen=True)
class Tested:
    """A trained model and how it does on rows that it has never seen.

    Attributes
    ----------
    model : TabularClassifier or TabularRegressor
    target : str
        The column that it predicts.
    task, metric : str
        ``"classification"`` and ``"accuracy"``, or ``"regression"`` and ``"R2"`` (1 is perfect, 0
        is the mean).
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
    score: float
    trivial: float
    linear: float
    train_rows: NDArray[Any]
    test_rows: NDArray[Any]
    frame: Any
    seconds: float
    interrupted: bool


def choose_target(table: Table, target: str | None) -> str:
    """The column to predict: the one named, the table's own, or the last."""
    names = [str(name) for name in table.frame.columns]
    if target is None:
        return table.target or names[-1]
    if target not in names:
        shown = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
        raise DataError(f"{table.name} has no column {target!r}; its columns are {shown}")
    return target


def choose_task(column: Any) -> str:
    """Classification for text, truth values and few whole numbers; else regression."""
    if column.dtype == bool or not is_numeric(column):
        return "classification"
    values = as_numbers(column, True)
    values = values[~np.isnan(values)]
    # Whole numbers are counted as such: float64 may not tell them apart
    distinct = column.nunique() if column.dtype.kind in "iu" else len(np.unique(values))
    few = distinct <= min(FEW_VALUES, max(2, len(values) // 5))
    return "classification" if few and np.all(values % 1 == 0) else "regression"


def fit_table(
    table: Table,
    target: str | None = None,
    task: str | None = None,
    settings: Settings | None = None,
    drop: Collection[str] = (),
    category: Collection[str] = (),
    progress: bool = True,
) -> Tested:
    """Train a network on a table and test it on rows set aside.

    Parameters
    ----------
    table : Table
    target : str, optional
        The column to predict. Default: the built-in set's own, or the last column.
    task : str, optional
        ``"classification"`` or ``"regression"``. Default: told from the target's values.
    settings : Settings, optional
    drop, category : collection of str
        Columns to leave out; columns of numbers to treat as text.
    progress : bool
        Show a bar. Default True.

    Returns
    -------
    Tested

    Raises
    ------
    DataError
        If the table cannot be learned from, with what to do about it.

    Examples
    --------
    >>> from chainrule.data import read_table
    >>> tested = fit_table(read_table("iris"), progress=False)
    >>> tested.metric, len(tested.test_rows), tested.score > 0.9, round(tested.trivial, 2)
    ('accuracy', 30, True, 0.33)
    """
    settings = Settings() if settings is None else settings
    target = choose_target(table, target)
    for name in (*drop, *category):
        choose_target(table, name)
    if target in drop:
        raise DataError(f"column {target!r} is the target: it cannot be left out as well")
    frame = with_row_numbers(table.frame)
    frame = frame[frame[target].notna()]
    if len(frame) < FEWEST_ROWS:
        raise DataError(
            f"{len(frame)} rows with a value of {target!r} are too few to train and test on: "
            f"give at least {FEWEST_ROWS}"
        )
    task = task or (table.task if target == table.target else None) or choose_task(frame[target])
    inputs, labels = frame.drop(columns=[target, *drop]), frame[target]
    train_rows, test_rows = split_rows(labels, task, settings.test_fraction, settings.seed)
    if task == "regression" and is_date(labels):
        raise DataError(
            f"column {target!r} holds dates: a regression predicts numbers, such as days since a "
            "fixed day; add such a column, or choose another target"
        )
    y = as_texts(labels).astype(str) if task == "classification" else as_numbers(labels, True)
    if task == "regression":
        check_distinct(labels, y, f"column {target!r}")
        mean, deviation = mean_and_deviation(y[train_rows])
        if not deviation > 1e-12 * abs(mean):
            raise DataError(
                f"column {target!r} has the same value in every row, {y[0]:g}: there is nothing "
                "to predict; choose another target"
            )
    model = settings.estimator(task, category, progress)
    start = perf_counter()
    model.fit(inputs.iloc[train_rows], y[train_rows])
    seconds = perf_counter() - start
    score = _score(task, y[test_rows], model.predict(inputs.iloc[test_rows]))
    x = model.features_(inputs)
    trivial, linear = _baselines(task, x, y, train_rows, test_rows, settings.seed)
    metric = "accuracy" if task == "classification" else "R2"
    network = model.network_
    return Tested(
        model, target, task, metric, score, trivial, linear, train_rows, test_rows,
        frame.rename_axis(None), seconds, network.n_iter_ < network.max_iter,
    )  # fmt: skip


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
        if len(classes) > min(MOST_CLASSES, len(labels) // 2):
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
    some = np.random.default_rng(seed).permutation(train)[:LARGEST_TABLE]
    scores = []
    for peer in peers:
        if len(np.unique(y[some])) < 2:  # a single class among the rows: no line to draw
            peer = peers[0]
        with one_blas_thread, np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            peer.fit(x[some], y[some])
        scores.append(float(peer.score(x[test], y[test])))
    return scores[0], scores[1]
