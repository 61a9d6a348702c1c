"""Layers that multiply bytes: uint8 activations by int8 weights, summed as int32.

A number x is stored as the byte ``q = clip(rint(x / scale) + zero_point, 0, 255)``, with one scale
and zero point for what a layer takes, and a weight w of output n as ``rint(w / scale[n])``, within
-127 ... 127. Of bytes q and weights k a layer computes::

    y[n] = scale[n] * sum over i of (q[i] - zero_point) * k[i, n] + bias[n]

where the sum is one of integers, hence exact: the same on every CPU.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..typing import Array
from .channels import check_channels, over_images, over_sequences
from .convolution import Conv1d, Conv2d, Padding, Padding1d, Pair, conv, zeros_around
from .layers import Dense
from .module import Module
from .packed_weights import packed, packed_shape, unpacked
from .validation import check_last_axis

GROUP = 4  # summed numbers that weights keep together
LEVELS = 255  # of a byte, above 0
LARGEST = 127  # of a weight: -128 is left out, so that weights are symmetric
MOST_SUMMED = (2**31 - 1) // (LEVELS * LARGEST)  # products that int32 can hold
FEWEST_SUMMED = 4  # bytes that one instruction multiplies


class Bytes(NamedTuple):
    """How numbers are stored as bytes."""

    scale: Any
    zero_point: int

    @classmethod
    def of_range(cls, low: float, high: float, dtype: Any) -> Bytes:
        """Return the finest scale that has a byte for 0, for `low` and for `high`."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = (high - low) / LEVELS or 1.0
        return cls(np.dtype(dtype).type(scale), int(np.rint(-low / scale)))


def as_bytes(x: Any, inverse_scale: Any, zero_point: int) -> Any:
    """``clip(rint(x * inverse_scale) + zero_point, 0, 255)`` as uint8."""
    levels = np.rint(x * inverse_scale)
    if zero_point:
        levels = levels + levels.dtype.type(zero_point)
    return np.minimum(np.maximum(levels, 0), LEVELS).astype(np.uint8)


class _Parameters(NamedTuple):
    """The fields that all layers of bytes have."""

    int8_weight: Any
    scale: Any
    correction: Any
    bias: Any
    inverse_scale: Any
    zero_point: int
    shape: tuple[int, ...]

    @classmethod
    def of(cls, layer: Any, stored: Bytes) -> _Parameters:
        """Round a layer's weight, each output with a scale of its own."""
        weight = np.asarray(layer.weight)
        axes = tuple(range(weight.ndim - 1))
        scale = np.max(np.abs(weight), axis=axes) / weight.dtype.type(LARGEST)
        scale = np.where(scale > 0, scale, weight.dtype.type(1))
        rounded = np.rint(weight / scale).astype(np.int8)
        correction = stored.zero_point * np.sum(rounded, axis=axes, dtype=np.int32)
        shape = _kernel_shape(layer)
        return cls(
            packed(rounded.reshape(shape), GROUP), scale * stored.scale,
            np.asarray(correction, np.int32), layer.bias,
            np.asarray(1 / stored.scale, weight.dtype), stored.zero_point, shape,
        )  # fmt: skip

    @classmethod
    def empty(cls, layer: Any, zero_point: int) -> _Parameters:
        """Return arrays of the shapes that a layer's have."""
        shape, dtype = _kernel_shape(layer), layer.weight.dtype
        return cls(
            np.zeros(packed_shape(shape, GROUP), np.int8), np.zeros(shape[-1:], dtype),
            np.zeros(shape[-1:], np.int32), layer.bias, np.zeros((), dtype), zero_point, shape,
        )  # fmt: skip


def _kernel_shape(layer: Any) -> tuple[int, ...]:
    """Return the shape of a matrix, or of a kernel of two axes."""
    shape = tuple(layer.weight.shape)
    return (1, *shape) if type(layer) is Conv1d else shape


class _OfBytes(Module):
    """What all layers of bytes hold."""

    int8_weight: Any
    scale: Any
    correction: Any
    bias: Any
    inverse_scale: Any
    zero_point: int
    shape: tuple[int, ...]

    def __init__(self, parameters: _Parameters) -> None:
        self.int8_weight, self.scale = parameters.int8_weight, parameters.scale
        self.correction, self.bias = parameters.correction, parameters.bias
        self.inverse_scale, self.zero_point = parameters.inverse_scale, parameters.zero_point
        self.shape = parameters.shape


