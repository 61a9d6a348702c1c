"""Attention as a function: derivatives of all kinds, batches, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn, random
from chainrule.errors import DtypeError, ShapeError

RNG = np.random.default_rng(0)
Q, K, V = (RNG.normal(size=(2, n, 2, d)) for n, d in ((3, 4), (5, 4), (5, 2)))
MASK, BIAS, KEY = RNG.random((2, 1, 1, 5)) < 0.7, RNG.normal(size=(2, 3, 5)), random.key(1)
MASK[..., 0] = True  # rows that read nothing: test_native_attention.py
STAYS = random.bernoulli(KEY, 0.6, (2, 2, 3, 5)) / 0.6
SLOPE = RNG.normal(size=(2, 3, 2, 2))
ALL = {"mask": MASK, "is_causal": True, "dropout": 0.4, "key": KEY}


def attend(q: Any, k: Any, v: Any, bias: Any) -> Any:
    return nn.dot_product_attention(q, k, v, bias=bias, **ALL)


def formula(q: Any, k: Any, v: Any, bias: Any) -> Any:
    """The same of NumPy's functions."""
    q, k, v = (np.swapaxes(x, 1, 2) for x in (q, k, v))
    scores = q @ np.swapaxes(k, 2, 3) / 2.0 + bias
    scores = np.where(MASK & np.tri(3, 5, dtype=bool), scores, -1e30)
    return np.swapaxes((nn.softmax(scores) * STAYS) @ v, 1, 2)


def slopes(f: Any) -> Any:
    """Gradients by all four, of a function that is not linear in the result."""
    return cr.grad(lambda *xs: np.sum(np.sin(f(*xs)) * SLOPE), argnums=(0, 1, 2, 3))


ARRAYS = (Q, K, V, BIAS)
MOVES = tuple(RNG.normal(size=x.shape) for x in ARRAYS)


def curvature(f: Any, *arrays: Any) -> Any:
    """The gradient of the gradient's product with some directions: reverse over reverse."""

    def along(*xs: Any) -> Any:
        return sum(np.sum(g * m) for g, m in zip(slopes(f)(*xs), MOVES, strict=True))

    return cr.grad(along, argnums=(0, 1, 2, 3))(*arrays)


def without_bias(f: Any) -> Any:
    return lambda q, k, v: f(q, k, v, BIAS)


DERIVATIVES = {
    "value": lambda f: f(*ARRAYS),
    "gradient": lambda f: slopes(f)(*ARRAYS),
    "of three": lambda f: cr.grad(
        lambda *xs: np.sum(without_bias(f)(*xs) * SLOPE), argnums=(0, 1, 2))(Q, K, V),
    "jvp": lambda f: cr.jvp(f, ARRAYS, MOVES),
    "jvp by values": lambda f: cr.jvp(lambda v: f(Q, K, v, BIAS), (V,), (MOVES[2],)),
    "reverse over reverse": lambda f: curvature(f, *ARRAYS),
    "three over three": lambda f: cr.grad(lambda q, k, v: np.sum(cr.grad(
        lambda q: np.sum(np.sin(f(q, k, v, BIAS)) * SLOPE))(q) * MOVES[0]), (0, 1, 2))(Q, K, V),
    "forward over reverse": lambda f: cr.jvp(slopes(f), ARRAYS, MOVES),
    "remat": lambda f: slopes(cr.checkpoint(f))(*ARRAYS),
}  # fmt: skip


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name: str) -> None:
    """Those of the formula, by queries, keys, values and bias; compiled alike."""
    expected = cr.tree.leaves(DERIVATIVES[name](formula))
    plain = cr.tree.leaves(DERIVATIVES[name](attend))
    compiled = cr.tree.leaves(cr.jit(lambda: DERIVATIVES[name](attend))())
    for x, y, z in zip(expected, plain, compiled, strict=True):
        np.testing.assert_allclose(y, x, atol=1e-12)
        np.testing.assert_allclose(z, x, atol=1e-12)


def test_batches() -> None:
    """vmap over queries, with keys for all; also of gradients, and over heads that broadcast."""

    def one(q: Any, k: Any) -> Any:
        return nn.dot_product_attention(q, k, V[0], bias=BIAS, is_causal=True)

    expected = np.stack([one(q, K[0]) for q in Q])
    np.testing.assert_allclose(cr.vmap(one, in_axes=(0, None))(Q, K[0]), expected, atol=1e-14)
    each = cr.vmap(cr.grad(lambda q, k: np.sum(one(q, k) ** 2), argnums=(0, 1)))
    rows = [cr.grad(lambda q, k: np.sum(one(q, k) ** 2), argnums=(0, 1))(q, k)
            for q, k in zip(Q, K, strict=True)]  # fmt: skip
    for found, parts in zip(cr.jit(each)(Q, K), zip(*rows, strict=True), strict=True):
        np.testing.assert_allclose(found, np.stack(parts), atol=1e-12)
    shared = nn.dot_product_attention(Q, K[:, :, :1], V[0, :, :1])
    repeated = nn.dot_product_attention(
        Q, np.repeat(K[:, :, :1], 2, axis=2), np.broadcast_to(V[0, :, :1], (2, 5, 2, 2))
    )
    np.testing.assert_array_equal(shared, repeated)


def test_a_scale_that_is_trained() -> None:
    """It may be traced; by default it is 1 over the root of the features."""
    by_scale = cr.jit(cr.grad(lambda s: np.sum(nn.dot_product_attention(Q, K, V, scale=s))))
    near = [np.sum(nn.dot_product_attention(Q, K, V, scale=0.5 + h)) for h in (-1e-5, 1e-5)]
    assert by_scale(0.5) == pytest.approx((near[1] - near[0]) / 2e-5, rel=1e-7)
    half = nn.dot_product_attention(Q, K, V, scale=0.5)
    np.testing.assert_array_equal(half, nn.dot_product_attention(Q, K, V))


def test_errors_say_what_does_not_fit() -> None:
    """Shapes, dtypes and masks."""
    with pytest.raises(DtypeError, match="attention: keys is int64: give arrays of floats"):
        nn.dot_product_attention(Q, K.astype(int), V)
    with pytest.raises(ShapeError, match=r"values has shape \(2, 2\): give \(..., steps, heads"):
        nn.dot_product_attention(Q, K, V[0, 0])
    with pytest.raises(ShapeError, match=r"leading axes and heads .* do not broadcast"):
        nn.dot_product_attention(Q, K[:, :, [0, 1, 0]], V)
    with pytest.raises(ShapeError, match="do not fit"):
        cr.jit(nn.dot_product_attention)(Q, K[..., :3], V)
    with pytest.raises(ShapeError, match="there are no keys"):
        cr.jit(nn.dot_product_attention)(Q, K[:, :0], V[:, :0])
    with pytest.raises(ShapeError, match=r"bias \(3, 4\) does not broadcast to \(2, 2, 3, 5\)"):
        nn.dot_product_attention(Q, K, V, bias=np.ones((3, 4)))
    with pytest.raises(DtypeError, match="mask is int64: give truth values"):
        nn.dot_product_attention(Q, K, V, mask=np.ones((3, 5), int))
