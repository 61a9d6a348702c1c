"""Bags of embeddings: the mean, sum or maximum of the vectors of each row's codes."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import DTypeLike

from ..errors import ShapeError, at_user_line
from ..typing import Array
from .embeddings import Embedding
from .module import Module
from .validation import check_int

Mode: TypeAlias = Literal["mean", "sum", "max"]


class EmbeddingBag(Module):
    """The mean, the sum or the largest entries of the vectors of each row's codes.

    Parameters
    ----------
    num_embeddings : int
        The number of categories, such as words: codes are ``0 ... num_embeddings - 1``.
    embedding_dim : int
        The length of each vector.
    key : uint32[2]
        From `chainrule.random`: vectors begin uniform within ``1 / sqrt(embedding_dim)``.
    mode : {"mean", "sum", "max"}
        Default "mean".
    padding_idx : int, optional
        The code that pads short rows. It is left out of the reduction, and its vector, initially
        0, is not trained. A row of padding only is 0. Default None: no code is padding.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    table : Embedding
        Its weight is of shape (num_embeddings, embedding_dim).

    Raises
    ------
    ShapeError
        If codes are not of shape (rows, steps), or per_sample_weights of another shape than codes.
    DtypeError
        If codes are not integers.
    IndexError
        If a code is out of range.
    ValueError
        If per_sample_weights are given and the mode is not "sum".

    References
    ----------
    A. Joulin, E. Grave, P. Bojanowski, T. Mikolov: "Bag of tricks for efficient text
    classification", arXiv:1607.01759 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.EmbeddingBag(3, 2, key=random.key(0), padding_idx=0)
    >>> layer = layer.replace(table=layer.table.replace(weight=np.arange(6.0).reshape(3, 2)))
    >>> layer(np.array([[1, 2, 2], [1, 0, 0], [0, 0, 0]])).round(3).tolist()
    [[3.333, 4.333], [2.0, 3.0], [0.0, 0.0]]
    """

    table: Embedding
    mode: Mode
    padding_idx: int | None

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        key: Any,
        mode: Mode = "mean",
        padding_idx: int | None = None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if mode not in get_args(Mode):
            raise ValueError(at_user_line(f'mode={mode!r}: give "mean", "sum" or "max"'))
        table = Embedding(num_embeddings, embedding_dim, key=key, dtype=dtype)
        if padding_idx is not None:
            if check_int("padding_idx", padding_idx, minimum=0) >= num_embeddings:
                raise ValueError(
                    at_user_line(f"padding_idx={padding_idx}: codes are 0 to {num_embeddings - 1}")
                )
            is_trained = np.arange(num_embeddings)[:, None] != padding_idx
            table = table.replace(
                weight=np.where(is_trained, table.weight, table.weight.dtype.type(0))
            )
        self.table, self.mode, self.padding_idx = table, mode, padding_idx

    def __call__(self, codes: Any, per_sample_weights: Any = None) -> Array:
        """Look up the vectors of the codes, and reduce them for each row.

        Parameters
        ----------
        codes : integer array of shape (rows, steps)
        per_sample_weights : array of shape (rows, steps), optional
            Factors of the vectors; only for mode "sum".

        Returns
        -------
        array of shape (rows, embedding_dim)
        """
        codes = codes if hasattr(codes, "dtype") else np.asarray(codes)
        if codes.ndim != 2:
            raise ShapeError(
                at_user_line(f"EmbeddingBag takes codes of shape (rows, steps), not {codes.shape}")
            )
        vectors = self.table(codes)
        is_real = None if self.padding_idx is None else codes != self.padding_idx
        if self.mode == "max":
            self._check_no_weights(per_sample_weights)
            return _largest(vectors, is_real)
        if self.mode == "mean":
            self._check_no_weights(per_sample_weights)
            return _mean(vectors, is_real)
        if per_sample_weights is not None:
            if np.shape(per_sample_weights) != codes.shape:
                raise ShapeError(
                    at_user_line(
                        f"per_sample_weights of shape {np.shape(per_sample_weights)} for codes of "
                        f"shape {codes.shape}"
                    )
                )
            vectors = vectors * per_sample_weights[:, :, None]
        return np.sum(_without_padding(vectors, is_real), axis=1)

    def _check_no_weights(self, per_sample_weights: Any) -> None:
        if per_sample_weights is not None:
            raise ValueError(at_user_line(f'mode={self.mode!r} takes no weights: "sum" does'))


def _without_padding(vectors: Any, is_real: Any) -> Any:
    return vectors if is_real is None else np.where(is_real[:, :, None], vectors, 0)


def _mean(vectors: Any, is_real: Any) -> Any:
    if is_real is None:
        return np.mean(vectors, axis=1)
    count = np.maximum(np.sum(is_real, axis=1, keepdims=True), 1).astype(vectors.dtype)
    return np.sum(_without_padding(vectors, is_real), axis=1) / count


def _largest(vectors: Any, is_real: Any) -> Any:
    if is_real is None:
        return np.max(vectors, axis=1)
    largest = np.max(np.where(is_real[:, :, None], vectors, -np.inf), axis=1)
    return np.where(np.any(is_real, axis=1, keepdims=True), largest, 0)
