"""How every loss begins, with arrays of one shape and dtype, and ends, with a mean or a sum."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from ..errors import ShapeError, at_user_line

Reduction: TypeAlias = Literal["mean", "sum", "none"]


def difference(name: str, prediction: Any, target: Any) -> Any:
    prediction = array(prediction)
    target = like(target, prediction)
    check_same_shape(name, "prediction", prediction, "target", target)
    return prediction - target


def check_same_shape(name: str, first: str, x: Any, second: str, y: Any) -> None:
    if x.shape != y.shape:
        column = x.shape == (*y.shape, 1)
        hint = f": take {first}[..., 0]" if column else ", and have to be of one shape"
        raise ShapeError(
            at_user_line(f"{name}: {first} has shape {x.shape} and {second} {y.shape}{hint}")
        )


def array(x: Any) -> Any:
    return x if hasattr(x, "dtype") else np.asarray(x)


def like(x: Any, prediction: Any) -> Any:
    """x in the prediction's floating dtype: labels do not turn float32 into float64."""
    x = array(x)
    if prediction.dtype.kind != "f" or x.dtype == prediction.dtype:
        return x
    return x.astype(prediction.dtype)


def reduced(losses: Any, weights: Any, reduction: Reduction) -> Any:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(at_user_line(f"reduction={reduction!r}: give 'mean', 'sum' or 'none'"))
    if weights is not None:
        weights = like(weights, losses)
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
