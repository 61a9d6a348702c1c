"""Initialisers: moments, bounds and fans of a large draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, random
from chainrule.nn.initializers import fans

VARIANCE = {
    nn.glorot_uniform: 2 / (300 + 200),
    nn.glorot_normal: 2 / (300 + 200),
    nn.he_uniform: 2 / 300,
    nn.he_normal: 2 / 300,
    nn.lecun_uniform: 1 / 300,
    nn.lecun_normal: 1 / 300,
    nn.torch_uniform: 1 / (3 * 300),
}


@pytest.mark.parametrize("init", VARIANCE, ids=lambda f: f.__name__)
def test_variance_mean_and_shape_of_the_distribution(init: nn.Initializer) -> None:
    """60,000 draws: mean within 5 standard errors, variance within 5 %, kurtosis 1.8 or 3."""
    w = init(random.key(3), (300, 200))
    assert w.dtype == np.float32 and w.shape == (300, 200)
    variance = VARIANCE[init]
    draws = w.astype(float).ravel()
    assert abs(draws.mean()) < 5 * np.sqrt(variance / draws.size)
    np.testing.assert_allclose(draws.var(), variance, rtol=0.05)
    kurtosis = np.mean(draws**4) / np.mean(draws**2) ** 2
    if "uniform" in init.__name__:
        assert np.abs(draws).max() <= np.sqrt(3 * variance) * (1 + 1e-6)
        np.testing.assert_allclose(kurtosis, 1.8, rtol=0.05)
    else:
        np.testing.assert_allclose(kurtosis, 3.0, rtol=0.05)


@pytest.mark.parametrize("init", VARIANCE, ids=lambda f: f.__name__)
def test_the_same_key_gives_the_same_weights(init: nn.Initializer) -> None:
    """And another key others; float64 on demand."""
    first = init(random.key(5), (4, 3), np.float64)
    assert first.dtype == np.float64
    np.testing.assert_array_equal(first, init(random.key(5), (4, 3), np.float64))
    assert not np.array_equal(first, init(random.key(6), (4, 3), np.float64))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (3, 3, 2, 8)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    """Columns or rows at right angles, of the length asked for; and each direction equally likely.

    An entry of a random orthogonal matrix of n rows has the variance 1 / n.
    """
    w = nn.orthogonal(0.5)(random.key(1), shape, np.float64).reshape(-1, shape[-1])
    gram = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(gram, 0.25 * np.eye(min(w.shape)), atol=1e-14)
    assert nn.orthogonal()(random.key(1), shape).dtype == np.float32
    firsts = [
        nn.orthogonal()(k, (4, 4), np.float64)[0, 0] for k in random.split(random.key(2), 500)
    ]
    assert abs(np.mean(firsts)) < 5 * 0.5 / np.sqrt(500)
    np.testing.assert_allclose(np.var(firsts), 0.25, rtol=0.3)


def test_zeros_and_ones() -> None:
    """Constant whatever the key."""
    assert nn.zeros(random.key(0), (2, 2)).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert nn.ones(random.key(0), (2,), np.float64).tolist() == [1.0, 1.0]


def test_fans() -> None:
    """A matrix, a convolution's window, a vector, a number, an empty axis."""
    assert fans((300, 200)) == (300, 200)
    assert fans((5, 5, 3, 8)) == (75, 200)
    assert fans((7,)) == (7, 7)
    assert fans(()) == (1, 1)
    assert fans((0, 4)) == (1, 4)


def test_torch_uniform_of_a_bias_takes_the_layers_fan_in() -> None:
    """PyTorch's Linear(300, 2000): weight and bias both fill U(-1/sqrt(300), 1/sqrt(300))."""
    options = {"weight_init": nn.torch_uniform, "bias_init": nn.torch_uniform}
    layer = nn.Dense(300, 2000, key=random.key(4), **options)
    bound = 300**-0.5
    for parameter in (layer.weight, layer.bias):
        assert parameter.dtype == np.float32
        assert 0.99 * bound < np.abs(parameter).max() <= bound * (1 + 1e-6)
        np.testing.assert_allclose(parameter.astype(float).var(), bound**2 / 3, rtol=0.08)
    assert abs(np.corrcoef(layer.weight[0], layer.bias)[0, 1]) < 0.1
    plain = nn.Dense(300, 2000, key=random.key(4), weight_init=nn.torch_uniform)
    np.testing.assert_array_equal(plain.weight, layer.weight)  # the bias has a key of its own
    assert not np.any(plain.bias)


def test_bias_init_of_layers() -> None:
    """It is called with the key, the bias's shape, the dtype, and the inputs of each layer."""
    calls = []

    def bias_init(key: Any, shape: Any, dtype: Any, fan_in: int) -> Any:
        calls.append((tuple(shape), np.dtype(dtype), fan_in))
        return np.full(shape, 0.5, dtype)

    model = nn.MLP(4, (6,), 2, key=random.key(0), bias_init=bias_init, dtype=np.float64)
    assert calls == [((6,), np.dtype(float), 4), ((2,), np.dtype(float), 6)]
    assert model.layers[1].bias.tolist() == [0.5, 0.5]
    assert nn.Dense(4, 2, key=random.key(0), bias_init=nn.ones).bias.tolist() == [1.0, 1.0]
    without = nn.Dense(4, 2, key=random.key(0), bias=False, bias_init=nn.ones)
    assert without.bias is None
