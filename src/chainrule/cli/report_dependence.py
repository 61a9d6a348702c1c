"""Partial dependence: how a model's answers change when one column is set to other values.

J. Friedman: "Greedy function approximation: a gradient boosting machine", 2001, section 8.2; the
bands are of A. Goldstein et al.: "Peeking inside the black box", arXiv:1309.6392.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lazy import LazyModule
from ..report import Dependence

pd = LazyModule("pandas")
judging = LazyModule("chainrule.estimators.tabular.judging")

MOST_COLUMNS = 6
MOST_TRIED = 12
GRID = 16  # values of a column of numbers
MOST_LEVELS = 20  # that are tried; those that the model does not tell apart are one
MOST_DIFFERENT = 0.3  # of the cells of a column of texts, and so many levels more
MAX_ROWS = 200  # whose answers are averaged
MOST_OUTPUTS = 3  # classes that are drawn, of more than two
INNER = (0.02, 0.98)  # of the values, between which the curve is drawn
FLAT = 1e-6
WEAK = 0.02  # of the largest effect: weaker ones are left out
BAND = (10, 90)  # per cent of the rows

Floats = NDArray[np.float64]


def dependences(
    model: Any,
    inputs: Any,
    strengths: Mapping[str, float],
    target: str = "",
) -> list[Dependence]:
    """The curves of the strongest columns.

    Parameters
    ----------
    model : TabularClassifier or TabularRegressor
    inputs : DataFrame
        Rows with the columns of the training.
    strengths : mapping of str to float
        Importances.
    target : str
        The name of what is predicted.
    """
    chosen = [
        name for name in sorted(strengths, key=lambda name: -strengths[name])
        if strengths[name] > 0 and name in inputs.columns
    ][:MOST_TRIED]  # fmt: skip
    if not chosen or not len(inputs):
        return []
    rng = np.random.default_rng(0)
    some = inputs.iloc[np.sort(rng.permutation(len(inputs))[:MAX_ROWS])]
    columns = {column.name: column for column in judging.model_columns(model, inputs[chosen])}
    curves: list[Dependence] = []
    for name in chosen:
        if name in columns and len(curves) < MOST_COLUMNS:
            curve = _dependence(model, some, inputs[name], columns[name], target)
            curves += [] if curve is None else [curve]
    effects = [float(np.ptp(next(iter(curve.curves.values())))) for curve in curves]
    largest = max(effects, default=0.0)
    return [curve for curve, effect in zip(curves, effects, strict=True) if effect > WEAK * largest]


def _dependence(model: Any, some: Any, cells: Any, column: Any, target: str) -> Dependence | None:
    """The curve of one column; None if it has a single value, is flat, or of mostly new texts."""
    if column.is_text and column.distinct > MOST_LEVELS + MOST_DIFFERENT * len(column.known):
        return None  # names and the like: a few of them say nothing of the others
    positions = _positions(column)
    if len(positions) < 2:
        return None
    answers = _answers(model, some, column.name, cells.iloc[positions])
    names, of_output = _outputs(model, answers, target)
    first = of_output[0]
    curve = first.mean(axis=1)
    if np.ptp(curve) <= FLAT * max(1.0, float(np.abs(curve).max())):
        return None  # such as that of levels that the model does not tell apart
    # each row's answers around its own mean, put at the mean of all
    centred = first - first.mean(axis=0) + curve.mean()
    low, high = np.percentile(centred, BAND, axis=1)
    if hasattr(model, "classes_"):  # a mean that was moved may leave the probabilities
        low, high = low.clip(0.0, 1.0), high.clip(0.0, 1.0)
    values = column.values[positions]
    is_text = column.is_text
    at: Any = [column.levels[int(k)] for k in values] if is_text else values.tolist()
    if is_text:
        at, first_of = _alike(at, curve)
        of_output = [each[first_of] for each in of_output]
        low, high = low[first_of], high[first_of]
    return Dependence(
        column.name, at,
        {name: each.mean(axis=1).tolist() for name, each in zip(names, of_output, strict=True)},
        low.tolist(), high.tolist(), column.kind == "date",
    )  # fmt: skip


def _alike(levels: list[str], curve: Floats) -> tuple[list[str], NDArray[np.int64]]:
    """Levels with the same answer as one, and the first of each.

    Examples
    --------
    >>> _alike(["a", "b", "c"], np.array([0.5, 0.2, 0.5]))[0]
    ['a and 1 more', 'b']
    """
    _, first, of_level = np.unique(curve.round(9), return_index=True, return_inverse=True)
    counts = np.bincount(of_level.ravel())
    order = np.argsort(first)
    names = [
        levels[first[k]] + (f" and {counts[k] - 1} more" if counts[k] > 1 else "") for k in order
    ]
    return names, first[order]


def _positions(column: Any) -> NDArray[np.int64]:
    """Rows whose cells stand for the values that are tried: spread evenly, or the commonest."""
    values = column.values
    known = np.flatnonzero(~np.isnan(values))
    if column.is_text:
        _, first, counts = np.unique(values[known], return_index=True, return_counts=True)
        order = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
        return np.asarray(known[first[order]])
    order = known[np.argsort(values[known], kind="stable")]
    if column.distinct <= GRID:
        _, first = np.unique(values[order], return_index=True)
        return np.asarray(order[first])
    inner = (len(order) - 1) * np.linspace(*INNER, GRID)
    chosen = order[inner.round().astype(int)]
    _, first = np.unique(values[chosen], return_index=True)
    return np.asarray(chosen[first])


def _answers(model: Any, some: Any, name: str, cells: Any) -> Floats:
    """What the model says of each row with each of these cells, shape (cells, rows, outputs)."""
    repeated = pd.concat([some] * len(cells), ignore_index=True)
    filled = cells.take(np.repeat(np.arange(len(cells)), len(some)))
    repeated[name] = filled.reset_index(drop=True)
    ask = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    return np.asarray(ask(repeated), np.float64).reshape(len(cells), len(some), -1)


def _outputs(model: Any, answers: Floats, target: str) -> tuple[list[str], list[Floats]]:
    """The outputs to draw: the target, the second of two classes, or those that change most."""
    classes = [str(name) for name in getattr(model, "classes_", ())]
    if not classes:
        return [f"mean predicted {target}"], [answers[:, :, 0]]
    if len(classes) == 2:
        return [f"probability of {classes[1]}"], [answers[:, :, 1]]
    spread = np.ptp(answers.mean(axis=1), axis=0)
    order = np.argsort(-spread, kind="stable")[:MOST_OUTPUTS]
    return [classes[k] for k in order], [answers[:, :, k] for k in order]
