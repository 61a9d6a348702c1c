"""Transformer encoders: self-attention and dense layers with residual connections."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from ..random import split
from ..typing import Array
from .activations import gelu
from .attention import MultiHeadAttention, check_sequence, recomputed
from .dropout import dropout
from .layers import Activation, Dense
from .module import Module
from .normalization import LayerNorm
from .validation import check_fraction, check_int


class TransformerEncoderLayer(Module):
    """Self-attention and two dense layers at each step, each with a residual connection.

    With ``norm_first`` (the default here) ``x = x + attend(norm1(x)); x = x + feed(norm2(x))``,
    which trains without a warm-up; else ``x = norm1(x + attend(x)); x = norm2(x + feed(x))``, as
    in the first paper. ``feed(x)`` is ``last(activation(first(x)))``.

    Parameters
    ----------
    embed_dim : int
        Features of the input and of the output.
    num_heads : int
        The number of attention heads, a divisor of `embed_dim`.
    dim_feedforward : int, optional
        Features between the two dense layers. Default ``4 * embed_dim``.
    key : uint32[2]
        From `chainrule.random`.
    dropout : float
        The dropout rate in `train`, of the attention weights, of the hidden features, and of the
        output of each branch. Default 0.1.
    activation : callable
        Default `gelu`.
    norm_first : bool
        Default True. (PyTorch's is False.)
    dtype : floating dtype
        Default float32.

    Raises
    ------
    ShapeError
        If the input is not of shape (rows, steps, embed_dim).

    References
    ----------
    A. Vaswani et al.: "Attention is all you need", arXiv:1706.03762 (2017); R. Xiong et al.: "On
    layer normalization in the transformer architecture", arXiv:2002.04745 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.TransformerEncoderLayer(8, 2, key=random.key(0))
    >>> layer(np.ones((3, 5, 8), np.float32)).shape
    (3, 5, 8)
    """

    attention: MultiHeadAttention
    norm1: LayerNorm
    norm2: LayerNorm
    first: Dense
    last: Dense
    activation: Activation
    dropout: float
    norm_first: bool

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dim_feedforward: int | None = None,
        *,
        key: Any,
        dropout: float = 0.1,
        activation: Activation = gelu,
        norm_first: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        keys = split(key, 3)
        if dim_feedforward is None:
            dim_feedforward = 4 * check_int("embed_dim", embed_dim)
        width = check_int("dim_feedforward", dim_feedforward)
        self.attention = MultiHeadAttention(
            embed_dim, num_heads, key=keys[0], dropout=dropout, dtype=dtype
        )
        self.norm1, self.norm2 = (
            LayerNorm(embed_dim, dtype=dtype),
            LayerNorm(embed_dim, dtype=dtype),
        )
        self.first = Dense(embed_dim, width, key=keys[1], dtype=dtype)
        self.last = Dense(width, embed_dim, key=keys[2], dtype=dtype)
        self.activation = activation
        self.dropout = check_fraction("dropout", dropout)
        self.norm_first = bool(norm_first)

    def __call__(
        self, x: Any, *, mask: Any = None, bias: Any = None, is_causal: bool = False
    ) -> Array:
        """Apply the layer; see `MultiHeadAttention` for `mask`, `bias` and `is_causal`."""
        return self._apply(x, mask, bias, is_causal, None)

    def train(
        self, x: Any, key: Any, *, mask: Any = None, bias: Any = None, is_causal: bool = False
    ) -> tuple[Any, Self]:
        """Apply the layer with dropout; returns the result and this layer, which has no state."""
        return self._apply(x, mask, bias, is_causal, key), self

    def _apply(self, x: Any, mask: Any, bias: Any, is_causal: bool, key: Any) -> Any:
        check_sequence("TransformerEncoderLayer", x, self.norm1.scale.shape[0])
        keys = [None] * 4 if key is None else split(key, 4)

        def attend(x: Any, norm: LayerNorm | None = None) -> Any:
            read = self.attention.attend(x, None, mask, bias, is_causal, keys[0], norm)
            return self._drop(read, keys[1])

        def feed(x: Any, norm: LayerNorm | None = None) -> Any:
            width = self.first.weight.shape[-1]
            hidden = recomputed(lambda x: self.first(x if norm is None else norm(x)), x, width)(x)
            last = recomputed(self._last, x, width)
            return self._drop(last(hidden, keys[2]), keys[3])

        if self.norm_first:
            x = x + attend(x, self.norm1)
            return x + feed(x, self.norm2)
        x = self.norm1(x + attend(x))
        return self.norm2(x + feed(x))

    def _last(self, hidden: Any, key: Any) -> Any:
        return self.last(self._drop(self.activation(hidden), key))

    def _drop(self, x: Any, key: Any) -> Any:
        return x if key is None else dropout(x, self.dropout, key)


class TransformerEncoder(Module):
    """A stack of encoder layers, followed by a normalisation if ``norm_first`` is True.

    Parameters
    ----------
    embed_dim : int
        Features of the input and of the output.
    num_heads : int
        The number of attention heads of each layer, a divisor of `embed_dim`.
    num_layers : int
        The number of layers.
    dim_feedforward : int, optional
        Features between a layer's two dense ones. Default ``4 * embed_dim``.
    key : uint32[2]
        From `chainrule.random`.
    dropout, activation, norm_first, dtype
        See `TransformerEncoderLayer`.

    Raises
    ------
    ShapeError
        If the input is not of shape (rows, steps, embed_dim).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> encoder = nn.TransformerEncoder(8, 2, num_layers=2, key=random.key(0))
    >>> x = random.normal(random.key(1), (2, 4, 8))
    >>> mask = nn.sequence_mask(np.array([4, 2]), 4)
    >>> encoder(x, mask=mask).shape
    (2, 4, 8)
    >>> alone = encoder(x[1:, :2])
    >>> np.allclose(encoder(x, mask=mask)[1, :2], alone[0], atol=1e-5)
    True
    """

    layers: tuple[TransformerEncoderLayer, ...]
    norm: LayerNorm | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        num_layers: int,
        dim_feedforward: int | None = None,
        *,
        key: Any,
        dropout: float = 0.1,
        activation: Activation = gelu,
        norm_first: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.layers = tuple(
            TransformerEncoderLayer(
                embed_dim,
                num_heads,
                dim_feedforward,
                key=layer_key,
                dropout=dropout,
                activation=activation,
                norm_first=norm_first,
                dtype=dtype,
            )
            for layer_key in split(key, check_int("num_layers", num_layers))
        )
        self.norm = LayerNorm(embed_dim, dtype=dtype) if norm_first else None

    def __call__(
        self, x: Any, *, mask: Any = None, bias: Any = None, is_causal: bool = False
    ) -> Array:
        """Apply all layers; see `MultiHeadAttention` for `mask`, `bias` and `is_causal`."""
        for layer in self.layers:
            x = layer(x, mask=mask, bias=bias, is_causal=is_causal)
        return x if self.norm is None else self.norm(x)

    def train(
        self, x: Any, key: Any, *, mask: Any = None, bias: Any = None, is_causal: bool = False
    ) -> tuple[Any, Self]:
        """Apply all layers with dropout; returns the result and the encoder itself."""
        for layer, layer_key in zip(self.layers, split(key, len(self.layers)), strict=True):
            x, _ = layer.train(x, layer_key, mask=mask, bias=bias, is_causal=is_causal)
        return x if self.norm is None else self.norm(x), self
