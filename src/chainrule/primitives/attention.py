"""Scaled dot-product attention, and its first derivative, without a matrix of weights in memory.

Queries, keys and values are (..., T, N, d), (..., S, N, d) and (..., S, N, e) for N heads, with
equal leading axes. With P, of (..., N, T, S), the softmax of the scores ``scale q k^T + bias``
along the keys, and R what dropout multiplies weights by (1 without), attention is ``(R * P) v``. As
a composition it keeps several arrays of T x S numbers for each head from the forward pass to the
backward one. A backend may instead compute a block of queries at a time, and again in the backward
pass, from the largest score of each row and the sum of the exponentials (T. Dao et al.,
"FlashAttention", arXiv:2205.14135 (2022); M. N. Rabe, C. Staats, "Self-attention does not need
O(n^2) memory", arXiv:2112.05682 (2021)). The values here, and all derivatives of a higher order,
are compositions.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any, NamedTuple

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.node import Node, items
from ..graph.types import Type, broadcast_shapes
from .declare import declared, spread, unbroadcast
from .elementwise import equal, exp, where
from .operators import swap_last
from .products import matmul
from .reductions import max_
from .structure import reshape, stop_gradient, sum_, transpose

BIAS, DROPOUT = "bias", "dropout"
Extras = Sequence[Any]


class Options(NamedTuple):
    """What is the same for all queries.

    Attributes
    ----------
    scale : float
        What products of queries and keys are multiplied by.
    is_causal : bool
        Whether query t reads keys up to t only.
    extras : tuple of str
        What else there is: `BIAS`, which is added to the scores, or, if it is a mask, True where
        keys are read; `DROPOUT`, True where weights stay. Both broadcast to (..., N, T, S).
    boost : float
        What the weights that dropout leaves are multiplied by.
    """

    scale: float
    is_causal: bool = False
    extras: tuple[str, ...] = ()
    boost: float = 1.0

    def extra(self, name: str, extras: Extras) -> Any:
        """Return one of the further operands, or None."""
        return extras[self.extras.index(name)] if name in self.extras else None


# Formulas, of nodes and of arrays: with heads before steps


def _by_head(x: Any) -> Any:
    """Exchange the axes of steps and heads, in either direction; None stays."""
    if x is None:
        return None
    n = len(x.shape)
    return transpose(x, axes=(*range(n - 3), n - 2, n - 3, n - 1))


def _by_row(x: Any) -> Any:
    """Sum along the keys, which stay as an axis of size 1."""
    return reshape(sum_(x, axes=(len(x.shape) - 1,)), shape=(*x.shape[:-1], 1))


def _softmax(q: Any, k: Any, extras: Extras, options: Options) -> tuple[Any, Any, Any]:
    """Return the weights of all keys, the largest score of each row, and the sum of the row.

    A row without any key to read has weights of 0.
    """
    bias = options.extra(BIAS, extras)
    scores = matmul(q * q.dtype.type(options.scale), swap_last(k))
    nothing = q.dtype.type(-inf)
    if bias is not None:
        scores = where(bias, scores, nothing) if bias.dtype == bool else scores + bias
    if options.is_causal:
        steps, others = scores.shape[-2:]
        scores = where(np.arange(others) <= np.arange(steps)[:, None], scores, nothing)
    most = stop_gradient(max_(scores, axes=(len(scores.shape) - 1,)))
    most = where(equal(most, nothing), q.dtype.type(0), most)
    powers = exp(scores - reshape(most, shape=(*most.shape, 1)))
    total = _by_row(powers)
    weights = powers / where(equal(total, q.dtype.type(0)), q.dtype.type(1), total)
    return weights, most, reshape(total, shape=most.shape)


def _dropped(x: Any, extras: Extras, options: Options) -> Any:
    """Return R * x."""
    stays = options.extra(DROPOUT, extras)
    if stays is None:
        return x
    return where(stays, x * x.dtype.type(options.boost), x.dtype.type(0))


def composed(q: Any, k: Any, v: Any, *extras: Any, **params: Any) -> tuple[Any, Any, Any]:
    """Return the results of `attention` as a composition of other primitives."""
    options = Options(**params)
    q, k, v = map(_by_head, (q, k, v))
    weights, most, total = _softmax(q, k, extras, options)
    return _by_head(matmul(_dropped(weights, extras, options), v)), most, total


class _Backward(NamedTuple):
    """The weights P, what they are after dropout, the cotangents of both P and the scores."""

    weights: Any
    dropped: Any
    by_weights: Any
    mean: Any  # of `by_weights` under P, by row
    by_scores: Any


def _to_scores(q: Any, k: Any, v: Any, g: Any, extras: Extras, options: Options) -> _Backward:
    weights, _, _ = _softmax(q, k, extras, options)
    by_weights = _dropped(matmul(g, swap_last(v)), extras, options)
    mean = _by_row(weights * by_weights)
    dropped = _dropped(weights, extras, options)
    return _Backward(weights, dropped, by_weights, mean, weights * (by_weights - mean))


def composed_vjp(*inputs: Any, **params: Any) -> tuple[Any, Any, Any]:
    """Return the results of `attention_vjp` as a composition of other primitives."""
    options = Options(**params)
    q, k, v, g = map(_by_head, inputs[:4])
    back = _to_scores(q, k, v, g, inputs[6:], options)
    by_scores = back.by_scores * q.dtype.type(options.scale)
    products = (by_scores, k), (swap_last(by_scores), q), (swap_last(back.dropped), g)
    by_q, by_k, by_v = (_by_head(matmul(x, y)) for x, y in products)
    return by_q, by_k, by_v


# Types


def _attention_type(q: Type, k: Type, v: Type, *extras: Type, **params: Any) -> tuple[Type, ...]:
    fits = (
        min(len(x.shape) for x in (q, k, v)) >= 3
        and q.shape[:-3] == k.shape[:-3] == v.shape[:-3]
        and q.shape[-2:] == k.shape[-2:]
        and k.shape[-3:-1] == v.shape[-3:-1]
        and q.dtype == k.dtype == v.dtype
    )
    if not fits:
        raise ShapeError(
            at_user_line(
                f"attention: queries {q}, keys {k} and values {v} do not fit: "
                "give (..., T, N, d), (..., S, N, d) and (..., S, N, e)"
            )
        )
    if not k.shape[-3]:
        raise ShapeError(at_user_line(f"attention: there are no keys: they are {k}"))
    rows = (*q.shape[:-3], q.shape[-2], q.shape[-3])
    scores = (*rows, k.shape[-3])
    for x in extras:
        if len(x.shape) != len(scores) or broadcast_shapes("attention", x.shape, scores) != scores:
            raise ShapeError(at_user_line(f"attention: {x} does not broadcast to {scores}"))
    row = Type(rows, q.dtype)
    return Type((*q.shape[:-1], v.shape[-1]), q.dtype), row, row


def _attention_vjp_type(q: Type, k: Type, v: Type, *_others: Type, **_params: Any) -> Any:
    return q, k, v


# Derivatives


def _vjp(
    g: Sequence[Any], y: Any, q: Any, k: Any, v: Any, *extras: Any,
    needs_input_grad: Sequence[bool], **params: Any,
) -> list[Any]:  # fmt: skip
    options, none = Options(**params), [None] * len(extras)
    if g[0] is None:
        return [None, None, None, *none]
    if not _needs_bias(needs_input_grad[3:], extras, options):
        _, most, total = items(y) if isinstance(y, Node) else y
        return [*_results(attention_vjp(q, k, v, g[0], most, total, *extras, **params)), *none]
    by_heads = [_by_head(x) for x in (q, k, v, g[0])]
    back = _to_scores(by_heads[0], by_heads[1], by_heads[2], by_heads[3], extras, options)
    return [*composed_vjp(q, k, v, g[0], None, None, *extras, **params),
            *_by_extras(back.by_scores, extras, options)]  # fmt: skip


def _needs_bias(needed: Sequence[bool], extras: Extras, options: Options) -> bool:
    bias = options.extra(BIAS, extras)
    return bias is not None and bias.dtype != bool and needed[options.extras.index(BIAS)]


def _by_extras(by_scores: Any, extras: Extras, options: Options) -> list[Any]:
    """Return the cotangents of the further operands: that of a bias is that of the scores."""
    return [
        unbroadcast(by_scores, x) if name == BIAS and x.dtype != bool else None
        for name, x in zip(options.extras, extras, strict=True)
    ]


def _results(y: Any) -> Sequence[Any]:
    return items(y) if isinstance(y, Node) else y


def _total_of(*terms: Any) -> Any:
    """Add up what there is; None for nothing."""
    total = None
    for term in terms:
        if term is not None:
            total = term if total is None else total + term
    return total


def _multiplied(x: Any, y: Any) -> Any:
    """Multiply matrices, of which one may be None for zero."""
    return None if x is None or y is None else matmul(x, y)


def _swapped(x: Any) -> Any:
    return None if x is None else swap_last(x)


def _scores_jvp(tangents: Sequence[Any], q: Any, k: Any, extras: Extras, options: Options) -> Any:
    """Push tangents of queries, keys and the further operands to the scores."""
    (tq, tk), scale = tangents[:2], q.dtype.type(options.scale)
    products = _total_of(_multiplied(tq, swap_last(k)), _multiplied(q, _swapped(tk)))
    bias = options.extra(BIAS, tangents[2:])
    return _total_of(None if products is None else products * scale, bias)


def _weights_jvp(weights: Any, by_scores: Any) -> Any:
    return None if by_scores is None else weights * (by_scores - _by_row(weights * by_scores))


def _jvp(
    tangents: Sequence[Any], y: Any, q: Any, k: Any, v: Any, *extras: Any, **params: Any
) -> list[Any]:
    options = Options(**params)
    q, k, v, tq, tk, tv = map(_by_head, (q, k, v, *tangents[:3]))
    t_extras = tangents[3:]
    weights, _, _ = _softmax(q, k, extras, options)
    t_weights = _weights_jvp(weights, _scores_jvp((tq, tk, *t_extras), q, k, extras, options))
    through_weights = None if t_weights is None else matmul(_dropped(t_weights, extras, options), v)
    through_values = None if tv is None else matmul(_dropped(weights, extras, options), tv)
    return [_by_head(_total_of(through_weights, through_values)), None, None]


def _vjp_jvp(tangents: Sequence[Any], y: Any, *inputs: Any, **params: Any) -> list[Any]:
    """Push tangents through the backward pass."""
    options, extras, t_extras = Options(**params), inputs[6:], tangents[6:]
    q, k, v, g = map(_by_head, inputs[:4])
    tq, tk, tv, tg = map(_by_head, tangents[:4])
    scale = q.dtype.type(options.scale)
    back = _to_scores(q, k, v, g, extras, options)
    t_weights = _weights_jvp(back.weights, _scores_jvp((tq, tk, *t_extras), q, k, extras, options))
    t_products = _total_of(_multiplied(tg, swap_last(v)), _multiplied(g, _swapped(tv)))
    t_by_weights = None if t_products is None else _dropped(t_products, extras, options)
    t_by_scores = None
    if t_by_weights is not None:
        t_by_scores = back.weights * (t_by_weights - _by_row(back.weights * t_by_weights))
    if t_weights is not None:
        by_change = t_weights * (back.by_weights - back.mean)
        by_change = by_change - back.weights * _by_row(t_weights * back.by_weights)
        t_by_scores = _total_of(t_by_scores, by_change)
    by_scores = back.by_scores * scale
    t_by_scores = None if t_by_scores is None else t_by_scores * scale
    t_dropped = None if t_weights is None else _dropped(t_weights, extras, options)
    results = (
        _total_of(_multiplied(t_by_scores, k), _multiplied(by_scores, tk)),
        _total_of(_multiplied(_swapped(t_by_scores), q), _multiplied(swap_last(by_scores), tq)),
        _total_of(_multiplied(_swapped(t_dropped), g), _multiplied(swap_last(back.dropped), tg)),
    )
    return list(map(_by_head, results))


def _vjp_vjp(cotangents: Sequence[Any], y: Any, *inputs: Any, **params: Any) -> list[Any]:
    """Pull cotangents a, b, c of the queries', keys' and values' cotangents back.

    Their product with these is ``sum(g * J)``, J being the tangent of attention along (a, b, c):
    ``J = (R dP) v + (R P) c`` with ``dP = P (dS - rows(P dS))``, ``dS = scale (a k^T + q b^T)``.
    """
    options, extras = Options(**params), inputs[6:]
    q, k, v, g, a, b, c = map(_by_head, (*inputs[:4], *cotangents))
    scale = q.dtype.type(options.scale)
    back = _to_scores(q, k, v, g, extras, options)
    t_scores = _scores_jvp((a, b, *[None] * len(extras)), q, k, extras, options)
    t_weights = _weights_jvp(back.weights, t_scores)
    by_weights = None if c is None else _dropped(matmul(g, swap_last(c)), extras, options)
    by_t_scores = None if t_scores is None else back.by_scores * scale
    if t_scores is not None:
        centred = t_scores - _by_row(back.weights * t_scores)
        by_weights = _total_of(by_weights, back.by_weights * centred - back.mean * t_scores)
    by_scores = _weights_jvp(back.weights, by_weights)
    scaled = None if by_scores is None else by_scores * scale
    dropped = None if t_weights is None else _dropped(t_weights, extras, options)
    results = (
        _total_of(_multiplied(by_t_scores, b), _multiplied(scaled, k)),
        _total_of(_multiplied(_swapped(by_t_scores), a), _multiplied(_swapped(scaled), q)),
        _multiplied(_swapped(dropped), g),
        _total_of(_multiplied(dropped, v), _multiplied(back.dropped, c)),
    )
    return [
        *map(_by_head, results),
        None,
        None,
        *([None] * len(extras) if by_scores is None else _by_extras(by_scores, extras, options)),
    ]


# Batches


def _batch(size: int, batched: Sequence[bool], *inputs: Any, extras: tuple[str, ...],
           **params: Any) -> Sequence[Any]:  # fmt: skip
    return _results(attention(*_spread(size, batched, inputs, 3), extras=extras, **params))


def _vjp_batch(size: int, batched: Sequence[bool], *inputs: Any, extras: tuple[str, ...],
               **params: Any) -> Sequence[Any]:  # fmt: skip
    return _results(attention_vjp(*_spread(size, batched, inputs, 6), extras=extras, **params))


def _spread(size: int, batched: Sequence[bool], inputs: Sequence[Any], count: int) -> list[Any]:
    """Repeat what examples share; a bias or a mask broadcasts."""
    extras = [
        x if b else reshape(x, shape=(1, *x.shape))
        for x, b in zip(inputs[count:], batched[count:], strict=True)
    ]
    return [*spread(size, batched[:count], inputs[:count]), *extras]


attention = declared(
    "attention",
    lambda xp, *inputs, **params: composed(*inputs, **params),
    _attention_type,
    _vjp,
    _jvp,
    family="attention",
    multiple=True,
    selective_vjp=True,
    batch=_batch,
    doc="Scaled dot-product attention; the largest score of each query, and the sum of its "
    "exponentials beside that.",
)
attention_vjp = declared(
    "attention_vjp",
    lambda xp, *inputs, **params: composed_vjp(*inputs, **params),
    _attention_vjp_type,
    _vjp_vjp,
    _vjp_jvp,
    family="attention",
    multiple=True,
    batch=_vjp_batch,
    doc="Cotangents of queries, keys and values, from (q, k, v, cotangent, largest scores, sums).",
)
