"""Defaults of the estimators for tables, each of them once: numbers, and rules by the table's size.

`TabularClassifier` and `TabularRegressor` inherit them, and `chainrule train` reads them here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

TINY_TABLE = 50  # rows: below it none can be spared for validation, and none for dropout either
SMALL_TABLE = 1000  # rows: below it more is held out, and the loss decides: accuracy is too coarse
MAX_VALIDATION_ROWS = 20_000  # that a member does not see: of more, scores change in no digit
MAX_STEPS = 12_000  # of a training, if there are enough epochs for it
EPOCHS_RANGE = (2, 400)
EPOCHS_BESIDE_PROCESS = 12  # of a network beside a Gaussian process
BATCH_SIZE_RANGE = (32, 256)  # rows a step: about a 32nd of the table
MEMBERS_BY_ROWS = ((1_000, 8), (20_000, 4))  # up to so many rows, so many networks
MEMBERS_OF_LARGE = 2
MEMBERS_FEATURES = 4_000  # of all members together: wide tables have fewer
# Units of the hidden layers: classes are told apart by networks a quarter as large
HIDDEN_LAYERS = {"classification": (64, 64), "regression": (128, 128, 128)}
EMBEDDED_FEATURES = 500  # numbers that are embedded: of more, none is
MOST_PROCESS_ROWS = 20_000  # the time grows with their cube, the memory with their square


@dataclass(kw_only=True, eq=False, repr=False, match_args=False)
class TabularSettings:
    """What both estimators have in common; None is a rule by the table's size, see below.

    Both inherit these fields, and the command reads them: each default is written once.
    """

    n_members: int | None = None
    numeric_embedding: str | None = "piecewise"
    dropout: float = 0.1
    learning_rate_init: float = 0.01
    weight_decay: float = 0.02
    ema: float | None = 0.998
    batch_size: int | None = None
    max_iter: int | None = None
    n_iter_no_change: int | None = None
    validation_fraction: float | None = None
    categorical_features: Collection[str] = ()
    column_kinds: Mapping[str, str] | None = None
    random_state: Any = None
    callbacks: Any = None
    checkpoint: Any = None
    checkpoint_interval: float = 10.0
    n_threads: int | None = None
    progress: bool = True
    verbose: bool = False


@dataclass(kw_only=True, eq=False, match_args=False)
class TabularDefaults(TabularSettings):
    """The same with what is a positional parameter, or one of a single estimator."""

    hidden_layer_sizes: tuple[int, ...] | None = None
    loss: str = "squared_error"
    gaussian_process_rows: int = 6_000
    label_smoothing: float = 0.0


DEFAULTS = TabularDefaults()


def members_for(n_rows: int, n_features: int = 1, most: int = 8) -> int:
    """How many networks are trained at once on a table of so many rows and features.

    Examples
    --------
    >>> [members_for(n_rows) for n_rows in (150, 5_000, 100_000)]
    [8, 4, 2]
    >>> members_for(150, 2_000), members_for(150, 5_000), members_for(150, most=4)
    (2, 1, 4)
    """
    usual = next((few for rows, few in MEMBERS_BY_ROWS if n_rows <= rows), MEMBERS_OF_LARGE)
    return max(1, min(usual, most, MEMBERS_FEATURES // n_features))


def validation_fraction_for(n_rows: int) -> float:
    """The share of the rows that a network does not see.

    Examples
    --------
    >>> [validation_fraction_for(n_rows) for n_rows in (49, 999, 1_000)]
    [0.0, 0.2, 0.1]
    >>> validation_fraction_for(1_000_000)
    0.02
    """
    if n_rows < TINY_TABLE:
        return 0.0
    return 0.2 if n_rows < SMALL_TABLE else min(0.1, MAX_VALIDATION_ROWS / n_rows)


def batch_size_for(n_rows: int) -> int:
    """Rows a step: all of a tiny table, else a power of two.

    Examples
    --------
    >>> [batch_size_for(n_rows) for n_rows in (49, 150, 5_000, 100_000)]
    [49, 32, 128, 256]
    """
    if n_rows < TINY_TABLE:
        return n_rows
    return int(np.clip(2 ** round(np.log2(n_rows / 32)), *BATCH_SIZE_RANGE))


def patience_for(epochs: int) -> int:
    """After how many epochs that were not the best a training ends.

    Examples
    --------
    >>> [patience_for(epochs) for epochs in (10, 30, 200)]
    [5, 8, 50]
    """
    return max(5, round(epochs / 4))


def epochs_for(n_rows: int, batch_size: int, epochs: int, steps: int) -> int:
    """How many epochs: about `epochs`, more where they have fewer than `steps` steps in all.

    Examples
    --------
    >>> epochs_for(150, 32, 30, 1_000), epochs_for(1_000_000, 256, 30, 1_000)
    (200, 3)
    """
    steps_an_epoch = -(-n_rows // batch_size)
    wanted = np.clip(epochs, steps // steps_an_epoch, MAX_STEPS // steps_an_epoch)
    return int(np.clip(wanted, *EPOCHS_RANGE))
