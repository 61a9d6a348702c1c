"""From which probability on a row counts as the rarer of two classes, and what that comes to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

MAX_CANDIDATES = 1_000


@dataclass(frozen=True)
class Threshold:
    """A threshold that was chosen on validation rows, and what it does on the test rows.

    Attributes
    ----------
    positive : str
        The rarer class.
    value : float
        Rows of at least this probability count as `positive`.
    goal : str
        What it is best for: "F1", or "cost" where costs were given.
    cost : (float, float) or None
        What a false positive and a false negative cost.
    validation_rows : int
        Rows that it was chosen by.
    precision, recall, f1 : float
        On the test rows, at the threshold.
    false_positives, false_negatives : int
        Likewise.
    f1_at_half : float
        On the test rows, at 0.5.
    total_cost, total_cost_at_half : float or None
        On the test rows; None where no costs were given.
    validation_positives, test_positives : int
        Rows of the class `positive`: by few of them neither the threshold nor what it does is sure.
    """

    positive: str
    value: float
    goal: str
    cost: tuple[float, float] | None
    validation_rows: int
    precision: float
    recall: float
    f1: float
    false_positives: int
    false_negatives: int
    f1_at_half: float
    total_cost: float | None
    total_cost_at_half: float | None
    validation_positives: int
    test_positives: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "cost": None if self.cost is None else list(self.cost)}


def choose_threshold(
    positive: str, validation: tuple[Any, Any], test: tuple[Any, Any],
    cost: tuple[float, float] | None = None,
) -> Threshold:  # fmt: skip
    """Choose a threshold on validation rows, and measure it on the test rows.

    Parameters
    ----------
    positive : str
    validation, test : (array of bool, array of float64), shapes (rows,)
        Which rows are of the positive class, and its probability by the model.
    cost : (float, float), optional
        Of a false positive and of a false negative. Default: the best F1 is looked for.

    Examples
    --------
    >>> truth, p = np.array([False, False, True, True]), np.array([0.1, 0.2, 0.3, 0.4])
    >>> chosen = choose_threshold("yes", (truth, p), (truth, p))
    >>> chosen.value, chosen.f1, chosen.f1_at_half
    (0.25, 1.0, 0.0)
    """
    truth, p = validation
    value = _best(truth, p, cost)
    now, half = (_counts(*test, limit) for limit in (value, 0.5))
    totals = [
        None if cost is None else float(cost[0] * fp + cost[1] * fn) for _, fp, fn in (now, half)
    ]
    true, false_positives, false_negatives = now
    return Threshold(
        positive, value, "F1" if cost is None else "cost", cost, len(truth),
        true / max(1, true + false_positives), true / max(1, true + false_negatives), _f1(*now),
        false_positives, false_negatives, _f1(*half), totals[0], totals[1],
        int(np.sum(truth)), int(np.sum(test[0])),
    )  # fmt: skip


def _best(truth: Any, p: Any, cost: tuple[float, float] | None) -> float:
    """The threshold in the middle between two probabilities that does best."""
    levels = np.unique(p)
    if len(levels) > MAX_CANDIDATES:
        levels = np.unique(np.quantile(levels, np.linspace(0, 1, MAX_CANDIDATES)))
    limits = np.concatenate([[levels[0] / 2], (levels[:-1] + levels[1:]) / 2,
                             [(levels[-1] + 1.0) / 2]])  # fmt: skip
    values = []
    for limit in limits:
        true, fp, fn = _counts(truth, p, limit)
        values.append(_f1(true, fp, fn) if cost is None else -(cost[0] * fp + cost[1] * fn))
    best = np.flatnonzero(np.isclose(values, np.max(values), rtol=1e-12, atol=0.0))
    return float(limits[best[len(best) // 2]])  # the middle of those that do equally well


def _counts(truth: Any, p: Any, limit: float) -> tuple[int, int, int]:
    """True positives, false positives, false negatives."""
    chosen = p >= limit
    return int(np.sum(chosen & truth)), int(np.sum(chosen & ~truth)), int(np.sum(~chosen & truth))


def _f1(true: int, false_positives: int, false_negatives: int) -> float:
    return 2 * true / max(1, 2 * true + false_positives + false_negatives)
