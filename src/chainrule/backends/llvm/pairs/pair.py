"""A complex array as two real ones, or as one whose last axis has both parts of each number.

The latter is how NumPy's complex numbers lie in memory: what a graph takes, what it returns, and
what NumPy computes in between.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ....graph.node import CONSTANT, Node, constant
from ....graph.types import Type, is_complex
from ....primitives.structure import broadcast_to, cast, concatenate, reshape, slice_

_PARTS = {np.dtype(np.complex64): np.dtype(np.float32), np.dtype(np.complex128): np.dtype(float)}


class Pair(NamedTuple):
    """Both parts of complex numbers, and the array that they come from, if it has both."""

    re: Node
    im: Node
    whole: Node | None = None


Value = Node | Pair
"""What stands for a node of a graph with complex numbers."""


def part_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the parts of a complex dtype."""
    return _PARTS[dtype]


def pair_type(type_: Type) -> Type:
    """Return the type of an array with both parts along its last axis; others are as they are."""
    if not is_complex(type_.dtype):
        return type_
    return Type((*type_.shape, 2), part_dtype(type_.dtype))


def separated(whole: Node) -> Pair:
    """Return the parts of numbers that lie side by side."""
    every = (slice(None),) * (len(whole.shape) - 1)
    re, im = (
        reshape(slice_(whole, index=(*every, slice(k, k + 1))), shape=whole.shape[:-1])
        for k in (0, 1)
    )
    return Pair(re, im, whole)


def joined(x: Value) -> Node:
    """Return both parts along a last axis; what is real is as it is."""
    if isinstance(x, Node):
        return x
    if x.whole is not None:
        return x.whole
    shape = np.broadcast_shapes(x.re.shape, x.im.shape)
    parts = [reshape(whole_array(part, shape), shape=(*shape, 1)) for part in (x.re, x.im)]
    return concatenate(*parts, axis=len(shape))  # type: ignore[no-any-return]


def whole_array(x: Node, shape: tuple[int, ...]) -> Node:
    """Broadcast a node to a shape if it has another one."""
    return x if x.shape == shape else broadcast_to(x, shape=shape)


def as_pair(x: Value, dtype: np.dtype[Any]) -> Pair:
    """Return parts of this dtype; those of what is real are itself and 0."""
    if isinstance(x, Node):
        zero = constant(np.broadcast_to(dtype.type(0), x.shape))
        return Pair(_as(x, dtype), zero)
    return x if x.re.dtype == dtype else Pair(_as(x.re, dtype), _as(x.im, dtype))


def _as(x: Node, dtype: np.dtype[Any]) -> Node:
    return x if x.dtype == dtype else cast(x, dtype=dtype)


def constant_pair(node: Node) -> Pair:
    """Return the parts of a constant; those of one number everywhere are one number, too."""
    value = np.asarray(node.value)
    if value.size and not any(value.strides):
        value = np.broadcast_to(value.ravel()[0], value.shape)
        re, im = (np.broadcast_to(x.ravel()[0], value.shape) for x in (value.real, value.imag))
        return Pair(constant(re), constant(im))
    return Pair(constant(value.real.copy()), constant(value.imag.copy()))


def is_zero(x: Node) -> bool:
    """Return whether a node is known to be 0 throughout."""
    return x.primitive is CONSTANT and not np.any(x.value)
