"""What the settings of both perceptrons may be: each by itself, and one beside another."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

from sklearn.neural_network import MLPClassifier as PeerClassifier
from sklearn.utils._param_validation import Interval, StrOptions

from .objectives import ACTIVATIONS

FALLING = ("cosine", "linear")  # learning rates, over all steps
FRACTION = [Interval(Real, 0, 1, closed="left")]
CONSTRAINTS: dict[str, Any] = {
    **PeerClassifier._parameter_constraints,
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


# Of estimators for tables: None is what suits the table
TABLES: dict[str, Any] = {
    **{name: CONSTRAINTS[name] for name in (
        "callbacks", "checkpoint", "checkpoint_interval", "dropout", "ema", "learning_rate_init",
        "n_threads", "numeric_embedding", "progress", "random_state", "weight_decay",
    )},
    "hidden_layer_sizes": CONSTRAINTS["hidden_layer_sizes"],
    "n_members": [Interval(Integral, 1, None, closed="left"), None],
    "batch_size": [Interval(Integral, 1, None, closed="left"), None],
    "max_iter": [Interval(Integral, 1, None, closed="left"), None],
    "validation_fraction": [*FRACTION, None],
}  # fmt: skip


def layer_sizes(given: Any) -> list[int]:
    """Units of each hidden layer; a single number is one layer.

    Examples
    --------
    >>> layer_sizes((8, 4)), layer_sizes(5), layer_sizes(())
    ([8, 4], [5], [])
    """
    several = isinstance(given, Iterable) and not isinstance(given, (str, bytes))
    sizes = list(given) if several else [given]
    if not all(isinstance(size, Integral) and not isinstance(size, bool) for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes={given!r:.60}: give whole numbers above 0, one for each hidden "
            "layer, such as (128, 64)"
        )
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return sizes


def refuse_idle(model: Any) -> None:
    """Raise a ValueError if a setting that was given has no effect beside the others.

    Only those beyond scikit-learn's: a program that was written for it runs unchanged.
    """
    if model.solver == "lbfgs":
        idle = [name for name, given in _of_steps(model).items() if given]
        if idle:
            raise ValueError(
                "solver='lbfgs' makes one fixed function of all rows small, without batches and "
                f"epochs: {', '.join(idle)} need 'adam' or another of the stochastic solvers; "
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


def _of_steps(model: Any) -> dict[str, bool]:
    """What only a training in steps and epochs reads, and whether it was given."""
    return {
        "dropout": model.dropout > 0,
        "mixup": bool(model.mixup),
        "normalization='batch'": model.normalization == "batch",
        f"learning_rate={model.learning_rate!r}": model.learning_rate in FALLING,
        "warmup": model.warmup > 0,
        "clip_norm": model.clip_norm is not None,
        "ema": model.ema is not None,
        "validation_data": model._validation is not None,
        f"monitor={model.monitor!r}": model.monitor != "auto",
        "callbacks": bool(model.callbacks),
        "checkpoint": model.checkpoint is not None,
    }
