"""Layers against formulas written out in float64, and their errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, random, tree
from chainrule.errors import DtypeError, ShapeError
from chainrule.transforms import grad, jit

RNG = np.random.default_rng(0)


def test_dense_is_the_affine_map_on_any_leading_axes() -> None:
    """y[..., j] = sum_i x[..., i] w[i, j] + b[j], in float64 by einsum."""
    layer = nn.Dense(4, 3, key=random.key(1), dtype=np.float64).replace(bias=RNG.normal(size=3))
    for shape in ((4,), (5, 4), (2, 5, 4), (0, 4)):
        x = RNG.normal(size=shape)
        expected = np.einsum("...i,ij->...j", x, layer.weight) + layer.bias
        np.testing.assert_allclose(layer(x), expected, rtol=1e-13)
        np.testing.assert_allclose(jit(lambda m, x: m(x))(layer, x), expected, rtol=1e-13)


def test_dense_parameters() -> None:
    """float32 unless asked for, the bias 0 or absent, another key another weight."""
    layer = nn.Dense(4, 3, key=random.key(1))
    assert layer.weight.dtype == np.float32 and layer.weight.shape == (4, 3)
    assert layer.bias.dtype == np.float32 and layer.bias.tolist() == [0.0, 0.0, 0.0]
    assert nn.Dense(4, 3, key=random.key(1), bias=False).bias is None
    assert len(tree.leaves(nn.Dense(4, 3, key=random.key(1), bias=False))) == 1
    assert not np.array_equal(layer.weight, nn.Dense(4, 3, key=random.key(2)).weight)
    assert nn.Dense(4, 3, key=random.key(1), dtype=np.float64).weight.dtype == np.float64
    assert layer(np.ones((2, 4), np.float32)).dtype == np.float32


@pytest.mark.parametrize("activation", [nn.relu, nn.tanh, np.tanh, nn.sigmoid])
def test_mlp_and_its_gradient_against_backpropagation_by_hand(activation: Any) -> None:
    """Two hidden layers, squared error: value and all six gradients in float64."""
    model = nn.MLP(3, (5, 4), 2, activation, key=random.key(0), dtype=np.float64)
    biases = [RNG.normal(size=n) for n in (5, 4, 2)]
    dense = [m.replace(bias=b) for m, b in zip(model.layers, biases, strict=True)]
    model = model.replace(layers=tuple(dense))
    x, y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
    slope: Any = {
        nn.relu: lambda z: (z > 0) * 1.0,
        nn.tanh: lambda z: 1 - np.tanh(z) ** 2,
        np.tanh: lambda z: 1 - np.tanh(z) ** 2,
        nn.sigmoid: lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2,
    }[activation]
    value: Any = {nn.relu: lambda z: z * (z > 0), nn.sigmoid: lambda z: 1 / (1 + np.exp(-z))}.get(
        activation, np.tanh
    )
    (w1, w2, w3), (b1, b2, b3) = [m.weight for m in model.layers], biases
    z1 = x @ w1 + b1
    z2 = value(z1) @ w2 + b2
    out = value(z2) @ w3 + b3
    d3 = 2 * (out - y)
    d2 = d3 @ w3.T * slope(z2)
    d1 = d2 @ w2.T * slope(z1)
    expected = [x.T @ d1, d1.sum(0), value(z1).T @ d2, d2.sum(0), value(z2).T @ d3, d3.sum(0)]
    np.testing.assert_allclose(model(x), out, rtol=1e-12)
    gradient = grad(lambda m: np.sum((m(x) - y) ** 2))(model)
    assert gradient.activation is activation
    for got, wanted in zip(tree.leaves(gradient), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)


def test_mlp_sizes() -> None:
    """Parameters of 64-100-10: 64 * 100 + 100 + 100 * 10 + 10; without hidden layers, linear."""
    model = nn.MLP(64, (100,), 10, key=random.key(0))
    assert sum(leaf.size for leaf in tree.leaves(model)) == 7510
    linear = nn.MLP(4, (), 2, key=random.key(0))
    assert [layer.weight.shape for layer in linear.layers] == [(4, 2)]
    x = np.ones((1, 4), np.float32)
    np.testing.assert_array_equal(linear(x), x @ linear.layers[0].weight)


def test_mlp_layers_are_drawn_independently() -> None:
    """Two layers of one shape do not begin alike."""
    first, second, _ = nn.MLP(8, (8, 8), 1, key=random.key(0)).layers
    assert abs(np.corrcoef(first.weight.ravel(), second.weight.ravel())[0, 1]) < 0.3


def test_sequential_applies_modules_and_functions_in_order() -> None:
    """Functions become modules without leaves."""
    first, last = random.split(random.key(0))
    a, b = nn.Dense(3, 4, key=first), nn.Dense(4, 1, key=last)
    model = nn.Sequential(a, np.tanh, b, lambda y: y[:, 0])
    x = RNG.normal(size=(6, 3)).astype(np.float32)
    np.testing.assert_array_equal(model(x), b(np.tanh(a(x)))[:, 0])
    assert len(tree.leaves(model)) == 4
    assert nn.Sequential()(x) is x
    assert repr(nn.Sequential(np.tanh, nn.relu)) == "Sequential(layers=(tanh, relu))"


def test_errors_name_the_mend() -> None:
    """Wrong widths, sizes, dtypes and layers."""
    layer = nn.Dense(4, 3, key=random.key(0))
    for shape in ((5, 3), (), (3,)):
        with pytest.raises(ShapeError, match=r"shape \(\.\.\., 4\), and was given"):
            layer(np.ones(shape))
    with pytest.raises(ShapeError, match=r"test_layers\.py:\d+: Dense takes"):
        jit(lambda x: layer(x))(np.ones((2, 5)))
    with pytest.raises(ValueError, match="in_features=0: give 1 or more"):
        nn.Dense(0, 3, key=random.key(0))
    with pytest.raises(TypeError, match=r"out_features is float 3\.0: give a whole number"):
        nn.Dense(4, 3.0, key=random.key(0))  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match="dtype=int32: parameters are floats"):
        nn.Dense(4, 3, key=random.key(0), dtype=np.int32)
    with pytest.raises(TypeError, match=r"hidden_layer_sizes=100: give a tuple, such as \(100,\)"):
        nn.MLP(4, 100, 2, key=random.key(0))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="layer 1 of Sequential is a ndarray"):
        nn.Sequential(np.tanh, np.ones(3))
