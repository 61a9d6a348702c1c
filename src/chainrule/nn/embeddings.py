"""Embeddings: numeric and categorical columns of a table as vectors.

Columns of numbers are (rows, features) and become (rows, features * embedding_dim): the first
`embedding_dim` entries belong to the first feature. More leading axes are allowed.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..errors import DtypeError, ShapeError, at_user_line
from ..random import normal, split, uniform
from ..trace.operands import is_plain_array
from ..transforms import stop_gradient
from ..typing import Array
from .activations import relu
from .module import Module
from .validation import check_dtype, check_int, check_last_axis, check_positive


class PeriodicEmbedding(Module):
    """Sines and cosines of each feature at frequencies that are trained, an affine map, and `relu`.

    ``relu([sin(2 pi c x), cos(2 pi c x)] @ weight + bias)``, each feature with its own frequencies
    c, weight and bias: the paper's PLR.

    Parameters
    ----------
    in_features : int
        The number of columns of the data, which should have a variance of about 1.
    embedding_dim : int
        The length of the vector of each feature.
    key : uint32[2]
        From `chainrule.random`.
    num_frequencies : int
        The number of sines, and of cosines, for each feature. Default 48.
    frequency_init_scale : float
        The standard deviation of the initial frequencies: larger values resolve finer structure.
        Worth tuning between 0.01 and 10. Default 0.1.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    frequencies : array of shape (in_features, num_frequencies)
    weight : array of shape (in_features, 2 * num_frequencies, embedding_dim)
    bias : array of shape (in_features, embedding_dim)

    Raises
    ------
    ShapeError
        If the last axis of the input has another size.

    References
    ----------
    Y. Gorishniy, I. Rubachev, A. Babenko: "On embeddings for numerical features in tabular deep
    learning", arXiv:2203.05556 (2022).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.PeriodicEmbedding(3, 4, key=random.key(0), num_frequencies=8)
    >>> layer
    PeriodicEmbedding(frequencies=f32[3,8], weight=f32[3,16,4], bias=f32[3,4])
    >>> y = layer(np.array([[0.0, 0.5, -1.0]], np.float32))
    >>> y.shape, y[0, :4].astype(float).round(3).tolist()
    ((1, 12), [0.475, 0.0, 0.0, 0.748])
    """

    frequencies: Any
    weight: Any
    bias: Any

    def __init__(
        self,
        in_features: int,
        embedding_dim: int,
        *,
        key: Any,
        num_frequencies: int = 48,
        frequency_init_scale: float = 0.1,
        dtype: DTypeLike = np.float32,
    ) -> None:
        shape = (
            check_int("in_features", in_features),
            check_int("num_frequencies", num_frequencies),
        )
        frequencies_key, weight_key = split(key)
        self.frequencies = normal(
            frequencies_key,
            shape,
            check_dtype(dtype),
            0.0,
            check_positive("frequency_init_scale", frequency_init_scale),
        )
        self.weight, self.bias = _affine(weight_key, shape[0], 2 * shape[1], embedding_dim, dtype)

    def __call__(self, x: Any) -> Array:
        check_last_axis("PeriodicEmbedding", x, self.weight.shape[0])
        angles = (2.0 * pi) * (x[..., None] * self.frequencies)
        waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=-1)
        return relu(_by_feature(waves, self.weight, self.bias))


class PiecewiseLinearEmbedding(Module):
    """Piecewise linear encoding of each feature, and an affine map of it.

    A bin from a to b encodes x as ``(x - a) / (b - a)``, clipped to ``0 ... 1``; the outer bins are
    not clipped at the first and at the last edge. The result is a piecewise linear function of each
    feature with kinks at the inner edges: the paper's PLE and L.

    Parameters
    ----------
    edges : array of shape (features, bins + 1)
        Finite and ascending in each row, such as those of `quantile_edges`. Equal ones make an
        empty bin, which gives 0.
    embedding_dim : int
        The length of the vector of each feature.
    key : uint32[2]
        From `chainrule.random`.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    edges : array of shape (features, bins + 1)
        Their gradient is 0, but updates that change all arrays of a model, such as weight decay,
        change them too; restore them after such an update: ``new.replace(edges=old.edges)``.
    weight : array of shape (features, bins, embedding_dim)
    bias : array of shape (features, embedding_dim)

    Raises
    ------
    ShapeError
        If the edges are no such array, or the last axis of what comes is of another size.
    ValueError
        If a row of edges is not finite or descends.

    References
    ----------
    Y. Gorishniy, I. Rubachev, A. Babenko: "On embeddings for numerical features in tabular deep
    learning", arXiv:2203.05556 (2022).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.PiecewiseLinearEmbedding([[0.0, 1.0, 3.0]], 2, key=random.key(0))
    >>> layer = layer.replace(weight=np.float32([[[1, 0], [0, 1]]]), bias=np.zeros((1, 2), "f4"))
    >>> layer(np.float32([[-0.5], [0.5], [2.0], [4.0]])).tolist()
    [[-0.5, 0.0], [0.5, 0.0], [1.0, 0.5], [1.0, 1.5]]
    """

    edges: Any
    weight: Any
    bias: Any

    def __init__(
        self, edges: ArrayLike, embedding_dim: int, *, key: Any, dtype: DTypeLike = np.float32
    ) -> None:
        self.edges = _checked_edges(edges, check_dtype(dtype))
        features, n_edges = self.edges.shape
        self.weight, self.bias = _affine(key, features, n_edges - 1, embedding_dim, dtype)

    def __call__(self, x: Any) -> Array:
        check_last_axis("PiecewiseLinearEmbedding", x, self.weight.shape[0])
        return _by_feature(self._progress(x), self.weight, self.bias)

    def _progress(self, x: Any) -> Any:
        """Return the encoding (..., features, bins): 0 below a bin, 1 above it."""
        edges = stop_gradient(self.edges)
        left, right = edges[:, :-1], edges[:, 1:]
        length = np.where(right > left, right - left, np.inf)  # an empty bin: x / inf is 0
        lowest = np.where(left == edges[:, :1], -np.inf, 0.0).astype(edges.dtype)
        highest = np.where(right == edges[:, -1:], np.inf, 1.0).astype(edges.dtype)
        progress = (x[..., None] - left) / length
        return np.minimum(np.maximum(progress, lowest), highest)


def quantile_edges(x: ArrayLike, bins: int) -> NDArray[Any]:
    """Return bin edges at quantiles of the data, for `PiecewiseLinearEmbedding`.

    Parameters
    ----------
    x : array of shape (rows, features)
        The training data, known and finite.
    bins : int
        The number of bins for each feature. If quantiles coincide, some bins are empty.

    Returns
    -------
    float array of shape (features, bins + 1)
        Ascending from the minimum of each feature to its maximum.

    Raises
    ------
    ShapeError
        If `x` is no such array, or has no rows.
    ValueError
        If it is not finite.

    Examples
    --------
    >>> quantile_edges([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [9.0, 7.0], [10.0, 8.0]], 2).tolist()
    [[0.0, 2.0, 10.0], [5.0, 5.0, 8.0]]
    """
    data = np.asarray(x)
    if data.ndim != 2 or data.size == 0:
        raise ShapeError(
            at_user_line(f"quantile_edges takes data of shape (rows, features), not {data.shape}")
        )
    if not np.all(np.isfinite(data)):
        raise ValueError(at_user_line("quantile_edges: the data holds nan or infinite numbers"))
    shares = np.linspace(0.0, 1.0, check_int("bins", bins) + 1)
    return np.asarray(np.quantile(data, shares, axis=0).T)


class Embedding(Module):
    """A trained vector for each category.

    Parameters
    ----------
    num_embeddings : int
        The number of categories: codes are ``0 ... num_embeddings - 1``. Reserve one code for
        categories that are not in the training data.
    embedding_dim : int
        The length of each vector.
    key : uint32[2]
        From `chainrule.random`: vectors begin uniform within ``1 / sqrt(embedding_dim)``.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    weight : array of shape (num_embeddings, embedding_dim)

    Raises
    ------
    DtypeError
        If codes are not integers.
    IndexError
        If a code is negative or above ``num_embeddings - 1``: codes are not clipped, and do not
        count from the end. A compiled function raises it after the call.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.Embedding(3, 2, key=random.key(0)).replace(weight=np.arange(6.0).reshape(3, 2))
    >>> layer(np.array([2, 0, 2])).tolist()
    [[4.0, 5.0], [0.0, 1.0], [4.0, 5.0]]
    """

    weight: Any

    def __init__(
        self, num_embeddings: int, embedding_dim: int, *, key: Any, dtype: DTypeLike = np.float32
    ) -> None:
        shape = (
            check_int("num_embeddings", num_embeddings),
            check_int("embedding_dim", embedding_dim),
        )
        bound = 1.0 / sqrt(shape[1])
        self.weight = uniform(key, shape, check_dtype(dtype), -bound, bound)

    def __call__(self, codes: Any) -> Array:
        codes = codes if hasattr(codes, "dtype") else np.asarray(codes)
        num_embeddings = self.weight.shape[0]
        if codes.dtype.kind not in "iu":
            raise DtypeError(
                at_user_line(f"Embedding takes whole numbers, not {codes.dtype}: codes.astype(int)")
            )
        if is_plain_array(codes) and codes.size:
            low, high = int(codes.min()), int(codes.max())
            if low < 0 or high >= num_embeddings:
                raise IndexError(
                    at_user_line(
                        f"Embedding: codes run from {low} to {high}, but there are "
                        f"{num_embeddings} embeddings, 0 to {num_embeddings - 1}"
                    )
                )
        # NumPy counts negative codes from the end; num_embeddings is out of bounds and raises
        codes = np.where(codes < 0, num_embeddings, codes)
        table = self.weight
        if is_plain_array(table):
            table = np.asarray(table, like=codes)  # known numbers, looked up by a traced code
        return np.take(table, codes, axis=0)


def _affine(
    key: Any, features: int, inputs: int, embedding_dim: int, dtype: DTypeLike
) -> tuple[Any, Any]:
    """A weight and a bias for each feature, uniform within ``1 / sqrt(inputs)``."""
    bound = 1.0 / sqrt(inputs)
    shape = (features, inputs, check_int("embedding_dim", embedding_dim))
    first, second = split(key)
    weight = uniform(first, shape, dtype, -bound, bound)
    return weight, uniform(second, (features, shape[2]), dtype, -bound, bound)


def _by_feature(x: Any, weight: Any, bias: Any) -> Any:
    """Map (..., features, inputs) to (..., features * embedding_dim), each feature on its own."""
    features, inputs, embedding_dim = weight.shape
    leading = x.shape[:-2]
    rows = np.swapaxes(x.reshape(-1, features, inputs), 0, 1)
    mapped = np.swapaxes(rows @ weight, 0, 1) + bias
    return mapped.reshape(*leading, features * embedding_dim)


def _checked_edges(edges: ArrayLike, dtype: np.dtype[Any]) -> NDArray[Any]:
    array = np.asarray(edges)
    if array.ndim != 2 or array.shape[0] < 1 or array.shape[1] < 2:
        raise ShapeError(
            at_user_line(f"edges have shape (features, bins + 1), and not {array.shape}")
        )
    if not np.all(np.isfinite(array)) or np.any(np.diff(array) < 0):
        raise ValueError(at_user_line("edges are finite numbers, ascending in each row"))
    return array.astype(dtype)
