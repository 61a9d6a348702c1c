"""Optimisers as pairs of pure functions, and schedules of their rates.

An `Optimizer` holds no state: `init` makes it from the parameters and `update` returns the next,
so a step is a function of arrays and compiles with the rest of the loop.
"""

from .averaging import (
    Average,
    Averager,
    exponential_moving_average,
    ramped_moving_average,
)
from .lazy_adam import lazy_adam
from .lion import lion
from .optimizers import adam, adamw, rmsprop, sgd
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
from .transforms import (
    Optimizer,
    apply_updates,
    chain,
    clip,
    clip_by_global_norm,
    decay_weights,
    global_norm,
    scale_by_learning_rate,
    trace,
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
    "decay_weights",
    "exponential_moving_average",
    "global_norm",
    "inverse_scaling",
    "lazy_adam",
    "lion",
    "one_cycle",
    "polynomial_decay",
    "ramped_moving_average",
    "rmsprop",
    "scale_by_learning_rate",
    "sgd",
    "step_decay",
    "trace",
    "warmup",
]
