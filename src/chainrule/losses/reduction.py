"""What all losses share: arrays of one shape and dtype, and the weighted mean or sum."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np

from ..errors import DataError, DtypeError, ShapeError, at_user_line
from ..trace.tracer import Tracer
from .labels import check, mark_invalid

Reduction: TypeAlias = Literal["mean", "sum", "none"]
NOT_NUMERIC = "cmMOSU"  # kinds of dtypes


def difference(name: str, predictions: Any, targets: Any) -> Any:
    predictions = as_float(predictions)
    targets = cast_like(targets, predictions)
    check_same_shape(name, "predictions", predictions, "targets", targets)
    return predictions - targets


def check_same_shape(name: str, first: str, x: Any, second: str, y: Any) -> None:
    if x.shape != y.shape:
        column = x.shape == (*y.shape, 1)
        hint = f"take {first}[..., 0]" if column else "give arrays of the same shape"
        raise ShapeError(
            at_user_line(
                f"{name}: {first} of shape {x.shape}, but {second} of shape {y.shape}: {hint}"
            )
        )


def as_array(x: Any) -> Any:
    """Return an array of real numbers; raise if it has masked entries or is no array of numbers."""
    if isinstance(x, Tracer):
        return x
    if type(x) is not np.ndarray:
        if isinstance(x, np.ma.MaskedArray) and np.ma.is_masked(x):
            count = np.count_nonzero(np.ma.getmaskarray(x))
            raise DataError(
                at_user_line(
                    f"{count} of {x.size} numbers given to a loss are masked, "
                    "which a loss would not see: leave them out, or fill them with x.filled(...)"
                )
            )
        x = np.asarray(x)
    if x.dtype.kind in NOT_NUMERIC:
        raise DtypeError(at_user_line(f"a loss takes real numbers, and was given dtype {x.dtype}"))
    return x


def as_float(x: Any) -> Any:
    """Return an array of floats: integers and booleans, which would overflow, become float64."""
    x = as_array(x)
    return x.astype(np.float64) if x.dtype.kind in "biu" else x


def cast_like(x: Any, predictions: Any) -> Any:
    """Cast x to the predictions' dtype, so that labels do not turn float32 into float64."""
    x = as_array(x)
    return x if x.dtype == predictions.dtype else x.astype(predictions.dtype)


def reduce_losses(losses: Any, sample_weight: Any, reduction: Reduction) -> Any:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(at_user_line(f"reduction={reduction!r}: give 'mean', 'sum' or 'none'"))
    if sample_weight is not None:
        sample_weight = cast_like(sample_weight, losses)
        weight_shape = sample_weight.shape
        if weight_shape != losses.shape[: len(weight_shape)]:
            raise ShapeError(
                at_user_line(
                    f"sample_weight of shape {weight_shape} for losses of shape {losses.shape}"
                )
            )
        sample_weight = mark_invalid(
            sample_weight, check(sample_weight, _valid_weights, _describe_weights)
        )
        rest = (1,) * (losses.ndim - len(weight_shape))
        sample_weight = np.broadcast_to(sample_weight.reshape(weight_shape + rest), losses.shape)
        losses = sample_weight * losses
    if reduction == "none":
        return losses
    if reduction == "sum":
        return np.sum(losses)
    if losses.size == 0:
        raise ShapeError(at_user_line(f"the mean of no losses: their shape is {losses.shape}"))
    return np.mean(losses) if sample_weight is None else np.sum(losses) / np.sum(sample_weight)


def _valid_weights(sample_weight: Any) -> Any:
    return (sample_weight >= 0) & (sample_weight < np.inf)


def _describe_weights(sample_weight: Any) -> str:
    wrong = sample_weight[~_valid_weights(sample_weight)]
    return (
        f"sample_weight: one is {wrong.flat[0]}: weights are 0 or more, and finite (to turn "
        'losses around, multiply those of reduction="none")'
    )
