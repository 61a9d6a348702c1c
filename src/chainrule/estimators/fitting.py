"""From a table to a trained and tested model: what `chainrule train` does, as functions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..data import Features, Table
from ..data.features import as_numbers, as_texts, is_numeric
from ..errors import DataError
from ..lazy import LazyModule
from ..losses import softmax_cross_entropy, squared_error
from ..nn import MLP
from ..optim import adamw, cosine_decay
from ..random import key
from ..train import FitResult, fit
from .tabular import TabularModel

Frame: TypeAlias = Any

model_selection = LazyModule("sklearn.model_selection")
dummy = LazyModule("sklearn.dummy")
linear_model = LazyModule("sklearn.linear_model")
metrics = LazyModule("sklearn.metrics")

MOST_CLASSES = 1000
FEW_VALUES = 20  # whole numbers with no more distinct values than this count as classes
FEWEST_ROWS = 10
LARGEST_TABLE = 20_000  # rows on which the linear model is fitted; more change little
FEW_ROWS = 1000  # below it more is held out, and the loss decides: accuracy is too coarse
FEWEST_STEPS = 2000  # small tables take more epochs


@dataclass(frozen=True)
class Settings:
    """How to train; the defaults suit tables of hundreds to some hundred thousand rows.

    Attributes
    ----------
    hidden : tuple of int
        Sizes of the hidden layers.
    epochs : int or None
        At most. None: 60, or for small tables what makes 2,000 steps.
    batch_size : int
    rate, weight_decay : float
        Of AdamW; the rate falls to zero along a cosine.
    patience : int or None
        Stop after so many epochs without better weights on the validation rows. None: train all
        epochs on all training rows.
    test_fraction, validation_fraction : float
        Of all rows; of the training rows (twice that below 1,000 rows).
    seed : int
        Of the splits, the first weights and the shuffling.
    """

    hidden: tuple[int, ...] = (128, 64)
    epochs: int | None = None
    batch_size: int = 32
    rate: float = 2e-3
    weight_decay: float = 0.02
    patience: int | None = 15
    test_fraction: float = 0.2
    validation_fraction: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class Tested:
    """A trained model and how it does on rows that it has never seen.

    Attributes
    ----------
    model : TabularModel
    metric : str
        ``"accuracy"`` or ``"R2"`` (1 is perfect, 0 is the mean).
    score, trivial, linear : float
        On the test rows: the network's; that of the commonest class or the mean; that of a
        logistic or ridge regression.
    train_rows, test_rows : int
    result : FitResult
    seconds : float
        For training the network.
    """

    model: TabularModel
    metric: str
    score: float
    trivial: float
    linear: float
    train_rows: int
    test_rows: int
    result: FitResult
    seconds: float


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
    values = as_numbers(column)
    values = values[~np.isnan(values)]
    few = len(np.unique(values)) <= min(FEW_VALUES, max(2, len(values) // 5))
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
    """Train a multilayer perceptron on a table and test it on rows set aside.

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
    >>> tested.metric, tested.test_rows, tested.score > 0.9, round(tested.trivial, 2)
    ('accuracy', 30, True, 0.33)
    """
    settings = Settings() if settings is None else settings
    target = choose_target(table, target)
    for name in (*drop, *category):
        choose_target(table, name)
    if target in drop:
        raise DataError(f"column {target!r} is the target: it cannot be left out as well")
    frame = table.frame[table.frame[target].notna()]
    if len(frame) < FEWEST_ROWS:
        raise DataError(
            f"{len(frame)} rows with a value of {target!r} are too few to train and test on: "
            f"give at least {FEWEST_ROWS}"
        )
    task = task or (table.task if target == table.target else None) or choose_task(frame[target])
    inputs = frame.drop(columns=[target, *drop])
    labels = frame[target]
    train_rows, test_rows = _split(labels, task, settings.test_fraction, settings.seed)
    model = _untrained(
        inputs.iloc[train_rows], labels, train_rows, target, task, category, settings
    )
    x, y = model.features(inputs), model.encode(labels)
    start = perf_counter()
    result = _train(model, x[train_rows], y[train_rows], settings, progress)
    seconds = perf_counter() - start
    model = TabularModel(model.features, target, model.classes, model.center, model.spread,
                         result.model)  # fmt: skip
    score = _score(model, labels.iloc[test_rows], model.predict(inputs.iloc[test_rows]))
    trivial, linear = _baselines(model, x, y, train_rows, test_rows, settings.seed)
    metric = "accuracy" if model.classes else "R2"
    return Tested(model, metric, score, trivial, linear, len(train_rows), len(test_rows), result,
                  seconds)  # fmt: skip


def _split(labels: Any, task: str, fraction: float, seed: int) -> tuple[Any, Any]:
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


def _untrained(
    inputs: Frame, labels: Any, rows: Any, target: str, task: str, category: Collection[str],
    settings: Settings,
) -> TabularModel:  # fmt: skip
    features = Features.learn(inputs, category)
    classes: tuple[str, ...] = ()
    center, spread = 0.0, 1.0
    if task == "classification":
        classes = tuple(_in_order(set(as_texts(labels))))
    else:
        values = as_numbers(labels)[rows]
        center, spread = float(np.mean(values)), float(np.std(values))
        if not spread > 1e-12 * abs(center):
            raise DataError(
                f"column {target!r} has the same value in every row, {center:g}: there is nothing "
                "to predict; choose another target"
            )
    network = MLP(features.width, settings.hidden, len(classes) or 1, key=key(settings.seed))
    return TabularModel(features, target, classes, center, spread, network)


def _in_order(classes: set[str]) -> list[str]:
    """By number if all are numbers, else by alphabet."""
    try:
        return sorted(classes, key=float)
    except ValueError:
        return sorted(classes)


def _train(model: TabularModel, x: Any, y: Any, settings: Settings, progress: bool) -> FitResult:
    rows, held = np.arange(len(x)), None
    few = len(x) < FEW_ROWS
    count = round(len(x) * settings.validation_fraction * (2 if few else 1))
    validation = None
    if settings.patience is not None and count:
        strata = y if model.classes and count >= len(model.classes) else None
        if strata is not None and np.min(np.bincount(strata)[np.unique(strata)]) < 2:
            strata = None
        rows, held = model_selection.train_test_split(
            rows, test_size=count, random_state=settings.seed, stratify=strata
        )
        validation = (x[held], y[held])
    turns = -(-len(rows) // settings.batch_size)
    epochs = max(60, FEWEST_STEPS // turns) if settings.epochs is None else settings.epochs
    return fit(
        model.network,
        x[rows],
        y[rows],
        loss=softmax_cross_entropy if model.classes else squared_error,
        optimizer=adamw(
            cosine_decay(settings.rate, max(epochs * turns, 1)), weight_decay=settings.weight_decay
        ),
        epochs=epochs,
        batch_size=min(settings.batch_size, len(rows)),
        validation_data=validation,
        patience=None if validation is None else settings.patience,
        seed=settings.seed,
        score=_accuracy if model.classes and not few else None,
        progress=progress,
    )


def _accuracy(outputs: NDArray[Any], labels: NDArray[Any]) -> float:
    return float(np.mean(np.argmax(outputs, axis=1) == labels))


def _score(model: TabularModel, truth: Any, predicted: NDArray[Any]) -> float:
    if model.classes:
        return float(metrics.accuracy_score(list(as_texts(truth)), list(predicted)))
    return float(metrics.r2_score(as_numbers(truth), predicted))


def _baselines(
    model: TabularModel, x: Any, y: Any, train: Any, test: Any, seed: int
) -> tuple[float, float]:
    """Scores of the commonest class or the mean, and of a linear model."""
    if model.classes:
        peers = [dummy.DummyClassifier(), linear_model.LogisticRegression(max_iter=200)]
    else:
        peers = [dummy.DummyRegressor(), linear_model.Ridge()]
        y = y[:, 0]
    some = np.random.default_rng(seed).permutation(train)[:LARGEST_TABLE]
    scores = []
    for peer in peers:
        if len(np.unique(y[some])) < 2:  # a single class among the rows: no line to draw
            peer = peers[0]
        with np.errstate(all="ignore"):
            peer.fit(x[some], y[some])
        scores.append(float(peer.score(x[test], y[test])))
    return scores[0], scores[1]