class QuantizedDense(_OfBytes, init=False):
    """A `Dense` layer of bytes, as `quantize` makes it.

    Attributes
    ----------
    int8_weight : int8 array of shape (blocks, 1, groups, 64)
        In the order in which compiled code reads it, padded with zeros.
    scale : array of shape (out_features,)
        What an integer of the sums stands for.
    correction : int32 array of shape (out_features,)
        ``zero_point`` times the sum of the weights.
    bias : array of shape (out_features,), or None
    inverse_scale : array of shape ()
        One over the scale of the input.
    zero_point : int
        The byte that stands for 0.
    shape : tuple of int
        ``(in_features, out_features)``.
    """

    def __call__(self, x: Any) -> Array:
        features, outputs = self.shape
        check_last_axis("QuantizedDense", x, features)
        leading = x.shape[:-1]
        q = as_bytes(x.reshape(-1, features), self.inverse_scale, self.zero_point)
        sums = np.matmul(q.astype(np.int32), _weight(self, q).astype(np.int32))
        return _numbers(self, sums, self.bias).reshape(*leading, outputs)


class QuantizedConv2d(_OfBytes):
    """A `Conv2d` of bytes, as `quantize` makes it; see `QuantizedDense`.

    Attributes
    ----------
    int8_weight : int8 array of shape (blocks, height, groups, 64)
    shape : tuple of int
        ``(height, width, in_channels, out_channels)``.
    scale, correction, bias, inverse_scale, zero_point
        As those of `QuantizedDense`.
    stride, padding
        As those of `Conv2d`.
    """

    stride: Pair
    padding: Padding

    def __init__(self, parameters: _Parameters, layer: Conv2d) -> None:
        super().__init__(parameters)
        self.stride, self.padding = layer.stride, layer.padding

    def __call__(self, x: Any) -> Array:
        check_channels("QuantizedConv2d", x, ("height", "width"), self.shape[2])
        zeros = [
            zeros_around(self.padding, axis, size, span, stride)
            for axis, (size, span, stride) in enumerate(
                zip(x.shape[-3:-1], self.shape[:2], self.stride, strict=True)
            )
        ]
        return over_images(
            lambda images: _convolved(self, images, self.stride, zeros), x, self.bias
        )


class QuantizedConv1d(_OfBytes):
    """A `Conv1d` of bytes, as `quantize` makes it; see `QuantizedDense`.

    Attributes
    ----------
    int8_weight : int8 array of shape (blocks, 1, groups, 64)
    shape : tuple of int
        ``(1, kernel_size, in_channels, out_channels)``.
    scale, correction, bias, inverse_scale, zero_point
        As those of `QuantizedDense`.
    stride, padding
        As those of `Conv1d`.
    """

    stride: int
    padding: Padding1d

    def __init__(self, parameters: _Parameters, layer: Conv1d) -> None:
        super().__init__(parameters)
        self.stride, self.padding = layer.stride, layer.padding

    def __call__(self, x: Any) -> Array:
        check_channels("QuantizedConv1d", x, ("steps",), self.shape[2])
        zeros = ((0, 0), zeros_around(self.padding, 0, x.shape[-2], self.shape[1], self.stride))
        return over_sequences(
            lambda images: _convolved(self, images, (1, self.stride), zeros), x, self.bias
        )


def _weight(layer: Any, like: Any) -> Any:
    """Return the weights as usual: a constant of bytes, if they are known and `like` is traced."""
    return unpacked(np.asarray(layer.int8_weight, like=like), layer.shape, GROUP)


def _convolved(layer: Any, x: Any, stride: Any, zeros: Any) -> Any:
    q = as_bytes(x, layer.inverse_scale, layer.zero_point)
    if any(map(any, zeros)):
        q = np.pad(q, ((0, 0), *zeros, (0, 0)), constant_values=layer.zero_point)
    sums = conv(q.astype(np.int32), _weight(layer, q).astype(np.int32), stride=stride)
    return _numbers(layer, sums, None)


def _numbers(layer: Any, sums: Any, bias: Any) -> Any:
    """Return what integers stand for."""
    if layer.zero_point:
        sums = sums - layer.correction
    y = sums.astype(layer.scale.dtype) * layer.scale
    return y if bias is None else y + bias


def quantized(layer: Any, stored: Bytes) -> Any:
    """Return a layer with its weight as bytes."""
    return _of_bytes(layer, _Parameters.of(layer, stored))


def empty_quantized(layer: Any, zero_point: int) -> Any:
    """Return what `quantized` makes of a layer, with numbers that are to be replaced."""
    return _of_bytes(layer, _Parameters.empty(layer, zero_point))


def _of_bytes(layer: Any, parameters: _Parameters) -> Any:
    if type(layer) is Dense:
        return QuantizedDense(parameters)
    kind = QuantizedConv2d if type(layer) is Conv2d else QuantizedConv1d
    return kind(parameters, layer)


def is_quantizable(layer: Any) -> bool:
    """Whether a layer can multiply bytes: sums of four or more products that fit int32."""
    if type(layer) is Dense:
        return bool(FEWEST_SUMMED <= layer.weight.shape[0] <= MOST_SUMMED)
    if type(layer) not in (Conv1d, Conv2d) or layer.groups != 1:
        return False
    *sizes, channels, _ = layer.weight.shape
    summed = int(np.prod(sizes)) * channels
    return layer.dilation in (1, (1, 1)) and bool(FEWEST_SUMMED <= summed <= MOST_SUMMED)
