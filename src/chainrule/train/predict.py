"""A model over many rows, without all of its intermediate arrays at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DataError
from ..transforms import jit

CHUNK = 4096  # rows


def predict(model: Any, x: Any, batch_size: int = CHUNK) -> Any:
    """Apply a model to the rows of `x`, so many at a time.

    Parameters
    ----------
    model : Module
        ``model(x)`` maps rows to rows.
    x : array
        At least one row.
    batch_size : int
        Bounds the memory that is needed. Default 4096.

    Returns
    -------
    array
        ``model(x)``.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> predict(nn.Dense(3, 2, key=random.key(0)), np.zeros((5, 3))).tolist()[0]
    [0.0, 0.0]
    """
    x = np.asarray(x)
    if not x.ndim or not len(x):
        raise DataError(f"predict was given an array of shape {x.shape}: there is no row")
    return _joined([_apply(model, x[k : k + batch_size]) for k in range(0, len(x), batch_size)])


def mean_loss(loss: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any], tuple[float, Any]]:
    """Make a function of (model, x, y) that returns the mean loss over the rows and model(x)."""

    @jit
    def measure(model: Any, x: Any, y: Any) -> Any:
        outputs = model(x)
        return loss(outputs, y), outputs

    def mean(model: Any, x: Any, y: Any) -> tuple[float, Any]:
        total, parts = 0.0, []
        for start in range(0, len(x), CHUNK):
            chunk = slice(start, start + CHUNK)
            value, outputs = measure(model, x[chunk], y[chunk])
            total += float(value) * len(outputs)
            parts.append(outputs)
        return total / len(x), _joined(parts)

    return mean


@jit
def _apply(model: Any, x: Any) -> Any:
    return model(x)


def _joined(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
