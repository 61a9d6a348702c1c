"""A trained network beside the baselines: the comparison, and the verdict that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...data.columns import Reading
from ...data.moments import exponent
from ...memory import return_freed_memory
from .baselines import BOOSTING, fit_baselines
from .comparison import NETWORK, Comparison, compare, compared_metrics
from .metrics import Answers, measure
from .options import TrainOptions
from .typed_columns import TypedColumn, typed_column
from .verdict import FitFacts, Verdict, verdict

MAX_CELLS = 6_000_000  # of the training rows that the baselines are fitted on
MIN_ROWS = 2_000
MAX_TRAIN_ROWS = 5_000  # from which the score on training rows is taken


@dataclass(frozen=True)
class Judgement:
    """How a network does beside other models, and what that means."""

    comparison: Comparison
    verdict: Verdict


def judge(
    model: Any,
    task: str,
    metric: str,
    inputs: Any,
    y: Any,
    train: Any,
    test: Any,
    answers: Answers,
    options: TrainOptions,
) -> Judgement:
    """Fit the baselines on the network's training rows, and compare them on the test rows.

    Parameters
    ----------
    model : TabularClassifier or TabularRegressor
        Trained on the rows `train`.
    task, metric : str
    inputs : DataFrame
        All rows.
    y : array, shape (rows,)
    train, test : array of int
    answers : Answers
        The network's, for the test rows.
    options : TrainOptions
        For the seed.
    """
    return_freed_memory()  # of the answers: the other models need it
    rng = np.random.default_rng(options.random_state)
    drawn = rng.permutation(train)
    some = drawn[: max(MIN_ROWS, MAX_CELLS // max(1, inputs.shape[1]))]
    rows = np.concatenate([some, test])
    fitted_on, asked_for = np.arange(len(some)), np.arange(len(some), len(rows))
    baselines = fit_baselines(
        task, model.features_.of_rows(inputs.iloc[rows]), ModelColumns.of(model, inputs, rows),
        y[rows], fitted_on, asked_for, options.random_state,
    )  # fmt: skip
    return_freed_memory()
    notes = baselines.notes
    if len(some) < len(train):
        notes += (
            f"The other models were fitted on {len(some):,} of the {len(train):,} training rows.",
        )
    known = y[train]
    comparison = compare(
        compared_metrics(metric, len(np.unique(known)) if task == "classification" else 0),
        y[test], {NETWORK: answers, **baselines.answers},
        None if baselines.half is None else (BOOSTING, baselines.half), notes,
        options.random_state,
    )  # fmt: skip
    seen = np.sort(drawn[:MAX_TRAIN_ROWS])
    facts = FitFacts(
        task, measure(metric, y[seen], Answers.of(model, inputs.iloc[seen])), len(train),
        [row["score"] for row in model.history_ if "score" in row], model.n_iter_,
        _extreme_share(y) if task == "regression" else 0.0,
    )  # fmt: skip
    return Judgement(comparison, verdict(comparison, facts))


@dataclass(frozen=True, eq=False)
class ModelColumns(Sequence[TypedColumn]):
    """The columns of a table as a trained model reads them; each is typed when it is asked for."""

    frame: Any
    readings: tuple[Reading, ...]
    rows: Any

    @classmethod
    def of(cls, model: Any, frame: Any, rows: Any) -> ModelColumns:
        """Those that the model does not ignore, of the rows at some positions."""
        readings = tuple(
            reading for reading in model.features_.readings
            if reading.kind != "ignore" and reading.name in frame.columns
        )  # fmt: skip
        return cls(frame, readings, rows)

    def __len__(self) -> int:
        return len(self.readings)

    def __getitem__(self, position: Any) -> Any:
        reading = self.readings[position]
        return typed_column(self.frame[reading.name].iloc[self.rows], reading)


def _extreme_share(y: Any) -> float:
    """The share of the variance of the hundredth of the rows that is farthest from the mean."""
    scaled = np.ldexp(y, -exponent(y))  # squares stay in range
    squares = np.sort(np.square(scaled - np.mean(scaled)))
    total = float(np.sum(squares))
    return float(np.sum(squares[-max(1, len(y) // 100) :])) / total if total > 0 else 0.0


def model_columns(model: Any, frame: Any) -> list[TypedColumn]:
    """All of them at once."""
    return list(ModelColumns.of(model, frame, slice(None)))
