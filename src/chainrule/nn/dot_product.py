"""Attention as a function of queries, keys and values."""

from __future__ import annotations

from math import inf, sqrt
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError, at_user_line
from ..graph.node import apply, items
from ..primitives.attention import BIAS, DROPOUT, attention
from ..random import bernoulli
from ..trace.operands import nodes_of
from ..trace.tracer import Tracer, traced
from ..typing import Array
from .validation import check_fraction


def dot_product_attention(
    queries: Any, keys: Any, values: Any, *, mask: Any = None, bias: Any = None,
    is_causal: bool = False, scale: Any = None, dropout: float = 0.0, key: Any = None,
) -> Array:  # fmt: skip
    """Mean of values, weighted by the softmax of products of queries and keys.

    For each head ``softmax(scale * queries @ keys.T + bias) @ values``, as
    `jax.nn.dot_product_attention`. (PyTorch's `scaled_dot_product_attention` has the axis of heads
    before that of steps: exchange them by `np.swapaxes`.) Code compiled by `jit` has the weights of
    a few queries at a time, and its derivative computes them again: memory grows with the number of
    steps, and not with its square. With ``is_causal`` the half that is masked costs nothing.

    Parameters
    ----------
    queries : array of shape (..., T, heads, d)
    keys : array of shape (..., S, heads, d)
    values : array of shape (..., S, heads, e)
        Leading axes broadcast, and so does that of heads.
    mask : bool array, optional
        Broadcasts to (..., heads, T, S): True where a query may read a key. A query that may read
        none gets zeros.
    bias : array, optional
        Broadcasts to (..., heads, T, S), and is added to the scores. With a derivative by it, the
        weights are held in memory.
    is_causal : bool
        Whether query t reads the keys 0 to t only. Default False.
    scale : number, optional
        Default ``1 / sqrt(d)``.
    dropout : float
        The probability with which a weight is dropped, if there is a `key`. Default 0.
    key : uint32[2], optional
        From `chainrule.random`, for dropout.

    Returns
    -------
    array of shape (..., T, heads, e)

    Raises
    ------
    ShapeError
        If shapes do not fit, or there are no keys.
    DtypeError
        If an array is not of floats, or the mask not of truth values.

    References
    ----------
    A. Vaswani et al.: "Attention is all you need", arXiv:1706.03762 (2017), equation 1; T. Dao, D.
    Y. Fu, S. Ermon, A. Rudra, C. Ré: "FlashAttention", arXiv:2205.14135 (2022).

    Examples
    --------
    >>> import numpy as np
    >>> queries, keys = np.array([[1.0, 0.0]]), np.array([[8.0, 0.0], [0.0, 8.0], [9.0, 9.0]])
    >>> values = np.array([[1.0], [2.0], [100.0]])
    >>> with_head = [x[:, None] for x in (queries, keys, values)]
    >>> mask = np.array([True, True, False])
    >>> dot_product_attention(*with_head, mask=mask).round(4).tolist()
    [[[1.0035]]]
    """
    dtype = _common_dtype(queries, keys, values)
    rate = check_fraction("dropout", dropout)
    if isinstance(scale, Tracer):  # a parameter, perhaps
        queries, scale = queries * scale, 1.0
    lead, shape = _score_shape(queries, keys, values)
    operands = [
        np.broadcast_to(x, (*lead, x.shape[-3], shape[-3], x.shape[-1])).astype(dtype, copy=False)
        for x in (queries, keys, values)
    ]
    extras, names, boost = [], [], 1.0
    added = _added(mask, bias, dtype)
    if added is not None:
        extras.append(_ranked("mask" if bias is None else "bias", added, shape))
        names.append(BIAS)
    if key is not None and rate:
        extras.append(bernoulli(key, 1.0 - rate, shape))
        names.append(DROPOUT)
        boost = 1.0 / (1.0 - rate)
    params = {
        "scale": 1.0 / sqrt(operands[0].shape[-1] or 1) if scale is None else float(scale),
        "is_causal": bool(is_causal),
        "extras": tuple(names),
        "boost": boost,
    }
    inputs = [*operands, *extras]
    if not any(isinstance(x, Tracer) for x in inputs):
        return attention(*inputs, **params)[0]
    nodes = [node for x in inputs for node in nodes_of(x)]
    return traced(items(apply(attention, tuple(nodes), params))[0])


def _common_dtype(*operands: Any) -> np.dtype[Any]:
    for name, x in zip(("queries", "keys", "values"), operands, strict=True):
        dtype = getattr(x, "dtype", None)
        if dtype is None or dtype.kind != "f":
            said = type(x).__name__ if dtype is None else dtype
            raise DtypeError(at_user_line(f"attention: {name} is {said}: give arrays of floats"))
        if len(x.shape) < 3:
            raise ShapeError(
                at_user_line(
                    f"attention: {name} has shape {x.shape}: give (..., steps, heads, features)"
                )
            )
    return np.result_type(*[x.dtype for x in operands])


def _score_shape(queries: Any, keys: Any, values: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the leading axes of all, and the shape of the scores."""
    leads = [(*x.shape[:-3], x.shape[-2]) for x in (queries, keys, values)]
    try:
        *lead, heads = np.broadcast_shapes(*leads)
    except ValueError:
        raise ShapeError(
            at_user_line(f"attention: leading axes and heads {leads} do not broadcast to one shape")
        ) from None
    return tuple(lead), (*lead, heads, queries.shape[-3], keys.shape[-3])


def _added(mask: Any, bias: Any, dtype: np.dtype[Any]) -> Any:
    """Return what is added to the scores, a mask, or None."""
    if mask is not None and mask.dtype != bool:
        raise DtypeError(
            at_user_line(f"mask is {mask.dtype}: give truth values, True for what is read")
        )
    if bias is None:
        return mask
    if not isinstance(bias, Tracer):
        bias = np.asarray(bias)
    bias = bias.astype(dtype, copy=False)
    return bias if mask is None else np.where(mask, bias, dtype.type(-inf))


def _ranked(name: str, x: Any, shape: tuple[int, ...]) -> Any:
    """Return an array with as many axes as the scores have."""
    try:
        fits = np.broadcast_shapes(x.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(at_user_line(f"attention: {name} {x.shape} does not broadcast to {shape}"))
    return x.reshape((1,) * (len(shape) - len(x.shape)) + tuple(x.shape))
