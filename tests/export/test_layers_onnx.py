"""Layers over images and sequences, exported, compute under onnxruntime what they compute here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from exported import assert_same, run

from chainrule import nn, random
from chainrule.export import to_onnx

KEY = random.key(0)
IMAGES, STEPS = (9, 8, 4), (10, 4)


def check(layer: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Exported for five rows, compared for others; returns the operations."""
    rng = np.random.default_rng(0)
    model = to_onnx(layer, rng.normal(size=(5, *shape)).astype(dtype))
    for rows in (1, 7):
        x = rng.normal(size=(rows, *shape)).astype(dtype)
        assert_same(layer(x), run(model, x)[0])
    return [node.op_type for node in model.graph.node]


def image_layers(dtype: Any) -> dict[str, Any]:
    given: Any = {"key": KEY, "dtype": dtype}
    return {
        "plain": nn.Conv2d(4, 6, 3, **given),
        "same": nn.Conv2d(4, 6, (3, 2), padding="same", stride=2, **given),
        "dilated": nn.Conv2d(4, 6, 3, dilation=2, padding=1, **given),
        "grouped": nn.Conv2d(4, 6, 3, groups=2, **given),
        "depthwise": nn.Conv2d(4, 8, 3, groups=4, padding=1, **given),
        "transposed": nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, **given),
        "largest": nn.MaxPool2d(2),
        "largest, overlapping": nn.MaxPool2d(3, 2, 1),
        "mean": nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        "adaptive": nn.AdaptiveAvgPool2d((2, 3)),
        "all places": nn.GlobalAvgPool(),
        "all places, largest": nn.GlobalMaxPool(),
        "groups of features": nn.GroupNorm(2, 4, dtype=dtype),
        "network": nn.Sequential(
            nn.Conv2d(4, 8, 3, **given), nn.BatchNorm(8, dtype=dtype), nn.relu, nn.MaxPool2d(2),
            nn.Residual(nn.Conv2d(8, 8, 3, padding="same", **given)), nn.Dropout(0.5),
            nn.Flatten(), nn.Dense(72, 5, **given),
        ),
    }  # fmt: skip


def sequence_layers(dtype: Any) -> dict[str, Any]:
    given: Any = {"key": KEY, "dtype": dtype}
    return {
        "causal": nn.Conv1d(4, 6, 3, padding="causal", dilation=2, **given),
        "grouped": nn.Conv1d(4, 6, 3, padding="same", stride=2, groups=2, **given),
        "transposed": nn.ConvTranspose1d(4, 6, 3, stride=2, **given),
        "largest": nn.MaxPool1d(3, 2, 1),
        "mean": nn.AvgPool1d(2),
        "root": nn.RMSNorm(4, dtype=dtype),
        "positions": nn.PositionalEmbedding(12, 4, **given),
        "attention": nn.MultiHeadAttention(4, 2, **given),
        "encoder": nn.TransformerEncoder(4, 2, 2, 8, **given),
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", image_layers(np.float32))
def test_layers_of_images(name: str, dtype: Any) -> None:
    """Each is one Conv in float32, whatever its groups; sums of products in float64."""
    operations = check(image_layers(dtype)[name], IMAGES, dtype)
    if name in ("plain", "same", "dilated", "grouped", "transposed", "network"):
        assert ("Conv" in operations) == (dtype is np.float32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", sequence_layers(np.float32))
def test_layers_of_sequences(name: str, dtype: Any) -> None:
    """As images of height 1."""
    check(sequence_layers(dtype)[name], STEPS, dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("lead", [((), (2, 3)), ((2, 1), (3,)), ((3,), ()), ((2,), (2,))])
def test_leading_axes_broadcast(lead: Any, dtype: Any) -> None:
    """Images of several kinds, or kernels, or both."""
    rng = np.random.default_rng(0)
    w = (0.1 * rng.normal(size=(*lead[1], 2, 2, 3, 2))).astype(dtype)

    def layer(x: Any) -> Any:
        spread = np.broadcast_to(x, (*lead[0], *x.shape))
        scales = np.arange(1.0, 1 + np.prod(lead[0])).astype(dtype).reshape(*lead[0], 1, 1, 1, 1)
        y = nn.conv(spread * scales, w, stride=(2, 1), dilation=(1, 2))
        return np.moveaxis(y, -4, 0)

    check(layer, (5, 5, 3), dtype)


def test_bags_of_codes_and_masks() -> None:
    """Whole numbers in: vectors summed up, attention that skips what is filled up."""
    rng = np.random.default_rng(0)
    bag = nn.EmbeddingBag(9, 4, key=KEY, padding_idx=0)
    words = nn.Embedding(9, 4, key=KEY)
    encoder = nn.TransformerEncoder(4, 2, 1, key=KEY)

    def model(codes: Any) -> Any:
        read = encoder(words(codes), mask=codes != 0)
        return np.concatenate([bag(codes), read[:, 0]], axis=1)

    made = to_onnx(model, rng.integers(0, 9, (5, 6)))
    for rows in (1, 7):
        codes = rng.integers(0, 9, (rows, 6))
        codes[:, 4:] = 0
        assert_same(model(codes), run(made, codes)[0])
