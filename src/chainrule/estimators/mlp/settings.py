"""The settings of both perceptrons: their defaults, and what they may be beside each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from ..sklearn_private import MLP_CONSTRAINTS, Interval, StrOptions
from .objectives import ACTIVATIONS


@dataclass(kw_only=True, eq=False, repr=False, match_args=False)
class PerceptronSettings:
    """What `MLPClassifier` and `MLPRegressor` have in common; see there.

    Both inherit these fields, so that each default is written once.
    """

    solver: str = "adam"
    alpha: float = 0.0001
    batch_size: Any = "auto"
    learning_rate: str = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: Any = None
    tol: float = 1e-4
    verbose: Any = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: Any = 10
    max_fun: int = 15000
    dropout: float = 0.0
    normalization: str | None = None
    residual: bool = False
    n_members: int = 1
    weight_decay: float = 0.01
    warmup: float = 0.0
    clip_norm: float | None = None
    ema: float | None = None
    mixup: bool = False
    numeric_embedding: str | None = None
    numeric_features: Sequence[Any] | None = None
    categorical_features: Sequence[Any] | None = None
    monitor: str = "auto"
    callbacks: Sequence[Callable[[Any], Any]] | None = None
    checkpoint: Any = None
    checkpoint_interval: float = 10.0
    n_threads: int | None = None
    progress: bool = True

    def snapshot(self) -> PerceptronSettings:
        """These settings alone, as they are now."""
        names = [one.name for one in fields(PerceptronSettings)]
        return PerceptronSettings(**{name: getattr(self, name) for name in names})


FALLING = ("cosine", "linear")  # learning rates, over all steps
FRACTION = [Interval(Real, 0, 1, closed="left")]
CONSTRAINTS: dict[str, Any] = {
    **MLP_CONSTRAINTS,
    "activation": [StrOptions(set(ACTIVATIONS)), callable, list, tuple],
    "solver": [StrOptions({"lbfgs", "sgd", "adam", "adamw", "rmsprop", "lion"})],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive", *FALLING})],
    "dropout": FRACTION,
    "normalization": [StrOptions({"batch", "layer"}), None],
    "residual": ["boolean"],
    "n_members": [Interval(Integral, 1, None, closed="left")],
    "weight_decay": [Interval(Real, 0, None, closed="left")],
    "warmup": [Interval(Real, 0, None, closed="left")],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "ema": [Interval(Real, 0, 1, closed="neither"), None],
    "mixup": ["boolean"],
    "monitor": [StrOptions({"auto", "loss", "validation_loss", "validation_score"})],
    "callbacks": [list, tuple, None],
    "checkpoint": "no_validation",  # a path or None: opening it says what is wrong
    "checkpoint_interval": [Interval(Real, 0, None, closed="left")],
    "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    "progress": ["boolean"],
    "numeric_embedding": [StrOptions({"periodic", "piecewise"}), None],
    "numeric_features": ["array-like", None],
    "categorical_features": ["array-like", None],
}


# Of the estimators for tables, where None is a rule by the table's size
TABULAR_CONSTRAINTS: dict[str, Any] = {
    **{name: CONSTRAINTS[name] for name in (
        "callbacks", "checkpoint", "checkpoint_interval", "dropout", "ema", "learning_rate_init",
        "n_threads", "numeric_embedding", "progress", "random_state", "verbose",
        "weight_decay",
    )},
    "hidden_layer_sizes": [*CONSTRAINTS["hidden_layer_sizes"], None],
    "n_members": [Interval(Integral, 1, None, closed="left"), None],
    "batch_size": [Interval(Integral, 1, None, closed="left"), None],
    "max_iter": [Interval(Integral, 1, None, closed="left"), None],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), None],
    "validation_fraction": [*FRACTION, None],
}  # fmt: skip


def layer_sizes(sizes: Any) -> list[int]:
    """Units of each hidden layer; a single number is one layer.

    Examples
    --------
    >>> layer_sizes((8, 4)), layer_sizes(5), layer_sizes(())
    ([8, 4], [5], [])
    """
    several = isinstance(sizes, Iterable) and not isinstance(sizes, (str, bytes))
    units = list(sizes) if several else [sizes]
    if not all(isinstance(size, Integral) and not isinstance(size, bool) for size in units):
        raise ValueError(
            f"hidden_layer_sizes={sizes!r:.60}: give whole numbers above 0, one for each hidden "
            "layer, such as (128, 64)"
        )
    if any(size <= 0 for size in units):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {units}.")
    return units


def refuse_unused(model: PerceptronSettings, has_validation_data: bool) -> None:
    """Raise a ValueError if a setting that was given has no effect beside the others.

    Only those beyond scikit-learn's: a program that was written for it runs unchanged.
    """
    if model.solver == "lbfgs":
        stochastic = _only_stochastic(model, has_validation_data)
        unused = [name for name, is_set in stochastic.items() if is_set]
        if unused:
            raise ValueError(
                "solver='lbfgs' makes one fixed function of all rows small, without batches and "
                f"epochs: {', '.join(unused)} need 'adam' or another of the stochastic solvers; "
                "leave them out, or change the solver"
            )
    elif model.warmup and model.learning_rate not in FALLING:
        raise ValueError(
            f"warmup={model.warmup} has no effect on learning_rate={model.learning_rate!r}: choose "
            "'cosine' or 'linear', or leave it out"
        )
    if model.numeric_features is not None and model.numeric_embedding is None:
        raise ValueError(
            "numeric_features are the columns that numeric_embedding embeds, which is None: choose "
            "'piecewise' or 'periodic', or leave them out"
        )


def _only_stochastic(model: PerceptronSettings, has_validation_data: bool) -> dict[str, bool]:
    """The settings that only a training in steps and epochs reads, and whether they are set."""
    return {
        "dropout": model.dropout > 0,
        "mixup": bool(model.mixup),
        "normalization='batch'": model.normalization == "batch",
        f"learning_rate={model.learning_rate!r}": model.learning_rate in FALLING,
        "warmup": model.warmup > 0,
        "clip_norm": model.clip_norm is not None,
        "ema": model.ema is not None,
        "validation_data": has_validation_data,
        f"monitor={model.monitor!r}": model.monitor != "auto",
        "callbacks": bool(model.callbacks),
        "checkpoint": model.checkpoint is not None,
    }
