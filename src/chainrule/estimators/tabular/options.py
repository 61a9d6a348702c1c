"""`TrainOptions`: all that decides how a model of a table turns out.

It loads neither scikit-learn nor pandas, so that the command line can show the defaults at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .defaults import TabularDefaults


@dataclass(kw_only=True)
class TrainOptions(TabularDefaults):
    """How `fit_table` trains: the parameters of the tabular estimators, and how rows are split.

    Parameters
    ----------
    hidden_layer_sizes, n_members, numeric_embedding, dropout, learning_rate_init, weight_decay, ema
        See `TabularClassifier`, also for the defaults, which suit tables of hundreds to some
        hundred thousand rows.
    batch_size, max_iter, validation_fraction, categorical_features, label_smoothing, loss
        Likewise; `label_smoothing` is for classification alone, `loss` for regression.
    checkpoint_interval, progress
        Likewise.
    random_state : int
        Seed of the splits, the first weights and the shuffling. Default 0.
    callbacks : tuple of callable
        Each is called with an `EpochReport` after each epoch.
    test_fraction : float
        Share of all rows that the score is measured on. Default 0.2.
    drop : tuple of str
        Columns to leave out.

    Examples
    --------
    >>> TrainOptions(max_iter=10).max_iter, TrainOptions().test_fraction
    (10, 0.2)
    """

    random_state: int = 0
    callbacks: tuple[Callable[[Any], Any], ...] = ()
    test_fraction: float = 0.2
    drop: tuple[str, ...] = ()
