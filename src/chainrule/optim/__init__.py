"""Layer 8: optimisers as pairs of pure functions, and schedules of their rates.

An `Optimizer` holds no state: `init` makes it from the parameters and `update` returns the next,
so a step is a function of arrays and compiles with the rest of the loop.
"""

from .optimizers import (
    Optimizer,
    adam,
    adamw,
    apply_updates,
    chain,
    clip_by_global_norm,
    global_norm,
    rmsprop,
    sgd,
)
from .schedules import Schedule, constant, cosine_decay, step_decay, warmup

__all__ = [
    "Optimizer",
    "Schedule",
    "adam",
    "adamw",
    "apply_updates",
    "chain",
    "clip_by_global_norm",
    "constant",
    "cosine_decay",
    "global_norm",
    "rmsprop",
    "sgd",
    "step_decay",
    "warmup",
]
