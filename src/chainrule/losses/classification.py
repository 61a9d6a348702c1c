"""Losses of classes, by logits: cross-entropies that neither overflow nor lose their digits."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError, at_user_line
from ..transforms import stop_gradient
from ..typing import Array
from .labels import SLACK, between, check, mark_invalid, span
from .reduction import Reduction, as_array, as_float, cast_like, check_same_shape, reduce_losses


def sigmoid_binary_cross_entropy(
    logits: Any,
    labels: Any,
    *,
    label_smoothing: float = 0.0,
    sample_weight: Any = None,
    reduction: Reduction = "mean",
) -> Array:
    """``-labels * log(p) - (1 - labels) * log(1 - p)`` where ``p = sigmoid(logits)``.

    Parameters
    ----------
    logits : array
        A model's outputs, before any sigmoid.
    labels : array of the same shape
        0 and 1, truth values, or probabilities.
    label_smoothing : float
        The share s of each label that is made 1/2: 0 and 1 become ``s/2`` and ``1 - s/2``. At
        least 0 and below 1. Default 0.
    sample_weight, reduction
        See `chainrule.losses`.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If a label is not in 0 ... 1. (In a compiled function, which cannot raise, its loss and the
        derivative are nan.)

    References
    ----------
    C. Szegedy et al.: "Rethinking the inception architecture for computer vision" (2016), for
    label smoothing.

    Examples
    --------
    >>> import numpy as np
    >>> logits, labels = np.array([0.0, 1000.0]), np.array([1, 0])
    >>> sigmoid_binary_cross_entropy(logits, labels, reduction="none").tolist()
    [0.6931471805599453, 1000.0]
    """
    logits = as_float(logits)
    labels = cast_like(labels, logits)
    check_same_shape("sigmoid_binary_cross_entropy", "logits", logits, "labels", labels)
    valid = check(labels, between(-SLACK, 1 + SLACK), _describe_binary)
    if _check_label_smoothing(label_smoothing):
        labels = (1.0 - label_smoothing) * labels + 0.5 * label_smoothing
    # -log(p) = softplus(-z) and -log(1 - p) = softplus(z): each keeps its digits
    losses = labels * np.logaddexp(-logits, 0.0) + (1.0 - labels) * np.logaddexp(logits, 0.0)
    return reduce_losses(mark_invalid(losses, valid), sample_weight, reduction)


def softmax_cross_entropy(
    logits: Any,
    labels: Any,
    *,
    label_smoothing: float = 0.0,
    sample_weight: Any = None,
    reduction: Reduction = "mean",
) -> Array:
    """``-sum(labels * log(softmax(logits)))`` over the last axis.

    Parameters
    ----------
    logits : array of shape (..., classes)
        A model's outputs, before any softmax.
    labels : integer array of shape (...,), or array of shape (..., classes)
        The class of each sample, from 0; or one-hot rows or probabilities.
    label_smoothing : float
        The share s of each label that is spread over all k classes: rows become
        ``(1 - s) * labels + s / k``. At least 0 and below 1. Default 0.
    sample_weight, reduction
        See `chainrule.losses`; a loss has the shape (...,).

    Raises
    ------
    ShapeError
        If the labels fit neither way.
    DtypeError
        If class numbers are given as floats.
    ValueError
        If a class is not in ``0 ... classes - 1`` or a probability not in 0 ... 1, or the
        smoothing is out of range. (A compiled function does not see it so early: there the loss of
        such a label and its derivative are nan, or an IndexError says that it has no place.)

    References
    ----------
    C. Szegedy et al.: "Rethinking the inception architecture for computer vision" (2016), for
    label smoothing.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.array([[0.0, 0.0], [1000.0, 0.0]])
    >>> softmax_cross_entropy(logits, np.array([0, 1]), reduction="none").tolist()
    [0.6931471805599453, 1000.0]
    >>> float(softmax_cross_entropy(logits, np.array([[0.5, 0.5], [1.0, 0.0]])))
    0.34657359027997264
    >>> float(softmax_cross_entropy(np.zeros(4), 2, label_smoothing=0.1))  # log(4) whatever
    1.3862943611198906
    """
    logits, labels = as_float(logits), as_array(labels)
    by_class = _labels_are_classes(logits, labels)
    classes = logits.shape[-1]
    if by_class:
        valid = check(labels, between(0, classes - 1), partial(_describe_classes, classes))
    else:
        valid = check(labels, _are_probabilities, _describe_probabilities)
    # the largest logit cancels: no exponential overflows, and one of them is 1
    shifted = logits - stop_gradient(np.max(logits, axis=-1, keepdims=True))
    total = np.log(np.sum(np.exp(shifted), axis=-1))
    smooths = _check_label_smoothing(label_smoothing)
    if by_class:
        chosen = np.take_along_axis(shifted, labels[..., None], axis=-1)[..., 0]
        if smooths:
            everywhere = np.mean(shifted, axis=-1)
            chosen = (1.0 - label_smoothing) * chosen + label_smoothing * everywhere
        return reduce_losses(mark_invalid(total - chosen, valid), sample_weight, reduction)
    labels = cast_like(labels, logits)
    if smooths:
        labels = (1.0 - label_smoothing) * labels + label_smoothing / logits.shape[-1]
    log_softmax = shifted - total[..., None]
    losses = -np.sum(labels * log_softmax, axis=-1)
    return reduce_losses(mark_invalid(losses, valid), sample_weight, reduction)


def _describe_binary(labels: Any) -> str:
    return (
        f"sigmoid_binary_cross_entropy: labels are 0, 1 or between, but {span(labels)}. Of labels "
        "1 and 2 give labels - 1, of labels -1 and 1 give (labels + 1) / 2"
    )


def _describe_classes(classes: int, labels: Any) -> str:
    return (
        f"softmax_cross_entropy: labels run from {labels.min()} to {labels.max()}, but the logits "
        f"have {classes} classes, 0 to {classes - 1}"
    )


def _are_probabilities(labels: Any) -> Any:
    return np.all(between(-SLACK, 1 + SLACK)(labels), axis=-1)


def _describe_probabilities(labels: Any) -> str:
    return (
        f"softmax_cross_entropy: labels of a row of logits are probabilities, 0 ... 1, but "
        f"{span(labels)}"
    )


def _check_label_smoothing(label_smoothing: Any) -> bool:
    """Whether there is anything to smooth; raises if it is no share."""
    is_number = isinstance(label_smoothing, Real) or hasattr(label_smoothing, "dtype")
    if not is_number or not 0 <= label_smoothing < 1:
        raise ValueError(
            at_user_line(f"label_smoothing={label_smoothing!r:.60}: give 0 or more, less than 1")
        )
    return bool(label_smoothing > 0)


def _labels_are_classes(logits: Any, labels: Any) -> bool:
    """Whether labels are class numbers rather than rows; raises if they are neither."""
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ShapeError(
            at_user_line(f"softmax_cross_entropy: logits of shape {logits.shape} have no classes")
        )
    if labels.shape == logits.shape:
        return False
    if labels.shape != logits.shape[:-1]:
        raise ShapeError(
            at_user_line(
                f"softmax_cross_entropy: logits have shape {logits.shape}, so labels have shape "
                f"{logits.shape[:-1]} (class numbers) or {logits.shape} (probabilities), and not "
                f"{labels.shape}"
            )
        )
    if labels.dtype.kind not in "iu":
        raise DtypeError(
            at_user_line(
                f"softmax_cross_entropy: class numbers of dtype {labels.dtype}: give "
                "labels.astype(int)"
            )
        )
    return True
