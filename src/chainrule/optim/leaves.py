"""Arithmetic on trees of parameters, each leaf in its own dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tree
from ..errors import DtypeError, at_user_line


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
    return tree.map(lambda d: cast_like(factor, real(d)) * d, directions)


def real(direction: Any) -> Any:
    """Return a direction, which must not be complex: a step would follow its conjugate."""
    if np.iscomplexobj(direction):
        raise DtypeError(
            at_user_line(
                "optimisers take real parameters: keep the real and the imaginary part as two"
            )
        )
    return direction


def cast_like(x: Any, model: Any) -> Any:
    """Cast x to the dtype of `model`; Python numbers take an array's dtype by themselves."""
    dtype = getattr(model, "dtype", None)
    if dtype is None or getattr(x, "dtype", dtype) == dtype:
        return x
    return x.astype(dtype)
