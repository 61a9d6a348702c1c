"""Losses: how far predictions are from what was observed, as one number.

Every loss compares arrays of the same shape (a column of shape (n, 1) beside labels of shape (n,)
is an error, not a matrix of n * n differences), computes in the prediction's dtype (predictions
that are integers or truth values in float64), and ends in the same two options:

sample_weight : array, optional
    One number for each sample, 0 or more: the first axes of the losses' shape, or all of them. The
    mean is then ``sum(sample_weight * losses) / sum(sample_weight)``. A negative weight raises
    ValueError; in a compiled function, which cannot raise, its loss and the derivative are nan.
reduction : {"mean", "sum", "none"}
    What to return: the (weighted) mean over all entries, their (weighted) sum, or each entry's
    (weighted) loss. Default "mean".
"""

from .classification import sigmoid_binary_cross_entropy, softmax_cross_entropy
from .deviance import poisson_deviance, tweedie_deviance
from .regression import absolute_error, gaussian_nll, huber, pinball, squared_error
from .sequence import ctc_loss

__all__ = [
    "absolute_error",
    "ctc_loss",
    "gaussian_nll",
    "huber",
    "pinball",
    "poisson_deviance",
    "sigmoid_binary_cross_entropy",
    "softmax_cross_entropy",
    "squared_error",
    "tweedie_deviance",
]
