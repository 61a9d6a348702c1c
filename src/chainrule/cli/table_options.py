"""The options of `train` and `tune` for tables: columns, splits and checks, the network."""

from __future__ import annotations

from typing import Any

from ..errors import DataError
from ..estimators.tabular.defaults import DEFAULTS, MOST_PROCESS_ROWS
from ..estimators.tabular.options import SPLITS as SPLIT_NAMES
from ..estimators.tabular.options import TrainOptions
from . import options
from .command_options import COLUMNS, SPLITS, CommandOption, learning_rate

MAX_LAYERS = 8
MAX_LAYER_SIZE = 2**16


def parse_sizes(text: str | None) -> tuple[int, ...] | None:
    """Read the sizes of the hidden layers from ``128,64``."""
    if text is None:
        return None
    if text.strip().lower() in ("none", ""):
        return ()
    parts = text.split(",")
    if len(parts) > MAX_LAYERS or not all(part.strip().isdecimal() for part in parts):
        raise DataError(
            f"--hidden-layer-sizes {text!r}: give sizes with commas between, such as 128,64"
        )
    sizes = tuple(int(part) for part in parts)
    if not all(0 < size < MAX_LAYER_SIZE for size in sizes):
        raise DataError(f"--hidden-layer-sizes {text!r}: sizes are from 1 to {MAX_LAYER_SIZE - 1}")
    return sizes


def write_sizes(sizes: tuple[int, ...] | None) -> str | None:
    """Write the sizes of the hidden layers as the command line has them."""
    return None if sizes is None else ",".join(map(str, sizes)) or "none"


def parse_validation_fraction(fraction: float | None) -> float | None:
    """Check a share of the rows, of which 0 is none."""
    if fraction is not None:
        options.check_fraction("--validation-fraction", fraction, zero=True)
    return fraction


def parse_cost(text: str | None) -> tuple[float, float] | None:
    """Read what a false positive and a false negative cost from ``1,20``.

    Examples
    --------
    >>> parse_cost("1,20")
    (1.0, 20.0)
    """
    if text is None:
        return None
    try:
        costs = [float(part) for part in text.split(",")]
    except ValueError:
        costs = []
    if len(costs) != 2 or not all(0 < cost < float("inf") for cost in costs):
        raise DataError(
            f"--cost {text!r}: give what a false positive and a false negative cost, with a comma "
            "between, such as 1,20"
        )
    return costs[0], costs[1]


def write_cost(cost: tuple[float, float] | None) -> str | None:
    """Write costs as the command line has them."""
    return None if cost is None else f"{cost[0]:g},{cost[1]:g}"


def parse_split(name: str | None) -> str | None:
    """Check the kind of a split."""
    if name is not None and name not in SPLIT_NAMES:
        raise DataError(f"--split {name}: give {', '.join(SPLIT_NAMES[:-1])} or {SPLIT_NAMES[-1]}")
    return name


