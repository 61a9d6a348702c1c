"""Random noise that regularises training: dropout and mixup.

Each function needs a new key at each step, such as ``random.fold_in(key, step)``.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ..errors import DtypeError, ShapeError, at_user_line
from ..random import bernoulli, permutation, split, symmetric_beta
from ..trace.operands import is_plain_array
from ..typing import Array
from .module import Module
from .validation import check_fraction, check_positive


def dropout(x: Any, rate: float, key: Any) -> Array:
    """Set each entry to 0 with probability `rate`, and multiply the others by ``1 / (1 - rate)``.

    The mean of each entry is unchanged, so inference needs no correction ("inverted" dropout).

    Parameters
    ----------
    x : floating array
    rate : float
        A number, at least 0 and below 1; 0 returns `x`.
    key : uint32[2]
        From `chainrule.random`.

    Returns
    -------
    array of the same shape and dtype

    Raises
    ------
    ValueError
        If the rate is out of range.
    DtypeError
        If `x` is not floating.

    References
    ----------
    N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov: "Dropout: a simple way
    to prevent neural networks from overfitting", Journal of Machine Learning Research 15 (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> dropout(np.ones(6), 0.5, random.key(0)).tolist()
    [2.0, 0.0, 0.0, 0.0, 0.0, 2.0]
    """
    _check_floating("dropout", "x", x)
    keep_rate = 1.0 - check_fraction("rate", rate)
    if keep_rate == 1.0:
        return x
    return np.where(bernoulli(key, keep_rate, np.shape(x)), x * (1.0 / keep_rate), 0)


class Dropout(Module):
    """`dropout` as a layer: `train` drops entries, and ``layer(x)`` returns x.

    Parameters
    ----------
    rate : float
        A number, at least 0 and below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.Dropout(0.5)
    >>> layer(np.ones(6)).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    >>> layer.train(np.ones(6), random.key(0))[0].tolist()
    [2.0, 0.0, 0.0, 0.0, 0.0, 2.0]
    """

    rate: float

    def __init__(self, rate: float) -> None:
        self.rate = check_fraction("rate", rate)

    def __call__(self, x: Any) -> Array:
        return x

    def train(self, x: Any, key: Any) -> tuple[Any, Self]:
        """Drop entries; return the result and this layer, which has no state."""
        return dropout(x, self.rate, key), self


def mixup(x: Any, y: Any, alpha: float, key: Any) -> tuple[Any, Any]:
    """Mix each row and its target with another row of the batch and its target.

    ``share * x + (1 - share) * x[order]`` and the same of y, for a random order of the rows, and a
    share for each row that is drawn from the beta distribution of (alpha, alpha). (The authors'
    program draws one share for a whole batch; their formula is of a pair of rows.)

    Parameters
    ----------
    x : floating array of shape (rows, ...)
    y : floating array of shape (rows, ...)
        Real numbers, one-hot rows or probabilities. Class numbers cannot be mixed:
        ``np.eye(classes)[y]`` can.
    alpha : float
        A known number above 0: near 0 rows stay almost as they are, 1 is any mixture. The authors
        find 0.1 to 0.4 good for images, and more than that too much.
    key : uint32[2]
        From `chainrule.random`.

    Returns
    -------
    x, y : arrays of the same shapes and dtypes

    Raises
    ------
    ShapeError
        If x and y have no rows in common.
    DtypeError
        If x or y is not floating.
    ValueError
        If alpha is not positive.

    References
    ----------
    H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz: "mixup: beyond empirical risk minimization",
    arXiv:1710.09412 (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> x, y = mixup(np.array([[0.0], [8.0]]), np.eye(2), 0.4, random.key(2))
    >>> x.round(2).tolist(), y.round(2).tolist()
    ([[0.03], [4.76]], [[1.0, 0.0], [0.41, 0.59]])
    """
    for name, value in (("x", x), ("y", y)):
        _check_floating("mixup", name, value)
    rows = np.shape(x)[:1]
    if not rows or rows != np.shape(y)[:1]:
        raise ShapeError(
            at_user_line(
                f"mixup: x has shape {np.shape(x)} and y {np.shape(y)}: give as many rows of both"
            )
        )
    order_key, shares_key = split(key)
    order = permutation(order_key, rows[0])
    weights = symmetric_beta(shares_key, check_positive("alpha", alpha), rows, x.dtype)
    return _mix(x, weights, order), _mix(y, weights.astype(y.dtype), order)


def _mix(values: Any, weights: Any, order: Any) -> Any:
    weights = weights.reshape(-1, *([1] * (values.ndim - 1)))
    if is_plain_array(values):
        values = np.asarray(values, like=order)  # known rows, looked up by a traced order
    others = values[order]
    return others + weights * (values - others)


def _check_floating(function: str, name: str, value: Any) -> None:
    dtype = getattr(value, "dtype", None)
    if dtype is None or dtype.kind != "f":
        actual = type(value).__name__ if dtype is None else dtype
        raise DtypeError(
            at_user_line(
                f"{function} takes arrays of floats: {name} is {actual}; astype(np.float32)"
            )
        )
