"""Arithmetic on trees of parameters, each leaf in its own dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tree


def zeros(params: Any) -> Any:
    """Return a tree of zeros of the same shapes and dtypes."""
    return tree.map(np.zeros_like, params)


def running_mean(decay: Any, average: Any, new: Any) -> Any:
    """Update an exponential moving average of one array."""
    return cast_like(decay, average) * average + cast_like(1.0 - decay, average) * cast_like(
        new, average
    )


def scale_leaves(factor: Any, directions: Any) -> Any:
    """Multiply each leaf of a tree by a number."""
    return tree.map(lambda d: cast_like(factor, d) * d, directions)


def cast_like(x: Any, model: Any) -> Any:
    """Cast x to the dtype of `model`; Python numbers take an array's dtype by themselves."""
    dtype = getattr(model, "dtype", None)
    if dtype is None or getattr(x, "dtype", dtype) == dtype:
        return x
    return x.astype(dtype)
