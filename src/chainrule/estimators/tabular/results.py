"""`TrainResult`: what `fit_table` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ...data.columns import Reading
from .checks.advice import Advice
from .honest import HonestScore
from .options import TrainOptions
from .thresholds import Threshold
from .training_summary import TrainingSummary


@dataclass(frozen=True)
class TrainResult:
    """A trained model, and how it does on rows that it has never seen.

    Attributes
    ----------
    model : TabularClassifier or TabularRegressor
    target : str
        The column that it predicts.
    task, metric : str
        ``"classification"`` and ``"accuracy"``, or ``"regression"`` and ``"R2"`` (1 is perfect, 0
        is the mean). Of two classes of which one is rare, ``"ROC AUC"``.
    options : TrainOptions
        Those of the training, with numbers in place of rules by the table's size: they train the
        same model again.
    score, trivial, linear : float
        On the test rows: the network's; that of the commonest class or the mean; that of a
        logistic or ridge regression.
    train_rows, test_rows : array of int
        Which rows of `frame` were which.
    frame : DataFrame
        The rows with a target.
    seconds : float
        For training the network.
    interrupted : bool
        Whether Ctrl-C ended the training before its last epoch.
    split : str
        How rows were chosen to test on: "random", "time" or "group".
    identifiers : tuple of str
        Columns that were left out since they only name the row.
    advice : tuple of Advice
        What to look out for, the gravest first.
    honest : tuple of HonestScore
        Where order in time or groups make a random split too kind: the score of one and the same
        simple model on it, and on a split by time or by group.
    threshold : Threshold or None
        Of two classes of which one is rare, or where costs are given: from which probability on a
        row counts as the rarer class.
    columns : tuple of Reading
        What each column was taken for.
    summary : TrainingSummary
        Of the training rows, for `predict` to compare others with.
    """

    model: Any
    target: str
    task: str
    metric: str
    options: TrainOptions
    score: float
    trivial: float
    linear: float
    train_rows: NDArray[Any]
    test_rows: NDArray[Any]
    frame: Any
    seconds: float
    interrupted: bool
    split: str = "random"
    identifiers: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()
    honest: tuple[HonestScore, ...] = ()
    threshold: Threshold | None = None
    columns: tuple[Reading, ...] = ()
    summary: TrainingSummary | None = None

    @property
    def baselines(self) -> dict[str, float]:
        """Scores of a linear model and of the trivial guess, by their names."""
        classes = self.task == "classification"
        return {
            "logistic regression" if classes else "ridge regression": self.linear,
            "the commonest class" if classes else "the mean": self.trivial,
        }
