"""The loop around an epoch.

An epoch is one graph: shuffle, gather, forward, backward and optimizer are a `scan` over the
batches. What is left here is what happens once an epoch: validate, keep the best, stop early,
report, and stop in an orderly way on Ctrl-C or when the loss is no longer finite.
"""

from .epoch import make_epoch
from .fit import fit
from .health import Health, gradient_health
from .predict import predict
from .result import EpochReport, FitResult

__all__ = [
    "EpochReport",
    "FitResult",
    "Health",
    "fit",
    "gradient_health",
    "make_epoch",
    "predict",
]
