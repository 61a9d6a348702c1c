"""Weights in bfloat16: rounded to the nearest even, multiplied as float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, random
from chainrule.config import configured
from chainrule.errors import DataError
from chainrule.nn.bfloat16 import rounded_to_bfloat16
from chainrule.primitives.number_bits import from_bfloat16
from chainrule.transforms import jit

DRAW = np.random.default_rng(0)


def nearest(x: float) -> float:
    """Of the numbers with 8 significant bits, in float64."""
    mantissa, exponent = np.frexp(x)
    return float(np.ldexp(np.rint(np.ldexp(mantissa, 8)), exponent - 8))


def test_rounding_to_the_nearest_even():
    """Halves too; both infinities, zeros and nan stay what they are."""
    x = np.concatenate([DRAW.normal(size=500), np.ldexp(257.0, [-8, 3]), np.ldexp(259.0, [-8, 3])])
    x = np.float32(np.concatenate([x, -x]))
    expected = np.float32([nearest(number) for number in x])
    np.testing.assert_array_equal(from_bfloat16(rounded_to_bfloat16(x)), expected)
    special = np.float32([np.inf, -np.inf, 0.0, -0.0, np.nan, 3.4e38])
    rounded = from_bfloat16(rounded_to_bfloat16(special))
    np.testing.assert_array_equal(rounded, np.float32([np.inf, -np.inf, 0, 0, np.nan, np.inf]))
    assert np.signbit(rounded[3])


def test_layers_multiply_the_rounded_weights():
    """Tails of rows, depth and columns; weights as arguments or known; all widths and threads."""
    for sizes in ((7, 33), (1, 5), (64, 100)):
        layer = nn.Dense(*sizes, key=random.key(0)).replace(bias=np.arange(sizes[1], dtype="f4"))
        half = nn.to_bfloat16(layer)
        assert half.weight.shape == sizes
        np.testing.assert_array_equal(half.weight, from_bfloat16(rounded_to_bfloat16(layer.weight)))
        x = DRAW.normal(size=(2, 9, sizes[0])).astype(np.float32)
        expected = x.astype(float) @ half.weight.astype(float) + layer.bias
        np.testing.assert_allclose(half(x), expected, rtol=1e-5, atol=1e-5)
        first = jit(lambda m, x: m(x))(half, x)
        np.testing.assert_allclose(first, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(jit(lambda x, m=half: m(x))(x), first)
        np.testing.assert_array_equal(jit(lambda m, x: m(x))(half, x[:, :1]), first[:, :1])
    for settings in ({"vector": 8}, {"vector": 4}, {"num_threads": 1}):
        with configured(cache=0, **settings):
            other = jit(lambda m, x: m(x))(half, x)
            np.testing.assert_allclose(other, expected, rtol=1e-5, atol=1e-5)


def test_nothing_beyond_a_row_is_multiplied():
    """Of an odd depth: the next row's nan and infinities stay in theirs."""
    half = nn.to_bfloat16(nn.Dense(5, 3, key=random.key(0)))
    x = np.ones((4, 5), np.float32)
    x[1], x[3, 4] = np.nan, np.inf
    y = jit(lambda m, x: m(x))(half, x)
    assert np.isfinite(y[[0, 2]]).all() and np.isnan(y[1]).all() and np.isinf(y[3]).all()


def test_which_layers():
    """Dense ones of float32, wherever they are; a module that reads a weight gets numbers."""
    attention = nn.MultiHeadAttention(8, 2, key=random.key(0))
    x = DRAW.normal(size=(2, 5, 8)).astype(np.float32)
    half = nn.to_bfloat16(attention)
    np.testing.assert_allclose(half(x), attention(x), atol=0.02)
    model: Any = nn.Sequential(nn.Dense(3, 4, key=random.key(0)), nn.Dense(4, 2, key=random.key(1)))
    half = nn.to_bfloat16(model, skip=["layers.0"])
    assert half.layers[0] is model.layers[0] and type(half.layers[1]) is nn.BFloat16Dense
    with pytest.raises(ValueError, match=r"no layer 'layers.2'; there are layers.0, layers.1"):
        nn.to_bfloat16(model, skip=["layers.2"])
    with pytest.raises(DataError, match="no Dense layer in float32"):
        nn.to_bfloat16(nn.Dense(3, 4, key=random.key(0), dtype=float))
