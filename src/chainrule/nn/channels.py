"""The weights of convolutions, groups of channels, and checks of inputs with channels last."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import ShapeError, at_user_line
from .initializers import Initializer
from .validation import check_dtype, check_int


def draw_parameters(
    kernel_size: tuple[int, ...],
    in_channels: int,
    out_channels: int,
    groups: int,
    bias: bool,
    *,
    key: Any,
    weight_init: Initializer,
    dtype: DTypeLike,
) -> tuple[Any, Any]:
    """Return a weight (*kernel_size, in_channels / groups, out_channels), and a bias or None."""
    shape = (*kernel_size, in_channels // groups, out_channels)
    weight = weight_init(key, shape, check_dtype(dtype))
    return weight, np.zeros(out_channels, dtype) if bias else None


def check_groups(layer: str, groups: int, in_channels: int, out_channels: int) -> int:
    """Return the number of groups; raise unless it divides both numbers of channels."""
    check_int("in_channels", in_channels)
    check_int("out_channels", out_channels)
    if in_channels % check_int("groups", groups) or out_channels % groups:
        raise ValueError(
            at_user_line(
                f"{layer}: groups={groups} does not divide in_channels={in_channels} and "
                f"out_channels={out_channels}"
            )
        )
    return groups


def check_channels(layer: str, x: Any, axes: tuple[str, ...], channels: int) -> None:
    """Raise unless x is (..., *axes, channels), with at least one leading axis."""
    shape = np.shape(x)
    if len(shape) < len(axes) + 2 or shape[-1] != channels:
        raise ShapeError(
            at_user_line(
                f"{layer} takes arrays of shape (rows, {', '.join(axes)}, {channels}), features "
                f"last, and was given {shape}"
            )
        )


def over_images(function: Callable[[Any], Any], x: Any, bias: Any) -> Any:
    """Apply a function of images (N, H, W, C) to x (..., H, W, C), and add the bias, if any."""
    *leading, height, width, channels = x.shape
    y = function(x.reshape(prod(leading), height, width, channels))
    y = y.reshape(*leading, *y.shape[1:])
    return y if bias is None else y + bias


def over_sequences(function: Callable[[Any], Any], x: Any, bias: Any) -> Any:
    """Apply a function of images of height 1 to x (..., T, C), and add the bias, if any."""
    *leading, steps, channels = x.shape
    y = function(x.reshape(prod(leading), 1, steps, channels))
    y = y.reshape(*leading, *y.shape[2:])
    return y if bias is None else y + bias


def in_groups(function: Callable[[Any, Any], Any], x: Any, weight: Any, groups: int) -> Any:
    """Apply ``function(x, weight)`` to each group of channels.

    x is (N, H, W, C) and the weight (KH, KW, C / groups, O). Several groups become a leading axis
    of both and of the result, which is then merged into the last axis (N, H', W', O).
    """
    if groups == 1:
        return function(x, weight)
    kernel_h, kernel_w, group_size, outputs = weight.shape
    x = x.reshape(*x.shape[:3], groups, group_size).transpose(3, 0, 1, 2, 4)
    weight = weight.reshape(kernel_h, kernel_w, group_size, groups, outputs // groups)
    y = function(x, weight.transpose(3, 0, 1, 2, 4)).transpose(1, 2, 3, 0, 4)
    return y.reshape(*y.shape[:3], outputs)
