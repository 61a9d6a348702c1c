"""Layer 8: optimisers as pairs of pure functions, and schedules of their rates.

An `Optimizer` holds no state: `init` makes it from the parameters and `update` returns the next,
so a step is a function of arrays and compiles with the rest of the loop.
"""

from .averaging import Average, Averager, exponential_moving_average
from .lion import lion
from .optimizers import (
    Optimizer,
    adam,
    adamw,
    apply_updates,
    chain,
    clip,
    clip_by_global_norm,
    global_norm,
    rmsprop,
    sgd,
)
from .schedules import (
    Schedule,
    constant,
    cosine_decay,
    inverse_scaling,
    one_cycle,
    polynomial_decay,
    step_decay,
    warmup,
)

__all__ = [
    "Average",
    "Averager",
    "Optimizer",
    "Schedule",
    "adam",
    "adamw",
    "apply_updates",
    "chain",
    "clip",
    "clip_by_global_norm",
    "constant",
    "cosine_decay",
    "exponential_moving_average",
    "global_norm",
    "inverse_scaling",
    "lion",
    "one_cycle",
    "polynomial_decay",
    "rmsprop",
    "sgd",
    "step_decay",
    "warmup",
]
