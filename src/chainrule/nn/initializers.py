"""Initialisers: ``initializer(key, shape, dtype)`` draws a parameter's first value.

A weight of shape ``(*window, inputs, outputs)`` has fan-in ``inputs * window size`` and fan-out
``outputs * window size``. The variance is chosen so that signals keep their size from layer to
layer: forwards (LeCun, He), or forwards and backwards (Glorot).

A bias's shape does not tell the layer's fan-in, so those that draw biases (`zeros`, `ones`,
`torch_uniform`) also take it: ``initializer(key, shape, dtype, fan_in)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..random import normal, uniform
from ..typing import Array

Initializer: TypeAlias = Callable[..., Any]


def glorot_uniform(key: Any, shape: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
    """Uniform within ``sqrt(6 / (fan_in + fan_out))``; suits tanh and sigmoid.

    References
    ----------
    X. Glorot, Y. Bengio: "Understanding the difficulty of training deep feedforward neural
    networks" (2010).

    Examples
    --------
    >>> from chainrule import random
    >>> glorot_uniform(random.key(0), (2, 2)).shape
    (2, 2)
    """
    return _uniform(key, shape, dtype, 1.0 / _mean_fan(shape))


def glorot_normal(key: Any, shape: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
    """Normal with variance ``2 / (fan_in + fan_out)``; see `glorot_uniform`."""
    return _normal(key, shape, dtype, 1.0 / _mean_fan(shape))


def he_uniform(key: Any, shape: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
    """Uniform within ``sqrt(6 / fan_in)``; suits relu and its relatives.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun: "Delving deep into rectifiers", arXiv:1502.01852 (2015).
    """
    return _uniform(key, shape, dtype, 2.0 / fans(shape)[0])


def he_normal(key: Any, shape: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
    """Normal with variance ``2 / fan_in``; see `he_uniform`."""
    return _normal(key, shape, dtype, 2.0 / fans(shape)[0])


def lecun_uniform(key: Any, shape: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
    """Uniform within ``sqrt(3 / fan_in)``: an output's variance is an input's.

    References
    ----------
    Y. LeCun, L. Bottou, G. B. Orr, K.-R. Müller: "Efficient BackProp" (1998).
    """
    return _uniform(key, shape, dtype, 1.0 / fans(shape)[0])


def lecun_normal(key: Any, shape: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
    """Normal with variance ``1 / fan_in``; see `lecun_uniform`."""
    return _normal(key, shape, dtype, 1.0 / fans(shape)[0])


def torch_uniform(
    key: Any, shape: Sequence[int], dtype: DTypeLike = np.float32, fan_in: int | None = None
) -> Array:
    """Uniform within ``1 / sqrt(fan_in)``: how PyTorch's Linear draws its weight and its bias.

    It is ``kaiming_uniform_(weight, a=sqrt(5))``, a third of `lecun_uniform`'s variance.

    Parameters
    ----------
    key : uint32[2]
    shape : sequence of int
    dtype : floating dtype
        Default float32.
    fan_in : int, optional
        Inputs of the layer, where the shape does not tell: of a bias. Default: of the shape.

    Examples
    --------
    >>> from chainrule import nn, random
    >>> layer = nn.Dense(
    ...     400, 9, key=random.key(0), weight_init=torch_uniform, bias_init=torch_uniform
    ... )
    >>> bool(abs(layer.weight).max() <= 0.05), bool(0.0 < abs(layer.bias).max() <= 0.05)
    (True, True)
    """
    return _uniform(key, shape, dtype, 1.0 / (3.0 * max(1, fan_in or fans(shape)[0])))


def orthogonal(scale: float = 1.0) -> Initializer:
    """Return an initialiser of weights with orthogonal columns or rows, whichever are fewer.

    Their length is `scale`. Of a square matrix of normal numbers, the factor Q of its
    QR decomposition, with signs such that it is unique. It draws outside of traces only.

    Parameters
    ----------
    scale : float
        ``sqrt(2)`` for relu. Default 1.

    References
    ----------
    A. M. Saxe, J. L. McClelland, S. Ganguli: "Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks", arXiv:1312.6120 (2013).

    Examples
    --------
    >>> from chainrule import random
    >>> w = orthogonal(2.0)(random.key(0), (3, 2), np.float64)
    >>> (w.T @ w).round(6).tolist()
    [[4.0, 0.0], [0.0, 4.0]]
    """

    def initializer(key: Any, shape: Sequence[int], dtype: DTypeLike = np.float32) -> Array:
        rows, columns = prod(shape[:-1]), shape[-1]
        draw = normal(key, (max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(draw)
        q = q * np.sign(np.diagonal(r))
        return (scale * (q if rows >= columns else q.T)).reshape(shape).astype(dtype)

    return initializer


def zeros(
    key: Any, shape: Sequence[int], dtype: DTypeLike = np.float32, fan_in: int | None = None
) -> Array:
    """All 0, whatever the key and the fan-in."""
    return np.zeros(shape, dtype)


def ones(
    key: Any, shape: Sequence[int], dtype: DTypeLike = np.float32, fan_in: int | None = None
) -> Array:
    """All 1, whatever the key and the fan-in."""
    return np.ones(shape, dtype)


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """Return the fan-in and the fan-out of a weight's shape, each at least 1.

    Examples
    --------
    >>> fans((64, 10)), fans((3, 3, 8, 16)), fans((5,))
    ((64, 10), (72, 144), (5, 5))
    """
    *window, inputs, outputs = shape if len(shape) > 1 else (*shape, *shape) or (1, 1)
    return max(1, prod(window) * inputs), max(1, prod(window) * outputs)


def _mean_fan(shape: Sequence[int]) -> float:
    return sum(fans(shape)) / 2.0


def _uniform(key: Any, shape: Sequence[int], dtype: DTypeLike, variance: float) -> Any:
    bound = sqrt(3.0 * variance)  # a uniform number within -b ... b has variance b**2 / 3
    return uniform(key, shape, dtype, -bound, bound)


def _normal(key: Any, shape: Sequence[int], dtype: DTypeLike, variance: float) -> Any:
    return normal(key, shape, dtype, 0.0, sqrt(variance))
