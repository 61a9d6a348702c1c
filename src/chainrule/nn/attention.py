"""Attention: every step of a sequence reads all others, and learns which of them to heed.

Sequences are (rows, steps, features). Which steps of a row are real is said by a mask of truth
values, (rows, steps): sequences of different lengths are filled up to the longest.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from ..errors import DtypeError, ShapeError, at_user_line
from ..random import split
from .activations import softmax
from .dropout import dropout
from .layers import Dense
from .module import Module
from .validation import check_dtype, check_fraction, check_int


def sequence_mask(lengths: Any, max_length: int) -> Any:
    """Which steps are real: step t of row i if ``t < lengths[i]``.

    Parameters
    ----------
    lengths : integer array of shape (rows,)
    max_length : int
        The length of the longest row.

    Returns
    -------
    bool array of shape (rows, max_length)

    Examples
    --------
    >>> import numpy as np
    >>> sequence_mask(np.array([1, 3]), 3).tolist()
    [[True, False, False], [True, True, True]]
    """
    return np.arange(check_int("max_length", max_length, minimum=0)) < lengths[:, None]


class MultiHeadAttention(Module):
    """Scaled dot-product attention with several heads, over x itself or over another sequence.

    Each head makes of every step a query, a key and a value by affine maps; a step's result is
    ``sum_s softmax_s(query . key_s / sqrt(features)) value_s``. The heads' results, side by side,
    go through a last affine map.

    Parameters
    ----------
    embed_dim : int
        Features of what comes and what goes.
    num_heads : int
        Must divide `embed_dim`: a head has ``embed_dim / num_heads`` features.
    key : uint32[2]
        From `chainrule.random`.
    dropout : float
        Rate at which a step's weights on others are dropped in `train`. Default 0.
    bias : bool
        Whether the affine maps have a bias. Default True.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    project : Dense
        From embed_dim to 3 embed_dim: queries, keys and values of all heads.
    combine : Dense
        From embed_dim to embed_dim.

    References
    ----------
    A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, L. Kaiser,
    I. Polosukhin: "Attention is all you need", arXiv:1706.03762 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.MultiHeadAttention(8, 2, key=random.key(0))
    >>> x = random.normal(random.key(1), (1, 4, 8))
    >>> layer(x).shape
    (1, 4, 8)

    A step that is masked is not read: the first two see each other alone.

    >>> first = layer(x, mask=np.array([[True, True, False, False]]))
    >>> np.allclose(first[:, :2], layer(x[:, :2]), atol=1e-6)
    True
    """

    project: Dense
    combine: Dense
    num_heads: int
    dropout: float

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        key: Any,
        dropout: float = 0.0,
        bias: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.num_heads = check_int("num_heads", num_heads)
        if check_int("embed_dim", embed_dim) % self.num_heads:
            raise ValueError(
                at_user_line(f"num_heads={num_heads} does not divide embed_dim={embed_dim}")
            )
        self.dropout = check_fraction("dropout", dropout)
        of_project, of_combine = split(key)
        kind = check_dtype(dtype)
        self.project = Dense(embed_dim, 3 * embed_dim, key=of_project, bias=bias, dtype=kind)
        self.combine = Dense(embed_dim, embed_dim, key=of_combine, bias=bias, dtype=kind)

    def __call__(
        self, x: Any, memory: Any = None, *, mask: Any = None, bias: Any = None,
        is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """Attend.

        Parameters
        ----------
        x : array of shape (rows, steps, embed_dim)
            What asks.
        memory : array of shape (rows, others, embed_dim), optional
            What is read. Default x itself.
        mask : bool array of shape (rows, others), optional
            Which steps are read. A row in which none is gets `combine` of 0.
        bias : array, optional
            Added to the scores before the softmax; it broadcasts to
            (rows, num_heads, steps, others).
        is_causal : bool
            Whether a step reads only itself and those before it. Default False.

        Returns
        -------
        array of shape (rows, steps, embed_dim)
        """
        return self._attend(x, memory, mask, bias, is_causal, None)

    def train(
        self, x: Any, key: Any, memory: Any = None, *, mask: Any = None, bias: Any = None,
        is_causal: bool = False,
    ) -> tuple[Any, Self]:  # fmt: skip
        """Attend with dropped weights; returns the result and this layer, which has no state."""
        return self._attend(x, memory, mask, bias, is_causal, key), self

    def _attend(self, x: Any, memory: Any, mask: Any, bias: Any, is_causal: bool, key: Any) -> Any:
        dim = self.combine.weight.shape[0]
        for given in (x, x if memory is None else memory):
            check_sequence("MultiHeadAttention", given, dim)
        queries, keys, values = self._projected(x, memory)
        scores = (queries * (1.0 / sqrt(dim // self.num_heads))) @ np.swapaxes(keys, -1, -2)
        if bias is not None:
            scores = scores + bias
        allowed = _allowed(mask, is_causal, scores.shape)
        if allowed is not None:
            scores = np.where(allowed, scores, _far_below(scores.dtype))
        weights = softmax(scores)
        if mask is not None:
            weights = np.where(allowed, weights, 0)  # rows of which nothing is read
        if key is not None and self.dropout:
            weights = dropout(weights, self.dropout, key)
        read = np.swapaxes(weights @ values, 1, 2)
        return self.combine(read.reshape(x.shape))

    def _projected(self, x: Any, memory: Any) -> list[Any]:
        """Queries, keys and values, each (rows, num_heads, steps, features)."""
        dim = self.combine.weight.shape[0]
        if memory is None:
            both = self.project(x)
            parts = [both[..., k * dim : (k + 1) * dim] for k in range(3)]
        else:
            weight, bias = self.project.weight, self.project.bias
            asks = self.project.replace(weight=weight[:, :dim], bias=_cut(bias, 0, dim))
            told = self.project.replace(weight=weight[:, dim:], bias=_cut(bias, dim, None))
            both = told(memory)
            parts = [asks(x), both[..., :dim], both[..., dim:]]
        return [
            np.swapaxes(part.reshape(*part.shape[:2], self.num_heads, dim // self.num_heads), 1, 2)
            for part in parts
        ]


def _cut(bias: Any, start: int, stop: int | None) -> Any:
    return None if bias is None else bias[start:stop]


def _allowed(mask: Any, is_causal: bool, shape: tuple[int, ...]) -> Any:
    """Which scores count, to broadcast to (rows, num_heads, steps, others); None for all."""
    rows, _, steps, others = shape
    allowed = None
    if mask is not None:
        if mask.dtype != bool:
            raise DtypeError(
                at_user_line(f"mask is {mask.dtype}: give truth values, True for what is read")
            )
        if mask.shape != (rows, others):
            raise ShapeError(
                at_user_line(f"mask has shape {mask.shape}, and not {(rows, others)}: rows, steps")
            )
        allowed = mask[:, None, None, :]
    if is_causal:
        before = np.arange(others) <= np.arange(steps)[:, None]
        allowed = before if allowed is None else allowed & before
    return allowed


def _far_below(dtype: np.dtype[Any]) -> Any:
    """A score whose exponential is 0 beside any other's, and finite: no nan where all have it."""
    return dtype.type(np.finfo(dtype).min / 2)


def check_sequence(layer: str, x: Any, dim: int) -> None:
    if np.ndim(x) != 3 or x.shape[-1] != dim:
        raise ShapeError(
            at_user_line(
                f"{layer} takes arrays of shape (rows, steps, {dim}), and was given {np.shape(x)}"
            )
        )
