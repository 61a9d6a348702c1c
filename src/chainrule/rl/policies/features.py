"""What networks read of observations: rows of numbers, images through convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np

from ... import nn
from ...errors import UnsupportedError, at_user_line
from ...random import fold_in, split
from ..spaces import (
    ACTION_MASK,
    BoxSpec,
    DictSpec,
    SpaceSpec,
    TupleSpec,
    flatten_observation,
    n_features,
)

_SMALLEST_IMAGE = 36  # of heights and widths: the windows of `NatureCNN` leave nothing of less


class NatureCNN(nn.Module):
    """The convolutions of the first networks that learned to play from pixels.

    Three of them, of windows of 8, 4 and 3 pixels, and a dense layer.

    References
    ----------
    V. Mnih et al.: "Human-level control through deep reinforcement learning", Nature 518 (2015).
    """

    convolutions: tuple[nn.Conv2d, ...]
    dense: nn.Dense

    def __init__(
        self, size: tuple[int, int, int], features: int, *, key: Any, dtype: Any = np.float32
    ) -> None:
        height, width, channels = size
        keys = split(key, 4)
        layers = []
        relu_scale = nn.orthogonal(sqrt(2))
        for k, (window, stride, filters) in zip(
            keys, ((8, 4, 32), (4, 2, 64), (3, 1, 64)), strict=False
        ):
            layers.append(
                nn.Conv2d(channels, filters, window, stride=stride, padding="valid", key=k,
                          weight_init=relu_scale, dtype=dtype)
            )  # fmt: skip
            height, width = (height - window) // stride + 1, (width - window) // stride + 1
            channels = filters
        self.convolutions = tuple(layers)
        self.dense = nn.Dense(
            height * width * channels, features, key=keys[3], weight_init=relu_scale, dtype=dtype
        )

    def __call__(self, images: Any) -> Any:
        """Return the features of images of bytes, (n, height, width, channels)."""
        x = images.astype(self.dense.weight.dtype) / 255
        for convolution in self.convolutions:
            x = nn.relu(convolution(x))
        return nn.relu(self.dense(x.reshape(x.shape[0], self.dense.weight.shape[0])))


class SmallCNN(nn.Module):
    """One convolution of 3 x 3 and a dense layer, for small pictures and grids of planes.

    References
    ----------
    K. Young, T. Tian: "MinAtar: an Atari-inspired testbed for thorough and reproducible
    reinforcement learning experiments", arXiv:1903.03176 (2019).
    """

    convolution: nn.Conv2d
    dense: nn.Dense
    scale: float = 1.0

    def __init__(
        self, size: tuple[int, int, int], features: int, *, key: Any, scale: float = 1.0,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        height, width, channels = size
        first, second = split(key)
        init = nn.orthogonal(sqrt(2))
        self.convolution = nn.Conv2d(
            channels, 16, 3, padding="valid", key=first, weight_init=init, dtype=dtype
        )
        inputs = (height - 2) * (width - 2) * 16
        self.dense = nn.Dense(inputs, features, key=second, weight_init=init, dtype=dtype)
        self.scale = scale

    def __call__(self, images: Any) -> Any:
        """Return the features of pictures, (n, height, width, channels)."""
        x = images.astype(self.dense.weight.dtype) * self.scale
        x = nn.relu(self.convolution(x))
        return nn.relu(self.dense(x.reshape(x.shape[0], self.dense.weight.shape[0])))


class FeatureExtractor(nn.Module):
    """A row of numbers for each observation: images through a network, all else as it is.

    Parameters
    ----------
    spec : SpaceSpec
    key : uint32[2]
    image_features : int
        The number of features of an image. Default 512 for a `NatureCNN`, 128 for a `SmallCNN`.
    dtype : floating dtype
        Default float32.
    """

    spec: SpaceSpec = nn.static()
    networks: Any  # of each part of the space: None if there is nothing to learn
    dtype: Any = nn.static(default=np.dtype(np.float32))

    def __init__(
        self, spec: SpaceSpec, *, key: Any, image_features: int | None = None,
        dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        self.spec, self.dtype = spec, np.dtype(dtype)
        self.networks = tuple(
            _image_network(part, fold_in(key, k), image_features, self.dtype)
            for k, part in enumerate(_parts(spec))
        )

    @property
    def width(self) -> int:
        """The number of features."""
        return sum(
            n_features(part) if network is None else network.dense.weight.shape[1]
            for part, network in zip(_parts(self.spec), self.networks, strict=True)
        )

    def __call__(self, observation: Any) -> Any:
        """Return the features, an array of shape (n, width)."""
        rows = [
            flatten_observation(part, x, self.dtype) if network is None else network(_hwc(part, x))
            for part, x, network in zip(
                _parts(self.spec), _part_arrays(self.spec, observation), self.networks, strict=True
            )
        ]
        return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)


def _parts(spec: SpaceSpec) -> Sequence[SpaceSpec]:
    """Return the parts of a space that networks read: all but the mask of actions."""
    if isinstance(spec, DictSpec):
        named = zip(spec.names, spec.parts, strict=True)
        return [part for name, part in named if name != ACTION_MASK]
    return spec.parts if isinstance(spec, TupleSpec) else (spec,)


def _part_arrays(spec: SpaceSpec, observation: Any) -> Sequence[Any]:
    match spec:
        case DictSpec(names):
            return [observation[name] for name in names if name != ACTION_MASK]
        case TupleSpec():
            return list(observation)
        case _:
            return [observation]


def _image_network(spec: SpaceSpec, key: Any, features: int | None, dtype: Any) -> Any:
    if not isinstance(spec, BoxSpec) or len(spec.shape) != 3:
        return None
    height, width, channels = _hwc_shape(spec)
    if min(height, width) >= _SMALLEST_IMAGE:
        if not spec.is_image:
            raise UnsupportedError(
                at_user_line(
                    f"observations of shape {spec.shape} and {spec.dtype}: give images as uint8 "
                    "from 0 to 255"
                )
            )
        return NatureCNN((height, width, channels), features or 512, key=key, dtype=dtype)
    if min(height, width) < 3:
        return None
    scale = 1 / 255 if spec.is_image else 1.0
    size = (height, width, channels)
    return SmallCNN(size, features or 128, key=key, scale=scale, dtype=dtype)


def _is_channels_first(spec: BoxSpec) -> bool:
    """Whether an image has its channels first: fewer of them than pixels on a side, as in SB3."""
    first, _, last = spec.shape
    return first < last


def _hwc_shape(spec: BoxSpec) -> tuple[int, int, int]:
    a, b, c = spec.shape
    return (b, c, a) if _is_channels_first(spec) else (a, b, c)


def _hwc(spec: SpaceSpec, x: Any) -> Any:
    assert isinstance(spec, BoxSpec)
    return np.transpose(x, (0, 2, 3, 1)) if _is_channels_first(spec) else x
