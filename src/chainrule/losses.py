"""Losses: how far predictions are from what was observed, as one number.

Every loss compares arrays of the same shape (a column of shape (n, 1) beside labels of shape (n,)
is an error, not a matrix of n * n differences), computes in the prediction's dtype, and ends in
the same two options:

weights : array, optional
    One number a sample: its shape is how the losses' shape begins. The mean is then
    ``sum(weights * losses) / sum(weights)``.
reduction : {"mean", "sum", "none"}
    What to return: the (weighted) mean over all entries, their (weighted) sum, or each entry's
    (weighted) loss. Default "mean".
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from .errors import DtypeError, ShapeError, at_user_line
from .transforms import stop_gradient

Reduction: TypeAlias = Literal["mean", "sum", "none"]

__all__ = [
    "absolute_error",
    "binary_cross_entropy",
    "huber",
    "softmax_cross_entropy",
    "squared_error",
]


def squared_error(
    prediction: Any, target: Any, *, weights: Any = None, reduction: Reduction = "mean"
) -> Any:
    """``(prediction - target)**2``, without a factor of 1/2.

    Parameters
    ----------
    prediction, target : array of one shape
    weights, reduction
        See `chainrule.losses`.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> float(squared_error(np.array([1.0, 4.0]), np.array([0.0, 2.0])))
    2.5
    >>> float(squared_error(np.array([1.0, 4.0]), np.array([0, 2]), weights=np.array([3, 1])))
    1.75
    """
    difference = _difference("squared_error", prediction, target)
    return _reduced(difference * difference, weights, reduction)


def absolute_error(
    prediction: Any, target: Any, *, weights: Any = None, reduction: Reduction = "mean"
) -> Any:
    """``|prediction - target|``; the derivative is 0 where they are equal.

    Parameters
    ----------
    prediction, target : array of one shape
    weights, reduction
        See `chainrule.losses`.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> float(absolute_error(np.array([1.0, 4.0]), np.array([0.0, 2.0])))
    1.5
    """
    return _reduced(np.abs(_difference("absolute_error", prediction, target)), weights, reduction)


def huber(
    prediction: Any,
    target: Any,
    *,
    delta: float = 1.0,
    weights: Any = None,
    reduction: Reduction = "mean",
) -> Any:
    """``e**2 / 2`` for an error within `delta`, ``delta * (|e| - delta / 2)`` beyond it.

    Parameters
    ----------
    prediction, target : array of one shape
    delta : float
        From where on the loss is linear; positive. Default 1.
    weights, reduction
        See `chainrule.losses`.

    Raises
    ------
    ShapeError
        If the shapes differ.

    References
    ----------
    P. J. Huber: "Robust estimation of a location parameter", Annals of Mathematical Statistics 35
    (1964).

    Examples
    --------
    >>> import numpy as np
    >>> huber(np.array([0.5, -3.0]), np.zeros(2), reduction="none").tolist()
    [0.125, 2.5]
    """
    if not delta > 0:
        raise ValueError(at_user_line(f"huber: delta={delta} is not positive"))
    error = _difference("huber", prediction, target)
    near = np.clip(error, -delta, delta)
    # near = e: e**2 / 2; near = delta: delta * (e - delta / 2); near = -delta: as for -e
    return _reduced(near * (error - 0.5 * near), weights, reduction)


def binary_cross_entropy(
    logits: Any, labels: Any, *, weights: Any = None, reduction: Reduction = "mean"
) -> Any:
    """``-labels * log(p) - (1 - labels) * log(1 - p)`` where ``p = sigmoid(logits)``.

    Parameters
    ----------
    logits : array
        A model's outputs, before any sigmoid.
    labels : array of the same shape
        0 and 1, truth values, or probabilities.
    weights, reduction
        See `chainrule.losses`.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import numpy as np
    >>> binary_cross_entropy(np.array([0.0, 1000.0]), np.array([1, 0]), reduction="none").tolist()
    [0.6931471805599453, 1000.0]
    """
    logits = _array(logits)
    labels = _like(labels, logits)
    _same_shape("binary_cross_entropy", "logits", logits, "labels", labels)
    # -log(p) = softplus(-z) and -log(1 - p) = softplus(z): each keeps its digits
    losses = labels * np.logaddexp(-logits, 0.0) + (1.0 - labels) * np.logaddexp(logits, 0.0)
    return _reduced(losses, weights, reduction)


def softmax_cross_entropy(
    logits: Any, labels: Any, *, weights: Any = None, reduction: Reduction = "mean"
) -> Any:
    """``-sum(labels * log(softmax(logits)))`` over the last axis.

    Parameters
    ----------
    logits : array of shape (..., classes)
        A model's outputs, before any softmax.
    labels : integer array of shape (...,), or array of shape (..., classes)
        The class of each sample, from 0; or one-hot rows or probabilities.
    weights, reduction
        See `chainrule.losses`; a loss has the shape (...,).

    Raises
    ------
    ShapeError
        If the labels fit neither way.
    DtypeError
        If class numbers are given as floats.
    ValueError
        If a class is not in ``0 ... classes - 1`` (found only while labels are numbers, not in
        a compiled function).

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.array([[0.0, 0.0], [1000.0, 0.0]])
    >>> softmax_cross_entropy(logits, np.array([0, 1]), reduction="none").tolist()
    [0.6931471805599453, 1000.0]
    >>> float(softmax_cross_entropy(logits, np.array([[0.5, 0.5], [1.0, 0.0]])))
    0.34657359027997264
    """
    logits, labels = _array(logits), _array(labels)
    by_class = _labels_are_classes(logits, labels)
    # the largest logit cancels: no exponential overflows, and one of them is 1
    shifted = logits - stop_gradient(np.max(logits, axis=-1, keepdims=True))
    total = np.log(np.sum(np.exp(shifted), axis=-1))
    if by_class:
        chosen = np.take_along_axis(shifted, labels[..., None], axis=-1)[..., 0]
        return _reduced(total - chosen, weights, reduction)
    log_softmax = shifted - total[..., None]
    return _reduced(-np.sum(_like(labels, logits) * log_softmax, axis=-1), weights, reduction)


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
    if isinstance(labels, (np.ndarray, np.generic)) and labels.size:
        low, high, classes = int(labels.min()), int(labels.max()), logits.shape[-1]
        if low < 0 or high >= classes:
            raise ValueError(
                at_user_line(
                    f"softmax_cross_entropy: labels run from {low} to {high}, but the logits have "
                    f"{classes} classes, 0 to {classes - 1}"
                )
            )
    return True


def _difference(name: str, prediction: Any, target: Any) -> Any:
    prediction = _array(prediction)
    target = _like(target, prediction)
    _same_shape(name, "prediction", prediction, "target", target)
    return prediction - target


def _same_shape(name: str, first: str, x: Any, second: str, y: Any) -> None:
    if x.shape != y.shape:
        column = x.shape == (*y.shape, 1)
        hint = f": take {first}[..., 0]" if column else ", and have to be of one shape"
        raise ShapeError(
            at_user_line(f"{name}: {first} has shape {x.shape} and {second} {y.shape}{hint}")
        )


def _array(x: Any) -> Any:
    return x if hasattr(x, "dtype") else np.asarray(x)


def _like(x: Any, prediction: Any) -> Any:
    """x in the prediction's floating dtype: labels do not turn float32 into float64."""
    x = _array(x)
    if prediction.dtype.kind != "f" or x.dtype == prediction.dtype:
        return x
    return x.astype(prediction.dtype)


def _reduced(losses: Any, weights: Any, reduction: Reduction) -> Any:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(at_user_line(f"reduction={reduction!r}: give 'mean', 'sum' or 'none'"))
    if weights is not None:
        weights = _like(weights, losses)
        given = weights.shape
        if given != losses.shape[: len(given)]:
            raise ShapeError(
                at_user_line(f"weights of shape {given} for losses of shape {losses.shape}")
            )
        rest = (1,) * (losses.ndim - len(given))
        weights = np.broadcast_to(weights.reshape(given + rest), losses.shape)
        losses = weights * losses
    if reduction == "none":
        return losses
    if reduction == "sum":
        return np.sum(losses)
    if losses.size == 0:
        raise ShapeError(at_user_line(f"the mean of no losses: their shape is {losses.shape}"))
    return np.mean(losses) if weights is None else np.sum(losses) / np.sum(weights)
