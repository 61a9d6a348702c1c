"""`quantize`: a trained network as one whose layers multiply bytes, calibrated on rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from .. import tree
from ..errors import DataError, at_user_line
from ..trace.operands import is_plain_array
from .module import Module, child_names, static
from .quantized_layers import (
    Bytes,
    QuantizedConv1d,
    QuantizedConv2d,
    QuantizedDense,
    empty_quantized,
    is_quantizable,
    quantized,
)

_OF_BYTES = (QuantizedDense, QuantizedConv1d, QuantizedConv2d)


def quantize(
    model: Any, rows: Any, *, percentile: float = 100.0, skip: Collection[str] = ()
) -> Any:
    """Return a network for answers whose dense and convolution layers multiply bytes.

    Weights take a quarter of the memory, and answers a third to a half of the time where the CPU
    has VNNI (x86 since 2019), for the error of rounding: measure yours. Weights are rounded to
    int8, each output with a scale of its own, symmetrically; what a layer takes to uint8, with one
    scale and zero point for the layer, so that the range that it had on `rows` fits. Sums are
    those of integers, so all CPUs give the same. All else is computed as before.

    Parameters
    ----------
    model : Module
        Trained; its `__call__` is run on the rows.
    rows : array, or tree of arrays
        What the model takes: some hundreds of its training rows. Larger inputs than here are cut.
    percentile : float
        Above 50, up to 100: the range of what a layer takes leaves out what is beyond this
        percentile, or below 100 less this. Default 100: nothing.
    skip : collection of str
        Names of layers that stay as they are, such as ``"layers.0"``.

    Returns
    -------
    Module
        A copy, for answers only: it has no derivative. Arrays that are not rounded are shared.

    Raises
    ------
    DataError
        If there are no rows, a layer takes nan or infinite numbers for them, or no layer can be
        rounded: those of type `Dense`, and `Conv2d` and `Conv1d` without groups and dilation, can,
        if an output is a sum of 4 to 66,311 products. A layer whose weight is read by the module
        around it, as `MultiHeadAttention` does, stays as it is.
    ValueError
        If the percentile is out of range, or a name in `skip` is that of no such layer.

    References
    ----------
    B. Jacob et al.: "Quantization and training of neural networks for efficient
    integer-arithmetic-only inference", arXiv:1712.05877 (2017), equations 1 to 7;
    R. Krishnamoorthi: "Quantizing deep convolutional networks for efficient inference",
    arXiv:1806.08342 (2018), for a scale of each output.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> model = nn.MLP(8, (16,), 2, key=random.key(0))
    >>> x = random.normal(random.key(1), (100, 8), np.float32)
    >>> small = nn.quantize(model, x)
    >>> small.layers[0].int8_weight.dtype, bool(np.abs(small(x) - model(x)).max() < 0.03)
    (dtype('int8'), True)
    """
    if not 50.0 < percentile <= 100.0:
        raise ValueError(at_user_line(f"percentile={percentile!r}: give a number above 50, to 100"))
    if not sum(np.size(leaf) for leaf in tree.leaves(rows)):
        raise DataError(at_user_line("quantize: there are no rows: give some hundreds"))
    seen: dict[str, _Seen] = {}

    def recorded(layer: Any, name: str) -> Any:
        seen[name] = _Seen(layer, percentile)
        return _Recorder(seen[name])

    watched = with_replaced_layers(model, is_quantizable, recorded)
    check_skipped(skip, seen)
    watched(rows)
    stored = {name: layer.stored() for name, layer in seen.items()
              if name not in skip and layer.is_only_called}  # fmt: skip
    if not stored:
        raise DataError(
            at_user_line(
                "quantize: the model calls no layer that can multiply bytes: Dense, and Conv2d and "
                "Conv1d without groups and dilation, can, if an output sums 4 products or more"
            )
        )
    return with_replaced_layers(
        model, is_quantizable,
        lambda layer, name: quantized(layer, stored[name]) if name in stored else layer,
    )  # fmt: skip


def zero_points(model: Any) -> dict[str, int]:
    """Return the zero point of each layer of bytes, by its name."""
    points: dict[str, int] = {}

    def note(layer: Any, name: str) -> Any:
        points[name] = layer.zero_point
        return layer

    with_replaced_layers(model, lambda layer: isinstance(layer, _OF_BYTES), note)
    return points


def with_quantized_layers(model: Any, points: Mapping[str, int]) -> Any:
    """Return a network with layers of bytes in the places of those named; numbers are to follow.

    Raises
    ------
    ValueError
        If a name is that of no layer that can multiply bytes.
    """
    names: list[str] = []

    def empty(layer: Any, name: str) -> Any:
        if name not in points:
            return layer
        names.append(name)
        return empty_quantized(layer, points[name])

    new = with_replaced_layers(model, is_quantizable, empty)
    if missing := sorted(points.keys() - set(names)):
        raise ValueError(f"there is no layer {missing[0]!r} to quantize")
    return new


class _Seen:
    """What a layer was given: the range of the numbers."""

    def __init__(self, layer: Any, percentile: float) -> None:
        self.layer, self.percentile = layer, percentile
        self.low, self.high = np.inf, -np.inf
        self.is_read = False  # its weight is read by the layer around it, which has to stay

    def note(self, x: Any) -> None:
        """Take down numbers that the layer is given."""
        if not is_plain_array(x):  # in a loop: no number is known
            self.is_read = True
        elif x.size:
            low, high = x.min(), x.max()
            if not np.isfinite(low) or not np.isfinite(high):
                raise DataError(
                    at_user_line("quantize: a layer takes nan or infinite numbers for these rows")
                )
            if self.percentile < 100.0:
                low, high = np.percentile(x, (100.0 - self.percentile, self.percentile))
            self.low, self.high = min(self.low, float(low)), max(self.high, float(high))

    @property
    def is_only_called(self) -> bool:
        """Whether it was called, with known numbers, and nothing else was asked of it."""
        return self.low <= self.high and not self.is_read

    def stored(self) -> Bytes:
        """Return how what it is given is to be stored."""
        return Bytes.of_range(self.low, self.high, self.layer.weight.dtype)


class _Recorder(Module):
    """Stands for a layer, and takes down what it is given."""

    seen: Any = static()

    def __call__(self, x: Any) -> Any:
        self.seen.note(x)
        return self.seen.layer(x)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "seen":
            raise AttributeError(name)
        self.seen.is_read = True
        return getattr(self.seen.layer, name)


def check_skipped(skip: Collection[str], names: Collection[str]) -> None:
    """Raise a ValueError if there is a name to skip that no layer has."""
    if unknown := sorted(set(skip) - set(names)):
        raise ValueError(
            at_user_line(f"skip: there is no layer {unknown[0]!r}; there are {', '.join(names)}")
        )


def with_replaced_layers(
    part: Any, is_wanted: Callable[[Any], bool], function: Callable[[Any, str], Any], name: str = ""
) -> Any:
    """Return a model with ``function(layer, name)`` in the stead of some layers."""
    if is_wanted(part):
        return function(part, name)

    def inner(value: Any, key: Any) -> Any:
        return with_replaced_layers(
            value, is_wanted, function, f"{name}.{key}" if name else str(key)
        )

    if isinstance(part, Module):
        children = {key: getattr(part, key) for key in child_names(part)}
        new = {key: inner(value, key) for key, value in children.items()}
        return part.replace(**{key: new[key] for key in new if new[key] is not children[key]})
    if type(part) in (list, tuple):
        parts = [inner(value, k) for k, value in enumerate(part)]
        unchanged = all(new is old for new, old in zip(parts, part, strict=True))
        return part if unchanged else type(part)(parts)
    if type(part) is dict:
        return {key: inner(value, key) for key, value in part.items()}
    return part