N_MEMBERS = CommandOption(
    "n-members", "n_members", int | None, DEFAULTS.n_members,
    "Networks whose answers are averaged. [default: by the rows]", min=1, max=64,
)  # fmt: skip
EPOCHS = CommandOption(
    "epochs", "max_iter", int | None, DEFAULTS.max_iter,
    "Passes over the rows. [default: by their number]", min=1,
)  # fmt: skip
CATEGORICAL = CommandOption(
    "categorical", "categorical_features", list[str] | None, None,
    "A column of numbers to treat as text; may be repeated.",
    parse=lambda names: tuple(names or ()), panel=COLUMNS, metavar="COLUMN",
)  # fmt: skip
DROP = CommandOption(
    "drop", "drop", list[str] | None, None, "A column to leave out; may be repeated.",
    parse=lambda names: tuple(names or ()), panel=COLUMNS, metavar="COLUMN",
)  # fmt: skip
KEEP_IDENTIFIERS = CommandOption(
    "keep-identifiers", "drop_identifiers", bool, not TrainOptions.drop_identifiers,
    "Learn from columns that only name the row, too.",
    parse=lambda keeps: not keeps, write=lambda drops: not drops, panel=COLUMNS,
)  # fmt: skip
SPLIT = (
    CommandOption(
        "split", "split", str | None, TrainOptions.split,
        "Which rows to test on: random ones, the latest (time), or those of some groups (group). "
        "[default: random; time with --by, group with --group]",
        parse=parse_split, panel=SPLITS, metavar="|".join(SPLIT_NAMES),
    ),
    CommandOption(
        "by", "by", str | None, TrainOptions.by, "The column that says what is later.",
        panel=SPLITS, metavar="COLUMN",
    ),
    CommandOption(
        "group", "group", str | None, TrainOptions.group,
        "The column whose equal values stay together, all on one side; it is not learned from.",
        panel=SPLITS, metavar="COLUMN",
    ),
    CommandOption(
        "deduplicate", "deduplicate", bool, TrainOptions.deduplicate,
        "Keep one of rows that are equal in all columns.", panel=SPLITS,
    ),
)  # fmt: skip
COST = CommandOption(
    "cost", "cost", str | None, write_cost(TrainOptions.cost),
    "What a false positive and a false negative cost, of two classes: the threshold is chosen by "
    "it. [default: by the F1 score]",
    parse=parse_cost, write=write_cost, panel=SPLITS, metavar="FP,FN",
)  # fmt: skip
NO_CHECKS = CommandOption(
    "no-checks", "advise", bool, not TrainOptions.advise,
    "Look for no leaks, duplicates, order in time and the like.",
    parse=lambda skips: not skips, write=lambda advises: not advises, panel=SPLITS,
)  # fmt: skip
LOG = CommandOption(
    "log", "log", bool, TrainOptions.log,
    "Learn the logarithm of a positive number; predictions are in its own units.",
)  # fmt: skip
NETWORK = (
    CommandOption(
        "hidden-layer-sizes", "hidden_layer_sizes", str | None, None,
        "Sizes of the hidden layers; 'none' for a linear model. [default: 64,64 for classes, "
        "128,128,128 for numbers]",
        parse=parse_sizes, write=write_sizes, metavar="N,N,...",
    ),
    N_MEMBERS,
    EPOCHS,
    CommandOption(
        "n-iter-no-change", "n_iter_no_change", int | None, DEFAULTS.n_iter_no_change,
        "Epochs without a better score on held-out rows after which training ends. "
        "[default: a quarter of all]", min=1,
    ),
    CommandOption(
        "batch-size", "batch_size", int | None, DEFAULTS.batch_size,
        "Rows a step. [default: about a 32nd of them]", min=1,
    ),
    learning_rate(
        DEFAULTS.learning_rate_init, "Learning rate of AdamW at the start.", "learning_rate_init"
    ),
    CommandOption("weight-decay", "weight_decay", float, DEFAULTS.weight_decay, "Of AdamW.", min=0),
    CommandOption(
        "dropout", "dropout", float, DEFAULTS.dropout,
        "Share of the units that a step leaves out.", min=0, max=0.95,
    ),
    CommandOption(
        "numeric-embedding", "numeric_embedding", str, DEFAULTS.numeric_embedding,
        "Embedding of numbers: piecewise, periodic or none.",
        choices=("piecewise", "periodic", "none"),
        parse=lambda name: None if name == "none" else name, write=lambda name: name or "none",
    ),
    CommandOption(
        "ema", "ema", float, DEFAULTS.ema, "Running means of the weights; 0: none.",
        min=0, max=0.99999, parse=lambda decay: decay or None, write=lambda decay: decay or 0,
    ),
    CommandOption(
        "validation-fraction", "validation_fraction", float | None, DEFAULTS.validation_fraction,
        "Part of the rest by which to choose the epoch; 0: none. "
        "[default: 0.1, 0.2 below 1,000 rows, 0 below 50]",
        parse=parse_validation_fraction,
    ),
    CommandOption(
        "gaussian-process-rows", "gaussian_process_rows", int, DEFAULTS.gaussian_process_rows,
        "Of numbers: up to so many rows a Gaussian process answers with the networks; 0: none.",
        min=0, max=MOST_PROCESS_ROWS,
    ),
)  # fmt: skip
OF_COLUMNS = (DROP, CATEGORICAL, KEEP_IDENTIFIERS)
OPTIONS: tuple[CommandOption, ...] = (*OF_COLUMNS, *SPLIT, COST, NO_CHECKS, LOG, *NETWORK)
OF_TUNE: tuple[CommandOption, ...] = (
    *OF_COLUMNS, *SPLIT, COST, NO_CHECKS, LOG, N_MEMBERS, EPOCHS,
)  # fmt: skip


def option_values(chosen: Any) -> dict[str, Any]:
    """The options as the command line has them, from `TrainOptions`."""
    return {option.name: option.write(getattr(chosen, option.parameter)) for option in OPTIONS}
