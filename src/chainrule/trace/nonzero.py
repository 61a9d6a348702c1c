"""Where a mask is true: the shape of the answer follows from the numbers.

While a call is recorded, only how many entries are true is guarded, so that one graph serves for
all masks with that many.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..graph.node import Node, constant
from ..primitives.elementwise import equal, floor_divide, remainder
from ..primitives.reductions import argsort
from ..primitives.structure import cast, reshape, slice_, sum_
from .plain_numbers import concrete_value
from .tracing import tracing

_INTP = np.dtype(np.intp)


def is_countable(mask: Node) -> bool:
    """Return whether it is known, or can be guarded, how many entries are true."""
    recorded = tracing.recording
    return mask.value is not None or (recorded is not None and recorded.value(mask) is not None)


def nonzero_nodes(mask: Node, request: str) -> tuple[Node, ...]:
    """Return the positions of the true entries along each axis, in C order.

    Parameters
    ----------
    mask : Node
        Truth values.
    request : str
        What asks for them, for the error where the number of entries is not known.
    """
    if mask.value is not None or not mask.shape or not is_countable(mask):
        return tuple(map(constant, np.nonzero(concrete_value(mask, request))))
    size = prod(mask.shape)
    flat = reshape(mask, shape=(size,)) if len(mask.shape) != 1 else mask
    count = int(concrete_value(sum_(cast(flat, dtype=_INTP), axes=(0,)), request, "integer"))
    false_last = cast(equal(flat, np.bool_(False)), dtype=_INTP)
    position = slice_(argsort(false_last, axis=0), index=(slice(0, count, 1),))
    if position.dtype != _INTP:
        position = cast(position, dtype=_INTP)
    return tuple(_unravelled(position, mask.shape))


def _unravelled(position: Any, shape: tuple[int, ...]) -> list[Any]:
    """Return the index along each axis of positions in the flat array."""
    entries: list[Any] = []
    for k, size in enumerate(shape):
        step = prod(shape[k + 1 :])
        index = position if step == 1 else floor_divide(position, _INTP.type(step))
        entries.append(index if k == 0 else remainder(index, _INTP.type(size)))
    return entries
