"""Advanced indexing: gather, and the two scatters that are its inverse and its transpose.

An index is written as a pattern, one entry an axis of the array: a slice, or the position of an
integer array among the other inputs. So the pattern is static and the integer arrays are data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import at_user_line
from ..graph.types import Type, is_inexact
from .declare import aligned, declared, spread
from .elementwise import not_equal, where
from .structure import axis_from_front, axis_to_front, transpose, zeros_like

Pattern = tuple[Any, ...]


def full_index(pattern: Pattern, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """Return the index that NumPy takes: integer arrays put where the pattern names them."""
    return tuple(arrays[entry] if isinstance(entry, int) else entry for entry in pattern)


def _gather_type(x: Type, *arrays: Type, pattern: Pattern) -> Type:
    probe = np.broadcast_to(np.empty((), np.bool_), x.shape)
    zeros = [np.zeros(a.shape, np.intp) for a in arrays]
    if 0 in x.shape:
        shape = _shape_of_index(x.shape, [a.shape for a in arrays], pattern)
        return Type(shape, x.dtype)
    try:
        return Type(probe[full_index(pattern, zeros)].shape, x.dtype)
    except IndexError as error:
        raise IndexError(at_user_line(f"index of an array of shape {x.shape}: {error}")) from None


def _shape_of_index(
    shape: tuple[int, ...], arrays: Sequence[tuple[int, ...]], pattern: Pattern
) -> tuple[int, ...]:
    grown = np.broadcast_to(np.empty((), np.bool_), tuple(max(size, 1) for size in shape))
    index = [
        np.zeros(arrays[e], np.intp) if isinstance(e, int) else _within(e, size)
        for e, size in zip(pattern, shape, strict=True)
    ]
    return grown[tuple(index)].shape


def _within(part: slice, size: int) -> slice:
    return slice(0, 0) if len(range(*part.indices(size))) == 0 else part


def _gather_vjp(g: Any, _y: Any, x: Any, *arrays: Any, pattern: Pattern) -> list[Any]:
    if not is_inexact(x.dtype):
        return [None] * (1 + len(arrays))
    cotangent = scatter_add(zeros_like(x), g, *arrays, pattern=pattern)
    return [cotangent, *[None] * len(arrays)]


def _gather_jvp(tangents: Sequence[Any], _y: Any, _x: Any, *arrays: Any, pattern: Pattern) -> Any:
    t = tangents[0]
    return None if t is None else gather(t, *arrays, pattern=pattern)


def _adjacent(pattern: Pattern) -> bool:
    """Return whether no slice stands between arrays: else their axes come first in a result."""
    positions = [k for k, entry in enumerate(pattern) if isinstance(entry, int)]
    return not positions or positions[-1] - positions[0] == len(positions) - 1


def _arrays_axis(pattern: Pattern) -> int:
    """Return which axis of a result the first of the arrays' axes is."""
    if not _adjacent(pattern):
        return 0
    return next((k for k, entry in enumerate(pattern) if isinstance(entry, int)), 0)


class _BatchedIndex(NamedTuple):
    """The index of a whole batch.

    Attributes
    ----------
    pattern : tuple
    arrays : list
    axis : int
        Where the batch's axis is in what is indexed.
    lead : int
        From where the arrays' axes are moved behind the batch's; 0 if they need not be.
    """

    pattern: Pattern
    arrays: list[Any]
    axis: int
    lead: int = 0

    def to_result(self, y: Any, rank: int) -> Any:
        """Return what was indexed with the batch's axis first."""
        if self.lead:
            order = (0, *range(1 + rank, 1 + rank + self.lead), *range(1, 1 + rank))
            rest = range(len(order), len(y.shape))
            return transpose(y, axes=(*order, *rest))
        return axis_to_front(y, self.axis)

    def from_result(self, v: Any, rank: int) -> Any:
        """Undo `to_result`."""
        if self.lead:
            order = (0, *range(1 + self.lead, 1 + self.lead + rank), *range(1, 1 + self.lead))
            rest = range(len(order), len(v.shape))
            return transpose(v, axes=(*order, *rest))
        return axis_from_front(v, self.axis)


def _batched_index(
    size: int, has_batch: bool, batched: Sequence[bool], arrays: Sequence[Any], pattern: Pattern
) -> tuple[_BatchedIndex, int]:
    """Return the index of a batch, and how many axes the arrays of one example have together.

    Where the arrays differ in the batch, and what is indexed has its axis (`has_batch`), each
    example's arrays are joined by its number.
    """
    ranks = [len(a.shape) - b for a, b in zip(arrays, batched, strict=True)]
    rank, axis = max(ranks, default=0), _arrays_axis(pattern)
    if not any(batched):
        behind_arrays = rank if arrays and not _adjacent(pattern) else 0
        return _BatchedIndex((slice(None), *pattern), list(arrays), behind_arrays), rank
    arrays = aligned(batched, arrays, (0,) * len(arrays))
    if not has_batch:
        return _BatchedIndex(pattern, arrays, axis), rank
    numbers = np.arange(size).reshape((size,) + (1,) * rank)
    shifted = [entry + 1 if isinstance(entry, int) else entry for entry in pattern]
    return _BatchedIndex((0, *shifted), [numbers, *arrays], 0, axis), rank


