"""Arithmetic on trees of parameters, each leaf in its own dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tree


def zeros(params: Any) -> Any:
    """A tree of zeros."""
    return tree.map(np.zeros_like, params)


def running(decay: Any, average: Any, new: Any) -> Any:
    """One array's running average after one more."""
    return like(decay, average) * average + like(1.0 - decay, average) * like(new, average)


def scaled(factor: Any, directions: Any) -> Any:
    """A tree times a number."""
    return tree.map(lambda d: like(factor, d) * d, directions)


def like(x: Any, model: Any) -> Any:
    """x in the dtype of `model`; a Python number takes it by itself."""
    dtype = getattr(model, "dtype", None)
    if dtype is None or getattr(x, "dtype", dtype) == dtype:
        return x
    return x.astype(dtype)
