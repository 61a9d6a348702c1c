"""Models to compare the network with, fitted on the same rows: boosting, a linear one, a guess."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import dummy, ensemble, linear_model
from sklearn.feature_selection import f_classif, f_regression

from ...data.moments import exponent
from ...memory import return_freed_memory
from ..inputs.blas import one_blas_thread
from ..inputs.rows import pieces, rows_of
from ..sklearn_private import threadpool_controller
from .metrics import Answers
from .typed_columns import Floats, TypedColumn

BOOSTING = "HistGradientBoosting"
TRIVIAL = {"classification": "the commonest class", "regression": "the mean"}
LINEAR = {"classification": "logistic regression", "regression": "ridge regression"}

MAX_LINEAR_ROWS = 20_000  # the linear model is fitted on so many rows; more change little
MAX_LINEAR_CELLS = 10_000_000
MAX_BOOSTED_CLASSES = 100  # each iteration grows a tree for each class
MAX_LEVELS = 254  # of a column: boosting has 255 bins, one of them for what is missing
ITERATIONS, RATE = 100, 0.1  # scikit-learn's defaults
MIN_ITERATIONS = 25
BUDGET = 300  # trees of an iteration times columns: as many take 100 iterations in about 2 s
# With more than two classes, one of them rare, scikit-learn's default of 0 lets single leaves grow
# without bound: of wine_quality it got 0.52, 0.67 and 0.57 of the rows right with three seeds; with
# 1 it is 0.66 with each.
L2 = 1.0
MOST_SHARES = 4  # of the budget: beyond it, columns are left out
FEW_CELLS = 1_000_000  # below it threads cost more than they bring
MAX_HALVED_ROWS = 10_000  # of larger tables half of the rows says little of more rows


@dataclass(frozen=True)
class Baselines:
    """What simpler models say of the test rows.

    Attributes
    ----------
    answers : dict of Answers
        By the model's name: boosting if it was fitted, the linear model, the trivial guess.
    half : Answers or None
        Those of boosting that was fitted on half of the training rows.
    notes : tuple of str
        Where a model was fitted on less, or otherwise than by its defaults.
    """

    answers: Mapping[str, Answers]
    half: Answers | None = None
    notes: tuple[str, ...] = ()


def fit_baselines(
    task: str,
    x: Any,
    columns: Sequence[TypedColumn],
    y: Any,
    train: Any,
    test: Any,
    seed: int = 0,
) -> Baselines:
    """Fit the baselines on the training rows and ask them about the test rows.

    Parameters
    ----------
    task : str
        ``"classification"`` or ``"regression"``.
    x : array of float32, shape (rows, features), or CompactFeatures
        The features that the network gets: for the linear model.
    columns : sequence of TypedColumn
        The columns that it is trained from: for boosting, which is told the categories.
    y : array, shape (rows,)
    train, test : array of int
        Which rows are which.
    seed : int
        Of the rows that are drawn where there are too many. Default 0.

    Examples
    --------
    >>> x = np.linspace(0.0, 1.0, 200)
    >>> rows = np.arange(200)
    >>> baselines = fit_baselines(
    ...     "regression", x[:, None], [TypedColumn("x", "number", x)], x**2, rows[::2], rows[1::2]
    ... )
    >>> list(baselines.answers)
    ['HistGradientBoosting', 'ridge regression', 'the mean']
    >>> errors = baselines.answers["HistGradientBoosting"].predicted - x[1::2] ** 2
    >>> bool(np.abs(errors).mean() < 0.05)
    True
    """
    power = exponent(y[train]) if task == "regression" else 0
    scaled = np.ldexp(y, -power) if task == "regression" else y  # squares stay in range
    rng = np.random.default_rng(seed)
    boosting = boosted(task, columns, scaled, train, test)
    most = min(MAX_LINEAR_ROWS, max(1_000, MAX_LINEAR_CELLS // max(1, x.shape[1])))
    guess, line = _simple(task, x, scaled, rng.permutation(train)[:most], train, test)
    notes = boosting.notes
    if most < len(train):
        notes += (f"The {LINEAR[task]} was fitted on {most:,} rows.",)
    named = {**boosting.answers, LINEAR[task]: line, TRIVIAL[task]: guess}
    return Baselines(
        {name: _in_units(answers, power) for name, answers in named.items()},
        None if boosting.half is None else _in_units(boosting.half, power), notes,
    )  # fmt: skip


def _in_units(answers: Answers, power: int) -> Answers:
    """Predictions of a target that had a power of two taken out."""
    if answers.probabilities is not None or not power:
        return answers
    return Answers(np.ldexp(np.asarray(answers.predicted, np.float64), power))


def _simple(task: str, x: Any, y: Any, some: Any, train: Any, test: Any) -> tuple[Answers, Answers]:
    """The answers of the trivial guess, and of the linear model of some of the training rows."""
    classes = task == "classification"
    trivial = dummy.DummyClassifier() if classes else dummy.DummyRegressor()
    linear = linear_model.LogisticRegression(max_iter=200) if classes else linear_model.Ridge()
    if len(np.unique(y[some])) < 2:  # a single class among the rows: no line to draw
        linear = trivial
    with one_blas_thread, np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of lines that do not converge, of many classes
        nothing = np.broadcast_to(np.float32(0.0), (len(train), x.shape[1]))
        guess = _asked(trivial.fit(nothing, y[train]), x, test)
        line = _asked(linear.fit(x[some], y[some]), x, test)
    return guess, line


def _asked(model: Any, x: Any, test: Any) -> Answers:
    """The answers of a model, some rows at a time."""
    parts = [Answers.of(model, part) for _, part in pieces(rows_of(x, test), 1)]
    if len(parts) == 1:
        return parts[0]
    p = None if parts[0].probabilities is None else np.concatenate([p.probabilities for p in parts])
    return Answers(np.concatenate([part.predicted for part in parts]), p, parts[0].classes)


def boosted(task: str, columns: Sequence[TypedColumn], y: Any, train: Any, test: Any) -> Baselines:
    """The answers of boosting, as far as it can be had in some seconds."""
    notes = []
    trees = len(np.unique(y[train])) if task == "classification" else 1
    trees = 1 if trees == 2 else trees
    if trees > MAX_BOOSTED_CLASSES:
        return Baselines({}, None, (
            f"{BOOSTING} was left out: it would grow {trees} trees in each iteration, one for "
            "each class.",
        ))  # fmt: skip
    if task == "classification" and len(np.unique(y[train])) < 2:
        return Baselines({})
    chosen: Sequence[TypedColumn] = columns
    if trees * len(chosen) > MOST_SHARES * BUDGET:
        chosen = _strongest(task, chosen, y, train, max(20, MOST_SHARES * BUDGET // trees))
    if len(chosen) < len(columns):
        notes.append(
            f"{BOOSTING} was fitted on the {len(chosen)} columns of {len(columns):,} that say most "
            "of the target by themselves."
        )
    settings = {"max_iter": ITERATIONS, "learning_rate": RATE}
    if trees > 1:
        settings["l2_regularization"] = L2
    share = BUDGET / (trees * max(1, len(chosen)))
    if share < 1:
        settings["max_iter"] = max(MIN_ITERATIONS, round(ITERATIONS * share))
        settings["learning_rate"] = round(RATE * min(3.0, ITERATIONS / settings["max_iter"]), 3)
        notes.append(
            f"{BOOSTING} had {settings['max_iter']} iterations at a learning rate of "
            f"{settings['learning_rate']:g}, rather than its default of {ITERATIONS} at {RATE:g}, "
            "to take no longer than the network."
        )
    x, categorical = boosting_columns(chosen, train, test)
    return_freed_memory()
    fit, ask = x[: len(train)], x[len(train) :]
    answers = _boost(task, fit, y[train], categorical, settings, ask)
    half = None
    part = _half(task, y[train]) if len(train) <= MAX_HALVED_ROWS and share >= 1 else None
    if part is not None:
        half = _boost(task, fit[part], y[train][part], categorical, settings, ask)
    return Baselines({BOOSTING: answers}, half, tuple(notes))


def _half(task: str, y: Any) -> Any:
    """Half of the rows, at random; None where a class would be lost."""
    part = np.sort(np.random.default_rng(0).permutation(len(y))[::2])
    lost = task == "classification" and len(np.unique(y[part])) < len(np.unique(y))
    return None if lost or len(part) < 20 else part


def _boost(task: str, x: Any, y: Any, categorical: Any, settings: Any, ask: Any) -> Answers:
    classes = task == "classification"
    kind = (
        ensemble.HistGradientBoostingClassifier
        if classes
        else ensemble.HistGradientBoostingRegressor
    )
    # scikit-learn's split for early stopping refuses a class of a single row
    alone = classes and np.unique(y, return_counts=True)[1].min() < 2
    model = kind(
        categorical_features=categorical, random_state=0,
        early_stopping=False if alone else "auto", **settings,
    )  # fmt: skip
    threads = 1 if x.size < FEW_CELLS else None
    limited = threadpool_controller().limit(limits=threads, user_api="openmp")
    with limited, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Answers.of(model.fit(x, y), ask)


def boosting_columns(
    columns: Sequence[TypedColumn], train: Any, test: Any
) -> tuple[Floats, list[bool]]:
    """Training rows above test rows, and which columns are categories.

    A category's texts are numbered by how often the training rows have them; beyond the 254
    commonest, and where the training has none, the cell is missing.

    Examples
    --------
    >>> colour = TypedColumn("colour", "text", np.array([0.0, 1.0, 1.0, 2.0]), ("a", "b", "c"))
    >>> boosting_columns([colour], [0, 1, 2], [3])
    (array([[ 1.],
           [ 0.],
           [ 0.],
           [nan]]), [True])
    """
    both = np.concatenate([train, test])
    x = np.empty((len(both), len(columns)))
    categorical = []
    for k, column in enumerate(columns):
        categorical.append(column.is_text)
        values = column.values[both]
        x[:, k] = _by_frequency(values, len(train)) if column.is_text else values
    return x, categorical


def _by_frequency(codes: Floats, n_train: int) -> Floats:
    """Codes by how often the first rows have them; NaN for those that they have not."""
    known = codes[:n_train]
    levels, counts = np.unique(known[~np.isnan(known)], return_counts=True)
    common = levels[np.argsort(-counts, kind="stable")[:MAX_LEVELS]]
    new = np.full(codes.shape, np.nan)
    for code, level in enumerate(common):
        new[codes == level] = code
    return new


def _strongest(
    task: str, columns: Sequence[TypedColumn], y: Any, rows: Any, most: int
) -> list[TypedColumn]:
    """The columns that say most of the target by themselves, by an F test, in their order."""
    x = np.stack([column.values[rows] for column in columns], axis=1)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        means = np.nan_to_num(np.nanmean(x, axis=0))
        x = np.where(np.isnan(x), means, x)
        strengths = (f_classif if task == "classification" else f_regression)(x, y[rows])[0]
    order = np.argsort(-np.nan_to_num(strengths, nan=-1.0, posinf=np.inf), kind="stable")
    return [columns[k] for k in np.sort(order[:most])]
