"""The numbers of the epochs of a training, and the attributes that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf


@dataclass
class History:
    """The numbers of the epochs so far; with `warm_start` a training goes on with them."""

    n_iter: int = 0
    n_samples_seen: int = 0
    loss: float = inf
    loss_curve: list[float] = field(default_factory=list)
    no_improvement_count: int = 0
    validation_scores: list[float] | None = None
    best_loss: float | None = inf
    best_validation_score: float | None = None
    best_validation_loss: float = inf


# The attributes of scikit-learn's estimators, and what they are in a `History`
ATTRIBUTES = {
    "n_iter_": "n_iter", "t_": "n_samples_seen", "loss_": "loss", "loss_curve_": "loss_curve",
    "validation_scores_": "validation_scores", "best_loss_": "best_loss",
    "best_validation_score_": "best_validation_score",
    "best_validation_loss_": "best_validation_loss",
    "_no_improvement_count": "no_improvement_count",
}  # fmt: skip
