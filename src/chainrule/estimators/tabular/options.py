"""`TrainOptions`: all that decides how a model of a table turns out.

It loads neither scikit-learn nor pandas, so that the command line can show the defaults at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import DataError
from .defaults import TabularDefaults

SPLITS = ("random", "time", "group")


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
    split : {"random", "time", "group"} or None
        Which rows are tested on: any (classes in equal shares), the latest, or those of some
        groups. None: "time" if `by` is named, "group" if `group` is, else "random".
    by : str or None
        The column that says what is later, for a split by time. None: the only column of dates,
        or the order of the rows where there is none.
    group : str or None
        The column whose values stay together, all on one side. It is not learned from.
    deduplicate : bool
        Whether of rows that are equal in all columns one remains. Default False.
    drop_identifiers : bool
        Whether columns that only name the row are left out. Default True.
    column_kinds : mapping of str to str
        Kinds of columns (see `chainrule.data.columns.KINDS`) instead of those that their cells
        look like; "ignore" leaves one out.
    log : bool
        Whether a regression learns the logarithm of the target; predictions are in its units.
    cost : (float, float) or None
        What a false positive and a false negative cost: the threshold for the rarer of two classes
        is then that of the least cost. None: that of the best F1 score.
    advise : bool
        Whether the table is checked for leaks, duplicates, order in time and the like. Default
        True; the checks change nothing of the model.

    Examples
    --------
    >>> TrainOptions(max_iter=10).max_iter, TrainOptions().test_fraction
    (10, 0.2)
    >>> TrainOptions(by="date").chosen_split
    'time'
    """

    random_state: int = 0
    callbacks: tuple[Callable[[Any], Any], ...] = ()
    test_fraction: float = 0.2
    drop: tuple[str, ...] = ()
    split: str | None = None
    by: str | None = None
    group: str | None = None
    deduplicate: bool = False
    drop_identifiers: bool = True
    column_kinds: Mapping[str, str] = field(default_factory=dict)
    log: bool = False
    cost: tuple[float, float] | None = None
    advise: bool = True

    @property
    def chosen_split(self) -> str:
        """The kind of split; a `DataError` where the options contradict each other."""
        if self.split not in (None, *SPLITS):
            raise DataError(f"split {self.split!r}: give one of {', '.join(SPLITS)}")
        implied = {"time"} if self.by else set()
        implied |= {"group"} if self.group else set()
        kinds = implied | ({self.split} if self.split else set())
        if len(kinds) > 1:
            options = {"time": f"by {self.by!r}", "group": f"group {self.group!r}"}
            listed = [options[kind] for kind in sorted(implied)]
            if self.split:
                listed.insert(0, f"split {self.split!r}")
            raise DataError(f"{' and '.join(listed)} contradict each other: leave out one of them")
        if kinds == {"group"} and not self.group:
            raise DataError("a split by groups needs the column that tells them: --group COLUMN")
        return kinds.pop() if kinds else "random"
