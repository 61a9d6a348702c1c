"""Positions of the steps of a sequence as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import ShapeError, at_user_line
from ..random import normal
from ..typing import Array
from .module import Module
from .validation import check_dtype, check_int


def sinusoidal_positions(max_length: int, embed_dim: int, dtype: DTypeLike = np.float32) -> Array:
    """Sines and cosines of each position, at wavelengths from 2 pi to 20,000 pi.

    ``p[t, 2 i] = sin(t / 10000 ** (2 i / embed_dim))``, and ``p[t, 2 i + 1]`` its cosine.

    Parameters
    ----------
    max_length : int
        The number of positions.
    embed_dim : int
        The number of features, which must be even.
    dtype : floating dtype
        Default float32; computed in float64.

    Returns
    -------
    array of shape (max_length, embed_dim)
        To be added to x of shape (rows, max_length, embed_dim).

    Raises
    ------
    ValueError
        If `embed_dim` is odd.

    References
    ----------
    A. Vaswani et al.: "Attention is all you need", arXiv:1706.03762 (2017), section 3.5.

    Examples
    --------
    >>> sinusoidal_positions(2, 4).round(4).tolist()[1]
    [0.8414999842643738, 0.5403000116348267, 0.009999999776482582, 1.0]
    """
    if check_int("embed_dim", embed_dim) % 2:
        raise ValueError(
            at_user_line(f"embed_dim={embed_dim}: sines and cosines take an even number")
        )
    parameter_dtype = check_dtype(dtype)
    rates = 10000.0 ** (-np.arange(0, embed_dim, 2) / embed_dim)
    angles = np.arange(check_int("max_length", max_length))[:, None] * rates
    return (
        np.stack([np.sin(angles), np.cos(angles)], axis=-1)
        .reshape(max_length, embed_dim)
        .astype(parameter_dtype)
    )


class PositionalEmbedding(Module):
    """Adds a trained vector for its position to each step of a sequence.

    Parameters
    ----------
    max_length : int
        Steps of the longest sequence.
    embed_dim : int
        Features.
    key : uint32[2]
        From `chainrule.random`: vectors begin normal with deviation 0.02.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    weight : array of shape (max_length, embed_dim)

    Raises
    ------
    ShapeError
        If the input is not of shape (..., steps, embed_dim), or has more steps than `max_length`.

    References
    ----------
    J. Devlin, M.-W. Chang, K. Lee, K. Toutanova: "BERT: pre-training of deep bidirectional
    transformers for language understanding", arXiv:1810.04805 (2018).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.PositionalEmbedding(9, 2, key=random.key(0))
    >>> layer = layer.replace(weight=np.arange(18.0).reshape(9, 2))
    >>> layer(np.ones((1, 3, 2))).tolist()
    [[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]
    """

    weight: Any

    def __init__(
        self, max_length: int, embed_dim: int, *, key: Any, dtype: DTypeLike = np.float32
    ) -> None:
        shape = (check_int("max_length", max_length), check_int("embed_dim", embed_dim))
        self.weight = normal(key, shape, check_dtype(dtype), 0.0, 0.02)

    def __call__(self, x: Any) -> Array:
        max_length, embed_dim = self.weight.shape
        shape = np.shape(x)
        if len(shape) < 2 or shape[-1] != embed_dim or shape[-2] > max_length:
            raise ShapeError(
                at_user_line(
                    f"PositionalEmbedding takes arrays of shape (..., steps, {embed_dim}) with at "
                    f"most {max_length} steps, and was given {shape}"
                )
            )
        return x + self.weight[: shape[-2]]
