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
GRID = 16  # values of a column of numbers
MOST_LEVELS = 10
MAX_ROWS = 200  # whose answers are averaged
MOST_OUTPUTS = 3  # classes that are drawn, of more than two
INNER = (0.02, 0.98)  # of the values, between which the curve is drawn
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
    ][:MOST_COLUMNS]  # fmt: skip
    if not chosen or not len(inputs):
        return []
    rng = np.random.default_rng(0)
    some = inputs.iloc[np.sort(rng.permutation(len(inputs))[:MAX_ROWS])]
    columns = {column.name: column for column in judging.model_columns(model, inputs[chosen])}
    curves = [
        _dependence(model, some, inputs[name], columns[name], target)
        for name in chosen if name in columns
    ]  # fmt: skip
    return [curve for curve in curves if curve is not None]


def _dependence(model: Any, some: Any, cells: Any, column: Any, target: str) -> Dependence | None:
    """The curve of one column; None if it has a single value."""
    positions = _positions(column)
    if len(positions) < 2:
        return None
    answers = _answers(model, some, column.name, cells.iloc[positions])
    names, of_output = _outputs(model, answers, target)
    first = of_output[0]
    curve = first.mean(axis=1)
    # each row's answers around its own mean, put at the mean of all
    centred = first - first.mean(axis=0) + curve.mean()
    low, high = np.percentile(centred, BAND, axis=1)
    values = column.values[positions]
    is_text = column.is_text
    at: Any = [column.levels[int(k)] for k in values] if is_text else values.tolist()
    return Dependence(
        column.name, at,
        {name: each.mean(axis=1).tolist() for name, each in zip(names, of_output, strict=True)},
        low.tolist(), high.tolist(), column.kind == "date",
    )  # fmt: skip


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
