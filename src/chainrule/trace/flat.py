"""`x.flat`: all entries of an array in a row, to be read, written, indexed and iterated over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import tree
from ..errors import AbstractValueError, UnsupportedError, at_user_line
from ..graph.node import Node
from ..primitives.indexing import gather
from ..primitives.structure import reshape
from .copy_table import copied
from .index import getitem, parse_index
from .nested import nested
from .operands import node_of
from .selection import is_abstract_mask
from .tracer import ArrayTracer, Tracer
from .ufunc_rules import as_dtype
from .views import memory_owner


class FlatIterator:
    """The entries of a traced array in C order, whatever its memory is (`numpy.flatiter`).

    Attributes
    ----------
    base : ArrayTracer
        The array, which is written through.
    index : int
        How many entries `next` has given.
    """

    __slots__ = ("base", "index")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, base: ArrayTracer) -> None:
        self.base = base
        self.index = 0

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # what `isinstance` asks for
        return np.flatiter

    @property
    def coords(self) -> tuple[int, ...]:
        """Where the next entry stands."""
        parts, rest = [], self.index
        for size in self.base.shape[:0:-1]:
            rest, part = divmod(rest, size)
            parts.append(part)
        return (rest, *parts[::-1]) if self.base.shape else ()

    def copy(self) -> ArrayTracer:
        """Return the entries as an array of their own."""
        return copied(reshape(self.base.node, shape=(self.base.size,)), "C")

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.index >= len(self):
            raise StopIteration
        entry = self.base[np.unravel_index(self.index, self.base.shape)]
        self.index += 1
        return entry

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple) and not index:
            index = ...
        part = getitem(self.copy(), _checked_index(index))
        return ArrayTracer(part.node) if isinstance(part, ArrayTracer) else part

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, tuple) and not index:
            raise IndexError(at_user_line("a write into x.flat[()]: use x.flat[...]"))
        refuse_overlap(self.base, value)
        write_flat(self.base, _checked_index(index), value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.copy().__array__(dtype, copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*map(_as_array_of_entries, inputs), **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        args, kwargs = tree.map(_as_array_of_entries, (args, kwargs))
        return func(*args, **kwargs)


def _as_array_of_entries(x: Any) -> Any:
    return x.copy() if issubclass(type(x), FlatIterator) else x


for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(
        FlatIterator,
        f"__{_name}__",
        lambda x, y, name=f"__{_name}__": getattr(x.copy(), name)(_as_array_of_entries(y)),
    )


def _checked_index(index: Any) -> Any:
    """Return an index of one entry; NumPy takes a mask as an array only."""
    if isinstance(index, tuple):
        if len(index) > 1:
            raise IndexError(at_user_line(f"{len(index)} indices into x.flat, which has one axis"))
        (index,) = index
    if index is None:
        raise IndexError(at_user_line("x.flat[None]: x.flat takes numbers, slices and arrays"))
    if isinstance(index, list) and index and np.asarray(index).dtype == bool:
        raise IndexError(at_user_line("a mask for x.flat is an array, and no list"))
    return index


def refuse_overlap(target: ArrayTracer, value: Any) -> None:
    """Raise if NumPy would read values that it has just written."""
    if isinstance(value, ArrayTracer) and memory_owner(value) is memory_owner(target):
        raise UnsupportedError(
            at_user_line(
                "entries of an array are written into the same array, one after the other, so that "
                "NumPy may read what it has just written: write a copy of them"
            )
        )


def write_flat(target: ArrayTracer, index: Any, value: Any) -> None:
    """Implement `target.flat[index] = value`: the values are taken again and again if too few."""
    new = node_of(nested(value), target.dtype)
    flat = reshape(target.node, shape=(target.size,))
    if is_abstract_mask(index):
        if int(np.prod(new.shape)) != 1:
            raise AbstractValueError(
                at_user_line("under jit x.flat[mask] takes one number: use np.where or np.place")
            )
        entries = ArrayTracer(flat)
        entries[index] = ArrayTracer(reshape(new, shape=()))
        target.rebind(reshape(entries.node, shape=target.shape))
        return
    parsed = parse_index(flat.shape, index)
    shape = parsed.read(flat).shape
    if 0 in new.shape and shape:
        return
    values = cycled(as_dtype(new, target.dtype), shape)
    target.rebind(reshape(parsed.write(flat, values), shape=target.shape))


def cycled(values: Node, shape: tuple[int, ...]) -> Node:
    """Return the values in another shape, taken again from the first one on if they are few."""
    count, wanted = int(np.prod(values.shape)), int(np.prod(shape))
    if not shape and count != 1:
        raise ValueError(at_user_line(f"{count} values for one entry of x.flat"))
    if count == wanted:
        return reshape(values, shape=shape)  # type: ignore[no-any-return]
    flat = reshape(values, shape=(count,))
    return gather(flat, (np.arange(wanted) % count).reshape(shape), pattern=(0,))  # type: ignore[no-any-return]


def _get_flat(x: Tracer) -> FlatIterator:
    if not isinstance(x, ArrayTracer):
        x = ArrayTracer(x.node)
    return FlatIterator(x)


def _set_flat(x: Tracer, value: Any) -> None:
    if not isinstance(x, ArrayTracer):
        raise UnsupportedError(at_user_line("x.flat = ... of a number"))
    if value is not x:
        refuse_overlap(x, value)
    write_flat(x, ..., value)


def _install() -> None:
    Tracer.flat = property(_get_flat, _set_flat, doc="All entries in a row.")  # type: ignore[attr-defined]


_install()
