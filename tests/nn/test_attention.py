"""Attention, positions and encoders against loops over heads and steps in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, random
from chainrule.errors import DtypeError, ShapeError
from chainrule.transforms import check_grads, grad, jit

KEY = random.key(0)
RNG = np.random.default_rng(0)
X, OTHER = RNG.normal(size=(3, 4, 6)), RNG.normal(size=(3, 7, 6))


def layer(heads: int = 2, **options: Any) -> Any:
    made = nn.MultiHeadAttention(6, heads, key=KEY, dtype=np.float64, **options)
    return made.replace(
        project=made.project.replace(bias=np.linspace(-1, 1, 18)),
        combine=made.combine.replace(bias=np.linspace(1, 2, 6)),
    )


def by_loops(model: Any, x: Any, memory: Any, allowed: Any, bias: Any) -> Any:
    """One row, head and step after another; `allowed` (rows, steps, others) says what is read."""
    w, b = model.project.weight, model.project.bias
    q, k, v = x @ w[:, :6] + b[:6], memory @ w[:, 6:12] + b[6:12], memory @ w[:, 12:] + b[12:]
    each = 6 // model.num_heads
    out = np.zeros_like(x)
    for n, head, t in np.ndindex(len(x), model.num_heads, x.shape[1]):
        own = slice(head * each, (head + 1) * each)
        places = np.flatnonzero(allowed[n, t])
        if places.size:
            scores = [q[n, t, own] @ k[n, s, own] / each**0.5 + bias[t, s] for s in places]
            shares = np.exp(scores) / np.sum(np.exp(scores))
            out[n, t, own] = sum(p * v[n, s, own] for p, s in zip(shares, places, strict=True))
    return out @ model.combine.weight + model.combine.bias


@pytest.mark.parametrize("heads", [1, 2, 3, 6])
@pytest.mark.parametrize("memory", [None, OTHER])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_by_loops(heads: int, memory: Any, causal: bool) -> None:
    """With and without lengths, of which one is 0; compiled alike."""
    read = X if memory is None else memory
    model, others = layer(heads), read.shape[1]
    bias = RNG.normal(size=(4, others))
    for lengths in (None, np.array([others, 0, 2])):
        mask = None if lengths is None else nn.sequence_mask(lengths, others)
        allowed = np.ones((3, 4, others), bool) if mask is None else mask[:, None] & (bias < 99)
        if causal:
            allowed = allowed & np.tri(4, others, dtype=bool)
        expected = by_loops(model, X, read, allowed, bias)
        options = {"mask": mask, "bias": bias, "is_causal": causal}
        np.testing.assert_allclose(model(X, memory, **options), expected, rtol=1e-11)
        compiled = jit(lambda x, options=options: model(x, memory, **options))
        np.testing.assert_allclose(compiled(X), expected, rtol=1e-11)
        assert np.isfinite(grad(lambda x, o=options: np.sum(model(x, memory, **o)))(X)).all()


def test_derivatives() -> None:
    """By what asks, what is read, and the weights, against central differences."""
    model, mask = layer(), nn.sequence_mask(np.array([4, 2, 3]), 4)

    def f(x: Any, w: Any, v: Any) -> Any:
        project, combine = model.project.replace(weight=w), model.combine.replace(weight=v)
        made = model.replace(project=project, combine=combine)
        return made(x, mask=mask, is_causal=True)

    check_grads(f, (X, model.project.weight, model.combine.weight), order=1)
    check_grads(lambda x, m: layer()(x, m), (X, OTHER[:, :2]), order=1)


def test_dropped_weights_in_training() -> None:
    """Without a rate training is prediction; with one, its mean over keys is near it."""
    calm = layer()
    np.testing.assert_array_equal(calm.train(X, KEY)[0], calm(X))
    wild = layer(dropout=0.3)
    y, same = wild.train(X, KEY)
    assert same is wild and not np.allclose(y, calm(X))
    np.testing.assert_array_equal(wild(X), calm(X))
    run = jit(lambda key: wild.train(X, key)[0])
    mean = np.mean([run(key) for key in random.split(random.key(5), 400)], axis=0)
    assert np.max(np.abs(mean - calm(X))) < 0.2


def test_bias_dtypes_and_shapes() -> None:
    """float32 stays; no bias, no leaves for it."""
    bare = nn.MultiHeadAttention(6, 2, key=KEY, bias=False)
    assert bare.project.bias is None and bare.combine.bias is None
    x = X.astype(np.float32)
    assert bare(x).dtype == np.float32
    mask = nn.sequence_mask(np.array([1, 2, 3]), 4)
    assert bare(x, mask=mask, is_causal=True).dtype == np.float32
    assert bare(x, OTHER.astype(np.float32)).shape == (3, 4, 6)


def test_positions() -> None:
    """Formula by formula; a trained vector for each step."""
    made = nn.sinusoidal_positions(50, 6, np.float64)
    for t, i in np.ndindex(50, 3):
        angle = t / 10000 ** (2 * i / 6)
        np.testing.assert_allclose(made[t, 2 * i : 2 * i + 2], [np.sin(angle), np.cos(angle)])
    assert nn.sinusoidal_positions(3, 4).dtype == np.float32
    table = nn.PositionalEmbedding(5, 6, key=KEY, dtype=np.float64)
    np.testing.assert_array_equal(table(X), X + table.weight[:4])
    slope = grad(lambda m: np.sum(m(X)))(table).weight
    assert slope.tolist() == [[3.0] * 6] * 4 + [[0.0] * 6]
    assert 0.01 < np.std(table.weight) < 0.03


@pytest.mark.parametrize("norm_first", [True, False])
def test_encoder_is_its_layers(norm_first: bool) -> None:
    """By hand from tested parts, with a mask; a last norm if norms come first."""
    model = nn.TransformerEncoder(
        6, 2, 2, 5, key=KEY, norm_first=norm_first, activation=np.tanh, dtype=np.float64
    )
    mask = nn.sequence_mask(np.array([4, 2, 3]), 4)
    h = X
    for each in model.layers:

        def feed(h: Any, each: Any = each) -> Any:
            return np.tanh(h @ each.first.weight) @ each.last.weight

        if norm_first:
            h = h + each.attention(each.norm1(h), mask=mask)
            h = h + feed(each.norm2(h))
        else:
            h = each.norm1(h + each.attention(h, mask=mask))
            h = each.norm2(h + feed(h))
    expected = model.norm(h) if norm_first else h
    assert (model.norm is None) != norm_first
    np.testing.assert_allclose(model(X, mask=mask), expected, rtol=1e-11)
    np.testing.assert_allclose(jit(lambda m, x: m(x, mask=mask))(model, X), expected, rtol=1e-11)
    first, second = model.layers
    assert not np.allclose(first.first.weight, second.first.weight)
    assert first.first.weight.shape == (6, 5)


def test_encoder_in_training() -> None:
    """Without a rate training is prediction; with one, another key is another result."""
    calm = nn.TransformerEncoder(6, 2, 2, key=KEY, dropout=0.0, dtype=np.float64)
    np.testing.assert_array_equal(calm.train(X, KEY, is_causal=True)[0], calm(X, is_causal=True))
    wild = nn.TransformerEncoder(6, 2, 2, key=KEY, dropout=0.2, dtype=np.float64)
    np.testing.assert_array_equal(wild(X), calm(X))
    y, moved = nn.apply_train(wild, X, KEY)
    assert moved is wild
    np.testing.assert_allclose(jit(lambda x, k: wild.train(x, k)[0])(X, KEY), y, rtol=1e-10)
    assert not np.allclose(y, wild.train(X, random.key(1))[0])


def test_what_is_filled_up_does_not_matter() -> None:
    """A causal encoder doesn't see later steps, a masked one not those that are not real."""
    model = nn.TransformerEncoder(6, 2, 2, key=KEY, dtype=np.float64)
    changed = X.copy()
    changed[:, 2:] = RNG.normal(size=(3, 2, 6))
    for options in ({"is_causal": True}, {"mask": nn.sequence_mask(np.array([2, 2, 2]), 4)}):
        same = model(X, **options)[:, :2]
        np.testing.assert_allclose(model(changed, **options)[:, :2], same, rtol=1e-12)
    assert not np.allclose(model(changed)[:, :2], model(X)[:, :2])


