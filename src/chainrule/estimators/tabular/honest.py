"""How much kinder a random split is than the use will be: one simple model, two splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn import ensemble

from .metrics import Answers, choose_metric, measure
from .splits import Rows
from .typed_columns import TypedColumn

MAX_ROWS = 10_000
MAX_COLUMNS = 200
MAX_LEVELS = 200  # of a category that boosted trees take as one; of more the number of the level
ROUNDS = 60
MAX_CLASSES = 20  # each round grows a tree for each
MODEL = "boosted trees, 60 rounds"


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


def boosted_model(task: str, categories: list[int], seed: int, rounds: int = ROUNDS) -> Any:
    """Boosted trees that take little time."""
    kind = (
        ensemble.HistGradientBoostingClassifier if task == "classification"
        else ensemble.HistGradientBoostingRegressor
    )  # fmt: skip
    return kind(
        max_iter=rounds, learning_rate=0.15, min_samples_leaf=10, early_stopping=False,
        categorical_features=categories or None, random_state=seed,
    )  # fmt: skip


def split_score(
    task: str, columns: Sequence[TypedColumn], y: Any, split: Rows, seed: int
) -> float:
    """The score of boosted trees that are fitted on one part of a split and tested on the other."""
    x, categories = boosted_features(columns)
    rng = np.random.default_rng(seed)
    train, test = (np.sort(rng.permutation(rows)[:MAX_ROWS]) for rows in split)
    metric = choose_metric(task, y)
    if task == "classification" and len(np.unique(y[train])) < 2:
        return float("nan")
    model = boosted_model(task, categories, seed).fit(x[train], y[train])
    return measure(metric, y[test], Answers.of(model, x[test]))


def honest_score(
    task: str, columns: Sequence[TypedColumn], y: Any, splits: tuple[Rows, Rows], seed: int,
    kind: str, column: str, option: str,
) -> HonestScore:  # fmt: skip
    """Score boosted trees on a random split and on an honest one."""
    random, honest = (split_score(task, columns, y, split, seed) for split in splits)
    metric = choose_metric(task, y)
    return HonestScore(kind, column, MODEL, metric, random, honest, option)
