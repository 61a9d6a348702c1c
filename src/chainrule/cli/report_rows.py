"""Which test rows a model gets most wrong, and how it does on groups of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lazy import LazyModule
from ..report import GroupScore, WrongRow
from .report_overview import printed
from .scores import Predictions

columns = LazyModule("chainrule.data.columns")
judging = LazyModule("chainrule.estimators.tabular.judging")

MOST_ROWS = 20
MOST_CELLS = 8  # columns that are shown of a row
LONGEST_CELL = 200
FEWEST_LEVELS, MOST_LEVELS = 2, 12  # of a column that makes groups
FEWEST_ROWS = 10  # of a group
MOST_COLUMNS = 4
MOST_TRIED = 100  # of the strongest columns
RESAMPLES = 500


def worst_rows(
    rows: Any, predictions: Predictions, strengths: Mapping[str, float], more: Sequence[str] = ()
) -> tuple[list[WrongRow], list[str]]:
    """The test rows that are farthest off, and the columns of their cells.

    Parameters
    ----------
    rows : DataFrame
        The test rows; its index counts the rows of the table from 0.
    predictions : Predictions
        For these rows.
    strengths : mapping of str to float
        Importances: the cells of the strongest columns are shown.
    more : sequence of str
        Columns to show before them, such as an identifier.
    """
    names = [name for name in more if name in rows.columns]
    strongest = sorted(strengths, key=lambda name: -strengths[name])
    names += [name for name in strongest if name in rows.columns and name not in names]
    names = names[:MOST_CELLS]
    truth, predicted = predictions.truth, predictions.predicted
    if predictions.classes:
        p = predictions.probabilities[np.arange(len(truth)), truth]
        wrong = np.flatnonzero(predicted != truth)
        order, errors = wrong[np.argsort(p[wrong], kind="stable")], p
        texts = np.asarray(predictions.classes, object)
        true_texts, predicted_texts = texts[truth], texts[predicted]
    else:
        errors = truth - predicted
        order = np.argsort(-np.abs(errors), kind="stable")
        order = order[errors[order] != 0]
        true_texts, predicted_texts = truth.tolist(), predicted.tolist()
    listed = [
        WrongRow(
            int(rows.index[k]) + 1, true_texts[k], predicted_texts[k],
            float(errors[k]), [_cell(rows[name].iloc[k]) for name in names],
        )
        for k in order[:MOST_ROWS].tolist()
    ]  # fmt: skip
    return listed, names


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN and NaT are not themselves
        return ""
    if isinstance(value, (float, np.floating)):
        x = float(value)
        if x % 1 == 0 and abs(x) < 1e15:
            return f"{x:.0f}"
        return f"{x:.1f}" if 1e5 <= abs(x) < 1e15 else f"{x:.5g}"
    text = str(value)
    if hasattr(value, "tzinfo"):  # a date, in UTC
        text = text.removesuffix("+00:00").removesuffix(" 00:00:00")
    return text[:LONGEST_CELL]


def group_scores(
    model: Any,
    rows: Any,
    predictions: Predictions,
    strengths: Mapping[str, float],
    chosen: Sequence[str] = (),
    seed: int = 0,
) -> tuple[list[GroupScore], str]:
    """Scores of the test rows by levels of columns of few texts, the worst first of each column.

    Of classes the accuracy, with Wilson's interval (1927); of numbers the mean absolute error, with
    one by bootstrap.

    Parameters
    ----------
    model : TabularClassifier or TabularRegressor
        Trained: it says how columns are read.
    rows : DataFrame
        The test rows.
    predictions : Predictions
    strengths : mapping of str to float
        Importances: of several columns the strongest are taken.
    chosen : sequence of str
        Columns that make groups in any case.
    seed : int
        Of the resamples.
    """
    classes = bool(predictions.classes)
    truth, predicted = predictions.truth, predictions.predicted
    values = (truth == predicted).astype(float) if classes else np.abs(truth - predicted)
    scores: list[GroupScore] = []
    strong = [name for name in strengths if strengths[name] > 0 and name in rows.columns]
    strong = sorted(strong, key=lambda name: -strengths[name])[:MOST_TRIED]
    known = {column.name: column for column in judging.model_columns(model, rows[strong])}
    known |= {name: _of_texts(rows[name]) for name in chosen if name in rows.columns}
    names = (*chosen, *strong)
    taken = 0
    for column in [known[name] for name in dict.fromkeys(names) if name in known]:
        if taken == MOST_COLUMNS + len(chosen):
            break
        is_group = column.is_text or column.is_whole
        if column.name not in chosen and not (
            is_group and FEWEST_LEVELS <= column.distinct <= MOST_LEVELS
        ):
            continue
        of_column = _of_column(column, values, classes, seed)
        if len(of_column) > 1:
            taken += 1
            scores += sorted(of_column, key=lambda group: group.score * (1 if classes else -1))
    return scores, "accuracy" if classes else "MAE"


def _of_texts(cells: Any) -> Any:
    """A column that the model does not read, as texts."""
    return judging.typed_column(cells, columns.learn_reading(cells, "text"))


def _of_column(column: Any, values: Any, classes: bool, seed: int) -> list[GroupScore]:
    groups = []
    for value in np.unique(column.known):
        of_group = values[column.values == value]
        if len(of_group) < FEWEST_ROWS:
            continue
        level = column.levels[int(value)] if column.is_text else printed(float(value), column.kind)
        score = float(of_group.mean())
        low, high = wilson(score, len(of_group)) if classes else _resampled(of_group, seed)
        groups.append(GroupScore(column.name, level, len(of_group), score, low, high))
    order = np.argsort([-group.rows for group in groups], kind="stable")[:MOST_LEVELS]
    return [groups[k] for k in order]


def wilson(share: float, rows: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share of so many rows.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(0.9, 50)]
    [0.786, 0.957]
    """
    middle = share + z * z / (2 * rows)
    half = z * np.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    whole = 1 + z * z / rows
    return float((middle - half) / whole), float((middle + half) / whole)


def _resampled(values: NDArray[np.float64], seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    size = min(len(values), 5_000)  # of more, an interval of this many is scaled
    means = rng.choice(values, (RESAMPLES, size)).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5]) - values.mean()
    shrunk = np.sqrt(size / len(values))
    return float(values.mean() + low * shrunk), float(values.mean() + high * shrunk)
