"""`TabularClassifier` and `TabularRegressor` beside histogram boosting: fits and answers.

The rows are those of adult and of Californian houses. Both get the table as pandas reads it
(boosting behind a pipeline that codes the columns of text), or an array of numbers. The outcomes
are held against each other by their scores: the two methods do not learn the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import log_loss, r2_score

from .harness import Contest
from .tabular_ranks import learner, split
from .tabular_sets import DATA, SETS

PEER = "HistGradientBoosting"
FITS = (2_000, 8_000, 30_000)  # rows of adult
ANSWERS = (1, 100, 2_000, 16_000)
LEAST = 0.03  # how far behind ours may be in log loss or R2


def made(kind: str, classes: bool, texts: int, seed: int = 0) -> Any:
    """One of the two, not fitted, with as many threads as there are."""
    model = learner(kind, classes, seed, texts)
    return model.set_params(n_threads=None) if kind == "ours" else model


def fitting(kind: str, data: tuple[Any, ...], rows: int, texts: int) -> Callable[[], Any]:
    """A fit of so many rows of adult; it returns the log loss of the official test rows."""
    x, x_test, y, y_test = data
    drawn = np.random.default_rng(0).permutation(len(x))[:rows]
    x, y = x.iloc[drawn], y[drawn]
    seeds = iter(range(10**6))

    def run() -> Any:
        return made(kind, True, texts, next(seeds)).fit(x, y)

    run.loss = lambda model: log_loss(y_test, np.float64(model.predict_proba(x_test)))  # type: ignore[attr-defined]
    return run


def contests() -> Iterator[Contest]:
    if not DATA.exists():
        return
    adult = split("adult", SETS["adult"])
    texts = adult[0].shape[1] - adult[0].select_dtypes("number").shape[1]
    for rows in FITS:
        ours, theirs = (fitting(kind, adult, rows, texts) for kind in ("ours", "boosting"))

        def as_good(mine: Any, peer: Any, loss: Any = ours.loss) -> None:  # type: ignore[attr-defined]
            assert loss(mine) < loss(peer) + LEAST, (loss(mine), loss(peer))

        yield Contest(
            f"TabularClassifier.fit, adult, {rows:,} rows", PEER, ours, theirs, as_good,
            rounds=3,
        )  # fmt: skip
    x, x_test, y, y_test = adult
    mine, peer = (made(kind, True, texts).fit(x[:8_000], y[:8_000])
                  for kind in ("ours", "boosting"))  # fmt: skip
    for rows in ANSWERS:
        truth = y_test[:rows]

        def as_right(ours: Any, theirs: Any, truth: Any = truth) -> None:
            assert np.mean(ours == truth) > np.mean(theirs == truth) - LEAST

        yield Contest(
            f"TabularClassifier.predict, adult, {rows:,} rows", PEER,
            partial(mine.predict, x_test[:rows]), partial(peer.predict, x_test[:rows]), as_right,
            rounds=9,
        )  # fmt: skip
    frame, _, prices, _ = split("california", SETS["california"])
    numbers = frame.select_dtypes("number").to_numpy()
    models = made("ours", False, 0), HistGradientBoostingRegressor(random_state=0)
    mine, peer = (model.fit(numbers[:7_000], prices[:7_000]) for model in models)
    for rows in ANSWERS:
        some, truth = numbers[-max(rows, 100) :], prices[-max(rows, 100) :]

        def as_near(_: Any, __: Any, some: Any = some, truth: Any = truth) -> None:
            scores = [r2_score(truth, model.predict(some)) for model in (mine, peer)]
            assert scores[0] > scores[1] - LEAST, scores

        yield Contest(
            f"TabularRegressor.predict, an array of {rows:,} x {numbers.shape[1]}", PEER,
            partial(mine.predict, numbers[-rows:]), partial(peer.predict, numbers[-rows:]), as_near,
            rounds=9,
        )  # fmt: skip
