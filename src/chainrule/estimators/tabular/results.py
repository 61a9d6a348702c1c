"""`TrainResult`: what `fit_table` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from ...data.columns import Reading
from .baselines import LINEAR, TRIVIAL
from .checks.advice import Advice
from .comparison import NETWORK, Comparison
from .honest import HonestScore
from .options import TrainOptions
from .thresholds import Threshold
from .verdict import Verdict


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
    comparison : Comparison
        The scores of the network, of boosting, of a linear model and of the trivial guess on the
        test rows, with intervals.
    verdict : Verdict
        What they mean.
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
        Columns that only name the row; left out, unless the options say otherwise or no other
        column would remain.
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
    """

    model: Any
    target: str
    task: str
    metric: str
    options: TrainOptions
    comparison: Comparison
    verdict: Verdict
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

    @property
    def score(self) -> float:
        """The network's, on the test rows."""
        return self._scores[NETWORK]

    @property
    def trivial(self) -> float:
        """That of the commonest class, or of the mean."""
        return self._scores[TRIVIAL[self.task]]

    @property
    def linear(self) -> float:
        """That of a logistic or ridge regression."""
        return self._scores[LINEAR[self.task]]

    @property
    def baselines(self) -> dict[str, float]:
        """Scores of the other models by their names."""
        return {name: score for name, score in self._scores.items() if name != NETWORK}

    @property
    def _scores(self) -> dict[str, float]:
        return {
            name: by_metric[self.metric].value for name, by_metric in self.comparison.scores.items()
        }