def _gather_batch(
    size: int, batched: Sequence[bool], x: Any, *arrays: Any, pattern: Pattern
) -> Any:
    index, rank = _batched_index(size, batched[0], batched[1:], arrays, pattern)
    return index.to_result(gather(x, *index.arrays, pattern=index.pattern), rank)


def _written_batch(
    size: int, batched: Sequence[bool], inputs: Sequence[Any], pattern: Pattern
) -> tuple[list[Any], Pattern]:
    """Return the inputs and the pattern of a scatter for a batch."""
    x, v = spread(size, batched[:2], inputs[:2])
    index, rank = _batched_index(size, True, batched[2:], inputs[2:], pattern)
    return [x, index.from_result(v, rank), *index.arrays], index.pattern


def _scatter_add_batch(size: int, batched: Sequence[bool], *inputs: Any, pattern: Pattern) -> Any:
    inputs_of_all, pattern = _written_batch(size, batched, inputs, pattern)
    return scatter_add(*inputs_of_all, pattern=pattern)


def _scatter_batch(size: int, batched: Sequence[bool], *inputs: Any, pattern: Pattern) -> Any:
    inputs_of_all, pattern = _written_batch(size, batched, inputs, pattern)
    return scatter(*inputs_of_all, pattern=pattern)


gather = declared(
    "gather",
    lambda xp, x, *arrays, pattern: x[full_index(pattern, arrays)],
    _gather_type,
    _gather_vjp,
    _gather_jvp,
    family="indexing",
    batch=_gather_batch,
    doc="x[index] with integer arrays in the index; NumPy's rules for the result's shape.",
)


def _scatter_add(xp: Any, x: Any, v: Any, *arrays: Any, pattern: Pattern) -> Any:
    index = full_index(pattern, arrays)
    if hasattr(x, "at"):  # a namespace whose arrays never change
        return x.at[index].add(v)
    result = np.array(x)
    np.add.at(result, index, v)
    return result


def _scatter_add_vjp(g: Any, _y: Any, x: Any, v: Any, *arrays: Any, pattern: Pattern) -> list[Any]:
    rest = [None] * len(arrays)
    return [
        g if is_inexact(x.dtype) else None,
        gather(g, *arrays, pattern=pattern) if is_inexact(v.dtype) else None,
        *rest,
    ]


def _scatter_add_jvp(
    tangents: Sequence[Any], y: Any, x: Any, v: Any, *arrays: Any, pattern: Pattern
) -> Any:
    tx, tv = tangents[:2]
    if tx is None and tv is None:
        return None
    if tv is None:
        return tx
    return scatter_add(zeros_like(x) if tx is None else tx, tv, *arrays, pattern=pattern)


scatter_add = declared(
    "scatter_add",
    _scatter_add,
    lambda x, v, *arrays, pattern: x,
    _scatter_add_vjp,
    _scatter_add_jvp,
    family="indexing",
    batch=_scatter_add_batch,
    doc="x with v added at an index; an entry that is named twice receives both.",
)


def _scatter(xp: Any, x: Any, v: Any, *arrays: Any, pattern: Pattern) -> Any:
    index = full_index(pattern, arrays)
    if hasattr(x, "at"):
        return x.at[index].set(v)
    result = np.array(x)
    result[index] = v
    return result


def _overwritten(x: Any, v: Any, arrays: Sequence[Any], pattern: Pattern) -> Any:
    """Return where v[k] was overwritten: of several values written to one entry, the last stays."""
    count = int(np.prod(v.shape))
    order = np.arange(1, count + 1).reshape(v.shape)
    board = scatter(np.zeros(x.shape, np.intp), order, *arrays, pattern=pattern)
    from_board = gather(board, *arrays, pattern=pattern)
    return not_equal(from_board, order)


def _scatter_vjp(g: Any, _y: Any, x: Any, v: Any, *arrays: Any, pattern: Pattern) -> list[Any]:
    rest = [None] * len(arrays)
    gx = gv = None
    if is_inexact(x.dtype):
        gx = scatter(g, zeros_like(v, g.dtype), *arrays, pattern=pattern)
    if is_inexact(v.dtype):
        taken = gather(g, *arrays, pattern=pattern)
        if arrays:  # a slice names no entry twice
            taken = where(_overwritten(x, v, arrays, pattern), g.dtype.type(0), taken)
        gv = taken
    return [gx, gv, *rest]


def _scatter_jvp(
    tangents: Sequence[Any], y: Any, x: Any, v: Any, *arrays: Any, pattern: Pattern
) -> Any:
    tx, tv = tangents[:2]
    if tx is None and tv is None:
        return None
    tx = zeros_like(y) if tx is None else tx
    tv = zeros_like(v, y.dtype) if tv is None else tv
    return scatter(tx, tv, *arrays, pattern=pattern)


scatter = declared(
    "scatter",
    _scatter,
    lambda x, v, *arrays, pattern: x,
    _scatter_vjp,
    _scatter_jvp,
    family="indexing",
    batch=_scatter_batch,
    doc="x with v written at an index; of several values for one entry the last stays.",
)
