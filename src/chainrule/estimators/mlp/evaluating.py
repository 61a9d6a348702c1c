"""The loss and the score of validation rows, which say what an epoch is worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ..inputs.rows import is_compact, pieces
from .member_rows import MemberRows
from .network import FittedNetwork
from .steps import make_evaluate

Score = Callable[[Any, Any, Any], float]


class Validation(Protocol):
    """Rows with encoded targets and weights."""

    @property
    def x(self) -> Any:
        """Rows, perhaps sparse or compact."""

    @property
    def y(self) -> Any:
        """Encoded targets, shape (rows, outputs)."""

    @property
    def w(self) -> Any:
        """Weights of shape (rows,) or (rows, members), or None."""


def evaluate(network: FittedNetwork, rows: Validation, score: Score) -> tuple[float, float]:
    """The mean loss of rows, and their score; NaN where an output is not finite.

    Rows with a weight for each member are answered by the members whose weight is above 0.

    Parameters
    ----------
    network : FittedNetwork
    rows : Validation
    score : callable
        ``score(y, outputs, weights)``.
    """
    w = rows.w
    if w is not None and w.ndim == 2:
        loss, outputs = _by_members(network, rows)
        w = np.sum(w, axis=1)
    else:
        loss, outputs = _by_all(network, rows)
    finite = np.isfinite(outputs).all()
    return loss, float(score(rows.y, outputs, w)) if finite else float("nan")


def _by_all(network: FittedNetwork, rows: Validation) -> tuple[float, Any]:
    """The loss, and the outputs, or for classes by code the column of the largest."""
    compiled = make_evaluate(network.perceptron)
    by_code = network.perceptron.takes_codes(rows.y)
    outputs, total, whole = [], 0.0, 0.0
    most = network.rows_at_a_time if by_code or is_compact(rows.x) else None
    for part, x in pieces(rows.x, 1, most):
        w = None if rows.w is None else rows.w[part]
        value, predictions = compiled(network.weights, network.batch_stats, x, rows.y[part], w)
        weight = float(x.shape[0] if w is None else np.sum(w))
        total, whole = total + weight * float(value), whole + weight
        outputs.append(_best_codes(predictions) if by_code else predictions)
    return total / whole, np.concatenate(outputs)


def _by_members(network: FittedNetwork, rows: Validation) -> tuple[float, Any]:
    """The same where each member answers for its own rows."""
    perceptron = network.perceptron
    asked, outputs, total = MemberRows.of(rows.w), [], 0.0
    with np.errstate(all="ignore"):  # outputs that are not finite are told by the score
        for part, z in asked.raw_outputs(network, rows.x):
            y = perceptron.outputs_for(network.weights, rows.y[asked.positions[:, part]], z.dtype)
            losses = perceptron.objective.row_losses(z, y)
            losses = perceptron.objective.reported_loss(losses, y)
            total += float(np.sum(asked.weights[:, part] * losses))
            outputs.append(perceptron.outputs_of(z))
        joined = asked.mean(np.concatenate(outputs, axis=1), len(rows.y))
    whole = float(np.sum(asked.weights)) or 1.0
    return total / whole, _best_codes(joined) if perceptron.takes_codes(rows.y) else joined


def _best_codes(outputs: Any) -> Any:
    """The column of the largest output of each row, shape (rows, 1); NaN if one is not finite."""
    finite = np.isfinite(outputs).all(axis=1)
    return np.where(finite, np.argmax(outputs, axis=1), np.nan)[:, None]
