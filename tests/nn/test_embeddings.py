"""Embeddings against loops over rows, features and bins in float64."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from chainrule import nn, optim, random
from chainrule.errors import DtypeError, ShapeError
from chainrule.transforms import check_grads, grad, jit, scan, value_and_grad

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 3))
EDGES = np.array([[-1.0, 0.0, 0.5, 2.0], [0.0, 0.0, 1.0, 1.0], [3.0, 3.0, 3.0, 3.0]])
KEY = random.key(0)


def periodic() -> nn.PeriodicEmbedding:
    return nn.PeriodicEmbedding(
        3, 4, key=KEY, num_frequencies=5, frequency_init_scale=0.7, dtype=np.float64
    )


def piecewise() -> nn.PiecewiseLinearEmbedding:
    return nn.PiecewiseLinearEmbedding(EDGES, 4, key=KEY, dtype=np.float64)


def assert_is(layer: Any, expected: Any) -> None:
    """Uncompiled, compiled, with other leading axes, and for one row."""
    for shape in ((6,), (2, 3)):
        x, wanted = X.reshape(*shape, 3), expected.reshape(*shape, -1)
        np.testing.assert_allclose(layer(x), wanted, rtol=1e-12, atol=1e-14)
        compiled = jit(lambda m, x: m(x))(layer, x)
        np.testing.assert_allclose(compiled, wanted, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer(X[0]), expected[0], rtol=1e-12, atol=1e-14)
    assert layer(np.zeros((0, 3))).shape == (0, expected.shape[1])


def test_periodic() -> None:
    """relu(w . [sin 2 pi c x, cos 2 pi c x] + b), entry by entry."""
    layer = periodic()
    expected = np.zeros((6, 12))
    for row, feature, out in np.ndindex(6, 3, 4):
        total = layer.bias[feature, out]
        for k in range(5):
            angle = 2 * np.pi * layer.frequencies[feature, k] * X[row, feature]
            total += np.sin(angle) * layer.weight[feature, k, out]
            total += np.cos(angle) * layer.weight[feature, 5 + k, out]
        expected[row, 4 * feature + out] = max(total, 0.0)
    assert_is(layer, expected)
    assert 0 < np.count_nonzero(expected) < 72


def _progress(x: float, edges: Any) -> list[float]:
    """One feature through its bins; a bin without length gives 0."""
    first, last = edges[0], edges[-1]
    out = []
    for a, b in pairwise(edges):
        part = (x - a) / (b - a) if b > a else 0.0
        if part < 0 and a != first:
            part = 0.0
        if part > 1 and b != last:
            part = 1.0
        out.append(part)
    return out


def test_piecewise_linear() -> None:
    """Progress through the bins times the weight; outer bins go on, empty ones give 0."""
    layer = piecewise()
    expected = np.zeros((6, 12))
    for row, feature, out in np.ndindex(6, 3, 4):
        parts = _progress(X[row, feature], EDGES[feature])
        expected[row, 4 * feature + out] = (
            np.dot(parts, layer.weight[feature, :, out]) + layer.bias[feature, out]
        )
    assert_is(layer, expected)
    constant = layer(X)[:, 8:]  # the feature whose edges are all equal
    np.testing.assert_array_equal(constant, np.tile(layer.bias[2], (6, 1)))


def test_a_piecewise_linear_function_is_met_exactly() -> None:
    """Its slopes are the weights over the bins' lengths, also outside of the edges."""
    edges, slopes = np.array([[-1.0, 0.0, 2.0]]), np.array([3.0, -1.0])
    layer = nn.PiecewiseLinearEmbedding(edges, 1, key=KEY, dtype=np.float64)
    weight = (slopes * np.diff(edges[0])).reshape(1, 2, 1)
    layer = layer.replace(weight=weight, bias=np.zeros((1, 1)))
    x = np.linspace(-3.0, 4.0, 29)[:, None]
    expected = np.where(x < 0, 3.0 * (x + 1), 3.0 - x)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("make", [periodic, piecewise])
def test_derivatives(make: Any) -> None:
    """By the input and all parameters, against central differences; none by the edges."""
    layer = make()
    names = ("frequencies", "weight", "bias") if make is periodic else ("weight", "bias")
    check_grads(
        lambda x, *p: layer.replace(**dict(zip(names, p, strict=True)))(x),
        (X, *(getattr(layer, name) for name in names)),
        order=1,
    )
    if make is piecewise:
        assert not grad(lambda m: np.sum(m(X) ** 2))(layer).edges.any()


def test_quantile_edges() -> None:
    """NumPy's quantiles from minimum to maximum; as many rows in each bin."""
    x = RNG.normal(size=(1000, 2))
    edges = nn.quantile_edges(x, 8)
    assert edges.shape == (2, 9)
    for column, its_edges in zip(x.T, edges, strict=True):
        assert its_edges[0] == column.min() and its_edges[-1] == column.max()
        assert np.histogram(column, its_edges)[0].tolist() == [125] * 8


