"""The network of `ImageClassifier`: from images of any size to logits."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from .. import nn, random

SMALLEST = 6  # sides that are still halved
LARGEST = 8  # sides at the last stage
GATHERED = 4  # sides up to which each place has weights of its own at the end
FEWEST = 3  # stages


class Standardize(nn.Module):
    """Images as float32, each channel less its mean, over its deviation; nothing is trained."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def __call__(self, x: Any) -> Any:
        mean, deviation = (np.array(v, np.float32) for v in (self.mean, self.deviation))
        return (x.astype(np.float32) - mean) * (np.float32(1.0) / deviation)


class Middle(nn.Module):
    """The middle of images that are larger than this; others as they are."""

    height: int
    width: int

    def __call__(self, x: Any) -> Any:
        top, left = (x.shape[1] - self.height) // 2, (x.shape[2] - self.width) // 2
        return x[:, top : top + self.height, left : left + self.width]


@dataclass(frozen=True)
class Moved:
    """Images moved by some places, what comes in being 0; and mirrored if so wished."""

    down: int
    right: int
    mirrored: bool = False

    def __call__(self, x: Any) -> Any:
        _, height, width, _ = x.shape
        if self.mirrored:
            x = x[:, :, ::-1]
        edges = [(max(by, 0), max(-by, 0)) for by in (self.down, self.right)]
        if any(map(any, edges)):
            x = np.pad(x, ((0, 0), *edges, (0, 0)))
        top, left = edges[0][1], edges[1][1]
        return x[:, top : top + height, left : left + width]


def stages(size: tuple[int, int], width: int) -> list[tuple[int, bool]]:
    """For each convolution its channels, and whether a pooling follows.

    The sides are halved down to 8 or less, and there are three convolutions at least, the last
    ones with 1, 3/2 and 3 times `width` channels: about 5 million multiplications for an image of
    28 x 28 and a width of 32.

    Examples
    --------
    >>> stages((28, 28), 32), stages((8, 8), 32)
    ([(32, True), (48, True), (96, False)], [(32, True), (48, False), (96, False)])
    >>> stages((64, 48), 32)
    [(16, True), (32, True), (48, True), (96, False)]
    """
    pools, side, short = 0, max(size), min(size)
    while short >= SMALLEST and (side > LARGEST or not pools):
        pools, side, short = pools + 1, side // 2, short // 2
    count = max(FEWEST, pools + 1)
    factors = [0.5] * (count - FEWEST) + [1.0, 1.5, 3.0]
    return [(_sixteens(width * factor), k < pools) for k, factor in enumerate(factors)]


def _sixteens(channels: float) -> int:
    return max(16, 16 * round(channels / 16))


def image_network(
    key: Any, size: tuple[int, int], channels: int, classes: int, width: int, dropout: float,
    standardize: Standardize,
) -> nn.Sequential:  # fmt: skip
    """Stages of convolution, pooling, batch normalisation and `relu`; a mean, and a dense layer.

    The pooling comes before the normalisation, which then has a quarter of the work.
    """
    plan = stages(size, width)
    keys = random.split(key, len(plan) + 1)
    layers: list[Any] = [Middle(*size), standardize]
    for own, (outputs, pooled) in zip(keys, plan, strict=False):
        layers.append(nn.Conv2d(channels, outputs, 3, padding="same", bias=False, key=own))
        layers += [nn.MaxPool2d(2)] if pooled else []
        layers += [nn.BatchNorm(outputs), nn.relu]
        channels = outputs
        size = (size[0] // 2, size[1] // 2) if pooled else size
    gathered = max(size) <= GATHERED
    layers.append(nn.Flatten() if gathered else nn.GlobalAvgPool())
    inputs = channels * (prod(size) if gathered else 1)
    return nn.Sequential(*layers, nn.Dropout(dropout), nn.Dense(inputs, classes, key=keys[-1]))