def test_errors_name_the_mend() -> None:
    """Heads, shapes and masks that do not fit."""
    with pytest.raises(ValueError, match="num_heads=4 does not divide embed_dim=6"):
        nn.MultiHeadAttention(6, 4, key=KEY)
    with pytest.raises(ShapeError, match=r"takes arrays of shape \(rows, steps, 6\), and was gi"):
        layer()(X[0])
    with pytest.raises(ShapeError, match=r"takes arrays of shape \(rows, steps, 6\), and was gi"):
        layer()(X, OTHER[..., :5])
    with pytest.raises(ShapeError, match=r"mask has shape \(3, 7\), and not \(3, 4\): rows, steps"):
        layer()(X, mask=np.ones((3, 7), bool))
    with pytest.raises(DtypeError, match="mask is int64: give truth values, True for what is read"):
        layer()(X, mask=np.ones((3, 4), int))
    with pytest.raises(ShapeError, match=r"at most 3 steps, and was given \(3, 4, 6\)"):
        nn.PositionalEmbedding(3, 6, key=KEY)(X)
    with pytest.raises(ValueError, match="embed_dim=5: sines and cosines take an even number"):
        nn.sinusoidal_positions(3, 5)
    with pytest.raises(
        ShapeError, match=r"TransformerEncoderLayer takes arrays of shape \(rows, st"
    ):
        nn.TransformerEncoderLayer(8, 2, key=KEY)(X)