@pytest.mark.parametrize("kind", ["periodic", "piecewise"])
def test_a_wave_is_learned(kind: str) -> None:
    """Where a linear model explains nothing of sin(6 x), both leave less than a hundredth."""
    x = np.linspace(-1.5, 1.5, 200)[:, None]
    y = np.sin(6 * x[:, 0])
    first, last = random.split(random.key(1))
    embedding: Any = (
        nn.PeriodicEmbedding(
            1, 16, key=first, num_frequencies=16, frequency_init_scale=1.0, dtype=np.float64
        )
        if kind == "periodic"
        else nn.PiecewiseLinearEmbedding(nn.quantile_edges(x, 24), 16, key=first, dtype=np.float64)
    )
    model = nn.Sequential(embedding, nn.Dense(16, 1, key=last, dtype=np.float64))
    optimizer = optim.adam(0.01)

    def step(carry: Any, _: Any) -> Any:
        model, state = carry
        value, slopes = value_and_grad(lambda m: np.mean((m(x)[:, 0] - y) ** 2))(model)
        updates, state = optimizer.update(slopes, state, model)
        return (optim.apply_updates(model, updates), state), value

    _, values = jit(lambda c: scan(step, c, None, length=500))((model, optimizer.init(model)))
    assert values[-1] < 0.01 * np.var(y)


def test_categories() -> None:
    """Rows of the weight; each row's slope is the sum over its places."""
    layer = nn.Embedding(5, 3, key=KEY, dtype=np.float64)
    assert np.all(np.abs(layer.weight) <= 1 / np.sqrt(3))
    codes = np.array([[0, 4, 1], [1, 1, 3]])
    weights = RNG.normal(size=(2, 3, 3))
    expected = np.zeros((5, 3))
    for i, j in np.ndindex(2, 3):
        np.testing.assert_array_equal(layer(codes)[i, j], layer.weight[codes[i, j]])
        expected[codes[i, j]] += weights[i, j]
    for kind in (np.int64, np.int8, np.uint8, np.uint32):
        got = jit(lambda m, c: m(c))(layer, codes.astype(kind))
        np.testing.assert_array_equal(got, layer(codes))
        np.testing.assert_array_equal(jit(lambda c: layer(c))(codes.astype(kind)), layer(codes))
    slopes = grad(lambda m, c: np.sum(m(c) * weights))(layer, codes)
    np.testing.assert_allclose(slopes.weight, expected, rtol=1e-14)
    assert layer(np.zeros(0, int)).shape == (0, 3)
    np.testing.assert_array_equal(layer(2), layer.weight[2])


def test_codes_out_of_bounds() -> None:
    """Negative ones, too, raise at once, or after a compiled call."""
    layer = nn.Embedding(3, 2, key=KEY)
    for codes in (np.array([0, 3]), np.array([-1, 2])):
        with pytest.raises(
            IndexError,
            match=r"test_embeddings\.py:\d+: Embedding: codes run from .* 3 embeddings, 0",
        ):
            layer(codes)
        with pytest.raises(IndexError, match="out of bounds"):
            jit(lambda c: layer(c))(codes)
    with pytest.raises(DtypeError, match=r"whole numbers, not float64: codes\.astype\(int\)"):
        layer(np.array([1.0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_stay(dtype: Any) -> None:
    """float32 in, float32 out."""
    x = X.astype(dtype)
    layers = (
        nn.PeriodicEmbedding(3, 4, key=KEY, dtype=dtype),
        nn.PiecewiseLinearEmbedding(EDGES, 4, key=KEY, dtype=dtype),
    )
    for layer in layers:
        assert layer(x).dtype == jit(lambda m, x: m(x))(layer, x).dtype == dtype
    assert nn.Embedding(3, 2, key=KEY, dtype=dtype)(1).dtype == dtype


def test_errors_name_the_mend() -> None:
    """Widths, sizes, edges and data."""
    for layer in (periodic(), piecewise()):
        with pytest.raises(ShapeError, match=r"takes arrays of shape \(\.\.\., 3\), and was given"):
            layer(np.ones((2, 4)))
    with pytest.raises(ValueError, match="num_frequencies=0: give 1 or more"):
        nn.PeriodicEmbedding(3, 4, key=KEY, num_frequencies=0)
    with pytest.raises(ValueError, match="frequency_init_scale=-1: give a positive number"):
        nn.PeriodicEmbedding(3, 4, key=KEY, frequency_init_scale=-1)
    with pytest.raises(ShapeError, match=r"edges have shape \(features, bins \+ 1\), and not"):
        nn.PiecewiseLinearEmbedding([0.0, 1.0], 4, key=KEY)
    for wrong in ([[0.0, 2.0, 1.0]], [[0.0, np.nan]]):
        with pytest.raises(ValueError, match="edges are finite numbers, ascending in each row"):
            nn.PiecewiseLinearEmbedding(wrong, 4, key=KEY)
    with pytest.raises(ShapeError, match=r"data of shape \(rows, features\), not \(3,\)"):
        nn.quantile_edges(np.ones(3), 4)
    with pytest.raises(ValueError, match="the data holds nan or infinite numbers"):
        nn.quantile_edges([[np.nan]], 4)
    with pytest.raises(ValueError, match="bins=0: give 1 or more"):
        nn.quantile_edges(X, 0)
    with pytest.raises(ValueError, match="num_embeddings=0: give 1 or more"):
        nn.Embedding(0, 2, key=KEY)
