"""Multi-head attention over sequences of shape (rows, steps, features).

Sequences of different lengths are padded to the longest; a boolean mask (rows, steps) is True for
the steps that are not padding.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from ..errors import DtypeError, ShapeError, at_user_line
from ..random import split
from ..trace.tracer import Tracer
from ..transforms import checkpoint
from ..typing import Array
from .dot_product import dot_product_attention
from .layers import Dense
from .module import Module
from .normalization import LayerNorm
from .validation import check_dtype, check_fraction, check_int

# Bytes of a sequence's features from which on they are computed again. The number of sequences
# does not count, so that a network is the same program for any (as files of ONNX must be).
_LARGE = 2**18


def sequence_mask(lengths: Any, max_length: int) -> Array:
    """Return which steps are not padding: step t of row i if ``t < lengths[i]``.

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

    Each head computes a query, a key and a value of every step by affine maps; its result for a
    step is ``sum_s softmax_s(query . key_s / sqrt(features)) value_s``. An affine map of the
    concatenated results of the heads follows.

    Parameters
    ----------
    embed_dim : int
        Features of the input and of the output.
    num_heads : int
        The number of heads, a divisor of `embed_dim`.
    key : uint32[2]
        From `chainrule.random`.
    dropout : float
        The probability with which `train` drops an attention weight. Default 0.
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

    Masked steps are ignored: the first two steps attend only to each other.

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
        project_key, combine_key = split(key)
        parameter_dtype = check_dtype(dtype)
        self.project = Dense(
            embed_dim, 3 * embed_dim, key=project_key, bias=bias, dtype=parameter_dtype
        )
        self.combine = Dense(
            embed_dim, embed_dim, key=combine_key, bias=bias, dtype=parameter_dtype
        )

    def __call__(
        self, x: Any, memory: Any = None, *, mask: Any = None, bias: Any = None,
        is_causal: bool = False,
    ) -> Array:  # fmt: skip
        """Apply attention, without dropout.

        Parameters
        ----------
        x : array of shape (rows, steps, embed_dim)
            The sequence of the queries.
        memory : array of shape (rows, others, embed_dim), optional
            The sequence of the keys and values. Default x (self-attention).
        mask : bool array of shape (rows, others), optional
            True for the steps that may be attended to. In a row without any, the output is
            ``combine(0)``.
        bias : array, optional
            Added to the scores before the softmax; it broadcasts to
            (rows, num_heads, steps, others).
        is_causal : bool
            Whether a step attends only to itself and to earlier steps. Default False.

        Returns
        -------
        array of shape (rows, steps, embed_dim)
        """
        return self.attend(x, memory, mask, bias, is_causal, None)

    def train(
        self, x: Any, key: Any, memory: Any = None, *, mask: Any = None, bias: Any = None,
        is_causal: bool = False,
    ) -> tuple[Any, Self]:  # fmt: skip
        """Apply attention with dropout; return the output and this layer, which has no state."""
        return self.attend(x, memory, mask, bias, is_causal, key), self

    def attend(
        self, x: Any, memory: Any = None, mask: Any = None, bias: Any = None,
        is_causal: bool = False, key: Any = None, norm: LayerNorm | None = None,
    ) -> Any:  # fmt: skip
        """Apply attention to `x`, normalised first where a norm is given, with dropout by a key.

        The other parameters are those of a call. What is normalised is computed again in the
        backward pass where it is large.
        """
        dim = self.combine.weight.shape[0]
        for sequence in (x, x if memory is None else memory):
            check_sequence("MultiHeadAttention", sequence, dim)
        if mask is not None:
            mask = _checked_mask(mask, np.shape(memory if memory is not None else x)[:2])
        attended = dot_product_attention(
            *self._projected(x, memory, norm), mask=mask, bias=bias, is_causal=is_causal,
            dropout=self.dropout, key=key,
        )  # fmt: skip
        return self.combine(attended.reshape(x.shape))

    def _projected(self, x: Any, memory: Any, norm: LayerNorm | None) -> list[Any]:
        """Return queries, keys and values, each (rows, steps, heads, features of a head)."""
        dim = self.combine.weight.shape[0]
        if norm is None:
            project: Callable[..., Any] = self.project
        else:
            project = recomputed(lambda x: self.project(norm(x)), x, 3 * dim)
        if memory is None:
            both = project(x)
            parts = [both[..., k * dim : (k + 1) * dim] for k in range(3)]
        else:
            weight, bias = self.project.weight, self.project.bias
            query_map = self.project.replace(weight=weight[:, :dim], bias=_slice_bias(bias, 0, dim))
            memory_map = self.project.replace(
                weight=weight[:, dim:], bias=_slice_bias(bias, dim, None)
            )
            both = memory_map(memory)
            parts = [query_map(x), both[..., :dim], both[..., dim:]]
        heads = self.num_heads, dim // self.num_heads
        return [part.reshape(*part.shape[:2], *heads) for part in parts]


def _slice_bias(bias: Any, start: int, stop: int | None) -> Any:
    return None if bias is None else bias[start:stop]


def _checked_mask(mask: Any, shape: tuple[int, ...]) -> Any:
    """Return a mask of the steps that are read, to broadcast to (rows, heads, steps, others)."""
    if mask.dtype != bool:
        raise DtypeError(
            at_user_line(f"mask is {mask.dtype}: give truth values, True for what is read")
        )
    if mask.shape != shape:
        raise ShapeError(at_user_line(f"mask has shape {mask.shape}, and not {shape}: rows, steps"))
    return mask[:, None, None, :]


def recomputed(function: Callable[..., Any], x: Any, width: int) -> Callable[..., Any]:
    """Return a function of an array like x, to be computed again in the backward pass if `width`
    features of a sequence are large.
    """
    if not isinstance(x, Tracer) or prod(x.shape[1:-1]) * width * x.dtype.itemsize < _LARGE:
        return function
    return checkpoint(function)


def check_sequence(layer: str, x: Any, dim: int) -> None:
    if np.ndim(x) != 3 or x.shape[-1] != dim:
        raise ShapeError(
            at_user_line(
                f"{layer} takes arrays of shape (rows, steps, {dim}), and was given {np.shape(x)}"
            )
        )
