"""What `predict` is given: one observation or several, as arrays of the space's dtype."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from ... import tree
from ...errors import ShapeError, at_user_line
from ..spaces import BoxSpec, SpaceSpec, zeros


def as_rows(spec: SpaceSpec, observation: Any) -> tuple[Any, bool]:
    """Return observations with a leading axis, and whether there was none.

    Parameters
    ----------
    spec : SpaceSpec
        Of one observation.
    observation : array, or tree of arrays
        One of them, or several along axis 0.

    Raises
    ------
    ShapeError
        If it is neither.
    ValueError
        If it is not finite.
    """
    if type(observation) is np.ndarray and isinstance(spec, BoxSpec) and (
        observation.shape == spec.shape and observation.dtype == spec.dtype
    ):  # fmt: skip
        return _finite(observation)[None], True  # as most are
    one, treedef = tree.flatten(zeros(spec, ()))
    try:
        parts = treedef.flatten_up_to(observation)
    except (ValueError, TypeError) as error:
        raise ShapeError(
            at_user_line(f"the observation is not built as those learned from: {error}")
        ) from None
    arrays, singles = [], []
    for part, example in zip(parts, one, strict=True):
        array, shape = _as_array(part, example.dtype), example.shape
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


def _as_array(part: Any, dtype: Any) -> Any:
    """Return a part of what `predict` was given as an array of finite numbers."""
    try:
        array = np.asarray(part).astype(dtype, copy=False)
    except (ValueError, TypeError) as error:
        raise ShapeError(
            at_user_line(
                f"the observation is {type(part).__name__} {part!r:.60}, no array ({error}); of "
                "what reset() returns, it is the first part"
            )
        ) from None
    return _finite(array)


def _finite(array: Any) -> Any:
    """Return an array; raise if it holds nan or infinite numbers."""
    if array.dtype.kind != "f" or isfinite(np.add.reduce(array, None)):  # a sum takes less time
        return array
    if not np.all(np.isfinite(array)):
        raise ValueError(at_user_line(f"the observation is not finite: {array!s:.80}"))
    return array
