"""How a row is written into the arrays of a buffer."""

from __future__ import annotations

from typing import Any, TypeVar

from ... import tree

Buffer = TypeVar("Buffer", bound=Any)


def with_values(buffer: Buffer, row: Any, values: dict[str, Any]) -> Buffer:
    """Return a buffer with one row of some of its arrays replaced.

    Parameters
    ----------
    buffer : named tuple of trees of arrays of shape (rows, ...)
    row : int or integer array of shape ()
    values : dict
        By the buffer's field, trees of arrays of shape (...).
    """

    def write(array: Any, value: Any) -> Any:
        array[row] = value.astype(array.dtype)
        return array

    new = {name: tree.map(write, getattr(buffer, name), x) for name, x in values.items()}
    written: Buffer = buffer._replace(**new)
    return written
