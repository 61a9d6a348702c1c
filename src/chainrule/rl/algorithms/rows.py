"""Observations and memories of several copies, as arrays with a leading axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import tree
from ...errors import ShapeError, at_user_line
from ..spaces import SpaceSpec, zeros


def as_rows(spec: SpaceSpec, observation: Any) -> tuple[Any, bool]:
    """Return observations with a leading axis, and whether there was none."""
    one, treedef = tree.flatten(zeros(spec, ()))
    try:
        parts = treedef.flatten_up_to(observation)
    except (ValueError, TypeError) as error:
        raise ShapeError(
            at_user_line(f"the observation is not built as those learned from: {error}")
        ) from None
    arrays, singles = [], []
    for part, example in zip(parts, one, strict=True):
        array, shape = np.asarray(part).astype(example.dtype, copy=False), example.shape
        if array.shape == shape:
            array = array[None]
            singles.append(True)
        elif array.shape[1:] == shape and array.ndim == len(shape) + 1:
            singles.append(False)
        else:
            raise ShapeError(
                at_user_line(
                    f"an observation of shape {array.shape}: the model takes {shape}, or "
                    f"several of them, {('n', *shape)}"
                )
            )
        arrays.append(array)
    if len({len(array) for array in arrays}) > 1:
        raise ShapeError(at_user_line("the parts of the observation are of several lengths"))
    return tree.unflatten(treedef, arrays), all(singles)


def forget(memory: Any, k: int) -> Any:
    """Return a memory in which copy number k begins anew."""

    def without(x: Any) -> Any:
        x = np.array(x)
        x[k] = 0
        return x

    return tree.map(without, memory)
