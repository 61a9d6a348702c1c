"""Weights in bfloat16: half of the memory, for any number of rows, without calibration."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from ..errors import DataError, at_user_line
from ..primitives.number_bits import from_bfloat16
from ..trace.operands import record
from ..trace.tracer import Tracer
from ..typing import Array
from .layers import Dense
from .module import Module
from .packed_weights import packed, unpacked
from .quantize import check_skipped, with_replaced_layers
from .validation import check_last_axis

GROUP = 2  # summed numbers that weights keep together


class BFloat16Dense(Module):
    """A `Dense` layer that keeps its weight in bfloat16, as `to_bfloat16` makes it.

    Activations are float32, and so are products and sums.

    Attributes
    ----------
    bfloat16_weight : uint16 array of shape (blocks, 1, groups, 32)
        In the order in which compiled code reads it, padded with zeros.
    bias : float32 array of shape (out_features,), or None
    shape : tuple of int
        ``(in_features, out_features)``.
    """

    bfloat16_weight: Any
    bias: Any
    shape: tuple[int, ...]

    def __init__(self, layer: Dense) -> None:
        self.bfloat16_weight = packed(rounded_to_bfloat16(layer.weight), GROUP)
        self.bias, self.shape = layer.bias, tuple(layer.weight.shape)

    @property
    def weight(self) -> Array:
        """The weight as float32, of shape (in_features, out_features)."""
        return self._weight(self.bfloat16_weight)

    def __call__(self, x: Any) -> Array:
        features, outputs = self.shape
        check_last_axis("BFloat16Dense", x, features)
        rows = x.reshape(-1, features).astype(np.float32)
        y = rows @ self._weight(np.asarray(self.bfloat16_weight, like=rows))
        y = y if self.bias is None else y + self.bias
        return y.reshape(*x.shape[:-1], outputs)

    def _weight(self, bits: Any) -> Any:
        bits = unpacked(bits, self.shape, GROUP)
        return record(from_bfloat16, bits) if isinstance(bits, Tracer) else from_bfloat16(bits)


def rounded_to_bfloat16(x: Any) -> Any:
    """Return the first 16 bits of float32 numbers, rounded to the nearest even, as uint16.

    Examples
    --------
    >>> [hex(bits) for bits in rounded_to_bfloat16(np.float32([1.0, 1.00390625, -2.0]))]
    ['0x3f80', '0x3f80', '0xc000']
    """
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    last = (bits >> np.uint32(16)) & np.uint32(1)
    nearest = (bits + np.uint32(0x7FFF) + last) >> np.uint32(16)
    return np.where(np.isnan(x), np.uint32(0x7FC0), nearest).astype(np.uint16)


def to_bfloat16(model: Any, *, skip: Collection[str] = ()) -> Any:
    """Return a network for answers whose dense layers keep their weights in bfloat16.

    Half of the weights' memory, and 1.5 to 2 times the speed for a few rows of a network whose
    weights do not fit the caches; for hundreds of rows the speed is that of float32. A weight keeps
    8 significant bits (a relative error of at most 1/512); activations, products and sums are
    float32. Nothing is to be calibrated. `quantize` is smaller and faster, and rounds more.

    Parameters
    ----------
    model : Module
    skip : collection of str
        Names of layers that stay as they are, such as ``"layers.0"``.

    Returns
    -------
    Module
        A copy, which has no derivative by these weights: it is for answers.

    Raises
    ------
    DataError
        If there is no layer of type `Dense` in float32.
    ValueError
        If a name in `skip` is that of no such layer.

    References
    ----------
    D. Kalamkar et al.: "A study of BFLOAT16 for deep learning training", arXiv:1905.12322 (2019).

    Examples
    --------
    >>> from chainrule import nn, random
    >>> model = nn.MLP(8, (32,), 2, key=random.key(0))
    >>> half = nn.to_bfloat16(model)
    >>> x = np.ones((1, 8), np.float32)
    >>> half.layers[0].bfloat16_weight.nbytes * 2 == model.layers[0].weight.nbytes
    True
    >>> bool(np.abs(half(x) - model(x)).max() < 0.01)
    True
    """
    names: list[str] = []

    def rounded(layer: Any, name: str) -> Any:
        names.append(name)
        return layer if name in skip else BFloat16Dense(layer)

    half = with_replaced_layers(model, _is_float32, rounded)
    check_skipped(skip, names)
    if not names:
        raise DataError(at_user_line("to_bfloat16: the model has no Dense layer in float32"))
    return half


def _is_float32(layer: Any) -> bool:
    return type(layer) is Dense and bool(layer.weight.dtype == np.float32)
