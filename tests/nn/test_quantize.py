"""Networks of bytes: the formula, exact sums, and how little rounding costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, random
from chainrule.config import configured
from chainrule.errors import DataError
from chainrule.nn.quantize import with_quantized_layers, zero_points
from chainrule.transforms import jit, scan
from chainrule.tree import leaves, structure, unflatten

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(20, 6)).astype(np.float32)


def by_hand(layer: Any, rows: Any, x: Any, low: float, high: float) -> Any:
    """A dense layer on rounded numbers, in float64."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32((high - low) / 255)
    zero = round(-low / ((high - low) / 255))
    q = np.clip(np.rint(x * (np.float32(1) / scale)) + zero, 0, 255)
    weights = np.abs(layer.weight).max(axis=0) / np.float32(127)
    k = np.rint(layer.weight / weights)
    return (q - zero) @ k.astype(float) * (weights * scale).astype(float) + layer.bias


@pytest.mark.parametrize("percentile", [100.0, 90.0])
@pytest.mark.parametrize("shift", [0.0, 10.0, -10.0])
def test_a_dense_layer(percentile, shift):
    """That of Jacob et al.; what lies outside of the rows' range is cut."""
    layer = nn.Dense(6, 5, key=random.key(0)).replace(bias=np.arange(5, dtype=np.float32))
    rows = X + np.float32(shift)
    small = nn.quantize(layer, rows, percentile=percentile)
    low, high = np.percentile(rows, [100 - percentile, percentile])
    for x in (rows, 3 * rows):
        expected = by_hand(layer, rows, x, low, high)
        np.testing.assert_allclose(small(x), expected, rtol=1e-5, atol=1e-5)
    assert small.int8_weight.dtype == np.int8 and np.abs(small.int8_weight).max() == 127


def network(key: Any) -> Any:
    keys = random.split(key, 4)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding="same", key=keys[0]), nn.relu, nn.MaxPool2d(2),
        nn.Conv2d(8, 12, (2, 3), stride=(1, 2), padding=1, key=keys[1]), np.tanh,
        nn.Conv2d(12, 6, 2, bias=False, key=keys[2]), nn.Flatten(), nn.Dense(24, 4, key=keys[3]),
    )  # fmt: skip


def test_compiled_networks_are_bit_equal():
    """To plain NumPy, whatever the width of vectors and the number of threads."""
    model = network(random.key(0))
    x = DRAW.normal(size=(5, 8, 8, 1)).astype(np.float32)
    small = nn.quantize(model, x)
    assert [type(layer).__name__ for layer in small.layers if hasattr(layer, "scale")] == [
        "QuantizedConv2d", "QuantizedConv2d", "QuantizedConv2d", "QuantizedDense",
    ]  # fmt: skip
    expected = small(x)
    assert 0 < np.abs(expected - model(x)).max() < 0.05
    np.testing.assert_array_equal(jit(lambda x: small(x))(x), expected)
    for settings in ({"vector": 8}, {"vector": 4, "num_threads": 1}):
        with configured(cache=0, **settings):
            np.testing.assert_array_equal(jit(lambda m, x: m(x))(small, x), expected)


def test_sequences():
    """Causal windows: the byte of 0 stands before the first step."""
    layer = nn.Conv1d(3, 4, 2, padding="causal", key=random.key(0))
    x = DRAW.normal(size=(2, 9, 3)).astype(np.float32) + 1
    small = nn.quantize(layer, x)
    assert small.zero_point > 0
    np.testing.assert_allclose(small(x), layer(x), atol=0.05)
    np.testing.assert_array_equal(jit(lambda m, x: m(x))(small, x), small(x))


class Loop(nn.Module):
    """A layer in a loop, one whose weight is read, one that nothing calls, and one that is."""

    inner: nn.Dense
    read: nn.Dense
    unused: nn.Dense
    parts: dict[str, Any]

    def __call__(self, x: Any) -> Any:
        x, _ = scan(lambda h, _: (np.tanh(self.inner(h)), None), x, None, length=2)
        return self.parts["last"](x @ self.read.weight)


def test_only_called_layers_are_rounded():
    """With known numbers. Their names say where they are; `skip` leaves some out."""
    keys = random.split(random.key(0), 4)
    inner, read, unused, last = (nn.Dense(6, 6, key=key) for key in keys)
    model = Loop(inner, read, unused, {"last": last})
    small = nn.quantize(model, X)
    assert list(zero_points(small)) == ["parts.last"]
    assert small.inner is inner and small.read is read and small.unused is unused
    assert list(zero_points(nn.quantize(nn.Sequential(inner, read), X, skip=["layers.0"]))) == [
        "layers.1"
    ]
    for wrong in ({"skip": ["parts"]}, {"percentile": 50.0}):
        with pytest.raises(ValueError, match="parts|percentile"):
            nn.quantize(model, X, **wrong)
    with pytest.raises(DataError, match="calls no layer"):
        nn.quantize(nn.Conv2d(4, 4, 3, groups=2, key=keys[0]), np.ones((1, 4, 4, 4), np.float32))
    with pytest.raises(DataError, match="nan or infinite"):
        nn.quantize(last, np.full((1, 6), np.nan, np.float32))
    with pytest.raises(DataError, match="no rows"):
        nn.quantize(last, np.ones((0, 6), np.float32))


def test_numbers_return_to_an_empty_network():
    """Which is what a file's structure is."""
    model = network(random.key(0))
    x = DRAW.normal(size=(5, 8, 8, 1)).astype(np.float32)
    small = nn.quantize(model, x)
    empty = with_quantized_layers(network(random.key(1)), zero_points(small))
    assert structure(empty) == structure(small)
    np.testing.assert_array_equal(unflatten(structure(empty), leaves(small))(x), small(x))
    with pytest.raises(ValueError, match="no layer 'layers.1'"):
        with_quantized_layers(model, {"layers.1": 0})
