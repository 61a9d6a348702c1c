"""How much kinder a random split is than the use will be: one simple model, two splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn import ensemble

from ..sklearn_private import threadpool_controller
from .metrics import Answers, choose_metric, measure
from .splits import Rows
from .typed_columns import TypedColumn

MAX_ROWS = 10_000
MAX_COLUMNS = 200
MAX_LEVELS = 200  # of a category that boosted trees take as one; of more the number of the level
ROUNDS = 60
LEAF = 3  # rows: a network learns groups by heart, and so must the trees
FEW_CLASSES = 4  # each round grows a tree for each class: with more of them there are fewer rounds


@dataclass(frozen=True)
class HonestScore:
    """The score of a simple model on a random split, and on one like the later use.

    Attributes
    ----------
    kind : str
        "time" or "group".
    column : str
        The one that the rows are split by; empty for their order in the file.
    model : str
        The model that was fitted twice: not the network, which would take longer.
    metric : str
    random, honest : float
        Its score on test rows drawn at random, and on the latest rows or those of new groups.
    option : str
        The option of the command that tests the network in this way.
    """

    kind: str
    column: str
    model: str
    metric: str
    random: float
    honest: float
    option: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; a score that is not defined is null."""
        values = asdict(self)
        for name in ("random", "honest"):
            values[name] = values[name] if np.isfinite(values[name]) else None
        return values


def boosted_features(columns: Sequence[TypedColumn]) -> tuple[Any, list[int]]:
    """A matrix that boosted trees take, and which of its columns are categories."""
    some = columns[:: -(-len(columns) // MAX_COLUMNS)]
    matrix = np.column_stack([column.values for column in some])
    return matrix, [k for k, c in enumerate(some) if c.is_text and len(c.levels) <= MAX_LEVELS]


def boosted_model(
    task: str, categories: list[int], seed: int, x: Any, y: Any, rounds: int = ROUNDS
) -> Any:
    """Boosted trees that take little time, fitted on one thread: few rows want no more."""
    kind = (
        ensemble.HistGradientBoostingClassifier if task == "classification"
        else ensemble.HistGradientBoostingRegressor
    )  # fmt: skip
    model = kind(
        max_iter=rounds, learning_rate=0.1, min_samples_leaf=LEAF, early_stopping=False,
        categorical_features=categories or None, random_state=seed,
    )  # fmt: skip
    with threadpool_controller().limit(limits=1, user_api="openmp"):
        return model.fit(x, y)


def honest_score(
    task: str, columns: Sequence[TypedColumn], y: Any, splits: tuple[Rows, Rows], seed: int,
    kind: str, column: str, option: str,
) -> HonestScore:  # fmt: skip
    """Score boosted trees on a random split and on an honest one.

    Parameters
    ----------
    task : str
    columns : sequence of TypedColumn
    y : array, shape (rows,)
    splits : (rows, rows)
        The random one first.
    seed : int
    kind, column, option : str
        See `HonestScore`.
    """
    x, categories = boosted_features(columns)
    metric = choose_metric(task, y)
    classes = len(np.unique(y)) if task == "classification" else 1
    rounds = max(10, ROUNDS * FEW_CLASSES // max(FEW_CLASSES, classes))
    rng = np.random.default_rng(seed)
    scores = []
    for split in splits:
        train, test = (np.sort(rng.permutation(rows)[:MAX_ROWS]) for rows in split)
        if task == "classification" and len(np.unique(y[train])) < 2:
            scores.append(float("nan"))
            continue
        model = boosted_model(task, categories, seed, x[train], y[train], rounds)
        scores.append(measure(metric, y[test], Answers.of(model, x[test])))
    name = f"boosted trees of {rounds} rounds"
    return HonestScore(kind, column, name, metric, scores[0], scores[1], option)
